"""Full disks, system calls that fail, memory that is refused.

	disk.py CYCLES

The state folder is a small file system of its own.  While the sites change it
is filled up to the last byte and emptied again; calls of the store process
that write are made to fail, one of them or all for a while, with ENOSPC and
EIO; analysers are left without memory.  The daemon recovers by itself each
time (see growing.py), and says what is wrong.
"""
import errno
import os
import signal
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import growing

CYCLES = int(sys.argv[1])
CALLS = ["pwrite64", "write", "fdatasync", "fsync", "ftruncate", "openat",
         "unlinkat", "fstat", "mmap"]
WRITES = "pwrite64,write,fdatasync,fsync,ftruncate"


class Disk(growing.Growing):
    def mount(self):
        os.mkdir(self.state, 0o700)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m,mode=700",
                        "tmpfs", self.state], check=True)
        self.ballast = os.path.join(self.state, "ballast")

    def fill(self, spare):
        """Leaves so many bytes, or fewer: the daemon writes meanwhile."""
        st = os.statvfs(self.state)
        free = st.f_bavail * st.f_frsize - spare
        # Without a buffer: closing one that could not be written fails again.
        with open(self.ballast, "wb", buffering=0) as f:
            try:
                while free > 0:
                    free -= f.write(b"\0" * min(free, 65536))
            except OSError as e:
                if e.errno != errno.ENOSPC:
                    raise

    def full(self):
        for cycle in range(CYCLES):
            self.fill(self.rng.choice([0, 4096, 20000, 100000]))
            self.grow()
            time.sleep(self.rng.uniform(0.5, 2.5))
            os.unlink(self.ballast)
            time.sleep(self.rng.uniform(0.2, 1))
            self.again()

    def inject(self, what, seconds):
        """Makes calls of the store fail for a while."""
        pid = self.pid("store")
        if pid is None:
            return
        words = ["strace", "-f", "-qq", "-o", "/dev/null", "-p", str(pid),
                 "-e", "inject=" + what]
        tracer = subprocess.Popen(words, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL)
        time.sleep(seconds)
        tracer.send_signal(signal.SIGINT)
        tracer.wait()

    def failing(self):
        for cycle in range(CYCLES):
            self.grow()
            error = self.rng.choice(["EIO", "ENOSPC", "EDQUOT"])
            if cycle % 2:
                self.inject("%s:error=%s" % (WRITES, error), 1.5)
            else:
                call = CALLS[cycle // 2 % len(CALLS)]
                self.inject("%s:error=%s:when=%d" % (
                    call, error, self.rng.randint(1, 6)), 1.5)
            time.sleep(0.2)
            self.again()

    def memory(self):
        for cycle in range(CYCLES):
            pid = self.pid("analyser")
            if pid is None:
                time.sleep(0.5)
                continue
            try:
                words = open("/proc/%d/statm" % pid).read().split()
            except OSError:
                continue
            # What it has and hardly more.
            limit = int(words[0]) * 4096 + self.rng.randint(0, 200000)
            subprocess.run(["prlimit", "--pid", str(pid), "--as=%d" % limit],
                           stderr=subprocess.DEVNULL)
            self.grow()
            time.sleep(self.rng.uniform(0.5, 1.5))
            self.again()

    def said(self, word):
        with open(self.p.output, errors="replace") as f:
            return word in f.read()

    def tell(self):
        self.mount()
        self.start()
        self.full()
        self.t.check("says that the disk is full",
                     self.said("No space left") or self.said("disk"),
                     self.p.tail(20))
        self.failing()
        self.memory()
        with open(self.p.output, errors="replace") as f:
            lines = f.readlines()
        died = sum("died" in line for line in lines)
        events = self.judge("disk")
        self.t.figure("disk: %d times full, %d times failing calls, %d times "
                      "no memory; a process gave up %d times; %d events, seed "
                      "%d" % (CYCLES, CYCLES, CYCLES, died, events, self.seed))


Disk().run()
