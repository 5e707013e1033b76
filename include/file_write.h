/*
 * Bytes into a file, all of them.
 */
#ifndef KPWATCH_FILE_WRITE_H
#define KPWATCH_FILE_WRITE_H

#include "bytes.h"

/* Writes where the descriptor stands, or from a place on; a signal does not
 * cut it short.  False with errno when the disk refuses: some may be written
 * all the same. */
bool file_write(int fd, struct span);
bool file_write_at(int fd, struct span, uint64_t at);

#endif
