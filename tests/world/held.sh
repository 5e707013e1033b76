#!/bin/bash
# Looks that have to wait for their address.
here=$(dirname "$0")
. "$here/../lib.sh"
exec "$here/enter.sh" /usr/bin/python3 "$here/held.py"
