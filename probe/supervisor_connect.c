/* What a process is given when it starts: its sockets to the others, the
 * configuration, its settings. */
#include "supervisor_child.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "advice.h"
#include "channel.h"
#include "limit.h"

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

	if (!child_is_up(a) || !child_is_up(b))
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

void
child_connect(struct child *c)
{
	struct supervisor *s = c->owner;

	if (role_is_source(c->role)) {
		connect_pair(c, child_find(s, ROLE_STORE, 0));
		connect_pair(c, child_find(s, ROLE_SNIFFER, 0));
		if (s->plan.mode == SUPERVISE_CHECK)
			connect_sink(s, c);
		/* Analysers of an earlier source end by themselves and are
		 * connected when they come again. */
	} else if (c->role == ROLE_ANALYSER || c->role == ROLE_SNIFFER) {
		connect_pair(child_source(s), c);
	} else if (c->role == ROLE_STORE) {
		connect_pair(child_source(s), c);
		connect_pair(c, child_find(s, ROLE_COURIER, 0));
	} else if (c->role == ROLE_COURIER) {
		connect_pair(child_find(s, ROLE_STORE, 0), c);
	}
}

static void
send_files(const struct supervisor *s, struct child *c)
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

void
child_set_up(struct child *c)
{
	const struct supervisor *s = c->owner;
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
	if (c->role == ROLE_STORE)
		channel_send(c->channel, MSG_RECOGNITION, 0,
		    s->plan.recognition);
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
