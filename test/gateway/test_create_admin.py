"""latchkey-gateway create-admin: the password is asked for on a terminal without echo, or read from a pipe."""
import fcntl
import os
import pty
import select
import signal
import subprocess
import termios
import time
import unittest

from harness import ADMIN_URL, BINARY, DATABASE_URL, PASSWORD, GatewayTest, new_email, sql

SECRET = "a secret of the first one"


def take_terminal():
    """In the child: standard input becomes its controlling terminal, which turns ^C into a signal."""
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


class Terminal:
    """The command on a pseudo-terminal of its own."""

    def __init__(self, *arguments):
        self.master, slave = pty.openpty()
        self.before = termios.tcgetattr(slave)
        self.slave = slave
        self.process = subprocess.Popen([BINARY, "create-admin", *arguments, "--database-url", ADMIN_URL],
                                        stdin=slave, stdout=slave, stderr=slave, preexec_fn=take_terminal)
        self.output = ""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.slave)
        os.close(self.master)

    def read_some(self, timeout):
        ready, _, _ = select.select([self.master], [], [], timeout)
        if ready:
            self.output += os.read(self.master, 4096).decode()
        return bool(ready)

    def expect(self, text):
        """Waits for a prompt; the echo is off before it is written."""
        end = time.monotonic() + 20
        while text not in self.output:
            if time.monotonic() > end or (not self.read_some(0.2) and self.process.poll() is not None):
                raise AssertionError(f"no {text!r} in {self.output!r}")

    def type(self, text):
        os.write(self.master, text.encode() if isinstance(text, str) else text)

    def echoes(self):
        return bool(termios.tcgetattr(self.slave)[3] & termios.ECHO)

    def end(self):
        code = self.process.wait(30)
        while self.read_some(0.1):
            pass
        return code


class CreateAdminTest(GatewayTest):

    def setUp(self):
        self.email = new_email()
        self.addCleanup(sql, "DELETE FROM latchkey.role_grants")

    def roles(self, email=None):
        return sql(f"SELECT string_agg(r.role, ' ') FROM latchkey.find_user('{email or self.email}') AS u, "
                   "latchkey.roles_of(u.id) AS r")

    def run_piped(self, *arguments, typed=b"", url=ADMIN_URL):
        return subprocess.run([BINARY, "create-admin", *arguments, "--database-url", url], input=typed,
                              capture_output=True, check=False, timeout=60)

    def refused(self, done, part, code=1):
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertIn(part, done.stderr.decode())
        self.assertEqual(done.stdout, b"")

    def test_nothing_is_echoed(self):
        with Terminal(self.email, "--name", "Zoë") as terminal:
            terminal.expect("Password: ")
            self.assertFalse(terminal.echoes())
            with open(f"/proc/{terminal.process.pid}/cmdline", "rb") as file:
                self.assertNotIn(SECRET.encode(), file.read())
            terminal.type(SECRET + "\n")
            terminal.expect("The same again: ")
            self.assertFalse(terminal.echoes())
            terminal.type(SECRET + "\n")
            self.assertEqual(terminal.end(), 0, terminal.output)
            self.assertIn(f"{self.email} is an administrator now", terminal.output)
            self.assertNotIn("secret", terminal.output)
            self.assertEqual(termios.tcgetattr(terminal.slave), terminal.before)
        self.assertEqual(self.roles(), "admin")
        answer = self.gateway.post("/api/auth/login", {"email": self.email, "password": SECRET})
        self.assertEqual((answer.status, answer.json["user"]["name"]), (200, "Zoë"))
        self.assertTrue(answer.json["user"]["email_verified"])
        self.assertEqual(self.gateway.get("/api/roles", answer.json["token"]).status, 200)

    def test_two_that_differ(self):
        with Terminal(self.email) as terminal:
            terminal.expect("Password: ")
            terminal.type(SECRET + "\n")
            terminal.expect("again: ")
            terminal.type(SECRET + "x\n")
            self.assertEqual(terminal.end(), 1)
            self.assertIn("the two passwords differ", terminal.output)
            self.assertNotIn("secret", terminal.output)
        self.assertEqual(self.roles(), "")

    def test_the_terminal_is_given_back(self):
        """Whatever ends the program while it asks: the keyboard's interrupt and quit, kill, hanging up, the input's end."""
        for typed, number in ((b"\x03", signal.SIGINT), (b"\x1c", signal.SIGQUIT), (None, signal.SIGTERM),
                              (None, signal.SIGHUP), (b"\x04", None)):
            with Terminal(self.email) as terminal:
                terminal.expect("Password: ")
                terminal.type("half a secret")
                time.sleep(0.05)
                if typed == b"\x04":
                    terminal.type(b"\x15")  # take it back: an end of input counts at a line's beginning only
                if typed:
                    terminal.type(typed)
                else:
                    terminal.process.send_signal(number)
                self.assertEqual(terminal.end(), -number if number else 1, terminal.output)
                self.assertEqual(termios.tcgetattr(terminal.slave), terminal.before, number)
                self.assertNotIn("secret", terminal.output)
        self.assertEqual(self.roles(), "")

    def test_stopped_and_continued(self):
        with Terminal(self.email) as terminal:
            terminal.expect("Password: ")
            terminal.type("half a secret")
            terminal.process.send_signal(signal.SIGTSTP)
            # The process group is orphaned, which such a signal does not stop; what is under test is what comes
            # after it: the half line is forgotten, and the password asked for again, without echo.
            terminal.expect("Password: \r\nPassword: ")
            self.assertFalse(terminal.echoes())
            terminal.type(SECRET + "\n")
            terminal.expect("again: ")
            terminal.type(SECRET + "\n")
            self.assertEqual(terminal.end(), 0, terminal.output)
            self.assertNotIn("secret", terminal.output)
        self.assertEqual(self.roles(), "admin")

    def test_from_a_pipe(self):
        done = self.run_piped(self.email, typed=SECRET.encode() + b"\nwhat follows is not read\n")
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.assertEqual(done.stdout.decode(), f"{self.email} is an administrator now\n")
        answer = self.gateway.post("/api/auth/login", {"email": self.email, "password": SECRET})
        self.assertEqual(answer.status, 200)
        other = new_email()
        self.assertEqual(self.run_piped(other, typed=SECRET.encode()).returncode, 0)  # without an end of line
        self.assertEqual(self.roles(other), "admin")

    def test_bad_passwords(self):
        for typed, part in ((b"", "the input has ended"), (b"\n", "the line is empty"), (b"short\n", "shorter than 8"),
                            (b"x" * 1025 + b"\n", "longer than 1024 bytes"), (b"y" * 100000, "longer than 1024 bytes"),
                            (b"secret\xff\xfe123\n", "not text in UTF-8"), (b"secret\0secret\n", "not text in UTF-8")):
            done = self.run_piped(self.email, typed=typed)
            self.refused(done, part)
            self.assertNotIn(b"secret", done.stderr)
        self.assertEqual(self.roles(), "")
        self.assertEqual(self.run_piped(self.email, typed=b"z" * 1024 + b"\n").returncode, 0)

    def test_somebody_who_exists(self):
        self.gateway.register(email=self.email)
        self.refused(self.run_piped(self.email, typed=SECRET.encode() + b"\n"), "--promote")
        self.refused(self.run_piped(self.email, "--promote"), "is not confirmed")
        sql(f"UPDATE latchkey.users SET email_verified_at = now() WHERE email = '{self.email}'")
        for answer, code in (("\n", 1), ("n\n", 1), ("Y\n", 1), ("\x04", 1), ("y\n", 0)):
            with Terminal(self.email) as terminal:
                terminal.expect("[y/N] ")
                self.assertTrue(terminal.echoes())
                terminal.type(answer)
                self.assertEqual(terminal.end(), code, terminal.output)
                self.assertNotIn("Password", terminal.output)
            self.assertEqual(self.roles(), "" if code else "admin")
        other = new_email()
        self.gateway.register(email=other)
        sql(f"UPDATE latchkey.users SET email_verified_at = now() WHERE email = '{other}'")
        self.assertEqual(self.run_piped(other.upper(), "--promote").returncode, 0)
        self.assertEqual(self.roles(other), "admin")
        # Their password is the one that they had.
        self.assertEqual(self.gateway.post("/api/auth/login", {"email": other, "password": PASSWORD}).status, 200)

    def test_errors(self):
        self.refused(self.run_piped(self.email, "--promote"), "there is no user")
        self.refused(self.run_piped("no address", typed=SECRET.encode()), "email must contain")
        self.refused(self.run_piped(self.email, typed=SECRET.encode(), url=DATABASE_URL), "latchkey_admin")
        self.refused(self.run_piped(self.email, typed=SECRET.encode(), url="host=/nowhere dbname=x"), "")
        self.refused(self.run_piped(self.email, typed=SECRET.encode(), url="postgresql://u:pw@[x"), "the database URL")
        for arguments in ((), (self.email, self.email), ("--name", "X"), (self.email, "--promote", "--name", "X"),
                          (self.email, "--promote", "x")):
            self.refused(self.run_piped(*arguments), "latchkey-gateway: ", 2)
        for flag in ("--password", "--name"):
            self.assertEqual(self.run_piped(self.email, flag).returncode, 2)
        self.assertIn("create-admin EMAIL", subprocess.run([BINARY, "--help"], capture_output=True, text=True,
                                                           check=True).stdout)


if __name__ == "__main__":
    unittest.main()
