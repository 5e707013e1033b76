/*
 * What a crash leaves: an archive with a torn last record and an index that
 * lags behind or runs ahead.
 */
#ifndef KPWATCH_WARC_RECOVER_H
#define KPWATCH_WARC_RECOVER_H

#include "bytes.h"

/*
 * Cuts the file after its last whole observation (*torn: bytes cut off) and
 * makes the index agree with it: lines for what is gone are dropped, records
 * without a line get one.  *size is the size left.  Only what stands behind
 * the last indexed record is read.  A file with whole records behind damaged
 * ones is left alone, and so is one that would be left with less than
 * `written` bytes, as they were no torn tail: *size is then UINT64_MAX.  False
 * with errno.
 */
bool warc_recover(int dirfd, const char *file, const char *index,
    uint64_t written, uint64_t *size, uint64_t *torn);

#endif
