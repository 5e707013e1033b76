/*
 * A scan under way: what page_scan.c, html_links.c, html_code.c, html_text.c
 * and feed.c share.  Nobody else includes it.
 */
#ifndef KPWATCH_PAGE_H
#define KPWATCH_PAGE_H

#include "charset.h"
#include "html.h"
#include "html_tokens.h"

enum tag {
	TAG_OTHER,
	TAG_A,
	TAG_BASE,
	TAG_BODY,
	TAG_BR,
	TAG_CELL,
	TAG_IMG,
	TAG_META,
	TAG_OBJECT,
	TAG_OPTION,
	TAG_PARAM,
	TAG_SCRIPT,
	TAG_HIDDEN, /* style and the like: text never shown */
	TAG_TEMPLATE,
	TAG_TITLE
};

#define TAG_SLOTS 256 /* more than twice the elements that are known */

struct tag_info {
	const char *name;
	uint8_t length;
	uint8_t tag;	 /* enum tag */
	bool block;	 /* begins and ends a text block */
	uint8_t heading; /* 1-6 */
};

/* An element that is known, found by the first eight letters of its name. */
struct tag_slot {
	uint64_t key;
	const struct tag_info *info; /* NULL: free */
};

/* Text being folded: one space for any run of white space. */
struct fold {
	struct buf out;
	bool space; /* white space is due before the next byte */
};

/* Text of a link as it stands in the input: most links' is never read. */
struct text_piece {
	struct span raw;
	unsigned how; /* enum html_decoding */
};

#define ANCHOR_PIECES 16

enum code_kind {
	CODE_HANDLER, /* short, written for this element */
	CODE_SCRIPT,
	CODE_JSON,
	CODE_JSONLD,
	CODE_MARKUP /* a template of HTML in a script */
};

struct page {
	const struct page_handler *h;
	const struct charset *charset; /* NULL: UTF-8 */
	struct page_stats *stats;
	struct tag_slot tags[TAG_SLOTS]; /* hash of the elements known */
	struct html_tokens tokens;
	struct html_token token;
	struct buf scratch; /* decoded attributes of the element */
	struct element element;
	/* the <a> that is open */
	bool anchor_open;
	struct element anchor;
	struct attribute anchor_attrs[ATTRS_MAX];
	struct buf anchor_scratch;
	struct buf anchor_inner;
	struct fold anchor_text;
	struct text_piece anchor_pieces[ANCHOR_PIECES];
	size_t nanchor_pieces; /* not yet in anchor_text */
	struct buf anchor_alt;
	struct span link_inner; /* of links being given */
	bool link_has_text;
	/* text */
	struct fold block;
	struct buf decoded;
	int heading;
	uint64_t block_offset;
	size_t templates; /* depth */
	bool hidden;	  /* inside an element whose text is not shown */
	bool title_open;
	bool title_done;
	struct fold title;
	bool base_done;
	enum code_kind code;
	bool code_open;	    /* the next text is a script */
	struct buf literal; /* unescaped string literal */
	struct buf url;	    /* URL of running text, unescaped */
};

void page_init(struct page *, const struct charset *,
    const struct page_handler *, struct page_stats *);
void page_release(struct page *);

/* The current start tag as an element, decoded: in place, and in *scratch
 * where a form differs from what stands in the input. */
void page_element(struct page *, struct buf *scratch, struct element *);
/* Gives a link, if there is room for one more. */
void page_link(struct page *, enum link_source, struct span url,
    const struct element *, struct span attr);

/* Every link that the attributes of an element carry (html_links.c). */
void element_links(struct page *, const struct element *, enum tag);
/* http, https or "//host.": something that can be a link as it stands. */
bool looks_absolute(struct span);
/* The next "://" at or behind `at`, or ":\/\/" where that counts; the length
 * when there is none. */
size_t scheme_mark(struct span, size_t at, bool escaped);
/* Every absolute URL inside running text or code. */
void text_links(struct page *, struct span, enum link_source,
    const struct element *, struct span attr);
/* String literals that are URLs (html_code.c). */
void code_links(struct page *, struct span, enum code_kind,
    const struct element *, struct span attr);

/* Folding (html_text.c). */
void fold_init(struct fold *, size_t max);
void fold_add(struct fold *, struct span utf8);
void fold_clear(struct fold *);
/* Visible text of the token into the open block and link. */
void text_token(struct page *);
/* The open link's text as far as it was met (borrows). */
struct span anchor_text(struct page *);
void text_flush(struct page *);
/* Raw text of a token decoded (borrows: input or page->decoded). */
struct span page_decode(struct page *, struct span raw, unsigned how);

/* RSS, RDF and Atom (feed.c). */
bool feed_looks(struct span body);
void feed_scan(struct page *, struct span body);

#endif
