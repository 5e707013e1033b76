#include "warc_content.h"

#include <stdlib.h>

#include "decode.h"
#include "digest.h"
#include "limit.h"

struct content {
	char *codings;	  /* NULL: the bytes are hashed as they come */
	struct buf coded; /* whole body while it is small enough to undo */
	bool given_up;
	struct digest *digest;
	uint64_t length;
};

struct content *
content_new(struct span codings)
{
	struct content *c = xcalloc(1, sizeof *c);

	if (codings.n > 0)
		c->codings = span_dup(codings);
	buf_init(&c->coded, WARC_CODED_MAX);
	c->digest = digest_new(DIGEST_SHA256);
	return c;
}

static void
hash(struct content *c, struct span s)
{
	c->length += s.n;
	digest_update(c->digest, s);
}

void
content_add(struct content *c, struct span s)
{
	if (c->codings == NULL || c->given_up) {
		hash(c, s);
	} else if (!buf_add_span(&c->coded, s)) {
		c->given_up = true;
		hash(c, buf_span(&c->coded));
		hash(c, s);
		buf_release(&c->coded);
	}
}

static const char *
undo(struct content *c)
{
	struct buf plain = BUF_INIT(DECODED_BODY_MAX);
	enum decode_status status;

	status =
	    content_decode(buf_span(&c->coded), span_of(c->codings), &plain);
	hash(c, buf_span(&plain));
	buf_release(&plain);
	return decode_status_text(status);
}

const char *
content_end(struct content *c, uint64_t *length, char hex[65])
{
	uint8_t sum[SHA256_BYTES];
	const char *complaint = NULL;

	if (c->given_up)
		complaint = "body is too long to be decoded, hashed as it is";
	else if (c->codings != NULL)
		complaint = undo(c);
	digest_final(c->digest, sum);
	hex_encode(hex, sum, SHA256_BYTES);
	*length = c->length;
	digest_free(c->digest);
	buf_release(&c->coded);
	free(c->codings);
	free(c);
	return complaint;
}
