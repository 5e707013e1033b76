"""Receivers for the hook tests: HTTP, SMTP and a syslog socket, on loopback.

usage: receiver.py http|smtp|syslog FOLDER
Writes what it receives to FOLDER and its address to FOLDER/address.  HTTP
answers with the status in FOLDER/status (200 without one).
"""
import http.server
import os
import socket
import socketserver
import sys

kind, folder = sys.argv[1:3]
count = 0


def keep(name, data):
    with open(os.path.join(folder, name), "ab") as f:
        f.write(data)


def announce(text):
    tmp = os.path.join(folder, ".address")
    with open(tmp, "w") as f:
        f.write(text)
    os.rename(tmp, os.path.join(folder, "address"))


class Http(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        try:
            with open(os.path.join(folder, "status")) as f:
                status = int(f.read())
        except OSError:
            status = 200
        if status < 300:
            keep("bodies", body.rstrip(b"\n") + b"\n")
            keep("headers", str(self.headers).encode())
        self.send_response(status)
        self.end_headers()

    def log_message(self, *args):
        pass


class Smtp(socketserver.StreamRequestHandler):
    def say(self, text):
        self.wfile.write(text.encode() + b"\r\n")

    def handle(self):
        self.say("220 receiver")
        data = False
        for line in self.rfile:
            if data:
                keep("mail", line)
                if line == b".\r\n":
                    data = False
                    self.say("250 kept")
                continue
            verb = line[:4].upper()
            keep("dialogue", line)
            if verb == b"DATA":
                data = True
                self.say("354 go on")
            elif verb == b"QUIT":
                self.say("221 bye")
                return
            else:
                self.say("250 ok")


if kind == "syslog":
    s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    s.bind(os.path.join(folder, "log"))
    announce(os.path.join(folder, "log"))
    while True:
        keep("lines", s.recv(65536) + b"\n")
else:
    socketserver.TCPServer.allow_reuse_address = True
    handler = Http if kind == "http" else Smtp
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as server:
        announce("127.0.0.1:%d" % server.server_address[1])
        server.serve_forever()
