/*
 * Looking at the change log from the command line: where it is, which lines
 * are wanted, and how an event reads.
 */
#ifndef KPWATCH_LOG_VIEW_H
#define KPWATCH_LOG_VIEW_H

#include <stdio.h>

#include "event.h"

/* Folders in effect for a command; owned strings. */
struct log_place {
	char *state_dir;
	char *log_dir;
};

/* From -c and -s (either may be NULL).  False after an error was printed: the
 * configuration was named and cannot be read. */
bool log_place_find(struct log_place *, const char *config_path,
    const char *state_dir);
void log_place_release(struct log_place *);
/* Paths of the log files in order, owned, in an owned array.  False after an
 * error was printed: the folder cannot be read. */
bool log_place_files(const struct log_place *, char ***paths, size_t *n);

struct log_filter {
	int64_t since; /* INSTANT_NONE: no bound */
	int64_t until;
	const char *type;   /* glob or NULL */
	const char *target; /* glob or NULL */
};

bool log_filter_pass(const struct log_filter *, const struct event *);
/* A time, or a span of time back from now ("2h").  False: neither. */
bool log_time_parse(const char *, int64_t now, int64_t *out);

/* One event for people: a line, and for text that changed the blocks below
 * it, "-" gone and "+" new. */
void event_print(FILE *to, bool colour, const struct event *);

#endif
