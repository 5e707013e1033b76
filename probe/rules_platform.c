/* One platform of platforms.yaml: its hosts, names and patterns. */

#include <stdlib.h>
#include <string.h>

#include "document.h"
#include "limit.h"
#include "rules_loader.h"
#include "schema.h"
#include "url.h"

static const struct kind_key {
	const char *key;
	enum sighting_kind kind;
	unsigned flags;
} kind_keys[] = {
    {"channel", SIGHTING_CHANNEL, 0},
    {"content", SIGHTING_CONTENT, 0},
    {"embed", SIGHTING_EMBED, 0},
    {"share", SIGHTING_SHARE, 0},
    {"feed", SIGHTING_FEED, 0},
    {"other", SIGHTING_OTHER, 0},
    {"script", SIGHTING_OTHER, PATTERN_SCRIPT},
    {"redirect", SIGHTING_OTHER, PATTERN_REDIRECT},
};

/* "A-Za-z0-9_.-": ranges and single characters. */
static void
add_characters(struct rule_syntax *x, const char *chars)
{
	for (size_t i = 0; chars[i] != '\0'; i++) {
		unsigned from = (unsigned char)chars[i], to = from;

		if (chars[i + 1] == '-' && chars[i + 2] != '\0') {
			to = (unsigned char)chars[i + 2];
			i += 2;
		}
		for (unsigned c = from; c <= to && c < 128; c++)
			x->bits[c / 32] |= (uint32_t)1 << (c % 32);
	}
}

static uint16_t
number_at(struct loader *l, const struct doc_node *map, const char *key,
    uint16_t fallback)
{
	const char *t = text_at(map, key);
	uint64_t v;

	if (t == NULL)
		return fallback;
	if (!span_u64(span_of(t), &v) || v > 1024) {
		doc_complain(doc_get(map, key), l->errors,
		    "must be a number up to 1024");
		return fallback;
	}
	return (uint16_t)v;
}

static uint32_t
add_syntax(struct loader *l, const struct doc_node *n)
{
	static const char *const known[] = {"chars", "min", "max", "utf8",
	    "forbid", NULL};
	struct rule_syntax x = {.utf8 = true_at(n, "utf8")};
	struct rules *r = l->r;

	loader_check_keys(l, n, known);
	if (text_at(n, "chars") == NULL)
		doc_complain(n, l->errors, "'chars' is missing");
	else
		add_characters(&x, text_at(n, "chars"));
	x.forbid = rules_add_text(r, span_of(text_at(n, "forbid")));
	x.min = number_at(l, n, "min", 1);
	x.max = number_at(l, n, "max", NAME_MAX_LEN);
	r->syntaxes = xgrow(r->syntaxes, &r->syntaxes_cap, r->nsyntaxes + 1,
	    sizeof(*r->syntaxes));
	r->syntaxes[r->nsyntaxes] = x;
	return (uint32_t)r->nsyntaxes++;
}

/* Syntaxes of one platform by name, while its patterns are read. */
struct syntax_names {
	const struct doc_node *map;
	uint32_t first;
};

static uint32_t
find_syntax(struct loader *l, const struct syntax_names *s,
    const struct doc_node *rule)
{
	const struct doc_node *of = doc_get(rule, "of");
	uint32_t i = 0;

	if (of == NULL)
		return RULE_NONE;
	for (const struct doc_node *n = loader_children(l, s->map, DOC_MAP);
	     n != NULL; n = n->next, i++)
		if (of->kind == DOC_SCALAR && strcmp(n->key, of->text) == 0)
			return s->first + i;
	doc_complain(of, l->errors, "no such syntax on this platform");
	return RULE_NONE;
}

static void
add_one(struct loader *l, const struct doc_node *n, struct pattern_source *src)
{
	const char *reason = NULL;

	if (!rules_add_pattern(l->r, src, &reason))
		doc_complain(n, l->errors, "%s", reason);
}

/* "{instance}/x" stands for one pattern on each of the platform's hosts. */
static void
add_instances(struct loader *l, const struct doc_node *n,
    struct pattern_source *src, const struct doc_node *hosts)
{
	struct span path = span_slice(src->text, 10, src->text.n);

	for (const struct doc_node *h = loader_children(l, hosts, DOC_LIST);
	     h != NULL; h = h->next) {
		char *text;

		if (h->kind != DOC_SCALAR)
			continue;
		text = xasprintf("%s%.*s", h->text, SPAN_ARG(path));

		src->text = span_of(text);
		add_one(l, n, src);
		free(text);
	}
}

/* The pattern or address with another host in its host's place; NULL when it
 * is on no such host, or in the scheme of an application. */
static char *
on_other_host(struct span text, struct span host, struct span other)
{
	size_t scheme = span_search(text, "://"), from = 0, end;

	if (scheme < text.n && !span_starts_i(text, "http"))
		return NULL;
	if (scheme < text.n)
		from = scheme + 3;
	for (end = from; end < text.n && !strchr("/?#:", text.p[end]);)
		end++;
	if (end - from < host.n ||
	    !span_eq_i(span_slice(text, end - host.n, host.n), host) ||
	    (end - host.n > from && text.p[end - host.n - 1] != '.'))
		return NULL;
	return xasprintf("%.*s%.*s%.*s", (int)(end - host.n), text.p,
	    SPAN_ARG(other), SPAN_ARG(span_slice(text, end, text.n)));
}

/* What a rule's test wants. */
struct wanted {
	const char *url;
	const char *platform;
	const char *name; /* NULL: none */
	enum sighting_kind kind;
};

#define SAME_MAX 64

/* A platform's hosts that serve what another one serves. */
struct platform_same {
	const struct doc_node *map;
	uint64_t used; /* a bit for each that some rule is on */
};

/* `same: {other.host: host}`: what stands on the second stands on the first
 * too, by its patterns and by their tests. */
static void
add_same(struct loader *l, const struct doc_node *at,
    struct pattern_source *src, struct platform_same *same,
    const struct wanted *test)
{
	struct span text = src->text;
	char *pattern, *url;
	size_t i = 0;

	for (const struct doc_node *n = loader_children(l, same->map, DOC_MAP);
	     n != NULL && i < SAME_MAX; n = n->next, i++) {
		if (n->kind != DOC_SCALAR)
			continue;
		pattern =
		    on_other_host(text, span_of(n->text), span_of(n->key));
		if (pattern == NULL)
			continue;
		same->used |= (uint64_t)1 << i;
		src->text = span_of(pattern);
		add_one(l, at, src);
		url = on_other_host(span_of(test->url), span_of(n->text),
		    span_of(n->key));
		if (url != NULL)
			loader_add_test(l, at, url, test->platform, test->kind,
			    test->name);
		free(url);
		free(pattern);
	}
}

/* The one kind that a rule has, and its pattern; NULL after a complaint. */
static const struct doc_node *
read_kind(struct loader *l, const struct doc_node *rule,
    struct pattern_source *src)
{
	const struct doc_node *pattern = NULL;

	for (size_t i = 0; i < ARRAY_LEN(kind_keys); i++) {
		const struct doc_node *n = doc_get(rule, kind_keys[i].key);

		if (n == NULL)
			continue;
		if (pattern != NULL)
			doc_complain(n, l->errors, "one kind per rule");
		pattern = n;
		src->kind = kind_keys[i].kind;
		src->flags = kind_keys[i].flags;
	}
	if (pattern != NULL && pattern->kind == DOC_SCALAR)
		return pattern;
	doc_complain(rule, l->errors, "no kind with a pattern");
	return NULL;
}

static void
read_test(const struct doc_node *rule, const struct doc_node *owner,
    enum sighting_kind kind, struct wanted *test)
{
	const char *other = text_at(rule, "gives_kind");

	test->url = text_at(rule, "test");
	test->name = text_at(rule, "gives");
	test->platform = text_at(rule, "gives_platform");
	if (test->platform == NULL)
		test->platform = text_at(owner, "id");
	test->kind =
	    other == NULL ? kind : sighting_kind_from_name(span_of(other));
}

static void
add_url(struct loader *l, const struct doc_node *rule, uint32_t platform,
    const struct syntax_names *syntaxes, const struct doc_node *owner,
    struct platform_same *same)
{
	static const char *const known[] = {"channel", "content", "embed",
	    "share", "feed", "other", "script", "redirect", "as", "of", "low",
	    "test", "gives", "gives_kind", "gives_platform", "from",
	    "unverified", "exact", NULL};
	struct pattern_source src = {.platform = platform};
	const struct doc_node *pattern;
	struct wanted test;

	loader_check_keys(l, rule, known);
	if ((pattern = read_kind(l, rule, &src)) == NULL)
		return;
	src.text = span_of(pattern->text);
	src.name = span_of(text_at(rule, "as"));
	src.syntax = find_syntax(l, syntaxes, rule);
	src.flags |= true_at(rule, "low") ? PATTERN_LOW : 0u;
	src.flags |= true_at(rule, "exact") ? PATTERN_EXACT : 0u;
	src.flags |= true_at(rule, "unverified") ? PATTERN_UNVERIFIED : 0u;
	if (span_starts(src.text, "{instance}"))
		add_instances(l, pattern, &src, doc_get(owner, "hosts"));
	else
		add_one(l, pattern, &src);
	read_test(rule, owner, src.kind, &test);
	if (test.url == NULL) {
		doc_complain(rule, l->errors, "a rule needs a 'test'");
		return;
	}
	loader_add_test(l, doc_get(rule, "test"), test.url, test.platform,
	    test.kind, test.name);
	src.text = span_of(pattern->text);
	add_same(l, pattern, &src, same, &test);
}

/* A host that no rule is on would do nothing, unseen. */
static void
check_same(struct loader *l, const struct platform_same *same)
{
	size_t i = 0;

	for (const struct doc_node *n = loader_children(l, same->map, DOC_MAP);
	     n != NULL; n = n->next, i++)
		if (i >= SAME_MAX || (same->used >> i & 1) == 0)
			doc_complain(n, l->errors,
			    "no rule of the platform is on this host");
}

static void
add_platform_words(struct loader *l, const struct doc_node *list,
    uint32_t platform)
{
	struct rules *r = l->r;

	for (const struct doc_node *n = loader_children(l, list, DOC_LIST);
	     n != NULL; n = n->next) {
		if (n->kind != DOC_SCALAR)
			continue;
		r->names = xgrow(r->names, &r->names_cap, r->nnames + 1,
		    sizeof(*r->names));
		r->names[r->nnames].platform = platform;
		r->names[r->nnames].word = rules_add_text(r, span_of(n->text));
		r->nnames++;
	}
}

void
loader_add_platform(struct loader *l, const struct doc_node *n)
{
	static const char *const known[] = {"id", "name", "kind", "country",
	    "hosts", "assets", "short", "embeds", "redirects", "api", "mirrors",
	    "mirror", "closed", "fold", "player", "words", "reserved",
	    "subdomains", "syntax", "urls", "same", NULL};
	static const char *const own[] = {"hosts", "short", "embeds",
	    "redirects", "api", "mirror"};
	struct rules *r = l->r;
	struct rule_platform p = {0};
	struct syntax_names syntaxes = {doc_get(n, "syntax"),
	    (uint32_t)r->nsyntaxes};
	struct platform_same same = {.map = doc_get(n, "same")};
	uint32_t at = (uint32_t)r->nplatforms;
	const struct doc_node *urls = doc_get(n, "urls");

	loader_check_keys(l, n, known);
	if (text_at(n, "id") == NULL || text_at(n, "name") == NULL) {
		doc_complain(n, l->errors, "a platform needs 'id' and 'name'");
		return;
	}
	for (size_t i = 0; i < r->nplatforms; i++)
		if (strcmp(rules_text(r, r->platforms[i].id),
			text_at(n, "id")) == 0)
			doc_complain(doc_get(n, "id"), l->errors,
			    "this id is there twice");
	p.id = rules_add_text(r, span_of(text_at(n, "id")));
	p.name = rules_add_text(r, span_of(text_at(n, "name")));
	p.flags = (true_at(n, "fold") ? PLATFORM_FOLD : 0u) |
	    (true_at(n, "player") ? PLATFORM_PLAYER : 0u);
	loader_add_sorted(l, doc_get(n, "reserved"), l->reserved, &p.reserved,
	    &p.nreserved);
	loader_add_sorted(l, doc_get(n, "subdomains"), l->subdomains,
	    &p.subdomains, &p.nsubdomains);
	r->platforms = xgrow(r->platforms, &r->platforms_cap, r->nplatforms + 1,
	    sizeof(*r->platforms));
	r->platforms[r->nplatforms++] = p;
	add_platform_words(l, doc_get(n, "words"), at);
	for (size_t i = 0; i < ARRAY_LEN(own); i++)
		loader_add_hosts(l, doc_get(n, own[i]), at,
		    HOST_PLATFORM |
			(strcmp(own[i], "short") == 0 ? HOST_SHORT : 0u));
	loader_add_hosts(l, doc_get(n, "assets"), at, HOST_ASSET);
	for (const struct doc_node *s =
		 loader_children(l, syntaxes.map, DOC_MAP);
	     s != NULL; s = s->next)
		add_syntax(l, s);
	for (const struct doc_node *u = loader_children(l, urls, DOC_LIST);
	     u != NULL; u = u->next)
		add_url(l, u, at, &syntaxes, n, &same);
	check_same(l, &same);
}
