#include "words.h"

#include <stdlib.h>
#include <string.h>

#include "limit.h"

/* Words of the two texts, without what they begin and end with alike. */
struct words {
	struct span list[CHANGE_WORDS_MAX];
	size_t count;
};

/* Scripts that write without spaces: Kana, Han and its extensions. */
static bool
stands_alone(uint32_t c)
{
	return (c >= 0x2e80 && c <= 0x30ff) || (c >= 0x31c0 && c <= 0x9fff) ||
	    (c >= 0xf900 && c <= 0xfaff) || (c >= 0xff00 && c <= 0xffef) ||
	    (c >= 0x20000 && c <= 0x3ffff);
}

static size_t
word_length(struct span s)
{
	size_t at = 0, n;
	uint32_t c;

	while (at < s.n) {
		n = utf8_decode(span_slice(s, at, s.n), &c);
		if (c == ' ' || stands_alone(c))
			return at == 0 ? n : at;
		at += n;
	}
	return at;
}

/* False when there are too many. */
static bool
split(struct span s, struct words *w)
{
	size_t n;

	w->count = 0;
	while (s.n > 0) {
		if (w->count == CHANGE_WORDS_MAX)
			return false;
		n = word_length(s);
		w->list[w->count++] = span_slice(s, 0, n);
		s = span_slice(s, n, s.n);
	}
	return true;
}

/* Appends to the last edit where it is of the same kind. */
static void
add(struct edits *e, char kind, struct span text)
{
	char *last = e->count == 0 ? NULL : e->list[e->count - 1];
	bool same = last != NULL && last[0] == kind;

	if (text.n == 0)
		return;
	if (!same) {
		e->list =
		    xgrow(e->list, &e->cap, e->count + 1, sizeof *e->list);
		e->list[e->count++] = xasprintf("%c%.*s", kind, SPAN_ARG(text));
		return;
	}
	e->list[e->count - 1] = xasprintf("%s%.*s", last, SPAN_ARG(text));
	free(last);
}

void
edits_release(struct edits *e)
{
	for (size_t i = 0; i < e->count; i++)
		free(e->list[i]);
	free(e->list);
	memset(e, 0, sizeof *e);
}

/* Lengths of the longest common subsequences of all tails. */
static uint16_t *
common_tails(const struct words *a, const struct words *b)
{
	size_t width = b->count + 1;
	uint16_t *t = xcalloc((a->count + 1) * width, sizeof *t), down, right;

	for (size_t i = a->count; i-- > 0;) {
		for (size_t j = b->count; j-- > 0;) {
			down = t[(i + 1) * width + j];
			right = t[i * width + j + 1];
			t[i * width + j] = span_eq(a->list[i], b->list[j])
			    ? (uint16_t)(t[(i + 1) * width + j + 1] + 1)
			    : down > right ? down
					   : right;
		}
	}
	return t;
}

/* Returns the bytes that are the same. */
static size_t
walk(const struct words *a, const struct words *b, struct edits *out)
{
	size_t width = b->count + 1, i = 0, j = 0, same = 0;
	uint16_t *t = common_tails(a, b);

	while (i < a->count || j < b->count) {
		if (i < a->count && j < b->count &&
		    span_eq(a->list[i], b->list[j])) {
			same += a->list[i].n;
			add(out, ' ', a->list[i++]);
			j++;
		} else if (j == b->count ||
		    (i < a->count &&
			t[(i + 1) * width + j] >= t[i * width + j + 1])) {
			add(out, '-', a->list[i++]);
		} else {
			add(out, '+', b->list[j++]);
		}
	}
	free(t);
	return same;
}

/* Length of what the two begin with alike, in whole words. */
static size_t
common_head(struct span a, struct span b)
{
	size_t at = 0, n;

	while (at < a.n && at < b.n) {
		n = word_length(span_slice(a, at, a.n));
		if (n != word_length(span_slice(b, at, b.n)) ||
		    !span_eq(span_slice(a, at, at + n),
			span_slice(b, at, at + n)))
			break;
		at += n;
	}
	return at;
}

unsigned
words_diff(struct span old, struct span new, struct edits *out)
{
	struct words *a = xcalloc(2, sizeof *a), *b = a + 1;
	size_t head = common_head(old, new), same = head;
	size_t all = old.n + new.n;

	memset(out, 0, sizeof *out);
	add(out, ' ', span_slice(old, 0, head));
	old = span_slice(old, head, old.n);
	new = span_slice(new, head, new.n);
	if (split(old, a) && split(new, b)) {
		same += walk(a, b, out);
	} else {
		add(out, '-', old);
		add(out, '+', new);
	}
	free(a);
	return all == 0 ? 100 : (unsigned)(same * 200 / all);
}
