/*
 * What is open around a place of a page: a look back over the tags before it.
 *
 * Few places are asked about, so nothing is kept while a page is read.  A look
 * reads the tags since the last one, or from where the caller lets it begin:
 * all looks together take time linear in the page.  What was opened before is
 * not known, nor what lies deeper than OUTLINE_DEPTH.  End tags close what the
 * HTML standard has them close, nearly so; where in doubt, more is taken to be
 * closed than is.
 */
#ifndef KPWATCH_OUTLINE_H
#define KPWATCH_OUTLINE_H

#include "html_tokens.h"

#define OUTLINE_DEPTH 32 /* share bars lie ten deep in what is around them */

struct open_element {
	uint64_t key;	 /* span_key() of its name in lower case */
	uint64_t offset; /* of its '<' */
	uint32_t mark;	 /* what the caller said of it */
	uint8_t group;	 /* what closes it */
};

/* What its start tag, whose attributes are raw, says to the caller. */
typedef uint32_t outline_mark(void *, const struct html_token *);

struct outline {
	struct span in;
	outline_mark *mark;
	void *arg;
	size_t at;   /* what lies before is in `open` */
	bool unsure; /* the look began anywhere: in a script, in a comment */
	bool raw;    /* the last start tag began raw text */
	struct open_element open[OUTLINE_DEPTH]; /* the innermost is the last */
	size_t n;
	uint64_t *keys; /* of the names that are known */
	struct html_tokens tokens;
	struct html_token token;
};

/* Borrows the page; `mark` may be NULL. */
void outline_init(struct outline *, struct span page, outline_mark *mark,
    void *arg);
void outline_release(struct outline *);
/*
 * Looks at what is open where a start tag of the page begins.  The last look
 * is gone on with, unless it ended before `from`: then nothing before that
 * counts.  `sure`: a tag begins there; else it may lie in a script or comment.
 * Elements that begin at the place or behind it, because an earlier look was
 * further on, are in `open` too: the caller leaves them out by their offset.
 */
void outline_look(struct outline *, uint64_t offset, uint64_t from, bool sure);

#endif
