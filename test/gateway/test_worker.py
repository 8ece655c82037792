"""The worker: `latchkey-gateway work` and `serve --with-worker`, seen from the database."""
import os
import re
import signal
import subprocess
import threading
import time
import unittest

from harness import ADMIN_URL, BINARY, DATABASE_URL, Folder, Gateway, sql

WORKER_URL = os.environ.get("LATCHKEY_TEST_WORKER_URL", "")
PLATFORM = "00000000-0000-0000-0000-000000000000"
TYPE = "latchkey.purge_sessions"
PURGE = "latchkey.purge_expired_sessions(integer)"


def enqueue(job_type=TYPE, **fields):
    options = "".join(f", {name} => '{value}'" for name, value in fields.items())
    return sql(f"SELECT id FROM latchkey.enqueue_job('{job_type}'{options})")


def job(job_id, columns="status"):
    return sql(f"SELECT {columns} FROM latchkey.get_job('{PLATFORM}', '{job_id}')")


def await_job(job_id, wanted, columns="status", seconds=15):
    """Waits until the job looks as wanted; returns after how long."""
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        if (seen := job(job_id, columns)) == wanted:
            return time.monotonic() - began
        time.sleep(0.05)
    raise AssertionError(f"{job_id} is {seen}, not {wanted}")


def enqueue_many(count):
    sql("SELECT latchkey.enqueue_jobs((SELECT jsonb_agg(jsonb_build_object('type', '" + TYPE + "')) "
        f"FROM generate_series(1, {count})))")


def outcomes():
    """Of all jobs of TYPE: status, attempts, and how many."""
    return sql(f"SELECT status, attempts, count(*) FROM latchkey._job_states WHERE type = '{TYPE}' GROUP BY 1, 2 ORDER BY 1, 2")


def await_many(wanted, seconds=30):
    until = time.monotonic() + seconds
    while outcomes() != wanted:
        if time.monotonic() > until:
            raise AssertionError(f"{outcomes()!r}, not {wanted!r}")
        time.sleep(0.1)


class Worker:
    """One running worker, as a context manager."""

    def __init__(self, *flags, url=None):
        self.process = subprocess.Popen(
            [BINARY, "work", "--worker-database-url", url or WORKER_URL, *flags],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            env={k: v for k, v in os.environ.items() if not k.startswith("LATCHKEY_")})
        self.lines = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.append(line)

    def says(self, text, times=1, seconds=10):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if sum(text in line for line in self.lines) >= times:
                return
            time.sleep(0.02)
        raise AssertionError(f"no {text!r} in " + "".join(self.lines))

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(20)
        finally:
            self.process.kill()
            self.process.wait()
            self._reader.join(5)
            self.process.stdout.close()

    def __enter__(self):
        self.says("the worker is connected")
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.stop()


class Locked:
    """Holds a lock that keeps the handler of TYPE waiting."""

    def __enter__(self):
        self.process = subprocess.Popen(
            ["psql", "-XAtq", ADMIN_URL], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True)
        self.process.stdin.write("BEGIN; LOCK TABLE latchkey.sessions; SELECT 'locked';\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "locked\n"
        return self

    def __exit__(self, *_):
        self.process.communicate("ROLLBACK;\n", timeout=10)


def await_blocked():
    """Waits until a worker waits for the lock."""
    for _ in range(200):
        if sql("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'latchkey-worker' "
               "AND wait_event_type = 'Lock'") != "0":
            return
        time.sleep(0.05)
    raise AssertionError("no worker waits for the lock")


def kill_backends():
    return int(sql("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                   "WHERE application_name = 'latchkey-worker'"))


class WorkerTest(unittest.TestCase):

    def test_each_built_in_job_runs(self):
        """Each type that a seeded schedule names has a handler that works."""
        types = sql("SELECT type FROM latchkey.job_schedules WHERE seeded").split("\n")
        self.assertIn("latchkey.purge_jobs", types)
        with Worker():
            for job_id in [enqueue(job_type) for job_type in types]:
                await_job(job_id, "completed|1|t", "status, attempts, result ? 'rows'")

    def test_purges_until_nothing_is_left(self):
        sql("INSERT INTO latchkey.job_history SELECT '" + PLATFORM + "', gen_random_uuid(), 'old', 'cancelled', 100, 0, "
            "now(), 0, 0, NULL, NULL, NULL, 0, now(), NULL, now() - interval '30 days', NULL, NULL, NULL, "
            "NULL, NULL, NULL, '{}', NULL FROM generate_series(1, 25000)")
        with Worker():
            await_job(enqueue("latchkey.purge_jobs"), "completed|25000", "status, result ->> 'rows'")
        self.assertEqual(sql("SELECT count(*) FROM latchkey.job_history WHERE type = 'old'"), "0")

    def test_a_notification_wakes_it(self):
        with Worker("--worker-poll-ms", "600000"):
            time.sleep(1)
            for _ in range(3):
                self.assertLess(await_job(enqueue(), "completed"), 2)

    def test_finds_what_nobody_notified_of(self):
        """A job that a transaction enqueued which had begun before the worker waited."""
        with Worker("--worker-poll-ms", "600000"):
            late = enqueue(run_at=sql("SELECT now() + interval '2 seconds'"))
            await_job(late, "completed", seconds=10)

    def test_leaves_other_types_alone(self):
        other = enqueue("somebody.elses")
        with Worker():
            await_job(enqueue(), "completed")
            self.assertEqual(job(other), "pending")

    def test_a_failure_is_retried(self):
        sql(f"REVOKE EXECUTE ON FUNCTION {PURGE} FROM latchkey_worker")
        try:
            with Worker() as worker:
                job_id = enqueue()
                await_job(job_id, "pending|1|t",
                          "status, attempts, error LIKE '42501: permission denied%'")
                self.assertEqual(job(job_id, "run_at > now()"), "t")
                worker.says("a job failed")
                last = enqueue(max_retries="0")
                await_job(last, "failed|1", "status, attempts")
                sql(f"GRANT EXECUTE ON FUNCTION {PURGE} TO latchkey_worker")
                await_job(job_id, "completed|2", "status, attempts", seconds=30)
        finally:
            sql(f"GRANT EXECUTE ON FUNCTION {PURGE} TO latchkey_worker")

    def test_extends_the_lease(self):
        with Worker("--worker-lease-s", "1") as worker:
            with Locked():
                job_id = enqueue()
                await_blocked()
                time.sleep(3)
                self.assertEqual(job(job_id, "status, attempts"), "processing|1")
            await_job(job_id, "completed|1", "status, attempts")
            self.assertNotIn("lease lost", "".join(worker.lines))

    def test_a_cancelled_job_ends(self):
        with Worker("--worker-lease-s", "1") as worker, Locked():
            job_id = enqueue()
            await_blocked()
            sql(f"SELECT latchkey.cancel_job('{PLATFORM}', '{job_id}')")
            worker.says("a job was cancelled, or its lease lost")
            self.assertEqual(job(job_id), "cancelled")

    def test_sigterm_lets_a_job_finish(self):
        worker = Worker("--drain-timeout-ms", "10000").__enter__()
        with Locked():
            job_id = enqueue()
            await_blocked()
            worker.process.send_signal(signal.SIGTERM)
            time.sleep(0.5)
            self.assertIsNone(worker.process.poll())
        self.assertEqual(worker.process.wait(10), 0)
        self.assertIn(job(job_id, "status, attempts"), ("completed|1", "pending|0"))
        self.assertIn('"event":"stopped"', worker.lines[-1])
        worker.process.stdout.close()

    def test_sigterm_gives_back_what_takes_too_long(self):
        worker = Worker("--drain-timeout-ms", "300").__enter__()
        with Locked():
            job_id = enqueue()
            await_blocked()
            began = time.monotonic()
            self.assertEqual(worker.stop(), 0)
            self.assertLess(time.monotonic() - began, 5)
            self.assertEqual(job(job_id, "status, attempts"), "pending|0")
        with Worker():
            await_job(job_id, "completed|1", "status, attempts")

    def test_many_short_jobs_are_completed_together(self):
        sql("DELETE FROM latchkey.job_history")
        enqueue_many(2000)
        with Worker():
            await_many("completed|1|2000")
        # How many at a time depends on how long the disk takes.
        self.assertEqual(sql(f"SELECT count(DISTINCT finished_at) < 2000 FROM latchkey.job_history WHERE type = '{TYPE}'"), "t")

    def test_gives_back_what_it_claimed_ahead(self):
        """Short jobs are claimed ahead; when those before them take long, other workers get them."""
        sql("DELETE FROM latchkey.job_history")
        enqueue_many(500)
        with Worker("--worker-threads", "2") as worker:
            await_many("completed|1|500")
            with Locked():
                enqueue_many(40)
                await_blocked()
                await_many("completed|1|500\npending|0|38\nprocessing|1|2", seconds=6)
                with Worker("--worker-threads", "2"):
                    await_many("completed|1|500\npending|0|36\nprocessing|1|4", seconds=6)
            await_many("completed|1|540")
            self.assertNotIn("was not accepted", "".join(worker.lines))

    def test_sigterm_gives_back_what_it_has_not_begun(self):
        sql("DELETE FROM latchkey.job_history")
        enqueue_many(4000)
        with Worker("--worker-threads", "2") as worker:
            for _ in range(200):
                if sql(f"SELECT count(*) > 300 FROM latchkey.job_history WHERE type = '{TYPE}'") == "t":
                    break
                time.sleep(0.02)
            self.assertEqual(worker.stop(), 0)
        self.assertRegex(outcomes(), r"\Acompleted\|1\|\d+\npending\|0\|\d+\Z")
        with Worker():
            await_many("completed|1|4000")

    def test_survives_killed_backends(self):
        with Worker() as worker:
            with Locked():
                job_id = enqueue()
                await_blocked()
                self.assertGreaterEqual(kill_backends(), 2)
                await_job(job_id, "pending|1|t", "status, attempts, error LIKE '57P01: %' "
                          "OR error = 'the connection to the database was lost'")
            worker.says("the worker is connected", times=2)
            await_job(enqueue(), "completed")
            await_job(job_id, "completed|2", "status, attempts", seconds=30)

    def test_connections_that_died_idle_cost_no_attempt(self):
        with Worker() as worker:
            await_job(enqueue(), "completed")
            self.assertGreaterEqual(kill_backends(), 2)
            worker.says("the worker is connected", times=2)
            for _ in range(4):
                await_job(enqueue(), "completed|1", "status, attempts")

    def test_schedules_enqueue_and_it_runs_them(self):
        name = f"test.{os.getpid()}"
        sql(f"SELECT latchkey.schedule_job('{name}', '* * * * * *', '{TYPE}')")
        try:
            with Worker("--worker-poll-ms", "600000"), Worker("--worker-poll-ms", "600000"):
                time.sleep(4)
                runs = sql("SELECT count(*) >= 2, count(DISTINCT due_at) = count(*), bool_or(status = 'completed') "
                           f"FROM latchkey.list_schedule_runs('{name}')")
                self.assertEqual(runs, "t|t|t")
        finally:
            sql(f"SELECT latchkey.unschedule_job('{name}')")

    def test_serves_and_works(self):
        gateway = Gateway("--with-worker", "--worker-database-url", WORKER_URL)
        try:
            await_job(enqueue(), "completed")
            text = gateway.get("/metrics").body.decode()
            self.assertRegex(text, r"(?m)^latchkey_worker_jobs_completed_total [1-9]")
        finally:
            self.assertEqual(gateway.stop(), 0)

    def test_the_mail_program_does_not_see_its_url(self):
        with Folder() as folder:
            program, box = folder.path("mail"), folder.path("box")
            with open(program, "w", encoding="utf-8") as file:
                file.write('#!/bin/sh\nenv > "$MAIL_BOX.part" && mv "$MAIL_BOX.part" "$MAIL_BOX"\n')
            os.chmod(program, 0o755)
            gateway = Gateway("--with-worker", "--mail-command", program, "--public-url", "https://app.example.com",
                              environment={"MAIL_BOX": box, "LATCHKEY_WORKER_DATABASE_URL": WORKER_URL})
            try:
                email, _, _ = gateway.register()
                gateway.post("/api/auth/password/forgot", {"email": email})
                for _ in range(100):
                    if os.path.exists(box):
                        break
                    time.sleep(0.05)
                with open(box, encoding="utf-8") as file:
                    seen = file.read()
                self.assertIn("MAIL_BOX", seen)
                self.assertNotIn("WORKER_DATABASE_URL", seen)
            finally:
                self.assertEqual(gateway.stop(), 0)

    def test_starts_without_a_database(self):
        worker = Worker(url="host=/nowhere dbname=x")
        worker.says("the worker can't connect", times=2)
        self.assertEqual(worker.stop(), 0)

    def test_the_gateways_role_can_claim_nothing(self):
        job_id = enqueue()
        with Worker(url=DATABASE_URL) as worker:
            worker.says("the worker can't claim jobs")
            self.assertTrue(any(re.search('"sqlstate":"42501"', line) for line in worker.lines))
            self.assertEqual(job(job_id), "pending")

    def test_needs_a_url(self):
        for command in (["work"], ["serve", "--with-worker", "--database-url", DATABASE_URL]):
            done = subprocess.run([BINARY, *command], capture_output=True, text=True, check=False, timeout=10)
            self.assertEqual(done.returncode, 2)
            self.assertIn("--worker-database-url", done.stderr)


if __name__ == "__main__":
    unittest.main()
