/* platforms.yaml into compiled rules. */

#include <stdlib.h>
#include <string.h>

#include "document.h"
#include "limit.h"
#include "rules_loader.h"
#include "schema.h"
#include "url.h"

/* Complains about keys that are not in the NULL-terminated list. */
void
loader_check_keys(struct loader *l, const struct doc_node *map,
    const char *const *known)
{
	if (map->kind != DOC_MAP) {
		doc_complain(map, l->errors, "must be a map");
		return;
	}
	for (const struct doc_node *n = map->first; n != NULL; n = n->next) {
		size_t i = 0;

		while (known[i] != NULL && strcmp(known[i], n->key) != 0)
			i++;
		if (known[i] == NULL)
			config_errors_add(l->errors, n->file, n->key_line,
			    n->key_column, "unknown key '%s'", n->key);
	}
}

/* Children of a map or list that must be one; NULL after a complaint, or when
 * there is none. */
const struct doc_node *
loader_children(struct loader *l, const struct doc_node *n, enum doc_kind kind)
{
	if (n == NULL || doc_null(n))
		return NULL;
	if (n->kind != kind) {
		doc_complain(n, l->errors,
		    kind == DOC_MAP ? "must be a map" : "must be a list");
		return NULL;
	}
	return n->first;
}

static uint32_t
add_word(struct rules *r, struct span s)
{
	r->words =
	    xgrow(r->words, &r->words_cap, r->nwords + 1, sizeof(*r->words));
	r->words[r->nwords] = rules_add_text(r, s);
	return (uint32_t)r->nwords++;
}

/* Adds a list of texts to the run of words that the last words are. */
static void
more_words(struct loader *l, const struct doc_node *list, uint32_t *count)
{
	for (const struct doc_node *n = loader_children(l, list, DOC_LIST);
	     n != NULL; n = n->next) {
		if (n->kind != DOC_SCALAR) {
			doc_complain(n, l->errors, "must be a word");
			continue;
		}
		add_word(l->r, span_of(n->text));
		(*count)++;
	}
}

void
loader_add_words(struct loader *l, const struct doc_node *list, uint32_t *first,
    uint32_t *count)
{
	*first = (uint32_t)l->r->nwords;
	*count = 0;
	more_words(l, list, count);
}

static int
compare_words(const void *a, const void *b, void *arg)
{
	const struct rules *r = arg;
	const uint32_t *x = a, *y = b;

	return strcasecmp(rules_text(r, *x), rules_text(r, *y));
}

/* One list, or two, as one sorted run. */
void
loader_add_sorted(struct loader *l, const struct doc_node *list,
    const struct doc_node *more, uint32_t *first, uint32_t *count)
{
	loader_add_words(l, list, first, count);
	more_words(l, more, count);
	if (*count > 0)
		qsort_r(l->r->words + *first, *count, sizeof(*l->r->words),
		    compare_words, l->r);
}

static int
compare_names(const void *a, const void *b, void *arg)
{
	const struct rules *r = arg;
	const struct rule_word *x = a, *y = b;

	return strcasecmp(rules_text(r, x->word), rules_text(r, y->word));
}

void
loader_add_hosts(struct loader *l, const struct doc_node *list,
    uint32_t platform, unsigned flags)
{
	for (const struct doc_node *n = loader_children(l, list, DOC_LIST);
	     n != NULL; n = n->next) {
		if (n->kind != DOC_SCALAR || n->text[0] == '\0' ||
		    strlen(n->text) > HOST_MAX_LEN) {
			doc_complain(n, l->errors, "must be a host name");
			continue;
		}
		rules_add_host(l->r, span_of(n->text), platform, flags);
	}
}

void
loader_add_test(struct loader *l, const struct doc_node *at, const char *url,
    const char *platform, enum sighting_kind kind, const char *name)
{
	struct rules *r = l->r;

	r->tests =
	    xgrow(r->tests, &r->tests_cap, r->ntests + 1, sizeof(*r->tests));
	r->tests[r->ntests++] = (struct rule_test){
	    .url = xstrdup(url),
	    .platform = xstrdup(platform),
	    .name = xstrdup(name),
	    .kind = kind,
	    .nothing = platform == NULL,
	    .line = at->line,
	    .column = at->column,
	};
}

/* "share weibo", "channel line somebody" of markup; nothing when NULL. */
static void
add_page_test(struct loader *l, const struct doc_node *at, const char *gives)
{
	struct span rest = span_of(gives), word;
	struct rule_test *t;

	loader_add_test(l, at, NULL, NULL, SIGHTING_KIND_COUNT, NULL);
	t = &l->r->tests[l->r->ntests - 1];
	t->html = xstrdup(at->text);
	if (gives == NULL)
		return;
	t->nothing = false;
	word = span_token(&rest, ' ');
	t->kind = sighting_kind_from_name(word);
	word = rest.p == NULL ? SPAN_NULL : span_token(&rest, ' ');
	t->platform = word.p == NULL ? NULL : span_dup(word);
	t->name = rest.p == NULL ? NULL : span_dup(rest);
	if (t->kind == SIGHTING_KIND_COUNT || t->platform == NULL)
		doc_complain(at, l->errors,
		    "'gives' must be a kind and a platform");
}

void
loader_page_test(struct loader *l, const struct doc_node *n, const char *what)
{
	const struct doc_node *test = doc_get(n, "test");

	if (test == NULL || test->kind != DOC_SCALAR)
		doc_complain(n, l->errors, "%s needs a 'test'", what);
	else
		add_page_test(l, test, text_at(n, "gives"));
}

static void
add_list(struct loader *l, const struct doc_node *list, uint32_t **words,
    size_t *count, size_t *cap, size_t shortest)
{
	for (const struct doc_node *n = loader_children(l, list, DOC_LIST);
	     n != NULL; n = n->next) {
		if (n->kind != DOC_SCALAR)
			continue;
		if (strlen(n->text) < shortest)
			doc_complain(n, l->errors,
			    "a word of this list has %zu letters or more",
			    shortest);
		*words = xgrow(*words, cap, *count + 1, sizeof(**words));
		(*words)[(*count)++] = rules_add_text(l->r, span_of(n->text));
	}
}

static void
add_extra_test(struct loader *l, const struct doc_node *n)
{
	static const char *const known[] = {"url", "html", "nothing",
	    "platform", "kind", "name", "gives", NULL};
	enum sighting_kind kind = SIGHTING_KIND_COUNT;
	const char *kind_text = text_at(n, "kind");

	loader_check_keys(l, n, known);
	if (text_at(n, "html") != NULL) {
		if ((text_at(n, "gives") == NULL) == !true_at(n, "nothing"))
			doc_complain(n, l->errors,
			    "a test of 'html' needs 'gives' or 'nothing: "
			    "true'");
		else
			add_page_test(l, doc_get(n, "html"),
			    text_at(n, "gives"));
		return;
	}
	if (text_at(n, "url") == NULL) {
		doc_complain(n, l->errors, "a test needs 'url' or 'html'");
		return;
	}
	if (true_at(n, "nothing")) {
		loader_add_test(l, n, text_at(n, "url"), NULL, kind, NULL);
		return;
	}
	if (kind_text != NULL)
		kind = sighting_kind_from_name(span_of(kind_text));
	if (kind == SIGHTING_KIND_COUNT || text_at(n, "platform") == NULL) {
		doc_complain(n, l->errors,
		    "a test needs 'platform' and 'kind', or 'nothing: true'");
		return;
	}
	loader_add_test(l, n, text_at(n, "url"), text_at(n, "platform"), kind,
	    text_at(n, "name"));
}

static void
read_all(struct loader *l, const struct doc_node *root)
{
	static const char *const known[] = {"version", "platforms", "kits",
	    "file_endings", "redirect_keys", "player_words", "player_not",
	    "share_words", "share_not", "share_plain", "button_words",
	    "button_plain", "call_words", "around_words", "around_not",
	    "reserved", "subdomains", "tests", NULL};
	const struct doc_node *platforms = doc_get(root, "platforms");
	const struct doc_node *kits = doc_get(root, "kits");
	const struct doc_node *tests = doc_get(root, "tests");
	struct rules *r = l->r;

	loader_check_keys(l, root, known);
	l->reserved = doc_get(root, "reserved");
	l->subdomains = doc_get(root, "subdomains");
	if (platforms == NULL)
		doc_complain(root, l->errors, "'platforms' is missing");
	for (const struct doc_node *n = loader_children(l, platforms, DOC_LIST);
	     n != NULL; n = n->next)
		loader_add_platform(l, n);
	for (const struct doc_node *n = loader_children(l, kits, DOC_LIST);
	     n != NULL; n = n->next)
		loader_add_kit(l, n);
#define LIST_OF(name, shortest)                                                \
	add_list(l, doc_get(root, #name), &r->name, &r->n##name,               \
	    &r->name##_cap, shortest)
#define LIST(name)	LIST_OF(name, 1)
#define LIST_LONG(name) LIST_OF(name, 3) /* looked for by how they begin */
	LIST(file_endings);
	LIST(redirect_keys);
	LIST(player_words);
	LIST(player_not);
	LIST_LONG(share_words);
	LIST_LONG(share_not);
	LIST(share_plain);
	LIST_LONG(button_words);
	LIST(button_plain);
	LIST(call_words);
	LIST_LONG(around_words);
	LIST_LONG(around_not);
#undef LIST_LONG
#undef LIST
#undef LIST_OF
	for (const struct doc_node *n = loader_children(l, tests, DOC_LIST);
	     n != NULL; n = n->next)
		add_extra_test(l, n);
	if (r->nnames > 0)
		qsort_r(r->names, r->nnames, sizeof(*r->names), compare_names,
		    r);
}

static struct rules *
build_rules(struct doc *doc, const char *name, struct config_errors *errors)
{
	struct loader l = {.r = xcalloc(1, sizeof(*l.r)), .errors = errors};
	size_t before = errors->count;

	rules_add_text(l.r, SPAN_NULL);
	l.r->file = xstrdup(name);
	read_all(&l, doc_root(doc));
	if (errors->count > before) {
		rules_free(l.r);
		return NULL;
	}
	rules_digest(l.r, doc_root(doc));
	rules_sort(l.r);
	rules_index(l.r);
	return l.r;
}

struct rules *
rules_load(const char *path, struct config_errors *errors)
{
	struct doc *doc = doc_read(path, errors);
	struct rules *r = doc == NULL ? NULL : build_rules(doc, path, errors);

	doc_free(doc);
	return r;
}

struct rules *
rules_parse(struct span yaml, const char *name, struct config_errors *errors)
{
	struct doc *doc = doc_parse(name, yaml, errors);
	struct rules *r = doc == NULL ? NULL : build_rules(doc, name, errors);

	doc_free(doc);
	return r;
}
