"""A part of the shipped catalogue, so that a loaded machine keeps up."""
import os
import shutil

import world
import yaml


def small_catalogue(w, sites):
    """A folder of configuration with those sites; its kpwatch.yaml."""
    folder = os.path.join(w.folder, "conf")
    shutil.copytree(os.path.join(world.TOP, "conf"), folder)
    for name, key, ids in (("sites.yaml", "sites", sites),
                           ("accounts.yaml", "accounts", [])):
        kept = world.load_yaml(name)
        kept[key] = [e for e in kept[key] if e["id"] in ids]
        with open(os.path.join(folder, name), "w") as f:
            yaml.safe_dump(kept, f, allow_unicode=True)
    return os.path.join(folder, "kpwatch.yaml")
