#include <stdlib.h>
#include <string.h>

#include "diff.h"
#include "limit.h"

#define QUOTED_BLOCK_MAX 1024 /* bytes of one block in an event line */

struct counted {
	uint64_t hash;
	size_t index; /* in document order */
	bool paired;
};

static int
by_hash(const void *a, const void *b)
{
	const struct counted *x = a, *y = b;

	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	return x->index < y->index ? -1 : x->index > y->index;
}

static int
by_index(const void *a, const void *b)
{
	const struct counted *x = a, *y = b;

	return x->index < y->index ? -1 : x->index > y->index;
}

/* Pairs off equal blocks of two lists; what stays unpaired was added or
 * removed.  A pure reordering leaves nothing. */
static void
pair(struct counted *a, size_t na, struct counted *b, size_t nb)
{
	size_t i = 0, j = 0;

	qsort(a, na, sizeof *a, by_hash);
	qsort(b, nb, sizeof *b, by_hash);
	while (i < na && j < nb) {
		if (a[i].hash < b[j].hash) {
			i++;
		} else if (a[i].hash > b[j].hash) {
			j++;
		} else {
			a[i++].paired = true;
			b[j++].paired = true;
		}
	}
	qsort(a, na, sizeof *a, by_index);
	qsort(b, nb, sizeof *b, by_index);
}

/* The first blocks without a partner, cut for quoting, as owned strings. */
static size_t
quote_unpaired(const struct counted *c, size_t n, const char *(*text)(
    const void *, size_t), const void *arg, char **out, size_t *total)
{
	size_t kept = 0;
	struct span s;

	*total = 0;
	for (size_t i = 0; i < n; i++) {
		if (c[i].paired)
			continue;
		if (kept < CHANGE_BLOCKS_MAX) {
			s = span_of(text(arg, c[i].index));
			s.n = utf8_clip(s, QUOTED_BLOCK_MAX);
			out[kept++] = xstrndup(s.p == NULL ? "" : s.p, s.n);
		}
		(*total)++;
	}
	return kept;
}

static const char *
known_text(const void *arg, size_t i)
{
	return ((const struct known_block *)arg)[i].text;
}

static const char *
found_text(const void *arg, size_t i)
{
	return ((const struct finding *)arg)->blocks[i].text;
}

static void
emit_change(const struct diff *d, const char *old_sha256, char **added,
    size_t nadded, size_t added_count, char **removed, size_t nremoved,
    size_t removed_count)
{
	struct event e;

	diff_event(d, &e, EVENT_CONTENT_CHANGED);
	e.old = old_sha256;
	e.new = d->f->text_sha256;
	e.added = (const char **)added;
	e.nadded = nadded;
	e.added_count = (int64_t)added_count;
	e.removed = (const char **)removed;
	e.nremoved = nremoved;
	e.removed_count = (int64_t)removed_count;
	d->emit(d->arg, &e);
}

static size_t
list_known(const struct known_block *known, size_t n, struct counted *out)
{
	for (size_t i = 0; i < n; i++)
		out[i] = (struct counted){known[i].hash, i, false};
	return n;
}

static size_t
list_found(const struct finding *f, struct counted *out)
{
	size_t n = 0;

	for (size_t i = 0; i < f->nblocks; i++)
		if (!f->blocks[i].noise)
			out[n++] = (struct counted){f->blocks[i].hash, i,
			    false};
	return n;
}

bool
diff_text(const struct diff *d, const struct known_block *known, size_t n,
    const char *old_sha256)
{
	struct counted *old = xcalloc(n + 1, sizeof *old);
	struct counted *new = xcalloc(d->f->nblocks + 1, sizeof *new);
	char *added[CHANGE_BLOCKS_MAX], *removed[CHANGE_BLOCKS_MAX];
	size_t nold = list_known(known, n, old), nnew = list_found(d->f, new);
	size_t nadded, nremoved, total_added, total_removed;

	pair(old, nold, new, nnew);
	nadded = quote_unpaired(new, nnew, found_text, d->f, added,
	    &total_added);
	nremoved = quote_unpaired(old, nold, known_text, known, removed,
	    &total_removed);
	if (total_added + total_removed > 0)
		emit_change(d, old_sha256, added, nadded, total_added, removed,
		    nremoved, total_removed);
	for (size_t i = 0; i < nadded; i++)
		free(added[i]);
	for (size_t i = 0; i < nremoved; i++)
		free(removed[i]);
	free(old);
	free(new);
	return total_added + total_removed > 0;
}
