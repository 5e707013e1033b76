/*
 * Recognition: from the links and elements of a page (html.h) to sightings
 * in a finding.
 *
 * One recogniser looks at one page.  Its callbacks take the arguments
 * of struct page_handler, so that it can stand as `arg` there:
 *
 *	struct recogniser *r = recogniser_new(rules, page_url, finding);
 *	struct page_handler h = recogniser_handler(r);
 *	page_scan(..., &h);
 *	recogniser_finish(r);
 *	recogniser_free(r);
 */
#ifndef KPWATCH_RECOGNISE_H
#define KPWATCH_RECOGNISE_H

#include "finding.h"
#include "html.h"
#include "rules.h"

struct recogniser;

/* Borrows `rules` and `finding` for its life; copies `page_url` (absolute;
 * after redirects; NULL when unknown: relative links are then on a site of
 * their own).  Returns owned. */
struct recogniser *recogniser_new(const struct rules *, const char *page_url,
    struct finding *);
void recogniser_free(struct recogniser *);

/* For struct page_handler; the first argument is the recogniser. */
void recogniser_element(void *, const struct element *);
void recogniser_link(void *, const struct link *);
void recogniser_base(void *, struct span href);
void recogniser_calls(void *, struct span code, uint64_t offset);
void recogniser_input(void *, struct span page);
/* All of them, for a page of which nothing else is wanted. */
struct page_handler recogniser_handler(struct recogniser *);
/* Adds what is known only at the end of the page: share kits and the
 * services they offer. */
void recogniser_finish(struct recogniser *);

/* The link as an absolute URL against the page's base, NUL-terminated; NULL
 * when it is none (borrows, until the next call on the recogniser).  Already
 * computed for the link last given to recogniser_link(). */
const char *recogniser_url(struct recogniser *, const struct link *);
/* True when that URL is on the page's own site. */
bool recogniser_same_site(const struct recogniser *);

#endif
