/*
 * The seam between reading a page and recognising what is on it.
 *
 * page_scan() runs over a decoded body once and calls back; whatever it gives
 * is UTF-8, with character references decoded, and borrowed for the length of
 * the call.  Nothing is resolved against the base URL here.
 */
#ifndef KPWATCH_HTML_H
#define KPWATCH_HTML_H

#include <string.h>

#include "bytes.h"

struct charset; /* charset.h */
struct page;	/* page.h: a scan under way */

/* Where a URL stood. */
enum link_source {
	LINK_ATTRIBUTE, /* href, src, action, poster, data, cite, longdesc ...
			 */
	LINK_SRCSET,
	LINK_DATA,	  /* data-* attribute whose value looks like a URL */
	LINK_HANDLER,	  /* on* attribute or javascript: URL */
	LINK_SCRIPT,	  /* string literal in an inline script or JSON */
	LINK_META,	  /* meta refresh, og:, al:, fb: */
	LINK_META_HANDLE, /* twitter:site and the like: "@name", not a URL */
	LINK_JSONLD,	  /* JSON-LD sameAs and url */
	LINK_STYLE, /* url(...) in style: for completeness, never a channel */
	LINK_TEXT,  /* link of a feed item */
};

struct attribute {
	struct span name;  /* lower case */
	struct span value; /* decoded */
	uint64_t key;	   /* span_key() of the name */
	bool plain_name;   /* the tokeniser's: name and value are certainly */
	bool plain_value;  /* in this form as they stand in the input */
};

/* A start tag, given for every element that has attributes or a name of
 * somebody's own, with ":" or "-" in it. */
struct element {
	struct span tag; /* lower case */
	uint64_t key;	 /* span_key() of it */
	const struct attribute *attrs;
	size_t nattrs;
	uint64_t offset; /* of its '<' in the decoded body */
};

struct link {
	enum link_source source;
	struct span url;	       /* as written */
	const struct element *element; /* the element that carries it */
	struct span attr;	       /* attribute name; empty for scripts */
	/* For <a>: classes, ids and image addresses of the elements inside it,
	 * space-separated and cut at LINK_TEXT_MAX.  Known when the link is
	 * given: an <a> is given at its end. */
	struct span inner;
	struct page *page; /* for link_text(); NULL: it has none */
	uint64_t offset;   /* of the element's '<' */
};

/* One visible text block, folded; `heading` is the level 1-6 or 0. */
struct text_run {
	struct span text;
	int heading;
	uint64_t offset;
};

struct page_handler {
	void (*element)(void *, const struct element *);
	void (*link)(void *, const struct link *);
	void (*text)(void *, const struct text_run *);
	void (*title)(void *, struct span);	/* first <title>, folded */
	void (*base)(void *, struct span href); /* first <base href> */
	/* Code of a script of the page, after the links in it; the offset is
	 * that of its text. */
	void (*script)(void *, struct span code, uint64_t offset);
	/* Before all others of a page in HTML, the bytes that offsets count
	 * in, good for the length of the scan; behind them once more, empty. */
	void (*input)(void *, struct span);
	void *arg;
	/* Any callback may be NULL; what only it needs is then not done. */
};

/* What a scan met; only ever added to. */
struct page_stats {
	uint32_t bad_chars; /* undecodable sequences in what was kept */
	size_t nlinks;	    /* links given */
	bool links_cut;	    /* more than LINKS_MAX */
	bool attrs_cut;	    /* more than ATTRS_MAX on some element */
	bool values_cut;    /* some attribute or script was too long */
	bool feed;	    /* it was an RSS or Atom document */
};

/*
 * Reads a page of any kind: HTML, or an RSS or Atom document, whose items'
 * links come as LINK_TEXT and whose title is the channel's.  `body` is the
 * decoded body as received, behind its byte-order mark, in `charset` (NULL:
 * UTF-8); it is converted as a whole only when its markup cannot be read
 * from the raw bytes, and offsets are then those of the UTF-8 form.
 * Linear time; memory bounded by TOKEN_KEEP_MAX and the like.  Never fails.
 */
void page_scan(struct span body, const struct charset *charset,
    const struct page_handler *, struct page_stats *);

/* The visible text of an <a>, folded and cut at LINK_TEXT_MAX; of an image
 * what stands for it.  Good as long as the link. */
struct span link_text(const struct link *);

/* What stands for the images inside an <a>, whatever text it has; as good. */
struct span link_alt(const struct link *);
/* The text as it stands in the input, where it is in one piece and was not
 * asked for yet; else p NULL. */
struct span link_raw_text(const struct link *);

/* Is this the name with that key?  Of a literal it is two comparisons. */
INLINE bool
name_is(struct span name, uint64_t key, const char *literal)
{
	size_t n = strlen(literal);

	return name.n == n && key == span_key((struct span){literal, n}) &&
	    (n <= 8 || memcmp(name.p + 8, literal + 8, n - 8) == 0);
}

INLINE bool
attribute_is(const struct attribute *a, const char *name)
{
	return name_is(a->name, a->key, name);
}

INLINE bool
element_is(const struct element *e, const char *tag)
{
	return name_is(e->tag, e->key, tag);
}

/* First value of an attribute of the element; p NULL when absent. */
INLINE struct span
element_attr(const struct element *e, const char *name)
{
	for (size_t i = 0; i < e->nattrs; i++)
		if (attribute_is(&e->attrs[i], name))
			return e->attrs[i].value;
	return SPAN_NULL;
}

/* "a#id.class1.class2", cut at ELEMENT_TEXT_MAX, into *out. */
void element_describe(const struct element *, struct buf *out);

#endif
