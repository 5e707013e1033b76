#include "warc_digest.h"

#include <string.h>

static bool
parse_value(struct span text, size_t size, uint8_t *out)
{
	while (text.n > 0 && text.p[text.n - 1] == '=')
		text.n--;
	if (text.n == 2 * size)
		return hex_decode(out, size, text);
	return base32_decode(out, size, text);
}

void
digest_check_begin(struct digest_check *c, struct span value)
{
	size_t colon = span_find(value, ':');
	struct span name = span_slice(value, 0, colon), text;
	enum digest_kind kind = DIGEST_SHA1;

	memset(c, 0, sizeof *c);
	if (colon == value.n)
		return;
	if (span_is_i(name, "sha256") || span_is_i(name, "sha-256"))
		kind = DIGEST_SHA256;
	else if (!span_is_i(name, "sha1") && !span_is_i(name, "sha-1"))
		return;
	c->size = kind == DIGEST_SHA256 ? SHA256_BYTES : SHA1_BYTES;
	text = span_trim(span_slice(value, colon + 1, value.n));
	if (parse_value(text, c->size, c->expect))
		c->digest = digest_new(kind);
}

bool
digest_check_active(const struct digest_check *c)
{
	return c->digest != NULL;
}

void
digest_check_update(struct digest_check *c, struct span s)
{
	if (c->digest != NULL)
		digest_update(c->digest, s);
}

bool
digest_check_end(struct digest_check *c)
{
	uint8_t sum[SHA256_BYTES];
	bool same;

	digest_final(c->digest, sum);
	same = memcmp(sum, c->expect, c->size) == 0;
	digest_check_release(c);
	return same;
}

void
digest_check_release(struct digest_check *c)
{
	digest_free(c->digest);
	c->digest = NULL;
}
