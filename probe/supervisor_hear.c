/* What the processes say.  None is believed more than its role needs. */
#include "supervisor_child.h"

#include <signal.h>
#include <stdio.h>

#include "channel.h"
#include "instant.h"
#include "limit.h"

#define WORDS_MAX 20 /* log lines of an analyser */
#define WORDS_MS  60000

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
	struct child *c = child_find(s, ROLE_ANALYSER, (uint32_t)m->id);

	if (c == NULL || c->pid <= 0 || c->life != m->id >> 32)
		return;
	log_warn("killing %s: %s", child_name(c), log_quote(m->data));
	kill(c->pid, SIGKILL);
}

void
child_heard(struct channel *ch, const struct message *m, void *arg)
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
		c->unanswered = 0;
		c->answered = monotonic_us() / 1000;
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
