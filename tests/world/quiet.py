"""A web site that says nothing of its visitors, and what a daemon wrote."""
import glob
import http.server
import json
import zlib


class Quiet(http.server.BaseHTTPRequestHandler):
    def answer(self, body, code=200, **headers):
        try:
            self.send_response(code)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)
        except OSError:
            pass

    def log_message(self, *args):
        pass


def events(state):
    """The lines of the change log of a state folder, in order."""
    text = b""
    for path in sorted(glob.glob(state + "/log/*.gz")):
        with open(path, "rb") as f:
            data = f.read()
        while data:
            d = zlib.decompressobj(31)
            text += d.decompress(data)
            data = d.unused_data
    return [json.loads(x) for x in text.splitlines()]
