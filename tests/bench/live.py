"""The live pipeline beside others that fetch pages, on the same server.

	live.py BARE_LOOP [KIND]...

A real nginx and a real name server stand in a network namespace.  Its pages
are stretches of saved real pages, 18 to 22 KB each, and, once more for pages
that change, a front page of 44 KB that is full of links.  kpwatch runs as shipped
(analysis, store, change log), only hurried and without archives; each fetch
has a new connection everywhere.  CPU is that of all processes of a candidate;
the server's is not counted.
"""
import glob
import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../world"))
sys.path.insert(0, HERE)
import figures
import live_pages
import probe
import world

# Enough of them to keep it at full load, each once a second.
SITES = {"unchanged": 5000, "not-modified": 5000, "changed": 3000,
         "front-changed": 2000}
CHANGING = ("changed", "front-changed")
SECONDS = float(os.environ.get("BENCH_SECONDS", "3"))
BARE_SECONDS = 1.5  # not so long that ours takes itself for asleep
ROUNDS = 4
ADDRESSES = ["175.45.179.%d" % n for n in range(1, 9)]
PORTS = {kind: 8001 + n for n, kind in enumerate(SITES)}
ends = []  # that were not well
TICK = os.sysconf("SC_CLK_TCK")


def write_pages(folder):
    """As www/VARIANT/00 to 99, and the front page as www/VARIANT/front."""
    saved = live_pages.slices(os.path.join(os.environ.get(
        "KPWATCH_SHARED", "../shared"), "captures/html"))
    pages = {"%02d" % n: saved[n % len(saved)] for n in range(100)}
    pages["front"] = live_pages.front_page(7)
    sizes = {name: live_pages.write(
        "%s/www/%d/%s/index.html" % (folder, v, name),
        live_pages.variant(page, v))
             for v in range(live_pages.VARIANTS)
             for name, page in pages.items()}
    figures.note("front page: %d bytes, %d compressed" % sizes.pop("front"))
    figures.note("other pages: %d bytes, %d compressed" % tuple(
        sum(size) / len(sizes) for size in zip(*sizes.values())))


def start_nginx(w):
    folder = os.path.join(w.folder, "bench")
    write_pages(folder)
    parts = "".join("    %.2f%% %d;\n" % (100.0 / live_pages.VARIANTS, v)
                    for v in range(live_pages.VARIANTS - 1))
    server = """
    server {
        listen %d backlog=4096 default_server;
        access_log %s/%s.log dot;
        root %s/www/%s/%s;
        %s
    }"""
    servers = "".join(server % (
        port, folder, kind, folder,
        "$variant" if kind in CHANGING else "0",
        "front" if kind.startswith("front") else "$page",
        "" if kind == "not-modified" else
        "etag off; if_modified_since off; "
        "add_header Last-Modified $nothing;")
        for kind, port in PORTS.items())
    with open(folder + "/nginx.conf", "w") as f:
        f.write(r"""
daemon off;
user root;
worker_processes 1;
pid %(d)s/nginx.pid;
error_log %(d)s/nginx.log warn;
events { worker_connections 8192; }
http {
    server_tokens off;
    log_format dot '.';
    access_log off;
    types { text/html html; }
    keepalive_timeout 0;
    gzip_static on;
    map $host $nothing { default ""; }
    map $host $page { ~^s\d*(?<digits>\d\d)\. $digits; default 00; }
    split_clients $request_id $variant {
%(parts)s    * %(last)d;
    }
    client_body_temp_path %(d)s;
    proxy_temp_path %(d)s;
    fastcgi_temp_path %(d)s;
    uwsgi_temp_path %(d)s;
    scgi_temp_path %(d)s;%(servers)s
}
""" % {"d": folder, "parts": parts, "last": live_pages.VARIANTS - 1,
            "servers": servers})
    w.spawn("nginx", "-c", folder + "/nginx.conf", "-p", folder)
    w.wait("nginx", lambda: w.inside(
        "bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/8003") == "")
    return folder


def make_catalogue(w, kind):
    folder = os.path.join(w.folder, "conf-" + kind)
    os.mkdir(folder)
    for name in os.listdir(os.path.join(world.TOP, "conf")):
        with open(os.path.join(world.TOP, "conf", name)) as f:
            text = f.read()
        if name not in ("sites.yaml", "accounts.yaml"):
            open(os.path.join(folder, name), "w").write(text)
    with open(os.path.join(folder, "sites.yaml"), "w") as f:
        f.write("sites:\n")
        for n in range(SITES[kind]):
            f.write("  - {id: s%d, name: Site %d, operator: O, "
                    "category: other, status: unknown, source: none, pages: "
                    "[{name: main, url: \"http://s%d.many.kp:%d/\"}]}\n"
                    % (n, n, n, PORTS[kind]))
    open(os.path.join(folder, "accounts.yaml"), "w").write("accounts: []\n")
    return os.path.join(folder, "kpwatch.yaml")


def urls(w, kind):
    path = os.path.join(w.folder, "urls-" + kind)
    with open(path, "w") as f:
        for n in range(SITES[kind]):
            f.write("http://s%d.many.kp:%d/\n" % (n, PORTS[kind]))
    return path


def served(folder, kind):
    return os.path.getsize("%s/%s.log" % (folder, kind)) // 2


def cpu_of(name):
    """Processor seconds of all processes of a program, by what they do."""
    found = {}
    for path in glob.glob("/proc/[0-9]*"):
        try:
            if os.path.basename(os.readlink(path + "/exe")) != name:
                continue
            words = open(path + "/stat").read().rpartition(") ")[2].split()
            role = [x for x in open(path + "/cmdline").read().split("\0")
                    if x] or ["?"]
            role = role[-1] if len(role) < 4 else "parent"
            found[role] = found.get(role, 0) + (
                int(words[11]) + int(words[12])) / TICK
        except OSError:
            pass
    return found


def program_signal(name, number):
    """To all processes of a program."""
    for path in glob.glob("/proc/[0-9]*"):
        try:
            if os.path.basename(os.readlink(path + "/exe")) == name:
                os.kill(int(os.path.basename(path)), number)
        except OSError:
            pass


def add(total, more):
    for key, value in more.items():
        total[key] = total.get(key, 0) + value


def window(folder, kind, name, used):
    """Fetches and seconds of one stretch of running; its CPU is added."""
    time.sleep(0.5)
    cpu, count, began = cpu_of(name), served(folder, kind), time.monotonic()
    time.sleep(SECONDS)
    after, done = cpu_of(name), served(folder, kind) - count
    add(used, {role: after[role] - cpu.get(role, 0) for role in after})
    return done, time.monotonic() - began


def run_kpwatch(w, folder, kind, bare, blackbox=None, **more):
    """Ours and its peers in turns, so that whatever else the machine does
    meets all; (rate, fetches per CPU second) of ours and of the bare loop,
    and fetches per CPU second of the loop that asks for names."""
    state = os.path.join(w.folder, "state-" + kind)
    p = probe.Probe(w, state, conf=make_catalogue(w, kind), **{
        "intervals.active": "1s", "intervals.spacing": "0s",
        "twin.delay": "1s", "record.warc": "false", **more})
    start = served(folder, kind)
    p.start()
    try:
        # The first, and those that learn what a page changes by itself.
        w.wait("first looks", lambda: served(folder, kind) - start >
               6 * SITES[kind], 180)
    except RuntimeError:
        print(p.tail())
        raise
    name = os.path.basename(probe.KPWATCH)
    used, done, wall, loop, named = {}, 0, 0, [0, 0, 0], [0, 0, 0]

    def run_loop(total, *names):
        theirs = run_bare(w, kind, bare, *names)
        total[:] = [x + y for x, y in zip(total, theirs)]

    peers = [lambda: run_loop(loop), lambda: run_loop(named, "names")]
    if blackbox:
        peers.append(lambda: blackbox.window(folder, kind))
    for turn in range(len(peers) * ROUNDS):
        n, seconds = window(folder, kind, name, used)
        done, wall = done + n, wall + seconds
        program_signal(name, signal.SIGSTOP)
        peers[turn % len(peers)]()
        program_signal(name, signal.SIGCONT)
    if os.environ.get("BENCH_PERF"):
        subprocess.run(["perf", "record", "-q", "-a", "-g", "-F", "999", "-o",
                        "%s.%s" % (os.environ["BENCH_PERF"], kind), "sleep",
                        str(SECONDS)], check=False)
    rc = p.stop()
    if rc != 0:
        print(p.tail())
        ends.append("%s: kpwatch ended with %s" % (kind, rc))
    if kind == "changed":
        log_figures(state)
    figures.note("%s: %d fetches, CPU per 1,000: %s" % (kind, done, ", ".join(
        "%s %.0f ms" % (role, s * 1e6 / done)
        for role, s in sorted(used.items()))))
    return ((done / wall, done / sum(used.values())),
            (loop[0] / loop[1], loop[0] / loop[2]), named[0] / named[2])


def log_figures(state):
    """The change log beside `gzip -9` of its lines whole, and what an event
    takes on disk."""
    log = b""
    for path in sorted(glob.glob(state + "/log/*.gz")):
        log += open(path, "rb").read()
    lines = probe.members(log)
    whole = len(subprocess.run(["gzip", "-9"], input=lines, check=True,
                               stdout=subprocess.PIPE).stdout)
    events = lines.count(b"\n")
    figures.note("%d events, %.1f MB of lines" % (events, len(lines) / 1e6))
    figures.bench("change log, bytes", len(log), "", len(log) / whole,
                  "gzip -9 of its lines whole", "<=1.25")
    figures.bench("change log, bytes per event", len(log) / events, "bytes")
    db = sqlite3.connect(state + "/kpwatch.sqlite")
    used = db.execute("SELECT sum(pgsize) FROM dbstat WHERE name IN ("
                      "'events', 'events_target')").fetchone()[0]
    db.close()
    figures.bench("store, bytes per event", used / events, "bytes")


def run_bare(w, kind, program, *names):
    """Fetches, wall and CPU seconds."""
    out = subprocess.run([program, str(BARE_SECONDS), "64", "%s:%d" % (
        ADDRESSES[0], PORTS[kind]), urls(w, kind), *names],
        stdout=subprocess.PIPE, text=True, check=True).stdout.split()
    if int(out[1]):
        raise RuntimeError("bare loop: %s failures" % out[1])
    return int(out[0]), float(out[3]), float(out[4])


def children_cpu():
    r = resource.getrusage(resource.RUSAGE_CHILDREN)
    return r.ru_utime + r.ru_stime


def counted(folder, kind, run):
    cpu, count, began = children_cpu(), served(folder, kind), time.monotonic()
    run()
    time.sleep(0.05)
    wall, used = time.monotonic() - began, children_cpu() - cpu
    done = served(folder, kind) - count
    return done / wall, done / used


def run_wrk(w, folder, kind):
    return counted(folder, kind, lambda: subprocess.run(
        ["wrk", "-t", "1", "-c", "64", "-d", "%ds" % SECONDS, "-H",
         "Connection: close", "-H", "Accept-Encoding: gzip", "http://%s:%d/" %
         (ADDRESSES[0], PORTS[kind])], stdout=subprocess.DEVNULL, check=True))


class Blackbox:
    """blackbox_exporter, asked by wrk for as many probes as it can make."""
    name = "prometheus-blackbox-exporter"

    def __init__(self, w, kind):
        self.w, self.used, self.done = w, 0, 0
        conf = os.path.join(w.folder, "blackbox.yml")
        with open(conf, "w") as f:
            f.write("modules:\n  http:\n    prober: http\n    timeout: 10s\n"
                    "    http: {preferred_ip_protocol: ip4}\n")
        self.child = subprocess.Popen(
            [self.name, "--config.file=" + conf,
             "--web.listen-address=127.0.0.1:9115", "--log.level=error"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.script = os.path.join(w.folder, "ask.lua")
        with open(self.script, "w") as f:
            f.write("local n = 0\nfunction request()\n  n = n + 1\n"
                    "  return wrk.format('GET', '/probe?module=http&target="
                    "http://s' .. n %% %d .. '.many.kp:%d/')\nend\n"
                    % (SITES[kind], PORTS[kind]))
        w.wait("blackbox_exporter", lambda: subprocess.run(
            ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/9115"],
            stderr=subprocess.DEVNULL).returncode == 0)

    def window(self, folder, kind):
        used, count = sum(cpu_of(self.name).values()), served(folder, kind)
        subprocess.run(["wrk", "-t", "1", "-c", "16", "-d",
                        "1s", "-s", self.script,
                        "http://127.0.0.1:9115"],
                       stdout=subprocess.DEVNULL, check=True)
        time.sleep(0.05)
        self.used += sum(cpu_of(self.name).values()) - used
        self.done += served(folder, kind) - count

    def rate(self):
        self.child.send_signal(signal.SIGTERM)
        self.child.wait()
        return self.done / self.used


def run_urlwatch(w, folder, kind):
    base = os.path.join(w.folder, "urlwatch-" + kind)
    os.makedirs(base, exist_ok=True)
    with open(base + "/urls.yaml", "w") as f:
        for n in range(SITES[kind]):
            f.write("---\nurl: http://s%d.many.kp:%d/\n" % (n, PORTS[kind]))
    with open(base + "/config.yaml", "w") as f:
        f.write("report: {stdout: {enabled: false}}\n")
    words = ["urlwatch", "--urls", base + "/urls.yaml", "--config",
             base + "/config.yaml", "--cache", base + "/cache.db", "--hooks",
             base + "/hooks.py"]
    env = {**os.environ, "HOME": base}
    subprocess.run(words, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL, env=env)
    return counted(folder, kind, lambda: subprocess.run(
        words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=env,
        check=True))


def pages_of(kind):
    return ("front pages " if kind.startswith("front-") else "pages ") + \
        kind.removeprefix("front-").replace("-", " ")


def print_figures(kind, ours, loop, named):
    pages = pages_of(kind)
    name = "fetches per CPU second, " + pages
    figures.bench(name, ours[1], "/s", ours[1] / loop[1], "bare libcurl loop",
                  ">=0.4" if kind in CHANGING else
                  ">=0.6" if kind == "unchanged" else None)
    figures.bench(name, ours[1], "/s", ours[1] / named,
                  "bare libcurl loop that asks for names")
    figures.bench("CPU per 1,000 fetches, " + pages, 1000 / ours[1], "s",
                  loop[1] / ours[1], "bare libcurl loop")
    figures.bench("fetch rate, " + pages, ours[0], "/s", ours[0] / loop[0],
                  "bare libcurl loop, alone")


def print_peer(kind, ours, theirs, peer, bar):
    figures.bench("fetches per CPU second, " + pages_of(kind), ours[1], "/s",
                  ours[1] / theirs, peer, bar)


def run_peers(w, folder, kind, ours):
    for peer, run, bar in (("wrk", run_wrk, None),
                           ("urlwatch", run_urlwatch, ">=25")):
        try:
            theirs = run(w, folder, kind)
        except FileNotFoundError:
            figures.note("without %s: not installed" % peer)
            continue
        print_peer(kind, ours, theirs[1], peer, bar)


def main():
    bare = sys.argv[1]
    w = world.World(os.environ["WORLD"])
    w.start()
    world.name_servers_file(w.folder)
    w.change_zone(*[("zone-set", "*.many.kp.", "1", "A", a)
                    for a in ADDRESSES])
    folder = start_nginx(w)
    try:
        for kind in sys.argv[2:] or PORTS:
            blackbox = (Blackbox(w, kind) if kind == "unchanged" and
                        shutil.which(Blackbox.name) else None)
            ours, loop, named = run_kpwatch(w, folder, kind, bare, blackbox)
            print_figures(kind, ours, loop, named)
            if blackbox:
                print_peer(kind, ours, blackbox.rate(), "blackbox_exporter",
                           ">=5")
            elif kind == "unchanged":
                figures.note("without blackbox_exporter: not installed")
            if kind == "unchanged":
                run_peers(w, folder, kind, ours)
    finally:
        w.stop()
    for end in ends:
        figures.note(end)
    sys.exit(len(ends) > 0)


main()
