#!/usr/bin/python3
"""Web and name servers that do everything wrong.

	evil.py CERTIFICATES COPIES

Each kind of evil has an address of its own and a name, KIND.evil.kp, which
the name server on NAME_SERVER gives: HTTP on port 8000, TLS on 8443.  Names
KIND.dns.kp are answered as KIND says in DNS below.  Other names get the
addresses of the world's well-behaved sites.

A server of each kind is a function of a connected socket; it ends by
returning, which closes the connection.  None sends for ever, yet all for
longer, or more, than any limit of the probe.
"""
import ctypes
import functools
import gzip
import itertools
import os
import random
import socket
import socketserver
import ssl
import struct
import sys
import threading
import time

import evil_tls

NAME_SERVER = "192.0.2.1"
NOBODY = "175.45.178.250"  # refuses all connections
HTTP_PORT, TLS_PORT, SHELL_PORT = 8000, 8443, 8444
GOOD = ["175.45.179.%d" % n for n in range(1, 9)]
LONG = 120  # seconds of what goes slowly
MUCH = 1 << 30
OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
PAGE = b"<html><title>T</title><body><p>Text of a page</p></body></html>"
WEB, TLS, DNS = {}, {}, {}
KINDS = []


def web(f):
    WEB[f.__name__] = f
    return f


def tls(f):
    TLS[f.__name__] = f
    return f


def dns(f):
    DNS[f.__name__] = f
    return f


def kinds(copies):
    """Of web servers, each with an address; "KIND-N" is a copy."""
    return list(WEB) + list(TLS) + [
        "%s-%d" % (k, n) for k in ("endless", "endless_chunks", "bomb_dense")
        for n in range(copies)]


def address(kind):
    return "175.45.178.%d" % (1 + KINDS.index(kind))


def kind_of(local):
    return KINDS[int(local.rpartition(".")[2]) - 1].partition("-")[0]


def slowly(s, data, every=1.0):
    for n in range(int(LONG / every)):
        s.sendall(data[n % len(data):][:1])
        time.sleep(every)


def much(s, piece):
    piece *= 65536 // len(piece) + 1
    for _ in range(MUCH // len(piece)):
        s.sendall(piece)


def page(s, body, *headers):
    s.sendall(OK + b"".join(h + b"\r\n" for h in headers) +
              b"Content-Length: %d\r\n\r\n" % len(body) + body)


def redirect(s, to):
    s.sendall(b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: " + to +
              b"\r\n\r\n")


def reset(s):
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


# --- too slow, too long -----------------------------------------------------

@web
def drip(s):
    s.sendall(OK + b"Content-Length: 100000\r\n\r\n")
    slowly(s, b".")


@web
def drip_head(s):
    slowly(s, OK)


@web
def silent(s):
    time.sleep(LONG)


@web
def headers(s):
    s.sendall(OK)
    much(s, b"X-More: and so on\r\n")


@web
def header_long(s):
    s.sendall(OK + b"X-Long: ")
    much(s, b"x")


@web
def status_long(s):
    much(s, b"HTTP/1.1 200 ")


@web
def endless(s):
    s.sendall(OK + b"\r\n")
    much(s, b"<p>and so on without an end</p>\n")


@web
def endless_chunks(s):
    s.sendall(OK + b"Transfer-Encoding: chunked\r\n\r\n")
    much(s, b"1\r\nx\r\n")


@web
def endless_tags(s):
    s.sendall(OK + b"\r\n")
    much(s, b"<a b=c><div><table><svg><a href=//x.kp/" + b"y" * 99 + b">")


@web
def endless_links(s):
    s.sendall(OK + b"\r\n")
    for n in range(MUCH // 60):
        s.sendall(b"".join(b'<a href="https://youtube.com/@c%d">x</a>'
                           % (n * 999 + i) for i in range(999)))


# --- bombs ------------------------------------------------------------------

@functools.lru_cache(None)
def zeros():
    """A lot in a megabyte."""
    return gzip.compress(bytes(1 << 28), 1)


@functools.lru_cache(None)
def dense():
    """As large as a body may be, and more when it is undone, at a ratio
    that a page may have."""
    rng = random.Random(1)
    return gzip.compress(rng.randbytes(13 << 19).hex().encode(), 1)


def brotli(data):
    lib = ctypes.CDLL("libbrotlienc.so.1")
    out = ctypes.create_string_buffer(len(data) // 2 + 1024)
    n = ctypes.c_size_t(len(out))
    assert lib.BrotliEncoderCompress(1, 24, 0, ctypes.c_size_t(len(data)),
                                     data, ctypes.byref(n), out) == 1
    return out.raw[:n.value]


def zstd(data):
    lib = ctypes.CDLL("libzstd.so.1")
    lib.ZSTD_compress.restype = ctypes.c_size_t
    out = ctypes.create_string_buffer(len(data) // 2 + 1024)
    n = lib.ZSTD_compress(out, ctypes.c_size_t(len(out)), data,
                          ctypes.c_size_t(len(data)), 3)
    return out.raw[:n]


@functools.lru_cache(None)
def packed(how):
    return how(bytes(1 << 28))


@web
def bomb_gzip(s):
    page(s, zeros(), b"Content-Encoding: gzip")


@web
def bomb_nested(s):
    page(s, gzip.compress(zeros()), b"Content-Encoding: gzip, gzip")


@web
def bomb_dense(s):
    page(s, dense(), b"Content-Encoding: gzip")


@web
def bomb_brotli(s):
    page(s, packed(brotli), b"Content-Encoding: br")


@web
def bomb_zstd(s):
    page(s, packed(zstd), b"Content-Encoding: zstd")


@web
def bomb_mixed(s):
    page(s, gzip.compress(brotli(packed(zstd))),
         b"Content-Encoding: zstd, br, gzip")


@web
def bomb_codings(s):
    body = PAGE
    for _ in range(50):
        body = gzip.compress(body)
    page(s, body, b"Content-Encoding: " + b", ".join([b"gzip"] * 50))


@web
def not_gzip(s):
    page(s, PAGE, b"Content-Encoding: gzip")


@web
def cut_gzip(s):
    page(s, gzip.compress(PAGE * 100)[:60], b"Content-Encoding: gzip")


# --- redirects ---------------------------------------------------------------

@web
def to_itself(s):
    redirect(s, b"/")


@web
def to_more(s):
    redirect(s, b"/%d" % time.time_ns())


@web
def to_other(s):
    redirect(s, b"http://to_back.evil.kp:8000/")


@web
def to_back(s):
    redirect(s, b"http://to_other.evil.kp:8000/")


@web
def to_loopback(s):
    redirect(s, b"http://127.0.0.1/")


@web
def to_loopback6(s):
    redirect(s, b"http://[::ffff:7f00:1]/")


@web
def to_number(s):
    redirect(s, b"http://2130706433/")


@web
def to_octal(s):
    redirect(s, b"http://0177.1/")


@web
def to_metadata(s):
    redirect(s, b"http://169.254.169.254/latest/meta-data/")


@web
def to_bogon(s):
    redirect(s, b"http://bogon.dns.kp/")


@web
def to_file(s):
    redirect(s, b"file:///etc/passwd")


@web
def to_ftp(s):
    redirect(s, b"ftp://ftp.evil.kp/")


@web
def to_gopher(s):
    redirect(s, b"gopher://127.0.0.1:25/_MAIL")


@web
def to_script(s):
    redirect(s, b"javascript:alert(1)")


@web
def to_nowhere(s):
    redirect(s, b"http://")


@web
def to_long(s):
    redirect(s, b"/" + b"x" * 60000)


@web
def to_fat(s):
    """Each with as much of a body as is taken."""
    s.sendall(b"HTTP/1.1 302 Found\r\nLocation: /%d\r\n\r\n" % time.time_ns())
    much(s, b"<p>moved</p>\n")


@web
def to_split(s):
    redirect(s, b"http://s0.many.kp/%0d%0aX-Injected:%20yes")


# --- heads -------------------------------------------------------------------

@web
def interim(s):
    much(s, b"HTTP/1.1 100 Continue\r\n\r\n")


@web
def interim_heads(s):
    much(s, b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n")


@web
def switching(s):
    s.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: evil\r\n"
              b"Connection: upgrade\r\n\r\n")
    slowly(s, b"\x00")


@web
def length_negative(s):
    s.sendall(OK + b"Content-Length: -5\r\n\r\n" + PAGE)


@web
def length_huge(s):
    s.sendall(OK + b"Content-Length: 99999999999999999999\r\n\r\n" + PAGE)


@web
def length_two(s):
    s.sendall(OK + b"Content-Length: 5\r\nContent-Length: 50\r\n\r\n" + PAGE)


@web
def length_more(s):
    s.sendall(OK + b"Content-Length: 5000\r\n\r\n" + PAGE)


@web
def garbage(s):
    s.sendall(random.Random(1).randbytes(5000))


@web
def bare_page(s):
    s.sendall(PAGE)


@web
def http2(s):
    s.sendall(b"\x00\x00\x12\x04\x00\x00\x00\x00\x00" + bytes(18))


@web
def version(s):
    s.sendall(b"HTTP/9.9 200 OK\r\n\r\n" + PAGE)


@web
def status_zero(s):
    s.sendall(b"HTTP/1.1 000 Nothing\r\n\r\n" + PAGE)


@web
def status_text(s):
    s.sendall(b"HTTP/1.1 OK\r\n\r\n" + PAGE)


@web
def nuls(s):
    s.sendall(OK + b"X-\0\0: \0\r\nX\0\r\n\r\n" + PAGE.replace(b"e", b"\0"))


@web
def no_colon(s):
    s.sendall(OK + b"this is no header\r\n : nor this\r\n\r\n" + PAGE)


@web
def empty(s):
    pass


@web
def reset_at_once(s):
    reset(s)


@web
def reset_in_head(s):
    s.sendall(OK)
    time.sleep(0.2)
    reset(s)


@web
def reset_in_body(s):
    s.sendall(OK + b"Content-Length: 1000\r\n\r\n" + PAGE)
    time.sleep(0.2)
    reset(s)


# --- chunks ------------------------------------------------------------------

def chunked(s, data):
    s.sendall(OK + b"Transfer-Encoding: chunked\r\n\r\n" + data)


@web
def chunk_word(s):
    chunked(s, b"zz\r\n" + PAGE + b"\r\n0\r\n\r\n")


@web
def chunk_huge(s):
    chunked(s, b"FFFFFFFFFFFFFFFFFF\r\n" + PAGE)


@web
def chunk_negative(s):
    chunked(s, b"-5\r\n" + PAGE + b"\r\n0\r\n\r\n")


@web
def chunk_short(s):
    chunked(s, b"5\r\n" + PAGE + b"\r\n0\r\n\r\n")


@web
def chunk_cut(s):
    chunked(s, b"5000\r\n" + PAGE)


@web
def chunk_no_end(s):
    chunked(s, b"%x\r\n%s\r\n" % (len(PAGE), PAGE))


@web
def chunk_extension(s):
    chunked(s, b"5;")
    much(s, b"extension=and so on;")


@web
def chunk_trailers(s):
    chunked(s, b"%x\r\n%s\r\n0\r\n" % (len(PAGE), PAGE))
    much(s, b"X-Trailer: and so on\r\n")


@web
def chunk_both(s):
    s.sendall(OK + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"
              b"%x\r\n%s\r\n0\r\n\r\n" % (len(PAGE), PAGE))


@web
def chunk_twice(s):
    s.sendall(OK + b"Transfer-Encoding: chunked, chunked\r\n\r\n"
              b"%x\r\n%s\r\n0\r\n\r\n" % (len(PAGE), PAGE))


# --- TLS ---------------------------------------------------------------------

@functools.lru_cache(None)
def context(name, version=None):
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    c.load_cert_chain(os.path.join(sys.argv[1], name + ".crt"),
                      os.path.join(sys.argv[1], "leaf.key"))
    if version is not None:
        c.set_ciphers("ALL:@SECLEVEL=0")
        c.minimum_version = c.maximum_version = version
    return c


def serve_tls(s, name, version=None, then=lambda s: page(s, PAGE)):
    with context(name, version).wrap_socket(s, server_side=True) as secure:
        secure.recv(65536)
        then(secure)


def hello(s):
    return s.recv(65536)


@tls
def tls_good(s):
    serve_tls(s, "evil")


@tls
def tls_plain(s):
    hello(s)
    s.sendall(OK + b"\r\n" + PAGE)


@tls
def tls_garbage(s):
    hello(s)
    s.sendall(random.Random(2).randbytes(20000))


@tls
def tls_alert(s):
    hello(s)
    s.sendall(b"\x15\x03\x03\x00\x02\x02\x28")


@tls
def tls_warnings(s):
    hello(s)
    much(s, b"\x15\x03\x03\x00\x02\x01\x00" b"\x15\x03\x03\x00\x02\x01\x5a")


@tls
def tls_hello_requests(s):
    """In the middle of the first handshake: each is to be passed over."""
    hello(s)
    much(s, b"\x16\x03\x03\x00\x04\x00\x00\x00\x00")


@tls
def tls_silent(s):
    hello(s)
    time.sleep(LONG)


@tls
def tls_drip(s):
    hello(s)
    slowly(s, b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc" + bytes(20))


@tls
def tls_empty(s):
    hello(s)


@tls
def tls_reset(s):
    hello(s)
    reset(s)


@tls
def tls_record_huge(s):
    hello(s)
    s.sendall(b"\x16\x03\x03\xff\xff")
    much(s, b"\0")


@tls
def tls_message_huge(s):
    """A ServerHello of 16 MiB, in records that are as they should be."""
    hello(s)
    s.sendall(b"\x16\x03\x03\x40\x00\x02\xff\xff\xff" + bytes(16380))
    much(s, b"\x16\x03\x03\x40\x00" + bytes(16384))


@tls
def tls_own(s):
    serve_tls(s, "own")


@tls
def tls_expired(s):
    serve_tls(s, "expired")


@tls
def tls_future(s):
    serve_tls(s, "future")


@tls
def tls_name(s):
    serve_tls(s, "other")


@tls
def tls_chain(s):
    """A thousand certificates that have nothing to do with it."""
    serve_tls(s, "chain")


@tls
def tls_old(s):
    serve_tls(s, "evil", ssl.TLSVersion.TLSv1)


@tls
def tls_cut(s):
    serve_tls(s, "evil", then=lambda s: s.sendall(
        OK + b"Content-Length: 5000\r\n\r\n" + PAGE))


@tls
def tls_endless(s):
    serve_tls(s, "evil", then=endless)


# What comes beside a page when the request was read.

def beside(s, version, send, count):
    with evil_tls.Secure(s, os.path.join(sys.argv[1], "evil.crt"),
                         os.path.join(sys.argv[1], "leaf.key"),
                         version) as secure:
        send(secure, count)
        page(secure, PAGE)


def renegotiate(s, count):
    for _ in range(count):
        s.renegotiate()


def hello_requests(s, count):
    s.many(s.hello_request, count)


def key_updates(s, count):
    s.many(lambda: s.key_update(False), count)


def key_updates_asked(s, count):
    """Each wants one back, which nobody reads."""
    s.many(lambda: s.key_update(True), count)


def tickets(s, count):
    s.many(s.ticket, count)


def small(s, count):
    """A byte of the page in each record: many, and nothing wrong."""
    s.sendall(OK + b"Content-Length: %d\r\n\r\n" % count)
    s.many(lambda: s.write(b"x"), count)


def beside_kinds():
    old, new, many = evil_tls.TLS1_2, evil_tls.TLS1_3, 10 ** 8
    for name, version, send, count in (
            ("renegotiated", old, renegotiate, 3),
            ("renegotiations", old, renegotiate, many),
            ("hello_requests_after", old, hello_requests, many),
            ("key_updated", new, key_updates, 20),
            ("key_updates", new, key_updates, many),
            ("key_updated_asked", new, key_updates_asked, 20),
            ("key_updates_asked", new, key_updates_asked, many),
            ("ticketed", new, tickets, 20),
            ("tickets", new, tickets, many),
            ("small_old", old, small, 300),
            ("small", new, small, 300)):
        TLS["tls_" + name] = functools.partial(
            beside, version=version, send=send, count=count)


beside_kinds()


def before_5746(s, count):
    with evil_tls.Legacy(s, os.path.join(sys.argv[1], "evil.crt"),
                         os.path.join(sys.argv[1], "leaf.key")) as secure:
        renegotiate(secure, count)
        page(secure, PAGE)


# GnuTLS takes no host name with an underscore.
@tls
def legacy(s):
    before_5746(s, 0)


@tls
def legacyrenegotiated(s):
    before_5746(s, 1)


@tls
def tls_ccs(s):
    """Records that mean nothing in TLS 1.3, in the clear."""
    beside(s, evil_tls.TLS1_3, lambda _, count: much(
        s, b"\x14\x03\x03\x00\x01\x01"), 1)


# --- names -------------------------------------------------------------------

def question(query):
    """(id, name, type, the question's bytes)"""
    at, labels = 12, []
    while query[at]:
        labels.append(query[at + 1:at + 1 + query[at]].decode("latin-1"))
        at += 1 + query[at]
    return (query[:2], ".".join(labels).lower(),
            struct.unpack("!H", query[at + 1:at + 3])[0], query[12:at + 5])


def reply(q, answers=(), flags=0x8180, count=None, ident=None):
    ident, text = ident or q[0], q[3]
    count = len(answers) if count is None else count
    return ident + struct.pack("!HHHHH", flags, 1, count, 0, 0) + text + \
        b"".join(answers)


def record(kind, data, name=b"\xc0\x0c", length=None):
    return name + struct.pack("!HHIH", kind, 1, 60, len(
        data) if length is None else length) + data


def a(text):
    return record(1, socket.inet_aton(text))


def first(q, answers, **more):
    """To the question for IPv4 addresses; the other has no answer."""
    return reply(q, answers if q[2] == 1 else [], **more)


def wire(text):
    return b"".join(bytes([len(p)]) + p for p in text.split(b".")) + b"\0"


def cname(text, name=b"\xc0\x0c"):
    return record(5, wire(text), name)


@dns
def loop(q, tcp):
    return reply(q, [record(1, bytes(4), b"\xc0" + bytes([12 + len(q[3])]))])


@dns
def loop_long(q, tcp):
    """Each pointer to the one after it, the last to the first."""
    start = 12 + len(q[3])
    jumps = b"".join(struct.pack("!H", 0xc000 | start + 2 * (n + 1) % 400)
                     for n in range(200))
    return reply(q, [jumps])


@dns
def aliases(q, tcp):
    return reply(q, [cname(b"b.dns.kp"),
                     cname(b"aliases.dns.kp", b"\x01b\xc0" + bytes([
                         12 + 8]))])


@dns
def aliases_many(q, tcp):
    return reply(q, [cname(b"x%d.dns.kp" % n) for n in range(20)])


@dns
def alias_numeric(q, tcp):
    """A name that looks like the address of a server is none; where the
    address leads, nobody is."""
    name = GOOD[0].encode()
    return first(q, [cname(name), record(1, socket.inet_aton(
        NOBODY), wire(name))])


@dns
def bogon(q, tcp):
    return first(q, [a("127.0.0.1"), a("10.0.0.1"), a("169.254.1.1"),
                     a("0.0.0.0"), a("100.64.0.1"), a("224.0.0.1")])


@dns
def bogon6(q, tcp):
    return reply(q, [record(28, bytes(15) + b"\1")] if q[2] == 28 else [])


@dns
def huge(q, tcp):
    if not tcp:
        return reply(q, flags=0x8380)
    return first(q, [a(GOOD[n % 8]) for n in range(3500)])


@dns
def wrong_id(q, tcp):
    return first(q, [a(GOOD[0])], ident=bytes(255 - b for b in q[0]))


@dns
def wrong_name(q, tcp):
    other = q[3].replace(b"wrong_name", b"right_name")
    return first((q[0], q[1], q[2], other), [a(GOOD[0])])


@dns
def truncated(q, tcp):
    """Says so, and hangs up on TCP."""
    return None if tcp else reply(q, flags=0x8380)


@dns
def cut_short(q, tcp):
    return first(q, [a(GOOD[0])])[:-3] if q[2] == 1 else reply(q)


@dns
def counts(q, tcp):
    return first(q, [a(GOOD[0])], count=65535)


@dns
def length_wrong(q, tcp):
    return first(q, [record(1, bytes(3)), record(1, bytes(5), length=999)])


@dns
def nothing(q, tcp):
    return reply(q)


@dns
def query_back(q, tcp):
    return reply(q, flags=0x0100)


@dns
def noise(q, tcp):
    return q[0] + random.Random(3).randbytes(400)


@dns
def flood(q, tcp):
    """Guesses at the id; thousands would fill the socket
    that the other answers come by."""
    return itertools.repeat(wrong_id(q, tcp), 50)


@dns
def silence(q, tcp):
    return None


@dns
def nxdomain(q, tcp):
    return reply(q, flags=0x8183)


@dns
def servfail(q, tcp):
    return reply(q, flags=0x8182)


@dns
def refused(q, tcp):
    return reply(q, flags=0x8185)


def answer(query, tcp):
    q = question(query)
    kind, _, rest = q[1].partition(".")
    if rest == "dns.kp" and kind in DNS:
        return DNS[kind](q, tcp)
    if rest == "evil.kp":
        return first(q, [a(address(kind))])
    return first(q, [a(g) for g in GOOD])


# --- serving -----------------------------------------------------------------

class Handler(socketserver.BaseRequestHandler):
    def handle(self):
        s = self.request
        kind = kind_of(s.getsockname()[0])
        try:
            if self.server.server_address[1] == TLS_PORT:
                TLS[kind](s)
            else:
                if kind not in ("reset_at_once", "empty"):
                    s.recv(65536)
                WEB[kind](s)
        except OSError:
            pass


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 512

    def handle_error(self, request, client_address):
        print("evil:", sys.exc_info()[1], flush=True)

    def shutdown_request(self, request):
        self.close_request(request)


class NamesTcp(socketserver.BaseRequestHandler):
    def handle(self):
        while True:
            head = self.request.recv(2, socket.MSG_WAITALL)
            if len(head) < 2:
                return
            query = self.request.recv(struct.unpack("!H", head)[0],
                                      socket.MSG_WAITALL)
            text = answer(query, True)
            if text is None:
                return
            self.request.sendall(struct.pack("!H", len(text)) + text)


def names_udp():
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind((NAME_SERVER, 53))
    while True:
        query, peer = s.recvfrom(4096)
        text = answer(query, False)
        if isinstance(text, bytes):
            s.sendto(text, peer)
        elif text is not None:
            threading.Thread(target=send_all, args=(s, text, peer),
                             daemon=True).start()


def send_all(s, texts, peer):
    for text in texts:
        s.sendto(text, peer)


def main():
    KINDS.extend(kinds(int(sys.argv[2])))
    threading.stack_size(256 * 1024)
    for make in (zeros, dense, lambda: packed(brotli), lambda: packed(zstd)):
        make()
    for where, handler in ((("0.0.0.0", HTTP_PORT), Handler),
                           (("0.0.0.0", TLS_PORT), Handler),
                           ((NAME_SERVER, 53), NamesTcp)):
        server = Server(where, handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
    names_udp()


if __name__ == "__main__":
    main()
