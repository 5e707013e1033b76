/*
 * The index beside an archive, made from the records of the archive: what a
 * crash took is made again so, and an index that was changed is told by it.
 */
#ifndef KPWATCH_WARC_INDEX_H
#define KPWATCH_WARC_INDEX_H

#include "bytes.h"
#include "fault.h"
#include "warc.h"

/* Bytes of a line at least: the names of its fields alone are longer. */
#define WARC_INDEX_LINE_LEAST 64

/* Appends the line of a record that has one: a response, revisit or resource.
 * `head`: the block's HTTP header, or the block's begin where there is none;
 * `file`: the archive's name; `length`: of the record's gzip member. */
void warc_index_record(const struct warc_record *, struct span head,
    struct span file, uint64_t length, struct buf *lines);

/*
 * Compares the lines of an index, in whatever order, with those made from its
 * archive's records, and names each difference, with the line of the index
 * from 1, or 0 where it is a line that is not there.  Records from `end` on
 * were not read (UINT64_MAX: all were): lines for them are none.  `open`: the
 * archive is still written, and the index may lag behind its last records.
 * Returns how many records lag so.
 */
size_t warc_index_check(struct span index, struct span made, uint64_t end,
    bool open, fault_fn *, void *arg);

#endif
