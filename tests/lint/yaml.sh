#!/bin/bash
# The shipped configuration is YAML without duplicate keys, tabs or
# addresses with spaces, and every identifier is there once.
. "$(dirname "$0")/../lib.sh"
cd "$TOP" || exit 1
/usr/bin/python3 -c 'import yaml' 2>/dev/null || skip "no python3-yaml"
shopt -s nullglob
files=(conf/*.yaml)
[ ${#files[@]} -gt 0 ] || skip "no configuration"

for f in "${files[@]}"; do
	check "$f" /usr/bin/python3 - "$f" <<'P'
import sys, yaml

class Strict(yaml.SafeLoader):
    pass

def mapping(loader, node, deep=False):
    seen = set()
    for key, _ in node.value:
        if key.value in seen:
            raise SystemExit("# line %d: key %r again"
                             % (key.start_mark.line + 1, key.value))
        seen.add(key.value)
    return yaml.SafeLoader.construct_mapping(loader, node, deep)

Strict.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, mapping)
data = yaml.load(open(sys.argv[1], encoding="utf-8"), Strict)

def walk(value):
    if isinstance(value, dict):
        for v in value.values():
            yield from walk(v)
    elif isinstance(value, list):
        ids = [v["id"] for v in value if isinstance(v, dict) and "id" in v]
        twice = {i for i in ids if ids.count(i) > 1}
        if twice:
            yield "ids twice: %s" % sorted(twice)
        for v in value:
            yield from walk(v)

problems = list(walk(data))
print("\n".join("# " + p for p in problems))
sys.exit(bool(problems))
P
done
finish
