/*
 * kpwatch check: one look now at targets or URLs, a table of what was found.
 * The same processes as the daemon's, but the parent stands where the store
 * would: nothing is kept.
 */
#include <event2/event.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "diff.h"
#include "finding.h"
#include "instant.h"
#include "json.h"
#include "limit.h"
#include "log.h"
#include "observation.h"
#include "render.h"
#include "setup.h"
#include "supervisor.h"
#include "url.h"

struct result {
	struct observation observation; /* without bodies */
	struct finding finding;
};

struct check {
	struct event_base *base;
	struct supervisor *supervisor;
	struct setup setup;
	struct common_options options;
	struct result *results;
	size_t n;
	size_t cap;
	size_t looked; /* second looks not counted */
	size_t expected;
	struct progress progress;
	bool interrupted;
};

static const char help[] =
    "  -c FILE        configuration\n"
    "  -o KEY=VALUE   override one key of the configuration\n"
    "  --json         one JSON object a page\n\n"
    "Without operands the main page of every enabled target is looked at.  A\n"
    "TARGET is an id of the catalogue, and all its pages are looked at; a URL\n"
    "need not be in it.  Nothing is stored.\n"
    "Exit 0 when everything was looked at, whatever was found; 1 when the\n"
    "look itself failed.  Example: kpwatch check uriminzokkiri\n";

/* A single look at each page may go a little faster than a watch that never
 * ends; half of the catalogue is behind a handful of addresses. */
#define SPACING_MAX_MS 1000

/* ---- choosing ---- */

static bool
is_url(const char *s)
{
	return span_starts_i(span_of(s), "http://") ||
	    span_starts_i(span_of(s), "https://");
}

static bool
select_target(struct config *c, const char *id)
{
	for (size_t i = 0; i < c->ntargets; i++)
		if (strcmp(c->targets[i].id, id) == 0) {
			c->targets[i].enabled = true;
			return true;
		}
	return false;
}

/* A URL becomes a target of its own, named by its host. */
static bool
add_url(struct config *c, const char *text)
{
	struct url url;
	struct target *t;
	bool ok;

	url_init(&url);
	ok = url_parse(&url, span_of(text), NULL) && url_is_http(&url);
	if (ok) {
		c->targets = xreallocarray(c->targets, c->ntargets + 1,
		    sizeof *c->targets);
		t = &c->targets[c->ntargets++];
		memset(t, 0, sizeof *t);
		t->id = span_dup(url.host);
		t->name = span_dup(url.host);
		t->status = xstrdup("unknown");
		t->enabled = true;
		t->pages = xcalloc(1, sizeof *t->pages);
		t->npages = 1;
		t->pages[0].name = xstrdup("main");
		t->pages[0].url = span_dup(buf_span(&url.href));
	}
	url_release(&url);
	config_index(c);
	return ok;
}

/* Of the whole catalogue, the first page of each. */
static void
keep_first_pages(struct config *c)
{
	for (size_t i = 0; i < c->ntargets; i++) {
		struct target *t = &c->targets[i];

		while (t->npages > 1) {
			struct page_slot *p = &t->pages[--t->npages];

			free(p->name);
			free(p->url);
			free(p->match);
			free(p->note);
		}
	}
}

static bool
choose(struct config *c, int n, char *const *operands)
{
	bool ok = true;

	c->ncontrols = 0;
	if (c->spacing > SPACING_MAX_MS)
		c->spacing = SPACING_MAX_MS;
	if (n == 0) {
		keep_first_pages(c);
		return true;
	}
	for (size_t i = 0; i < c->ntargets; i++)
		c->targets[i].enabled = false;
	for (int i = 0; i < n; i++) {
		if (is_url(operands[i]) ? add_url(c, operands[i])
					: select_target(c, operands[i]))
			continue;
		fprintf(stderr,
		    "kpwatch check: '%s' is no target of the "
		    "catalogue and no http(s) URL\n",
		    operands[i]);
		ok = false;
	}
	return ok;
}

static size_t
count_pages(const struct config *c)
{
	size_t n = 0;

	for (size_t i = 0; i < c->ntargets; i++)
		for (size_t p = 0; p < c->targets[i].npages; p++)
			n += c->targets[i].enabled &&
			    !target_shares_list(&c->targets[i], p);
	return n;
}

/* ---- gathering ---- */

static void
take_record(struct check *k, const struct message *m)
{
	struct cursor c;
	struct span observation, finding;
	struct result *r;

	cursor_init(&c, m->data.p, m->data.n);
	observation = cursor_bytes(&c, JOB_BYTES_MAX);
	cursor_bytes(&c, PACKETS_KEEP_MAX); /* nobody captured any */
	finding = cursor_bytes(&c, FINDING_BYTES_MAX);
	k->results = xgrow(k->results, &k->cap, k->n + 1, sizeof *k->results);
	r = &k->results[k->n];
	if (!cursor_done(&c) ||
	    !observation_decode(&r->observation, observation))
		fatal("malformed record from the network process");
	if (!finding_decode(&r->finding, finding)) {
		/* A worker that lies costs its own finding only. */
		finding_init(&r->finding);
		r->finding.status = ANALYSIS_FAILED;
		finding_note(&r->finding, "malformed finding");
	}
	k->n++;
	k->looked += r->observation.variant == VARIANT_NORMAL;
	progress_set(&k->progress, k->looked, r->observation.target,
	    monotonic_us());
}

static void
on_message(const struct message *m, void *arg)
{
	struct check *k = arg;

	if (m->type == MSG_RECORD)
		take_record(k, m);
	else if (m->type == MSG_DONE)
		supervisor_stop(k->supervisor);
}

static void
on_interrupt(evutil_socket_t sig, short what, void *arg)
{
	struct check *k = arg;

	(void)sig;
	(void)what;
	k->interrupted = true;
	supervisor_stop(k->supervisor);
}

/* ---- showing ---- */

static size_t
count_kind(const struct finding *f, enum sighting_kind kind)
{
	size_t n = 0;

	for (size_t i = 0; i < f->nsightings; i++)
		n += f->sightings[i].kind == kind;
	return n;
}

static enum paint
verdict_paint(enum verdict v)
{
	switch (v) {
	case VERDICT_UP:
		return PAINT_GOOD;
	case VERDICT_DEGRADED:
	case VERDICT_MOVED:
		return PAINT_WARN;
	default:
		return PAINT_BAD;
	}
}

/* "dns_nxdomain_error at dns", "blocked_by_policy", "" */
static void
failure_text(const struct hop *h, struct buf *out)
{
	if (h->failure != FAILURE_NONE)
		buf_add_str(out, failure_name(h->failure));
	if (h->failure == FAILURE_UNKNOWN && h->failure_text != NULL)
		buf_addf(out, ": %s", h->failure_text);
	if (h->failure != FAILURE_NONE && stage_name(h->stage) != NULL)
		buf_addf(out, " at %s", stage_name(h->stage));
	if (h->outcome != OUTCOME_NONE)
		buf_addf(out, "%s%s", out->len > 0 ? ", " : "",
		    outcome_name(h->outcome));
}

static void
add_row(struct table *t, const struct result *r)
{
	const struct observation *o = &r->observation;
	const struct finding *f = &r->finding;
	const struct hop *h = observation_last(o);
	enum verdict v = verdict_of(o, f);
	struct buf failure = BUF_INIT(512);

	failure_text(h, &failure);
	table_row(t);
	table_cell(t, o->target);
	table_cell(t, o->page);
	table_cell_paint(t, verdict_paint(v), verdict_name(v));
	table_cell(t, failure.len > 0 ? buf_str(&failure) : NULL);
	table_cell(t, h->address);
	if (h->marks.last_byte >= 0)
		table_cellf(t, "%" PRId64, h->marks.last_byte / 1000);
	else
		table_cell(t, NULL);
	if (h->status != 0)
		table_cellf(t, "%d", h->status);
	else
		table_cell(t, NULL);
	table_cell(t, f->title);
	table_cell(t, f->charset);
	table_cellf(t, "%" PRIu64, f->body_length);
	table_cell_span(t, span_slice(span_of(f->body_sha256), 0, 12),
	    PAINT_DIM);
	table_cellf(t, "%zu/%zu/%zu", count_kind(f, SIGHTING_CHANNEL),
	    count_kind(f, SIGHTING_SHARE), count_kind(f, SIGHTING_EMBED));
	for (size_t i = 0; i < f->nsightings; i++) {
		const struct sighting *s = &f->sightings[i];
		struct buf line = BUF_INIT(4 * KIB);

		if (s->kind != SIGHTING_CHANNEL && s->kind != SIGHTING_SUSPECT)
			continue;
		buf_addf(&line, "%s %s/%s  ", sighting_kind_name(s->kind),
		    s->platform, s->name == NULL ? "-" : s->name);
		if (s->url != NULL)
			buf_add_str(&line, s->url);
		table_note(t, buf_span(&line));
		buf_release(&line);
	}
	buf_release(&failure);
}

static void
print_table(const struct check *k)
{
	static const struct {
		const char *heading;
		enum align align;
		bool shrink;
	} columns[] = {{"TARGET", ALIGN_LEFT, false},
	    {"PAGE", ALIGN_LEFT, false}, {"VERDICT", ALIGN_LEFT, false},
	    {"FAILURE", ALIGN_LEFT, true}, {"ADDRESS", ALIGN_LEFT, false},
	    {"MS", ALIGN_RIGHT, false}, {"HTTP", ALIGN_RIGHT, false},
	    {"TITLE", ALIGN_LEFT, true}, {"CHARSET", ALIGN_LEFT, false},
	    {"BYTES", ALIGN_RIGHT, false}, {"SHA-256", ALIGN_LEFT, false},
	    {"CH/SH/EM", ALIGN_RIGHT, false}};
	struct table *t = table_new();

	for (size_t i = 0; i < ARRAY_LEN(columns); i++)
		table_column(t, columns[i].heading, columns[i].align,
		    columns[i].shrink);
	for (size_t i = 0; i < k->n; i++)
		add_row(t, &k->results[i]);
	table_print(t, stdout);
	table_free(t);
}

static void
json_sightings(struct json *j, const struct finding *f)
{
	json_key(j, "sightings");
	json_array(j);
	for (size_t i = 0; i < f->nsightings; i++) {
		const struct sighting *s = &f->sightings[i];

		json_object(j);
		json_key_str(j, "kind", sighting_kind_name(s->kind));
		json_key_str(j, "platform", s->platform);
		json_key_str(j, "name", s->name);
		json_key_str(j, "url", s->url);
		json_key_str(j, "element", s->element);
		json_key_str(j, "kit", s->kit);
		json_key_int(j, "count", s->count);
		json_object_end(j);
	}
	json_array_end(j);
}

static void
json_times(struct json *j, const struct marks *m)
{
	static const char *const names[] = {"tcp_start", "tcp_done", "tls_done",
	    "request_sent", "first_byte", "last_byte"};
	const int64_t values[] = {m->tcp_start, m->tcp_done, m->tls_done,
	    m->request_sent, m->first_byte, m->last_byte};

	json_key(j, "times_us");
	json_object(j);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (values[i] >= 0)
			json_key_int(j, names[i], values[i]);
	json_object_end(j);
}

static void
print_json(const struct result *r)
{
	const struct observation *o = &r->observation;
	const struct finding *f = &r->finding;
	const struct hop *h = observation_last(o);
	struct buf line = BUF_INIT(64 * MIB);
	char text[INSTANT_TEXT_MAX];
	struct json j;

	json_init(&j, &line);
	json_object(&j);
	json_key_str(&j, "time", instant_text(o->time, text));
	json_key_str(&j, "target", o->target);
	json_key_str(&j, "page", o->page);
	json_key_str(&j, "variant", variant_name(o->variant));
	json_key_str(&j, "url", o->url);
	json_key_str(&j, "final_url", h->url);
	json_key_str(&j, "verdict", verdict_name(verdict_of(o, f)));
	json_key_str(&j, "failure", failure_name(h->failure));
	json_key_str(&j, "stage", stage_name(h->stage));
	json_key_str(&j, "outcome", outcome_name(h->outcome));
	json_key_str(&j, "address", h->address);
	json_key_int(&j, "hops", (int64_t)o->nhops);
	json_key_int(&j, "status", h->status);
	json_times(&j, &h->marks);
	json_key_str(&j, "certificate",
	    h->nchain > 0 ? h->chain[0].sha256 : NULL);
	json_key_str(&j, "page_class", page_class_name(f->page_class));
	json_key_str(&j, "title", f->title);
	json_key_str(&j, "charset", f->charset);
	json_key_int(&j, "bytes", (int64_t)f->body_length);
	json_key_str(&j, "sha256",
	    f->body_sha256[0] != '\0' ? f->body_sha256 : NULL);
	json_key_str(&j, "text_sha256",
	    f->text_sha256[0] != '\0' ? f->text_sha256 : NULL);
	json_sightings(&j, f);
	json_object_end(&j);
	printf("%s\n", buf_str(&line));
	buf_release(&line);
}

static int
by_target(const void *a, const void *b)
{
	const struct observation *x = &((const struct result *)a)->observation;
	const struct observation *y = &((const struct result *)b)->observation;
	int c = strcmp(x->target, y->target);

	if (c == 0)
		c = strcmp(x->page, y->page);
	if (c == 0)
		c = (int)x->variant - (int)y->variant;
	return c;
}

static void
summarise(const struct check *k)
{
	size_t count[VERDICT_COUNT] = {0};

	for (size_t i = 0; i < k->n; i++)
		if (k->results[i].observation.variant == VARIANT_NORMAL)
			count[verdict_of(&k->results[i].observation,
			    &k->results[i].finding)]++;
	fprintf(stderr, "%zu of %zu pages:", k->looked, k->expected);
	for (size_t v = 0; v < VERDICT_COUNT; v++)
		if (count[v] > 0)
			fprintf(stderr, " %zu %s", count[v],
			    verdict_name((enum verdict)v));
	fputc('\n', stderr);
}

/* ---- running ---- */

static void
look(struct check *k)
{
	struct supervisor_plan plan = {
	    .mode = SUPERVISE_CHECK,
	    .config = k->setup.config,
	    .rules = buf_span(&k->setup.rules),
	    .recognition = buf_span(&k->setup.recognition),
	    .verdicts = buf_span(&k->setup.verdicts),
	    .ca_bundle = buf_span(&k->setup.ca_bundle),
	    .message = on_message,
	    .arg = k,
	};
	struct event *interrupt, *terminate;

	signal(SIGPIPE, SIG_IGN);
	k->base = event_base_new();
	if (k->base == NULL)
		fatal("cannot make an event loop");
	interrupt = evsignal_new(k->base, SIGINT, on_interrupt, k);
	terminate = evsignal_new(k->base, SIGTERM, on_interrupt, k);
	event_add(interrupt, NULL);
	event_add(terminate, NULL);
	k->supervisor = supervisor_new(k->base, &plan);
	progress_init(&k->progress, stderr, "looking", k->expected,
	    monotonic_us());
	if (supervisor_start(k->supervisor))
		event_base_dispatch(k->base);
	progress_clear(&k->progress);
	k->interrupted |= supervisor_result(k->supervisor) != 0;
	supervisor_free(k->supervisor);
	event_free(interrupt);
	event_free(terminate);
	event_base_free(k->base);
}

static void
results_release(struct check *k)
{
	for (size_t i = 0; i < k->n; i++) {
		observation_release(&k->results[i].observation);
		finding_release(&k->results[i].finding);
	}
	free(k->results);
}

int
cmd_check(int argc, char **argv)
{
	struct check k = {0};
	int at = common_options_parse(&k.options, argc, argv, "coj");
	int result = EXIT_USAGE;

	if (at < 0)
		return EXIT_USAGE;
	if (k.options.help) {
		command_help(argv[0], help);
		return EXIT_DONE;
	}
	if (!setup_load(&k.setup, &k.options))
		return EXIT_USAGE;
	if (!choose(k.setup.config, argc - at, argv + at) ||
	    !setup_load_network(&k.setup))
		goto out;
	k.expected = count_pages(k.setup.config);
	look(&k);
	qsort(k.results, k.n, sizeof *k.results, by_target);
	if (k.options.json)
		for (size_t i = 0; i < k.n; i++)
			print_json(&k.results[i]);
	else
		print_table(&k);
	summarise(&k);
	result =
	    k.interrupted || k.looked < k.expected ? EXIT_FAILED : EXIT_DONE;
out:
	results_release(&k);
	setup_release(&k.setup);
	return result;
}
