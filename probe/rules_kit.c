/* Share kits of platforms.yaml: their scripts, services, markup and calls. */
#include <stdlib.h>
#include <string.h>

#include "document.h"
#include "rules_loader.h"
#include "schema.h"

static uint32_t
platform_index(const struct rules *r, const char *id)
{
	for (size_t i = 0; i < r->nplatforms; i++)
		if (strcmp(rules_text(r, r->platforms[i].id), id) == 0)
			return (uint32_t)i;
	return RULE_NONE;
}

/* A reference to a platform that must be there; null is none. */
static uint32_t
platform_named(struct loader *l, const struct doc_node *n)
{
	uint32_t at;

	if (n == NULL || doc_null(n) || n->kind != DOC_SCALAR)
		return RULE_NONE;
	at = platform_index(l->r, n->text);
	if (at == RULE_NONE)
		doc_complain(n, l->errors, "no platform '%s'", n->text);
	return at;
}

static uint32_t
optional_text(struct rules *r, const char *t)
{
	return t == NULL ? RULE_NONE : rules_add_text(r, span_of(t));
}

/* "when: {NAME: VALUE}": one attribute, or key of an argument. */
static void
add_condition(struct loader *l, const struct doc_node *n, uint32_t *when,
    uint32_t *is)
{
	const struct doc_node *map = doc_get(n, "when");
	const struct doc_node *one = loader_children(l, map, DOC_MAP);

	*when = *is = RULE_NONE;
	if (map == NULL)
		return;
	if (one == NULL || one->next != NULL || one->kind != DOC_SCALAR) {
		doc_complain(map, l->errors, "'when' needs one name and value");
		return;
	}
	*when = rules_add_text(l->r, span_of(one->key));
	*is = rules_add_text(l->r, span_of(one->text));
}

/* What is found: a kind, and a platform or an address that tells it. */
static void
add_result(struct loader *l, const struct doc_node *n, struct rule_result *f)
{
	const char *kind = text_at(n, "kind"), *url = text_at(n, "url");

	f->platform = platform_named(l, doc_get(n, "platform"));
	f->url = optional_text(l->r, url);
	f->kind = url != NULL ? SIGHTING_CHANNEL : SIGHTING_SHARE;
	if (kind != NULL)
		f->kind = sighting_kind_from_name(span_of(kind));
	if (f->kind >= SIGHTING_KIND_COUNT)
		doc_complain(n, l->errors, "'%s' is no kind of sighting", kind);
	if (url != NULL &&
	    (f->platform != RULE_NONE || strstr(url, "{account}") == NULL))
		doc_complain(n, l->errors,
		    "'url' has an {account}, and no 'platform' beside it");
}

static void
add_markup(struct loader *l, const struct doc_node *n, uint32_t kit)
{
	static const char *const known[] = {"class", "attr", "value", "tag",
	    "with", "when", "platform", "url", "kind", "account", "inside",
	    "test", "gives", "from", "unverified", NULL};
	struct rules *r = l->r;
	bool by_class = text_at(n, "class") != NULL;
	const char *pattern = text_at(n, by_class ? "class" : "value");
	struct span text = span_of(pattern == NULL ? "{service}" : pattern);
	size_t slot = span_search(text, "{service}");
	struct rule_markup m = {.kit = kit};

	loader_check_keys(l, n, known);
	m.attribute =
	    by_class ? RULE_NONE : optional_text(r, text_at(n, "attr"));
	m.tag = optional_text(r, text_at(n, "tag"));
	m.with = optional_text(r, text_at(n, "with"));
	m.account = optional_text(r, text_at(n, "account"));
	m.has_code = slot < text.n;
	m.before = rules_add_text(r, span_slice(text, 0, slot));
	m.after = rules_add_text(r, span_slice(text, slot + 9, text.n));
	add_condition(l, n, &m.when, &m.is);
	add_result(l, n, &m.found);
	m.inside = platform_named(l, doc_get(n, "inside"));
	if (m.inside != RULE_NONE && !by_class && m.attribute == RULE_NONE)
		doc_complain(n, l->errors, "'inside' needs 'class' or 'attr'");
	if (m.found.url != RULE_NONE && m.account == RULE_NONE &&
	    m.attribute == RULE_NONE)
		doc_complain(n, l->errors,
		    "'url' needs 'account' or 'attr', whose value is put into "
		    "it");
	if (!by_class && m.attribute == RULE_NONE && m.tag == RULE_NONE) {
		doc_complain(n, l->errors, "needs 'class', 'attr' or 'tag'");
		return;
	}
	r->markups = xgrow(r->markups, &r->markups_cap, r->nmarkups + 1,
	    sizeof(*r->markups));
	r->markups[r->nmarkups++] = m;
	loader_page_test(l, n, "markup of a kit");
}

static void
add_call(struct loader *l, const struct doc_node *n, uint32_t kit)
{
	static const char *const known[] = {"call", "arg", "key", "when",
	    "platform", "url", "kind", "test", "gives", "from", "unverified",
	    NULL};
	struct rules *r = l->r;
	const char *arg = text_at(n, "arg");
	struct rule_call c = {.kit = kit};

	loader_check_keys(l, n, known);
	c.name = optional_text(r, text_at(n, "call"));
	c.key = optional_text(r, text_at(n, "key"));
	add_condition(l, n, &c.when, &c.is);
	add_result(l, n, &c.found);
	if (arg != NULL && arg[0] >= '1' && arg[0] <= '9' && arg[1] == '\0')
		c.argument = (uint32_t)(arg[0] - '0');
	else if (arg != NULL)
		doc_complain(n, l->errors, "'arg' is a number from 1 to 9");
	if (rules_span(r, c.name).n < CALL_NAME_MIN)
		doc_complain(n, l->errors,
		    "'call' is a name of %d characters at least",
		    CALL_NAME_MIN);
	if ((c.found.url != RULE_NONE) !=
	    (c.argument != 0 || c.key != RULE_NONE))
		doc_complain(n, l->errors,
		    "'url' and what is put into it, 'arg' or 'key', stand "
		    "together");
	if (c.found.platform == RULE_NONE && c.found.url == RULE_NONE)
		doc_complain(n, l->errors, "a call needs 'platform' or 'url'");
	r->calls =
	    xgrow(r->calls, &r->calls_cap, r->ncalls + 1, sizeof(*r->calls));
	r->calls[r->ncalls++] = c;
	loader_page_test(l, n, "a call of a kit");
}

void
loader_add_kit(struct loader *l, const struct doc_node *n)
{
	static const char *const known[] = {"id", "name", "scripts", "markup",
	    "calls", "services", "from", "unverified", "test", "gives", NULL};
	struct rules *r = l->r;
	struct rule_kit k = {0};
	const struct doc_node *services = doc_get(n, "services");
	const struct doc_node *markup = doc_get(n, "markup");
	const struct doc_node *calls = doc_get(n, "calls");

	loader_check_keys(l, n, known);
	if (text_at(n, "id") == NULL || text_at(n, "name") == NULL) {
		doc_complain(n, l->errors, "a kit needs 'id' and 'name'");
		return;
	}
	k.id = rules_add_text(r, span_of(text_at(n, "id")));
	k.name = rules_add_text(r, span_of(text_at(n, "name")));
	loader_add_words(l, doc_get(n, "scripts"), &k.host, &k.nhosts);
	for (uint32_t i = 0; i < k.nhosts; i++) {
		struct span host = rules_span(r, r->words[k.host + i]);
		char *name =
		    span_dup(span_slice(host, 0, span_find(host, '/')));

		rules_add_host(r, span_of(name), RULE_NONE, HOST_KIT);
		free(name);
	}
	k.service = (uint32_t)r->nservices;
	for (const struct doc_node *s = loader_children(l, services, DOC_MAP);
	     s != NULL; s = s->next) {
		r->services = xgrow(r->services, &r->services_cap,
		    r->nservices + 1, sizeof(*r->services));
		r->services[r->nservices].code =
		    rules_add_text(r, span_of(s->key));
		r->services[r->nservices].platform = platform_named(l, s);
		r->nservices++;
	}
	k.nservices = (uint32_t)r->nservices - k.service;
	r->kits = xgrow(r->kits, &r->kits_cap, r->nkits + 1, sizeof(*r->kits));
	r->kits[r->nkits++] = k;
	for (const struct doc_node *m = loader_children(l, markup, DOC_LIST);
	     m != NULL; m = m->next)
		add_markup(l, m, (uint32_t)r->nkits - 1);
	for (const struct doc_node *c = loader_children(l, calls, DOC_LIST);
	     c != NULL; c = c->next)
		add_call(l, c, (uint32_t)r->nkits - 1);
	if (calls != NULL && k.nhosts == 0)
		doc_complain(calls, l->errors,
		    "calls are looked for where a script of the kit is: it "
		    "needs 'scripts'");
	if ((markup == NULL && calls == NULL) || doc_get(n, "test") != NULL)
		loader_page_test(l, n, "a kit without markup");
}
