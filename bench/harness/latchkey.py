"""Our side of a run: the extension installed and created, and the roles that use it."""

import os
import subprocess

from . import settings

GATEWAY_ROLE = "bench_gateway"
APP_ROLE = "bench_app"
ADMIN_ROLE = "bench_admin"
WORKER_ROLE = "bench_worker"
LOGINS = {
    GATEWAY_ROLE: "latchkey_gateway",
    APP_ROLE: "latchkey_app",
    ADMIN_ROLE: "latchkey_admin",
    WORKER_ROLE: "latchkey_worker",
}


def cores():
    return len(os.sched_getaffinity(0))


BUILD_AND_INSTALL = """
. "$0"/scripts/lib.sh
make -s -C "$ROOT" world >&2 || die "the build failed."
if install_extension; then say "Installed the extension."; fi
"""


def install():
    """Builds the checkout, and installs it if the server's installation differs from it."""
    command = ["bash", "-c", BUILD_AND_INSTALL, str(settings.ROOT)]
    if subprocess.run(command, check=False).returncode != 0:
        raise SystemExit("the extension could not be built and installed")


def create_extension(cluster, database=None):
    """CREATE EXTENSION in a database; the roles exist once for all databases."""
    cluster.sql("SET client_min_messages = warning; CREATE EXTENSION latchkey CASCADE", database)
    for role, group in LOGINS.items():
        cluster.sql(f"""
            SELECT 'CREATE ROLE {role} LOGIN IN ROLE {group}'
            WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') \\gexec
        """, database)


def gateway_environment(cluster):
    """The gateway's address and database; everything else stays at its default."""
    url = f"host={cluster.root} port={cluster.port} dbname={cluster.database} user={GATEWAY_ROLE}"
    return {"LATCHKEY_HOST": "127.0.0.1", "LATCHKEY_DATABASE_URL": url}
