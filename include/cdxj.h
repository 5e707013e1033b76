/*
 * CDXJ: the index beside a web archive.  One line per response, revisit and
 * resource record, "SURT-KEY YYYYMMDDhhmmss {JSON}", bytewise sorted once its
 * archive is finished.  The JSON has the keys that pywb reads (all values
 * strings) and "date", the WARC-Date in full.
 *
 * SURT key: scheme, user, "www." and default port dropped, host labels
 * reversed with commas, path and query in lower case, a slash at the end of
 * the path dropped, query arguments sorted.
 */
#ifndef KPWATCH_CDXJ_H
#define KPWATCH_CDXJ_H

#include "bytes.h"

struct cdxj_entry {
	struct span uri;
	int64_t date;	    /* ms */
	struct span mime;   /* "warc/revisit" for those */
	int status;	    /* 0: left out */
	struct span digest; /* "sha256:..." ; may be empty */
	uint64_t offset;    /* of the gzip member */
	uint64_t length;    /* of the gzip member */
	struct span file;
};

/* Appends the key of a URI; one that is no URL is put as it stands with
 * white space percent-encoded. */
void cdxj_key(struct span uri, struct buf *out);
/* Appends a line with its newline; read by cdxj_parse(). */
void cdxj_line(const struct cdxj_entry *, struct buf *out);
/* Reads a line of ours; the spans borrow from it.  A URI that JSON had to
 * escape comes back with p NULL. */
bool cdxj_parse(struct span line, struct cdxj_entry *);
/* Writes an index anew: a file that is whole and on disk takes its name, so
 * that a crash leaves the old or the new.  False with errno. */
bool cdxj_replace(int dirfd, const char *name, struct span lines);
/* Sorts an index file and drops equal lines: a new file takes its name.
 * False with errno; one above CDXJ_BYTES_MAX is left unsorted (EFBIG). */
bool cdxj_sort(int dirfd, const char *name);
/* Whole file, at most `max` bytes; false with errno. */
bool cdxj_load(int dirfd, const char *name, struct buf *out);

#endif
