"""A small world to watch: name server, web servers, addresses and pages.

The caller already runs in network, mount and process namespaces of its own
(enter.sh makes them).  This module makes a second network namespace behind a
veth pair, "the world", and starts real servers there: knot for the names,
nginx for the sites, mischief.py for what nginx would never do.  Neither of the
two namespaces has any other way out.

The hosts are those of the shipped catalogue; each has an address that looks
public, because the probe refuses others.  What a host does can be changed at
any moment: its pages, its names, its certificate, its packets.
"""
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time
import urllib.parse

import yaml

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.normpath(os.path.join(HERE, "../.."))
PAGES = os.path.join(HERE, "pages")
SHARED = os.environ.get("KPWATCH_SHARED", os.path.join(TOP, "../shared"))

NAME_SERVER = "192.0.2.53"
LINK_WORLD, LINK_PROBE = "192.0.2.1", "192.0.2.2"
LINK6_WORLD, LINK6_PROBE = "2001:db8:0:1::1", "2001:db8:0:1::2"

# Address ranges that the world answers for, by where a host is.  The sites of
# the country share addresses as the catalogue's sources say.
RANGES = ["175.45.176.0/22", "218.25.43.0/24", "210.150.0.0/24",
          "87.98.231.0/24", "104.244.42.0/24"]
RANGES6 = ["2a01:4f8:c0c::/64"]
BASE = {"kp": "175.45.177.", "cn": "218.25.43.", "jp": "210.150.0.",
        "abroad": "87.98.231.", "platform": "104.244.42."}
SHARED_ADDRESS = {
    "175.45.176.81": "cooks friend kass kiyctc knic korfilm nta sdprk",
    "175.45.176.69": "airkoryo", "175.45.176.68": "rodong",
    "175.45.176.67": "tourismdprk", "175.45.176.71": "kcna",
}
IN_CHINA = """uriminzokkiri dprktoday arirangmeari arirang-meari arirangecho
arirang-echo onekorea-echo onekorea-meari ryugyongclip tongilvoice ryomyong
ournation-school silibank hangro uriminzogkiri tour-kumgangsan""".split()
# Hosts with an IPv6 address: beside the other one, and alone.
DUAL = ["chosonsinbo.com", "www.korea-dpr.com"]
ONLY6 = ["www.kfauk.com"]

BLOCK_HOST = "warning.or.kr"
BLOCK_ADDRESS = "104.244.42.250"

# Pages in the old encodings: host of a catalogue site, encoding, how it is
# declared (by the page, by the header, not at all), title.
OLD_CHARSETS = [
    ("korea-np", "euc-kr", "meta", "조선신보 시험페지"),
    ("minjok", "cp949", "none", "민족통신 첫페지 옛날 문자"),
    ("paekdu-hanna", "gb18030", "header", "白头与汉拿 朝鲜新闻"),
    ("kcna-jp", "shift_jis", "none", "朝鮮通信社ホームページ"),
    ("aha-ru", "koi8-r", "meta", "Корея: страница друзей"),
]


class CommandFailed(RuntimeError):
    pass


def run(*words, **more):
    done = subprocess.run(words, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, **more)
    if done.returncode != 0:
        raise CommandFailed("%s: exit %d: %s" % (
            " ".join(words), done.returncode, done.stdout.strip()))
    return done.stdout


def load_yaml(name):
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    path = os.path.join(TOP, "conf", name)
    with open(path, encoding="utf-8") as f:
        return yaml.load(f, loader)


def host_of(url):
    return urllib.parse.urlsplit(url).hostname


class Site:
    """One target of the catalogue."""

    def __init__(self, entry, account):
        self.id = entry["id"]
        self.account = account
        self.name = entry.get("name") or entry.get("account") or entry["id"]
        self.name_local = entry.get("name_local") or ""
        self.operator = entry.get("operator") or self.id
        self.url = (entry["url"] if account else next(
            p["url"] for p in entry["pages"] if p.get("name") == "main"))
        self.host = host_of(self.url)


def load_targets():
    """Those that are fetched, by id."""
    sites = [Site(e, False) for e in load_yaml("sites.yaml")["sites"]]
    accounts = [Site(e, True) for e in load_yaml("accounts.yaml")["accounts"]
                if e.get("url") and e.get("watch", True)]
    return {s.id: s for s in sites + accounts}


class World:
    def __init__(self, folder):
        self.folder = folder
        self.targets = load_targets()
        self.hosts = sorted({t.host for t in self.targets.values()} |
                            {BLOCK_HOST})
        self.address = {}
        self.address6 = {}
        self.children = []
        self.charset = {}
        self.stamp = int(time.time()) - 100000
        self.holder = None
        for part in ("www", "certs", "zones", "run", "tmp", "behaviour"):
            os.makedirs(os.path.join(folder, part))
        self.place_hosts()

    # --- where the hosts are ---------------------------------------------

    def place_hosts(self):
        fixed = {self.targets[i].host: a for a, ids in SHARED_ADDRESS.items()
                 for i in ids.split() if i in self.targets}
        china = {self.targets[i].host for i in IN_CHINA if i in self.targets}
        accounts = {t.host for t in self.targets.values() if t.account}
        used = {}
        for host in self.hosts:
            if host == BLOCK_HOST:
                self.address[host] = BLOCK_ADDRESS
                continue
            if host in fixed:
                self.address[host] = fixed[host]
                continue
            where = ("cn" if host in china else "kp" if host.endswith(".kp")
                     else "platform" if host in accounts
                     else "jp" if host.endswith(".jp") else "abroad")
            used[where] = used.get(where, 9) + 1
            self.address[host] = BASE[where] + str(used[where])
        for n, host in enumerate(DUAL + ONLY6):
            self.address6[host] = "2a01:4f8:c0c::%x" % (n + 16)
        for host in ONLY6:
            del self.address[host]

    def host(self, target):
        return self.targets[target].host if target in self.targets else target

    # --- namespaces --------------------------------------------------------

    def start(self):
        self.make_link()
        self.make_certificates()
        self.make_pages()
        self.start_knot()
        self.start_mischief()
        self.start_nginx()

    def make_link(self):
        run("ip", "link", "set", "lo", "up")
        self.holder = subprocess.Popen(["unshare", "-n", "sleep", "infinity"])
        self.children.append(self.holder)
        ours = os.readlink("/proc/self/ns/net")
        path = "/proc/%d/ns/net" % self.holder.pid
        self.wait("the world's namespace",
                  lambda: os.readlink(path) != ours)
        run("ip", "link", "add", "up0", "type", "veth", "peer", "name",
            "down0", "netns", str(self.holder.pid))
        for words in (["addr", "add", LINK_PROBE + "/24", "dev", "up0"],
                      ["-6", "addr", "add", LINK6_PROBE + "/64", "dev", "up0",
                       "nodad"],
                      ["link", "set", "up0", "up"]):
            run("ip", *words)
        for words in (["link", "set", "lo", "up"],
                      ["addr", "add", LINK_WORLD + "/24", "dev", "down0"],
                      ["addr", "add", NAME_SERVER + "/24", "dev", "down0"],
                      ["-6", "addr", "add", LINK6_WORLD + "/64", "dev",
                       "down0", "nodad"],
                      ["link", "set", "down0", "up"]):
            self.inside("ip", *words)
        for net in RANGES:
            self.inside("ip", "route", "add", "local", net, "dev", "lo")
        for net in RANGES6:
            self.inside("ip", "-6", "route", "add", "local", net, "dev", "lo")
        self.routes()
        self.inside("nft", "-f", "-", input="""
            table inet world {
                set to_dropped { type ipv4_addr; }
                set to_reset { type ipv4_addr; }
                set to_unreachable { type ipv4_addr; }
                chain in {
                    type filter hook input priority 0;
                    ip daddr @to_dropped tcp flags syn drop
                    ip daddr @to_reset meta l4proto tcp reject with tcp reset
                    ip daddr @to_unreachable reject with icmp type host-unreachable
                }
            }""")
        # Counts what must never leave the probe.
        run("nft", "-f", "-", input="""
            table inet probe {
                counter inward { }
                chain out {
                    type filter hook output priority 0;
                    ip daddr { 127.0.0.0/8, 10.0.0.0/8, 169.254.0.0/16 } \
                        tcp flags & (syn|ack) == syn counter name inward
                }
            }""")

    def routes(self):
        run("ip", "route", "replace", "default", "via", LINK_WORLD)
        run("ip", "-6", "route", "replace", "default", "via", LINK6_WORLD)

    def inside(self, *words, **more):
        return run("nsenter", "-n", "-t", str(self.holder.pid), *words, **more)

    def spawn(self, *words):
        child = subprocess.Popen(
            ["nsenter", "-n", "-t", str(self.holder.pid), *words],
            stdout=open(os.path.join(self.folder, "run/servers.log"), "ab"),
            stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        self.children.append(child)
        return child

    def wait(self, what, condition, seconds=10):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                if condition():
                    return
            except (OSError, CommandFailed):
                pass
            time.sleep(0.02)
        log = os.path.join(self.folder, "run/servers.log")
        if os.path.exists(log):
            print("# " + open(log, errors="replace").read()[-2000:]
                  .replace("\n", "\n# "))
        raise RuntimeError("waited %d s for %s" % (seconds, what))

    def stop(self):
        for child in self.children[::-1]:
            child.send_signal(signal.SIGTERM)
        for child in self.children[::-1]:
            try:
                child.wait(5)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()

    # --- names ---------------------------------------------------------------

    def record_lines(self, host):
        lines = []
        if host in self.address:
            lines.append(("A", self.address[host]))
        if host in self.address6:
            lines.append(("AAAA", self.address6[host]))
        return lines

    def start_knot(self):
        zone = os.path.join(self.folder, "zones/root.zone")
        with open(zone, "w") as f:
            f.write("$TTL 1\n. SOA ns.world. host.world. 1 60 60 60 1\n"
                    ". NS ns.world.\nns.world. A %s\n" % NAME_SERVER)
            for host in self.hosts:
                for kind, value in self.record_lines(host):
                    f.write("%s. %s %s\n" % (host, kind, value))
        conf = os.path.join(self.folder, "run/knot.conf")
        with open(conf, "w") as f:
            f.write("""
server:
    rundir: "%(d)s/run"
    user: root:root
    listen: [ "%(ns)s@53" ]
    background-workers: 1
    udp-workers: 1
    tcp-workers: 1
control:
    listen: "%(d)s/run/knot.sock"
database:
    storage: "%(d)s/run"
    journal-db-max-size: 8M
    timer-db-max-size: 8M
    catalog-db-max-size: 8M
log:
  - target: stderr
    any: warning
template:
  - id: default
    storage: "%(d)s/zones"
    journal-content: none
    zonefile-load: whole
    zonefile-sync: -1
zone:
  - domain: .
    file: root.zone
""" % {"d": self.folder, "ns": NAME_SERVER})
        self.spawn("knotd", "-c", conf)
        self.wait("the name server", lambda: self.knotc("zone-status", "."))

    def knotc(self, *words):
        return run("knotc", "-s", os.path.join(self.folder, "run/knot.sock"),
                   *words)

    def change_zone(self, *changes):
        self.knotc("zone-begin", ".")
        for words in changes:
            self.knotc(words[0], ".", *words[1:])
        self.knotc("zone-commit", ".")

    def dns_nxdomain(self, target):
        host = self.host(target)
        self.change_zone(*[("zone-unset", host + ".", kind, value)
                           for kind, value in self.record_lines(host)])

    def dns_back(self, target):
        """Undoes dns_nxdomain()."""
        host = self.host(target)
        self.change_zone(*[("zone-set", host + ".", "1", kind, value)
                           for kind, value in self.record_lines(host)])

    def dns_move(self, target, address):
        host = self.host(target)
        self.change_zone(
            ("zone-unset", host + ".", "A", self.address[host]),
            ("zone-set", host + ".", "1", "A", address))
        self.address[host] = address

    def dns_servfail(self, target, on=True):
        """A zone that the server is told to serve and has no data of."""
        zone = self.host(target) + "."
        self.knotc("conf-begin")
        self.knotc("conf-set" if on else "conf-unset", "zone[%s]" % zone)
        self.knotc("conf-commit")

    def dns_zone(self, zone, server):
        """A zone of its own for the hosts under it, served by that name."""
        with open(os.path.join(self.folder, "zones/%s.zone" % zone), "w") as f:
            f.write("$TTL 1\n%s. SOA %s. host.world. 1 60 60 60 1\n"
                    "%s. NS %s.\n" % (zone, server, zone, server))
            for host in self.hosts:
                for kind, value in self.record_lines(host):
                    if host.endswith("." + zone):
                        f.write("%s. %s %s\n" % (host, kind, value))
        self.knotc("conf-begin")
        self.knotc("conf-set", "zone[%s.]" % zone)
        self.knotc("conf-commit")

    # --- packets ---------------------------------------------------------------

    def packets(self, what, target, on=True):
        """what: dropped, reset, unreachable."""
        self.inside("nft", "add" if on else "delete", "element", "inet",
                    "world", "to_" + what,
                    "{ %s }" % self.address[self.host(target)])

    def uplink(self, up):
        """Cuts or restores the probe's only line."""
        run("ip", "link", "set", "up0", "up" if up else "down")
        if up:
            run("ip", "-6", "addr", "replace", LINK6_PROBE + "/64", "dev",
                "up0", "nodad")
            self.routes()

    def inward_packets(self):
        text = run("nft", "list", "counter", "inet", "probe", "inward")
        return int(re.search(r"packets (\d+)", text)[1])

    # --- certificates ------------------------------------------------------------

    def make_certificates(self):
        certs = os.path.join(self.folder, "certs")
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
            "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj",
            "/CN=World Test CA", "-keyout", certs + "/ca.key", "-out",
            certs + "/ca.pem")
        run("openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout",
            "-out", certs + "/leaf.key")
        open(certs + "/index.txt", "w").close()
        open(certs + "/index.txt.attr", "w").write("unique_subject = no\n")
        open(certs + "/serial", "w").write("1000\n")
        with open(certs + "/ca.conf", "w") as f:
            f.write("""
[ca]
default_ca = c
[c]
database = %(d)s/index.txt
serial = %(d)s/serial
new_certs_dir = %(d)s
private_key = %(d)s/ca.key
certificate = %(d)s/ca.pem
default_md = sha256
policy = p
copy_extensions = copy
[p]
commonName = supplied
""" % {"d": certs})
        secure = {t.host for t in self.targets.values()
                  if t.url.startswith("https:") or t.account}
        for host in sorted(secure | {BLOCK_HOST}):
            self.certificate(host)
        shutil.copy(certs + "/%s.crt" % BLOCK_HOST, certs + "/.crt")

    def certificate(self, target, starts=-86400, ends=86400 * 20):
        """A new certificate for a host; times in seconds from now."""
        host = self.host(target)
        certs = os.path.join(self.folder, "certs")
        moment = lambda s: time.strftime("%Y%m%d%H%M%SZ",
                                         time.gmtime(time.time() + s))
        run("openssl", "req", "-new", "-key", certs + "/leaf.key", "-subj",
            "/CN=" + host, "-addext", "subjectAltName=DNS:" + host, "-out",
            certs + "/request")
        run("openssl", "ca", "-batch", "-notext", "-config",
            certs + "/ca.conf", "-startdate", moment(starts), "-enddate",
            moment(ends), "-in", certs + "/request", "-out",
            certs + "/new.crt")
        os.rename(certs + "/new.crt", certs + "/%s.crt" % host)

    @property
    def ca_file(self):
        return os.path.join(self.folder, "certs/ca.pem")

    # --- pages ---------------------------------------------------------------

    def template(self, page, **fields):
        with open(os.path.join(PAGES, page), encoding="utf-8") as f:
            text = f.read()
        for key, value in fields.items():
            text = text.replace("{{%s}}" % key, value)
        return text

    def make_pages(self):
        for target in self.targets.values():
            fields = {"id": target.id, "name": target.name,
                      "name_local": target.name_local or target.name,
                      "operator": target.operator, "host": target.host}
            if target.account:
                text = self.template("platform.html", **fields)
                self.set_page(target.host, text)
                self.set_page(target.host, text, "sub.html")
                continue
            self.set_page(target.host, self.template("site.html", **fields))
            self.set_page(target.host, self.template("sub.html", **fields),
                          "sub.html")
        for host, page in (("uriminzokkiri", "uriminzokkiri.html"),
                           ("dprktoday", "dprktoday.html"),
                           ("sogwang", "sogwang.html"),
                           ("arirangmeari", "arirangmeari.html"),
                           ("kcna", "kcna.html"),
                           (BLOCK_HOST, "block.html")):
            self.set_page(host, self.template(page))
        for target, charset, declared, title in OLD_CHARSETS:
            text = self.template("%s.html" % charset.replace("_", "-"),
                                 title=title)
            if declared == "none":
                text = re.sub(r"<meta [^>]*charset[^>]*>\n?", "", text)
            if declared == "header":
                text = re.sub(r"<meta [^>]*charset[^>]*>\n?", "", text)
                self.charset[self.host(target)] = charset
            for name in ("index.html", "sub.html"):
                self.set_page(target, text.encode(charset), name)

    def use_real_pages(self):
        """Serves the saved pages of the shared folder in place of ours."""
        folder = os.path.join(SHARED, "pages")
        parts = sorted(os.listdir(folder))
        for target in ("uriminzokkiri", "dprktoday", "arirangmeari"):
            data = b""
            for name in parts:
                if name.startswith(target + ".com.") and \
                        name.endswith(".html"):
                    data += open(os.path.join(folder, name), "rb").read()
            self.set_page(target, data)
        kcna = open(os.path.join(folder, "kcna-2021-10-05-truncated.html"),
                    "rb").read()
        self.set_page("kcna", kcna)

    def page_path(self, target, name="index.html"):
        return os.path.join(self.folder, "www", self.host(target), name)

    def set_page(self, target, data, name="index.html"):
        """Replaces a page at once; its date always moves on, so that its
        entity tag does."""
        path = self.page_path(target, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if isinstance(data, str):
            data = data.encode("utf-8")
        new = os.path.join(self.folder, "tmp/page")
        with open(new, "wb") as f:
            f.write(data)
        self.stamp += 1
        os.utime(new, (self.stamp, self.stamp))
        os.rename(new, path)

    def get_page(self, target, name="index.html"):
        with open(self.page_path(target, name), "rb") as f:
            return f.read().decode("utf-8", "surrogateescape")

    def edit_page(self, target, change):
        text = change(self.get_page(target))
        self.set_page(target, text.encode("utf-8", "surrogateescape"))

    def add_to_page(self, target, html):
        """Puts markup before the end of the page."""
        def change(text):
            at = text.rfind("</body>")
            at = len(text) if at < 0 else at
            return text[:at] + html + "\n" + text[at:]
        self.edit_page(target, change)

    def take_from_page(self, target, html):
        def change(text):
            if html not in text:
                raise RuntimeError("not on the page: " + html)
            return text.replace(html + "\n", "", 1)
        self.edit_page(target, change)

    # --- behaviour ----------------------------------------------------------------

    def behave(self, target, **how):
        """See mischief.py for what a host can do; nothing: be good again."""
        host = self.host(target)
        path = os.path.join(self.folder, "behaviour", host)
        if not how:
            if os.path.exists(path):
                os.unlink(path)
            return
        with open(path + ".new", "w") as f:
            json.dump(how, f)
        os.rename(path + ".new", path)

    def start_mischief(self):
        self.spawn("/usr/bin/python3", os.path.join(HERE, "mischief.py"),
                   os.path.join(self.folder, "behaviour"), "9000")
        self.wait("mischief", lambda: self.inside(
            "bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/9000") == "")

    def start_nginx(self):
        # A host whose header names the charset has a server of its own.
        charsets = "".join("""
    server {
        listen 80;
        server_name %s;
        charset %s;
        include %s/run/site.conf;
    }""" % (host, charset, self.folder)
                           for host, charset in self.charset.items())
        conf = os.path.join(self.folder, "run/nginx.conf")
        with open(conf, "w") as f:
            f.write("""
daemon off;
user root;
worker_processes 2;
pid %(d)s/run/nginx.pid;
error_log %(d)s/run/nginx.log warn;
events { worker_connections 2048; }
http {
    server_tokens off;
    log_format seen '$msec $host $status $server_addr $scheme $request_uri';
    access_log %(d)s/run/access.log seen;
    # Hosts of the bench share one page.
    map $host $page_host { ~\.many\.kp$ many.kp; default $host; }
    types { text/html html php; application/rss+xml rss; text/plain txt; }
    default_type text/html;
    client_body_temp_path %(d)s/tmp;
    proxy_temp_path %(d)s/tmp;
    fastcgi_temp_path %(d)s/tmp;
    uwsgi_temp_path %(d)s/tmp;
    scgi_temp_path %(d)s/tmp;
    keepalive_timeout 0;
    gzip on;
    gzip_min_length 2000;
    ssl_session_cache off;
    server {
        listen 80 backlog=2048 default_server;
        listen [::]:80 backlog=2048 default_server;
        listen 443 backlog=2048 ssl default_server;
        listen [::]:443 backlog=2048 ssl default_server;
        listen 8080 default_server;
        listen 8888 default_server;
        include %(d)s/run/site.conf;
    }%(charsets)s
}
""" % {"d": self.folder, "charsets": charsets})
        with open(os.path.join(self.folder, "run/site.conf"), "w") as f:
            f.write("""
ssl_certificate %(d)s/certs/$ssl_server_name.crt;
ssl_certificate_key %(d)s/certs/leaf.key;
root %(d)s/www/$page_host;
location = /robots.txt { try_files $uri =404; }
location / {
    if (-f %(d)s/behaviour/$host) { rewrite ^ /mischief last; }
    try_files $uri @rest;
}
location = / {
    if (-f %(d)s/behaviour/$host) { rewrite ^ /mischief last; }
    try_files /index.html =404;
}
location @rest { try_files /sub.html =404; }
location = /mischief {
    internal;
    proxy_pass http://127.0.0.1:9000;
    proxy_http_version 1.1;
    proxy_set_header Host $host;
    proxy_set_header X-Request-Uri $request_uri;
    proxy_buffering off;
    proxy_read_timeout 300s;
}
""" % {"d": self.folder})
        self.spawn("nginx", "-c", conf, "-p", self.folder)
        self.wait("nginx", lambda: self.inside(
            "bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/443") == "")

    def many_root(self):
        """A page for every host under many.kp."""
        self.set_page("many.kp", self.template(
            "site.html", id="many", name="One of many", name_local="",
            operator="O", host="many.kp"))
        self.set_page("many.kp", self.template(
            "sub.html", name="One of many"), "sub.html")

    def requests(self, target, since=0.0, path=None):
        """Requests that nginx saw for a host: (time, status, path)."""
        host = self.host(target)
        found = []
        with open(os.path.join(self.folder, "run/access.log")) as f:
            for line in f:
                words = line.rstrip("\n").split(" ", 5)
                if len(words) == 6 and words[1] == host and \
                        float(words[0]) >= since and \
                        (path is None or words[5] == path):
                    found.append((float(words[0]), int(words[2]), words[5]))
        return found


def name_servers_file(folder):
    """A resolv.conf for curl and getent, mounted over the machine's."""
    path = os.path.join(folder, "resolv.conf")
    with open(path, "w") as f:
        f.write("nameserver %s\noptions timeout:1 attempts:1\n" % NAME_SERVER)
    run("mount", "--bind", path, os.path.realpath("/etc/resolv.conf"))


def udp_ready():
    """True where a datagram to the name server can be sent at all."""
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        s.connect((NAME_SERVER, 53))
        return True
    except OSError:
        return False
    finally:
        s.close()
