#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "json.h"
#include "limit.h"
#include "log.h"
#include "log_view.h"
#include "render.h"
#include "store.h"

#define CLUSTER_MS     60000 /* went dark within the same minute */
#define CLUSTER_MIN    3     /* fewer are told one by one only */
#define VOLATILE_SHOWN 200   /* bytes of a volatile block */
#define VERDICTS_SHOWN 20    /* latest events about the verdict of a target */

/* A target that is down, for telling outages that go together. */
struct dark {
	char *id;
	char *address;
	char *operator_name;
	int64_t since;
};

struct status {
	const char *config_path;
	const char *state_dir;
	bool json;
	const char *target; /* only this one, with its pages; NULL: all */
	struct buf page;    /* JSON of a page under way */
	struct json page_json;
	bool page_open;
	struct table *table;
	const struct config *config;
	struct dark *dark;
	size_t ndark, dark_cap;
	size_t by_verdict[VERDICT_COUNT];
	size_t held;
};

static enum paint
verdict_paint(enum verdict v)
{
	switch (v) {
	case VERDICT_UP:
		return PAINT_GOOD;
	case VERDICT_DOWN:
	case VERDICT_BLOCKED:
		return PAINT_BAD;
	case VERDICT_DEGRADED:
	case VERDICT_MOVED:
	case VERDICT_PARKED:
		return PAINT_WARN;
	case VERDICT_UNKNOWN:
	case VERDICT_INCONCLUSIVE:
	case VERDICT_COUNT:
		break;
	}
	return PAINT_DIM;
}

static void
print_json(struct buf *line)
{
	printf("%s\n", buf_str(line));
	buf_release(line);
}

static void
key_time(struct json *j, const char *key, int64_t t)
{
	char text[INSTANT_TEXT_MAX];

	json_key_str(j, key, t == INSTANT_NONE ? NULL : instant_text(t, text));
}

static void
target_json(const struct status_target *t)
{
	struct buf line = BUF_INIT(EVENT_LINE_MAX);
	struct json j;

	json_init(&j, &line);
	json_object(&j);
	json_key_str(&j, "target", t->id);
	json_key_str(&j, "verdict", verdict_name(t->verdict));
	key_time(&j, "since", t->since);
	json_key_str(&j, "forming",
	    t->candidate == VERDICT_UNKNOWN ? NULL
					    : verdict_name(t->candidate));
	json_key_int(&j, "looks", t->count);
	json_key_bool(&j, "held", t->held);
	json_key_str(&j, "failure", t->failure);
	json_key_str(&j, "stage", t->stage);
	json_key_str(&j, "class", t->page_class);
	json_key_int(&j, "status", t->status);
	key_time(&j, "last_seen", t->last_seen);
	json_key_str(&j, "addresses", t->address);
	json_key_int(&j, "pages", t->pages);
	key_time(&j, "flapping", t->flapping);
	json_key_int(&j, "hushed", t->hushed);
	json_key_int(&j, "suppressed", (int64_t)t->suppressed);
	for (size_t k = 0; k < SIGHTING_KIND_COUNT; k++)
		json_key_int(&j, sighting_kind_name((enum sighting_kind)k),
		    t->present[k]);
	json_object_end(&j);
	print_json(&line);
}

static void
cell_time(struct table *table, int64_t t)
{
	char text[INSTANT_TEXT_MAX];

	if (t == INSTANT_NONE)
		table_cell(table, NULL);
	else
		table_cellf(table, "%.16sZ", instant_text(t, text));
}

static void
target_row(struct status *st, const struct status_target *t)
{
	struct table *table = st->table;

	table_row(table);
	table_cell(table, t->id);
	table_cell_paint(table, verdict_paint(t->verdict),
	    verdict_name(t->verdict));
	cell_time(table, t->since);
	if (t->flapping != INSTANT_NONE)
		table_cellf(table, "flapping, %u changes not told", t->hushed);
	else if (t->candidate != VERDICT_UNKNOWN)
		table_cellf(table, "%s, %u looks%s", verdict_name(t->candidate),
		    t->count, t->held ? ", held" : "");
	else
		table_cell(table, NULL);
	table_cellf(table, "%u", t->present[SIGHTING_CHANNEL]);
	table_cellf(table, "%u", t->present[SIGHTING_SHARE]);
	table_cellf(table, "%u", t->present[SIGHTING_EMBED]);
	table_cellf(table, "%u", t->present[SIGHTING_PLAYER]);
	table_cell(table,
	    t->verdict == VERDICT_UP ? NULL
		: t->failure != NULL ? t->failure
				     : t->page_class);
	cell_time(table, t->last_seen);
}

static void
note_dark(struct status *st, const struct status_target *t)
{
	const struct target *known =
	    st->config == NULL ? NULL : config_target(st->config, t->id);
	struct dark *d;

	st->dark =
	    xgrow(st->dark, &st->dark_cap, st->ndark + 1, sizeof *st->dark);
	d = &st->dark[st->ndark++];
	d->id = xstrdup(t->id);
	d->address = xstrdup(t->address);
	d->operator_name = known == NULL ? NULL : xstrdup(known->operator_name);
	d->since = t->since;
}

static void
on_target(const struct status_target *t, void *arg)
{
	struct status *st = arg;

	if (st->target != NULL && strcmp(st->target, t->id) != 0)
		return;
	st->by_verdict[t->verdict]++;
	st->held += t->held;
	if (t->verdict == VERDICT_DOWN && t->since != INSTANT_NONE)
		note_dark(st, t);
	if (st->json)
		target_json(t);
	else
		target_row(st, t);
}

static int
by_since(const void *a, const void *b)
{
	const struct dark *x = a, *y = b;

	if (x->since != y->since)
		return x->since < y->since ? -1 : 1;
	return strcmp(x->id, y->id);
}

static bool
all_same(const char *a, const char *b)
{
	return a != NULL && b != NULL && strcmp(a, b) == 0;
}

/* What those that went dark together have in common, as far as is known. */
static const char *
common_cause(const struct dark *d, size_t n)
{
	bool address = true, owner = true;

	for (size_t i = 1; i < n; i++) {
		address = address && all_same(d[0].address, d[i].address);
		owner =
		    owner && all_same(d[0].operator_name, d[i].operator_name);
	}
	return address ? "same address"
	    : owner    ? "same operator"
		       : "no common address or operator";
}

static void
print_cluster(const struct status *st, const struct dark *d, size_t n)
{
	struct buf line = BUF_INIT(EVENT_LINE_MAX);
	char when[INSTANT_TEXT_MAX];
	struct json j;

	if (!st->json) {
		printf("%zu targets went dark within a minute of %.19sZ (%s):",
		    n, instant_text(d->since, when), common_cause(d, n));
		for (size_t i = 0; i < n; i++) {
			fputc(' ', stdout);
			render_text(stdout, false, PAINT_NONE,
			    span_of(d[i].id));
		}
		fputc('\n', stdout);
		return;
	}
	json_init(&j, &line);
	json_object(&j);
	json_key(&j, "cluster");
	json_array(&j);
	for (size_t i = 0; i < n; i++)
		json_str(&j, d[i].id);
	json_array_end(&j);
	key_time(&j, "since", d->since);
	json_key_str(&j, "cause", common_cause(d, n));
	json_object_end(&j);
	print_json(&line);
}

static void
print_clusters(struct status *st)
{
	size_t n;

	if (st->ndark > 1)
		qsort(st->dark, st->ndark, sizeof *st->dark, by_since);
	for (size_t i = 0; i < st->ndark; i += n) {
		for (n = 1; i + n < st->ndark &&
		     st->dark[i + n].since - st->dark[i].since <= CLUSTER_MS;
		     n++)
			continue;
		if (n >= CLUSTER_MIN)
			print_cluster(st, &st->dark[i], n);
	}
}

static void
on_hook(const struct status_hook *h, void *arg)
{
	struct status *st = arg;
	struct buf line = BUF_INIT(EVENT_LINE_MAX);
	struct json j;

	if (!st->json) {
		printf("hook %s: %llu events waiting, %llu retrying, %llu "
		       "given up",
		    log_quote_str(h->hook), (unsigned long long)h->waiting,
		    (unsigned long long)h->retrying,
		    (unsigned long long)h->dead);
		printf("%s%s\n", h->error == NULL ? "" : "; last error: ",
		    h->error == NULL ? "" : log_quote_str(h->error));
		return;
	}
	json_init(&j, &line);
	json_object(&j);
	json_key_str(&j, "hook", h->hook);
	json_key_int(&j, "position", (int64_t)h->position);
	json_key_int(&j, "waiting", (int64_t)h->waiting);
	json_key_int(&j, "retrying", (int64_t)h->retrying);
	json_key_int(&j, "dead", (int64_t)h->dead);
	json_key_str(&j, "error", h->error);
	json_object_end(&j);
	print_json(&line);
}

static void
totals_json(const struct status_totals *t)
{
	struct buf line = BUF_INIT(EVENT_LINE_MAX);
	struct json j;

	json_init(&j, &line);
	json_object(&j);
	json_key_int(&j, "targets", (int64_t)t->targets);
	json_key_int(&j, "pages", (int64_t)t->pages);
	json_key_int(&j, "observations", (int64_t)t->observations);
	json_key_int(&j, "events", (int64_t)t->events);
	json_key_int(&j, "last_seq", (int64_t)t->last_seq);
	key_time(&j, "last_observation", t->last_observation);
	key_time(&j, "last_event", t->last_event);
	json_key_bool(&j, "offline", t->offline);
	json_object_end(&j);
	print_json(&line);
}

static void
totals_text(const struct status *st, const struct status_totals *t)
{
	char when[INSTANT_TEXT_MAX];
	struct event e;

	printf("%llu targets:", (unsigned long long)t->targets);
	for (size_t v = 0; v < VERDICT_COUNT; v++)
		if (st->by_verdict[v] != 0)
			printf(" %zu %s", st->by_verdict[v],
			    verdict_name((enum verdict)v));
	printf("; %llu observations of %llu pages, %llu events\n",
	    (unsigned long long)t->observations, (unsigned long long)t->pages,
	    (unsigned long long)t->events);
	if (st->held > 0)
		printf("%zu not told yet as down: no other target has "
		       "answered since\n",
		    st->held);
	if (t->offline)
		printf("this vantage is offline since %s\n",
		    instant_text(t->offline_since, when));
	if (t->last_event_line != NULL &&
	    event_read(&e, span_of(t->last_event_line), NULL)) {
		fputs("last event: ", stdout);
		event_print(stdout, render_colour(stdout), &e);
		event_release(&e);
	}
}

static struct table *
status_table(void)
{
	struct table *t = table_new();

	table_column(t, "TARGET", ALIGN_LEFT, false);
	table_column(t, "VERDICT", ALIGN_LEFT, false);
	table_column(t, "SINCE", ALIGN_LEFT, false);
	table_column(t, "FORMING", ALIGN_LEFT, true);
	table_column(t, "CH", ALIGN_RIGHT, false);
	table_column(t, "SH", ALIGN_RIGHT, false);
	table_column(t, "EM", ALIGN_RIGHT, false);
	table_column(t, "PL", ALIGN_RIGHT, false);
	table_column(t, "FAILURE", ALIGN_LEFT, true);
	table_column(t, "LAST LOOK", ALIGN_LEFT, false);
	return t;
}

static void
dark_free(struct status *st)
{
	for (size_t i = 0; i < st->ndark; i++) {
		free(st->dark[i].id);
		free(st->dark[i].address);
		free(st->dark[i].operator_name);
	}
	free(st->dark);
}

/* ---- the pages of one target ---- */

static void
page_end(struct status *st)
{
	if (!st->page_open)
		return;
	json_array_end(&st->page_json);
	json_object_end(&st->page_json);
	print_json(&st->page);
	st->page_open = false;
}

static const char *
page_kind(const struct status_page *p)
{
	return !p->sampled ? "page"
	    : p->archived  ? "old sample"
	    : p->watched   ? "sample"
			   : "sample no longer watched";
}

static void
page_begin_json(struct status *st, const struct status_page *p)
{
	struct json *j = &st->page_json;

	page_end(st);
	buf_init(&st->page, EVENT_LINE_MAX);
	json_init(j, &st->page);
	json_object(j);
	json_key_str(j, "page", p->slot);
	json_key_str(j, "url", p->url);
	key_time(j, "last_seen", p->last_seen);
	key_time(j, "last_good", p->last_good);
	json_key_int(j, "visits", (int64_t)p->visits);
	json_key_int(j, "twins", (int64_t)p->twins);
	json_key_str(j, "kind", page_kind(p));
	json_key_int(j, "gone", (int64_t)p->gone);
	json_key_int(j, "suppressed", (int64_t)p->suppressed);
	json_key_int(j, "flickers", (int64_t)p->flickers);
	json_key_int(j, "reordered", (int64_t)p->reordered);
	json_key_int(j, "markup", (int64_t)p->markup);
	json_key_int(j, "volatile_places", p->places);
	json_key_int(j, "volatile_sightings", p->links);
	json_key(j, "volatile");
	json_array(j);
	st->page_open = true;
}

static void
on_page(const struct status_page *p, void *arg)
{
	struct status *st = arg;
	char text[INSTANT_TEXT_MAX];

	if (st->json) {
		page_begin_json(st, p);
		return;
	}
	printf("page ");
	render_text(stdout, render_colour(stdout), PAINT_STRONG,
	    span_of(p->slot));
	putchar(' ');
	render_text(stdout, false, PAINT_NONE, span_of(p->url));
	printf("\n    %s: %llu visits and %llu twins, last good %s%s\n",
	    page_kind(p), (unsigned long long)p->visits,
	    (unsigned long long)p->twins,
	    p->last_good == INSTANT_NONE ? "never"
					 : instant_text(p->last_good, text),
	    p->gone > 0 ? ", not found since" : "");
	printf("    not told: %llu text blocks and %llu sightings that come and"
	       " go, %llu reorderings,\n    %llu looks with other bytes only "
	       "(attributes, scripts, dates, counts)\n"
	       "    volatile now: %u places in the text, %u sightings\n",
	    (unsigned long long)p->suppressed, (unsigned long long)p->flickers,
	    (unsigned long long)p->reordered, (unsigned long long)p->markup,
	    p->places, p->links);
}

static void
on_volatile_text(const char *text, void *arg)
{
	struct status *st = arg;
	struct span s = span_of(text);

	s.n = utf8_clip(s, VOLATILE_SHOWN);
	if (st->json) {
		json_span(&st->page_json, s);
		return;
	}
	fputs("    ~ ", stdout);
	render_text(stdout, render_colour(stdout), PAINT_DIM, s);
	putchar('\n');
}

/* ---- the verdicts of one target ---- */

static bool
on_verdict(uint64_t seq, struct span line, void *arg)
{
	struct status *st = arg;
	struct event e;

	(void)seq;
	if (st->json) {
		printf("%.*s\n", (int)line.n, line.p);
	} else if (event_read(&e, line, NULL)) {
		event_print(stdout, render_colour(stdout), &e);
		event_release(&e);
	}
	return true;
}

static bool
show_one(struct status *st, struct store_view *v)
{
	bool known;

	st->table = status_table();
	store_view_targets(v, on_target, st);
	if (!st->json && table_rows(st->table) > 0)
		table_print(st->table, stdout);
	table_free(st->table);
	dark_free(st);
	store_view_verdicts(v, st->target, VERDICTS_SHOWN, on_verdict, st);
	known = store_view_pages(v, st->target, on_page, on_volatile_text, st);
	page_end(st);
	if (!known)
		fprintf(stderr,
		    "kpwatch: %s: no look at such a target is "
		    "stored\n",
		    st->target);
	return known;
}

static void
show(struct status *st, struct store_view *v)
{
	struct status_totals totals;

	st->table = status_table();
	store_view_targets(v, on_target, st);
	if (!st->json && table_rows(st->table) > 0)
		table_print(st->table, stdout);
	print_clusters(st);
	store_view_hooks(v, on_hook, st);
	store_view_totals(v, &totals);
	if (st->json)
		totals_json(&totals);
	else
		totals_text(st, &totals);
	table_free(st->table);
	dark_free(st);
}

static int
run(struct status *st)
{
	struct config_errors errors = {0};
	struct store_view *v = NULL;
	struct config *config = NULL;
	struct log_place place;
	char *why = NULL, *path;
	bool known = true;

	if (!log_place_find(&place, st->config_path, st->state_dir))
		return EXIT_USAGE;
	/* Only for the operators' names: done without where there is none. */
	path = config_find(st->config_path);
	if (path != NULL)
		config = config_load(path, NULL, 0, &errors);
	st->config = config;
	v = store_view_open(place.state_dir, &why);
	if (v == NULL && why == NULL)
		fprintf(stderr,
		    "kpwatch: %s: there is no state here; name its folder "
		    "with -s\n",
		    place.state_dir);
	else if (v == NULL)
		fprintf(stderr, "kpwatch: %s\n", why);
	else if (st->target == NULL)
		show(st, v);
	else
		known = show_one(st, v);
	known = v != NULL && store_view_close(v) && known;
	config_free(config);
	config_errors_release(&errors);
	log_place_release(&place);
	free(path);
	free(why);
	return known ? EXIT_DONE : EXIT_FAILED;
}

static const char help[] =
    "Reads the state folder beside a running daemon, or without one.  With a\n"
    "target: its latest verdicts, its pages and samples, and what of them\n"
    "changes by itself and is not told.\n"
    "\n"
    "  -c FILE    configuration\n"
    "  -s STATE   state folder\n"
    "  --json     one object a line: targets, clusters, hooks, totals\n";

int
cmd_status(int argc, char **argv)
{
	static const struct option options[] = {{"json", no_argument, NULL,
						    'j'},
	    {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
	struct status st = {0};
	int opt;

	while ((opt = getopt_long(argc, argv, "c:s:", options, NULL)) != -1) {
		switch (opt) {
		case 'c':
			st.config_path = optarg;
			break;
		case 's':
			st.state_dir = optarg;
			break;
		case 'j':
			st.json = true;
			break;
		case 'h':
			command_help("status", help);
			return EXIT_DONE;
		default:
			return command_usage("status");
		}
	}
	if (argc - optind > 1)
		return command_usage("status");
	st.target = argv[optind]; /* NULL at the end */
	return run(&st);
}
