"""A DNS server for tests: it answers questions for TXT records as it is told to, over UDP."""
import socket
import struct
import threading

NOERROR, SERVFAIL, NXDOMAIN = 0, 2, 3
TRUNCATED = 0x200


class DnsServer:
    """As a context manager.

    records: name → list of texts; failures: name → answers of the first questions for it (None: silence); truncated: name →
    those of its records that fit.
    """

    def __init__(self):
        self.records = {}
        self.failures = {}
        self.truncated = {}
        self.questions = []
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        # Closing alone does not wake who waits.
        self._socket.sendto(b"", self._socket.getsockname())
        self._thread.join(5)
        self._socket.close()

    def _serve(self):
        while True:
            packet, client = self._socket.recvfrom(4096)
            if not packet:
                return
            answer = self._answer(packet)
            if answer:
                self._socket.sendto(answer, client)

    def _answer(self, packet):
        number = packet[:2]
        labels, at = [], 12
        while packet[at]:
            labels.append(packet[at + 1:at + 1 + packet[at]].decode())
            at += 1 + packet[at]
        question = packet[12:at + 5]
        name = ".".join(labels).lower()
        self.questions.append((name, struct.unpack(">H", question[-4:-2])[0]))
        pending = self.failures.get(name)
        if pending:
            code = pending.pop(0)
            return None if code is None else self._message(number, question, code, [])
        if name not in self.records:
            return self._message(number, question, NXDOMAIN, [])
        if name in self.truncated:
            return self._message(number, question, NOERROR | TRUNCATED, self.truncated[name])
        return self._message(number, question, NOERROR, self.records[name])

    @staticmethod
    def _message(number, question, code, values):
        head = number + struct.pack(">HHHHH", 0x8180 | code, 1, len(values), 0, 0)
        body = b""
        for value in values:
            texts = [value[i:i + 255] for i in range(0, len(value), 255)] or [b""]
            data = b"".join(bytes([len(text)]) + text for text in texts)
            body += b"\xc0\x0c" + struct.pack(">HHIH", 16, 1, 60, len(data)) + data
        return head + question + body
