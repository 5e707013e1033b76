/*
 * The parent's work: starts one process per role, connects them, hands out
 * the configuration, restarts what dies, and stops all in order.  Parses
 * nothing of remote origin.
 */
#ifndef KPWATCH_SUPERVISOR_H
#define KPWATCH_SUPERVISOR_H

#include "config.h"
#include "message.h"
#include "stats.h"

struct event_base;
struct supervisor;

/* Which processes make up the work. */
enum supervise_mode {
	SUPERVISE_RUN,	 /* net, analysers, store, courier, sniffer: for ever */
	SUPERVISE_CHECK, /* net, analysers; records come to the parent */
	SUPERVISE_REPLAY, /* reader, analysers, store */
};

struct replay_file {
	const char *name; /* borrows */
	int fd;		  /* taken */
	enum file_kind kind;
};

struct supervisor_plan {
	enum supervise_mode mode;
	struct config *config;	 /* borrows */
	struct span rules;	 /* encoded; borrows */
	struct span recognition; /* of the rules, encoded */
	struct span verdicts;
	struct span ca_bundle;
	const char *state_dir; /* NULL: the store keeps all in memory */
	const char *log_dir;
	bool all_hosts; /* replay */
	const struct replay_file *files;
	size_t nfiles;
	/* Messages for the command itself: MSG_EVENT, MSG_STATS of the store
	 * (run), MSG_RECORD, MSG_DONE (check),
	 * MSG_EVENT, MSG_SUMMARY, MSG_FLUSHED (replay).  May be NULL. */
	void (*message)(const struct message *, void *arg);
	/* Every process is up; again after a reload. */
	void (*ready)(void *arg);
	/* The net process answered a ping: the loop is alive. */
	void (*alive)(void *arg);
	/* Counters came. */
	void (*stats)(const struct net_stats *, void *arg);
	void *arg;
};

struct supervisor *supervisor_new(struct event_base *,
    const struct supervisor_plan *);
void supervisor_free(struct supervisor *);
/* Spawns everything.  False, with the reason logged, when it cannot. */
bool supervisor_start(struct supervisor *);
/* Asks for a sign of life, of net (`alive` follows) and of the others but the
 * analysers.  One that has not answered the last twenty, for ten seconds at
 * least, is killed and started again. */
void supervisor_ping(struct supervisor *);
/* Hands out the plan's configuration, rules, verdicts and certificates, all
 * borrowed from now on; the rest of the plan stays.  `ready` follows when
 * every process is up with them. */
void supervisor_reload(struct supervisor *, const struct supervisor_plan *);
/* Stops everything in order, at most 5 s; the loop ends when all are gone. */
void supervisor_stop(struct supervisor *);
/* Sends to the store. */
void supervisor_tell_store(struct supervisor *, enum message_type,
    struct span data);
/* Exit code of the whole: 0, or 1 when a process could not be kept up. */
int supervisor_result(const struct supervisor *);
size_t supervisor_restarts(const struct supervisor *);

/* MSG_SETTINGS, by role. */
struct settings {
	bool once;	 /* net: look once at everything, then MSG_DONE */
	bool all_hosts;	 /* reader */
	bool replay;	 /* store: events to the parent as well */
	char *state_dir; /* store; NULL in memory */
	char *log_dir;	 /* store; NULL none */
};
void settings_encode(const struct settings *, struct buf *);
/* Strings owned; false on malformed bytes, *settings is empty then. */
bool settings_decode(struct settings *, struct span);
void settings_release(struct settings *);

#endif
