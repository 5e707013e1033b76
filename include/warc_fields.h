/*
 * The metadata record of one hop, by which a recorded observation comes back
 * whole: "name: value" lines (application/warc-fields).  Bytes below 0x20,
 * 0x7f, '%' and spaces at the ends are percent-encoded; a field that is left
 * out was NULL or at its default.  The names are documented in the manual and
 * only ever added to.
 */
#ifndef KPWATCH_WARC_FIELDS_H
#define KPWATCH_WARC_FIELDS_H

#include "observation.h"

/* What only the recording knows: how the records of a visit hang together. */
struct warc_visit {
	char id[65];  /* same in all hops of one observation */
	uint32_t hop; /* 0 ... hops - 1 */
	uint32_t hops;
	bool has_request;    /* a request record follows */
	bool has_response;   /* a response or revisit record follows */
	uint64_t head_bytes; /* of the response's block: header lines */
	uint64_t body_bytes; /* of the body, its one chunk unwrapped */
	bool one_chunk;	     /* the body is framed as one chunk */
};

/* Appends the fields of hop number visit->hop; read by
 * warc_fields_decode(). */
void warc_fields_encode(const struct observation *, const struct warc_visit *,
    struct buf *);
/*
 * Fills the visit, the observation's own fields where they are still NULL
 * (first hop), and the hop (as made by observation_add_hop()).  Bytes of the
 * request, header and body are not here.  False when it is not a metadata
 * record of ours or a value is malformed.
 */
bool warc_fields_decode(struct span, struct warc_visit *, struct observation *,
    struct hop *);

#endif
