"""Tenants with databases of their own for the tests: made on the test cluster, with a template installed."""
import os
import subprocess
import time
import urllib.parse

from harness import ADMIN_URL, BINARY, PASSWORD, new_email, sql

WORKER_URL = os.environ.get("LATCHKEY_TEST_WORKER_URL", "")
TEMPLATES = os.path.join(os.path.dirname(__file__), "..", "..", "sql", "templates")


def socket_of():
    return urllib.parse.parse_qs(urllib.parse.urlsplit(ADMIN_URL).query)["host"][0]


def url_of(database):
    return f"host={socket_of()} dbname={database} user=postgres"


def there(database, statement):
    """Runs SQL in a tenant's database."""
    done = subprocess.run(["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", url_of(database), "-c", statement],
                          capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    return done.stdout.strip()


def new_user(name="Ann"):
    """A user of the main database; returns email and id."""
    email = new_email()
    return email, sql(f"SELECT id FROM latchkey.register_user('{email}', '{PASSWORD}', '{name}')")


def connect(tenant, template, host, database, port=5432, user="postgres"):
    """Gives the tenant a database, which is ready at once."""
    sql(f"SELECT latchkey.connect_database('{tenant}', jsonb_build_object('host', '{host}', 'port', {port}, "
        f"'database', '{database}', 'user', '{user}'), '{template}')")
    sql(f"SELECT latchkey.cancel_job(account_id, id) FROM latchkey.jobs WHERE account_id = '{tenant}' "
        "AND type = 'latchkey.provision_tenant'")
    sql(f"SELECT latchkey.finish_provisioning('{tenant}', '0001')")


class Shop:
    """A tenant with an owner, staff and a customer, and a database with a template."""

    def __init__(self, template, slug):
        self.template = template
        self.slug = f"{slug}-{os.getpid()}-{time.time_ns() % 1000000}"
        self.database = "t_" + self.slug.replace("-", "_")
        sql(f"CREATE DATABASE {self.database}")
        subprocess.run([BINARY, "--templates", TEMPLATES, "install-template", template,
                        url_of(self.database)], check=True, capture_output=True)
        self.users = {"owner": new_user("Owner")}
        self.id = sql(f"SELECT id FROM latchkey.create_tenant('{self.users['owner'][1]}', 'Shop', '{self.slug}', 'store')")
        for role in ("staff", "customer"):
            self.users[role] = new_user(role.title())
            sql(f"SELECT latchkey.grant_role('{self.users[role][1]}', '{role}', '{self.id}')")
        connect(self.id, template, socket_of(), self.database)
        self.sync()

    def sync(self):
        """What the worker does, without one: so that a test need not wait for it."""
        for line in sql("SELECT concat_ws('|', user_id, email, coalesce(name, ''), role, status, version) "
                        f"FROM latchkey.pending_tenant_users('{self.id}')").splitlines():
            user, email, name, role, status, version = line.split("|")
            there(self.database, f"SELECT {self.template}.sync_user('{user}', '{email}', '{name}', '{role}', "
                                 f"'{status}', {version})")
            sql(f"SELECT latchkey.record_tenant_users('{self.id}', '{{{user}}}', '{{{version}}}')")

    def token(self, gateway, role="owner"):
        answer = gateway.post("/api/auth/login", {"email": self.users[role][0], "password": PASSWORD,
                                                  "tenant": self.slug})
        assert answer.status == 200, answer.body
        return answer.json["token"]

    def drop(self):
        sql(f"SELECT count(latchkey.cancel_job(account_id, id)) FROM latchkey.jobs WHERE account_id = '{self.id}'")
        sql(f"DROP DATABASE IF EXISTS {self.database} WITH (FORCE)")
