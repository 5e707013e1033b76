#!/bin/sh
# What a million addresses cost `kpwatch classify`.
set -eu
cd "$(dirname "$0")/../.."
exec python3 tests/bench/classify.py "${KPWATCH:-./kpwatch}" conf/kpwatch.yaml
