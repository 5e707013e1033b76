#!/bin/bash
# The test world itself, before the program is let into it.
here=$(dirname "$0")
exec "$here/enter.sh" /usr/bin/python3 "$here/ground.py"
