"""Routes of the module hostnames, and the worker's look-ups against a DNS server of our own."""
import subprocess
import time
import unittest

from dns_server import SERVFAIL, DnsServer
from harness import BINARY, GatewayTest, sql
from test_worker import WORKER_URL, Worker

TXT = 16


class HostnameTest(GatewayTest):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.dns = DnsServer().__enter__()
        cls.worker = Worker("--worker-poll-ms", "100", "--dns-server", cls.dns.address).__enter__()
        sql("SELECT latchkey.set_setting('jobs.retry_delay', '50 milliseconds')")

    @classmethod
    def tearDownClass(cls):
        sql("SELECT latchkey.set_setting('jobs.retry_delay', '5 seconds')")
        cls.worker.stop()
        cls.dns.__exit__()
        super().tearDownClass()

    def setUp(self):
        _, self.token, self.user_id = self.gateway.register()
        self.tenant = self.gateway.post("/api/tenants", {"name": "Shop"}, self.token).json["tenant"]["id"]
        self.path = f"/api/tenants/{self.tenant}/hostnames"
        self.name = f"shop-{self.user_id}.example.com"

    def add(self, name=None):
        answer = self.gateway.post(self.path, {"hostname": name or self.name}, self.token)
        self.assertEqual(answer.status, 201, answer.body)
        return answer.json["hostname"]

    def look(self):
        return {h["hostname"]: h for h in self.gateway.get(self.path, self.token).json["hostnames"]}

    def verify(self, seconds=20):
        """Asks for a check, and returns the hostname once its job is over."""
        before = self.look()[self.name]["checked_at"]
        answer = self.gateway.post(f"{self.path}/{self.name}/verify", None, self.token)
        self.assertEqual(answer.status, 202, answer.body)
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            is_over = self.job() == "completed"  # first: what it found is there by then
            seen = self.look()[self.name]
            if seen["checked_at"] != before and is_over:
                return seen
            time.sleep(0.05)
        raise AssertionError(f"not checked: {seen}, job {self.job()}")

    def job(self, column="status"):
        return sql(f"SELECT {column} FROM latchkey.list_jobs('{self.tenant}', type => 'hostname.verify') "
                   f"WHERE payload->>'hostname' = '{self.name}' LIMIT 1")

    def test_the_right_record_verifies(self):
        added = self.add()
        self.assertEqual((added["verified_at"], added["is_primary"]), (None, False))
        self.dns.records[added["dns_name"]] = [b"v=spf1 -all", b"\xff\x00binary", b'quo"ted\\', added["dns_value"].encode()]
        seen = self.verify()
        self.assertIsNotNone(seen["verified_at"])
        self.assertEqual((seen["is_primary"], seen["check_error"]), (True, None))
        self.assertIn((added["dns_name"], TXT), self.dns.questions)
        self.assertEqual(self.job("result"), '{"verified": true}')
        self.assertEqual(sql(f"SELECT id FROM latchkey.resolve_host('{self.name}')"), self.tenant)

    def test_a_record_in_several_pieces(self):
        added = self.add()
        self.dns.records[added["dns_name"]] = [b"x" * 300, added["dns_value"].encode()]
        self.assertIsNotNone(self.verify()["verified_at"])

    def test_a_wrong_token(self):
        added = self.add()
        self.dns.records[added["dns_name"]] = [added["dns_value"].encode()[:-1] + b"!"]
        seen = self.verify()
        self.assertIsNone(seen["verified_at"])
        self.assertIn("TXT has the expected value", seen["check_error"])
        self.assertEqual((self.job("result"), self.job("attempts")), ('{"verified": false}', "1"))
        self.assert_problem(self.gateway.post(f"{self.path}/{self.name}/primary", None, self.token), 409, "conflict")

    def test_no_such_name(self):
        self.add()
        seen = self.verify()
        self.assertEqual((seen["verified_at"], seen["check_error"]), (None, "there is no such name in DNS"))
        self.assertEqual(self.job("attempts"), "1")

    def test_a_name_without_such_a_record(self):
        self.dns.records[self.add()["dns_name"]] = []
        self.assertIn("no DNS record of type TXT", self.verify()["check_error"])

    def test_records_that_do_not_fit(self):
        for name, fitting in ((self.name, []), ("www." + self.name, [b"another"])):
            self.name = name
            added = self.add(name)
            self.dns.records[added["dns_name"]] = [added["dns_value"].encode()]
            self.dns.truncated[added["dns_name"]] = fitting
            self.assertIn("are too long", self.verify()["check_error"])

    def test_a_failing_server_is_asked_again(self):
        added = self.add()
        self.dns.records[added["dns_name"]] = [added["dns_value"].encode()]
        self.dns.failures[added["dns_name"]] = [SERVFAIL] * 4
        self.assertIsNotNone(self.verify()["verified_at"])
        self.assertGreater(int(self.job("attempts")), 1)

    def test_a_silent_server_takes_bounded_time(self):
        added = self.add()
        self.dns.failures[added["dns_name"]] = [None] * 100
        began = time.monotonic()
        self.gateway.post(f"{self.path}/{self.name}/verify", None, self.token)
        while self.look()[self.name]["checked_at"] is None and time.monotonic() - began < 20:
            time.sleep(0.1)
        self.assertLess(time.monotonic() - began, 15)
        self.assertIn("DNS can't be asked", self.look()[self.name]["check_error"])
        sql(f"SELECT latchkey.cancel_job('{self.tenant}', '{self.job('id')}')")

    def test_one_that_was_given_up_meanwhile(self):
        added = self.add()
        self.dns.failures[added["dns_name"]] = [None]
        self.gateway.post(f"{self.path}/{self.name}/verify", None, self.token)
        self.assertEqual(self.gateway.request("DELETE", f"{self.path}/{self.name}", token=self.token).status, 200)
        until = time.monotonic() + 15
        while self.job() != "completed" and time.monotonic() < until:
            time.sleep(0.1)
        self.assertEqual(self.job("result"), '{"verified": false}')
        self.assertEqual(self.look(), {})

    def test_primary_and_removal(self):
        for name in (self.name, "www." + self.name):
            added = self.add(name)
            self.dns.records[added["dns_name"]] = [added["dns_value"].encode()]
        self.assertTrue(self.verify()["is_primary"])
        self.name = "www." + self.name
        self.assertFalse(self.verify()["is_primary"])
        answer = self.gateway.post(f"{self.path}/{self.name}/primary", None, self.token)
        self.assertTrue(answer.json["hostname"]["is_primary"])
        self.assertEqual([h["is_primary"] for _, h in sorted(self.look().items())], [False, True])
        self.assertEqual(self.gateway.request("DELETE", f"{self.path}/{self.name}", token=self.token).status, 200)
        self.assertEqual(sql(f"SELECT id IS NULL FROM latchkey.resolve_host('{self.name}')"), "t")
        self.assert_problem(self.gateway.request("DELETE", f"{self.path}/{self.name}", token=self.token), 404, "not_found")

    def test_names_are_normalised(self):
        self.assertEqual(self.add("MÜLLER.Example.")["hostname"], "xn--mller-kva.example")
        for wrong in ("127.0.0.1", "localhost", "a b.example", "shop.local"):
            self.assert_problem(self.gateway.post(self.path, {"hostname": wrong}, self.token), 400, "invalid_argument")

    def test_the_setting_is_checked(self):
        for wrong in ("localhost", "127.0.0.1:0", "127.0.0.1:", "::1", "127.0.0.1:99999"):
            done = subprocess.run([BINARY, "work", "--worker-database-url", WORKER_URL, "--dns-server", wrong],
                                  capture_output=True, text=True, check=False)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn("--dns-server must be an IPv4 address", done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main()
