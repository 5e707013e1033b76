#!/bin/bash
# Memory of the daemon, idle, with the shipped catalogue and with 10,000
# targets, in the test world.
here=$(cd "$(dirname "$0")/../world" && pwd)
"$here/enter.sh" /usr/bin/python3 "$here/memory.py" shipped &&
    "$here/enter.sh" /usr/bin/python3 "$here/memory.py" many
