#include <event2/event.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "courier.h"
#include "digest.h"
#include "instant.h"
#include "limit.h"
#include "log.h"
#include "render.h"
#include "store_hooks.h"

static const char help_text[] =
    "Shows the hooks of the configuration and what they are still to be told.\n"
    "\n"
    "  --list         hooks, waiting events and dead letters (the default)\n"
    "  --test NAME    call one hook now with a sample event, and show what\n"
    "                 it prints; nothing is written\n"
    "  --type TYPE    event type of the sample (default: channel.added)\n"
    "  --retry        send the dead letters again, of all hooks or of the\n"
    "                 one that --hook NAME names; a running daemon sees it\n"
    "                 within a few seconds\n"
    "  --hook NAME    only this hook\n"
    "  -c FILE        configuration\n"
    "  -s STATE       state folder\n"
    "\n"
    "Example: kpwatch hooks --test new-channels\n";

struct options {
	const char *config;
	const char *state;
	const char *test;
	const char *hook;
	const char *type;
	bool retry;
	bool list;
	bool help;
};

enum { OPT_TEST = 256, OPT_RETRY, OPT_LIST, OPT_HOOK, OPT_TYPE };

static bool
parse(struct options *o, int argc, char **argv)
{
	static const struct option longs[] = {
	    {"help", no_argument, NULL, 'h'},
	    {"list", no_argument, NULL, OPT_LIST},
	    {"test", required_argument, NULL, OPT_TEST},
	    {"retry", no_argument, NULL, OPT_RETRY},
	    {"hook", required_argument, NULL, OPT_HOOK},
	    {"type", required_argument, NULL, OPT_TYPE},
	    {NULL, 0, NULL, 0},
	};
	int c;

	memset(o, 0, sizeof *o);
	o->type = "channel.added";
	while ((c = getopt_long(argc, argv, "c:s:h", longs, NULL)) != -1) {
		switch (c) {
		case 'c':
			o->config = optarg;
			break;
		case 's':
			o->state = optarg;
			break;
		case 'h':
			o->help = true;
			break;
		case OPT_LIST:
			o->list = true;
			break;
		case OPT_TEST:
			o->test = optarg;
			break;
		case OPT_RETRY:
			o->retry = true;
			break;
		case OPT_HOOK:
			o->hook = optarg;
			break;
		case OPT_TYPE:
			o->type = optarg;
			break;
		default:
			return false;
		}
	}
	return optind == argc && (o->test == NULL || !o->retry);
}

static struct config *
load(const char *given)
{
	struct config_errors errors = {NULL, 0, 0};
	char *path = config_find(given);
	struct config *c = NULL;

	if (path == NULL)
		fprintf(stderr,
		    "kpwatch: there is no configuration; name one "
		    "with -c FILE\n");
	else
		c = config_load(path, NULL, 0, &errors);
	config_errors_print(&errors);
	config_errors_release(&errors);
	free(path);
	return c;
}

static const struct hook_config *
hook_named(const struct config *c, const char *name)
{
	for (size_t i = 0; i < c->nhooks; i++)
		if (strcmp(c->hooks[i].name, name) == 0)
			return &c->hooks[i];
	fprintf(stderr,
	    "kpwatch: no hook is called %s; `kpwatch hooks` lists "
	    "them\n",
	    log_quote_str(name));
	return NULL;
}

/* ---- --test ---- */

struct trial {
	struct event_base *base;
	bool failed;
};

static void
on_done(uint64_t id, const char *name, const struct call_result *r, void *arg)
{
	struct trial *t = arg;
	struct span rest = r->output;

	(void)id;
	while (rest.n > 0) {
		struct buf line = BUF_INIT(64 * KIB);

		quote_bytes(&line, span_token(&rest, '\n'));
		printf("  %s\n", buf_str(&line));
		buf_release(&line);
	}
	if (r->reason == NULL)
		printf("%s: delivered in %" PRId64 " ms\n", name, r->ms);
	else
		printf("%s: failed after %" PRId64 " ms: %s\n", name, r->ms,
		    r->reason);
	t->failed = r->reason != NULL;
	event_base_loopbreak(t->base);
}

static int
test_hook(const struct config *c, const struct options *o)
{
	const struct hook_config *h = hook_named(c, o->test);
	struct buf line = BUF_INIT(EVENT_LINE_MAX);
	struct trial t = {NULL, true};
	struct courier *courier;

	if (h == NULL)
		return EXIT_USAGE;
	signal(SIGPIPE, SIG_IGN);
	t.base = event_base_new();
	if (t.base == NULL)
		fatal("cannot make an event loop");
	courier = courier_new(t.base, on_done, &t);
	hook_sample(&line, o->type, c->vantage, instant_now());
	courier_run_hook(courier, h, 1, buf_span(&line));
	event_base_dispatch(t.base);
	courier_free(courier);
	event_base_free(t.base);
	buf_release(&line);
	return t.failed ? EXIT_FAILED : EXIT_DONE;
}

/* ---- --list ---- */

struct listing {
	const struct config *config;
	const char *only;
	struct table *table;
	bool seen[HOOKS_MAX];
};

static void
list_row(struct listing *l, const char *name, const struct hook_config *h,
    const struct status_hook *s)
{
	table_row(l->table);
	table_cell(l->table, name);
	table_cellf(l->table, "%" PRIu64, s == NULL ? 0 : s->waiting);
	table_cellf(l->table, "%" PRIu64, s == NULL ? 0 : s->retrying);
	table_cellf(l->table, "%" PRIu64, s == NULL ? 0 : s->dead);
	table_cell(l->table, h == NULL ? "(not configured)" : h->command);
	table_cell(l->table, s == NULL ? NULL : s->error);
}

static void
on_hook(const struct status_hook *s, void *arg)
{
	struct listing *l = arg;
	const struct hook_config *h = NULL;

	if (l->only != NULL && strcmp(l->only, s->hook) != 0)
		return;
	for (size_t i = 0; i < l->config->nhooks; i++)
		if (strcmp(l->config->hooks[i].name, s->hook) == 0) {
			h = &l->config->hooks[i];
			l->seen[i] = true;
		}
	list_row(l, s->hook, h, s);
}

static int
list(const struct config *c, const char *state, const char *only)
{
	struct listing l = {c, only, table_new(), {false}};
	struct store_view *view;
	char *why = NULL;
	bool whole;

	table_column(l.table, "HOOK", ALIGN_LEFT, false);
	table_column(l.table, "WAITING", ALIGN_RIGHT, false);
	table_column(l.table, "RETRYING", ALIGN_RIGHT, false);
	table_column(l.table, "DEAD", ALIGN_RIGHT, false);
	table_column(l.table, "COMMAND", ALIGN_LEFT, true);
	table_column(l.table, "LAST FAILURE", ALIGN_LEFT, true);
	view = store_view_open(state, &why);
	if (view != NULL)
		store_view_hooks(view, on_hook, &l);
	whole = store_view_close(view);
	if (why != NULL) { /* else there is no state yet: nothing waits */
		fprintf(stderr, "kpwatch: %s\n", why);
		whole = false;
	}
	free(why);
	for (size_t i = 0; i < c->nhooks; i++)
		if (!l.seen[i] &&
		    (only == NULL || strcmp(only, c->hooks[i].name) == 0))
			list_row(&l, c->hooks[i].name, &c->hooks[i], NULL);
	if (table_rows(l.table) > 0)
		table_print(l.table, stdout);
	else if (whole)
		fprintf(stderr, "kpwatch: no hook is configured\n");
	table_free(l.table);
	return whole ? EXIT_DONE : EXIT_FAILED;
}

static int
retry(const char *state, const char *only)
{
	char *why = NULL;
	size_t n = store_hooks_revive(state, only, instant_now(), &why);

	if (why != NULL) {
		fprintf(stderr, "kpwatch: %s\n", why);
		free(why);
		return EXIT_FAILED;
	}
	printf("%zu dead letter%s will be sent again\n", n, n == 1 ? "" : "s");
	return EXIT_DONE;
}

int
cmd_hooks(int argc, char **argv)
{
	struct options o;
	struct config *c;
	char *state;
	int result;

	if (!parse(&o, argc, argv))
		return command_usage(argv[0]);
	if (o.help) {
		command_help(argv[0], help_text);
		return EXIT_DONE;
	}
	digest_init();
	c = load(o.config);
	if (c == NULL)
		return EXIT_USAGE;
	state = config_state_dir(c, o.state);
	if (o.hook != NULL && !o.retry && hook_named(c, o.hook) == NULL)
		result = EXIT_USAGE;
	else if (o.test != NULL)
		result = test_hook(c, &o);
	else if (o.retry)
		result = retry(state, o.hook);
	else
		result = list(c, state, o.hook);
	free(state);
	config_free(c);
	return result;
}
