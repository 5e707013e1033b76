"""Servers that do everything wrong, all at once, beside some that do not.

	hostile.py SECONDS COPIES

What each does is told by the words that belong to it; the daemon and all of
its processes stay, within the memory that was planned; those that do nothing
wrong are looked at in time; nothing is left behind.
"""
import os
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import evil
import growing
import database
import many
import probe
import tap
import world

SECONDS, COPIES = float(sys.argv[1]), int(sys.argv[2])
# Longer when not all were looked at; a machine may be slow.
PATIENCE = 120
GOOD = 20
PEAK_MIB = 160

SANITIZED = "address" in probe.KPWATCH

RATIO = "decoded body cut at the compression ratio limit"
LARGE = ["body too_large cut"]
REFUSED = ["tcp blocked_by_policy"]
NO_PLACE = ["http_invalid_redirect_location_host body"]
LOOP = ["http_unexpected_redirect_url body redirect_loop"]
HEAD = ["http_response headers_too_large"]
BAD = ["unknown_failure body"]
BAD_HEAD = ["unknown_failure http_response"]
SHORT = ["eof_error body truncated"]
SLOW = "generic_timeout_error "
HANDSHAKE = ["ssl_failed_handshake tls"]
FLOOD = ["unknown_failure http_response"]
LIES = ["dns_server_misbehaving dns"]
NO_ANSWER = ["dns_no_answer dns"]

# What is to be said: failure, stage, outcome, what analysis did, its note.
WANT = {
    "drip": [SLOW + "body"], "drip_head": [SLOW + "http_response"],
    "silent": [SLOW + "http_response"], "switching": [SLOW + "body"],
    "headers": HEAD, "header_long": HEAD, "status_long": HEAD,
    "interim": HEAD, "interim_heads": HEAD,
    "endless": LARGE, "endless_chunks": LARGE, "endless_tags": LARGE,
    "endless_links": LARGE, "chunk_extension": LARGE,
    "chunk_trailers": LARGE, "tls_endless": LARGE,
    "bomb_gzip": ["body cut decoded body cut at the size limit"],
    "bomb_dense": ["body cut 1152 text blocks hashed but not kept"],
    "bomb_nested": ["body cut " + RATIO],
    "bomb_brotli": ["body cut " + RATIO], "bomb_zstd": ["body cut " + RATIO],
    "bomb_mixed": ["body cut " + RATIO],
    "bomb_codings": ["body unknown content coding; body taken as it is"],
    "not_gzip": ["body body labelled as compressed is not; taken as it is"],
    "cut_gzip": ["body cut compressed body ends early; what came is used"],
    "to_itself": LOOP, "to_other": LOOP, "to_back": LOOP,
    "to_more": ["http_unexpected_redirect_url body too_many_redirects"],
    "to_fat": ["body too_large cut the body ends before the message did",
               "http_unexpected_redirect_url body too_many_redirects"],
    "to_loopback": REFUSED, "to_loopback6": REFUSED, "to_number": REFUSED,
    "to_octal": REFUSED, "to_metadata": REFUSED,
    "to_bogon": ["dns_bogon_error dns blocked_by_policy"],
    "to_file": NO_PLACE, "to_ftp": NO_PLACE, "to_gopher": NO_PLACE,
    "to_script": NO_PLACE, "to_nowhere": NO_PLACE, "to_long": NO_PLACE,
    "to_split": ["body"],
    "length_negative": BAD_HEAD, "length_huge": ["body"],
    "length_two": ["body"], "length_more": SHORT,
    "garbage": BAD_HEAD, "bare_page": BAD_HEAD, "http2": BAD_HEAD,
    "version": BAD_HEAD, "status_zero": BAD_HEAD, "status_text": BAD_HEAD,
    "nuls": BAD_HEAD, "no_colon": BAD_HEAD,
    # Who closes or resets before the request may win over it.
    "empty": ["eof_error http_response", "connection_reset http_response"],
    "reset_at_once": ["connection_reset http_response",
                      "connection_reset tcp"],
    "reset_in_head": ["connection_reset http_response"],
    "reset_in_body": ["connection_reset body"],
    "chunk_word": BAD, "chunk_huge": BAD, "chunk_negative": BAD,
    "chunk_short": BAD, "chunk_cut": SHORT, "chunk_no_end": SHORT,
    "chunk_both": ["body"], "chunk_twice": ["body"],
    "tls_good": ["body"], "tls_old": ["body"], "tls_cut": SHORT,
    "tls_plain": HANDSHAKE, "tls_garbage": HANDSHAKE, "tls_alert": HANDSHAKE,
    "tls_warnings": HANDSHAKE, "tls_record_huge": HANDSHAKE,
    "tls_message_huge": HANDSHAKE, "tls_chain": HANDSHAKE,
    "tls_hello_requests": HANDSHAKE,
    "tls_renegotiated": ["body"], "tls_key_updated": ["body"],
    "tls_key_updated_asked": ["body"], "tls_ticketed": ["body"],
    "tls_renegotiations": FLOOD, "tls_hello_requests_after": FLOOD,
    "tls_key_updates": FLOOD, "tls_key_updates_asked": FLOOD,
    "tls_tickets": FLOOD, "tls_ccs": FLOOD,
    "legacy": ["body"],
    "legacyrenegotiated": ["body"],
    "tls_small": ["body"], "tls_small_old": ["body"],
    "tls_silent": [SLOW + "tls"], "tls_drip": [SLOW + "tls"],
    "tls_empty": ["eof_error tls"], "tls_reset": ["connection_reset tls"],
    "tls_own": ["ssl_unknown_authority tls"],
    "tls_expired": ["ssl_invalid_certificate tls"],
    "tls_future": ["ssl_invalid_certificate tls"],
    "tls_name": ["ssl_invalid_hostname tls"],
    "dns_loop": LIES, "dns_loop_long": LIES, "dns_cut_short": LIES,
    "dns_counts": LIES, "dns_length_wrong": LIES, "dns_truncated": LIES,
    "dns_aliases": NO_ANSWER, "dns_aliases_many": NO_ANSWER,
    "dns_alias_numeric": ["connection_refused tcp"],
    "dns_nothing": NO_ANSWER, "dns_query_back": NO_ANSWER,
    "dns_bogon": ["dns_bogon_error dns blocked_by_policy"],
    "dns_bogon6": ["dns_bogon_error dns blocked_by_policy"],
    "dns_huge": ["body"],
    "dns_wrong_id": [SLOW + "dns"], "dns_wrong_name": [SLOW + "dns"],
    "dns_flood": [SLOW + "dns"],
    "dns_noise": [SLOW + "dns"], "dns_silence": [SLOW + "dns"],
    "dns_nxdomain": ["dns_nxdomain_error dns"],
    "dns_servfail": ["dns_servfail_error dns"],
    "dns_refused": ["dns_refused_error dns"],
}


def wanted(name):
    """Copies end as the first does."""
    return WANT[name.partition("-")[0]]


def hosts():
    """(id, url) of what is evil."""
    for kind in evil.kinds(COPIES):
        secure = kind.partition("-")[0] in evil.TLS
        yield kind, "%s://%s.evil.kp:%d/" % (
            "https" if secure else "http", kind,
            evil.TLS_PORT if secure else evil.HTTP_PORT)
    for kind in evil.DNS:
        yield "dns_" + kind, "http://%s.dns.kp/" % kind


class Hostile:
    def __init__(self):
        self.t = tap.Tap()
        self.w = world.World(os.environ["WORLD"])
        self.w.start()
        self.w.inside("nft", "add", "element", "inet", "world",
                      "to_reset", "{ %s }" % evil.NOBODY)
        conf = many.catalogue(self.w, GOOD)
        with open(os.path.join(os.path.dirname(conf), "sites.yaml"),
                  "a") as f:
            for name, url in hosts():
                f.write("  - {id: %s, name: %s, operator: O, category: other,"
                        " status: dormant, source: none, pages: "
                        "[{name: main, url: \"%s\"}]}\n" % (name, name, url))
        self.certificates()
        self.w.spawn("/usr/bin/python3", evil.__file__,
                     self.w.folder + "/certs", str(COPIES))
        self.w.wait("the evil servers", lambda: self.w.inside(
            "bash", "-c", "exec 3<>/dev/tcp/%s/53" % evil.NAME_SERVER) == "",
            60)
        self.p = probe.Probe(
            self.w, os.path.join(self.w.folder, "state"), conf=conf, **{
                "network.name_servers": "[%s]" % evil.NAME_SERVER,
                "intervals.active": "1s", "intervals.dead": "10s",
                "intervals.spacing": "0s", "record.warc": "true",
                "timeouts.connect": "4s", "timeouts.total": "8s"})

    def certificates(self):
        certs = self.w.folder + "/certs/"
        days = 86400
        for name, host, starts, ends in (
                ("evil", "*.evil.kp", -days, 20 * days),
                ("expired", "*.evil.kp", -9 * days, -days),
                ("future", "*.evil.kp", days, 9 * days),
                ("other", "www.elsewhere.kp", -days, 20 * days)):
            self.w.certificate(host, starts, ends)
            os.rename(certs + host + ".crt", certs + name + ".crt")
        world.run("openssl", "req", "-x509", "-key", certs + "leaf.key",
                  "-subj", "/CN=own", "-addext",
                  "subjectAltName=DNS:*.evil.kp", "-out", certs + "own.crt")
        text = open(certs + "evil.crt").read()
        with open(certs + "chain.crt", "w") as f:
            f.write(text + open(certs + "own.crt").read() * 1000)

    def rows(self, sql):
        return database.ask(self.p.state, sql)

    def live(self):
        p = self.p
        p.start()
        p.wait("baselines", lambda e: sum(
            x["type"] == "target.baseline" and x["target"][1:].isdigit()
            for x in e) >= GOOD, 60)
        began, self.peak, self.parts = time.monotonic(), 0, ""
        while time.monotonic() - began < SECONDS or (
                time.monotonic() - began < SECONDS + PATIENCE and
                len(self.seen()) < GOOD + len(list(hosts()))):
            total, parts = self.memory()
            if total > self.peak:
                self.peak, self.parts = total, parts
            time.sleep(0.03)

    def memory(self):
        total, parts = 0, []
        for name, pid in growing.processes(self.p.process.pid):
            try:
                with open("/proc/%d/smaps_rollup" % pid) as f:
                    kib = sum(int(line.split()[1]) for line in f
                              if line.startswith("Pss:"))
            except OSError:
                continue
            total += kib
            parts.append("%s %.0f" % (name, kib / 1024))
        return total / 1024, ", ".join(parts)

    def seen(self):
        """What was made of each evil one: {id: {words}}."""
        found = {}
        for name, *words, note in self.rows(
                "SELECT DISTINCT t.id, d.failure, d.stage, d.outcome, "
                "d.analysis, d.note FROM details d JOIN observations o "
                "USING (observation) JOIN pages p USING (page) JOIN targets "
                "t USING (target) WHERE d.variant <> 'unverified'"):
            words = [w for w in words if w not in (None, "none", "ok")]
            if note and "too_large" not in words:
                words.append(note)
            found.setdefault(name, set()).add(" ".join(words))
        return found

    def judge_evil(self):
        seen = self.seen()
        names = [name for name, _ in hosts()]
        self.t.same("each is told by the words that belong to it", [], [
            "%s: %s" % (n, ", ".join(sorted(seen.get(n, {"not looked at"}))))
            for n in names
            if not seen.get(n) or not seen[n] <= set(wanted(n))])

    def judge_good(self, seconds):
        """Each is due every second; a machine may be slow."""
        rows = self.rows(
            "SELECT t.id, count(*) FROM observations o JOIN pages p "
            "USING (page) JOIN targets t USING (target) WHERE t.id GLOB "
            "'s[0-9]*' GROUP BY t.id")
        self.t.check("those that do nothing wrong are looked at", len(
            rows) == GOOD and min(n for _, n in rows) >= seconds / 4, rows)
        self.t.figure("%d to %d looks at each of %d others in %.0f s" % (
            min(n for _, n in rows), max(n for _, n in rows), GOOD, seconds))
        self.t.same("and nothing is said of them", [], [
            e for e in self.p.events() if e["target"] and
            e["target"][1:].isdigit() and e["type"] != "target.baseline"])

    def judge_daemon(self):
        with open(self.p.output, errors="replace") as f:
            lines = f.readlines()
        self.t.same("no process died, none broke a rule", [], [
            x for x in lines if " died" in x or "error:" in x])
        self.t.figure("memory of all processes at its peak %.1f MiB (%s)" % (
            self.peak, self.parts))
        self.t.check("memory of all processes at most %d MiB" % PEAK_MIB,
                     0 < self.peak <= PEAK_MIB or SANITIZED,
                     (self.peak, self.parts))
        self.t.same("no packet went to an inner address", [0],
                    [self.w.inward_packets()])

    def judge_end(self):
        t, p = self.t, self.p
        children = growing.processes(p.process.pid)
        t.same("ends on SIGTERM", [0], [p.stop()])
        t.same("leaves no process", [], [
            n for n, pid in children if os.path.exists("/proc/%d" % pid)])
        known = (".gz", ".cdxj", ".sqlite", ".sqlite-wal", ".sqlite-shm")
        t.same("leaves no other file", [], [
            f for _, _, files in os.walk(p.state) for f in files
            if not f.endswith(known) and f not in ("lock", "control")])
        code, out, err = p.command("verify", "-s", p.state)
        t.check("verify finds nothing", code == 0, out + err)

    def tell(self):
        began = time.monotonic()
        self.live()
        self.judge_evil()
        self.judge_good(time.monotonic() - began)
        self.judge_daemon()
        self.judge_end()

    def run(self):
        probe.run_story(self.t, self.w, self.p, self.tell)


if __name__ == "__main__":
    Hostile().run()
