#!/usr/bin/env python3
"""A server that webhooks are sent to: writes what it gets as JSON lines, answers as its folder says.

receiver.py FOLDER [CERTIFICATE KEY]: writes its port into FOLDER/port, each request into FOLDER/requests.
FOLDER/answer holds the status to answer (200 by default), or `hang`.
"""
import http.server
import json
import pathlib
import ssl
import sys
import time

FOLDER = pathlib.Path(sys.argv[1])


class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        with open(FOLDER / "requests", "a", encoding="utf-8") as out:
            out.write(json.dumps({"path": self.path, "body": body, "headers": dict(self.headers)}) + "\n")
        answer = FOLDER / "answer"
        status = answer.read_text().strip() if answer.exists() else "200"
        if status == "hang":
            time.sleep(60)
        self.send_response(int(status) if status.isdigit() else 200)
        if status.startswith("3"):
            self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
if len(sys.argv) > 2:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[2], sys.argv[3])
    server.socket = context.wrap_socket(server.socket, server_side=True)
(FOLDER / "port.new").write_text(str(server.server_address[1]))
(FOLDER / "port.new").rename(FOLDER / "port")
server.serve_forever()
