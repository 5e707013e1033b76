#include "original.h"

#include <stdlib.h>
#include <string.h>

#include "limit.h"

#define SLOTS  WARC_DIGESTS_MAX
#define CHAINS 8192
#define NONE   UINT32_MAX

/* Two hash tables over one ring of entries. */
enum chain { BY_DIGEST, BY_URI, CHAIN_KINDS };

struct slot {
	struct original o;
	uint32_t chain[CHAIN_KINDS];
	uint32_t next[CHAIN_KINDS];
};

struct originals {
	struct slot *slots;
	uint32_t used;
	uint32_t turn; /* the slot to be written next */
	uint32_t heads[CHAIN_KINDS][CHAINS];
};

struct originals *
originals_new(void)
{
	struct originals *t = xcalloc(1, sizeof *t);

	t->slots = xcalloc(SLOTS, sizeof *t->slots);
	memset(t->heads, 0xff, sizeof t->heads);
	return t;
}

void
originals_free(struct originals *t)
{
	if (t == NULL)
		return;
	for (uint32_t i = 0; i < t->used; i++)
		free(t->slots[i].o.uri);
	free(t->slots);
	free(t);
}

static uint32_t
chain_of(struct span key)
{
	return (uint32_t)hash_place(bytes_hash(key), CHAINS);
}

static struct span
digest_span(const uint8_t *digest)
{
	return (struct span){(const char *)digest, SHA256_BYTES};
}

static void
unlink_slot(struct originals *t, uint32_t index, enum chain kind)
{
	struct slot *s = &t->slots[index];
	uint32_t *at = &t->heads[kind][s->chain[kind]];

	while (*at != index)
		at = &t->slots[*at].next[kind];
	*at = s->next[kind];
}

static void
link_slot(struct originals *t, uint32_t index, enum chain kind, struct span key)
{
	struct slot *s = &t->slots[index];
	uint32_t *head;

	s->chain[kind] = chain_of(key);
	head = &t->heads[kind][s->chain[kind]];
	s->next[kind] = *head;
	*head = index;
}

void
originals_add(struct originals *t, const uint8_t digest[SHA256_BYTES],
    struct span uri, int64_t date)
{
	struct slot *s = &t->slots[t->turn];

	if (uri.n == 0 || uri.n > WARC_URI_KEEP_MAX)
		return;
	if (t->turn < t->used) {
		unlink_slot(t, t->turn, BY_DIGEST);
		unlink_slot(t, t->turn, BY_URI);
		free(s->o.uri);
	} else {
		t->used++;
	}
	memcpy(s->o.digest, digest, SHA256_BYTES);
	s->o.uri = span_dup(uri);
	s->o.date = date;
	link_slot(t, t->turn, BY_DIGEST, digest_span(digest));
	link_slot(t, t->turn, BY_URI, uri);
	t->turn = (t->turn + 1) % SLOTS;
}

const struct original *
originals_by_digest(const struct originals *t,
    const uint8_t digest[SHA256_BYTES], int64_t since)
{
	uint32_t i = t->heads[BY_DIGEST][chain_of(digest_span(digest))];

	for (; i != NONE; i = t->slots[i].next[BY_DIGEST])
		if (memcmp(t->slots[i].o.digest, digest, SHA256_BYTES) == 0)
			return t->slots[i].o.date >= since ? &t->slots[i].o
							   : NULL;
	return NULL;
}

const struct original *
originals_by_uri(const struct originals *t, struct span uri, int64_t since)
{
	uint32_t i = t->heads[BY_URI][chain_of(uri)];

	for (; i != NONE; i = t->slots[i].next[BY_URI])
		if (span_is(uri, t->slots[i].o.uri))
			return t->slots[i].o.date >= since ? &t->slots[i].o
							   : NULL;
	return NULL;
}
