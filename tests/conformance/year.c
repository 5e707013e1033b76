/*
 * A year of watching, simulated: sites made of stretches of real pages with
 * their kinds of noise, outages and changes planted by a seed, through the
 * watch list, the analysis and the store that the daemon has, with a clock of
 * our own.  Prints what was planted and what was told.
 *
 *	year [-s SEED] [-n SITES] [-d DAYS] [-p PLANTS] [-i HOURS] [-v] [-w
 *SITE]
 *
 * Without arguments: a short form for every check.
 */
#include <getopt.h>

#include "year_page.h"
#include "year_story.h"

/* ---- what a site answers ---- */

static struct hop *
hop_to(struct observation *o, const char *url, const char *host,
    const struct site *s)
{
	struct hop *h = observation_add_hop(o);

	h->url = xstrdup(url);
	h->dns.host = xstrdup(host);
	h->dns.rcode = 0;
	h->address = xasprintf("198.51.%u.%u", s->address / 200 % 256,
	    s->address % 200 + 1);
	dns_record_add(&h->dns, SPAN("A"), 300, span_of(h->address));
	h->port = 80;
	return h;
}

static void
answer(struct hop *h, int status, const char *more, struct span body)
{
	h->status = status;
	h->http_version = 11;
	h->stage = STAGE_BODY;
	h->failure = status >= 400 ? FAILURE_HTTP_STATUS : FAILURE_NONE;
	buf_addf(&h->headers,
	    "HTTP/1.1 %d X\r\nContent-Type: text/html; charset=utf-8\r\n"
	    "%s\r\n",
	    status, more);
	buf_add(&h->body, body.p, body.n);
}

static void
answer_bad(struct hop *h, enum bad bad)
{
	static const char wall[] =
	    "<html><head><title>Just a moment...</title></head><body><script>"
	    "window._cf_chl_opt={}</script><p>Checking your browser</p>"
	    "</body></html>";
	static const char park[] =
	    "<html><body><h1>site.example</h1><p>This domain is for sale. "
	    "Buy this domain.</p></body></html>";
	static const char busy[] =
	    "<html><body><h1>503 Service Unavailable</h1></body></html>";

	switch (bad) {
	case BAD_WALL:
		answer(h, 403, "Server: cloudflare\r\n", SPAN(wall));
		break;
	case BAD_PARKED:
		answer(h, 200, "", SPAN(park));
		break;
	case BAD_BUSY:
		answer(h, 503, "", SPAN(busy));
		break;
	case BAD_TIMEOUT:
		h->failure = FAILURE_TIMEOUT;
		h->stage = STAGE_TCP;
		break;
	case BAD_REFUSED:
		h->failure = FAILURE_CONNECTION_REFUSED;
		h->stage = STAGE_TCP;
		break;
	case BAD_FLAP:
	case BAD_COUNT:
		break;
	}
}

static void
answer_good(struct year *y, struct hop *h, const struct site *s,
    const char *url, uint64_t look)
{
	struct buf page = BUF_INIT(MIB);
	const char *news = strstr(url, "/news/");
	uint32_t n;

	if (news == NULL) {
		site_page(s, y->now, look, &page);
		answer(h, 200, "", buf_span(&page));
	} else {
		n = (uint32_t)strtoul(news + 6, NULL, 10);
		if (s->article_gone[n % 64])
			answer(h, 404, "",
			    SPAN("<html><head><title>404 Not Found</title>"
				 "</head><body><h1>Not Found</h1></body>"
				 "</html>"));
		else {
			site_article(s, n, y->now, look, &page);
			answer(h, 200, "", buf_span(&page));
		}
	}
	buf_release(&page);
}

static bool
look_at(struct year *y, struct watched *w, struct observation *o, enum bad *bad)
{
	struct site *s = &y->sites[strtoul(w->target + 1, NULL, 10)];
	char *host = xasprintf("www.site%u.example", s->nr), *url;
	struct episode *e = episode_now(y, s->nr, y->now);
	uint64_t r = y->seed * 31 + y->looks * 0x9e3779b97f4a7c15u;
	struct hop *h;
	bool good = false;

	observation_init(o);
	o->id = ++y->looks;
	o->time = y->now;
	o->variant = w->next;
	o->vantage = xstrdup("year-1");
	o->target = xstrdup(w->target);
	o->page = xstrdup(w->page);
	o->url = xstrdup(w->url);
	h = hop_to(o, w->url, host, s);
	*bad = e != NULL ? e->bad : BAD_COUNT;
	if (*bad == BAD_FLAP)
		*bad = chance(&r, 0.5) ? BAD_TIMEOUT : BAD_COUNT;
	if (e == NULL && chance(&r, 0.004))
		*bad = below(&r, 2) == 0 ? BAD_TIMEOUT : BAD_BUSY;
	if (*bad != BAD_COUNT) {
		answer_bad(h, *bad);
		if (e != NULL && w->next != VARIANT_TWIN &&
		    strcmp(w->page, "main") == 0 && !w->sample)
			e->seen = e->looks++ == 0 ? y->now : e->seen;
		goto out;
	}
	good = true;
	if (s->moved) {
		answer(h, 301, "Location: http://www.elsewhere.example/\r\n",
		    SPAN_NULL);
		url = xasprintf("http://www.elsewhere%u.example/", s->nr);
		h = hop_to(o, url, url + 7, s);
		free(url);
	}
	answer_good(y, h, s, w->url, o->id);
	if (chance(&r, 0.002)) {
		h->body.len = h->body.len * 2 / 3;
		h->body_cut = true;
		h->failure = FAILURE_EOF;
		good = false;
	}
out:
	free(host);
	return good;
}

/* ---- the daemon's part, as in net_look.c ---- */

static void
plan_next(struct year *y, struct watched *w, const struct advice *a)
{
	int64_t now = y->now_us;

	if (a->confirm_soon) {
		w->next = VARIANT_CONFIRM;
		watchlist_return(y->list, w,
		    now +
			schedule_retry(w->retries++,
			    y->config.retry_first * 1000,
			    y->config.retry_max * 1000));
	} else if (a->twin) {
		w->next = VARIANT_TWIN;
		w->retries = 0;
		watchlist_return(y->list, w, now + y->config.twin_delay * 1000);
	} else {
		w->next = VARIANT_NORMAL;
		w->retries = 0;
		watchlist_return(y->list, w,
		    schedule_next(span_of(w->key), w->round, now, w->interval));
	}
}

static void
visit(struct year *y, struct watched *w)
{
	struct observation o;
	struct finding f;
	struct advice a;
	enum bad bad;
	bool good;

	world_goes_on(y, (uint32_t)strtoul(w->target + 1, NULL, 10));
	good = look_at(y, w, &o, &bad);
	finding_init(&f);
	analysis_run(y->analysis, &o, &f);
	y->variants[w->next]++;
	y->extra += w->next == VARIANT_TWIN || w->archive;
	if (good && w->next != VARIANT_TWIN)
		plants_seen(y, w, w->next == VARIANT_NORMAL);
	if (!store_observe(y->store, &o, &f, &a) || !store_commit(y->store)) {
		printf("Bail out! the store refuses\n");
		exit(1);
	}
	if (y->watch == strtoul(w->target + 1, NULL, 10))
		printf("# %s %lld %u %s %s %s: %zu blocks%s%s\n", w->target,
		    (long long)y->now / 86400000,
		    y->sites[y->watch].first_headline +
			y->sites[y->watch].headlines - 1,
		    variant_name(o.variant), w->url, good ? "good" : "bad",
		    f.nblocks, a.twin ? ", twin" : "",
		    a.confirm_soon ? ", again" : "");
	if (a.sample_slot != NULL)
		watchlist_samples(y->list, &y->config, w->target, &a, y->now_us,
		    120 * INT64_C(1000000));
	plan_next(y, w, &a);
	advice_release(&a);
	observation_release(&o);
	finding_release(&f);
}

static void
run(struct year *y)
{
	int64_t end = y->days * 86400 * INT64_C(1000000), next;
	struct watched *w;

	watchlist_load(y->list, &y->config, 0, y->config.interval * 1000);
	while ((next = watchlist_next(y->list)) < end) {
		if (next > y->now_us)
			y->now_us = next;
		y->now = y->start + y->now_us / 1000;
		w = watchlist_take(y->list, y->now_us);
		if (w != NULL)
			visit(y, w);
	}
}

int
main(int argc, char **argv)
{
	struct year *y = xcalloc(1, sizeof *y);
	int opt;
	bool ok;

	y->seed = 1;
	y->nsites = 30;
	y->days = 75;
	y->nplants = 60;
	y->hours = 12;
	y->watch = EVERYWHERE;
	while ((opt = getopt(argc, argv, "s:n:d:p:i:vw:")) != -1) {
		switch (opt) {
		case 's':
			y->seed = strtoull(optarg, NULL, 10);
			break;
		case 'n':
			y->nsites = (uint32_t)strtoul(optarg, NULL, 10);
			break;
		case 'd':
			y->days = (int64_t)strtoul(optarg, NULL, 10);
			break;
		case 'p':
			y->nplants = (uint32_t)strtoul(optarg, NULL, 10);
			break;
		case 'i':
			y->hours = (uint32_t)strtoul(optarg, NULL, 10);
			break;
		case 'w':
			y->watch = (uint32_t)strtoul(optarg, NULL, 10);
			break;
		case 'v':
			y->verbose = true;
			break;
		default:
			return 2;
		}
	}
	year_open(y);
	run(y);
	ok = year_print(y);
	year_close(y);
	return ok ? 0 : 1;
}
