"""Server-sent events of a job: what a client sees, how it goes on, and when the stream ends."""
import json
import os
import re
import signal
import socket
import subprocess
import time

from harness import Gateway, GatewayTest, sql

PLATFORM = "00000000-0000-0000-0000-000000000000"


def new_job(account):
    """A job of the account that is being processed: its id and lease token."""
    job_type = f"stream{os.getpid()}-{time.time_ns()}"
    job = sql(f"SELECT id FROM latchkey.enqueue_job('{job_type}', '{{\"n\": 1}}', '{account}')")
    return job, sql(f"SELECT lease_token FROM latchkey.claim_jobs('{{{job_type}}}', 'test')")


def report(account, job, lease, processed, result="NULL"):
    sql(f"SELECT latchkey.report_progress('{account}', '{job}', '{lease}', {processed}, 10, result => {result})")


class Stream:
    """An open stream: its head, and its events as they come."""

    def __init__(self, port, target, token, headers=""):
        self.socket = socket.create_connection(("127.0.0.1", port), 20)
        self.socket.sendall(f"GET {target} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n{headers}\r\n".encode())
        self.file = self.socket.makefile("rb")
        self.head = b"".join(iter(self.file.readline, b"\r\n")).decode()
        self.status = int(self.head.split()[1])

    def event(self):
        """(event, id, data) of the next event; None at the end."""
        fields = {}
        for line in self.file:
            line = line.decode().rstrip("\n")
            if line:
                name, _, value = line.partition(": ")
                fields[name] = value
            elif "event" in fields:
                return fields["event"], fields.get("id"), json.loads(fields["data"])
            else:
                fields = {}
        return None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()
        self.socket.close()


class JobStreamsTest(GatewayTest):
    flags = ("--stream-interval-ms", "200", "--max-streams", "30")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        _, cls.token, cls.user = cls.gateway.register()

    def stream(self, job, token=None, query="", headers=""):
        return Stream(self.gateway.port, f"/api/jobs/{job}/events{query}", token or self.token, headers)

    def metric(self, name):
        return float(re.search(rf"^{name} (\S+)$", self.gateway.get("/metrics").body.decode(), re.M).group(1))

    def await_streams(self, count):
        for _ in range(100):
            if (seen := self.metric("latchkey_job_streams")) == count:
                return
            time.sleep(0.05)
        self.fail(f"{seen} streams are open, not {count}")

    def test_a_job_is_followed_to_its_end(self):
        job, lease = new_job(self.user)
        with self.stream(job) as stream:
            self.assertEqual(stream.status, 200)
            self.assertIn("Content-Type: text/event-stream\r\n", stream.head)
            self.assertIn("Cache-Control: no-store\r\n", stream.head)
            self.assertNotIn("Content-Length", stream.head)
            name, _, data = stream.event()
            self.assertEqual((name, data["status"], data["progress"]), ("state", "processing", 0))
            self.assertNotIn("payload", data)
            report(self.user, job, lease, 3, "'{\"found\": 1}'")
            name, number, data = stream.event()
            self.assertEqual((name, number, data["result"]), ("result", "1", {"found": 1}))
            name, _, data = stream.event()
            self.assertEqual((name, data["progress"], data["processed"]), ("progress", 30, 3))
            report(self.user, job, lease, 10, "'2'")
            sql(f"SELECT latchkey.complete_job('{self.user}', '{job}', '{lease}', '{{\"all\": 2}}')")
            events = list(iter(stream.event, None))
            self.assertEqual([e[0] for e in events if e[0] != "progress"], ["result", "end"])
            self.assertEqual((events[-1][2]["status"], events[-1][2]["result"]), ("completed", {"all": 2}))
        self.await_streams(0)
        with self.stream(job) as stream:  # one that is over is told at once
            self.assertEqual([e[0] for e in iter(stream.event, None)], ["result", "result", "end"])

    def test_who_connects_again_goes_on(self):
        job, lease = new_job(self.user)
        for i in range(1, 6):
            report(self.user, job, lease, i, f"'{i}'")
        with self.stream(job, headers="Last-Event-ID: 3\r\n") as stream:
            self.assertEqual([stream.event()[1] for _ in range(2)], ["4", "5"])
        with self.stream(job, query="?after=4") as stream:
            self.assertEqual(stream.event()[1], "5")
        with self.stream(job, query="?after=1", headers="Last-Event-ID: 5\r\n") as stream:
            self.assertEqual(stream.event()[0], "state")
        with self.stream(job, headers="Last-Event-ID: what\r\n") as stream:
            self.assertEqual(stream.event()[1], "1")
        self.await_streams(0)

    def test_more_results_than_one_look_shows(self):
        job, lease = new_job(self.user)
        sql(f"SELECT count(latchkey.report_progress('{self.user}', '{job}', '{lease}', i, 500, result => to_jsonb(i))) "
            "FROM generate_series(1, 450) AS i")
        sql(f"SELECT latchkey.complete_job('{self.user}', '{job}', '{lease}')")
        with self.stream(job) as stream:
            events = list(iter(stream.event, None))
        self.assertEqual([e[1] for e in events[:-1]], [str(i) for i in range(1, 451)])
        self.assertEqual(events[-1][0], "end")

    def test_what_is_refused(self):
        job, _ = new_job(self.user)
        _, other, _ = self.gateway.register()
        for target, token, status in ((job, "x.y.z", 401), (job, other, 404), (PLATFORM, self.token, 404), ("x", self.token, 400)):
            with self.stream(target, token) as stream:
                self.assertEqual(stream.status, status)
                self.assertIn("application/problem+json", stream.head)
        with self.stream(job, other, f"?account_id={self.user}") as stream:
            self.assertEqual(stream.status, 403)

    def test_a_revoked_session_ends_it(self):
        _, token, user = self.gateway.register()
        job, _ = new_job(user)
        with self.stream(job, token) as stream:
            self.assertEqual(stream.event()[0], "state")
            sql(f"UPDATE latchkey.sessions SET revoked_at = now() WHERE user_id = '{user}'")
            self.assertEqual(stream.event(), ("error", None, {"code": "invalid_token"}))
            self.assertIsNone(stream.event())
        self.await_streams(0)

    def test_a_lost_permission_ends_it(self):
        _, token, reader = self.gateway.register()
        sql(f"SELECT latchkey.grant_role('{reader}', 'support')")
        job, _ = new_job(self.user)
        with self.stream(job, token, f"?account_id={self.user}") as stream:
            self.assertEqual(stream.event()[0], "state")
            sql(f"SELECT latchkey.revoke_role('{reader}', 'support')")
            self.assertEqual(stream.event(), ("error", None, {"code": "forbidden"}))

    def test_the_number_is_bounded_and_clients_that_go_are_forgotten(self):
        job, _ = new_job(self.user)
        streams = [self.stream(job) for _ in range(20)]
        self.assertEqual({s.status for s in streams}, {200})
        with self.stream(job) as one_more:  # of one token
            self.assertEqual(one_more.status, 503)
            self.assertIn("Retry-After:", one_more.head)
        _, other, other_id = self.gateway.register()
        theirs, _ = new_job(other_id)
        streams += [self.stream(theirs, other) for _ in range(10)]
        self.assertEqual({s.status for s in streams}, {200})
        _, third, third_id = self.gateway.register()
        with self.stream(new_job(third_id)[0], third) as one_more:  # of all together
            self.assertEqual(one_more.status, 503)
        self.assertEqual(self.metric("latchkey_job_streams"), 30)
        threads = self.gateway.process.pid
        self.assertLess(len(os.listdir(f"/proc/{threads}/task")), 60, "streams take no threads")
        for stream in streams:
            stream.__exit__()
        self.await_streams(0)

    def test_a_client_that_does_not_read_is_dropped(self):
        job, lease = new_job(self.user)
        with self.stream(job) as slow:
            slow.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            for i in range(30):
                report(self.user, job, lease, i, f"to_jsonb(repeat('x', 400000) || {i})")
            with self.stream(job) as quick:
                got = [quick.event()[0] for _ in range(30)]
            self.assertEqual(set(got), {"result"})
            for _ in range(400):  # the output deadline is 10 seconds
                if self.metric("latchkey_job_streams") == 0:
                    break
                time.sleep(0.1)
            self.assertEqual(self.metric("latchkey_job_streams"), 0)

    def test_a_stop_ends_streams_at_once(self):
        gateway = Gateway("--stream-interval-ms", "200")
        self.addCleanup(gateway.stop)
        job, _ = new_job(self.user)
        with Stream(gateway.port, f"/api/jobs/{job}/events", self.token) as stream:
            self.assertEqual(stream.event()[0], "state")
            began = time.monotonic()
            gateway.process.send_signal(signal.SIGTERM)
            self.assertIsNone(stream.event())
            self.assertEqual(gateway.process.wait(10), 0)
            self.assertLess(time.monotonic() - began, 5)

    def test_curl_follows_too(self):
        job, lease = new_job(self.user)
        curl = subprocess.Popen(["curl", "-sN", "-H", f"Authorization: Bearer {self.token}",
                                 f"http://127.0.0.1:{self.gateway.port}/api/jobs/{job}/events"], stdout=subprocess.PIPE, text=True)
        self.assertEqual(curl.stdout.readline(), "retry: 2000\n")
        sql(f"SELECT latchkey.complete_job('{self.user}', '{job}', '{lease}')")
        rest, _ = curl.communicate(timeout=10)
        self.assertEqual(curl.returncode, 0)
        self.assertIn("event: end\ndata: {", rest)
