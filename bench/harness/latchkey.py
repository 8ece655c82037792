"""Our side of a run: the extension installed and created, and the role that the gateway uses."""

import os
import subprocess

from . import settings

GATEWAY_ROLE = "bench_gateway"


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
