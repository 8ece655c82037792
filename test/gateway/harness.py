"""Starts the real gateway binary for the tests and speaks HTTP to it, over plain sockets.

Environment: LATCHKEY_GATEWAY (the binary), LATCHKEY_TEST_DATABASE_URL (a role that has
latchkey_gateway), LATCHKEY_TEST_ADMIN_URL (a superuser of the same database).
"""
import itertools
import json
import os
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest

BINARY = os.environ.get("LATCHKEY_GATEWAY", "build/latchkey-gateway")
DATABASE_URL = os.environ.get("LATCHKEY_TEST_DATABASE_URL", "")
ADMIN_URL = os.environ.get("LATCHKEY_TEST_ADMIN_URL", "")
PASSWORD = "correct horse battery"
JSON = {"Content-Type": "application/json"}

_numbers = itertools.count()


def sql(statement):
    """Runs SQL as the superuser; returns the output as text, without decoration."""
    done = subprocess.run(["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", ADMIN_URL, "-c", statement],
                          capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    return done.stdout.strip()


def new_email():
    return f"t{os.getpid()}.{time.time_ns()}.{next(_numbers)}@example.com"


def new_tenant(name="A shop"):
    """A tenant, whose owner nobody else is: its id."""
    return sql("SELECT t.id FROM latchkey.register_user(gen_random_uuid() || '@example.com') AS u, "
               f"LATERAL latchkey.create_tenant(u.id, '{name}') AS t")


class Answer:
    """A parsed response."""

    def __init__(self, raw):
        head, _, self.body = raw.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        self.status = int(lines[0].split()[1])
        self.headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            self.headers[name.lower()] = value.strip()

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def code(self):
        return self.json["code"]


def read_answer(sock, without_body=False, buffer=None):
    """Reads one response; what follows it stays in `buffer` (a bytearray)."""
    data = buffer if buffer is not None else bytearray()
    while b"\r\n\r\n" not in data:
        chunk = sock.recv(65536)
        if not chunk:
            if data:
                break
            raise ConnectionError("closed without an answer")
        data += chunk
    end = data.index(b"\r\n\r\n") + 4
    length = 0
    for line in bytes(data[:end]).split(b"\r\n"):
        if line.lower().startswith(b"content-length:") and not without_body:
            length = int(line.split(b":")[1])
    while len(data) < end + length:
        chunk = sock.recv(65536)
        if not chunk:
            break
        data += chunk
    raw = bytes(data[:end + length])
    del data[:end + length]
    return Answer(raw)


class Gateway:
    """One running gateway."""

    def __init__(self, *flags, database_url=None, environment=None):
        command = [BINARY, "--port", "0", "--database-url", database_url or DATABASE_URL, *flags]
        self.lines = []
        self.port = None
        self._ready = threading.Event()
        clean = {k: v for k, v in os.environ.items() if not k.startswith("LATCHKEY_")}
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                        env={**clean, **(environment or {})})
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        if not self._ready.wait(10) or self.port is None:
            self.stop()
            raise RuntimeError("the gateway did not start: " + "\n".join(self.lines))

    def _read(self):
        for raw in self.process.stdout:
            line = raw.decode("utf-8", "replace").rstrip("\n")
            self.lines.append(line)
            if '"event":"listening"' in line:
                self.port = int(json.loads(line)["port"])
                self._ready.set()
        self._ready.set()

    def stop(self):
        """Asks it to stop, and returns the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()
        finally:
            self._reader.join(5)
            self.process.stdout.close()

    def log_of(self, request_id):
        """The log line of a request; the log is written a moment after the answer."""
        for _ in range(100):
            for line in list(self.lines):
                if f'"request_id":"{request_id}"' in line and '"status"' in line:
                    return json.loads(line)
            time.sleep(0.02)
        raise AssertionError("no log line for " + request_id)

    def connect(self, timeout=15):
        sock = socket.create_connection(("127.0.0.1", self.port), timeout=timeout)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return sock

    def raw(self, data, timeout=15):
        """Sends bytes, ends our side, and returns everything that comes back."""
        with self.connect(timeout) as sock:
            try:
                sock.sendall(data)
                sock.shutdown(socket.SHUT_WR)
            except OSError:
                pass  # it may have refused us already
            received = b""
            try:
                while chunk := sock.recv(65536):
                    received += chunk
            except ConnectionResetError:
                pass
            return received

    def request(self, method, path, body=None, token=None, headers=None):
        """One request on a connection of its own. `body`: a dict becomes JSON, bytes go as they are."""
        fields = {"Host": "localhost", **(headers or {})}
        if isinstance(body, (dict, list)):
            body = json.dumps(body).encode()
        if body is not None:
            fields.setdefault("Content-Type", "application/json")
            fields["Content-Length"] = str(len(body))
        if token is not None:
            fields["Authorization"] = "Bearer " + token
        head = f"{method} {path} HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in fields.items())
        with self.connect() as sock:
            sock.sendall(head.encode("latin-1") + b"\r\n" + (body or b""))
            return read_answer(sock, without_body=method == "HEAD")

    def get(self, path, token=None, **headers):
        return self.request("GET", path, token=token, headers=headers)

    def post(self, path, body=None, token=None, headers=None):
        return self.request("POST", path, body, token, headers)

    def register(self, **fields):
        """A new user; returns email, token and id."""
        email = fields.pop("email", None) or new_email()
        answer = self.post("/api/auth/register",
                           {"email": email, "password": PASSWORD, "name": "Ann", **fields})
        assert answer.status == 200, answer.body
        return email, answer.json["token"], answer.json["user"]["id"]


class GatewayTest(unittest.TestCase):
    """A test case with one gateway for all its tests."""

    flags = ()

    @classmethod
    def setUpClass(cls):
        cls.gateway = Gateway(*cls.flags)

    @classmethod
    def tearDownClass(cls):
        code = cls.gateway.stop()
        if code != 0:
            raise AssertionError(f"the gateway ended with {code}")

    def assert_problem(self, answer, status, code, part=None):
        """The answer is a complete problem document."""
        self.assertEqual((answer.status, answer.code), (status, code), answer.body)
        self.assertEqual(answer.headers["content-type"], "application/problem+json")
        problem = answer.json
        for name in ("type", "title", "status", "detail", "code", "request_id", "success", "message"):
            self.assertIn(name, problem)
        self.assertIs(problem["success"], False)
        self.assertEqual(problem["status"], status)
        self.assertEqual(problem["request_id"], answer.headers["x-request-id"])
        if part is not None:
            self.assertIn(part, problem["detail"])


class AdminTest(GatewayTest):
    """With a platform's administrator, who is none any more afterwards: other tests count them."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        _, cls.admin, cls.admin_id = cls.gateway.register()
        sql(f"SELECT latchkey.grant_role('{cls.admin_id}', 'admin')")

    @classmethod
    def tearDownClass(cls):
        sql(f"DELETE FROM latchkey.role_grants WHERE user_id = '{cls.admin_id}'")
        super().tearDownClass()


class Folder:
    """A temporary folder as a context manager that gives paths."""

    def __enter__(self):
        self._folder = tempfile.TemporaryDirectory()
        return self

    def __exit__(self, *_):
        self._folder.cleanup()

    def path(self, name):
        return os.path.join(self._folder.name, name)
