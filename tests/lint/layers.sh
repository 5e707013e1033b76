#!/bin/sh
# The layer table of layers.table.
exec /usr/bin/python3 "$(dirname "$0")/layers.py"
