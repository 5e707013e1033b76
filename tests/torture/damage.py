"""Files of the state folder, damaged.

	damage.py CYCLES

A state with events and their evidence is made, then copied and damaged again
and again: one bit turned, bytes cut off, a block of zeros.  `verify` names
the file each time; `run` starts all the same, or ends at once with a line
that names the file and says what to do.  Of bytes that are gone when it
starts, `verify` tells for good.
"""
import collections
import glob
import os
import re
import shutil
import signal
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import growing
import probe

CYCLES = int(sys.argv[1])


class Damage(growing.Growing):
    def turn(self, data):
        at = self.rng.randrange(len(data))
        data[at] ^= 1 << self.rng.randrange(8)
        return "bit of byte %d" % at

    def cut(self, data):
        at = self.rng.randrange(1, len(data))
        del data[at:]
        return "cut at %d" % at

    def zero(self, data):
        at = self.rng.randrange(len(data))
        n = min(self.rng.choice([1, 64, 512, 4096]), len(data) - at)
        if not any(data[at:at + n]):
            return self.turn(data)
        data[at:at + n] = b"\0" * n
        return "%d zeros at %d" % (n, at)

    def damaged(self, path):
        """The path of a copy of the state with that file damaged."""
        again = os.path.join(self.w.folder, "again")
        shutil.rmtree(again, ignore_errors=True)
        shutil.copytree(self.state, again)
        file = os.path.join(again, os.path.relpath(path, self.state))
        with open(file, "rb") as f:
            data = bytearray(f.read())
        how = self.rng.choice([self.turn, self.turn, self.cut, self.zero])(
            data)
        with open(file, "wb") as f:
            f.write(data)
        return again, file, how

    def verify_names(self, state, file):
        code, out, err = self.p.command("verify", "-s", state)
        return code == 1 and os.path.basename(file) in out + err, out + err

    def covered_by_nothing(self, kind, path):
        """A bit of a gzip header, which no checksum covers."""
        again = os.path.join(self.w.folder, "again")
        shutil.rmtree(again, ignore_errors=True)
        shutil.copytree(self.state, again)
        file = os.path.join(again, os.path.relpath(path, self.state))
        with open(file, "r+b") as f:
            f.seek(4)
            f.write(b"\x01")
        good, text = self.verify_names(again, file)
        self.t.check("a time in a gzip header, " + kind, good, text)

    def sound(self, file):
        """What SQLite says of a database."""
        done = subprocess.run(["sqlite3", file, "PRAGMA integrity_check"],
                              stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL)
        return done.stdout.strip() == b"ok"

    def anew(self):
        """The advice: without the database, the log goes on."""
        again = os.path.join(self.w.folder, "again")
        shutil.rmtree(again, ignore_errors=True)
        shutil.copytree(self.state, again)
        for path in glob.glob(again + "/kpwatch.sqlite*"):
            os.unlink(path)
        self.t.same("starts without its database", ["starts"],
                    [self.run_starts(again, "")])
        code, out, err = self.p.command("verify", "-s", again)
        self.t.check("and the log goes on", code == 0, out + err)

    def run_starts(self, state, file):
        """What `run` does: "starts", "says", or what is wrong."""
        out = os.path.join(self.w.folder, "run/again.log")
        p = probe.Probe(self.w, state, conf=self.p.conf, **self.p.more)
        p.output = out
        open(out, "w").close()
        p.start()
        end = time.monotonic() + 20
        while time.monotonic() < end and p.alive():
            if "watching" in open(out, errors="replace").read():
                code = p.stop()
                return "starts" if code == 0 else "stops with %s" % code
            time.sleep(0.02)
        text = open(out, errors="replace").read()
        if p.alive():
            p.process.kill()
            p.process.wait()
            return "hangs: " + text
        if p.process.returncode == 1 and os.path.basename(file) in text:
            return "says"
        return "exit %s: %s" % (p.process.returncode, text)

    def short(self, state, folder):
        """The newest file of a folder without its last bytes."""
        path = sorted(glob.glob("%s/%s/*.gz" % (state, folder)))[-1]
        size = os.path.getsize(path)
        left = size - self.rng.randrange(1, min(size, 300))
        os.truncate(path, left)
        return path, size, left

    def start_killed(self, state):
        """A start that ends by kill -9 of the store at any moment."""
        p = probe.Probe(self.w, state, conf=self.p.conf, **self.p.more)
        p.output = os.path.join(self.w.folder, "run/killed.log")
        p.start()
        time.sleep(self.rng.uniform(0, 0.3))
        for name, pid in growing.processes(p.process.pid):
            if name == "store":
                growing.kill_hard(pid)
        growing.kill_hard(p.process.pid)
        p.process.wait()

    def lost(self):
        """Bytes that vanish between two runs stay known, of a log and of an
        archive, once each was gone on with too."""
        again = os.path.join(self.w.folder, "again")
        shutil.rmtree(again, ignore_errors=True)
        shutil.copytree(self.state, again)
        archive, was, left = self.short(again, "warc")
        wrong = []
        for cycle in range(1, CYCLES + 1):
            log = self.short(again, "log")[0]
            for _ in range(2):
                self.start_killed(again)
            done = self.run_starts(again, "")
            code, out, err = self.p.command("verify", "-s", again)
            if done != "starts" or code != 1:
                wrong.append("%s, verify exits %s" % (done, code))
            if os.path.getsize(archive) != left:
                wrong.append("the archive was gone on with")
            if not re.search("%s:%d: the file is too short: %d bytes at its "
                             "end are missing .*, and gone at the start of 20"
                             % (re.escape(archive), left, was - left), err):
                wrong.append("not named: %s: %s" % (archive, err))
            if out.count("their lines were written again") != cycle:
                wrong.append("not named: %s, %d times: %s" % (
                    log, cycle, out))
        self.t.same("lost bytes stay known", [], wrong)
        shutil.copy(os.path.join(self.state, "warc",
                                 os.path.basename(archive)), archive)
        code, out, err = self.p.command("verify", "-s", again)
        self.t.check("and a copy of the archive mends it", code == 0,
                     out + err)

    def torture(self, kind, files, log=True):
        wrong, how = [], collections.Counter()
        for cycle in range(CYCLES):
            path = self.rng.choice(files)
            state, file, what = self.damaged(path)
            if log or not self.sound(file):
                how["damage to name"] += 1
                good, text = self.verify_names(state, file)
                if not good:
                    wrong.append("not named: %s of %s: %s" % (
                        what, os.path.basename(file), text))
            if not log or cycle % 4 == 0:
                done = self.run_starts(state, file)
                how[done.split(":")[0]] += 1
                if done not in ("starts", "says"):
                    wrong.append("%s of %s: %s" % (
                        what, os.path.basename(file), done))
        self.t.same("damaged, " + kind, [], wrong)
        self.t.figure("%d times damaged, %s: %s" % (CYCLES, kind, ", ".join(
            "%s %d" % k for k in sorted(how.items()))))

    def tell(self):
        self.start()
        for _ in range(3):
            self.grow()
            time.sleep(1.5)
        self.t.same("ends on SIGTERM", [0], [self.p.stop()])
        self.t.figure("seed %d" % self.seed)
        self.torture("change log", glob.glob(self.state + "/log/*.gz"))
        self.torture("archive", glob.glob(self.state + "/warc/*.gz"))
        for kind in "log", "warc":
            self.covered_by_nothing(kind, glob.glob(
                "%s/%s/*.gz" % (self.state, kind))[0])
        self.t.same("the database is one file", ["kpwatch.sqlite"],
                    [os.path.basename(x) for x in
                     glob.glob(self.state + "/kpwatch.sqlite*")])
        self.torture("database", [self.state + "/kpwatch.sqlite"], False)
        self.anew()
        self.lost()


Damage().run()
