/* The test lines of platforms.yaml, run against the rules of the file. */

#include <string.h>

#include "limit.h"
#include "rules_table.h"

static const char *
kind_text(enum sighting_kind kind)
{
	return kind < SIGHTING_KIND_COUNT ? sighting_kind_name(kind)
					  : "nothing";
}

static bool
test_holds(const struct rule_test *t, bool found, const struct match *m)
{
	if (t->nothing || !found)
		return t->nothing && !found;
	return m->kind == t->kind && strcmp(m->platform, t->platform) == 0 &&
	    m->has_name == (t->name != NULL) &&
	    (t->name == NULL || strcmp(buf_str(&m->name), t->name) == 0);
}

static bool
page_test_run(const struct rules *r, const struct rule_test *t,
    struct config_errors *errors)
{
	struct buf got = BUF_INIT(4 * KIB);
	bool good = rules_page_test(r, t, &got);

	if (!good)
		config_errors_add(errors, r->file, t->line, t->column,
		    "%s gives %s, not %s %s %s", t->html, buf_str(&got),
		    t->nothing ? "nothing" : kind_text(t->kind),
		    t->nothing ? "" : t->platform,
		    t->name == NULL ? "-" : t->name);
	buf_release(&got);
	return good;
}

bool
rules_self_test(const struct rules *r, struct config_errors *errors,
    size_t *run)
{
	struct match m;
	bool good = true;

	match_init(&m);
	for (size_t i = 0; i < r->ntests; i++) {
		const struct rule_test *t = &r->tests[i];
		bool found;

		if (t->html != NULL) {
			good = page_test_run(r, t, errors) && good;
			continue;
		}
		found = rules_classify(r, span_of(t->url), &m);
		if (test_holds(t, found, &m))
			continue;
		good = false;
		config_errors_add(errors, r->file, t->line, t->column,
		    "%s gives %s %s %s, not %s %s %s", t->url,
		    found ? m.platform : "nothing",
		    found ? kind_text(m.kind) : "",
		    found && m.has_name ? buf_str(&m.name) : "-",
		    t->nothing ? "nothing" : t->platform,
		    t->nothing ? "" : kind_text(t->kind),
		    t->name == NULL ? "-" : t->name);
	}
	if (run != NULL)
		*run = r->ntests;
	match_release(&m);
	return good;
}
