#!/bin/bash
# How punctual the schedule is, how fast the daemon starts, what it costs in
# memory and on disk: 1,000 and 10,000 targets in the test world.
set -u
here=$(cd "$(dirname "$0")" && pwd)
"$here/../world/enter.sh" /usr/bin/python3 "$here/schedule.py" 1000 &&
    "$here/../world/enter.sh" /usr/bin/python3 "$here/schedule.py" 10000
