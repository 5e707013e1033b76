"""Lines of figures that run.sh gathers into one table."""


def bench(name, value, unit, ratio=None, peer=None, bar=None):
    """ratio: of our figure to the peer's, or to the limit; bar: what it must
    be, ">=0.6" or "<=1".  One line of fields with tabs between."""
    print("# bench:\t%s\t%.4g\t%s\t%s\t%s\t%s" % (
        name, value, unit, "-" if ratio is None else "%.3g" % ratio,
        peer or "-", bar or "-"), flush=True)


def note(text):
    print("# " + str(text), flush=True)
