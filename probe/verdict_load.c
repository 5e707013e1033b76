/* conf/verdicts.yaml to rules, and the rules against their own test lines. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "config_check.h"
#include "limit.h"
#include "schema.h"
#include "verdict_rule.h"

#define NUMBER(k, type, member, hi)                                            \
	{                                                                      \
		.key = k, .kind = FIELD_COUNT,                                 \
		.offset = offsetof(struct type, member), .min = 0, .max = hi   \
	}
#define TEXT(k, type, member)                                                  \
	{                                                                      \
		.key = k, .kind = FIELD_TEXT,                                  \
		.offset = offsetof(struct type, member)                        \
	}
#define LIST(k, type, member, checked_by)                                      \
	{                                                                      \
		.key = k, .kind = FIELD_TEXTS,                                 \
		.offset = offsetof(struct type, member.list),                  \
		.count_offset = offsetof(struct type, member.nlist),           \
		.check = checked_by                                            \
	}
#define MAPS(k, type, member, e)                                               \
	{                                                                      \
		.key = k, .kind = FIELD_MAPS,                                  \
		.offset = offsetof(struct type, member),                       \
		.count_offset = offsetof(struct type, n##member),              \
		.elements = &(e)                                               \
	}
#define SCHEMA(fields)                                                         \
	{                                                                      \
		(fields), ARRAY_LEN(fields)                                    \
	}

static const char *const class_names[] = {"normal", "empty", "bot_wall",
    "block", "parked", "placeholder", "login_wall", "geo", "soft_404",
    "maintenance", NULL};
_Static_assert(ARRAY_LEN(class_names) == PAGE_CLASS_COUNT + 1, "one each");

static const char *
check_header(const char *s)
{
	const char *colon = strchr(s, ':');

	if (colon == NULL || colon == s || colon[1] == '\0')
		return "is not \"name: pattern\"";
	return NULL;
}

static const char *
check_header_line(const char *s)
{
	return check_header(s);
}

/* Title patterns may hold spaces, which other patterns may not. */
static const char *
check_title(const char *s)
{
	size_t stars = 0;

	for (const char *p = s; *p != '\0'; p++)
		stars += *p == '*';
	if (s[0] == '\0' || strcmp(s, "*") == 0)
		return "matches nothing or everything";
	return stars > 8 ? "has more than 8 stars" : NULL;
}

static const char *
check_part(const char *s)
{
	return strlen(s) < 4 ? "is too short to be a sign" : NULL;
}

static const char *
check_host(const char *s)
{
	if (s[0] == '\0' || s[0] == '.' || strchr(s, '.') == NULL ||
	    strpbrk(s, "/:* ") != NULL)
		return "is not a host name";
	return NULL;
}

static const char *
check_address(const char *s)
{
	uint8_t raw[16];

	return inet_pton(AF_INET, s, raw) == 1 ||
		inet_pton(AF_INET6, s, raw) == 1
	    ? NULL
	    : "is not an IP address";
}

static const struct field sample_fields[] = {
    NUMBER("status", verdict_sample, status, 999),
    LIST("header", verdict_sample, headers, check_header_line),
    TEXT("host", verdict_sample, host),
    TEXT("url", verdict_sample, url),
    TEXT("title", verdict_sample, title),
    LIST("text", verdict_sample, text, NULL),
    NUMBER("padding", verdict_sample, padding, 1000000),
    TEXT("body", verdict_sample, body),
    NUMBER("links", verdict_sample, links, 1000000),
};

static void
sample_init(void *p)
{
	struct verdict_sample *s = p;

	s->status = 200;
}

static const struct element_type sample_type = {SCHEMA(sample_fields),
    sizeof(struct verdict_sample), 64, sample_init};

static const struct field rule_fields[] = {
    {.key = "id",
	.kind = FIELD_TEXT,
	.offset = offsetof(struct verdict_rule, id),
	.check = check_id,
	.required = true},
    {.key = "class",
	.kind = FIELD_CHOICE,
	.offset = offsetof(struct verdict_rule, class),
	.choices = class_names,
	.required = true},
    LIST("status", verdict_rule, status, check_glob),
    LIST("header", verdict_rule, header, check_header),
    LIST("host", verdict_rule, host, check_host),
    LIST("url", verdict_rule, url, check_glob),
    LIST("title", verdict_rule, title, check_title),
    LIST("text", verdict_rule, text, check_part),
    LIST("text_also", verdict_rule, text_also, check_part),
    LIST("body", verdict_rule, body, check_part),
    LIST("body_also", verdict_rule, body_also, check_part),
    LIST("body_not", verdict_rule, body_not, check_part),
    NUMBER("max_text", verdict_rule, max_text, VERDICT_TEXT_MAX),
    NUMBER("max_links", verdict_rule, max_links, 100000),
    {.key = "max_body",
	.kind = FIELD_SIZE,
	.offset = offsetof(struct verdict_rule, max_body),
	.min = 0,
	.max = VERDICT_BODY_MAX},
    MAPS("match", verdict_rule, match, sample_type),
    MAPS("no_match", verdict_rule, no_match, sample_type),
};

static void
rule_init(void *p)
{
	struct verdict_rule *r = p;

	r->max_text = 2000;
	r->max_links = 30;
	r->max_body = 256 * KIB;
}

static const struct element_type rule_type = {SCHEMA(rule_fields),
    sizeof(struct verdict_rule), VERDICT_RULES_MAX, rule_init};

static const struct field file_fields[] = {
    LIST("block_hosts", verdict_rules, block_hosts, check_host),
    LIST("forged_addresses", verdict_rules, forged, check_address),
    MAPS("rules", verdict_rules, rules, rule_type),
};
static const struct schema file_schema = SCHEMA(file_fields);

static void
fold_list(struct text_list *l)
{
	for (size_t i = 0; i < l->nlist; i++)
		for (char *p = l->list[i]; *p != '\0'; p++)
			*p = ascii_lower(*p);
}

static void
fold_rule(struct verdict_rule *r)
{
	struct text_list *lists[] = {&r->header, &r->url, &r->title, &r->text,
	    &r->text_also, &r->body, &r->body_also, &r->body_not};

	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		fold_list(lists[i]);
}

static void
fold_addresses(struct text_list *l)
{
	char text[INET6_ADDRSTRLEN];
	uint8_t raw[16];

	for (size_t i = 0; i < l->nlist; i++) {
		int family =
		    strchr(l->list[i], ':') == NULL ? AF_INET : AF_INET6;

		if (inet_pton(family, l->list[i], raw) != 1 ||
		    inet_ntop(family, raw, text, sizeof text) == NULL)
			continue;
		free(l->list[i]);
		l->list[i] = xstrdup(text);
	}
}

static void
note_places(struct verdict_sample *s, size_t n, const struct doc_node *list)
{
	const struct doc_node *node = list == NULL ? NULL : list->first;

	for (size_t i = 0; i < n && node != NULL; i++, node = node->next) {
		s[i].line = node->line;
		s[i].column = node->column;
	}
}

/* A rule without a sign would hold for every short page.  Keys are looked at,
 * not what was read: a faulty entry is not also a missing one. */
static bool
has_sign(const struct verdict_rule *r, const struct doc_node *node)
{
	static const char *const signs[] = {"status", "header", "host", "url",
	    "title", "text", "body"};
	const struct doc_node *n;

	for (size_t i = 0; i < ARRAY_LEN(signs); i++) {
		n = doc_get(node, signs[i]);
		if (n != NULL && n->count > 0)
			return true;
	}
	return r->max_text == 0 || r->max_body == 0;
}

static void
check_rule(struct verdict_rule *r, const struct doc_node *node,
    struct config_errors *errors)
{
	if (!has_sign(r, node))
		doc_complain(node, errors,
		    "the rule has no sign: no status, "
		    "header, host, url, title, text or body");
	if (r->nmatch == 0 || r->nno_match == 0)
		doc_complain(node, errors,
		    "the rule needs a 'match' and a "
		    "'no_match' sample");
	note_places(r->match, r->nmatch, doc_get(node, "match"));
	note_places(r->no_match, r->nno_match, doc_get(node, "no_match"));
	fold_rule(r);
}

static void
check_rules(struct verdict_rules *v, const struct doc_node *list,
    struct config_errors *errors)
{
	const struct doc_node *node = list == NULL ? NULL : list->first;

	for (size_t i = 0; i < v->nrules && node != NULL; i++) {
		check_rule(&v->rules[i], node, errors);
		for (size_t k = 0; k < i; k++)
			if (v->rules[i].id != NULL && v->rules[k].id != NULL &&
			    strcmp(v->rules[i].id, v->rules[k].id) == 0)
				doc_complain(node, errors,
				    "id '%s' is given twice", v->rules[i].id);
		node = node->next;
	}
}

static struct verdict_rules *
from_document(struct doc *d, const char *name, struct config_errors *errors)
{
	struct verdict_rules *v = xcalloc(1, sizeof *v);
	size_t before = errors->count;

	v->file = xstrdup(name);
	schema_read(doc_root(d), &file_schema, v, errors);
	check_rules(v, doc_get(doc_root(d), "rules"), errors);
	fold_list(&v->block_hosts);
	fold_addresses(&v->forged);
	if (errors->count == before)
		return v;
	config_errors_sort(errors);
	verdict_free(v);
	return NULL;
}

static struct verdict_rules *
finish(struct doc *d, const char *name, size_t before,
    struct config_errors *errors)
{
	struct verdict_rules *v = NULL;

	if (d != NULL)
		v = from_document(d, name, errors);
	doc_free(d);
	if (errors->count == before)
		return v;
	verdict_free(v);
	return NULL;
}

struct verdict_rules *
verdict_load(const char *path, struct config_errors *errors)
{
	size_t before = errors->count;

	return finish(doc_read(path, errors), path, before, errors);
}

struct verdict_rules *
verdict_parse(struct span yaml, const char *name, struct config_errors *errors)
{
	size_t before = errors->count;

	return finish(doc_parse(name, yaml, errors), name, before, errors);
}

static char *
sample_headers(const struct verdict_sample *s)
{
	struct buf b = BUF_INIT(HEADER_BYTES_MAX);

	buf_addf(&b, "HTTP/1.1 %u X\r\n", s->status);
	for (size_t i = 0; i < s->headers.nlist; i++)
		buf_addf(&b, "%s\r\n", s->headers.list[i]);
	buf_add_str(&b, "\r\n");
	return buf_detach(&b, NULL);
}

static enum page_class
try_sample(const struct verdict_rules *v, const struct verdict_sample *s,
    const char **rule)
{
	size_t n = s->text.nlist;
	struct text_block *blocks = xcalloc(n + 1, sizeof *blocks);
	char *padding = xmalloc(s->padding + 1);
	char *headers = sample_headers(s);
	struct verdict_input in = {
	    .status = (int)s->status,
	    .headers = span_of(headers),
	    .host = span_of(s->host == NULL ? "site.example" : s->host),
	    .url = span_of(s->url == NULL ? "http://site.example/" : s->url),
	    .title = span_of(s->title),
	    .blocks = blocks,
	    .nblocks = n + (s->padding > 0),
	    .body = span_of(s->body),
	    .nlinks = s->links,
	};
	enum page_class class;

	in.body_length = in.body.n + s->padding;
	for (size_t i = 0; i < n; i++) {
		blocks[i].text = s->text.list[i];
		in.body_length += strlen(blocks[i].text);
	}
	memset(padding, '.', s->padding);
	padding[s->padding] = '\0';
	blocks[n].text = padding;
	class = verdict_page(v, &in, rule);
	free(blocks);
	free(padding);
	free(headers);
	return class;
}

/* A sample must be decided by its rule; one of `no_match` by no rule of the
 * same class: that is the mistake which would matter. */
static void
judge_sample(const struct verdict_rules *v, const struct verdict_rule *r,
    const struct verdict_sample *s, bool must, struct config_errors *errors)
{
	const char *by = NULL;
	enum page_class class = try_sample(v, s, &by);

	if (must && (by == NULL || strcmp(by, r->id) != 0))
		config_errors_add(errors, v->file, s->line, s->column,
		    "rule '%s' does not match its sample (%s%s)", r->id,
		    by == NULL ? "no rule does" : "another does: ",
		    by == NULL ? "" : by);
	if (!must && class == (enum page_class)r->class)
		config_errors_add(errors, v->file, s->line, s->column,
		    "rule '%s' matches what '%s' must not match", by, r->id);
}

bool
verdict_self_test(const struct verdict_rules *v, struct config_errors *errors,
    size_t *run)
{
	size_t before = errors->count;
	size_t n = 0;

	for (size_t i = 0; i < v->nrules; i++) {
		const struct verdict_rule *r = &v->rules[i];

		for (size_t k = 0; k < r->nmatch; k++, n++)
			judge_sample(v, r, &r->match[k], true, errors);
		for (size_t k = 0; k < r->nno_match; k++, n++)
			judge_sample(v, r, &r->no_match[k], false, errors);
	}
	if (run != NULL)
		*run = n;
	return errors->count == before;
}
