"""Our side of a run: the extension installed and created, and the role that the gateway uses."""

import os
import subprocess

from . import settings

GATEWAY_ROLE = "bench_gateway"


def cores():
    return len(os.sched_getaffinity(0))


def install():
    """Installs what the checkout has built, if the server's installation differs from it."""
    if not settings.GATEWAY.exists() or not (settings.ROOT / "latchkey.so").exists():
        raise SystemExit("nothing built: run 'make world' first")
    script = '. "$0"/scripts/lib.sh && if install_extension; then echo "installed the extension"; fi'
    done = subprocess.run(["bash", "-c", script, str(settings.ROOT)], check=False)
    if done.returncode != 0:
        raise SystemExit("the extension could not be installed")


def create_extension(cluster, database=None):
    """CREATE EXTENSION in a database; the gateway's role exists once for all databases."""
    cluster.sql("SET client_min_messages = warning; CREATE EXTENSION latchkey CASCADE", database)
    cluster.sql(f"""
        SELECT 'CREATE ROLE {GATEWAY_ROLE} LOGIN IN ROLE latchkey_gateway'
        WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{GATEWAY_ROLE}') \\gexec
    """, database)


def gateway_environment(cluster):
    """The gateway's address and database; everything else stays at its default."""
    url = f"host={cluster.root} port={cluster.port} dbname={cluster.database} user={GATEWAY_ROLE}"
    return {"LATCHKEY_HOST": "127.0.0.1", "LATCHKEY_DATABASE_URL": url}
