"""Sends generated malformed requests to the gateway, and looks at every answer. Run it with malformed.sh.

Case number n of a seed is always the same. Its parts say what to expect:
- a *delimited* request is bad, but everybody agrees where it ends: one answer, and then either the connection closes
  or the next request gets its own answer;
- a *broken* one has an end that parsers may disagree about: one refusal and the end of the connection. Its body holds
  a request of its own, whose id must never come back;
- a *cut* one ends half-way, a *mutated* one anywhere: complete answers or none, and the end.
"""
import collections
import json
import os
import random
import socket
import sys
import threading
import time

from harness import Answer, Gateway

REQUESTS = int(os.environ.get("SOAK_REQUESTS", "100000"))
SEED = os.environ.get("SOAK_SEED") or str(random.SystemRandom().randrange(10**9))
THREADS = 4
MAX_GROWTH_KIB = 16 * 1024
POSTS = {"login": ["email", "password"], "register": ["email", "password"], "logout": [], "refresh": [],
         "email/verify": ["token"], "email/resend": ["email"], "password/forgot": ["email"],
         "password/reset": ["token", "new_password"], "password/change": ["current_password", "new_password"]}
GETS = ["/healthz", "/api/auth/verify", "/api/auth/sessions", "/api/models/%ff", "/api/models/%", "/api/models/a%00b",
        "/api/auth/sessions/..", "/nothing", "//", "/%2e%2e/", "/api/plans?x=%zz", "/?", "/api/auth/login/"]


statuses = collections.Counter()
statuses_lock = threading.Lock()


class Wrong(Exception):
    """What the gateway did is not what it should do."""


def noise(source, least=0, most=40, alphabet=None):
    count = source.randint(least, most)
    if alphabet is None:
        return source.randbytes(count)
    return bytes(source.choice(alphabet) for _ in range(count))


def bad_json(source, fields):
    """A body that is no good JSON, or not what the route wants; seldom one with its fields and useless values."""
    good = json.dumps({field: f"a{source.randrange(9)}@example.com" if field == "email" else "short"
                       for field in fields}).encode()
    key = source.choice(["email", "password", "token", "profile", "x" * 300])
    number = source.choice(["1e999", "-0", "01", "1.", ".5", "9" * 400, "NaN", "-", "0x1", "1e", "+1"])
    depth = source.choice([2, 31, 32, 33, 1000, 20000])
    return source.choice([
        lambda: noise(source), lambda: good[:source.randrange(len(good))], lambda: good + noise(source, 1),
        lambda: good.replace(b"a", noise(source, 1, 3), 1), lambda: b"\xef\xbb\xbf" + good,
        lambda: b'{"%s":"%s"}' % (key.encode(), source.choice(
            [b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82", b"\\ud800", b"\\udc00\\ud800",
             b"\\u0000", b"\\u12", b"\\x", b"\x00", b"\n", b"\x7f", b"\\"])),
        lambda: b'{"%s":%s}' % (key.encode(), number.encode()),
        lambda: b'{"profile":' + b'{"a":' * depth + b"1" + b"}" * depth + b"}",
        lambda: b"[" * depth, lambda: b'{"a":' * depth, lambda: b"[" * depth + b"]" * depth,
        lambda: b'{"%s":1,"%s":2}' % ((key.encode(),) * 2), lambda: b'{"email":"%s"}' % (b"e" * 60000),
        lambda: b'{"profile":{%s}}' % b",".join(b'"k%d":%d' % (i, i) for i in range(source.choice([1, 4000]))),
        lambda: json.dumps(source.choice([None, True, [], "x", 1.5, [[]], {"": {}}, {"email": None}])).encode(),
        lambda: b"{/* */}", lambda: b"{'a':1}", lambda: b'{"a":1,}', lambda: b'{"a" 1}', lambda: b"{}{}",
        lambda: b" " * source.choice([1, 17, 60000]), lambda: b'{"token":"%s"}' % noise(source, 1, 60, b"aZ9-_.=~"),
        lambda: good])()


def headers(source):
    """Headers that are odd and allowed."""
    lines = [b"Host: " + source.choice([b"x", b"", b"a:b:c", b"[", b"\xff"])]
    lines += source.sample([
        b"Authorization: Bearer " + noise(source, 1, 60, b"abcXYZ019-_."), b"Authorization: Basic Og==",
        b"Authorization: Bearer", b"X-Request-Id: " + noise(source, 0, 90, b"ab\t\"'<>\\\xff"),
        b"X-Forwarded-For: " + noise(source, 0, 60, b"0123456789.,:[] \xff"), b"User-Agent: " + b"\xff" * 700,
        b"Cookie: a=b; " + b"c" * 3000, b"Range: bytes=0-,1-", b"Accept: */*;q=%s" % (b"9" * 50), b"Origin: null",
        b"Connection: keep-alive, Upgrade", b"Upgrade: h2c", b"If-None-Match: *", b"X: " + b"%0d%0aY: z",
        b"Content-Encoding: identity", b"Accept-Encoding: gzip;q=x", b"!#$%&'*+-.^_`|~: y", b"TE: trailers"],
        source.randint(0, 5))
    return lines


def request(line, lines, body=b""):
    return line + b" HTTP/1.1\r\n" + b"".join(one + b"\r\n" for one in lines) + b"\r\n" + body


def delimited(source):
    if source.random() < 0.3:
        return request(b"GET " + source.choice(GETS).encode(), headers(source))
    method = source.choice([b"POST"] * 8 + [b"PUT", b"PATCH", b"DELETE", b"OPTIONS"])
    path, fields = source.choice([*POSTS.items(), ("profile", ["name"]), ("nothing", ["email"])])
    body = bad_json(source, fields)[:65000]
    media = source.choice([b"application/json"] * 8 + [b"text/plain", b"application/json; charset=\xff", b"", b"/"])
    lines = headers(source) + [b"Content-Type: " + media, b"Content-Length: %d" % len(body)]
    return request(method + b" /api/auth/" + path.encode(), lines, body)


def broken(source):
    """No two parsers need agree where this ends."""
    smuggled = b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Request-Id: smuggled\r\n\r\n"
    line = b"POST /api/auth/" + source.choice([*POSTS]).encode()
    framing = source.choice([
        [b"Content-Length: 0", b"Content-Length: %d" % len(smuggled)], [b"Content-Length: " + source.choice(
            [b"-1", b"+0", b"0x0", b"0,0", b"", b"0 0", b"9" * 30, b"1e1", b"\xb2", b"00000000000000000", b"99999999"])],
        [b"Transfer-Encoding: " + source.choice([b"chunked", b"identity", b"chunked, chunked", b"\x0bchunked", b"x", b""])],
        [b"Transfer-Encoding: chunked", b"Content-Length: 0"], [b"Transfer-Encoding : chunked"],
        [b"Content-Length : 0"], [b"Content-Length:\x00 0"], [b"X: y\r\n Content-Length: 0"], [b"Host: second"],
        [b"X: a\nContent-Length: 0"], [b"X: a\rContent-Length: 0"], [b"no colon"], [b": no name"], [b"(: y"],
        [b"X: " + noise(source, 1, 5, b"\x00\x01\x0b\x1f\x7f") + b"x"], [b"X: " + b"y" * 9000],
        [b"X-%d: y" % i for i in range(70)], [b"Content-Length: 0", b"Expect: 200-ok"], [b"Content-Encoding: gzip"]])
    chunks = source.choice([b"", b"0\r\n\r\n", b"-1\r\n\r\n", b"fffffffffffffffff\r\n", b"5;x=\"\r\n\r\nabcde\r\n0\r\n\r\n"])
    whole = request(line, [b"Host: x", b"X-Request-Id: own", *framing], chunks + smuggled)
    kind = source.randrange(6)
    if kind == 0:
        start = source.choice([b"GET", b"GET /", b"GET  / HTTP/1.1", b"GET / HTTP/1.1 ", b"GET / HTTP/9.9", b"\x16\x03\x01",
                               b"PRI * HTTP/2.0", b"GET / HTTP/1.1\x00", b"G\x00T / HTTP/1.1", b"GET /\xff HTTP/1.1",
                               b"BREW / HTTP/1.1", b"GET /" + b"a" * 5000 + b" HTTP/1.1", b"GET http://x/ HTTP/1.1",
                               b"get / HTTP/1.1", b" GET / HTTP/1.1", b"GET /#a HTTP/1.1", b"GET\t/\tHTTP/1.1"])
        return start + b"\r\nHost: x\r\n\r\n" + smuggled
    if kind == 1:
        return whole.replace(b"\r\n", b"\n", source.choice([1, 2, -1]))
    return whole


def mutated(source):
    data = bytearray(delimited(source)[:3000])
    for _ in range(source.randint(1, 6)):
        at = source.randrange(len(data) + 1)
        kind = source.randrange(3)
        if kind == 0:
            data[at:at] = source.choice([b"\r\n", b"\n", b"\r", b"\0", b" ", b":", b"%", b"\xff", b"9" * 40, noise(source)])
        elif kind == 1:
            del data[at:at + source.randint(1, 20)]
        elif at < len(data):
            data[at] = source.randrange(256)
    return bytes(data)


def probe(name):
    return f"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Request-Id: {name}\r\n\r\n".encode()


def send(sock, data):
    """False when the gateway has refused and closed before it took everything."""
    try:
        sock.sendall(data)
        return True
    except (BrokenPipeError, ConnectionResetError):
        return False


class Reader:
    """The answers of a connection, one after the other."""

    def __init__(self, sock):
        self.sock = sock
        self.data = b""
        self.ended = False

    def _more(self):
        try:
            chunk = self.sock.recv(65536)
        except ConnectionResetError:
            chunk = b""
        self.data += chunk
        self.ended = not chunk
        return bool(chunk)

    def next(self):
        """The next answer, or None at the end of the connection."""
        while b"\r\n\r\n" not in self.data:
            if not self._more():
                if self.data:
                    raise Wrong(f"an answer was cut: {self.data[:200]!r}")
                return None
        head = self.data[:self.data.index(b"\r\n\r\n") + 4]
        if not head.startswith(b"HTTP/1.1 "):
            raise Wrong(f"no answer: {head[:200]!r}")
        answer = Answer(head)
        size = len(head) + int(answer.headers.get("content-length", 0))
        while len(self.data) < size:
            if not self._more():
                raise Wrong("an answer's body was cut")
        answer.body = self.data[len(head):size]
        self.data = self.data[size:]
        with statuses_lock:
            statuses[answer.status] += 1
        if answer.status >= 500 and answer.status not in (501, 505):  # those two are about the request
            raise Wrong(f"status {answer.status}: {answer.body[:300]!r}")
        if answer.status >= 400 and not answer.json["code"]:
            raise Wrong("no problem document")
        if answer.headers.get("x-request-id") == "smuggled":
            raise Wrong("a body was taken for a request")
        return answer

    def expect_end(self):
        if self.next() is not None:
            raise Wrong("an answer after the last one")


def expect_probe(answer, name):
    if answer is None or answer.status != 200 or answer.headers["x-request-id"] != name:
        raise Wrong(f"the next request got {answer and (answer.status, answer.headers, answer.body)}")


def run_delimited(source, sock, data):
    """`data` and two good requests, which stand after it at once, or come when it is answered."""
    reader = Reader(sock)
    at_once = source.random() < 0.5
    send(sock, data + probe("first") if at_once else data)
    answer = reader.next()
    if answer is None:
        raise Wrong("no answer")
    if answer.headers.get("connection") == "close":
        return reader.expect_end()
    if not at_once:
        send(sock, probe("first"))
    expect_probe(reader.next(), "first")
    send(sock, probe("second"))
    expect_probe(reader.next(), "second")


def run_broken(source, sock, data):
    reader = Reader(sock)
    before = source.choice([0, 0, 1, 5])
    send(sock, b"".join(probe(f"p{i}") for i in range(before)) + data)
    for i in range(before):
        expect_probe(reader.next(), f"p{i}")
    answer = reader.next()
    if answer is None or answer.headers.get("connection") != "close" or answer.status < 400:
        raise Wrong(f"a broken request got {answer and (answer.status, answer.headers, answer.body)}")
    reader.expect_end()


def run_open_ended(_source, sock, data):
    reader = Reader(sock)
    if send(sock, data):
        try:
            sock.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # it has refused us already
    while reader.next() is not None:
        pass


def run_case(gateway, number):
    source = random.Random(f"{SEED}:{number}")
    kind = source.choices(["delimited", "broken", "cut", "mutated"], [5, 3, 1, 2])[0]
    if kind == "cut":
        whole = delimited(source)
        data, run = whole[:source.randrange(len(whole))], run_open_ended
    else:
        data, run = {"delimited": (delimited, run_delimited), "broken": (broken, run_broken),
                     "mutated": (mutated, run_open_ended)}[kind]
        data = data(source)
    try:
        with gateway.connect() as sock:
            run(source, sock, data)
    except (Wrong, OSError) as error:
        raise Wrong(f"case {number} ({kind}): {error!r}\n  sent {data[:1500]!r}") from error


def resident_kib(gateway):
    with open(f"/proc/{gateway.process.pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))


def run_cases(gateway, numbers, failures):
    for number in numbers:
        if failures or gateway.process.poll() is not None:
            return
        try:
            run_case(gateway, number)
        except Wrong as error:
            failures.append(str(error))


def run_all(gateway, first, last):
    """Raises Wrong at the first case that goes wrong."""
    failures = []
    threads = [threading.Thread(target=run_cases, args=(gateway, range(first + i, last, THREADS), failures))
               for i in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise Wrong(failures[0])
    if gateway.process.poll() is not None:
        raise Wrong(f"the gateway ended with {gateway.process.poll()}")


def main():
    print(f"{REQUESTS} malformed requests, SOAK_SEED={SEED}", flush=True)
    gateway = Gateway("--access-log", "off", "--mail-command", "true", "--public-url", "https://app.example.com")
    started = time.monotonic()
    try:
        warm = max(2000, REQUESTS // 10)
        run_all(gateway, 0, warm)
        before = resident_kib(gateway)
        run_all(gateway, warm, max(REQUESTS, 2 * warm))
        after = resident_kib(gateway)
        if after - before > MAX_GROWTH_KIB:
            raise Wrong(f"memory grew from {before} to {after} KiB")
        if b"latchkey_db_connect_failures_total 0\n" not in gateway.get("/metrics").body:
            raise Wrong("database connections failed")
    except Wrong as error:
        print(f"FAIL: {error}")
        sys.exit(1)
    finally:
        code = gateway.stop()
    if code != 0:
        print(f"FAIL: the gateway ended with {code}")
        sys.exit(1)
    print("answers: " + ", ".join(f"{status}: {count}" for status, count in sorted(statuses.items())))
    print(f"no crash, no 5xx, no desync; memory {before} -> {after} KiB; {time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
