#include "verdict.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "limit.h"
#include "observation.h"
#include "verdict_rule.h"
#include "wire.h"

static void
list_free(struct text_list *l)
{
	for (size_t i = 0; i < l->nlist; i++)
		free(l->list[i]);
	free(l->list);
}

static void
samples_free(struct verdict_sample *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		list_free(&s[i].headers);
		list_free(&s[i].text);
		free(s[i].host);
		free(s[i].url);
		free(s[i].title);
		free(s[i].body);
	}
	free(s);
}

static void
rule_release(struct verdict_rule *r)
{
	struct text_list *lists[] = {&r->status, &r->header, &r->host, &r->url,
	    &r->title, &r->text, &r->text_also, &r->body, &r->body_also,
	    &r->body_not};

	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		list_free(lists[i]);
	free(r->id);
	samples_free(r->match, r->nmatch);
	samples_free(r->no_match, r->nno_match);
}

void
verdict_free(struct verdict_rules *v)
{
	if (v == NULL)
		return;
	list_free(&v->block_hosts);
	list_free(&v->forged);
	for (size_t i = 0; i < v->nrules; i++)
		rule_release(&v->rules[i]);
	free(v->rules);
	free(v->file);
	free(v);
}

static void
wire_list(struct wire *w, struct text_list *l)
{
	wire_texts(w, &l->list, &l->nlist, CONFIG_LIST_MAX, CONFIG_TEXT_MAX);
}

static void
wire_rule(struct wire *w, struct verdict_rule *r)
{
	struct text_list *lists[] = {&r->status, &r->header, &r->host, &r->url,
	    &r->title, &r->text, &r->text_also, &r->body, &r->body_also,
	    &r->body_not};

	wire_text(w, &r->id, CONFIG_TEXT_MAX);
	wire_need(w, r->id);
	wire_number(w, &r->class);
	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		wire_list(w, lists[i]);
	wire_number(w, &r->max_text);
	wire_number(w, &r->max_links);
	wire_amount(w, &r->max_body);
	if (w->in != NULL &&
	    (r->class >= PAGE_CLASS_COUNT || r->max_text > VERDICT_TEXT_MAX ||
		r->max_body < 0 || r->max_body > VERDICT_BODY_MAX))
		w->in->bad = true;
}

static void
wire_rules(struct wire *w, struct verdict_rules *v)
{
	wire_list(w, &v->block_hosts);
	wire_list(w, &v->forged);
	v->rules = wire_array(w, &v->nrules, v->rules, VERDICT_RULES_MAX, 64,
	    sizeof *v->rules);
	for (size_t i = 0; i < v->nrules; i++)
		wire_rule(w, &v->rules[i]);
}

void
verdict_encode(const struct verdict_rules *v, struct buf *out)
{
	struct wire w = {.out = out};
	struct verdict_rules copy = *v;

	wire_rules(&w, &copy);
}

struct verdict_rules *
verdict_decode(struct span bytes)
{
	struct cursor in;
	struct wire w = {.in = &in};
	struct verdict_rules *v = xcalloc(1, sizeof *v);

	cursor_init(&in, bytes.p, bytes.n);
	wire_rules(&w, v);
	if (cursor_done(&in))
		return v;
	verdict_free(v);
	return NULL;
}

size_t
verdict_rule_count(const struct verdict_rules *v)
{
	return v->nrules;
}

/* One page made ready for all rules.  What most pages need for no rule is
 * folded when the first rule asks for it. */
struct prepared {
	const struct verdict_input *in;
	char status[12];
	size_t text_bytes; /* visible; counted to beyond VERDICT_TEXT_MAX */
	struct buf title;
	struct buf url;
	struct buf text; /* visible text, one block a line */
	struct buf body;
	bool text_ready;
	bool body_ready;
};

static void
fold_into(struct buf *out, struct span s)
{
	char *at = buf_reserve(out, s.n);

	if (at == NULL)
		return;
	for (size_t i = 0; i < s.n; i++)
		at[i] = ascii_lower(s.p[i]);
	out->len += s.n;
	out->data[out->len] = '\0';
}

/* A text over its maximum is not counted to its end: every bound is below it,
 * so that no rule can apply to it. */
static size_t
text_bytes(const struct verdict_input *in)
{
	size_t n = 0;

	for (size_t i = 0; i < in->nblocks && n <= VERDICT_TEXT_MAX; i++)
		n += strlen(in->blocks[i].text);
	return n;
}

static void
prepare(struct prepared *p, const struct verdict_input *in)
{
	p->in = in;
	p->text_bytes = text_bytes(in);
	p->text_ready = p->body_ready = false;
	snprintf(p->status, sizeof p->status, "%d", in->status);
	buf_init(&p->text, 2 * VERDICT_TEXT_MAX);
	buf_init(&p->body, VERDICT_BODY_MAX);
	buf_init(&p->title, TITLE_MAX + 1);
	buf_init(&p->url, URL_MAX_LEN);
	fold_into(&p->title, span_slice(in->title, 0, TITLE_MAX));
	fold_into(&p->url, span_slice(in->url, 0, URL_MAX_LEN));
}

/* Asked for by a rule within whose bounds the page is: it is not too long. */
static const struct buf *
folded_text(struct prepared *p)
{
	struct span text;

	for (size_t i = 0; i < p->in->nblocks && !p->text_ready; i++) {
		text = span_of(p->in->blocks[i].text);
		if (text.n == 0)
			continue;
		fold_into(&p->text, text);
		buf_add_char(&p->text, '\n');
	}
	p->text_ready = true;
	return &p->text;
}

static const struct buf *
folded_body(struct prepared *p)
{
	if (!p->body_ready)
		fold_into(&p->body, p->in->body);
	p->body_ready = true;
	return &p->body;
}

static void
prepared_release(struct prepared *p)
{
	buf_release(&p->text);
	buf_release(&p->body);
	buf_release(&p->title);
	buf_release(&p->url);
}

static bool
any_glob(const struct text_list *l, const char *text)
{
	for (size_t i = 0; i < l->nlist; i++)
		if (glob_match(l->list[i], text))
			return true;
	return false;
}

static bool
any_part(const struct text_list *l, const struct buf *text)
{
	for (size_t i = 0; i < l->nlist; i++)
		if (memmem(buf_str(text), text->len, l->list[i],
			strlen(l->list[i])) != NULL)
			return true;
	return false;
}

static bool
under_host(const struct text_list *l, struct span host)
{
	size_t n;

	if (span_ends_i(host, "."))
		host.n--;
	for (size_t i = 0; i < l->nlist; i++) {
		n = strlen(l->list[i]);
		if (!span_ends_i(host, l->list[i]))
			continue;
		if (host.n == n || host.p[host.n - n - 1] == '.')
			return true;
	}
	return false;
}

/* "name: glob" against the first header of that name. */
static bool
header_holds(const char *wanted, struct span headers)
{
	struct span glob = span_of(wanted);
	struct span name = span_token(&glob, ':');
	struct buf value = BUF_INIT(HEADER_BYTES_MAX);
	char *key = span_dup(name);
	struct span found = header_value(headers, key);
	bool holds;

	fold_into(&value, found);
	holds = found.p != NULL && glob.p != NULL &&
	    glob_match(span_trim(glob).p, buf_str(&value));
	buf_release(&value);
	free(key);
	return holds;
}

static bool
any_header(const struct text_list *l, struct span headers)
{
	for (size_t i = 0; i < l->nlist; i++)
		if (header_holds(l->list[i], headers))
			return true;
	return false;
}

static bool
within_bounds(const struct verdict_rule *r, const struct prepared *p)
{
	return p->text_bytes <= r->max_text && p->in->nlinks <= r->max_links &&
	    p->in->body_length <= (uint64_t)r->max_body;
}

static bool
rule_holds(const struct verdict_rule *r, struct prepared *p)
{
	if (!within_bounds(r, p))
		return false;
	if (r->status.nlist > 0 && !any_glob(&r->status, p->status))
		return false;
	if (r->host.nlist > 0 && !under_host(&r->host, p->in->host))
		return false;
	if (r->url.nlist > 0 && !any_glob(&r->url, buf_str(&p->url)))
		return false;
	if (r->title.nlist > 0 &&
	    (p->in->title.p == NULL ||
		!any_glob(&r->title, buf_str(&p->title))))
		return false;
	if (r->text.nlist > 0 && !any_part(&r->text, folded_text(p)))
		return false;
	if (r->text_also.nlist > 0 && !any_part(&r->text_also, folded_text(p)))
		return false;
	if (r->body.nlist > 0 && !any_part(&r->body, folded_body(p)))
		return false;
	if (r->body_also.nlist > 0 && !any_part(&r->body_also, folded_body(p)))
		return false;
	if (r->body_not.nlist > 0 && any_part(&r->body_not, folded_body(p)))
		return false;
	return r->header.nlist == 0 || any_header(&r->header, p->in->headers);
}

/* Rules are about pages that a person would read. */
static bool
readable(struct span headers)
{
	struct span type = header_value(headers, "content-type");

	return type.n == 0 || span_starts_i(type, "text/html") ||
	    span_starts_i(type, "application/xhtml") ||
	    span_starts_i(type, "text/plain");
}

enum page_class
verdict_page(const struct verdict_rules *v, const struct verdict_input *in,
    const char **rule)
{
	enum page_class class = PAGE_NORMAL;
	struct prepared p;

	if (rule != NULL)
		*rule = NULL;
	if (!readable(in->headers))
		return PAGE_NORMAL;
	prepare(&p, in);
	for (size_t i = 0; i < v->nrules; i++) {
		if (!rule_holds(&v->rules[i], &p))
			continue;
		class = (enum page_class)v->rules[i].class;
		if (rule != NULL)
			*rule = v->rules[i].id;
		break;
	}
	prepared_release(&p);
	return class;
}

bool
verdict_block_host(const struct verdict_rules *v, struct span host)
{
	return under_host(&v->block_hosts, host);
}

bool
verdict_forged_address(const struct verdict_rules *v, const char *address)
{
	char text[INET6_ADDRSTRLEN];
	uint8_t raw[16];
	int family = strchr(address, ':') == NULL ? AF_INET : AF_INET6;

	if (inet_pton(family, address, raw) != 1 ||
	    inet_ntop(family, raw, text, sizeof text) == NULL)
		return false;
	for (size_t i = 0; i < v->forged.nlist; i++)
		if (strcmp(v->forged.list[i], text) == 0)
			return true;
	return false;
}
