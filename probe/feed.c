/* RSS 0.9x to 2.0, RDF and Atom: a document of items is a page of links. */
#include "page.h"

#include <stdlib.h>
#include <string.h>

#define FEED_HEAD 4096 /* the root element stands within this */
#define NAME_KEPT 24

struct feed {
	struct page *page;
	bool item;
	char name[NAME_KEPT + 1]; /* element whose text is collected */
	struct buf text;
	bool permalink;
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

static void
feed_start(struct feed *f)
{
	struct page *p = f->page;
	struct span name = p->token.name, url;

	if (span_is_i(name, "item") || span_is_i(name, "entry"))
		f->item = true;
	page_element(p, &p->scratch, &p->element);
	if (p->element.nattrs > 0) {
		if (p->h->element != NULL)
			p->h->element(p->h->arg, &p->element);
		url = element_attr(&p->element, "href");
		if (url.p == NULL)
			url = element_attr(&p->element, "url");
		if (url.n > 0)
			page_link(p, LINK_TEXT, url, NULL, SPAN_NULL);
	}
	if (p->token.self_closing || name.n > NAME_KEPT || !collects(name))
		return;
	memcpy(f->name, name.p, name.n);
	f->name[name.n] = '\0';
	f->permalink =
	    !span_is_i(element_attr(&p->element, "ispermalink"), "false");
	buf_clear(&f->text);
}

/* Escaped HTML of an item: its links and its text, read one level deep. */
static void
feed_markup(struct feed *f)
{
	struct page_handler h = *f->page->h;

	h.title = NULL;
	h.base = NULL;
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
		fold_add(&p->title, s);
		s = buf_span(&p->title.out);
		if (!f->item && !p->title_done && p->h->title != NULL)
			p->h->title(p->h->arg, s);
		p->title_done = p->title_done || !f->item;
		feed_text(f, s);
	} else if (collected(f, "description") || collected(f, "summary") ||
	    collected(f, "content") || collected(f, "content:encoded")) {
		feed_markup(f);
	} else if (s.n > 0 &&
	    (!collected(f, "guid") || (f->permalink && looks_absolute(s)))) {
		page_link(p, LINK_TEXT, s, NULL, SPAN_NULL);
	}
	f->name[0] = '\0';
}

void
feed_scan(struct page *p, struct span body)
{
	struct feed f = {.page = p, .text = BUF_INIT(TOKEN_KEEP_MAX)};
	struct html_token *t = &p->token;

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
		}
	}
	buf_release(&f.text);
}
