/*
 * How a transfer ended: libcurl's result, and what we did to it, as df-007's
 * failures, stages and our own outcomes.
 */
#ifndef KPWATCH_FETCH_END_H
#define KPWATCH_FETCH_END_H

#include "observation.h"

#define FETCH_ERROR_SIZE 256 /* CURL_ERROR_SIZE */

enum stopped { STOPPED_NOT, STOPPED_BODY, STOPPED_HEADERS, STOPPED_DEADLINE };

struct fetch_end {
	bool denied; /* by our policy, before connecting */
	enum stopped stopped;
	unsigned tls_messages;	      /* see tls_limit() */
	char error[FETCH_ERROR_SIZE]; /* libcurl's text */
};

/* How far it came, by its marks and headers. */
enum stage fetch_stage(const struct hop *);
/* Sets failure and outcome after a result of libcurl (CURLcode).  The hop has
 * its marks, errno and verify result. */
void fetch_map(const struct fetch_end *, struct hop *, int curl_code);

#endif
