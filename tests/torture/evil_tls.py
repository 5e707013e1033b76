"""What a TLS server may send beside a page, as often as it likes.

Python's own module can neither renegotiate nor send a new key or ticket, so
this is OpenSSL itself.  A connection's bytes go through memory: thousands of
messages are made first and then sent at once, which is more than a client
that looks at one after the other can keep up with.
"""
import ctypes
import functools
import socket

TLS1_2, TLS1_3 = 0x303, 0x304
FILE_PEM = 1
SET_MIN, SET_MAX = 123, 124
PIECE = 65536

LIB = ctypes.CDLL("libssl.so.3", use_errno=True)
CRYPTO = ctypes.CDLL("libcrypto.so.3")
for name in ("TLS_server_method", "SSL_CTX_new", "SSL_new"):
    getattr(LIB, name).restype = ctypes.c_void_p
for name in ("BIO_s_mem", "BIO_new"):
    getattr(CRYPTO, name).restype = ctypes.c_void_p
P = ctypes.c_void_p


@functools.lru_cache(None)
def context(certificate, key, version):
    c = P(LIB.SSL_CTX_new(P(LIB.TLS_server_method())))
    assert LIB.SSL_CTX_use_certificate_file(c, certificate.encode(),
                                            FILE_PEM) == 1
    assert LIB.SSL_CTX_use_PrivateKey_file(c, key.encode(), FILE_PEM) == 1
    for what in (SET_MIN, SET_MAX):
        assert LIB.SSL_CTX_ctrl(c, what, ctypes.c_long(version), None) == 1
    return c


class Secure:
    """A connection whose handshake is done and whose request was read."""

    def __init__(self, s, certificate, key, version):
        self.s = s
        self.ssl = P(LIB.SSL_new(context(certificate, key, version)))
        self.into, self.out = (P(CRYPTO.BIO_new(P(CRYPTO.BIO_s_mem())))
                               for _ in range(2))
        LIB.SSL_set_bio(self.ssl, self.into, self.out)
        LIB.SSL_set_accept_state(self.ssl)

    def __enter__(self):
        while LIB.SSL_do_handshake(self.ssl) != 1:
            self.flush()
            self.take()
        self.flush()
        while self.read() <= 0:
            self.take()
        return self

    def __exit__(self, failed, *why):
        LIB.SSL_free(self.ssl)
        if not failed:  # else what was not read resets what was sent
            self.s.shutdown(socket.SHUT_WR)
            while self.s.recv(PIECE):
                pass

    def take(self):
        data = self.s.recv(PIECE)
        if not data:
            raise ConnectionAbortedError
        CRYPTO.BIO_write(self.into, data, len(data))

    def flush(self):
        room = ctypes.create_string_buffer(PIECE)
        while (n := CRYPTO.BIO_read(self.out, room, PIECE)) > 0:
            self.s.sendall(room.raw[:n])

    def read(self):
        return LIB.SSL_read(self.ssl, ctypes.create_string_buffer(PIECE),
                            PIECE)

    def write(self, data):
        self.done(LIB.SSL_write(self.ssl, data, len(data)))

    def sendall(self, data):
        self.write(data)
        self.flush()

    def done(self, result):
        if result <= 0:
            raise ConnectionAbortedError

    def step(self):
        self.done(LIB.SSL_do_handshake(self.ssl))

    def hello_request(self):
        LIB.SSL_renegotiate(self.ssl)
        self.step()

    def renegotiate(self):
        """To the end of the new handshake."""
        self.hello_request()
        self.flush()
        while LIB.SSL_renegotiate_pending(self.ssl) or \
                LIB.SSL_in_init(self.ssl):
            self.take()
            self.read()
            self.flush()

    def key_update(self, asks):
        LIB.SSL_key_update(self.ssl, 1 if asks else 0)
        self.step()

    def ticket(self):
        LIB.SSL_new_session_ticket(self.ssl)
        self.step()

    def many(self, message, count):
        """That message so often, a lot at a time."""
        for n in range(1, count + 1):
            message()
            if n % 2000 == 0:
                self.flush()
        self.flush()


class Legacy:
    """A TLS 1.2 server from before RFC 5746: it cannot say that it renews a
    handshake safely, and does so all the same.  By GnuTLS, which can still
    be such a one."""
    LIKE = b"NORMAL:-VERS-ALL:+VERS-TLS1.2:%DISABLE_SAFE_RENEGOTIATION"

    def __init__(self, s, certificate, key):
        self.lib = gnutls()
        self.session, self.credentials = P(), P()
        self.done(self.lib.gnutls_certificate_allocate_credentials(
            ctypes.byref(self.credentials)))
        self.done(self.lib.gnutls_certificate_set_x509_key_file(
            self.credentials, certificate.encode(), key.encode(), 1))
        self.done(self.lib.gnutls_init(ctypes.byref(self.session), 1))
        self.done(self.lib.gnutls_priority_set_direct(
            self.session, self.LIKE, None))
        self.done(self.lib.gnutls_credentials_set(
            self.session, 1, self.credentials))
        self.lib.gnutls_transport_set_int2(self.session, s.fileno(),
                                           s.fileno())

    def __enter__(self):
        self.done(self.lib.gnutls_handshake(self.session))
        self.done(self.lib.gnutls_record_recv(
            self.session, ctypes.create_string_buffer(PIECE), PIECE))
        return self

    def __exit__(self, *why):
        self.lib.gnutls_bye(self.session, 1)
        self.lib.gnutls_deinit(self.session)
        self.lib.gnutls_certificate_free_credentials(self.credentials)

    def done(self, result):
        if result < 0:
            raise ConnectionAbortedError

    def sendall(self, data):
        self.done(self.lib.gnutls_record_send(self.session, data, len(data)))

    def renegotiate(self):
        self.done(self.lib.gnutls_rehandshake(self.session))
        self.done(self.lib.gnutls_handshake(self.session))


@functools.lru_cache(None)
def gnutls():
    lib = ctypes.CDLL("libgnutls.so.30")
    for name in ("gnutls_record_recv", "gnutls_record_send"):
        getattr(lib, name).restype = ctypes.c_ssize_t
    return lib
