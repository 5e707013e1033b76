#include <stdlib.h>
#include <string.h>
#include <sqlite3.h>

#include "limit.h"
#include "store_db.h"

static bool
is_listed(const struct advice *a, const char *url)
{
	for (size_t i = 0; i < a->nsamples; i++)
		if (strcmp(a->samples[i].url, url) == 0)
			return true;
	return false;
}

static void
add_sample(struct store *st, int64_t target, struct advice *a, const char *url,
    bool archive)
{
	a->samples =
	    xreallocarray(a->samples, a->nsamples + 1, sizeof *a->samples);
	a->samples[a->nsamples++] =
	    (struct advice_sample){xstrdup(a->sample_slot), xstrdup(url),
		archive};
	db_run(&st->db,
	    "UPDATE page_facts SET watched = ?4 WHERE target = ?1"
	    " AND slot = ?2 AND url = ?3",
	    "issi", target, a->sample_slot, url,
	    archive ? INT64_C(2) : INT64_C(1));
}

/* Some of those that left the list, the same ones as long as they last: the
 * order is by a hash of the row.  What seems to be gone comes first. */
static void
add_archive(struct store *st, int64_t target, const struct page_slot *slot,
    struct advice *a)
{
	char *urls[SAMPLES_MAX];
	size_t n = 0;
	sqlite3_stmt *s;

	if (slot->archive_sample == 0)
		return;
	s = db_query(&st->db,
	    "SELECT url FROM pages WHERE target = ?1 AND slot = ?2"
	    " AND sampled = 1 AND watched = 0 AND last_good IS NOT NULL"
	    " ORDER BY gone NOT BETWEEN 1 AND 2,"
	    " page * 2654435761 % 4294967296 LIMIT ?3",
	    "isi", target, slot->name, (int64_t)slot->archive_sample);
	while (db_row(&st->db, s) && n < SAMPLES_MAX)
		urls[n++] = column_text(s, 0);
	sqlite3_reset(s);
	for (size_t i = 0; i < n; i++) {
		if (a->nsamples < SAMPLES_MAX && !is_listed(a, urls[i]))
			add_sample(st, target, a, urls[i], true);
		free(urls[i]);
	}
}

void
samples_advise(struct store *st, int64_t target, const struct target *config,
    const struct observation *o, const struct finding *f, struct advice *a)
{
	const struct page_slot *slot = NULL;

	for (size_t i = 0; config != NULL && i < config->npages; i++)
		if (config->pages[i].match != NULL &&
		    strcmp(config->pages[i].url, o->url) == 0)
			slot = &config->pages[i];
	if (slot == NULL || slot->sample == 0)
		return;
	db_run(&st->db,
	    "UPDATE page_facts SET watched = 0 WHERE target = ?1"
	    " AND slot = ?2 AND sampled = 1",
	    "is", target, slot->name);
	a->sample_slot = xstrdup(slot->name);
	for (size_t i = 0; i < f->nlinks && a->nsamples < slot->sample; i++)
		if (glob_match(slot->match, f->links[i]) &&
		    strcmp(f->links[i], slot->url) != 0 &&
		    !is_listed(a, f->links[i]))
			add_sample(st, target, a, f->links[i], false);
	add_archive(st, target, slot, a);
}
