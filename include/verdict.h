/*
 * What kind of page an answer is, by the rules of conf/verdicts.yaml: bot
 * walls, block pages, parked domains, server placeholders, login walls,
 * refusals by country, maintenance, soft 404s, empty pages.
 *
 * A rule names signs (status, header, host, URL, title, visible text, body)
 * and bounds (how much text, how many links, how long a body): an article that
 * quotes the words of a block page is longer than any block page, and so no
 * rule calls it one.  The first rule whose signs and bounds all hold decides.
 */
#ifndef KPWATCH_VERDICT_H
#define KPWATCH_VERDICT_H

#include "bytes.h"
#include "config.h"
#include "finding.h"

struct verdict_rules;

/* What is known of an answer; everything is borrowed. */
struct verdict_input {
	int status;
	struct span headers; /* received lines, as in struct hop */
	struct span host;    /* of the last hop */
	struct span url;     /* of the last hop; p NULL when unknown */
	struct span title;   /* p NULL when there is none */
	const struct text_block *blocks;
	size_t nblocks;
	struct span body;     /* decoded; may be cut */
	uint64_t body_length; /* of the decoded body, cut or not */
	size_t nlinks;	      /* links of any kind on the page */
};

/* Reads the YAML file.  Returns owned, or NULL with every mistake, with its
 * place, in *errors. */
struct verdict_rules *verdict_load(const char *path,
    struct config_errors *errors);
/* The same from bytes; `name` is for messages. */
struct verdict_rules *verdict_parse(struct span yaml, const char *name,
    struct config_errors *errors);
void verdict_free(struct verdict_rules *);
/* Wire form, without the test lines.  verdict_decode() returns owned, NULL on
 * malformed bytes. */
void verdict_encode(const struct verdict_rules *, struct buf *);
struct verdict_rules *verdict_decode(struct span);

/*
 * The class of a page.  *rule (may be NULL) is the id of the rule that said
 * so, borrowed from the rules, or NULL for PAGE_NORMAL.  An answer that says
 * that it is neither HTML nor plain text is normal.
 */
enum page_class verdict_page(const struct verdict_rules *,
    const struct verdict_input *, const char **rule);
/* A host, or a name under it, to which blocked requests are sent. */
bool verdict_block_host(const struct verdict_rules *, struct span host);
/* An address ("192.0.2.1") that forged DNS answers are known to give. */
bool verdict_forged_address(const struct verdict_rules *, const char *address);

/* Runs every test line of the file the rules were loaded from; one whose
 * result differs is an error with its place.  *run (may be NULL): how many. */
bool verdict_self_test(const struct verdict_rules *,
    struct config_errors *errors, size_t *run);
size_t verdict_rule_count(const struct verdict_rules *);

#endif
