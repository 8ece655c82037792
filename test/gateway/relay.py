"""A relay between the gateway and the database's socket that can be cut, to play a dead server."""
import os
import socket
import threading
import urllib.parse


def _close(sock):
    """Ends both directions, and whatever waits for them in another thread."""
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass  # closed already
    sock.close()


class Relay:
    """Listens on a Unix socket in `folder`, and passes everything on to the server of `url`."""

    def __init__(self, url, folder):
        parts = urllib.parse.urlsplit(url)
        query = dict(urllib.parse.parse_qsl(parts.query))
        port = query.get("port") or parts.port or os.environ.get("PGPORT", "5432")
        host = query.get("host") or parts.hostname
        self._target = os.path.join(host, f".s.PGSQL.{port}") if host.startswith("/") else (host, int(port))
        self._path = os.path.join(folder, ".s.PGSQL.5432")
        query.update(host=folder, port="5432")
        user = parts.username + "@" if parts.username else ""
        self.url = f"postgresql://{user}/{parts.path.strip('/')}?" + urllib.parse.urlencode(query)
        self._pairs = []
        self._lock = threading.Lock()
        self.frozen = threading.Event()
        self.frozen.set()  # set: bytes flow
        self.freeze_at = None  # bytes at whose sight they stop
        self._listener = None
        self.up()

    def up(self):
        """Accepts connections."""
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(self._path)
        self._listener.listen(64)
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def down(self):
        """Refuses new connections and cuts all that are open."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        os.unlink(self._path)
        self.cut()

    def cut(self):
        with self._lock:
            pairs, self._pairs = self._pairs, []
        for client, server in pairs:
            _close(client)
            _close(server)

    def _accept(self, listener):
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            family = socket.AF_UNIX if isinstance(self._target, str) else socket.AF_INET
            server = socket.socket(family)
            server.connect(self._target)
            with self._lock:
                self._pairs.append((client, server))
            for a, b in ((client, server), (server, client)):
                threading.Thread(target=self._pump, args=(a, b), daemon=True).start()

    def _pump(self, source, target):
        try:
            while data := source.recv(65536):
                if self.freeze_at is not None and self.freeze_at in data:
                    self.frozen.clear()
                self.frozen.wait()
                target.sendall(data)
        except OSError:
            pass
        _close(source)
        _close(target)
