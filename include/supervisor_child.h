/*
 * The processes of a supervisor, for its own files: supervisor.c starts and
 * ends them, supervisor_connect.c gives them what they need,
 * supervisor_hear.c listens to them.
 */
#ifndef KPWATCH_SUPERVISOR_CHILD_H
#define KPWATCH_SUPERVISOR_CHILD_H

#include <sys/types.h>

#include "log.h"
#include "process.h"
#include "supervisor.h"

#define CHILDREN_MAX  (PEERS_MAX + 5)
#define READY_SECONDS 10

struct channel;
struct event;

enum child_state {
	CHILD_ABSENT,
	CHILD_STARTING,
	CHILD_READY,
	CHILD_STOPPING,
};

struct child {
	struct supervisor *owner;
	enum role role;
	uint32_t index;
	enum child_state state;
	pid_t pid;
	struct channel *channel;
	struct event *timer; /* READY in time, or the next start */
	unsigned failures;
	int64_t started;     /* ms */
	uint32_t life;	     /* analyser: how often the source was given one */
	bool greeted;	     /* its HELLO came */
	unsigned unanswered; /* pings */
	int64_t answered;    /* the last of them before, ms */
	struct log_limit words; /* of one that may be hostile */
};

struct supervisor {
	struct event_base *base;
	struct supervisor_plan plan;
	struct buf config; /* encoded */
	struct child children[CHILDREN_MAX];
	size_t nchildren;
	struct channel *sink; /* check: the source's records come here */
	struct event *sigchld;
	struct event *stop_timer;
	bool started;	/* everything was up once */
	bool reloading; /* not yet everything is up again */
	bool stopping;
	int result;
	size_t restarts;
};

/* NULL when there is none. */
struct child *child_find(struct supervisor *, enum role, uint32_t index);
bool role_is_source(enum role);
/* The one whose observations the others work on. */
struct child *child_source(struct supervisor *);
/* Of a role that this configuration has. */
bool child_is_wanted(const struct child *);
/* It can be sent to; NULL cannot. */
bool child_is_up(const struct child *);
/* "analyser 2"; valid until the next call. */
const char *child_name(const struct child *);

/* Gives a new one its sockets to the others that are up. */
void child_connect(struct child *);
/* Sends it the configuration and all else that its role starts with. */
void child_set_up(struct child *);
/* A message of a child, which is `arg`. */
void child_heard(struct channel *, const struct message *, void *arg);
/* It says that it is ready. */
void child_ready(struct child *);

#endif
