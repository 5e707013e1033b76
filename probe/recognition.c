#include "recognition.h"

#include <stdlib.h>
#include <string.h>

#include "document.h"
#include "limit.h"
#include "rules_table.h"

#define PARTS_MAX 4096

/* ---- digests of a file ---- */

/* Of a tree of the file, without what does not bear on what is recognised. */
static uint64_t
digest_of(const struct doc_node *n, uint64_t h)
{
	static const char *const beside[] = {"test", "gives", "gives_kind",
	    "gives_platform", "from", "unverified", NULL};

	if (n == NULL)
		return h;
	h = (h ^ n->kind) * 0x100000001b3u;
	if (n->kind == DOC_SCALAR)
		return (h ^ bytes_hash(span_of(n->text))) * 0x100000001b3u;
	for (const struct doc_node *c = n->first; c != NULL; c = c->next) {
		size_t i = 0;

		if (n->kind == DOC_LIST) {
			h = digest_of(c, h);
			continue;
		}
		while (beside[i] != NULL && strcmp(beside[i], c->key) != 0)
			i++;
		if (beside[i] == NULL)
			h = digest_of(c, h ^ bytes_hash(span_of(c->key)));
	}
	return h * 0x100000001b3u;
}

static void
add_digest(struct rules *r, const char *prefix, const char *name, uint64_t h)
{
	struct rule_digest *d;

	r->digests = xgrow(r->digests, &r->digests_cap, r->ndigests + 1,
	    sizeof(*r->digests));
	d = &r->digests[r->ndigests++];
	d->name = xasprintf("%s%s", prefix, name);
	d->hash = h;
}

static void
add_digests(struct rules *r, const struct doc_node *list, const char *prefix)
{
	if (list == NULL)
		return;
	for (const struct doc_node *n = list->first; n != NULL; n = n->next)
		add_digest(r, prefix, doc_get(n, "id")->text, digest_of(n, 0));
}

/* Markup and calls of kits that name accounts or contents: what they find is
 * a platform's, and the sighting does not tell which kit it was. */
static uint64_t
names_digest(const struct doc_node *kits, uint64_t h)
{
	static const char *const lists[] = {"markup", "calls"};
	const struct doc_node *list, *rule;

	for (const struct doc_node *k = kits == NULL ? NULL : kits->first;
	     k != NULL; k = k->next)
		for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
			list = doc_get(k, lists[i]);
			for (rule = list == NULL ? NULL : list->first;
			     rule != NULL; rule = rule->next)
				if (doc_get(rule, "url") != NULL ||
				    doc_get(rule, "inside") != NULL ||
				    doc_get(rule, "kind") != NULL)
					h = digest_of(rule, h);
		}
	return h;
}

/* Lists that bear on all platforms: whatever the file has but these. */
static uint64_t
common_digest(const struct doc_node *root, uint64_t h)
{
	static const char *const apart[] = {"version", "platforms", "kits",
	    "tests"};

	for (const struct doc_node *c = root->first;
	     root->kind == DOC_MAP && c != NULL; c = c->next) {
		size_t i = 0;

		while (i < ARRAY_LEN(apart) && strcmp(apart[i], c->key) != 0)
			i++;
		if (i == ARRAY_LEN(apart))
			h = digest_of(c, h ^ bytes_hash(span_of(c->key)));
	}
	return h;
}

void
rules_digest(struct rules *r, const struct doc_node *root)
{
	uint64_t h = common_digest(root, RECOGNITION_VERSION);

	h = names_digest(doc_get(root, "kits"), h);
	add_digest(r, "", "", h);
	add_digest(r, "", TEXT_PART, TEXT_VERSION);
	add_digests(r, doc_get(root, "platforms"), "");
	add_digests(r, doc_get(root, "kits"), "kit:");
}

/* ---- wire form ---- */

/* Read by recognition_decode(). */
void
recognition_encode(const struct rules *r, struct span encoded, struct buf *out)
{
	buf_put_u64(out, bytes_hash(encoded));
	buf_put_u32(out, (uint32_t)r->ndigests);
	for (size_t i = 0; i < r->ndigests; i++) {
		buf_put_str(out, r->digests[i].name);
		buf_put_u64(out, r->digests[i].hash);
	}
}

/* Written by recognition_encode(). */
bool
recognition_decode(struct recognition *r, struct span s)
{
	struct cursor c;
	uint32_t n;

	memset(r, 0, sizeof *r);
	cursor_init(&c, s.p, s.n);
	r->rules = cursor_u64le(&c);
	n = cursor_u32le(&c);
	if (n > PARTS_MAX)
		c.bad = true;
	r->parts = xcalloc(c.bad ? 0 : n, sizeof *r->parts);
	while (r->n < n && !c.bad) {
		struct recognition_part *p = &r->parts[r->n++];

		p->name = cursor_str(&c, NAME_MAX_LEN);
		p->hash = cursor_u64le(&c);
		if (p->name == NULL)
			c.bad = true;
	}
	if (cursor_done(&c))
		return true;
	recognition_release(r);
	return false;
}

void
recognition_release(struct recognition *r)
{
	for (size_t i = 0; i < r->n; i++)
		free(r->parts[i].name);
	free(r->parts);
	memset(r, 0, sizeof *r);
}
