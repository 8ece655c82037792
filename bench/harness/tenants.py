"""Tenants with hostnames in a database of its own, and databases made for some of them by our worker."""

import os
import subprocess
import time

from . import cluster, latchkey, seed, servers, settings

DATABASE = "bench_tenants"
TEMPLATES = settings.ROOT / "sql" / "templates"
MAKER = "bench_maker"
PROVISIONING_SECS = 20  # for each tenant at most
PRODUCTS = 10
RELOAD_SECS = 0.5

# Tenants' roles show their passwords, as they do to a server of one's own.
HBA = """local all postgres,{roles} trust
host all postgres,{roles} 127.0.0.1/32 trust
local all all {method}
"""


def url(bench, role):
    return f"host={bench.cluster.root} port={bench.cluster.port} dbname={DATABASE} user={role}"


def sql(bench, text):
    return bench.cluster.sql(text, DATABASE)


def register(bench, count):
    """`count` tenants, tenant-1 … of users u1 …, each with an own, verified hostname."""
    bench.cluster.sql(f"CREATE DATABASE {DATABASE}")
    latchkey.create_extension(bench.cluster, DATABASE)
    seed.create_users(bench, count, DATABASE)
    bench.cluster.script("tenants.sql", DATABASE, tenants=count)
    add_hostnames(bench, 1)


def add_hostnames(bench, each):
    """As many verified hostnames for each tenant; bench_hosts numbers all, bench_host_keys is a plain table of the same."""
    bench.cluster.script("tenant_hostnames.sql", DATABASE, each=each)


def ask_passwords(bench, asks=True):
    """Of the tenants' roles."""
    roles = ",".join([*latchkey.LOGINS, MAKER])
    text = HBA.format(roles=roles, method="scram-sha-256" if asks else "trust")
    (bench.cluster.data / "pg_hba.conf").write_text(text)
    bench.cluster.sql("SELECT pg_reload_conf()")
    time.sleep(RELOAD_SECS)


def provision(bench, count):
    """Has databases made for the first `count` tenants, and returns the seconds that it took."""
    private = bench.cluster
    ask_passwords(bench)
    private.sql(f"CREATE ROLE {MAKER} LOGIN CREATEDB CREATEROLE")
    server = f"'host', '{private.root}', 'port', {private.port}, 'database', 'postgres', 'user', '{MAKER}'"
    sql(bench, f"SELECT latchkey.register_server('bench', jsonb_build_object({server}))")
    sql(bench, "SELECT count(latchkey.provision_tenant(id, 'pos', 'bench')) FROM latchkey.tenants "
               f"WHERE substr(slug, 8)::int <= {count}")
    began = time.monotonic()
    with worker(bench):
        while ready(bench) < count:
            if time.monotonic() - began > PROVISIONING_SECS * count:
                raise SystemExit(f"{ready(bench)} of {count} tenants are ready, see {bench.report.folder}/worker.log")
            time.sleep(0.1)
        taken = time.monotonic() - began
    for database in sql(bench, "SELECT connection ->> 'database' FROM latchkey.tenant_connections(NULL, 1000)").split():
        private.sql("INSERT INTO pos.products (title, sku, price_cents) SELECT 'Product ' || i, 'sku' || i, i "
                          f"FROM generate_series(1, {PRODUCTS}) AS i; ANALYZE", database)
    return taken


def ready(bench):
    return int(sql(bench, "SELECT count(*) FROM latchkey.tenant_databases WHERE status = 'ready'"))


class worker:
    """Our worker with its defaults, until the block ends."""

    def __init__(self, bench):
        self.bench = bench

    def __enter__(self):
        environment = {**os.environ, "LATCHKEY_WORKER_DATABASE_URL": url(self.bench, latchkey.WORKER_ROLE),
                       "LATCHKEY_TEMPLATES": str(TEMPLATES)}
        with (self.bench.report.folder / "worker.log").open("ab") as output:
            self.process = subprocess.Popen([str(settings.GATEWAY), "work"], env=environment, stdin=subprocess.DEVNULL,
                                            stdout=output, stderr=output)
        return self

    def __exit__(self, *_):
        servers.stop(self.process)


def tokens(bench, count):
    """Of the owners of the first `count` tenants, each for their tenant: in a file, one on a line."""
    path = bench.scratch / f"tenants-{count}.tokens"
    told = sql(bench, f"SELECT (latchkey.login('u' || i || '@example.org', '{settings.PASSWORD}', 'tenant-' || i)).token "
                      f"FROM generate_series(1, {count}) AS i")
    if len(told.split()) != count:
        raise SystemExit("not every owner could log in to their tenant")
    path.write_text(told + "\n")
    return path


def gateway(bench, **variables):
    return servers.gateway(bench, LATCHKEY_DATABASE_URL=url(bench, latchkey.GATEWAY_ROLE),
                           LATCHKEY_WORKER_DATABASE_URL=url(bench, latchkey.WORKER_ROLE), **variables)


class ConnectionCount:
    """The most connections to tenants' databases that the server has seen at once while the block runs."""

    QUESTION = "SELECT count(*) FROM pg_stat_activity WHERE datname LIKE 'tenant%' AND application_name = 'latchkey-gateway' \\watch 0.05\n"

    def __init__(self, bench):
        self.bench = bench
        self.most = 0

    def __enter__(self):
        command = [cluster.pg_program("psql"), "-X", "-q", "-A", "-t"]
        self.process_ = subprocess.Popen(command, env=self.bench.cluster.environment("postgres"), text=True,
                                         stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.process_.stdin.write(self.QUESTION)
        self.process_.stdin.flush()
        return self

    def __exit__(self, *_):
        self.process_.terminate()
        told, _ = self.process_.communicate()
        counts = [int(line) for line in told.split() if line.isdigit()]
        if not counts:
            raise SystemExit("connections could not be counted")
        self.most = max(counts)
