"""A capture in which looks fail before they can say what they want: each is
told of the page that the catalogue has on that host.  What the capture lacks,
and what the client itself cut short, is told of nobody.

	packet_failures.py WORK
"""
import json
import os
import socket
import struct
import subprocess
import sys

work = sys.argv[1]
program = os.environ["KPWATCH"]
top = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
PAGES = {"lost": "http://lost.test/kp/index.htm",
         "refused": "http://www.refused.test/start.php?lang=ko",
         "silent": "https://silent.test/ko/",
         "cut": "http://cut.test/a/b/c.html",
         "moved": "http://moved.test/",
         "fine": "http://fine.test/",
         "closed": "http://closed.test/", "slow": "http://slow.test/",
         "missing": "http://missing.test/", "oneway": "http://oneway.test/",
         "part": "http://part.test/", "left": "http://left.test/"}
ADDRESS = {"refused.test": "192.0.2.2", "silent.test": "192.0.2.3",
           "cut.test": "192.0.2.4", "moved.test": "192.0.2.5",
           "fine.test": "192.0.2.6", "elsewhere.test": "192.0.2.7",
           "closed.test": "192.0.2.8", "slow.test": "192.0.2.9",
           "missing.test": "192.0.2.10", "oneway.test": "192.0.2.11",
           "part.test": "192.0.2.12", "left.test": "192.0.2.13"}
CLIENT, RESOLVER = "10.0.0.1", "10.0.0.53"
SYN, RST, ACK, FIN = 2, 4, 16, 1
cases = failed = 0


def check(name, want, got):
    global cases, failed
    cases += 1
    print("%s %d - %s" % ("ok" if want == got else "not ok", cases, name))
    if want != got:
        failed += 1
        print("# want: %s\n#  got: %s" % (want, got))


class Capture:
    def __init__(self):
        self.packets = []
        self.now = 1700000000.0
        self.port = 40000

    def ip(self, source, target, protocol, payload, ttl=64):
        self.packets.append((self.now, struct.pack(
            "!BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), 1, 0, ttl, protocol,
            0, socket.inet_aton(source), socket.inet_aton(target)) + payload))
        self.now += 0.001

    def dns(self, name):
        self.port += 1
        question = b"".join(bytes([len(x)]) + x.encode()
                            for x in name.split(".")) + b"\0" \
            + struct.pack("!HH", 1, 1)
        bare = name[4:] if name.startswith("www.") else name
        answer = b""
        if bare in ADDRESS:
            answer = struct.pack("!HHHIH4s", 0xc00c, 1, 1, 60, 4,
                                 socket.inet_aton(ADDRESS[bare]))
        for flags, count, more, ends in (
                (0x0100, 0, b"", (CLIENT, RESOLVER, self.port, 53)),
                (0x8180 | (0 if answer else 3), 1 if answer else 0, answer,
                 (RESOLVER, CLIENT, 53, self.port))):
            message = struct.pack("!HHHHHH", 7, flags, 1, count, 0, 0) \
                + question + more
            self.ip(ends[0], ends[1], 17, struct.pack(
                "!HHHH", ends[2], ends[3], 8 + len(message), 0) + message)
        return ADDRESS.get(bare)

    def tcp(self, up, server, port, flags, data=b""):
        ends = (self.port, port) if up else (port, self.port)
        seq = self.seq[up]
        self.ip(CLIENT if up else server, server if up else CLIENT, 6,
                struct.pack("!HHIIHHHH", *ends, seq, self.seq[not up],
                            0x5000 | flags, 8192, 0, 0) + data)
        self.seq[up] += len(data) + (1 if flags & (SYN | FIN) else 0)

    def connect(self, host, port=80, answer=True):
        server = self.dns(host)
        self.port += 1
        self.seq = {True: 1000, False: 9000}
        self.tcp(True, server, port, SYN)
        if answer:
            self.tcp(False, server, port, SYN | ACK)
            self.tcp(True, server, port, ACK)
        return server

    def get(self, host, target, answer):
        server = self.connect(host)
        self.tcp(True, server, 80, ACK, (
            "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n" % (target, host)).encode())
        self.tcp(False, server, 80, ACK, answer.encode())
        self.tcp(False, server, 80, FIN | ACK)
        self.tcp(True, server, 80, FIN | ACK)

    def ask(self, host):
        server = self.connect(host)
        self.tcp(True, server, 80, ACK,
                 ("GET / HTTP/1.1\r\nHost: %s\r\n\r\n" % host).encode())
        return server

    def lose(self, server, n):
        """Sent and received, and not captured."""
        self.seq[False] += n
        self.tcp(True, server, 80, ACK)

    def close(self, server, up=False):
        self.tcp(up, server, 80, FIN | ACK)
        self.tcp(not up, server, 80, FIN | ACK)

    def without(self, server, first):
        """Takes away what that server sent since."""
        sent = socket.inet_aton(server)
        self.packets[first:] = [x for x in self.packets[first:]
                                if x[1][12:16] != sent]

    def save(self, path):
        with open(path, "wb") as f:
            f.write(struct.pack("<IHHIIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535,
                                101))
            for time, data in self.packets:
                f.write(struct.pack("<IIII", int(time),
                                    int(time % 1 * 1000000), len(data),
                                    len(data)) + data)


def a_round(c):
    c.dns("lost.test")
    server = c.connect("www.refused.test", answer=False)
    c.seq[False] = 0
    c.tcp(False, server, 80, RST | ACK)
    c.connect("silent.test", 443, answer=False)
    server = c.connect("cut.test")
    c.tcp(False, server, 80, RST)
    # It answers, and sends its readers where nobody answers.
    c.get("moved.test", "/", "HTTP/1.1 302 Found\r\nLocation: "
          "http://elsewhere.test/deep/page\r\nContent-Length: 0\r\n\r\n")
    server = c.connect("elsewhere.test", answer=False)
    c.seq[False] = 0
    c.tcp(False, server, 80, RST | ACK)
    page = "<!DOCTYPE html><title>fine</title><p>a page with some words"
    c.get("fine.test", "/", "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
          "Content-Length: %d\r\n\r\n%s" % (len(page), page))
    c.close(c.ask("closed.test"))
    server = c.ask("slow.test")
    c.now += 25
    c.close(server, up=True)
    server = c.ask("missing.test")
    c.lose(server, 2000)
    c.close(server)
    first = len(c.packets)
    server = c.ask("oneway.test")
    c.lose(server, 2000)
    c.close(server)
    c.without(server, first)
    server = c.ask("part.test")
    c.tcp(False, server, 80, ACK, (
        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 5000"
        "\r\n\r\n<title>part</title><p>some words of it").encode())
    c.lose(server, 4962)
    c.close(server)
    server = c.ask("left.test")
    c.now += 1.5
    c.tcp(True, server, 80, RST | ACK)
    c.now += 300


capture = Capture()
for _ in range(5):
    a_round(capture)
capture.save(work + "/failures.pcap")
for name in ("kpwatch.yaml", "platforms.yaml", "verdicts.yaml"):
    with open(top + "/conf/" + name) as f, \
            open(work + "/" + name, "w") as out:
        out.write(f.read())
with open(work + "/sites.yaml", "w") as f:
    f.write("sites:\n" + "".join(
        "  - {id: %s, name: A name, category: news, status: active, source: test,\n"
        "     pages: [{name: main, url: \"%s\"}]}\n" % x
        for x in PAGES.items()))
with open(work + "/accounts.yaml", "w") as f:
    f.write("accounts: []\n")
p = subprocess.run([program, "replay", "-c", work + "/kpwatch.yaml",
                    work + "/failures.pcap"], capture_output=True, text=True)
print("# " + p.stderr.replace("\n", "\n# "))
check("exit 0", 0, p.returncode)
events = [json.loads(x) for x in p.stdout.splitlines()]
told = {kind: {e["target"]: (e["page"], e["url"], e.get("failure"))
               for e in events if e["type"] == kind}
        for kind in ("site.down", "site.degraded")}
WHY = {"lost": "dns_nxdomain_error", "refused": "connection_refused",
       "silent": "generic_timeout_error", "cut": "connection_reset",
       "closed": "eof_error", "slow": "generic_timeout_error"}
for target, why in WHY.items():
    check("%s of %s" % (why, target), ("main", PAGES[target], why),
          told["site.down"].get(target))
check("and of no other", sorted(WHY), sorted(told["site.down"]))
check("where a redirect leads", {"moved": (
    "main", PAGES["moved"], "connection_refused")}, told["site.degraded"])
check("and is said to be missing", True,
      "\n15 exchanges with gaps" in p.stderr)
check("what answers is up", ["fine", "part"],
      [e["target"] for e in events if e["type"] == "target.baseline"])

# A capture that ends before anybody had waited.
capture = Capture()
for _ in range(3):
    capture.connect("silent.test", answer=False)
    capture.now += 0.5
capture.dns("missing.test")
del capture.packets[-1]
capture.save(work + "/short.pcap")
p = subprocess.run([program, "replay", "-c", work + "/kpwatch.yaml",
                    work + "/short.pcap"], capture_output=True, text=True)
check("the end of a capture is no timeout", "",
      p.stdout + "".join(x for x in p.stderr.splitlines() if "timeout" in x))
print("1..%d" % cases)
sys.exit(failed > 0)
