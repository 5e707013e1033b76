/*
 * The recognition rules of conf/platforms.yaml: what a URL, a class or a
 * widget attribute means.
 *
 * The parent reads the YAML file (rules_load) and hands the rules on in a
 * flat binary form (rules_encode); every other role gets them by message and
 * only decodes.  Matching takes no memory and no time that depends on the
 * number of rules: hosts are found by hash, then a few patterns are tried.
 */
#ifndef KPWATCH_RULES_H
#define KPWATCH_RULES_H

#include "bytes.h"
#include "config.h"
#include "finding.h"

struct rules;
struct url;

/*
 * Reads the YAML file at `path`.  Returns owned rules, or NULL with every
 * error, with its place, added to *errors.
 */
struct rules *rules_load(const char *path, struct config_errors *errors);
/* The same from bytes; `name` is for messages. */
struct rules *rules_parse(struct span yaml, const char *name,
    struct config_errors *errors);
void rules_free(struct rules *);

/* Wire form, without the test lines.  rules_decode() returns owned rules, or
 * NULL on malformed bytes. */
void rules_encode(const struct rules *, struct buf *);
struct rules *rules_decode(struct span);

/* Runs every test line of the file the rules were loaded from; a line whose
 * result differs is an error with its place.  True when all hold; *run (may
 * be NULL) is the number of lines. */
bool rules_self_test(const struct rules *, struct config_errors *errors,
    size_t *run);

/* Of the wire form that the rules were decoded from; 0 when they came from a
 * file. */
uint64_t rules_id(const struct rules *);

size_t rules_platform_count(const struct rules *);
size_t rules_kit_count(const struct rules *);
size_t rules_pattern_count(const struct rules *);
/* Display name of a platform id ("YouTube"); NULL when there is none. */
const char *rules_platform_name(const struct rules *, const char *id);

/* True when account names of the platform ignore ASCII case: names that
 * differ in case only are then one account.  Names themselves are given as
 * written; whether one may be compared so, ids may not, is match.fold. */
bool rules_folds_case(const struct rules *, const char *id);

/* What a URL is.  Strings borrow from the rules, but for `name`, which is
 * written into the buffer that the caller gave. */
struct match {
	enum sighting_kind kind;
	const char *platform;
	bool has_name;	 /* `name` holds an account or content id */
	bool unverified; /* the rule rests on no stored evidence */
	bool fold;	 /* an account whose name ignores ASCII case */
	bool script;	 /* a widget's script or tracker, not a link */
	struct buf name; /* canonical; init and release by match_* */
};

void match_init(struct match *);
void match_release(struct match *);

/*
 * What the rules make of one address as it may be written anywhere: with or
 * without scheme, "//host/…", "host/…", "mailto:…".  Redirectors are
 * unwrapped.  False when nothing is recognised (a web site like any other).
 */
bool rules_classify(const struct rules *, struct span address, struct match *);
/* The same for a URL already parsed and resolved. */
bool rules_match_url(const struct rules *, const struct url *, struct match *);

#endif
