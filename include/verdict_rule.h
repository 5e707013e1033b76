/*
 * The rules of verdict.h as they stand in memory: shared by the file that
 * loads them (verdict_load.c) and the one that applies them (verdict.c).
 */
#ifndef KPWATCH_VERDICT_RULE_H
#define KPWATCH_VERDICT_RULE_H

#include "verdict.h"

struct text_list {
	char **list;
	size_t nlist;
};

/* A made-up answer with which a rule is tried. */
struct verdict_sample {
	uint32_t status;
	struct text_list headers;
	char *host;
	char *url;
	char *title;
	struct text_list text;
	uint32_t padding; /* bytes of other text after it */
	char *body;
	uint32_t links;
	uint32_t line; /* where it stands, for messages */
	uint32_t column;
};

/*
 * Every list that is not empty must have one entry that holds; not one of
 * `body_not` may.  Texts and titles are compared with ASCII letters in lower
 * case (the rules are folded on loading).
 */
struct verdict_rule {
	char *id;
	uint32_t class;		 /* enum page_class */
	struct text_list status; /* globs: "403", "5??" */
	struct text_list header; /* "name: glob" */
	struct text_list host;	 /* domain or anything under it */
	struct text_list url;	 /* globs */
	struct text_list title;	 /* globs */
	struct text_list text;	 /* parts of a visible text block */
	struct text_list text_also;
	struct text_list body; /* parts of the body */
	struct text_list body_also;
	struct text_list body_not;
	uint32_t max_text; /* bytes of visible text */
	uint32_t max_links;
	int64_t max_body;	      /* bytes */
	struct verdict_sample *match; /* not on the wire */
	size_t nmatch;
	struct verdict_sample *no_match;
	size_t nno_match;
};

struct verdict_rules {
	struct text_list block_hosts;
	struct text_list forged; /* canonical address texts */
	struct verdict_rule *rules;
	size_t nrules;
	char *file; /* NULL after decoding */
};

#endif
