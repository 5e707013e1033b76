/* Look-ups in the compiled rules, and their wire form. */

#include <stdlib.h>
#include <string.h>

#include "limit.h"
#include "rules_table.h"

#define RULES_MAGIC 0x6b705233u /* "kpR3" */

struct span
rules_span(const struct rules *r, uint32_t at)
{
	return span_of(rules_text(r, at));
}

void
rules_free(struct rules *r)
{
	if (r == NULL)
		return;
	for (size_t i = 0; i < r->ntests; i++) {
		free(r->tests[i].url);
		free(r->tests[i].html);
		free(r->tests[i].platform);
		free(r->tests[i].name);
	}
	for (size_t i = 0; i < r->ndigests; i++)
		free(r->digests[i].name);
	free(r->digests);
	free(r->tests);
	free(r->file);
	free(r->table);
	free(r->nears);
	free(r->host_length);
	free(r->word_table);
	free(r->markup_next);
	free(r->markup_key);
	free(r->pattern_shape);
	free(r->text);
	free(r->platforms);
	free(r->hosts);
	free(r->patterns);
	free(r->segments);
	free(r->parts);
	free(r->syntaxes);
	free(r->words);
	free(r->names);
	free(r->kits);
	free(r->markups);
	free(r->calls);
	free(r->services);
	free(r->file_endings);
	free(r->redirect_keys);
	free(r->player_words);
	free(r->player_not);
	free(r->share_words);
	free(r->share_not);
	free(r->share_plain);
	free(r->button_words);
	free(r->script_words);
	free(r->call_words);
	free(r->around_words);
	free(r->around_not);
	free(r->button_plain);
	free(r);
}

/* Order of a word and a text that ends in NUL; words hold none. */
static int
compare_i(struct span word, const char *text)
{
	for (size_t i = 0; i < word.n; i++) {
		int d = (unsigned char)ascii_lower(word.p[i]) -
		    (unsigned char)ascii_lower(text[i]);

		if (d != 0)
			return d;
		if (text[i] == '\0')
			return 1;
	}
	return text[word.n] == '\0' ? 0 : -1;
}

bool
rules_has_word(const struct rules *r, uint32_t first, uint32_t count,
    struct span word)
{
	size_t lo = first, hi = first + count;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int c = compare_i(word, rules_text(r, r->words[mid]));

		if (c == 0)
			return true;
		if (c < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return false;
}

size_t
rules_platform_count(const struct rules *r)
{
	return r->nplatforms;
}

size_t
rules_kit_count(const struct rules *r)
{
	return r->nkits;
}

size_t
rules_pattern_count(const struct rules *r)
{
	return r->npatterns;
}

static const struct rule_platform *
find_platform(const struct rules *r, const char *id)
{
	size_t at = bytes_hash(span_of(id));

	if (r->nplatforms > ARRAY_LEN(r->ids) / 2) {
		for (size_t i = 0; i < r->nplatforms; i++)
			if (strcmp(rules_text(r, r->platforms[i].id), id) == 0)
				return &r->platforms[i];
		return NULL;
	}
	for (;; at++) {
		uint32_t i = r->ids[at % ARRAY_LEN(r->ids)];

		if (i == RULE_NONE || r->nplatforms == 0)
			return NULL;
		if (strcmp(rules_text(r, r->platforms[i].id), id) == 0)
			return &r->platforms[i];
	}
}

const char *
rules_platform_name(const struct rules *r, const char *id)
{
	const struct rule_platform *p =
	    id == NULL ? NULL : find_platform(r, id);

	return p == NULL ? NULL : rules_text(r, p->name);
}

bool
rules_folds_case(const struct rules *r, const char *id)
{
	const struct rule_platform *p =
	    id == NULL ? NULL : find_platform(r, id);

	return p != NULL && (p->flags & PLATFORM_FOLD) != 0;
}

/* One table: its count, its element size, its bytes. */
static void
put_table(struct buf *out, const void *data, size_t count, size_t size)
{
	buf_put_u32(out, (uint32_t)count);
	buf_put_u32(out, (uint32_t)size);
	if (count > 0)
		buf_add(out, data, count * size);
}

static void *
get_table(struct cursor *in, size_t *count, size_t *cap, size_t size)
{
	size_t n = cursor_u32le(in);
	struct span bytes;
	void *data;

	if (cursor_u32le(in) != size || n > cursor_left(in) / size) {
		in->bad = true;
		return NULL;
	}
	bytes = cursor_take(in, n * size);
	if (in->bad)
		return NULL;
	data = xreallocarray(NULL, n == 0 ? 1 : n, size);
	if (n > 0)
		memcpy(data, bytes.p, n * size);
	*count = n;
	*cap = n;
	return data;
}

/* Every table in the order of the wire. */
#define RULES_TABLES(X)                                                        \
	X(text, ntext)                                                         \
	X(platforms, nplatforms)                                               \
	X(hosts, nhosts)                                                       \
	X(patterns, npatterns)                                                 \
	X(segments, nsegments)                                                 \
	X(parts, nparts)                                                       \
	X(syntaxes, nsyntaxes)                                                 \
	X(words, nwords)                                                       \
	X(names, nnames)                                                       \
	X(kits, nkits)                                                         \
	X(markups, nmarkups)                                                   \
	X(calls, ncalls)                                                       \
	X(services, nservices)                                                 \
	X(file_endings, nfile_endings)                                         \
	X(redirect_keys, nredirect_keys)                                       \
	X(player_words, nplayer_words)                                         \
	X(player_not, nplayer_not)                                             \
	X(share_words, nshare_words)                                           \
	X(share_not, nshare_not)                                               \
	X(share_plain, nshare_plain)                                           \
	X(button_words, nbutton_words)                                         \
	X(button_plain, nbutton_plain)                                         \
	X(call_words, ncall_words)                                             \
	X(around_words, naround_words)                                         \
	X(around_not, naround_not)

/* Read by rules_decode(). */
void
rules_encode(const struct rules *r, struct buf *out)
{
	buf_put_u32(out, RULES_MAGIC);
#define X(table, count) put_table(out, r->table, r->count, sizeof(*r->table));
	RULES_TABLES(X)
#undef X
}

static bool
range(size_t first, size_t count, size_t all)
{
	return first <= all && count <= all - first;
}

static bool
maybe(uint32_t index, size_t all)
{
	return index == RULE_NONE || index < all;
}

static bool
check_patterns(const struct rules *r)
{
	for (size_t i = 0; i < r->npatterns; i++) {
		const struct rule_pattern *p = &r->patterns[i];

		if (p->platform >= r->nplatforms || p->host >= r->nhosts ||
		    p->kind >= SIGHTING_KIND_COUNT ||
		    !range(p->labels, p->nlabels, r->nsegments) ||
		    !range(p->path, p->npath, r->nsegments) ||
		    !range(p->query, p->nquery, r->nsegments) ||
		    !range(p->fragment, p->nfragment, r->nsegments) ||
		    !range(p->fragment_query, p->nfragment_query,
			r->nsegments) ||
		    !maybe(p->name, r->nsegments) ||
		    !maybe(p->syntax, r->nsyntaxes))
			return false;
	}
	for (size_t i = 0; i < r->nsegments; i++)
		if (!range(r->segments[i].part, r->segments[i].parts,
			r->nparts) ||
		    !maybe(r->segments[i].key, r->ntext))
			return false;
	for (size_t i = 0; i < r->nparts; i++)
		if (!range(r->parts[i].text, r->parts[i].length, r->ntext) ||
		    r->parts[i].slot >= SLOT_COUNT ||
		    r->parts[i].type >= TYPE_COUNT)
			return false;
	return true;
}

static bool
check_hosts(const struct rules *r)
{
	for (size_t i = 0; i < r->nhosts; i++)
		if (!maybe(r->hosts[i].platform, r->nplatforms) ||
		    !range(r->hosts[i].first, r->hosts[i].count, r->npatterns))
			return false;
	for (size_t i = 0; i < r->nplatforms; i++)
		if (!range(r->platforms[i].reserved, r->platforms[i].nreserved,
			r->nwords) ||
		    !range(r->platforms[i].subdomains,
			r->platforms[i].nsubdomains, r->nwords))
			return false;
	for (size_t i = 0; i < r->nnames; i++)
		if (r->names[i].platform >= r->nplatforms)
			return false;
	return true;
}

static bool
check_result(const struct rules *r, const struct rule_result *f)
{
	return f->kind < SIGHTING_KIND_COUNT &&
	    maybe(f->platform, r->nplatforms);
}

static bool
check_kits(const struct rules *r)
{
	for (size_t i = 0; i < r->nkits; i++)
		if (!range(r->kits[i].service, r->kits[i].nservices,
			r->nservices) ||
		    !range(r->kits[i].host, r->kits[i].nhosts, r->nwords))
			return false;
	for (size_t i = 0; i < r->nmarkups; i++)
		if (r->markups[i].kit >= r->nkits ||
		    !maybe(r->markups[i].inside, r->nplatforms) ||
		    !check_result(r, &r->markups[i].found))
			return false;
	for (size_t i = 0; i < r->ncalls; i++)
		if (r->calls[i].kit >= r->nkits ||
		    rules_span(r, r->calls[i].name).n < CALL_NAME_MIN ||
		    !check_result(r, &r->calls[i].found) ||
		    (r->calls[i].found.platform == RULE_NONE &&
			r->calls[i].found.url == RULE_NONE))
			return false;
	for (size_t i = 0; i < r->nservices; i++)
		if (!maybe(r->services[i].platform, r->nplatforms))
			return false;
	return r->ntext > 0 && r->text[r->ntext - 1] == '\0';
}

/* Reader of rules_encode().  Text offsets need no check of their own:
 * rules_text() makes it, and the last byte of the text is a NUL. */
struct rules *
rules_decode(struct span bytes)
{
	struct rules *r = xcalloc(1, sizeof(*r));
	struct cursor in;

	cursor_init(&in, bytes.p, bytes.n);
	if (cursor_u32le(&in) != RULES_MAGIC)
		in.bad = true;
#define X(table, count)                                                        \
	if (!in.bad)                                                           \
		r->table = get_table(&in, &r->count, &r->table##_cap,          \
		    sizeof(*r->table));
	RULES_TABLES(X)
#undef X
	if (!cursor_done(&in) || !check_kits(r) || !check_hosts(r) ||
	    !check_patterns(r)) {
		rules_free(r);
		return NULL;
	}
	rules_index(r);
	r->id = bytes_hash(bytes);
	return r;
}

uint64_t
rules_id(const struct rules *r)
{
	return r->id;
}
