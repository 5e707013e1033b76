"""A catalogue of many sites, all on names under one wildcard."""
import os

import world


def catalogue(w, count):
    """The configuration file of it; the world serves its pages."""
    folder = os.path.join(w.folder, "conf")
    os.mkdir(folder)
    for name in os.listdir(os.path.join(world.TOP, "conf")):
        if name.endswith(".yaml") and name not in (
                "sites.yaml", "accounts.yaml"):
            with open(os.path.join(world.TOP, "conf", name)) as f:
                text = f.read()
            open(os.path.join(folder, name), "w").write(text)
    with open(os.path.join(folder, "sites.yaml"), "w") as f:
        f.write("sites:\n")
        for n in range(count):
            f.write("  - {id: s%d, name: Site %d, operator: O, "
                    "category: other, status: unknown, source: none, pages: "
                    "[{name: main, url: \"http://s%d.many.kp/\"}]}\n"
                    % (n, n, n))
    open(os.path.join(folder, "accounts.yaml"), "w").write("accounts: []\n")
    w.change_zone(*[("zone-set", "*.many.kp.", "1", "A",
                     "175.45.179.%d" % n) for n in range(1, 9)])
    w.many_root()
    return os.path.join(folder, "kpwatch.yaml")
