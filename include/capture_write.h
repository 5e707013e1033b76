/*
 * The folder of kept captures: one file for each look, in a folder for each
 * day.
 */
#ifndef KPWATCH_CAPTURE_WRITE_H
#define KPWATCH_CAPTURE_WRITE_H

#include "bytes.h"

#define CAPTURE_FOLDER "packets"

/* "20190114/1207.pcap": time in ms since the epoch.  Returns owned. */
char *capture_name(int64_t time, uint64_t id);
/* Writes it below the folder, replacing one of that name; on disk when it
 * returns.  False with errno. */
bool capture_write(int dirfd, const char *name, struct span bytes);
/* Reads it: false with errno when it is not there, or *why (owned) says that
 * it is not the file of that hash. */
bool capture_check(int dirfd, const char *name, const char *sha256, char **why);

#endif
