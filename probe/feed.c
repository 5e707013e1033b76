/* RSS 0.9x to 2.0, RDF and Atom: a document of items is a page of links. */
#include "page.h"

#include <stdlib.h>
#include <string.h>

#include "limit.h"
#include "url.h"

#define FEED_HEAD 4096 /* the root element stands within this */
#define NAME_KEPT 24
#define BASES_MAX 4 /* xml:base inside each other */

/* xml:base of an element that is open. */
struct feed_base {
	size_t depth;
	struct url url; /* absolute; empty when it is not known */
};

struct feed {
	struct page *page;
	bool item;
	char name[NAME_KEPT + 1]; /* element whose text is collected */
	struct buf text;
	bool permalink;
	bool html;    /* the text is escaped HTML by its type attribute */
	size_t depth; /* of open elements */
	struct feed_base bases[BASES_MAX];
	size_t nbases;
	struct url url; /* the link being given */
};

bool
feed_looks(struct span body)
{
	static const char *const roots[] = {"rss", "feed", "rdf:RDF"};
	struct span head = span_slice(body, 0, FEED_HEAD);
	struct html_tokens *h;
	struct html_token t;
	bool is = false;
	size_t n = 0;

	while (n < head.n && ascii_space(head.p[n]))
		n++;
	if (n + 5 > head.n || head.p[n] != '<')
		return false;
	/* cheap: a page says html or doctype here */
	if (head.p[n + 1] != '?' && !ascii_alpha(head.p[n + 1]) &&
	    !span_starts(span_slice(head, n, 4), "<!--"))
		return false;
	h = xmalloc(sizeof(*h));
	html_tokens_init(h, head);
	h->steered = false;
	while (html_next(h, &t) != HTML_EOF && t.type != HTML_START)
		;
	if (t.type == HTML_START)
		for (size_t i = 0; i < ARRAY_LEN(roots); i++)
			is = is || span_is_i(t.name, roots[i]);
	free(h);
	return is;
}

static bool
collects(struct span name)
{
	static const char *const names[] = {"link", "guid", "title", "url",
	    "description", "summary", "content", "content:encoded", "comments",
	    "source", "uri"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (span_is_i(name, names[i]))
			return true;
	return false;
}

static bool
collected(const struct feed *f, const char *name)
{
	return span_is_i(span_of(f->name), name);
}

/* The link as it is against the xml:base in effect. */
static struct span
feed_url(struct feed *f, struct span url)
{
	const struct url *base =
	    f->nbases == 0 ? NULL : &f->bases[f->nbases - 1].url;

	if (base == NULL || base->scheme.n == 0 || url.n == 0 ||
	    url.p[0] == '#' || !url_parse(&f->url, url, base))
		return url;
	return buf_span(&f->url.href);
}

/* A relative base is against the one outside it; of the outermost, which is
 * against the document's own address, the page's handler knows more. */
static void
base_open(struct feed *f)
{
	struct page *p = f->page;
	struct span base = element_attr(&p->element, "xml:base");
	const struct url *outer = NULL;
	struct feed_base *b;

	if (base.p == NULL || f->nbases == BASES_MAX)
		return;
	if (f->depth == 1 && p->h->base != NULL)
		p->h->base(p->h->arg, base);
	if (f->nbases > 0 && f->bases[f->nbases - 1].url.scheme.n > 0)
		outer = &f->bases[f->nbases - 1].url;
	b = &f->bases[f->nbases++];
	b->depth = f->depth;
	(void)url_parse(&b->url, base, outer);
}

static void
base_close(struct feed *f)
{
	while (f->nbases > 0 && f->bases[f->nbases - 1].depth >= f->depth)
		f->nbases--;
	if (f->depth > 0)
		f->depth--;
}

/* Links in the attributes of the element. */
static void
feed_attributes(struct feed *f)
{
	static const char *const names[] = {"href", "url", "src"};
	struct page *p = f->page;
	struct span url = SPAN_NULL;

	if (p->h->element != NULL)
		p->h->element(p->h->arg, &p->element);
	for (size_t i = 0; url.p == NULL && i < ARRAY_LEN(names); i++)
		url = element_attr(&p->element, names[i]);
	if (url.n > 0)
		page_link(p, LINK_TEXT, feed_url(f, url), NULL, SPAN_NULL);
}

static void
feed_start(struct feed *f)
{
	struct page *p = f->page;
	struct span name = p->token.name;

	if (span_is_i(name, "item") || span_is_i(name, "entry"))
		f->item = true;
	page_element(p, &p->scratch, &p->element);
	f->depth++;
	if (p->element.nattrs > 0) {
		base_open(f);
		feed_attributes(f);
	}
	if (p->token.self_closing) {
		base_close(f);
		return;
	}
	if (name.n > NAME_KEPT || !collects(name))
		return;
	memcpy(f->name, name.p, name.n);
	f->name[name.n] = '\0';
	f->permalink =
	    !span_is_i(element_attr(&p->element, "ispermalink"), "false");
	f->html = span_is_i(element_attr(&p->element, "type"), "html") ||
	    span_is_i(element_attr(&p->element, "type"), "text/html");
	buf_clear(&f->text);
}

static void
markup_element(void *arg, const struct element *e)
{
	const struct page_handler *h = ((struct feed *)arg)->page->h;

	h->element(h->arg, e);
}

static void
markup_link(void *arg, const struct link *l)
{
	struct feed *f = arg;
	const struct page_handler *h = f->page->h;
	struct link resolved = *l;

	if (l->source == LINK_ATTRIBUTE || l->source == LINK_SRCSET)
		resolved.url = feed_url(f, l->url);
	h->link(h->arg, &resolved);
}

static void
markup_text(void *arg, const struct text_run *run)
{
	const struct page_handler *h = ((struct feed *)arg)->page->h;

	h->text(h->arg, run);
}

static void
title_text(void *arg, const struct text_run *run)
{
	struct fold *title = &((struct feed *)arg)->page->title;

	fold_add(title, SPAN(" "));
	fold_add(title, run->text);
}

/* Escaped HTML of an item: its links and its text, read one level deep. */
static void
feed_markup(struct feed *f, void (*text)(void *, const struct text_run *))
{
	const struct page_handler *from = f->page->h;
	const struct page_handler h = {.element = from->element == NULL
		? NULL
		: markup_element,
	    .link = from->link == NULL ? NULL : markup_link,
	    .text = text,
	    .arg = f};

	if (!feed_looks(buf_span(&f->text)))
		page_scan(buf_span(&f->text), NULL, &h, f->page->stats);
}

static void
feed_text(struct feed *f, struct span s)
{
	struct text_run run = {s, f->item ? 3 : 1, f->page->token.offset};

	if (s.n > 0 && f->page->h->text != NULL)
		f->page->h->text(f->page->h->arg, &run);
}

static void
feed_end(struct feed *f)
{
	struct page *p = f->page;
	struct span s = span_trim(buf_span(&f->text));

	if (collected(f, "title")) {
		fold_clear(&p->title);
		if (f->html)
			feed_markup(f, title_text);
		else
			fold_add(&p->title, s);
		s = buf_span(&p->title.out);
		if (!f->item && !p->title_done && p->h->title != NULL)
			p->h->title(p->h->arg, s);
		p->title_done = p->title_done || !f->item;
		feed_text(f, s);
	} else if (collected(f, "description") || collected(f, "summary") ||
	    collected(f, "content") || collected(f, "content:encoded")) {
		feed_markup(f, p->h->text == NULL ? NULL : markup_text);
	} else if (s.n > 0 &&
	    (!collected(f, "guid") || (f->permalink && looks_absolute(s)))) {
		page_link(p, LINK_TEXT, feed_url(f, s), NULL, SPAN_NULL);
	}
	f->name[0] = '\0';
}

void
feed_scan(struct page *p, struct span body)
{
	struct feed f = {.page = p, .text = BUF_INIT(TOKEN_KEEP_MAX)};
	struct html_token *t = &p->token;

	url_init(&f.url);
	for (size_t i = 0; i < BASES_MAX; i++)
		url_init(&f.bases[i].url);
	html_tokens_init(&p->tokens, body);
	p->tokens.steered = false;
	p->tokens.cdata = true;
	while (html_next(&p->tokens, t) != HTML_EOF) {
		if (t->type == HTML_START) {
			feed_start(&f);
		} else if (t->type == HTML_TEXT && f.name[0] != '\0') {
			(void)buf_add_span(&f.text,
			    page_decode(p, t->data, html_text_decoding(t)));
		} else if (t->type == HTML_END) {
			if (f.name[0] != '\0' && span_is_i(t->name, f.name))
				feed_end(&f);
			if (span_is_i(t->name, "item") ||
			    span_is_i(t->name, "entry"))
				f.item = false;
			base_close(&f);
		}
	}
	for (size_t i = 0; i < BASES_MAX; i++)
		url_release(&f.bases[i].url);
	url_release(&f.url);
	buf_release(&f.text);
}
