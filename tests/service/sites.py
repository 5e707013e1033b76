"""Sites for the tests of the service.  usage: sites.py FOLDER

http and https (with FOLDER/key.pem and good.pem) on ports of their own, and a
name server that finds every name on 127.0.0.1.  FOLDER/ports gets the three
ports.  /slow takes two seconds and leaves FOLDER/slow.asked; /plain has a
link and does not change.
"""
import http.server
import os
import socketserver
import ssl
import struct
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))), "world"))
import quiet

folder = sys.argv[1]


class Site(quiet.Quiet):
    def do_GET(self):
        if self.path == "/slow":
            open(folder + "/slow.asked", "w").close()
            time.sleep(2)
        page = ("<html><title>The %s paper</title><body><p>All the news of "
                "the day</p>%%s</body></html>" % self.path[1:])
        if self.path != "/plain":
            self.answer((page % "").encode())
        elif self.headers.get("If-None-Match") == '"same"':
            self.answer(b"", code=304)
        else:
            link = "<a href='http://new.example/paper'>us</a>"
            self.answer((page % link).encode(), ETag='"same"')


class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, request, address):
        pass  # a refused certificate is part of the test


class Names(socketserver.BaseRequestHandler):
    def handle(self):
        query, reply_to = self.request
        at = 12
        while query[at]:
            at += query[at] + 1
        question = query[12:at + 5]
        wanted = struct.unpack(">H", query[at + 1:at + 3])[0]
        answers = b""
        if wanted == 1:
            answers = b"\xc0\x0c\0\1\0\1\0\0\0\1\0\4\x7f\0\0\1"
        head = query[:2] + b"\x81\x80\0\1" + struct.pack(
            ">H", 1 if answers else 0) + b"\0\0\0\0"
        reply_to.sendto(head + question + answers, self.client_address)


plain = Server(("127.0.0.1", 0), Site)
secure = Server(("127.0.0.1", 0), Site)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(folder + "/good.pem", folder + "/key.pem")
secure.socket = context.wrap_socket(secure.socket, server_side=True,
                                    do_handshake_on_connect=False)
names = socketserver.ThreadingUDPServer(("127.0.0.1", 0), Names)
with open(folder + "/ports.new", "w") as f:
    print(plain.server_address[1], secure.server_address[1],
          names.server_address[1], file=f)
for server in (plain, secure):
    threading.Thread(target=server.serve_forever, daemon=True).start()
os.rename(folder + "/ports.new", folder + "/ports")
names.serve_forever()
