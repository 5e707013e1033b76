/*
 * HTML tokeniser after the WHATWG standard, section 13.2.5, over raw bytes of
 * any charset that is a superset of ASCII in which no trail byte is one of
 * the bytes below 0x40 that markup uses (digits excepted).
 *
 * It stands in for the tree builder where that one steers the tokeniser:
 * raw text and escapable raw text elements are chosen by tag name, scripting
 * is off, and CDATA sections count inside svg and math.  Tokens borrow the
 * input; nothing is decoded until it is asked for.  Time is linear in the
 * input and memory constant.
 */
#ifndef KPWATCH_HTML_TOKENS_H
#define KPWATCH_HTML_TOKENS_H

#include "bytes.h"
#include "charset.h"
#include "html.h"
#include "limit.h"

enum html_state {
	HTML_DATA,
	HTML_RCDATA,  /* title, textarea */
	HTML_RAWTEXT, /* style, xmp, iframe, noembed, noframes */
	HTML_SCRIPT,
	HTML_PLAINTEXT,
	HTML_CDATA
};

enum html_token_type {
	HTML_TEXT,
	HTML_START,
	HTML_END,
	HTML_COMMENT,
	HTML_DOCTYPE,
	HTML_EOF
};

struct html_token {
	enum html_token_type type;
	enum html_state state;	 /* of a text: what it may hold */
	struct span name;	 /* of a tag or doctype, raw */
	uint64_t key;		 /* of a tag's name in lower case */
	struct span data;	 /* of a text or comment, raw */
	struct attribute *attrs; /* of a start tag, raw; no name twice */
	size_t nattrs;
	bool plain_name;  /* of a tag: lower-case ASCII */
	bool plain_attrs; /* all of them are their own decoded form */
	bool self_closing;
	bool quirks;	       /* doctype: force-quirks flag */
	struct span public_id; /* doctype; p NULL when missing */
	struct span system_id;
	size_t offset; /* of its first byte in the input */
};

#define HTML_NAME_MAX	 32 /* longest element name that steers anything */
#define HTML_FOREIGN_MAX 32 /* nested svg, math and integration points kept */

struct html_foreign {
	uint8_t kind;
	uint64_t name; /* hash */
};

struct html_tokens {
	struct span in;
	size_t at;
	enum html_state state;
	bool steered;	  /* true: elements choose states, as above */
	bool cdata;	  /* CDATA counts everywhere: XML */
	bool skip_text;	  /* texts between tags are not given: the caller's */
	bool attrs_cut;	  /* some start tag had more than ATTRS_MAX */
	struct span last; /* last start tag, for its end tag */
	struct html_foreign foreign[HTML_FOREIGN_MAX];
	size_t nforeign;
	struct attribute attrs[ATTRS_MAX + 1]; /* the last: being read */
};

/* The input from where a token's text begins. */
INLINE struct span
html_from(const struct html_tokens *h, struct span text)
{
	return span_slice(h->in, (size_t)(text.p - h->in.p), h->in.n);
}

/* Borrows the input. */
void html_tokens_init(struct html_tokens *, struct span in);
/* Next token; HTML_EOF again and again at the end.  Its attributes are good
 * until the next call, and the caller's to change; their keys are those of
 * the names in lower case. */
enum html_token_type html_next(struct html_tokens *, struct html_token *);

/* Reads what is behind "<!doctype", from `from`, to behind its ">"
 * (html_doctype.c; the tokeniser's). */
void html_doctype(struct html_tokens *, struct html_token *, size_t from);

/* What to do to raw bytes; to be or-ed. */
enum html_decoding {
	HTML_REFS = 1,	   /* character references */
	HTML_IN_ATTR = 2,  /* with the rule for attributes */
	HTML_KEEP_NUL = 4, /* else U+FFFD */
	HTML_LOWER = 8	   /* ASCII letters to lower case */
};

/* How the data of a text token is decoded. */
unsigned html_text_decoding(const struct html_token *);
/* Appends raw bytes as UTF-8, CR and CRLF made LF; counts undecodable
 * sequences in *bad (may be NULL).  False when *out is full. */
bool html_decode(struct span raw, unsigned how, const struct charset *,
    struct buf *out, uint32_t *bad);
/* True when html_decode() would give the same bytes back. */
bool html_is_plain(struct span raw, unsigned how, const struct charset *);

#endif
