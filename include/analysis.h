/*
 * From an observation to a finding: content decoding, media type, charset,
 * page scan, recognition, text blocks without noise, hashes, page class.
 * Pure: the same bytes give the same finding, whenever and wherever.
 */
#ifndef KPWATCH_ANALYSIS_H
#define KPWATCH_ANALYSIS_H

#include "finding.h"
#include "observation.h"
#include "rules.h"
#include "verdict.h"

struct analysis;

/* Opens what needs files (charset converters, digests): call it before the
 * sandbox.  Repeated calls do nothing. */
void analysis_init(void);
/* Borrows both for its life; verdict rules may be NULL: every page is then
 * normal.  Returns owned. */
struct analysis *analysis_new(const struct rules *,
    const struct verdict_rules *);
void analysis_free(struct analysis *);

/* Fills *f, which must be empty (finding_init), from the last hop.  Never
 * fails; what was cut or odd is said in its notes. */
void analysis_run(struct analysis *, const struct observation *,
    struct finding *f);

/* One answer, everything borrowed; absent things have p NULL. */
struct analysis_input {
	struct span body;	  /* still content-coded */
	struct span codings;	  /* Content-Encoding */
	struct span content_type; /* header's value */
	struct span headers;	  /* received lines, for verdict rules */
	const char *url;	  /* absolute; NULL when unknown */
	int status;
};

/* The same from the parts: for saved pages and archives. */
void analysis_page(struct analysis *, const struct analysis_input *,
    struct finding *f);

/* The media type, in lower case and without parameters, as a browser would
 * take it: from the header, or from the bytes where the header is silent or
 * says that it does not know.  Returns owned. */
char *media_type(struct span content_type, struct span body);

#endif
