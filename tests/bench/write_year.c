/*
 * A year of state by the store's own writer: a headline more on every page of
 * the catalogue each day, a new channel each week, an outage each month.
 *
 *	write_year STATE DAYS
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis.h"
#include "config.h"
#include "instant.h"
#include "limit.h"
#include "store.h"

#define DAY_MS	    INT64_C(86400000)
#define HOUR_MS	    INT64_C(3600000)
#define HEADLINES   40 /* on a page */
#define OUTAGE_DAYS 30
#define DOWN_LOOKS  3

struct writer {
	struct config *config;
	struct rules *rules;
	struct verdict_rules *verdicts;
	struct analysis *analysis;
	struct store *store;
	uint64_t looks;
};

static void
write_page(size_t target, int64_t day, struct buf *out)
{
	buf_addf(out, "<html><title>Paper %zu</title><body>", target);
	for (int64_t i = day; i > day - HEADLINES; i--)
		buf_addf(out,
		    "<p>Headline %lld of paper %zu, on what was said and done "
		    "that day in the field of work number %lld</p>",
		    (long long)i, target, (long long)(i * 7919 % 1000));
	for (int64_t i = 0; i <= day / 7; i++)
		buf_addf(out,
		    "<a href='https://www.youtube.com/@paper%zu-%lld'>video"
		    "</a>",
		    target, (long long)i);
	buf_add_str(out, "</body></html>");
}

static void
look(struct writer *w, size_t i, int64_t day, int64_t time, bool down)
{
	const struct target *t = &w->config->targets[i];
	struct observation o;
	struct finding f;
	struct advice a;
	struct hop *h;

	observation_init(&o);
	o.id = ++w->looks;
	o.time = time;
	o.vantage = xstrdup("year");
	o.target = xstrdup(t->id);
	o.page = xstrdup(t->pages[0].name);
	o.url = xstrdup(t->pages[0].url);
	h = observation_add_hop(&o);
	h->url = xstrdup(o.url);
	if (down) {
		h->failure = FAILURE_CONNECTION_REFUSED;
		h->stage = STAGE_TCP;
	} else {
		h->status = 200;
		h->http_version = 11;
		h->stage = STAGE_BODY;
		buf_add_str(&h->headers,
		    "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n");
		write_page(i, day, &h->body);
	}
	finding_init(&f);
	analysis_run(w->analysis, &o, &f);
	if (!store_observe(w->store, &o, &f, &a)) {
		fprintf(stderr, "the store refuses\n");
		exit(1);
	}
	advice_release(&a);
	observation_release(&o);
	finding_release(&f);
}

/* Twice that day, so that a change may be confirmed; and in its outage.  In
 * the order of time, as looks are. */
static void
write_day(struct writer *w, int64_t day, int64_t time)
{
	for (int64_t k = 0; k < 2 + DOWN_LOOKS; k++)
		for (size_t i = 0; i < w->config->ntargets; i++)
			if (w->config->targets[i].npages > 0 &&
			    (k < 2 || (day + (int64_t)i) % OUTAGE_DAYS == 0))
				look(w, i, day, time + k * HOUR_MS, k >= 2);
	if (!store_commit(w->store) || !store_flush(w->store)) {
		fprintf(stderr, "the store refuses\n");
		exit(1);
	}
}

static void
writer_open(struct writer *w, const char *state)
{
	struct config_errors errors = {NULL, 0, 0};
	struct store_options o = {.state_dir = state};
	char *why = NULL;

	w->config = config_load("conf/kpwatch.yaml", NULL, 0, &errors);
	w->rules = rules_load("conf/platforms.yaml", &errors);
	w->verdicts = verdict_load("conf/verdicts.yaml", &errors);
	config_errors_print(&errors);
	if (w->config == NULL || w->rules == NULL || w->verdicts == NULL)
		exit(1);
	analysis_init();
	w->analysis = analysis_new(w->rules, w->verdicts);
	o.config = w->config;
	w->store = store_open(&o, &why);
	if (w->store == NULL) {
		fprintf(stderr, "%s\n", why);
		exit(1);
	}
}

int
main(int argc, char **argv)
{
	struct writer w = {0};
	int64_t days, start;

	if (argc != 3)
		return 2;
	days = strtoll(argv[2], NULL, 10);
	writer_open(&w, argv[1]);
	start = instant_now() - days * DAY_MS;
	for (int64_t day = 0; day < days; day++)
		write_day(&w, day, start + day * DAY_MS);
	store_close(w.store);
	analysis_free(w.analysis);
	rules_free(w.rules);
	verdict_free(w.verdicts);
	config_free(w.config);
	return 0;
}
