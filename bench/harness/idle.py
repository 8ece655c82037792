"""Holds idle keep-alive connections to a server, and probes it with fresh ones meanwhile."""

import contextlib
import select
import socket
import threading
import time


def request(path, token, close=False):
    connection = "close" if close else "keep-alive"
    lines = [f"GET {path} HTTP/1.1", "Host: 127.0.0.1", f"Authorization: Bearer {token}",
             f"Connection: {connection}", "", ""]
    return "\r\n".join(lines).encode()


def exchange(connection, message):
    """Sends a request and reads an answer that ends with its content; True for a 200."""
    connection.sendall(message)
    received = b""
    while b"\r\n\r\n" not in received:
        more = connection.recv(65536)
        if not more:
            return False
        received += more
    head, _, body = received.partition(b"\r\n\r\n")
    length = next((int(line.split(b":")[1]) for line in head.lower().split(b"\r\n")
                   if line.startswith(b"content-length:")), 0)
    while len(body) < length:
        more = connection.recv(65536)
        if not more:
            return False
        body += more
    return head.startswith(b"HTTP/1.1 200")


@contextlib.contextmanager
def connections(port, count, path, token):
    """`count` connections that have each had one answer and now stay silent."""
    message = request(path, token)
    held = []
    try:
        for _ in range(count):
            one = socket.create_connection(("127.0.0.1", port), timeout=10)
            held.append(one)
            if not exchange(one, message):
                raise SystemExit(f"idle connection {len(held)} got no 200")
        yield held
    finally:
        for one in held:
            one.close()


def still_open(held):
    """How many the server has not closed: a closed one is readable, with nothing to read."""
    poll = select.poll()
    for one in held:
        poll.register(one, select.POLLIN | select.POLLHUP)
    return len(held) - len(poll.poll(0))


class FreshProbe:
    """Opens a new connection every 50 ms while the block runs, and times each to its answer."""

    def __init__(self, port, path, token):
        self.port = port
        self.message = request(path, token, close=True)
        self.answered_ms = []
        self.failed = 0
        self.ended_ = threading.Event()
        self.thread_ = threading.Thread(target=self.probe_)

    def __enter__(self):
        self.thread_.start()
        return self

    def __exit__(self, *_):
        self.ended_.set()
        self.thread_.join()

    def probe_(self):
        while not self.ended_.wait(0.05):
            begin = time.perf_counter()
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=5) as fresh:
                    good = exchange(fresh, self.message)
            except OSError:
                good = False
            if good:
                self.answered_ms.append(1000 * (time.perf_counter() - begin))
            else:
                self.failed += 1

    def metrics(self):
        times = sorted(self.answered_ms) or [float("inf")]
        return {
            "fresh_p50_ms": times[len(times) // 2],
            "fresh_worst_ms": times[-1],
            "fresh_failed": self.failed,
        }
