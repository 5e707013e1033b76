"""Cases in the form that tests/run.sh counts."""
import difflib
import sys


class Tap:
    def __init__(self):
        self.cases = 0
        self.failures = 0

    def check(self, name, good, detail=""):
        self.cases += 1
        self.failures += not good
        print("%s %d - %s" % ("ok" if good else "not ok", self.cases, name))
        if not good and detail:
            print("# " + str(detail).replace("\n", "\n# "))
        sys.stdout.flush()
        return good

    def same(self, name, want, got):
        """want and got: lists of anything printable."""
        want = [str(w) for w in want]
        got = [str(g) for g in got]
        return self.check(name, want == got, "\n".join(difflib.unified_diff(
            want, got, "expected", "found", lineterm="")))

    def figure(self, text):
        print("# figure: " + text, flush=True)

    def note(self, text):
        print("# " + str(text).replace("\n", "\n# "), flush=True)

    def finish(self):
        print("1..%d" % self.cases, flush=True)
        sys.exit(self.failures > 0)
