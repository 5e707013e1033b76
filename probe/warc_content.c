#include "warc_content.h"

#include <stdlib.h>

#include "digest.h"

struct content {
	struct digest *digest;
	uint64_t length;
};

struct content *
content_new(struct span codings)
{
	struct content *c = xcalloc(1, sizeof *c);

	(void)codings;
	c->digest = digest_new(DIGEST_SHA256);
	return c;
}

static void
take_decoded(struct content *c, struct span s)
{
	c->length += s.n;
	digest_update(c->digest, s);
}

void
content_add(struct content *c, struct span s)
{
	take_decoded(c, s);
}

const char *
content_end(struct content *c, uint64_t *length, char hex[65])
{
	uint8_t sum[SHA256_BYTES];

	digest_final(c->digest, sum);
	hex_encode(hex, sum, SHA256_BYTES);
	*length = c->length;
	digest_free(c->digest);
	free(c);
	return NULL;
}
