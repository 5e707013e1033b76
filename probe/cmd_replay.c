/*
 * kpwatch replay: captures through the same pipeline as live fetching.
 */
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command.h"
#include "file_write.h"
#include "instant.h"
#include "limit.h"
#include "log.h"
#include "render.h"
#include "replay.h"
#include "replay_timeline.h"
#include "setup.h"
#include "supervisor.h"
#include "tls_http.h"

#define COPY_BUFFER (256 * KIB)

struct replay {
	struct event_base *base;
	struct common_options options;
	struct setup setup;
	struct supervisor *supervisor;
	struct replay_file *files;
	size_t nfiles;
	size_t cap;
	char **names; /* owned copies */
	uint64_t bytes;
	struct replay_counts counts;
	uint64_t events;
	struct progress progress;
	struct event *timer;
	bool have_counts;
	bool interrupted;
	int64_t start_us;
};

static const char help[] =
    "  -c FILE        configuration\n"
    "  -s STATE       keep state and change log there; without it the events\n"
    "                 are only printed\n"
    "  -o KEY=VALUE   override one key of the configuration\n"
    "  --all-hosts    make targets of hosts that are not in the catalogue\n"
    "  --timeline     instead of the events: what each target linked to, and\n"
    "                 when that was seen first and last\n"
    "  --json         the timeline as one JSON object a line\n"
    "  --keylog FILE  TLS secrets as SSLKEYLOGFILE has them; may be repeated.\n"
    "                 CAPTURE.keylog beside a CAPTURE and the secrets inside "
    "a\n"
    "                 pcapng file are used without it\n\n"
    "FILE is a pcap, pcapng, WARC or ARC file, plain or gzipped; - is the\n"
    "standard input.  Files are merged in time order.  Events go to standard\n"
    "output, one JSON line each.  Exit 1 when a file was damaged.\n"
    "Example: kpwatch replay kpwatch-20190114-*.warc.gz\n";

/* ---- files ---- */

/* A pipe cannot be read twice: into an unlinked file. */
static int
spool(int from, const char *name)
{
	const char *dir = getenv("TMPDIR");
	char *path = xasprintf("%s", dir == NULL ? "/var/tmp" : dir);
	int fd = open(path, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	char *buffer = xmalloc(COPY_BUFFER);
	ssize_t n = 0;

	while (fd >= 0 && (n = read(from, buffer, COPY_BUFFER)) > 0)
		if (!file_write(fd, (struct span){buffer, (size_t)n})) {
			n = -1;
			break;
		}
	if (fd < 0 || n < 0) {
		fprintf(stderr,
		    "kpwatch replay: %s: cannot copy it to %s: %s\n",
		    log_quote_str(name), path, strerror(errno));
		if (fd >= 0)
			close(fd);
		fd = -1;
	}
	free(buffer);
	free(path);
	return fd;
}

/* Takes both. */
static void
keep_file(struct replay *r, char *name, int fd, enum file_kind kind)
{
	r->files = xgrow(r->files, &r->cap, r->nfiles + 1, sizeof *r->files);
	r->names = xreallocarray(r->names, r->nfiles + 1, sizeof *r->names);
	r->names[r->nfiles] = name;
	r->files[r->nfiles++] = (struct replay_file){name, fd, kind};
}

/* Returns a file that can be read from any place, or -1, which was said. */
static int
open_capture(const char *name)
{
	bool standard = strcmp(name, "-") == 0;
	int fd = standard ? STDIN_FILENO : open(name, O_RDONLY | O_CLOEXEC),
	    whole = -1;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) != 0)
		fprintf(stderr, "kpwatch replay: %s: %s\n",
		    standard ? "standard input" : log_quote_str(name),
		    strerror(errno));
	else if (S_ISDIR(st.st_mode))
		fprintf(stderr,
		    "kpwatch replay: %s is a folder; name the files in it, as "
		    "in '*.warc.gz'\n",
		    log_quote_str(name));
	else if (!standard && S_ISREG(st.st_mode))
		return fd;
	else
		whole = spool(fd, standard ? "standard input" : name);
	if (!standard && fd >= 0)
		close(fd);
	return whole;
}

static bool
add_file(struct replay *r, const char *name)
{
	int fd = open_capture(name);
	struct stat st;

	if (fd < 0)
		return false;
	keep_file(r, xstrdup(name), fd, FILE_CAPTURE);
	if (fstat(fd, &st) == 0)
		r->bytes += (uint64_t)st.st_size;
	return true;
}

/* What --keylog names and what lies beside the captures. */
static bool
add_key_logs(struct replay *r, const struct operands *captures)
{
	const struct key_logs *logs = &r->options.keylogs;
	bool ok = true;
	char *name;
	int fd;

	for (size_t i = 0; i < logs->n; i++) {
		fd = key_log_open(logs->names[i]);
		if (fd >= 0)
			keep_file(r, xstrdup(logs->names[i]), fd, FILE_KEY_LOG);
		ok = ok && fd >= 0;
	}
	for (size_t i = 0; i < captures->n; i++) {
		fd = key_log_beside(captures->names[i], &name);
		if (fd >= 0)
			keep_file(r, name, fd, FILE_KEY_LOG);
	}
	return ok;
}

/* ---- what comes back ---- */

static void
on_message(const struct message *m, void *arg)
{
	struct replay *r = arg;

	switch (m->type) {
	case MSG_EVENT:
		r->events++;
		if (r->options.timeline)
			break;
		progress_clear(&r->progress);
		fwrite(m->data.p, 1, m->data.n, stdout);
		putchar('\n');
		break;
	case MSG_SUMMARY:
		if (!replay_counts_decode(&r->counts, m->data))
			fatal("malformed summary from the reader");
		r->have_counts = true;
		supervisor_tell_store(r->supervisor, MSG_FLUSH, SPAN_NULL);
		break;
	case MSG_FLUSHED:
		if (r->have_counts)
			supervisor_stop(r->supervisor);
		break;
	default:
		break;
	}
}

/* The files' descriptors share their places with the reader's. */
static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct replay *r = arg;
	uint64_t done = 0;

	(void)fd;
	(void)what;
	for (size_t i = 0; i < r->nfiles; i++) {
		off_t at = lseek(r->files[i].fd, 0, SEEK_CUR);

		if (at > 0 && r->files[i].kind == FILE_CAPTURE)
			done += (uint64_t)at;
	}
	progress_set(&r->progress, done, NULL, monotonic_us());
}

static void
on_interrupt(evutil_socket_t sig, short what, void *arg)
{
	struct replay *r = arg;

	(void)sig;
	(void)what;
	r->interrupted = true;
	supervisor_stop(r->supervisor);
}

static void
say_failures(const struct replay_counts *c)
{
	const char *sep = "";

	if (c->failures == 0)
		return;
	fprintf(stderr, "%" PRIu64 " failed: ", c->failures);
	for (int i = FAILURE_NONE + 1; i < FAILURE_COUNT; i++)
		if (c->failed[i] > 0) {
			fprintf(stderr, "%s%" PRIu64 " %s", sep, c->failed[i],
			    failure_name((enum failure)i));
			sep = ", ";
		}
	fputc('\n', stderr);
}

static void
say_tls(const struct replay_counts *c)
{
	struct buf b = BUF_INIT(1 * KIB);

	tls_outcomes_text(c->tls, &b);
	if (b.len > 0)
		fprintf(stderr, "%s\n", buf_str(&b));
	buf_release(&b);
}

static void
summarise(const struct replay *r)
{
	const struct replay_counts *c = &r->counts;
	char text[INSTANT_TEXT_MAX];

	if (!r->have_counts) {
		fprintf(stderr,
		    "stopped before the end: %" PRIu64 " events so far\n",
		    r->events);
		return;
	}
	fprintf(stderr,
	    "%" PRIu64 " files (%" PRIu64 " damaged), %" PRIu64 " packets, "
	    "%" PRIu64 " records, %" PRIu64 " exchanges\n",
	    c->files, c->damaged, c->packets, c->records, c->exchanges);
	fprintf(stderr,
	    "%" PRIu64 " targets, %" PRIu64 " observations of their pages, "
	    "%" PRIu64 " exchanges of other hosts, %" PRIu64 " of no page\n",
	    c->targets, c->observations, c->unmatched, c->subresources);
	fprintf(stderr,
	    "%" PRIu64 " exchanges with gaps, %" PRIu64
	    " connections given up\n",
	    c->gaps, c->evicted);
	say_tls(c);
	say_failures(c);
	fprintf(stderr, "%" PRIu64 " events in %s\n", r->events,
	    duration_text((monotonic_us() - r->start_us) / 1000, text));
	if (c->observations == 0 && c->unmatched > 0 && !r->options.all_hosts)
		fprintf(stderr,
		    "no host of the catalogue is in these files; "
		    "--all-hosts takes the others\n");
}

static void
work(struct replay *r, const char *log_dir)
{
	struct supervisor_plan plan = {
	    .mode = SUPERVISE_REPLAY,
	    .config = r->setup.config,
	    .rules = buf_span(&r->setup.rules),
	    .recognition = buf_span(&r->setup.recognition),
	    .verdicts = buf_span(&r->setup.verdicts),
	    .state_dir = r->options.state_dir,
	    .log_dir = log_dir,
	    .all_hosts = r->options.all_hosts,
	    .files = r->files,
	    .nfiles = r->nfiles,
	    .message = on_message,
	    .arg = r,
	};
	struct timeval tick = {0, 200000};
	struct event *interrupt, *terminate;

	signal(SIGPIPE, SIG_IGN);
	r->base = event_base_new();
	if (r->base == NULL)
		fatal("cannot make an event loop");
	interrupt = evsignal_new(r->base, SIGINT, on_interrupt, r);
	terminate = evsignal_new(r->base, SIGTERM, on_interrupt, r);
	event_add(interrupt, NULL);
	event_add(terminate, NULL);
	r->supervisor = supervisor_new(r->base, &plan);
	r->start_us = monotonic_us();
	progress_init(&r->progress, stderr, "replaying", r->bytes, r->start_us);
	r->progress.bytes = true;
	r->timer = event_new(r->base, -1, EV_PERSIST, on_timer, r);
	event_add(r->timer, &tick);
	if (supervisor_start(r->supervisor))
		event_base_dispatch(r->base);
	progress_clear(&r->progress);
	if (supervisor_result(r->supervisor) != 0)
		r->interrupted = true;
	supervisor_free(r->supervisor);
	event_free(interrupt);
	event_free(terminate);
	event_free(r->timer);
	event_base_free(r->base);
}

static void
replay_release(struct replay *r)
{
	for (size_t i = 0; i < r->nfiles; i++) {
		close(r->files[i].fd);
		free(r->names[i]);
	}
	free(r->files);
	free(r->names);
	setup_release(&r->setup);
}

static int
replay(struct replay *r, char **captures, int n)
{
	char *log_dir = NULL, *folder = NULL;
	int result = EXIT_USAGE;
	struct operands names;
	bool all_open, any;

	if (!setup_load(&r->setup, &r->options))
		return EXIT_USAGE;
	all_open = operands_expand(&names, "replay", captures, n);
	for (size_t i = 0; i < names.n; i++)
		all_open = add_file(r, names.names[i]) && all_open;
	any = r->nfiles > 0;
	all_open = add_key_logs(r, &names) && all_open;
	operands_release(&names);
	if (r->options.timeline && r->options.state_dir == NULL) {
		result = EXIT_FAILED;
		r->options.state_dir = folder = timeline_folder();
		if (folder == NULL)
			goto out;
	}
	if (r->options.state_dir != NULL) {
		log_dir = xasprintf("%s/log", r->options.state_dir);
		result = EXIT_FAILED;
		if (!setup_folder(r->options.state_dir) ||
		    !setup_folder(log_dir))
			goto out;
	}
	result = EXIT_FAILED;
	if (!any)
		goto out;
	work(r, log_dir);
	if (r->options.timeline)
		all_open = timeline_print(r->options.state_dir, r->options.json,
			       stdout) &&
		    all_open;
	summarise(r);
	if (all_open && !r->interrupted && r->have_counts &&
	    r->counts.damaged == 0)
		result = EXIT_DONE;
out:
	timeline_folder_remove(folder);
	free(log_dir);
	replay_release(r);
	return result;
}

int
cmd_replay(int argc, char **argv)
{
	struct replay r = {0};
	int at = common_options_parse(&r.options, argc, argv, "csoatjk");

	if (at < 0)
		return EXIT_USAGE;
	if (r.options.help) {
		command_help(argv[0], help);
		return EXIT_DONE;
	}
	if (r.options.json && !r.options.timeline)
		fprintf(stderr,
		    "kpwatch replay: --json goes with --timeline; events are "
		    "JSON lines without it\n");
	else if (at < argc)
		return replay(&r, argv + at, argc - at);
	return command_usage(argv[0]);
}
