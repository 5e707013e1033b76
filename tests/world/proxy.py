"""Through a SOCKS5 and an HTTP proxy: names are the proxy's to resolve, and
what may not be asked for directly may not be asked for through it."""
import json
import os
import socket
import sys
import threading

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import probe
import tap
import world


class Proxy:
    """Hands connections on, and keeps what it was asked for."""

    def __init__(self, w):
        self.w = w
        self.asked = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            client, _ = self.listener.accept()
            threading.Thread(target=self.serve, args=(client,),
                             daemon=True).start()

    def exactly(self, client, n):
        data = b""
        while len(data) < n:
            more = client.recv(n - len(data))
            if not more:
                raise EOFError
            data += more
        return data

    def server(self, host, port):
        self.asked.append("%s:%d" % (host, port))
        return socket.create_connection((self.w.address[host], port), 5)

    def copy(self, a, b):
        try:
            while True:
                data = a.recv(65536)
                if not data:
                    break
                b.sendall(data)
            b.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def serve(self, client):
        try:
            first = self.exactly(client, 1)
            server, early = (self.socks(client) if first == b"\x05" else
                             self.http(client, first))
            server.sendall(early)
        except (EOFError, KeyError, OSError):
            client.close()
            return
        threading.Thread(target=self.copy, args=(client, server),
                         daemon=True).start()
        self.copy(server, client)

    def socks(self, client):
        """RFC 1928, names only: an address would be a name resolved here."""
        self.exactly(client, self.exactly(client, 1)[0])
        client.sendall(b"\x05\x00")
        kind = self.exactly(client, 4)[3]
        if kind != 3:
            self.asked.append("an address")
            raise EOFError
        host = self.exactly(client, self.exactly(client, 1)[0]).decode()
        port = int.from_bytes(self.exactly(client, 2), "big")
        server = self.server(host, port)
        client.sendall(b"\x05\x00\x00\x01\0\0\0\0\0\0")
        return server, b""

    def http(self, client, head):
        while b"\r\n\r\n" not in head:
            head += self.exactly(client, 1)
        method, target = head.decode().split()[:2]
        if method == "CONNECT":
            host, port = target.rsplit(":", 1)
            server = self.server(host, int(port))
            client.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
            return server, b""
        return self.server(world.host_of(target), 80), head


t = tap.Tap()
w = world.World(os.environ["WORLD"])
w.start()
p = probe.Probe(w, os.path.join(w.folder, "state"))


def look(proxy, *targets):
    _, text, _ = p.command("check", "-c", probe.CONF, "--json",
                           "-o", "network.ca_file=" + w.ca_file,
                           # whoever asks a name server here asks in vain
                           "-o", "network.name_servers=[127.0.0.1]",
                           "-o", "timeouts.dns=200ms", "-o", "proxy=" + proxy,
                           *targets)
    return [json.loads(line) for line in text.splitlines()]


plain = next(i for i, s in w.targets.items()
             if s.url.startswith("http:") and not s.account
             and w.host(i) in w.address)
secure = next(i for i, s in w.targets.items()
              if s.url.startswith("https:") and not s.account
              and w.host(i) in w.address)
for scheme in ("socks5h", "http"):
    proxy = Proxy(w)
    address = "%s://127.0.0.1:%d" % (scheme, proxy.port)
    seen = look(address, plain, secure)
    t.same(scheme + ": both are up", ["up"],
           sorted({s["verdict"] for s in seen}))
    t.same(scheme + ": the proxy got the names",
           sorted([w.host(plain) + ":80", w.host(secure) + ":443"]),
           sorted(set(proxy.asked)))
    del proxy.asked[:]
    for to in ("http://127.0.0.1/", "http://[::1]/", "http://localhost/", "http://Localhost./",
               "http://10.1.2.3/"):
        w.behave(plain, kind="redirect", to=to)
        seen = look(address, plain)
        t.check("%s: not up by %s" % (scheme, to),
                seen[0]["verdict"] != "up", seen[0])
    t.same(scheme + ": nothing inward was asked for",
           [w.host(plain) + ":80"], sorted(set(proxy.asked)))
    w.behave(plain)
seen = look("socks5h://127.0.0.1:9", plain)
t.same("no proxy there", ["connection_refused"],
       [s["failure"] for s in seen])
w.stop()
t.finish()
