#include "supervisor_child.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "channel.h"
#include "instant.h"
#include "limit.h"
#include "log.h"
#include "process.h"

#define STOP_SECONDS   5
#define RESTART_MIN_MS 100
#define RESTART_MAX_MS 30000
#define STEADY_MS      60000 /* up this long: its failures are forgotten */
#define STORE_ATTEMPTS 8
#define PINGS_MAX      20 /* without an answer; of a disk that is slow, too */
#define SILENCE_MS     10000 /* at least, where pings are many */

static void child_start(struct child *);
static void stop_next(struct supervisor *);

struct child *
child_find(struct supervisor *s, enum role role, uint32_t index)
{
	for (size_t i = 0; i < s->nchildren; i++)
		if (s->children[i].role == role &&
		    s->children[i].index == index)
			return &s->children[i];
	return NULL;
}

bool
role_is_source(enum role role)
{
	return role == ROLE_NET || role == ROLE_READER;
}

struct child *
child_source(struct supervisor *s)
{
	return child_find(s,
	    s->plan.mode == SUPERVISE_REPLAY ? ROLE_READER : ROLE_NET, 0);
}

/* The one role that a configuration may do without. */
bool
child_is_wanted(const struct child *c)
{
	return c->role != ROLE_SNIFFER || c->owner->plan.config->record_packets;
}

bool
child_is_up(const struct child *c)
{
	return c != NULL && c->channel != NULL &&
	    (c->state == CHILD_STARTING || c->state == CHILD_READY);
}

const char *
child_name(const struct child *c)
{
	static char name[32];

	if (c->role == ROLE_ANALYSER)
		snprintf(name, sizeof name, "analyser %u", c->index);
	else
		snprintf(name, sizeof name, "%s", role_name(c->role));
	return name;
}

static bool
all_ready(const struct supervisor *s)
{
	for (size_t i = 0; i < s->nchildren; i++)
		if (child_is_wanted(&s->children[i]) &&
		    (s->children[i].state != CHILD_READY ||
			s->children[i].channel == NULL))
			return false;
	return true;
}

/* The end of the start, or of a reload. */
static void
say_ready(struct supervisor *s)
{
	if (!all_ready(s))
		return;
	if (!s->started)
		channel_send(child_source(s)->channel, MSG_START, 0, SPAN_NULL);
	else if (!s->reloading)
		return;
	s->started = true;
	s->reloading = false;
	if (s->plan.ready != NULL)
		s->plan.ready(s->plan.arg);
}

void
child_ready(struct child *c)
{
	c->state = CHILD_READY;
	event_del(c->timer);
	if (c->owner->started && role_is_source(c->role))
		channel_send(c->channel, MSG_START, 0, SPAN_NULL);
	say_ready(c->owner);
}

/* The socket is closed; the process is gone only when it is reaped too. */
static void
on_child_closed(struct channel *ch, void *arg)
{
	struct child *c = arg;

	channel_free(ch);
	if (c->channel == ch)
		c->channel = NULL;
	/* One that lives on without its socket is of no use; one that is
	 * ending (STOP, or its own exit) gets the time to. */
	if (c->pid > 0 && c->state != CHILD_STOPPING && !c->owner->stopping) {
		struct timeval tv = {1, 0};

		event_add(c->timer, &tv);
	}
}

/* ---- starting, restarting ---- */

static void
on_child_timer(evutil_socket_t fd, short what, void *arg)
{
	struct child *c = arg;

	(void)fd;
	(void)what;
	if (c->owner->stopping || (c->pid <= 0 && !child_is_wanted(c)))
		return;
	if (c->pid > 0) {
		log_error("%s %s; killing it", child_name(c),
		    c->channel == NULL ? "closed its socket and lives on"
				       : "is not ready within 10 s");
		kill(c->pid, SIGKILL);
		return;
	}
	child_start(c);
}

static void
child_start(struct child *c)
{
	struct supervisor *s = c->owner;
	struct channel_handler h = {child_heard, on_child_closed, NULL, c};
	struct timeval tv = {READY_SECONDS, 0};
	int fd;

	/* An analyser without its source has nobody to work for. */
	if (c->role == ROLE_ANALYSER && !child_is_up(child_source(s))) {
		struct timeval soon = {0, 100000};

		event_add(c->timer, &soon);
		return;
	}
	c->pid = process_spawn(c->role, &fd);
	if (c->pid < 0)
		fatal("cannot start %s: %s", child_name(c), strerror(errno));
	c->state = CHILD_STARTING;
	c->greeted = false;
	c->unanswered = 0;
	c->started = c->answered = monotonic_us() / 1000;
	for (size_t i = 0; role_is_source(c->role) && i < s->nchildren; i++)
		s->children[i].life = 0;
	c->channel = channel_new(s->base, fd, ROLE_PARENT, c->role, &h);
	child_connect(c);
	child_set_up(c);
	event_add(c->timer, &tv);
}

static const char *
describe_end(int status)
{
	static char text[80];

	if (WIFSIGNALED(status))
		snprintf(text, sizeof text, "signal %d, %s%s", WTERMSIG(status),
		    strsignal(WTERMSIG(status)),
		    WTERMSIG(status) == SIGSYS ? ": a forbidden system call"
					       : "");
	else
		snprintf(text, sizeof text, "exit %d", WEXITSTATUS(status));
	return text;
}

static void
give_up(struct supervisor *s)
{
	s->result = 1;
	supervisor_stop(s);
}

static void
restart_later(struct child *c)
{
	int64_t delay = RESTART_MIN_MS;
	struct timeval tv;

	if (monotonic_us() / 1000 - c->started > STEADY_MS)
		c->failures = 0;
	for (unsigned i = 0; i < c->failures && delay < RESTART_MAX_MS; i++)
		delay *= 2;
	if (delay > RESTART_MAX_MS)
		delay = RESTART_MAX_MS;
	c->failures++;
	c->owner->restarts++;
	tv = (struct timeval){delay / 1000, delay % 1000 * 1000};
	event_add(c->timer, &tv);
}

static void
child_gone(struct child *c, int status)
{
	struct supervisor *s = c->owner;
	bool was_ready = c->state == CHILD_READY;
	bool wanted = c->state == CHILD_STOPPING || s->stopping;
	struct child *source = child_source(s);

	channel_free(c->channel);
	c->channel = NULL;
	c->pid = 0;
	c->state = CHILD_ABSENT;
	event_del(c->timer);
	if (c->role == ROLE_ANALYSER && child_is_up(source))
		channel_send(source->channel, MSG_WORKER_LOST, c->index,
		    span_of(describe_end(status)));
	if (wanted) {
		/* What it had to keep at the end is not kept. */
		if (c->role == ROLE_STORE && status != 0)
			s->result = 1;
		if (s->stopping)
			stop_next(s);
		else if (child_is_wanted(c))
			child_start(c); /* a reload asked for a fresh one */
		return;
	}
	/* A check or a replay that loses a part is not whole any more. */
	if (s->plan.mode != SUPERVISE_RUN && c->role != ROLE_ANALYSER) {
		log_error("%s died (%s); giving up", child_name(c),
		    describe_end(status));
		give_up(s);
		return;
	}
	if (!was_ready && !s->started) {
		log_error("%s could not start (%s)", child_name(c),
		    describe_end(status));
		give_up(s);
		return;
	}
	if (status != 0 || c->role != ROLE_ANALYSER)
		log_error("%s died (%s); starting it again", child_name(c),
		    describe_end(status));
	if (c->role == ROLE_STORE && c->failures >= STORE_ATTEMPTS) {
		log_error("the store does not stay up; giving up");
		give_up(s);
		return;
	}
	restart_later(c);
}

static void
on_sigchld(evutil_socket_t sig, short what, void *arg)
{
	struct supervisor *s = arg;
	int status;
	pid_t pid;

	(void)sig;
	(void)what;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (size_t i = 0; i < s->nchildren; i++)
			if (s->children[i].pid == pid) {
				child_gone(&s->children[i], status);
				break;
			}
}

/* ---- life of the supervisor ---- */

static void
add_child(struct supervisor *s, enum role role, uint32_t index)
{
	struct child *c = &s->children[s->nchildren++];

	c->owner = s;
	c->role = role;
	c->index = index;
	c->timer = evtimer_new(s->base, on_child_timer, c);
}

static void
on_stop_timer(evutil_socket_t fd, short what, void *arg)
{
	struct supervisor *s = arg;

	(void)fd;
	(void)what;
	for (size_t i = 0; i < s->nchildren; i++) {
		struct child *c = &s->children[i];

		if (c->pid <= 0)
			continue;
		log_error("%s did not stop within %d s; killing it",
		    child_name(c), STOP_SECONDS);
		kill(c->pid, SIGKILL);
	}
	s->result = 1;
}

struct supervisor *
supervisor_new(struct event_base *base, const struct supervisor_plan *plan)
{
	struct supervisor *s = xcalloc(1, sizeof *s);

	s->base = base;
	s->plan = *plan;
	buf_init(&s->config, CONFIG_BYTES_MAX);
	config_encode(plan->config, &s->config);
	if (s->config.overflow)
		fatal("the configuration is larger than %u bytes",
		    CONFIG_BYTES_MAX);
	s->stop_timer = evtimer_new(base, on_stop_timer, s);
	s->sigchld = evsignal_new(base, SIGCHLD, on_sigchld, s);
	add_child(s, plan->mode == SUPERVISE_REPLAY ? ROLE_READER : ROLE_NET,
	    0);
	if (plan->mode != SUPERVISE_CHECK)
		add_child(s, ROLE_STORE, 0);
	if (plan->mode == SUPERVISE_RUN) {
		add_child(s, ROLE_COURIER, 0);
		add_child(s, ROLE_SNIFFER, 0);
	}
	for (uint32_t i = 0; i < plan->config->analysers && i < PEERS_MAX; i++)
		add_child(s, ROLE_ANALYSER, i);
	return s;
}

void
supervisor_free(struct supervisor *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < s->nchildren; i++) {
		channel_free(s->children[i].channel);
		event_free(s->children[i].timer);
	}
	channel_free(s->sink);
	event_free(s->sigchld);
	event_free(s->stop_timer);
	buf_release(&s->config);
	free(s);
}

bool
supervisor_start(struct supervisor *s)
{
	event_add(s->sigchld, NULL);
	for (size_t i = 0; i < s->nchildren; i++)
		if (child_is_wanted(&s->children[i]))
			child_start(&s->children[i]);
	return true;
}

/* Those that work for the source are watched by it.  Pings are counted, not
 * time alone, so that nobody is blamed for a parent that did not run itself. */
void
supervisor_ping(struct supervisor *s)
{
	int64_t now = monotonic_us() / 1000;

	for (size_t i = 0; i < s->nchildren; i++) {
		struct child *c = &s->children[i];

		if (c->role == ROLE_ANALYSER || c->state != CHILD_READY ||
		    c->channel == NULL || s->stopping)
			continue;
		if (c->unanswered++ < PINGS_MAX ||
		    now - c->answered < SILENCE_MS) {
			channel_send(c->channel, MSG_PING, 0, SPAN_NULL);
			continue;
		}
		log_error("%s gives no sign of life; killing it",
		    child_name(c));
		kill(c->pid, SIGKILL);
	}
}

void
supervisor_reload(struct supervisor *s, const struct supervisor_plan *fresh)
{
	s->plan.config = fresh->config;
	s->plan.rules = fresh->rules;
	s->plan.recognition = fresh->recognition;
	s->plan.verdicts = fresh->verdicts;
	s->plan.ca_bundle = fresh->ca_bundle;
	buf_clear(&s->config);
	config_encode(s->plan.config, &s->config);
	for (size_t i = 0; i < s->nchildren; i++) {
		struct child *c = &s->children[i];

		if (c->role == ROLE_SNIFFER && c->pid <= 0 &&
		    child_is_wanted(c))
			child_start(c);
		else if (!child_is_up(c))
			continue;
		else if (c->role == ROLE_ANALYSER || c->role == ROLE_SNIFFER) {
			/* Stops when idle; a fresh one gets the new rules. */
			c->state = CHILD_STOPPING;
			channel_send(c->channel, MSG_STOP, 0, SPAN_NULL);
			continue;
		}
		if (c->role == ROLE_NET)
			channel_send(c->channel, MSG_CA_BUNDLE, 0,
			    s->plan.ca_bundle);
		if (c->role == ROLE_STORE)
			channel_send(c->channel, MSG_RECOGNITION, 0,
			    s->plan.recognition);
		channel_send(c->channel, MSG_CONFIG, 0, buf_span(&s->config));
	}
	s->reloading = true;
	say_ready(s);
}

/* Source first, so that the store gets all of it; then store, then courier;
 * analysers end when their source is gone. */
static void
stop_next(struct supervisor *s)
{
	static const enum role order[] = {ROLE_NET, ROLE_READER, ROLE_STORE,
	    ROLE_COURIER, ROLE_SNIFFER, ROLE_ANALYSER};

	for (size_t k = 0; k < ARRAY_LEN(order); k++) {
		bool any = false;

		for (size_t i = 0; i < s->nchildren; i++) {
			struct child *c = &s->children[i];

			if (c->role != order[k] || c->pid <= 0)
				continue;
			any = true;
			if (c->state == CHILD_STOPPING)
				continue;
			c->state = CHILD_STOPPING;
			if (c->channel != NULL)
				channel_send(c->channel, MSG_STOP, 0,
				    SPAN_NULL);
			else
				kill(c->pid, SIGKILL);
		}
		if (any)
			return;
	}
	event_base_loopbreak(s->base);
}

void
supervisor_stop(struct supervisor *s)
{
	struct timeval tv = {STOP_SECONDS, 0};

	if (s->stopping)
		return;
	s->stopping = true;
	for (size_t i = 0; i < s->nchildren; i++)
		event_del(s->children[i].timer);
	event_add(s->stop_timer, &tv);
	stop_next(s);
}

void
supervisor_tell_store(struct supervisor *s, enum message_type type,
    struct span data)
{
	struct child *c = child_find(s, ROLE_STORE, 0);

	if (child_is_up(c))
		channel_send(c->channel, type, 0, data);
}

int
supervisor_result(const struct supervisor *s)
{
	return s->result;
}

size_t
supervisor_restarts(const struct supervisor *s)
{
	return s->restarts;
}
