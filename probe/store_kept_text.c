/* Texts of pages, in memory: a page that changed will change again. */
#include <stdlib.h>
#include <string.h>

#include "store_db.h"

/* A block without its text, which its row alone has. */
struct page_block {
	uint64_t hash;
	uint64_t words;
	uint32_t since;
	uint32_t position : 30;
	uint32_t changing : 1;
	uint32_t frame : 1;
};

struct page_text {
	size_t nblocks;
	size_t nslots;
	struct kept_slot *slots;
	struct page_block blocks[];
};

void
page_text_free(struct page_text *t)
{
	if (t != NULL)
		free(t->slots);
	free(t);
}

size_t
page_text_bytes(const struct page_text *t)
{
	return t == NULL ? 0
			 : sizeof *t + t->nblocks * sizeof *t->blocks +
		t->nslots * sizeof *t->slots;
}

static void
take_blocks(const struct page_text *t, struct known_text *k)
{
	const struct page_block *from = t->blocks;

	k->list = xgrow(k->list, &k->cap, t->nblocks, sizeof *k->list);
	k->count = t->nblocks;
	for (size_t i = 0; i < t->nblocks; i++, from++)
		k->list[i] = (struct known_block){.position = from->position,
		    .hash = from->hash,
		    .words = from->words,
		    .state = {from->since, from->changing, from->frame},
		    .flagged = from->changing};
}

static void
take_slots(const struct page_text *t, struct known_text *k)
{
	if (t->nslots == 0)
		return;
	k->nkept = t->nslots;
	k->kept = xcalloc(t->nslots, sizeof *k->kept);
	memcpy(k->kept, t->slots, t->nslots * sizeof *k->kept);
	k->slots.list = xgrow(k->slots.list, &k->slots.cap, t->nslots,
	    sizeof *k->slots.list);
	k->slots.count = t->nslots;
	for (size_t i = 0; i < t->nslots; i++)
		k->slots.list[i] = t->slots[i].slot;
}

bool
page_text_take(const struct page_text *t, struct known_text *k)
{
	if (t == NULL)
		return false;
	take_blocks(t, k);
	take_slots(t, k);
	return true;
}

/* False when a number has no room. */
static bool
keep_blocks(struct page_text *t, const struct known_text *k)
{
	const struct known_block *b = k->list;

	for (size_t i = 0; i < k->count; i++, b++) {
		if (b->position < 0 || b->position >= INT64_C(1) << 30 ||
		    b->state.since > UINT32_MAX)
			return false;
		t->blocks[i] = (struct page_block){.hash = b->hash,
		    .words = b->words,
		    .since = (uint32_t)b->state.since,
		    .position = (uint32_t)b->position & 0x3fffffff,
		    .changing = b->state.changing,
		    .frame = b->state.frame};
	}
	return true;
}

/* Rows of samples change when other pages do. */
void
text_keep(struct row_page *p, const struct known_text *k)
{
	struct page_text *t;

	page_text_free(p->text);
	p->text = NULL;
	if (p->sampled)
		return;
	t = xcalloc(1, sizeof *t + k->count * sizeof *t->blocks);
	t->nblocks = k->count;
	t->nslots = k->nkept;
	if (k->nkept > 0) {
		t->slots = xcalloc(k->nkept, sizeof *t->slots);
		memcpy(t->slots, k->kept, k->nkept * sizeof *t->slots);
	}
	p->text = t;
	if (keep_blocks(t, k))
		return;
	page_text_free(t);
	p->text = NULL;
}
