/*
 * What the store tells the source: how to go on after one observation, and
 * at start-up what was known.  Wire forms of MSG_STORED and MSG_RESUME.
 */
#ifndef KPWATCH_ADVICE_H
#define KPWATCH_ADVICE_H

#include "bytes.h"

struct advice_sample {
	char *page; /* slot */
	char *url;
	bool archive; /* an old one, to be looked at seldom */
};

struct advice {
	bool confirm_soon; /* something waits for confirmation: look again */
	bool twin;	   /* look a second time to learn what is volatile */
	bool plain;	   /* a good look with nothing open: the same bytes
			    * again need no analysis */
	bool keep;  /* failed, changed, open or a proof: its packets are worth
		     * keeping.  Not in the wire form */
	char *etag; /* of the last good look; NULL: none */
	char *last_modified;
	struct advice_sample *samples; /* pages of sampled slots to watch now;
					* those of the same slot not listed are
					* to be dropped */
	size_t nsamples;
	char *sample_slot; /* the slot that `samples` is about; NULL none */
};

void advice_release(struct advice *);
void advice_encode(const struct advice *, struct buf *);
/* False on malformed bytes; *advice is empty then. */
bool advice_decode(struct advice *, struct span);

/* One page as the store knows it. */
struct resume_page {
	char *target;
	char *page;
	char *url;
	int64_t last; /* time of the last look, ms */
	bool confirm_soon;
	bool sample; /* a sample of the slot, not its fixed URL */
	char *etag;
	char *last_modified;
};

struct resume {
	uint64_t last_id; /* highest observation id stored */
	struct resume_page *pages;
	size_t npages;
};

void resume_release(struct resume *);
void resume_encode(const struct resume *, struct buf *);
bool resume_decode(struct resume *, struct span);

#endif
