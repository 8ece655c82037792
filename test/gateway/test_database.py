"""The database behind the gateway: gone, back, frozen, restarted sessions, poolers, privileges."""
import tempfile
import threading
import time
import unittest

from harness import DATABASE_URL, PASSWORD, Gateway, new_email, sql
from relay import Relay

ANYTHING = "postgresql:///none?host=/nonexistent"


class OutageTest(unittest.TestCase):

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.relay = Relay(DATABASE_URL, folder.name)
        self.addCleanup(self.relay.down)
        self.gateway = Gateway("--statement-timeout-ms", "700", database_url=self.relay.url)
        self.addCleanup(self.gateway.stop)
        self.addCleanup(self.relay.frozen.set)
        _, self.token, _ = self.gateway.register()

    def unavailable(self, answer):
        self.assertEqual((answer.status, answer.code), (503, "unavailable"), answer.body)
        self.assertGreater(int(answer.headers["retry-after"]), 0)

    def verify(self):
        return self.gateway.get("/api/auth/verify", self.token)

    def test_down_and_back(self):
        self.assertEqual(self.verify().status, 200)
        self.relay.down()
        for path in ("/readyz", "/api/auth/verify", "/.well-known/jwks.json"):
            self.unavailable(self.gateway.get(path, self.token))
        self.assertEqual(self.gateway.get("/healthz").status, 200)
        self.relay.up()
        time.sleep(0.3)
        self.assertEqual(self.verify().status, 200)
        self.assertEqual(self.gateway.get("/readyz").status, 200)

    def test_cut_connections_are_replaced_without_an_error(self):
        for _ in range(5):
            self.assertEqual(self.verify().status, 200)
            self.relay.cut()
            time.sleep(0.05)
            self.assertEqual(self.verify().status, 200)

    def test_terminated_backends_are_replaced_without_an_error(self):
        self.assertEqual(self.verify().status, 200)
        sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE application_name = 'latchkey-gateway' AND pid <> pg_backend_pid()")
        time.sleep(0.2)
        self.assertEqual(self.verify().status, 200)

    def test_a_frozen_server_occupies_nobody_for_long(self):
        self.assertEqual(self.verify().status, 200)
        self.relay.frozen.clear()
        answers = []
        threads = [threading.Thread(target=lambda: answers.append(self.verify())) for _ in range(40)]
        for thread in threads:
            thread.start()
        for _ in range(10):
            started = time.perf_counter()
            self.assertEqual(self.gateway.get("/healthz").status, 200)
            self.assertLess(time.perf_counter() - started, 0.5)
            time.sleep(0.05)
        for thread in threads:
            thread.join()
        self.assertEqual({answer.status for answer in answers}, {503})
        self.relay.frozen.set()
        self.relay.cut()
        time.sleep(0.3)
        self.assertEqual(self.verify().status, 200)

    def test_a_server_that_freezes_at_a_rollback(self):
        """The refusal is known by then; cleaning up must not keep it, nor its connection."""
        self.relay.freeze_at = b"ROLLBACK"
        started = time.perf_counter()
        answer = self.gateway.post("/api/auth/email/verify", {"token": "x"})
        self.assertEqual((answer.status, answer.code), (401, "invalid_token"))
        self.assertLess(time.perf_counter() - started, 3)
        self.relay.freeze_at = None
        self.relay.frozen.set()
        self.assertEqual(self.verify().status, 200)
        self.assertIn(b"latchkey_db_connections_discarded_total 1", self.gateway.get("/metrics").body)

    def test_a_debit_whose_answer_gets_lost(self):
        """It is committed, the client gets 503, and a repeated request tells that it had worked."""
        _, token, admin = self.gateway.register()
        sql(f"SELECT latchkey.grant_role('{admin}', 'admin'), latchkey.grant_credits('{admin}', 100), "
            "latchkey.set_service_cost('lost', 10)")
        self.addCleanup(sql, f"DELETE FROM latchkey.role_grants WHERE user_id = '{admin}'")

        def debit(key):
            return self.gateway.post("/api/credits/debit", {"service": "lost"}, token, {"Idempotency-Key": key})
        self.assertEqual(debit("before").status, 201)
        self.relay.freeze_at = b"COMMIT\0"  # the server's word for it: the gateway's statement is prepared
        self.unavailable(debit("lost"))
        self.assertEqual(sql(f"SELECT count(*) FROM latchkey.credit_transactions WHERE account_id = '{admin}' "
                             "AND idempotency_key = 'lost'"), "1")
        self.relay.freeze_at = None
        self.relay.cut()
        self.relay.frozen.set()
        again = debit("lost")
        self.assertEqual((again.status, again.json["transaction"]["replayed"]), (201, True))
        self.assertEqual(again.json["transaction"]["balance_after"], 80)


class DatabaseTest(unittest.TestCase):

    def start(self, *flags, **options):
        gateway = Gateway(*flags, **options)
        self.addCleanup(gateway.stop)
        return gateway

    def test_no_database_at_all(self):
        gateway = self.start(database_url=ANYTHING)
        for path in ("/readyz", "/.well-known/jwks.json"):
            answer = gateway.get(path)
            self.assertEqual((answer.status, answer.code), (503, "unavailable"))
            self.assertNotIn(b"nonexistent", answer.body)
        # What needs no database is judged before.
        self.assertEqual(gateway.get("/api/auth/verify").status, 401)
        self.assertEqual(gateway.post("/api/auth/login", {}).status, 400)

    def test_without_prepared_statements(self):
        gateway = self.start("--no-prepare")
        email, token, _ = gateway.register()
        for _ in range(3):
            self.assertEqual(gateway.get("/api/auth/verify", token).status, 200)
        self.assertEqual(gateway.post("/api/auth/login", {"email": email, "password": PASSWORD}).status, 200)

    def test_connections_are_renewed(self):
        gateway = self.start("--connection-lifetime-s", "1")
        _, token, _ = gateway.register()
        for _ in range(4):
            self.assertEqual(gateway.get("/api/auth/verify", token).status, 200)
            time.sleep(0.6)
        opened = [line for line in gateway.get("/metrics").body.decode().splitlines()
                  if line.startswith("latchkey_db_connections_opened_total")]
        self.assertGreater(int(opened[0].split()[1]), 1)

    def test_a_pooled_connection_keeps_no_identity(self):
        gateway = self.start("--pool-size", "2", "--slow-limit", "1")
        tokens = [gateway.register()[1:] for _ in range(3)]
        for _ in range(10):
            for token, user_id in tokens:
                self.assertEqual(gateway.get("/api/auth/verify", token).json["user"]["id"], user_id)
            self.assertEqual(gateway.get("/api/auth/verify", "x.y.z").status, 401)

    def test_unexpected_errors_tell_nothing(self):
        sql("REVOKE EXECUTE ON FUNCTION latchkey.jwks() FROM latchkey_gateway")
        self.addCleanup(sql, "GRANT EXECUTE ON FUNCTION latchkey.jwks() TO latchkey_gateway")
        gateway = self.start()
        answer = gateway.get("/.well-known/jwks.json")
        self.assertEqual((answer.status, answer.code), (500, "internal_error"))
        self.assertNotIn(b"jwks", answer.body)
        gateway.log_of(answer.headers["x-request-id"])
        self.assertTrue([line for line in gateway.lines if '"sqlstate":"42501"' in line])

    def test_events_carry_the_request(self):
        gateway = self.start()
        email = new_email()
        answer = gateway.post("/api/auth/register", {"email": email, "password": PASSWORD},
                              headers={"X-Request-Id": "trace-me-1", "User-Agent": "tester/1"})
        user_id = answer.json["user"]["id"]
        found = sql("SELECT count(*) FROM latchkey.events "
                    f"WHERE events::text LIKE '%{user_id}%' AND metadata::text LIKE '%trace-me-1%' "
                    "AND metadata::text LIKE '%tester/1%'")
        self.assertNotEqual(found, "0")


if __name__ == "__main__":
    unittest.main()
