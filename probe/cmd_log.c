#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "changelog.h"
#include "command.h"
#include "instant.h"
#include "log.h"
#include "log_view.h"
#include "render.h"
#include "store.h"

#define FOLLOW_NS 300000000L /* how often --follow looks for news */

struct log_command {
	struct log_filter filter;
	const char *config_path;
	const char *state_dir;
	bool json;
	bool follow;
	bool colour;
	bool damaged;
	uint64_t last_seq;
};

static void
show_line(struct log_command *c, const char *name, struct span line)
{
	struct event e;
	const char *why;

	if (!event_read(&e, line, &why)) {
		fprintf(stderr, "kpwatch: %s: a line that is no event: %s\n",
		    log_quote_str(name), why);
		c->damaged = true;
		return;
	}
	if (e.seq > c->last_seq)
		c->last_seq = e.seq;
	if (log_filter_pass(&c->filter, &e)) {
		if (c->json)
			printf("%.*s\n", (int)line.n, line.p);
		else
			event_print(stdout, c->colour, &e);
	}
	event_release(&e);
}

static const char *
damage_text(enum changelog_read r)
{
	switch (r) {
	case CHANGELOG_TORN:
		return "the last batch is cut short";
	case CHANGELOG_CORRUPT:
		return "damaged bytes";
	case CHANGELOG_LONG:
		return "a line without an end";
	case CHANGELOG_ERROR:
		return strerror(errno);
	case CHANGELOG_LINE:
	case CHANGELOG_END:
		break;
	}
	return "";
}

static void
show_file(struct log_command *c, const char *path)
{
	bool standard = strcmp(path, "-") == 0;
	int fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	struct changelog_reader *r;
	enum changelog_read state;
	struct span line;

	if (fd < 0) {
		fprintf(stderr, "kpwatch: %s: %s\n", log_quote_str(path),
		    strerror(errno));
		c->damaged = true;
		return;
	}
	r = changelog_reader_new(fd, false);
	while ((state = changelog_reader_next(r, &line)) == CHANGELOG_LINE)
		show_line(c, path, line);
	if (state != CHANGELOG_END) {
		fprintf(stderr, "kpwatch: %s: %s behind byte %llu\n",
		    log_quote_str(path), damage_text(state),
		    (unsigned long long)changelog_reader_whole(r));
		c->damaged = true;
	}
	changelog_reader_free(r);
	if (!standard)
		close(fd);
}

static bool
show_stored(uint64_t seq, struct span line, void *arg)
{
	(void)seq;
	show_line(arg, STORE_NAME, line);
	return true;
}

/* Events that the daemon has kept but not yet written to the log, now and,
 * with --follow, as they come. */
static int
show_store(struct log_command *c, const struct log_place *place)
{
	struct timespec pause = {0, FOLLOW_NS};
	char *why = NULL;
	struct store_view *v = store_view_open(place->state_dir, &why);
	int code;

	if (v == NULL) {
		if (why != NULL)
			fprintf(stderr,
			    "kpwatch: %s; events that it has and the log has "
			    "not yet are not shown\n",
			    why);
		else if (c->follow)
			fprintf(stderr,
			    "kpwatch: %s: there is no state to "
			    "follow\n",
			    place->state_dir);
		code = why != NULL || c->follow ? EXIT_FAILED : EXIT_DONE;
		free(why);
		return code;
	}
	do {
		while (store_view_events(v, c->last_seq, 1000, show_stored,
			   c) == 1000)
			continue;
		if (fflush(stdout) != 0)
			break;
		if (c->follow)
			nanosleep(&pause, NULL);
	} while (c->follow);
	return store_view_close(v) ? EXIT_DONE : EXIT_FAILED;
}

static int
show_own_log(struct log_command *c)
{
	struct log_place place;
	char **paths = NULL;
	size_t n = 0;
	int code;

	if (!log_place_find(&place, c->config_path, c->state_dir))
		return EXIT_USAGE;
	if (!log_place_files(&place, &paths, &n)) {
		log_place_release(&place);
		return EXIT_FAILED;
	}
	for (size_t i = 0; i < n; i++)
		show_file(c, paths[i]);
	code = show_store(c, &place);
	changelog_files_free(paths, n);
	log_place_release(&place);
	return code;
}

static bool
time_option(const char *name, const char *text, int64_t *out)
{
	if (log_time_parse(text, instant_now(), out))
		return true;
	fprintf(stderr,
	    "kpwatch: --%s %s: not a time (2019-01-14, "
	    "2019-01-14T06:00:00Z, or 2h for two hours ago)\n",
	    name, text);
	return false;
}

/* A slip of the pen would look like a time when nothing happened. */
static bool
type_option(const char *pattern)
{
	for (int t = 0; t < EVENT_TYPE_COUNT; t++)
		if (glob_match(pattern, event_type_name((enum event_type)t)))
			return true;
	fprintf(stderr,
	    "kpwatch: --type %s: no type of event fits it; kpwatch-log(5) "
	    "lists them\n",
	    log_quote_str(pattern));
	return false;
}

static bool
range_is_sound(const struct log_filter *f)
{
	if (f->since == INSTANT_NONE || f->until == INSTANT_NONE ||
	    f->since < f->until)
		return true;
	fprintf(stderr,
	    "kpwatch: --until is not later than --since: no event can fit\n");
	return false;
}

static const char help[] =
    "Reads the change log of the state folder, or the files named (\"-\" is\n"
    "standard input), gzip or plain.\n\n"
    "  -c FILE         configuration\n"
    "  -s STATE        state folder\n"
    "  --since T       from this time on (2019-01-14, 2h: two hours ago)\n"
    "  --until T       before this time\n"
    "  --type GLOB     event types, for example 'channel.*'\n"
    "  --target GLOB   targets\n"
    "  --follow        go on with what the daemon adds\n"
    "  --json          the lines as they are\n";

enum {
	OPT_SINCE = 256,
	OPT_UNTIL,
	OPT_TYPE,
	OPT_TARGET,
	OPT_FOLLOW,
	OPT_JSON,
	OPT_HELP
};

static const struct option options[] = {
    {"since", required_argument, NULL, OPT_SINCE},
    {"until", required_argument, NULL, OPT_UNTIL},
    {"type", required_argument, NULL, OPT_TYPE},
    {"target", required_argument, NULL, OPT_TARGET},
    {"follow", no_argument, NULL, OPT_FOLLOW},
    {"json", no_argument, NULL, OPT_JSON},
    {"help", no_argument, NULL, OPT_HELP},
    {NULL, 0, NULL, 0},
};

/* -1: go on; else the exit code. */
static int
parse(struct log_command *c, int argc, char **argv)
{
	int opt;

	while ((opt = getopt_long(argc, argv, "c:s:", options, NULL)) != -1) {
		switch (opt) {
		case 'c':
			c->config_path = optarg;
			break;
		case 's':
			c->state_dir = optarg;
			break;
		case OPT_SINCE:
			if (!time_option("since", optarg, &c->filter.since))
				return EXIT_USAGE;
			break;
		case OPT_UNTIL:
			if (!time_option("until", optarg, &c->filter.until))
				return EXIT_USAGE;
			break;
		case OPT_TYPE:
			if (!type_option(optarg))
				return EXIT_USAGE;
			c->filter.type = optarg;
			break;
		case OPT_TARGET:
			c->filter.target = optarg;
			break;
		case OPT_FOLLOW:
			c->follow = true;
			break;
		case OPT_JSON:
			c->json = true;
			break;
		case OPT_HELP:
			command_help("log", help);
			return EXIT_DONE;
		default:
			return command_usage("log");
		}
	}
	if (!range_is_sound(&c->filter))
		return EXIT_USAGE;
	return -1;
}

int
cmd_log(int argc, char **argv)
{
	struct log_command c = {.filter = {.since = INSTANT_NONE,
				    .until = INSTANT_NONE},
	    .colour = render_colour(stdout)};
	int code = parse(&c, argc, argv);

	if (code >= 0)
		return code;
	if (optind == argc) {
		code = show_own_log(&c);
	} else {
		code = EXIT_DONE;
		for (int i = optind; i < argc; i++)
			show_file(&c, argv[i]);
	}
	return code == EXIT_DONE && c.damaged ? EXIT_FAILED : code;
}
