"""A service manager and a journal that write down what they are told.

usage: manager.py FOLDER [JOURNAL_SOCKET]

Datagrams to FOLDER/notify become a line each of FOLDER/notify.log, with " | "
for the line ends in them; those to JOURNAL_SOCKET (fields of one line each)
the same in FOLDER/journal.log.  FOLDER/listening says that it is up.
"""
import array
import os
import select
import socket
import sys

folder = sys.argv[1]
places = {folder + "/notify": folder + "/notify.log"}
if len(sys.argv) > 2:
    places[sys.argv[2]] = folder + "/journal.log"
logs = {}
for path, log in places.items():
    s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    s.bind(path)
    logs[s] = open(log, "ab", buffering=0)
open(folder + "/listening", "w").close()
while True:
    for s in select.select(list(logs), [], [])[0]:
        data, rights, _, _ = s.recvmsg(1 << 18, 64)
        for _, _, raw in rights:  # a long entry comes as a file
            for fd in array.array("i", raw):
                data += os.pread(fd, 1 << 20, 0)
                os.close(fd)
        logs[s].write(data.strip(b"\n").replace(b"\n", b" | ") + b"\n")
