/*
 * Seals: SHA-256 of files as they lie on disk, taken of what is written as it
 * is written.  Checksums and hash chains cover what files say; a seal covers
 * every bit, however it is compressed.
 *
 * A seal covers a stretch of one file.  Whoever goes on with a file begins a
 * new one behind what is there, so that nothing need be read again; a file
 * written without a break has one, from 0 on, which is what sha256sum(1)
 * prints.
 *
 * What a start finds gone has an entry of its own, under the name
 * "lost/TIME/FILE" and without a digest: its time is that of the start, and it
 * is closed where the lines that are gone were written again.
 */
#ifndef KPWATCH_SEAL_H
#define KPWATCH_SEAL_H

#include "bytes.h"
#include "digest.h"

#define SEAL_LOST "lost/"

struct seal {
	char *file;	/* "log/events-20190114.jsonl.gz"; owned */
	uint64_t at;	/* its first byte */
	uint64_t bytes; /* how many; may be 0 */
	char sha256[65];
	int64_t time; /* of the observation or event written last, ms */
	bool closed;  /* the file ends here */
	bool found;   /* taken at a start, of what had been left unsealed */
};

void seal_release(struct seal *);

/* The seal of what is being written. */
struct sealing {
	uint64_t at;
	uint64_t bytes;
	struct digest *digest; /* NULL: not begun */
};

/* The next byte stands at that place; what was sealed before is forgotten. */
void sealing_begin(struct sealing *, uint64_t at);
/* These bytes were written. */
void sealing_add(struct sealing *, struct span);
/* The digest so far, in lower-case hexadecimal; more may be added. */
void sealing_digest(const struct sealing *, char sha256[65]);
void sealing_release(struct sealing *);

/* SHA-256 of a stretch of an open file.  False with errno, which is 0 where
 * the file ends before it. */
bool seal_read(int fd, uint64_t at, uint64_t bytes, char sha256[65]);

#endif
