"""The cases of damaged_database.sh.  usage: PROGRAM FOLDER"""
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time

program, work = sys.argv[1:]
config, state = work + "/kpwatch.yaml", work + "/state"
PAGE = 4096
failures = cases = 0


def case(name, good, *more):
    global cases, failures
    cases += 1
    failures += not good
    print("%sok %d - %s" % ("" if good else "not ", cases, name))
    for text in more if not good else ():
        for line in str(text).splitlines()[-12:]:
            print("# " + line)


def command(name, folder):
    done = subprocess.run([program, name, "-s", folder], timeout=60,
                          stdin=subprocess.DEVNULL, capture_output=True)
    return done.returncode, done.stdout, done.stderr.decode()


def daemon(folder):
    out = open(work + "/said", "w")
    return subprocess.Popen([program, "run", "-c", config, "-s", folder],
                            stdin=subprocess.DEVNULL, stdout=out, stderr=out)


def said():
    with open(work + "/said") as f:
        return f.read()


def wait_for(what, child):
    end = time.monotonic() + 60
    while what not in said() and child.poll() is None:
        if time.monotonic() > end:
            break
        time.sleep(0.05)


def copy_with(change):
    folder = work + "/copy"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(state, folder)
    with open(folder + "/kpwatch.sqlite", "r+b") as f:
        change(f)
    return folder


def damage(page):
    def change(f):
        f.seek((page - 1) * PAGE)
        f.write(b"\xa5" * PAGE)
    return copy_with(change)


def root_of(table):
    db = sqlite3.connect("file:%s/kpwatch.sqlite?mode=ro" % state, uri=True)
    return db.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?",
                      (table,)).fetchone()[0]


# A daemon makes a state: until it has looked.
child = daemon(state)
end = time.monotonic() + 60
while time.monotonic() < end:
    out = command("status", state)[1]
    if b"observations of 1 page" in out and b" 0 observations" not in out:
        break
    time.sleep(0.1)
child.send_signal(signal.SIGTERM)
case("a state is there", child.wait() == 0, said())

sound = {name: command(name, state) for name in ("status", "log", "hooks")}
case("and can be read", all(r[0] == 0 and r[1] for r in sound.values()), sound)
wrong, named = [], 0
for page in range(1, os.path.getsize(state + "/kpwatch.sqlite") // PAGE + 1):
    folder = damage(page)
    for name, good in sound.items():
        code, out, err = command(name, folder)
        if code == 1:
            named += "kpwatch.sqlite" in err
        if not (code == 0 and out == good[1] or
                code == 1 and "kpwatch.sqlite" in err):
            wrong.append((name, page, code, err[-300:]))
case("what is not whole is a failure that names the database", not wrong,
     *wrong)
case("and there were some", named > 20, named)

# Read at the start, and only by the first look.
for table in ("events", "details"):
    child = daemon(damage(root_of(table)))
    wait_for("giving up", child)
    end = child.wait(60) if child.poll() is None else child.returncode
    case("%s: the daemon ends" % table, end == 1, end, said())
    case("%s: it says why" % table,
         "kpwatch.sqlite is damaged; put back a copy" in said(), said())
    case("%s: it blames no disk" % table,
         "the disk refuses" not in said(), said())

# A folder that cannot be written, as a copy for evidence: its -wal is there.
child = daemon(work + "/killed")
wait_for("monitor.started", child)
os.system("pkill -9 -P %d" % child.pid)
child.kill()
child.wait()
folder = work + "/killed"
if os.path.exists(folder + "/kpwatch.sqlite-shm"):
    os.unlink(folder + "/kpwatch.sqlite-shm")
if os.getuid() == 0 and os.path.getsize(folder + "/kpwatch.sqlite-wal") > 0:
    os.chmod(work, 0o755)
    os.system("chmod -R a+rX '%s'" % folder)
    for name in ("status", "log", "hooks"):
        done = subprocess.run(
            ["setpriv", "--reuid", "65534", "--regid", "65534",
             "--clear-groups", program, name, "-s", folder],
            stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
        case("%s: read-only, after a crash" % name, done.returncode == 1 and
             b"copy the folder" in done.stderr, done)

# What the store had to keep in the end is not kept: no good end.
child = daemon(work + "/stopped")
wait_for("monitor.started", child)
store = int(subprocess.run(["pgrep", "-P", str(child.pid), "-x", "store"],
                           capture_output=True).stdout)
os.kill(store, signal.SIGSTOP)
child.send_signal(signal.SIGTERM)
time.sleep(0.5)
os.kill(store, signal.SIGKILL)
case("a store that dies while all stop is a failure", child.wait(60) == 1,
     child.returncode, said())
print("1..%d" % cases)
sys.exit(failures > 0)
