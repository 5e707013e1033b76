#!/usr/bin/python3
"""A web server for what a good one never does.

	mischief.py FOLDER PORT

nginx sends it the requests for hosts that have a file in FOLDER: a JSON
object whose "kind" says what to do.

	status    code, headers, body: that answer
	redirect  code, to
	loop      redirects to itself with a new number for ever
	endless   a body without end
	drip      a byte a second
	late      seconds, body: that page, after so long
	cut       promises more than it sends, then closes
	html      body: a page; {n} in it is a number that goes up each time
"""
import itertools
import json
import os
import socket
import socketserver
import sys
import threading
import time

FOLDER = sys.argv[1]
counter = itertools.count(1)
# Longer than anybody here waits, and an end all the same.
ENDLESS_SECONDS = 120
DRIP_SECONDS = 120


class Handler(socketserver.BaseRequestHandler):
    def handle(self):
        try:
            self.answer(*self.read_head())
        except (OSError, ValueError):
            pass

    def read_head(self):
        data = b""
        while b"\r\n\r\n" not in data:
            more = self.request.recv(65536)
            if not more or len(data) > 65536:
                raise ValueError("no request")
            data += more
        lines = data.decode("latin-1").split("\r\n")
        headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        host = headers.get("host", "").split(":")[0]
        if "/" in host or host.startswith("."):
            raise ValueError("no host")
        return host, headers.get("x-request-uri", "/")

    def send_head(self, code, headers, length=None):
        lines = ["HTTP/1.1 %d Status" % code, "Connection: close"]
        lines += ["%s: %s" % h for h in headers.items()]
        if length is not None:
            lines.append("Content-Length: %d" % length)
        self.request.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())

    def send(self, code, headers, body):
        data = body.encode("utf-8")
        self.send_head(code, headers, len(data))
        self.request.sendall(data)

    def answer(self, host, uri):
        with open(os.path.join(FOLDER, host), encoding="utf-8") as f:
            how = json.load(f)
        getattr(self, "do_" + how["kind"])(how, host, uri)

    def do_status(self, how, host, uri):
        self.send(how["code"], how.get("headers", {}), how.get(
            "body", "<html><body><h1>%d</h1></body></html>" % how["code"]))

    def do_late(self, how, host, uri):
        time.sleep(how["seconds"])
        self.send(200, {"Content-Type": "text/html"}, how["body"])

    def do_redirect(self, how, host, uri):
        self.send(how.get("code", 302), {"Location": how["to"]}, "")

    def do_loop(self, how, host, uri):
        self.send(302, {"Location": "/?again=%d" % next(counter)}, "")

    def do_endless(self, how, host, uri):
        # Or nginx compresses gigabytes of it into what the probe takes.
        self.send_head(200, {"Content-Type": "text/html",
                             "Content-Encoding": "identity"})
        piece = b"<p>and so on without an end</p>\n" * 512
        self.request.sendall(how.get("start", "").encode("utf-8"))
        end = time.monotonic() + ENDLESS_SECONDS
        while time.monotonic() < end:
            self.request.sendall(piece)

    def do_drip(self, how, host, uri):
        self.send_head(200, {"Content-Type": "text/html"}, 100000)
        for _ in range(DRIP_SECONDS):
            self.request.sendall(b".")
            time.sleep(1)

    def do_cut(self, how, host, uri):
        body = how.get("body", "<html><body>half").encode("utf-8")
        self.send_head(200, {"Content-Type": "text/html"}, len(body) * 2)
        self.request.sendall(body)

    def do_html(self, how, host, uri):
        self.send(how.get("code", 200), {"Content-Type": "text/html"},
                  how["body"].replace("{n}", str(next(counter))))


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 256


if __name__ == "__main__":
    threading.stack_size(256 * 1024)
    with Server(("127.0.0.1", int(sys.argv[2])), Handler) as server:
        server.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.serve_forever()
