"""A private throw-away PostgreSQL cluster with the extension loaded."""

import contextlib
import os
import pathlib
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile

from . import settings

CONFIGURATION = """
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = '{root}'
max_connections = 200
shared_buffers = 512MB
maintenance_work_mem = 512MB
fsync = on
synchronous_commit = on
max_wal_size = 4GB
checkpoint_timeout = 15min
autovacuum = off
logging_collector = off
latchkey.master_key_file = '{root}/master.key'
"""
# Autovacuum is off so that none of its runs falls into one side's measurement: the figures
# vacuum what they have loaded themselves.


def free_port():
    """A TCP port of 127.0.0.1 that nobody uses at this moment."""
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def pg_program(name):
    """The path of a PostgreSQL program of the installation that pg_config names."""
    config = os.environ.get("PG_CONFIG", "pg_config")
    folder = subprocess.run([config, "--bindir"], check=True, capture_output=True, text=True)
    return str(pathlib.Path(folder.stdout.strip()) / name)


class Cluster:
    """Created by start(), removed with all its data by stop(); a context manager does both."""

    database = "bench"
    superuser = "postgres"

    def __init__(self):
        self.port = free_port()
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="latchkey-bench-"))
        self.data = self.root / "data"
        self.pid = None

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()

    def as_server_user_(self, *command):
        """PostgreSQL refuses to run as root, so root becomes the user postgres for its programs."""
        if os.geteuid() == 0:
            command = ("runuser", "-u", "postgres", "--", *command)
        done = subprocess.run(command, cwd=self.root, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")

    def start(self):
        key_file = self.root / "master.key"
        key_file.touch(mode=0o600)
        key_file.write_text(secrets.token_hex(32) + "\n")
        if os.geteuid() == 0:
            owner = pwd.getpwnam("postgres")
            for path in (self.root, key_file):
                os.chown(path, owner.pw_uid, owner.pw_gid)
            self.root.chmod(0o711)
        initdb = (pg_program("initdb"), "-D", str(self.data), "-U", self.superuser)
        self.as_server_user_(*initdb, "-A", "trust", "--locale=C.UTF-8", "-E", "UTF8")
        with (self.data / "postgresql.conf").open("a") as file:
            file.write(CONFIGURATION.format(port=self.port, root=self.root))
        self.pg_ctl_("-l", str(self.root / "server.log"), "start")
        self.pid = int((self.data / "postmaster.pid").read_text().split("\n", 1)[0])
        self.sql(f"CREATE DATABASE {self.database}", database="postgres")

    def pg_ctl_(self, *arguments):
        self.as_server_user_(pg_program("pg_ctl"), "-D", str(self.data), "-w", *arguments)

    def stop(self):
        if (self.data / "postmaster.pid").exists():
            self.pg_ctl_("-m", "immediate", "stop")
        shutil.rmtree(self.root, ignore_errors=True)

    def environment(self, database=None, user=None):
        """What libpq and the node driver need to connect; the same transport for every side."""
        return dict(
            os.environ,
            PGHOST=str(self.root),
            PGPORT=str(self.port),
            PGUSER=user or self.superuser,
            PGDATABASE=database or self.database,
            PGOPTIONS="-c client_min_messages=warning",
        )

    def psql_(self, arguments, text, database):
        command = [pg_program("psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", *arguments]
        done = subprocess.run(
            command, input=text, env=self.environment(database), capture_output=True, text=True,
            check=False,
        )
        if done.returncode != 0:
            raise SystemExit(f"psql failed: {done.stderr}")
        return done.stdout

    def sql(self, text, database=None):
        """Runs statements as superuser, one transaction each, and returns unaligned rows."""
        return self.psql_([], text, database).strip()

    def script(self, name, database=None, **variables):
        """Runs a file of bench/sql with psql variables."""
        arguments = [f"--set={key}={value}" for key, value in variables.items()]
        self.psql_([*arguments, "-f", str(settings.BENCH / "sql" / name)], "", database)

    def file(self, path, database=None):
        """Runs a file of somebody else's."""
        self.psql_(["-f", str(path)], "", database)

    def settle(self):
        """A checkpoint before a measurement, so that none of the loading is written during it."""
        self.sql("CHECKPOINT")
