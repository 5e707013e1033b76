/* The test lines of platforms.yaml, run against the rules of the file. */

#include <string.h>

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

bool
rules_self_test(const struct rules *r, struct config_errors *errors,
    size_t *run)
{
	struct match m;
	bool good = true;

	match_init(&m);
	for (size_t i = 0; i < r->ntests; i++) {
		const struct rule_test *t = &r->tests[i];
		bool found = rules_classify(r, span_of(t->url), &m);

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
