#include "supervisor.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "advice.h"
#include "channel.h"
#include "instant.h"
#include "limit.h"
#include "log.h"
#include "process.h"

#define CHILDREN_MAX   (PEERS_MAX + 5)
#define READY_SECONDS  10
#define STOP_SECONDS   5
#define RESTART_MIN_MS 100
#define RESTART_MAX_MS 30000
#define STEADY_MS      60000 /* up this long: its failures are forgotten */
#define STORE_ATTEMPTS 8
#define WORDS_MAX      20 /* log lines of an analyser */
#define WORDS_MS       60000

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
	int64_t started; /* ms */
	uint32_t life;	 /* analyser: how often the source was given one */
	bool greeted;	 /* its HELLO came */
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

static void child_start(struct child *);
static void stop_next(struct supervisor *);

/* ---- settings ---- */

void
settings_encode(const struct settings *s, struct buf *b)
{
	buf_put_u8(b, s->once);
	buf_put_u8(b, s->all_hosts);
	buf_put_u8(b, s->replay);
	buf_put_str(b, s->state_dir);
	buf_put_str(b, s->log_dir);
}

bool
settings_decode(struct settings *s, struct span data)
{
	struct cursor c;

	cursor_init(&c, data.p, data.n);
	s->once = cursor_u8(&c) != 0;
	s->all_hosts = cursor_u8(&c) != 0;
	s->replay = cursor_u8(&c) != 0;
	s->state_dir = cursor_str(&c, 4 * KIB);
	s->log_dir = cursor_str(&c, 4 * KIB);
	if (cursor_done(&c))
		return true;
	settings_release(s);
	return false;
}

void
settings_release(struct settings *s)
{
	free(s->state_dir);
	free(s->log_dir);
	memset(s, 0, sizeof *s);
}

/* ---- finding children ---- */

static struct child *
find(struct supervisor *s, enum role role, uint32_t index)
{
	for (size_t i = 0; i < s->nchildren; i++)
		if (s->children[i].role == role &&
		    s->children[i].index == index)
			return &s->children[i];
	return NULL;
}

static bool
is_source(enum role role)
{
	return role == ROLE_NET || role == ROLE_READER;
}

static struct child *
source_of(struct supervisor *s)
{
	return find(s,
	    s->plan.mode == SUPERVISE_REPLAY ? ROLE_READER : ROLE_NET, 0);
}

/* The one role that a configuration may do without. */
static bool
is_wanted(const struct child *c)
{
	return c->role != ROLE_SNIFFER || c->owner->plan.config->record_packets;
}

static bool
is_up(const struct child *c)
{
	return c != NULL && c->channel != NULL &&
	    (c->state == CHILD_STARTING || c->state == CHILD_READY);
}

static const char *
child_name(const struct child *c)
{
	static char name[32];

	if (c->role == ROLE_ANALYSER)
		snprintf(name, sizeof name, "analyser %u", c->index);
	else
		snprintf(name, sizeof name, "%s", role_name(c->role));
	return name;
}

/* ---- connecting them ---- */

static void
send_peer(struct child *to, enum role role, uint32_t index, int fd)
{
	struct buf b = BUF_INIT(64);

	peer_encode(&b, role, index);
	channel_send_fd(to->channel, MSG_PEER, 0, buf_span(&b), fd);
	buf_release(&b);
}

static void
connect_pair(struct child *a, struct child *b)
{
	int fds[2];

	if (!is_up(a) || !is_up(b))
		return;
	if (!process_pair(fds))
		fatal("cannot make a socket pair: %s", strerror(errno));
	send_peer(a, b->role, b->index, fds[0]);
	send_peer(b, a->role, a->index, fds[1]);
	if (b->role == ROLE_ANALYSER)
		b->life++;
}

static void
on_sink_message(struct channel *ch, const struct message *m, void *arg)
{
	struct supervisor *s = arg;

	if (m->type == MSG_RESUME_ASK) {
		/* Nothing is known: no last id, no pages. */
		struct buf b = BUF_INIT(64);

		buf_put_u64(&b, 0);
		buf_put_u32(&b, 0);
		channel_send(ch, MSG_RESUME, 0, buf_span(&b));
		buf_release(&b);
		return;
	}
	if (s->plan.message != NULL)
		s->plan.message(m, s->plan.arg);
	if (m->type == MSG_RECORD) {
		/* Nothing to confirm, nothing to sample. */
		struct advice none = {0};
		struct buf b = BUF_INIT(64);

		advice_encode(&none, &b);
		channel_send(ch, MSG_STORED, m->id, buf_span(&b));
		buf_release(&b);
	}
}

static void
on_sink_closed(struct channel *ch, void *arg)
{
	struct supervisor *s = arg;

	channel_free(ch);
	s->sink = NULL;
}

/* In check the parent itself stands where the store would. */
static void
connect_sink(struct supervisor *s, struct child *source)
{
	struct channel_handler h = {on_sink_message, on_sink_closed, NULL, s};
	int fds[2];

	channel_free(s->sink);
	if (!process_pair(fds))
		fatal("cannot make a socket pair: %s", strerror(errno));
	send_peer(source, ROLE_PARENT, 0, fds[0]);
	s->sink = channel_new(s->base, fds[1], ROLE_PARENT, source->role, &h);
}

static void
connect_child(struct supervisor *s, struct child *c)
{
	if (is_source(c->role)) {
		connect_pair(c, find(s, ROLE_STORE, 0));
		connect_pair(c, find(s, ROLE_SNIFFER, 0));
		if (s->plan.mode == SUPERVISE_CHECK)
			connect_sink(s, c);
		/* Analysers of an earlier source end by themselves and are
		 * connected when they come again. */
	} else if (c->role == ROLE_ANALYSER || c->role == ROLE_SNIFFER) {
		connect_pair(source_of(s), c);
	} else if (c->role == ROLE_STORE) {
		connect_pair(source_of(s), c);
		connect_pair(c, find(s, ROLE_COURIER, 0));
	} else if (c->role == ROLE_COURIER) {
		connect_pair(find(s, ROLE_STORE, 0), c);
	}
}

static void
send_files(struct supervisor *s, struct child *c)
{
	for (size_t i = 0; i < s->plan.nfiles; i++) {
		int fd = fcntl(s->plan.files[i].fd, F_DUPFD_CLOEXEC, 0);

		if (fd < 0)
			fatal("cannot pass %s on: %s", s->plan.files[i].name,
			    strerror(errno));
		channel_send_fd(c->channel, MSG_FILE, s->plan.files[i].kind,
		    span_of(s->plan.files[i].name), fd);
		if (!channel_flush(c->channel, READY_SECONDS * 1000))
			return;
	}
}

static void
send_setup(struct supervisor *s, struct child *c)
{
	struct settings set = {
	    .once = s->plan.mode == SUPERVISE_CHECK,
	    .all_hosts = s->plan.all_hosts,
	    .replay = s->plan.mode == SUPERVISE_REPLAY,
	    .state_dir = (char *)s->plan.state_dir,
	    .log_dir = (char *)s->plan.log_dir,
	};
	struct buf b = BUF_INIT(16 * KIB);

	channel_send(c->channel, MSG_CONFIG, 0, buf_span(&s->config));
	if (c->role == ROLE_ANALYSER)
		channel_send(c->channel, MSG_RULES, 0, s->plan.rules);
	if (message_allowed(MSG_VERDICTS, ROLE_PARENT, c->role))
		channel_send(c->channel, MSG_VERDICTS, 0, s->plan.verdicts);
	if (c->role == ROLE_NET)
		channel_send(c->channel, MSG_CA_BUNDLE, 0, s->plan.ca_bundle);
	if (c->role == ROLE_READER)
		send_files(s, c);
	settings_encode(&set, &b);
	channel_send(c->channel, MSG_SETTINGS, 0, buf_span(&b));
	buf_release(&b);
}

/* ---- what children say ---- */

static bool
all_ready(const struct supervisor *s)
{
	for (size_t i = 0; i < s->nchildren; i++)
		if (is_wanted(&s->children[i]) &&
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
		channel_send(source_of(s)->channel, MSG_START, 0, SPAN_NULL);
	else if (!s->reloading)
		return;
	s->started = true;
	s->reloading = false;
	if (s->plan.ready != NULL)
		s->plan.ready(s->plan.arg);
}

static void
child_ready(struct child *c)
{
	c->state = CHILD_READY;
	event_del(c->timer);
	if (c->owner->started && is_source(c->role))
		channel_send(c->channel, MSG_START, 0, SPAN_NULL);
	say_ready(c->owner);
}

/* It broke the rules: nothing more is heard from it. */
static void
distrust(struct child *c, const char *why)
{
	log_error("%s %s; killing it", child_name(c), why);
	channel_free(c->channel);
	c->channel = NULL;
	if (c->pid > 0)
		kill(c->pid, SIGKILL);
}

/* These meet hostile bytes: they may say little, and in no other's name. */
static bool
is_exposed(const struct child *c)
{
	return c->role == ROLE_ANALYSER || c->role == ROLE_SNIFFER;
}

static bool
may_speak(struct child *c)
{
	int64_t now = monotonic_us() / 1000;

	if (!is_exposed(c) ||
	    log_limit_pass(&c->words, WORDS_MAX, WORDS_MS, now))
		return true;
	if (c->words.dropped == 1)
		log_warn("%s says too much; the rest of this minute is left "
			 "out",
		    child_name(c));
	return false;
}

/* A child's words are not trusted to be one printable line. */
static void
make_line(const struct child *c, struct span text, struct buf *line)
{
	char own[32];

	snprintf(own, sizeof own, "%s: ", role_name(c->role));
	text.n = utf8_clip(text, line->max / 2);
	if (!span_starts(text, own))
		buf_addf(line, "%s%s", own, "said: ");
	if (is_exposed(c)) {
		quote_bytes(line, text);
		return;
	}
	buf_add_span(line, text);
	for (size_t i = 0; i < line->len; i++)
		if ((unsigned char)line->data[i] < 0x20 ||
		    line->data[i] == 0x7f)
			line->data[i] = ' ';
}

static void
pass_log(struct child *child, const struct message *m)
{
	struct buf line = BUF_INIT(4 * KIB);
	uint8_t level;
	struct cursor c;
	struct span text;

	cursor_init(&c, m->data.p, m->data.n);
	level = cursor_u8(&c);
	text = cursor_take(&c, cursor_left(&c));
	if (c.bad || level > LOG_LEVEL_DEBUG)
		return;
	if (level < LOG_LEVEL_ERROR)
		level = LOG_LEVEL_ERROR;
	if (!log_wants((enum log_level)level) || !may_speak(child))
		return;
	make_line(child, text, &line);
	log_line((enum log_level)level, buf_str(&line));
	buf_release(&line);
}

/* The source names an analyser by its index and how many had that before, so
 * that an order which comes late hits no successor. */
static void
kill_worker(struct supervisor *s, const struct message *m)
{
	struct child *c = find(s, ROLE_ANALYSER, (uint32_t)m->id);

	if (c == NULL || c->pid <= 0 || c->life != m->id >> 32)
		return;
	log_warn("killing %s: %s", child_name(c), log_quote(m->data));
	kill(c->pid, SIGKILL);
}

static void
on_child_message(struct channel *ch, const struct message *m, void *arg)
{
	struct child *c = arg;
	struct supervisor *s = c->owner;
	struct net_stats stats;

	(void)ch;
	switch (m->type) {
	case MSG_HELLO:
		/* It has read nothing of ours before, so it is our program. */
		if (c->greeted)
			distrust(c, "greets again");
		else if (!span_is(m->data, process_build_id()))
			fatal("the program file was replaced while running; "
			      "restart the service");
		c->greeted = true;
		break;
	case MSG_READY:
		if (c->state == CHILD_STARTING)
			child_ready(c);
		else if (c->state == CHILD_READY)
			distrust(c, "says twice that it is ready");
		break;
	case MSG_LOG:
		pass_log(c, m);
		break;
	case MSG_KILL_WORKER:
		kill_worker(s, m);
		break;
	case MSG_PONG:
		/* Nobody else was asked. */
		if (c->role == ROLE_NET && s->plan.alive != NULL)
			s->plan.alive(s->plan.arg);
		break;
	case MSG_STATS:
		if (c->role == ROLE_NET && s->plan.stats != NULL &&
		    net_stats_decode(&stats, m->data))
			s->plan.stats(&stats, s->plan.arg);
		else if ((c->role == ROLE_STORE || c->role == ROLE_SNIFFER) &&
		    s->plan.message != NULL)
			s->plan.message(m, s->plan.arg);
		break;
	default:
		if (s->plan.message != NULL)
			s->plan.message(m, s->plan.arg);
		break;
	}
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
	if (c->owner->stopping || (c->pid <= 0 && !is_wanted(c)))
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
	struct channel_handler h = {on_child_message, on_child_closed, NULL, c};
	struct timeval tv = {READY_SECONDS, 0};
	int fd;

	/* An analyser without its source has nobody to work for. */
	if (c->role == ROLE_ANALYSER && !is_up(source_of(s))) {
		struct timeval soon = {0, 100000};

		event_add(c->timer, &soon);
		return;
	}
	c->pid = process_spawn(c->role, &fd);
	if (c->pid < 0)
		fatal("cannot start %s: %s", child_name(c), strerror(errno));
	c->state = CHILD_STARTING;
	c->greeted = false;
	c->started = monotonic_us() / 1000;
	for (size_t i = 0; is_source(c->role) && i < s->nchildren; i++)
		s->children[i].life = 0;
	c->channel = channel_new(s->base, fd, ROLE_PARENT, c->role, &h);
	connect_child(s, c);
	send_setup(s, c);
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
	struct child *source = source_of(s);

	channel_free(c->channel);
	c->channel = NULL;
	c->pid = 0;
	c->state = CHILD_ABSENT;
	event_del(c->timer);
	if (c->role == ROLE_ANALYSER && is_up(source))
		channel_send(source->channel, MSG_WORKER_LOST, c->index,
		    span_of(describe_end(status)));
	if (wanted) {
		if (s->stopping)
			stop_next(s);
		else if (is_wanted(c))
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
		if (is_wanted(&s->children[i]))
			child_start(&s->children[i]);
	return true;
}

void
supervisor_ping(struct supervisor *s)
{
	struct child *c = find(s, ROLE_NET, 0);

	if (c != NULL && c->state == CHILD_READY && c->channel != NULL)
		channel_send(c->channel, MSG_PING, 0, SPAN_NULL);
}

void
supervisor_reload(struct supervisor *s, const struct supervisor_plan *fresh)
{
	s->plan.config = fresh->config;
	s->plan.rules = fresh->rules;
	s->plan.verdicts = fresh->verdicts;
	s->plan.ca_bundle = fresh->ca_bundle;
	buf_clear(&s->config);
	config_encode(s->plan.config, &s->config);
	for (size_t i = 0; i < s->nchildren; i++) {
		struct child *c = &s->children[i];

		if (c->role == ROLE_SNIFFER && c->pid <= 0 && is_wanted(c))
			child_start(c);
		else if (!is_up(c))
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
	struct child *c = find(s, ROLE_STORE, 0);

	if (is_up(c))
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
