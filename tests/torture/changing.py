"""A site that shows a new channel at every look.  usage: changing.py PORTFILE"""
import http.server
import itertools
import os
import sys

number = itertools.count()
page = """<html><title>News</title><body><p>The daily paper, all of it</p>
<a href="https://www.youtube.com/@channel{0}n{1}">channel</a></body></html>"""


class Site(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = page.format(os.getpid(), next(number)).encode()
        try:
            self.answer(body)
        except ConnectionError:
            pass  # the one who asked was killed

    def answer(self, body):
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Site) as server:
    with open(sys.argv[1] + ".new", "w") as f:
        f.write(str(server.server_address[1]))
    os.rename(sys.argv[1] + ".new", sys.argv[1])
    server.serve_forever()
