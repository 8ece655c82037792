"""Many clients that send a byte a second, and one that asks for /healthz all the time. Run it with dripping.sh."""
import os
import resource
import selectors
import sys
import threading
import time

from harness import Gateway

CLIENTS = int(os.environ.get("SOAK_CLIENTS", "1000"))
SECONDS = int(os.environ.get("SOAK_SECONDS", "600"))
MAX_P99_SECONDS = 1.0
PAUSE_SECONDS = 0.02
REQUEST = b"POST /api/auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n" + b" " * 5000


class Drippers:
    """Connections that each get their next byte once a second. One that the gateway ends is opened anew."""

    def __init__(self, gateway):
        self.gateway = gateway
        self.selector = selectors.DefaultSelector()
        self.socks = {}  # socket -> how much of the request it has sent
        self.cut_off = 0
        self.answered = set()
        for _ in range(CLIENTS):
            self._open()

    def _open(self):
        sock = self.gateway.connect()
        sock.setblocking(False)
        self.socks[sock] = 0
        self.selector.register(sock, selectors.EVENT_READ)

    def _read(self, sock):
        try:
            data = sock.recv(4096)
        except ConnectionResetError:
            data = b""
        if data:
            self.answered.add(data.split(b" ", 2)[1])
            return
        self.selector.unregister(sock)
        del self.socks[sock]
        sock.close()
        self.cut_off += 1
        self._open()

    def _drip(self):
        for sock, sent in list(self.socks.items()):
            try:
                self.socks[sock] = sent + sock.send(REQUEST[sent:sent + 1])
            except OSError:
                pass  # its end is read in the next turn

    def run(self, end):
        while time.monotonic() < end:
            next_turn = time.monotonic() + 1
            self._drip()
            while (left := next_turn - time.monotonic()) > 0:
                for key, _ in self.selector.select(left):
                    self._read(key.fileobj)


def ask(gateway, end, times):
    while time.monotonic() < end:
        started = time.monotonic()
        if gateway.get("/healthz").status != 200:
            raise RuntimeError("/healthz does not answer 200")
        times.append(time.monotonic() - started)
        time.sleep(PAUSE_SECONDS)


def main():
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(max(limit[0], 2 * CLIENTS + 200), limit[1]), limit[1]))
    gateway = Gateway("--access-log", "off")
    try:
        drippers = Drippers(gateway)
        end = time.monotonic() + SECONDS
        thread = threading.Thread(target=drippers.run, args=(end,))
        thread.start()
        times = []
        ask(gateway, end, times)
        thread.join()
    finally:
        code = gateway.stop()
    p99 = sorted(times)[int(len(times) * 0.99)]
    print(f"{CLIENTS} clients for {SECONDS} s: {drippers.cut_off} connections cut off, "
          f"{len(times)} times /healthz, p99 {1000 * p99:.1f} ms, worst {1000 * max(times):.1f} ms")
    # A dripping request never becomes complete: 408 is all that the clients may have heard.
    sane = code == 0 and drippers.answered <= {b"408"} and (SECONDS < 15 or drippers.cut_off > 0)
    sys.exit(0 if sane and p99 < MAX_P99_SECONDS else 1)


if __name__ == "__main__":
    main()
