#include "html.h"

#include <stdlib.h>
#include <string.h>

#include "page.h"

#define SCRATCH_MAX (8 * MIB) /* decoded attributes of one element */
#define SCRIPT_MAX  (4 * MIB) /* script that is converted to UTF-8 */

#define TAG(name, tag, block)                                                  \
	{                                                                      \
		name, sizeof(name) - 1, tag, block, 0                          \
	}
#define BLOCK(name) TAG(name, TAG_OTHER, true)
#define HEADING(n)                                                             \
	{                                                                      \
		"h" #n, 2, TAG_OTHER, true, n                                  \
	}
#define HIDDEN(name) TAG(name, TAG_HIDDEN, false)

/* Elements that mean something here. */
static const struct tag_info tags[] = {TAG("a", TAG_A, false), BLOCK("address"),
    BLOCK("article"), BLOCK("aside"), TAG("base", TAG_BASE, false),
    BLOCK("blockquote"), TAG("body", TAG_BODY, true), TAG("br", TAG_BR, true),
    BLOCK("button"), BLOCK("caption"), BLOCK("center"), BLOCK("dd"),
    BLOCK("details"), BLOCK("dialog"), BLOCK("dir"), BLOCK("div"), BLOCK("dl"),
    BLOCK("dt"), TAG("embed", TAG_OTHER, false), BLOCK("fieldset"),
    BLOCK("figcaption"), BLOCK("figure"), BLOCK("footer"), BLOCK("form"),
    BLOCK("frameset"), HEADING(1), HEADING(2), HEADING(3), HEADING(4),
    HEADING(5), HEADING(6), BLOCK("head"), BLOCK("header"), BLOCK("hgroup"),
    BLOCK("hr"), BLOCK("html"), HIDDEN("iframe"), TAG("img", TAG_IMG, false),
    BLOCK("legend"), BLOCK("li"), BLOCK("listing"), BLOCK("main"),
    BLOCK("marquee"), BLOCK("menu"), TAG("meta", TAG_META, false), BLOCK("nav"),
    HIDDEN("noembed"), HIDDEN("noframes"), TAG("object", TAG_OBJECT, false),
    BLOCK("ol"), BLOCK("optgroup"), TAG("option", TAG_OPTION, true), BLOCK("p"),
    TAG("param", TAG_PARAM, false), BLOCK("plaintext"), BLOCK("pre"),
    TAG("script", TAG_SCRIPT, false), BLOCK("section"), BLOCK("select"),
    HIDDEN("style"), BLOCK("summary"), BLOCK("table"), BLOCK("tbody"),
    TAG("td", TAG_CELL, true), TAG("template", TAG_TEMPLATE, true),
    BLOCK("textarea"), BLOCK("tfoot"), TAG("th", TAG_CELL, true),
    BLOCK("thead"), TAG("title", TAG_TITLE, true), BLOCK("tr"), BLOCK("ul"),
    BLOCK("xmp")};

static const struct tag_info other_tag = TAG("", TAG_OTHER, false);

static size_t
tag_place(uint64_t key, size_t length)
{
	return (key * 0x9e3779b97f4a7c15ull + length) >> 56;
}

static void
tags_index(struct page *p)
{
	const struct tag_info *info;
	uint64_t key;
	size_t at;

	memset(p->tags, 0, sizeof(p->tags));
	for (info = tags; info < tags + ARRAY_LEN(tags); info++) {
		key = span_key((struct span){info->name, info->length});
		at = tag_place(key, info->length);
		while (p->tags[at].info != NULL)
			at = (at + 1) % TAG_SLOTS;
		p->tags[at] = (struct tag_slot){key, info};
	}
}

/* The element of the tag that was read. */
static const struct tag_info *
tag_find(const struct page *p)
{
	const struct tag_info *info;
	struct span name = p->token.name;
	uint64_t key = p->token.key;
	size_t at;

	if (name.n > 10)
		return &other_tag;
	for (at = tag_place(key, name.n); (info = p->tags[at].info) != NULL;
	     at = (at + 1) % TAG_SLOTS)
		if (p->tags[at].key == key && info->length == name.n &&
		    (name.n <= 8 ||
			span_eq_i(name, (struct span){info->name, name.n})))
			return info;
	return &other_tag;
}

void
page_init(struct page *p, const struct charset *charset,
    const struct page_handler *h, struct page_stats *stats)
{
	memset(p, 0, offsetof(struct page, tokens));
	memset(&p->token, 0, sizeof(p->token));
	tags_index(p);
	p->h = h;
	p->charset = charset;
	p->stats = stats;
	p->anchor_open = false;
	p->link_inner = SPAN_NULL;
	p->link_has_text = false;
	p->nanchor_pieces = 0;
	p->heading = 0;
	p->block_offset = 0;
	p->templates = 0;
	p->hidden = p->title_open = p->title_done = p->base_done = false;
	p->code_open = false;
	buf_init(&p->scratch, SCRATCH_MAX);
	buf_init(&p->anchor_scratch, SCRATCH_MAX);
	buf_init(&p->anchor_inner, LINK_TEXT_MAX);
	buf_init(&p->anchor_alt, LINK_TEXT_MAX);
	buf_init(&p->decoded, TOKEN_KEEP_MAX * 3);
	buf_init(&p->literal, TOKEN_KEEP_MAX);
	buf_init(&p->url, URL_MAX_LEN);
	fold_init(&p->anchor_text, LINK_TEXT_MAX);
	fold_init(&p->block, BLOCK_TEXT_MAX * 2);
	fold_init(&p->title, TITLE_MAX);
}

void
page_release(struct page *p)
{
	buf_release(&p->scratch);
	buf_release(&p->anchor_scratch);
	buf_release(&p->anchor_inner);
	buf_release(&p->anchor_alt);
	buf_release(&p->decoded);
	buf_release(&p->literal);
	buf_release(&p->url);
	buf_release(&p->anchor_text.out);
	buf_release(&p->block.out);
	buf_release(&p->title.out);
}

void
page_link(struct page *p, enum link_source source, struct span url,
    const struct element *e, struct span attr)
{
	struct link l = {.source = source,
	    .url = url,
	    .element = e,
	    .attr = attr,
	    .inner = p->link_inner,
	    .page = p->link_has_text ? p : NULL,
	    .offset = e == NULL ? p->token.offset : e->offset};

	if (p->stats->nlinks >= LINKS_MAX) {
		p->stats->links_cut = true;
		return;
	}
	p->stats->nlinks++;
	if (p->h->link != NULL)
		p->h->link(p->h->arg, &l);
}

/* One name or value, decoded.  The room was reserved: *scratch stays put. */
static struct span
piece(struct page *p, struct span raw, unsigned how, struct buf *scratch)
{
	size_t from = scratch->len;

	if (html_is_plain(raw, how, p->charset))
		return raw;
	if (raw.n > TOKEN_KEEP_MAX) {
		raw.n = TOKEN_KEEP_MAX;
		p->stats->values_cut = true;
	}
	if (scratch->cap - scratch->len <= raw.n * 3 + 8) {
		p->stats->values_cut = true;
		return span_slice(raw, 0, 0);
	}
	(void)html_decode(raw, how, p->charset, scratch, &p->stats->bad_chars);
	return (struct span){scratch->data + from, scratch->len - from};
}

/* Room for all that has to be decoded. */
static void
scratch_reserve(struct page *p, struct buf *scratch)
{
	const struct html_token *t = &p->token;
	size_t want = t->plain_name ? 0 : 64 + t->name.n * 3, n;

	buf_clear(scratch);

	for (size_t i = 0; i < t->nattrs; i++) {
		n = t->attrs[i].value.n;
		if (!t->attrs[i].plain_name)
			want += t->attrs[i].name.n * 3 + 32;
		if (!t->attrs[i].plain_value)
			want +=
			    (n > TOKEN_KEEP_MAX ? TOKEN_KEEP_MAX : n) * 3 + 32;
	}
	if (want > SCRATCH_MAX)
		want = SCRATCH_MAX;
	(void)buf_reserve(scratch, want);
}

/* What of the element is not its own decoded form. */
static void
element_decode(struct page *p, struct buf *scratch, struct element *e)
{
	struct html_token *t = &p->token;
	struct attribute *a;

	scratch_reserve(p, scratch);
	if (!t->plain_name) {
		e->tag = piece(p, t->name, HTML_LOWER, scratch);
		e->key = span_key(e->tag);
	}
	for (a = t->attrs; a < t->attrs + t->nattrs; a++) {
		if (!a->plain_name) {
			a->name = piece(p, a->name, HTML_LOWER, scratch);
			a->key = span_key(a->name);
		}
		if (!a->plain_value)
			a->value = piece(p, a->value, HTML_REFS | HTML_IN_ATTR,
			    scratch);
	}
}

void
page_element(struct page *p, struct buf *scratch, struct element *e)
{
	const struct html_token *t = &p->token;

	e->tag = t->name;
	e->key = t->key;
	e->attrs = t->attrs;
	e->nattrs = t->nattrs;
	e->offset = t->offset;
	if (!t->plain_name || !t->plain_attrs)
		element_decode(p, scratch, e);
}

static void
anchor_close(struct page *p)
{
	if (!p->anchor_open)
		return;
	p->anchor_open = false;
	p->link_inner = buf_span(&p->anchor_inner);
	p->link_has_text = true;
	element_links(p, &p->anchor, TAG_A);
	p->link_inner = SPAN_NULL;
	p->link_has_text = false;
}

struct span
link_text(const struct link *l)
{
	struct span text;

	if (l->page == NULL)
		return SPAN_NULL;
	text = anchor_text(l->page);
	return text.n > 0 ? text : buf_span(&l->page->anchor_alt);
}

struct span
link_alt(const struct link *l)
{
	return l->page == NULL ? SPAN_NULL : buf_span(&l->page->anchor_alt);
}

struct span
link_raw_text(const struct link *l)
{
	return l->page == NULL || l->page->nanchor_pieces != 1
	    ? SPAN_NULL
	    : l->page->anchor_pieces[0].raw;
}

static void
anchor_start(struct page *p)
{
	anchor_close(p);
	page_element(p, &p->anchor_scratch, &p->anchor);
	memcpy(p->anchor_attrs, p->anchor.attrs,
	    p->anchor.nattrs * sizeof(*p->anchor_attrs));
	p->anchor.attrs = p->anchor_attrs;
	if (p->h->element != NULL)
		p->h->element(p->h->arg, &p->anchor);
	buf_clear(&p->anchor_inner);
	buf_clear(&p->anchor_alt);
	fold_clear(&p->anchor_text);
	p->nanchor_pieces = 0;
	p->anchor_open = p->h->link != NULL;
}

static void
inner_add(struct buf *b, struct span s)
{
	if (s.n == 0 || s.n + 1 > b->max - b->len)
		return;
	if (b->len > 0)
		(void)buf_add_char(b, ' ');
	(void)buf_add_span(b, s);
}

/* What an element inside a link says about it. */
static void
anchor_inside(struct page *p, const struct element *e, enum tag tag)
{
	struct span alt;

	inner_add(&p->anchor_inner, element_attr(e, "class"));
	inner_add(&p->anchor_inner, element_attr(e, "id"));
	if (tag == TAG_IMG) {
		inner_add(&p->anchor_inner, element_attr(e, "src"));
		alt = span_trim(element_attr(e, "alt"));
		if (alt.n == 0)
			alt = span_trim(element_attr(e, "title"));
		inner_add(&p->anchor_alt, alt);
	}
}

static enum code_kind
script_kind(const struct element *e)
{
	struct span type = span_trim(element_attr(e, "type"));

	if (type.n == 0 || span_search_i(type, "javascript") < type.n ||
	    span_search_i(type, "ecmascript") < type.n ||
	    span_is_i(type, "module"))
		return CODE_SCRIPT;
	if (span_search_i(type, "ld+json") < type.n)
		return CODE_JSONLD;
	if (span_search_i(type, "json") < type.n)
		return CODE_JSON;
	return CODE_MARKUP;
}

/* Flags that hold until the next text or end tag. */
static void
start_special(struct page *p, const struct element *e, enum tag tag)
{
	struct span href;

	if (tag == TAG_SCRIPT) {
		p->hidden = true;
		p->code_open = true;
		p->code = script_kind(e);
	} else if (tag == TAG_HIDDEN) {
		p->hidden = true;
	} else if (tag == TAG_TEMPLATE) {
		p->templates++;
	} else if (tag == TAG_TITLE) {
		p->title_open =
		    !p->title_done && p->tokens.state == HTML_RCDATA;
		p->hidden = p->tokens.state == HTML_RCDATA;
	} else if (tag == TAG_BASE && !p->base_done) {
		href = element_attr(e, "href");
		p->base_done = href.p != NULL;
		if (p->base_done && p->h->base != NULL)
			p->h->base(p->h->arg, href);
	}
}

/* "fb:like", "amp-social-share": an element that may mean something by its
 * name alone. */
static bool
is_custom(struct span name)
{
	return name.n > 2 &&
	    (memchr(name.p, '-', name.n) != NULL ||
		memchr(name.p, ':', name.n) != NULL);
}

/* A block begins or ends here. */
INLINE void
block_bound(struct page *p, int heading)
{
	if (p->block.out.len > 0)
		text_flush(p);
	p->block.space = false;
	p->heading = heading;
}

static void
start_tag(struct page *p)
{
	const struct tag_info *info = tag_find(p);

	if (info->block) {
		block_bound(p, info->heading);
	}
	if (info->tag == TAG_A) {
		anchor_start(p);
		return;
	}
	if (info->tag == TAG_CELL || info->tag == TAG_BODY)
		anchor_close(p);
	p->element.nattrs = 0;
	if (p->token.nattrs > 0 ||
	    (info == &other_tag && is_custom(p->token.name))) {
		page_element(p, &p->scratch, &p->element);
		if (p->h->element != NULL)
			p->h->element(p->h->arg, &p->element);
		if (p->anchor_open)
			anchor_inside(p, &p->element, info->tag);
		if (p->h->link != NULL)
			element_links(p, &p->element, info->tag);
	}
	start_special(p, &p->element, info->tag);
	if (p->token.self_closing && p->tokens.state == HTML_DATA)
		p->hidden = false;
}

static void
title_close(struct page *p)
{
	if (!p->title_open)
		return;
	p->title_open = false;
	p->title_done = true;
	if (p->h->title != NULL)
		p->h->title(p->h->arg, buf_span(&p->title.out));
}

static void
end_tag(struct page *p)
{
	const struct tag_info *info = tag_find(p);

	if (info->tag == TAG_A)
		anchor_close(p);
	else if (info->tag == TAG_CELL || info->tag == TAG_BODY)
		anchor_close(p);
	else if (info->tag == TAG_TEMPLATE && p->templates > 0)
		p->templates--;
	else if (info->tag == TAG_TITLE)
		title_close(p);
	if (info->block) {
		block_bound(p, 0);
	}
	if (info->tag == TAG_HIDDEN || info->tag == TAG_SCRIPT ||
	    info->tag == TAG_TITLE) {
		p->hidden = false;
		p->code_open = false;
	}
}

static void
script_text(struct page *p)
{
	struct buf utf8 = BUF_INIT(SCRIPT_MAX);
	struct span code = p->token.data;

	p->code_open = false;
	if (p->h->link == NULL)
		return;
	if (!charset_is_utf8(p->charset) && !html_is_plain(code, 0, NULL) &&
	    code.n < SCRIPT_MAX / 3) {
		(void)charset_append(p->charset, code, &utf8,
		    &p->stats->bad_chars);
		code = buf_span(&utf8);
	}
	code_links(p, code, p->code, NULL, SPAN_NULL);
	if (p->h->script != NULL && p->code == CODE_SCRIPT)
		p->h->script(p->h->arg, code, p->token.offset);
	buf_release(&utf8);
}

static void
text(struct page *p)
{
	if (p->code_open) {
		script_text(p);
	} else if (p->title_open) {
		fold_add(&p->title, page_decode(p, p->token.data, HTML_REFS));
	} else if (!p->hidden && p->templates == 0) {
		text_token(p);
	}
}

static void
give_input(struct page *p, struct span body)
{
	if (p->h->input != NULL)
		p->h->input(p->h->arg, body);
}

static void
html_scan(struct page *p, struct span body)
{
	html_tokens_init(&p->tokens, body);
	give_input(p, body);
	for (;;) {
		p->tokens.skip_text =
		    p->h->text == NULL && !p->anchor_open && !p->code_open;
		switch (html_next(&p->tokens, &p->token)) {
		case HTML_TEXT:
			text(p);
			break;
		case HTML_START:
			start_tag(p);
			break;
		case HTML_END:
			end_tag(p);
			break;
		case HTML_COMMENT:
		case HTML_DOCTYPE:
			break;
		case HTML_EOF:
			title_close(p);
			text_flush(p);
			anchor_close(p);
			give_input(p, SPAN_NULL);
			return;
		}
	}
}

void
page_scan(struct span body, const struct charset *charset,
    const struct page_handler *h, struct page_stats *stats)
{
	struct page *p = xmalloc(sizeof(*p));
	struct buf whole = BUF_INIT(DECODED_BODY_MAX * 2);

	if (!charset_is_superset(charset)) {
		(void)charset_append(charset, body, &whole, &stats->bad_chars);
		body = buf_span(&whole);
		charset = NULL;
	}
	page_init(p, charset, h, stats);
	if (feed_looks(body)) {
		stats->feed = true;
		feed_scan(p, body);
	} else {
		html_scan(p, body);
	}
	stats->attrs_cut = stats->attrs_cut || p->tokens.attrs_cut;
	page_release(p);
	free(p);
	buf_release(&whole);
}

static void
describe_part(struct buf *out, size_t room, struct span s)
{
	s = span_slice(s, 0, room > out->len ? room - out->len : 0);
	s.n = utf8_clip(s, s.n);
	(void)buf_add_span(out, s);
}

void
element_describe(const struct element *e, struct buf *out)
{
	struct span id = span_trim(element_attr(e, "id"));
	struct span classes = span_trim(element_attr(e, "class"));
	size_t room = out->len + ELEMENT_TEXT_MAX, n;

	describe_part(out, room, e->tag);
	if (id.n > 0) {
		describe_part(out, room, SPAN("#"));
		describe_part(out, room, id);
	}
	while (classes.n > 0) {
		for (n = 0; n < classes.n && !ascii_space(classes.p[n]);)
			n++;
		if (n > 0) {
			describe_part(out, room, SPAN("."));
			describe_part(out, room, span_slice(classes, 0, n));
		}
		classes = span_slice(classes, n + 1, classes.n);
	}
}
