"""HTTP itself: framing, limits, slow and silent clients, pipelining, stopping."""
import random
import socket
import threading
import time
import unittest

from harness import PASSWORD, Gateway, GatewayTest, new_email, read_answer

GET = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"


def resident_kib(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        for line in file:
            if line.startswith("VmRSS"):
                return int(line.split()[1])
    return 0


def status_of(raw):
    return int(raw.split(b" ", 2)[1]) if raw.startswith(b"HTTP/1.1 ") else None


class FramingTest(GatewayTest):

    def refused(self, raw, status, part=b""):
        answer = self.gateway.raw(raw)
        self.assertEqual(status_of(answer), status, (raw[:200], answer[:300]))
        self.assertIn(part, answer)
        # One answer only: what follows a broken request is never read as another one.
        self.assertEqual(answer.count(b"X-Request-Id: "), 1, (raw[:200], answer[:500]))

    def test_request_lines(self):
        tail = b"Host: x\r\n\r\n"
        for line, status in ((b"GET /healthz", 400), (b"GET", 400), (b"GET  /healthz HTTP/1.1", 400),
                             (b"GET /healthz HTTP/2.0", 505), (b"GET /healthz HTTP/1.10", 400),
                             (b"GET /healthz http/1.1", 400), (b"G@T /healthz HTTP/1.1", 400),
                             (b"BREW /healthz HTTP/1.1", 501), (b"TRACE /healthz HTTP/1.1", 501),
                             (b"CONNECT x:1 HTTP/1.1", 501), (b"GET healthz HTTP/1.1", 400),
                             (b"GET http://x/healthz HTTP/1.1", 400), (b"GET /a b HTTP/1.1", 400),
                             (b"GET /a\x00 HTTP/1.1", 400), (b"GET /\xc3\xa9 HTTP/1.1", 400),
                             (b"GET /a#b HTTP/1.1", 400), (b"GET /a\tHTTP/1.1", 400),
                             (b"GET /" + b"a" * 5000 + b" HTTP/1.1", 414), (b"GET * HTTP/1.1", 400)):
            self.refused(line + b"\r\n" + tail, status)

    def test_headers(self):
        for header in (b"X", b"X : y", b" X: y", b": y", b"X: a\x00b", b"X: a\x7fb", b"X: a\x01",
                       b"X\xc3: y", b"X: a\r\n folded", b"X: a\rb", b"X(: y", b"Host: y"):
            self.refused(b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + header + b"\r\n\r\n", 400)
        self.refused(b"GET /healthz HTTP/1.1\r\n\r\n", 400, b"Host")
        self.refused(b"GET /healthz HTTP/1.1\nHost: x\n\n", 400)
        self.refused(b"GET /healthz HTTP/1.1\r\nHost: x\n\r\n", 400)

    def test_header_limits(self):
        many = b"".join(b"X-%d: y\r\n" % i for i in range(70))
        self.refused(b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + many + b"\r\n", 431)
        self.refused(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 9000 + b"\r\n\r\n", 431)
        self.refused(b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + (b"X: " + b"y" * 4000 + b"\r\n") * 5
                     + b"\r\n", 431)
        self.refused(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 100000, 431)
        fine = b"".join(b"X-%d: y\r\n" % i for i in range(60))
        answer = self.gateway.raw(b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + fine + b"\r\n")
        self.assertEqual(status_of(answer), 200)

    def test_body_framing(self):
        head = b"POST /api/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        for headers, status in ((b"Content-Length: -1", 400), (b"Content-Length: +1", 400),
                                (b"Content-Length: 0x10", 400), (b"Content-Length: 1 2", 400),
                                (b"Content-Length:", 400), (b"Content-Length: 2, 2", 400),
                                (b"Content-Length: 2\r\nContent-Length: 2", 400),
                                (b"Content-Length: 2\r\nContent-Length: 3", 400),
                                (b"Transfer-Encoding: chunked", 411),
                                (b"Transfer-Encoding: xchunked", 501),
                                (b"Transfer-Encoding: gzip, chunked", 501),
                                (b"Transfer-Encoding: chunked\r\nContent-Length: 2", 400),
                                (b"Content-Length: 2\r\nTransfer-Encoding: identity", 400),
                                (b"Content-Length: 2\r\nContent-Encoding: gzip", 415),
                                (b"Content-Length: 2\r\nExpect: something", 417)):
            self.refused(head + headers + b"\r\n\r\n{}" + GET, status)

    def test_expect_continue(self):
        with self.gateway.connect() as sock:
            sock.sendall(b"POST /api/auth/logout HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n"
                         b"Content-Type: application/json\r\nExpect: 100-continue\r\n\r\n")
            self.assertEqual(read_answer(sock).status, 100)
            sock.sendall(b"{}")
            self.assertEqual(read_answer(sock).status, 200)

    def test_pipelining(self):
        with self.gateway.connect() as sock:
            sock.sendall(GET * 50 + b"\r\n\r\n" + GET.replace(b"healthz", b"nothing") + GET[:20])
            buffer = bytearray()
            for _ in range(50):
                self.assertEqual(read_answer(sock, buffer=buffer).status, 200)
            self.assertEqual(read_answer(sock, buffer=buffer).status, 404)
            sock.sendall(GET[20:])
            self.assertEqual(read_answer(sock, buffer=buffer).status, 200)

    def test_a_flood_of_pipelined_requests(self):
        with self.gateway.connect() as sock:
            done = threading.Event()

            def send():
                sock.sendall(GET * 20000)
                done.set()

            threading.Thread(target=send, daemon=True).start()
            buffer = bytearray()
            for _ in range(20000):
                self.assertEqual(read_answer(sock, buffer=buffer).status, 200)
            self.assertTrue(done.wait(5))
        self.assertLess(resident_kib(self.gateway.process.pid), 64 * 1024)

    def test_connection_and_version(self):
        for head, keeps in ((b"HTTP/1.1\r\nHost: x\r\n", True), (b"HTTP/1.0\r\n", False),
                            (b"HTTP/1.1\r\nHost: x\r\nConnection: close\r\n", False),
                            (b"HTTP/1.1\r\nHost: x\r\nConnection: x, Close\r\n", False),
                            (b"HTTP/1.0\r\nConnection: keep-alive\r\n", True)):
            with self.gateway.connect() as sock:
                sock.sendall(b"GET /healthz " + head + b"\r\n")
                answer = read_answer(sock)
                self.assertEqual(answer.status, 200)
                self.assertEqual("connection" not in answer.headers, keeps)
                sock.settimeout(0.3 if keeps else 5)
                if keeps:
                    with self.assertRaises(TimeoutError):
                        sock.recv(1)
                else:
                    self.assertEqual(sock.recv(1), b"")

    def test_an_error_keeps_the_connection(self):
        with self.gateway.connect() as sock:
            for path, status in ((b"nothing", 404), (b"api/auth/verify", 401), (b"healthz", 200)):
                sock.sendall(GET.replace(b"healthz", path))
                self.assertEqual(read_answer(sock).status, status)

    def test_head_options_and_methods(self):
        for path in ("/healthz", "/openapi.json", "/api/auth/verify"):
            head = self.gateway.request("HEAD", path)
            get = self.gateway.get(path)
            self.assertEqual((head.status, head.body), (get.status, b""))
            self.assertEqual(abs(int(head.headers["content-length"]) - len(get.body)), 0)
        answer = self.gateway.request("OPTIONS", "/api/auth/sessions")
        self.assertEqual((answer.status, answer.headers["allow"]), (204, "GET, HEAD, DELETE, OPTIONS"))
        for method in ("PUT", "DELETE", "PATCH", "GET"):
            answer = self.gateway.request(method, "/api/auth/login")
            self.assert_problem(answer, 405, "method_not_allowed")
            self.assertEqual(answer.headers["allow"], "POST, OPTIONS")
        self.assert_problem(self.gateway.get("/api/auth/login/"), 404, "not_found")
        self.assert_problem(self.gateway.get("//api/auth/login"), 404, "not_found")

    def test_ranges_are_ignored(self):
        for value in ("bytes=0-1", "bytes=0-0,1-1,2-2", "nonsense", "bytes=-" + "9" * 30):
            answer = self.gateway.get("/healthz", Range=value)
            self.assertEqual((answer.status, answer.json["status"]), (200, "ok"))

    def test_mutated_requests(self):
        """Hundreds of broken requests: an answer or a closed connection, and nothing worse."""
        source = random.Random(20261121)
        body = b'{"email":"a@example.com","password":"0123456789"}'
        seeds = [GET, b"POST /api/auth/logout HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                 b"Content-Length: %d\r\n\r\n%s" % (len(body), body),
                 b"GET /api/models/gpt-4?x=%20 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer a.b.c\r\n\r\n"]
        pieces = [b"\r\n", b"\n", b"\r", b"\x00", b" ", b":", b"%", b"\xff", b"Content-Length: 5\r\n",
                  b"Transfer-Encoding: chunked\r\n", b"HTTP/1.1", b"{", b'"', b"9" * 40, b"A" * 3000]
        for _ in range(700):
            data = bytearray(source.choice(seeds))
            for _ in range(source.randint(1, 6)):
                at = source.randrange(len(data) + 1)
                kind = source.randrange(4)
                if kind == 0:
                    data[at:at] = source.choice(pieces)
                elif kind == 1:
                    del data[at:at + source.randint(1, 20)]
                elif kind == 2 and at < len(data):
                    data[at] = source.randrange(256)
                else:
                    data[at:at] = data[source.randrange(len(data) + 1):][:30]
            answer = self.gateway.raw(bytes(data))
            if answer:
                status = status_of(answer)
                self.assertIsNotNone(status, (bytes(data), answer[:200]))
                self.assertTrue(status < 500 or status in (501, 505), (bytes(data), answer[:200]))
        self.assertEqual(self.gateway.get("/healthz").status, 200)
        self.assertLess(resident_kib(self.gateway.process.pid), 64 * 1024)


class SlowClientTest(GatewayTest):

    flags = ("--request-timeout-ms", "700", "--idle-timeout-ms", "1500")

    def test_dripping_clients(self):
        """A request must be complete in time, however regularly its bytes come."""
        stop = threading.Event()
        drippers = [self.gateway.connect() for _ in range(200)]

        def drip():
            position = 0
            data = b"POST /api/auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n" + b" " * 100
            while not stop.is_set() and position < len(data):
                for sock in drippers:
                    try:
                        sock.send(data[position:position + 1])
                    except OSError:
                        pass
                position += 1
                time.sleep(0.02)

        thread = threading.Thread(target=drip)
        thread.start()
        worst = 0
        for _ in range(20):
            started = time.perf_counter()
            self.assertEqual(self.gateway.get("/healthz").status, 200)
            worst = max(worst, time.perf_counter() - started)
            time.sleep(0.05)
        drippers[0].settimeout(5)
        received = b""
        try:
            while chunk := drippers[0].recv(4096):
                received += chunk
        except ConnectionResetError:
            pass
        stop.set()
        thread.join()
        self.assertIn(b"408 Request Timeout", received)
        self.assertLess(worst, 1.0)
        for sock in drippers:
            sock.close()
        self.assertIn(b"latchkey_http_request_timeouts_total", self.gateway.get("/metrics").body)

    def test_idle_connections_end(self):
        with self.gateway.connect() as silent, self.gateway.connect() as used:
            used.sendall(GET)
            self.assertEqual(read_answer(used).status, 200)
            for sock in (silent, used):
                sock.settimeout(5)
                self.assertEqual(sock.recv(1), b"")

    def test_a_client_that_never_reads(self):
        """Answers wait in the kernel and then in the connection, not in a thread."""
        socks = []
        for _ in range(60):
            sock = self.gateway.connect()
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            sock.settimeout(0.2)
            try:
                sock.sendall(GET.replace(b"healthz", b"openapi.json") * 100)
            except TimeoutError:
                pass
            socks.append(sock)
        started = time.perf_counter()
        self.assertEqual(self.gateway.get("/healthz").status, 200)
        self.assertLess(time.perf_counter() - started, 1.0)
        for sock in socks:
            sock.close()


class BodiesNobodyWantsTest(GatewayTest):

    def refusal(self, line, length):
        """Only the head is sent: who waits for the body first would not answer."""
        with self.gateway.connect(5) as sock:
            sock.sendall(line + b" HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                         b"Content-Length: %d\r\n\r\n" % length)
            answer = read_answer(sock)
            self.assertEqual(answer.headers["connection"], "close")
            return answer

    def test_are_refused_unread(self):
        for line in (b"POST /api/auth/logout", b"GET /healthz", b"PUT /api/auth/login",
                     b"DELETE /api/auth/sessions", b"POST /openapi.json"):
            for length in (17, 60000):
                self.assert_problem(self.refusal(line, length), 413, "payload_too_large", "no body")
        for line in (b"POST /nothing", b"PUT /api/auth/login/"):
            self.assert_problem(self.refusal(line, 60000), 404, "not_found")
        self.assert_problem(self.refusal(b"POST /api/auth/login", 65537), 413, "payload_too_large")

    def test_an_empty_object_counts_as_none(self):
        for body in ({}, b" { } ", b""):
            self.assertEqual(self.gateway.post("/api/auth/logout", body).status, 200, body)
        self.assert_problem(self.gateway.post("/api/auth/logout", b'{"a":1}'), 400, "invalid_argument")


class FullBuffersTest(GatewayTest):

    flags = ("--max-buffered-kib", "1024")

    def half_a_request(self, wanted=60000, sent=50000):
        sock = self.gateway.connect()
        sock.sendall(b"POST /api/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                     b"Content-Length: %d\r\n\r\n" % wanted + b" " * sent)
        return sock

    def buffered(self):
        for line in self.gateway.get("/metrics").body.splitlines():
            if line.startswith(b"latchkey_http_buffered_bytes "):
                return int(line.split()[1])
        raise AssertionError("no such metric")

    def test_large_requests_are_bounded_together(self):
        email, _, _ = self.gateway.register()
        socks = [self.half_a_request() for _ in range(60)]
        time.sleep(0.5)
        self.assertLess(self.buffered(), 1200 * 1024)
        refused = 0
        for sock in socks:
            sock.settimeout(0.02)
            try:
                answer = read_answer(sock)
                self.assert_problem(answer, 503, "too_busy")
                self.assertGreater(int(answer.headers["retry-after"]), 0)
                refused += 1
            except TimeoutError:
                pass
        self.assertGreater(refused, 30)
        self.assertLess(refused, 60)
        # The many small ones are served all the same.
        answer = self.gateway.post("/api/auth/login", {"email": email, "password": PASSWORD})
        self.assertEqual(answer.status, 200)
        for sock in socks:
            sock.close()
        time.sleep(0.3)
        self.assertLess(self.buffered(), 64 * 1024)
        with self.half_a_request(50002) as sock:
            sock.sendall(b"{}")
            self.assertEqual(read_answer(sock).status, 400)

    def test_announced_bytes_do_not_count(self):
        socks = [self.half_a_request(65536, 1) for _ in range(200)]
        time.sleep(0.2)
        with self.half_a_request(50002) as sock:
            sock.sendall(b"{}")
            self.assertEqual(read_answer(sock).status, 400)
        for sock in socks:
            sock.close()


class TurnedAwayTest(GatewayTest):

    flags = ("--max-connections", "5")

    def test_clients_get_to_read_the_refusal(self):
        open_ones = [self.gateway.connect() for _ in range(5)]
        for pause in (0, 0.2):
            for size in (0, 3000, 200000):
                with self.gateway.connect() as sock:
                    time.sleep(pause)
                    sock.sendall(b"POST /api/auth/login HTTP/1.1\r\nHost: x\r\n"
                                 b"Content-Length: %d\r\n\r\n" % size + b" " * size)
                    time.sleep(0.05)
                    self.assert_problem(read_answer(sock), 503, "unavailable")
                    sock.shutdown(socket.SHUT_WR)
                    self.assertEqual(sock.recv(1), b"")
        # They take no place: who comes after one has left is served, however many were turned away.
        turned_away = [self.gateway.connect() for _ in range(300)]
        time.sleep(0.3)
        open_ones.pop().close()
        time.sleep(0.3)
        self.assertEqual(self.gateway.get("/healthz").status, 200)
        for sock in open_ones + turned_away:
            sock.close()


class WaitingTest(GatewayTest):

    flags = ("--slow-limit", "1", "--pool-size", "2")

    def test_the_logged_time_includes_the_wait(self):
        email, _, _ = self.gateway.register()
        waits = []

        def login():
            started = time.perf_counter()
            answer = self.gateway.post("/api/auth/login", {"email": email, "password": PASSWORD})
            waits.append((time.perf_counter() - started, answer.headers["x-request-id"]))

        threads = [threading.Thread(target=login) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        seconds, request_id = max(waits)
        self.assertGreater(self.gateway.log_of(request_id)["duration_ms"], 500 * seconds)


class ManyConnectionsTest(GatewayTest):

    flags = ("--max-connections", "1200")

    def test_idle_connections_cost_little(self):
        before = resident_kib(self.gateway.process.pid)
        idle = [self.gateway.connect() for _ in range(1000)]
        time.sleep(0.3)
        started = time.perf_counter()
        self.assertEqual(self.gateway.get("/healthz").status, 200)
        self.assertLess(time.perf_counter() - started, 0.5)
        self.assertLess(resident_kib(self.gateway.process.pid) - before, 8 * 1024)
        for sock in idle[::50]:
            sock.sendall(GET)
            self.assertEqual(read_answer(sock).status, 200)
        more = [self.gateway.connect() for _ in range(200)]
        more[-1].settimeout(5)
        time.sleep(0.3)
        with self.gateway.connect() as sock:
            self.assertEqual(read_answer(sock).status, 503)
        for sock in idle + more:
            sock.close()
        time.sleep(0.3)
        self.assertEqual(self.gateway.get("/healthz").status, 200)


class StopTest(unittest.TestCase):

    def test_running_requests_finish(self):
        gateway = Gateway()
        email, _, _ = gateway.register()
        answers = []

        def login():
            answers.append(gateway.post("/api/auth/login", {"email": email, "password": PASSWORD}))

        threads = [threading.Thread(target=login) for _ in range(16)]
        with gateway.connect() as half, gateway.connect() as idle:
            half.sendall(GET[:-5])
            for thread in threads:
                thread.start()
            time.sleep(0.1)
            gateway.process.terminate()
            time.sleep(0.1)
            with self.assertRaises(ConnectionRefusedError):
                gateway.connect()
            self.assertEqual(idle.recv(1), b"")
            half.sendall(GET[-5:])
            answer = read_answer(half)
            self.assertEqual((answer.status, answer.headers["connection"]), (200, "close"))
        for thread in threads:
            thread.join()
        self.assertEqual(gateway.stop(), 0)
        self.assertEqual([a.status for a in answers], [200] * len(answers))
        self.assertGreater(len(answers), 0)

    def test_what_never_ends_is_cut_off(self):
        gateway = Gateway("--drain-timeout-ms", "300")
        with gateway.connect() as half:
            half.sendall(GET[:-5])
            time.sleep(0.1)
            started = time.perf_counter()
            self.assertEqual(gateway.stop(), 0)
            self.assertLess(time.perf_counter() - started, 3)

    def test_a_busy_port_is_said_clearly(self):
        gateway = Gateway()
        self.addCleanup(gateway.stop)
        with self.assertRaisesRegex(RuntimeError, "Address already in use"):
            Gateway("--port", str(gateway.port))


class BulkheadTest(GatewayTest):

    flags = ("--pool-size", "3", "--slow-limit", "1", "--acquire-timeout-ms", "400")

    def test_waiting_ends_with_503_and_others_are_not_disturbed(self):
        email, token, _ = self.gateway.register()
        answers, stop = [], threading.Event()

        def login():
            answers.append(self.gateway.post("/api/auth/login",
                                             {"email": email, "password": PASSWORD}))

        threads = [threading.Thread(target=login) for _ in range(60)]
        for thread in threads:
            thread.start()
        worst = 0
        while any(thread.is_alive() for thread in threads) and not stop.is_set():
            for path, bearer in (("/healthz", None), ("/api/auth/verify", token)):
                started = time.perf_counter()
                self.assertEqual(self.gateway.get(path, bearer).status, 200)
                worst = max(worst, time.perf_counter() - started)
        for thread in threads:
            thread.join()
        refused = [a for a in answers if a.status != 200]
        for answer in refused:
            self.assert_problem(answer, 503, "too_busy")
            self.assertGreater(int(answer.headers["retry-after"]), 0)
        self.assertGreater(len(refused), 0)
        self.assertLess(len(refused), 60)
        self.assertLess(worst, 1.0)
        self.assertEqual(self.gateway.post("/api/auth/login", {"email": new_email(),
                                                               "password": PASSWORD}).status, 401)


if __name__ == "__main__":
    unittest.main()
