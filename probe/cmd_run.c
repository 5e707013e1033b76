/*
 * kpwatch run: the daemon in the foreground.
 */
#include <errno.h>
#include <event2/event.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command.h"
#include "instant.h"
#include "journal.h"
#include "json_read.h"
#include "limit.h"
#include "log.h"
#include "metrics.h"
#include "setup.h"
#include "supervisor.h"

struct daemon {
	struct event_base *base;
	struct common_options options;
	struct setup setup;
	struct supervisor *supervisor;
	struct event *signals[4];
	struct event *ping;
	struct net_stats stats;
	struct journal *journal;
	struct metrics *metrics;
	struct metrics_server *server;
	struct buf last_event; /* its time and message */
	bool ready;
};

#define STATUS_LINE_MAX 480 /* a line of `systemctl status` */

static const char help[] =
    "  -c FILE        configuration (default: $KPWATCH_CONFIG,\n"
    "                 /etc/kpwatch/kpwatch.yaml, conf/kpwatch.yaml)\n"
    "  -s STATE       state folder\n"
    "  -o KEY=VALUE   override one key of the configuration\n\n"
    "SIGHUP reloads the configuration, SIGUSR1 logs a status line, SIGTERM\n"
    "and SIGINT stop.  Example: kpwatch run -o intervals.active=5m\n";

static void
status_line(const struct daemon *d, char out[STATUS_LINE_MAX])
{
	struct span last = buf_span(&d->last_event);

	last.n = utf8_clip(last, STATUS_LINE_MAX / 2);
	snprintf(out, STATUS_LINE_MAX,
	    "%zu targets, %" PRIu64 " pages, %" PRIu64 " due, %" PRIu64
	    " in flight, %" PRIu64 " looks, %" PRIu64 " failed, "
	    "%zu restarts; last event: %.*s",
	    d->setup.config->ntargets, d->stats.pages, d->stats.overdue,
	    d->stats.active, d->stats.visits, d->stats.failures,
	    supervisor_restarts(d->supervisor),
	    SPAN_ARG(last.n > 0 ? last : SPAN("none")));
}

static void
note_event(struct daemon *d, struct span line)
{
	char *time = json_member_text(line, "time", INSTANT_TEXT_MAX);

	buf_clear(&d->last_event);
	if (time != NULL)
		buf_addf(&d->last_event, "%s ", time);
	journal_message(&d->last_event, line);
	free(time);
}

static void
on_stats(const struct net_stats *stats, void *arg)
{
	struct daemon *d = arg;
	char line[STATUS_LINE_MAX];

	d->stats = *stats;
	metrics_totals(d->metrics)->net = *stats;
	metrics_totals(d->metrics)->restarts =
	    supervisor_restarts(d->supervisor);
	status_line(d, line);
	notify_status("%s", line);
}

/* Of the store: events that are on disk, and what metrics show. */
static void
on_message(const struct message *m, void *arg)
{
	struct daemon *d = arg;

	if (m->type == MSG_EVENT) {
		note_event(d, m->data);
		journal_event(d->journal, m->data);
	} else if (m->type == MSG_STATS) {
		metrics_take(d->metrics, m->data);
	}
}

/* The endpoint of the configuration in force, if any. */
static void
serve_metrics(struct daemon *d)
{
	const char *at = d->setup.config->metrics_listen;

	metrics_server_free(d->server);
	d->server = at == NULL ? NULL : metrics_serve(d->base, at, d->metrics);
}

static void
on_ready(void *arg)
{
	struct daemon *d = arg;

	if (!d->ready)
		log_info("watching %zu targets from %s",
		    d->setup.config->ntargets, d->setup.config->vantage);
	d->ready = true;
	notify_ready();
}

/* The net process answered from its loop: so ours and its both turn. */
static void
on_alive(void *arg)
{
	(void)arg;
	notify_watchdog();
}

static void
on_ping(evutil_socket_t fd, short what, void *arg)
{
	struct daemon *d = arg;

	(void)fd;
	(void)what;
	supervisor_ping(d->supervisor);
}

static void
plan_setup(struct supervisor_plan *plan, const struct setup *s)
{
	plan->config = s->config;
	plan->rules = buf_span(&s->rules);
	plan->recognition = buf_span(&s->recognition);
	plan->verdicts = buf_span(&s->verdicts);
	plan->ca_bundle = buf_span(&s->ca_bundle);
}

static void
reload(struct daemon *d)
{
	struct supervisor_plan plan = {0};
	struct setup fresh;

	notify_reloading();
	if (!setup_load(&fresh, &d->options) || !setup_load_network(&fresh)) {
		log_error("the new configuration has errors; the old one "
			  "stays in force");
		setup_release(&fresh);
		notify_ready();
		return;
	}
	plan_setup(&plan, &fresh);
	supervisor_reload(d->supervisor, &plan);
	setup_release(&d->setup);
	d->setup = fresh;
	metrics_clear(d->metrics);
	serve_metrics(d);
	log_info("configuration reloaded: %zu targets",
	    d->setup.config->ntargets);
}

static void
on_signal(evutil_socket_t sig, short what, void *arg)
{
	struct daemon *d = arg;
	char line[STATUS_LINE_MAX];

	(void)what;
	switch (sig) {
	case SIGHUP:
		reload(d);
		break;
	case SIGUSR1:
		status_line(d, line);
		log_info("%s", line);
		break;
	default:
		log_info("stopping");
		notify_stopping();
		supervisor_stop(d->supervisor);
	}
}

static void
add_signals(struct daemon *d)
{
	static const int numbers[4] = {SIGHUP, SIGUSR1, SIGTERM, SIGINT};

	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		d->signals[i] = evsignal_new(d->base, numbers[i], on_signal, d);
		event_add(d->signals[i], NULL);
	}
}

/* A quarter of the service manager's patience, else of a minute. */
static void
add_ping(struct daemon *d)
{
	int64_t us = notify_watchdog_period() * 500;
	struct timeval tv;

	if (us <= 0)
		us = INT64_C(15000000);
	tv = (struct timeval){us / 1000000, us % 1000000};
	d->ping = event_new(d->base, -1, EV_PERSIST, on_ping, d);
	event_add(d->ping, &tv);
}

static int
run(struct daemon *d, const char *state, const char *log)
{
	struct supervisor_plan plan = {
	    .mode = SUPERVISE_RUN,
	    .state_dir = state,
	    .log_dir = log,
	    .message = on_message,
	    .ready = on_ready,
	    .alive = on_alive,
	    .stats = on_stats,
	    .arg = d,
	};
	int result;

	plan_setup(&plan, &d->setup);
	buf_init(&d->last_event, 4 * KIB);
	d->base = event_base_new();
	if (d->base == NULL)
		fatal("cannot make an event loop");
	d->supervisor = supervisor_new(d->base, &plan);
	d->metrics = metrics_new();
	serve_metrics(d);
	d->journal = journal_open(NULL);
	if (journal_connected(d->journal))
		log_to(journal_log, d->journal);
	add_signals(d);
	add_ping(d);
	if (supervisor_start(d->supervisor))
		event_base_dispatch(d->base);
	result = supervisor_result(d->supervisor);
	supervisor_free(d->supervisor);
	log_to(NULL, NULL);
	journal_free(d->journal);
	metrics_server_free(d->server);
	metrics_free(d->metrics);
	for (size_t i = 0; i < ARRAY_LEN(d->signals); i++)
		event_free(d->signals[i]);
	event_free(d->ping);
	buf_release(&d->last_event);
	event_base_free(d->base);
	return result;
}

int
cmd_run(int argc, char **argv)
{
	struct daemon d = {0};
	char *state = NULL, *log = NULL;
	int at = common_options_parse(&d.options, argc, argv, "cso");
	int result = EXIT_USAGE;

	if (at < 0)
		return EXIT_USAGE;
	if (d.options.help) {
		command_help(argv[0], help);
		return EXIT_DONE;
	}
	if (at < argc)
		return command_usage(argv[0]);
	if (!setup_load(&d.setup, &d.options))
		return EXIT_USAGE;
	state = config_state_dir(d.setup.config, d.options.state_dir);
	log = d.options.state_dir == NULL && d.setup.config->log_dir != NULL
	    ? xstrdup(d.setup.config->log_dir)
	    : xasprintf("%s/log", state);
	if (setup_load_network(&d.setup)) {
		result = EXIT_FAILED;
		if (setup_folder(state) && setup_folder(log))
			result = run(&d, state, log);
	}
	free(state);
	free(log);
	setup_release(&d.setup);
	return result;
}
