/*
 * The records of one observation as bytes: what goes into the file, without
 * the file.  warc_writer.c puts them there.
 */
#ifndef KPWATCH_WARC_WRITE_H
#define KPWATCH_WARC_WRITE_H

#include "digest.h"
#include "gzip_write.h"
#include "observation.h"
#include "original.h"

/* What the index and the table of originals are told of a written record. */
struct written {
	char *uri;
	const char *mime; /* constant, or `mime_owned` */
	char *mime_owned;
	int status;
	char digest[80]; /* "sha256:..."; "" when there is none */
	uint8_t payload[SHA256_BYTES];
	bool original; /* can be referred to */
	bool indexed;
	size_t offset; /* in `out` */
	size_t length;
};

struct warc_compose {
	struct gzip_writer *gz;		   /* borrows */
	const struct originals *originals; /* borrows; NULL: no revisits */
	struct buf out;			   /* finished gzip members */
	struct written *list;		   /* one per record in out */
	size_t count;
	size_t cap;
	char seed[65];	 /* of the record ids: differs per visit */
	unsigned serial; /* of the next record id */
};

void warc_compose_init(struct warc_compose *, struct gzip_writer *,
    const struct originals *);
void warc_compose_release(struct warc_compose *);
/* Empties; `seed` makes the record ids of what follows unique. */
void warc_compose_clear(struct warc_compose *, struct span seed);
/* Appends the warcinfo record that begins a file. */
bool warc_compose_info(struct warc_compose *, const char *file,
    const char *software, const struct observation *);
/* Appends all records of an observation.  *place is the index in list of the
 * record that stands for it.  False when WARC_VISIT_MAX is passed. */
bool warc_compose_observation(struct warc_compose *, const struct observation *,
    size_t *place);

#endif
