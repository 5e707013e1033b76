/*
 * Runs hook programs: one process group each, no shell, a clean environment,
 * the event lines on standard input, what it prints kept within bounds, and
 * an end at the time limit for the whole group.
 */
#ifndef KPWATCH_COURIER_H
#define KPWATCH_COURIER_H

#include "hook.h"

struct event_base;
struct courier;

struct call_result {
	const char *reason; /* NULL: exit 0; else why not, one line */
	struct span output; /* what it printed, cut at HOOK_OUTPUT_MAX */
	int64_t ms;	    /* how long it ran */
};

/* The call `id` of hook `name` has ended.  Everything is borrowed for the
 * call. */
typedef void courier_done(uint64_t id, const char *name,
    const struct call_result *, void *arg);

struct courier *courier_new(struct event_base *, courier_done *, void *arg);
/* Kills what still runs, without calling back. */
void courier_free(struct courier *);
/*
 * Starts one call; `done` follows, at the latest a moment after the hook's
 * time limit, and never from inside this function.  A program that is gone,
 * that others may write to, or that cannot be started is a failed call.
 * Nothing is borrowed after the return.
 */
void courier_run_hook(struct courier *, const struct hook_config *, uint64_t id,
    struct span lines);
size_t courier_running(const struct courier *);

/* Logs what a call printed, quoted, at most a few lines of it. */
void courier_log_output(const char *name, const struct call_result *);

#endif
