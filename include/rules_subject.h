/*
 * One address before the rules; shared by rules_match.c and rules_classify.c
 * only.
 */
#ifndef KPWATCH_RULES_SUBJECT_H
#define KPWATCH_RULES_SUBJECT_H

#include "limit.h"
#include "rules_table.h"
#include "url.h"

#define SEGMENTS_MAX	32 /* path segments looked at */
#define QUERY_PAIRS_MAX 48 /* query pairs looked at */

/* An address taken apart, all borrowed. */
struct subject {
	const struct rules *rules;
	struct span host; /* or "scheme:" */
	struct span path;
	struct span query;
	struct span fragment;
	struct span seg[SEGMENTS_MAX];
	size_t nseg;
	struct span name[QUERY_PAIRS_MAX];
	struct span value[QUERY_PAIRS_MAX];
	size_t nquery;
	bool query_split;
	struct span fseg[SEGMENTS_MAX];
	size_t nfseg;
	struct span fragment_query;
	bool fragment_split;
	struct span raw[SEGMENTS_MAX]; /* the same, still encoded */
	struct buf scratch;	       /* decoded segments */
};

/* The best pattern so far, and what it took. */
struct best {
	const struct rule_pattern *pattern;
	struct rule_capture capture;
	uint32_t platform; /* of the longest host that is a platform's own */
	bool asset;
};

/* Of a URL (borrowed), or of nothing yet where it is NULL. */
void subject_init(struct subject *, const struct rules *, const struct url *);
/* Takes the path apart. */
void subject_split(struct subject *);
/* The patterns of a host, `before` being the labels in front of it: takes the
 * best that fits if it is better than *best. */
void subject_try(struct subject *, const struct rule_host *, struct span before,
    struct best *best);
/* What a slot holds, decoded into *out.  In content ids only letters are,
 * since "%2F" is not "/" there, unless they are addresses themselves. */
void subject_slot_text(const struct rule_capture *, unsigned slot,
    struct buf *out);

#endif
