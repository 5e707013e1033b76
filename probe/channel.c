#include "channel.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include "instant.h"
#include "limit.h"
#include "log.h"

#define LEND_MIN (128 * KIB) /* shorter ones are copied */

/* A descriptor to send once `at` bytes of the stream have gone before it. */
struct fd_mark {
	uint64_t at;
	int fd;
};

/* A message that goes out in frames as the peer reads them, or frames that
 * came behind one. */
struct lent {
	TAILQ_ENTRY(lent) next;
	enum message_type type;
	uint64_t id;
	const char *data; /* of the message, NULL for frames */
	struct span rest; /* of it */
	struct buf frames;
};

struct channel {
	int fd;
	struct event read_event;
	struct event write_event;
	struct assembler in;
	struct buf incoming;
	struct buf out;
	size_t sent;		       /* of out, already written */
	uint64_t stream_out;	       /* bytes ever written */
	TAILQ_HEAD(lents, lent) lents; /* behind what is in `out` */
	size_t lent_bytes;
	struct fd_mark fds_out[FD_QUEUE_MAX];
	unsigned nfds_out;
	struct fd_queue fds_in;
	struct channel_handler handler;
	bool was_full;
	bool dead;
	unsigned depth; /* callbacks under way */
};

static void
lent_free(struct channel *ch, struct lent *l)
{
	TAILQ_REMOVE(&ch->lents, l, next);
	ch->lent_bytes -= l->rest.n + l->frames.len;
	buf_release(&l->frames);
	free(l);
}

static struct lent *
lent_add(struct channel *ch)
{
	struct lent *l = xcalloc(1, sizeof *l);

	buf_init(&l->frames, FRAME_QUEUE_MAX);
	TAILQ_INSERT_TAIL(&ch->lents, l, next);
	return l;
}

static void
channel_destroy(struct channel *ch)
{
	while (!TAILQ_EMPTY(&ch->lents))
		lent_free(ch, TAILQ_FIRST(&ch->lents));
	for (unsigned i = 0; i < ch->nfds_out; i++)
		close(ch->fds_out[i].fd);
	fd_queue_release(&ch->fds_in);
	assembler_release(&ch->in);
	buf_release(&ch->incoming);
	buf_release(&ch->out);
	free(ch);
}

static void
channel_stop(struct channel *ch)
{
	if (ch->fd < 0)
		return;
	event_del(&ch->read_event);
	event_del(&ch->write_event);
	close(ch->fd);
	ch->fd = -1;
	/* What was lent may go away from now on. */
	while (!TAILQ_EMPTY(&ch->lents))
		lent_free(ch, TAILQ_FIRST(&ch->lents));
}

void
channel_free(struct channel *ch)
{
	if (ch == NULL)
		return;
	channel_stop(ch);
	ch->dead = true;
	if (ch->depth == 0)
		channel_destroy(ch);
}

/* The peer is gone: tell once, then be silent. */
static void
channel_lost(struct channel *ch)
{
	if (ch->fd < 0)
		return;
	channel_stop(ch);
	ch->depth++;
	ch->handler.closed(ch, ch->handler.arg);
	ch->depth--;
}

/* Hands out every whole message of the input. */
static void
channel_parse(struct channel *ch)
{
	struct span in = buf_span(&ch->incoming);
	struct message m;
	enum assembled got;
	bool wants_fd;
	size_t before;

	while (ch->fd >= 0) {
		before = in.n;
		got = assembler_step(&ch->in, &in, &m, &wants_fd);
		if (got == ASSEMBLED_MESSAGE) {
			m.fd = wants_fd ? fd_queue_take(&ch->fds_in) : -1;
			if (wants_fd && m.fd < 0)
				got = ASSEMBLED_BAD;
			else
				ch->handler.message(ch, &m, ch->handler.arg);
			assembler_trim(&ch->in);
		}
		if (got == ASSEMBLED_BAD) {
			channel_lost(ch);
			return;
		}
		if (in.n == before)
			break;
	}
	if (ch->fd >= 0)
		buf_drain(&ch->incoming, ch->incoming.len - in.n);
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct channel *ch = arg;
	char *at = buf_reserve(&ch->incoming, FRAME_MAX);
	ssize_t n;

	(void)fd;
	if (at == NULL)
		bug("incoming frames over their maximum");
	n = fd_queue_read(&ch->fds_in, ch->fd, at, FRAME_MAX);
	if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
		/* What was read before the channel began may be whole. */
		if ((what & EV_TIMEOUT) == 0)
			return;
		n = 0;
	} else if (n <= 0) {
		n = -1;
	}
	ch->depth++;
	if (n < 0) {
		channel_lost(ch);
	} else {
		ch->incoming.len += (size_t)n;
		channel_parse(ch);
	}
	if (--ch->depth == 0 && ch->dead)
		channel_destroy(ch);
}

/* One sendmsg, with the next descriptor when its place has come. */
static ssize_t
channel_write(struct channel *ch)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = {ch->out.data + ch->sent, ch->out.len - ch->sent};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	struct cmsghdr *cm;
	bool with_fd = ch->nfds_out > 0 && ch->fds_out[0].at == ch->stream_out;
	ssize_t n;

	if (with_fd) {
		memset(&control, 0, sizeof control);
		msg.msg_control = control.room;
		msg.msg_controllen = sizeof control.room;
		cm = CMSG_FIRSTHDR(&msg);
		cm->cmsg_level = SOL_SOCKET;
		cm->cmsg_type = SCM_RIGHTS;
		cm->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(cm), &ch->fds_out[0].fd, sizeof(int));
	}
	/* Stop short of the next descriptor's place. */
	for (unsigned i = with_fd ? 1 : 0; i < ch->nfds_out; i++) {
		uint64_t gap = ch->fds_out[i].at - ch->stream_out;

		if (gap < iov.iov_len)
			iov.iov_len = (size_t)gap;
		break;
	}
	n = sendmsg(ch->fd, &msg, MSG_NOSIGNAL);
	if (n <= 0)
		return n;
	ch->sent += (size_t)n;
	ch->stream_out += (uint64_t)n;
	if (with_fd) {
		close(ch->fds_out[0].fd);
		ch->nfds_out--;
		memmove(ch->fds_out, ch->fds_out + 1,
		    ch->nfds_out * sizeof ch->fds_out[0]);
	}
	return n;
}

/* Everything in `out` is written: the next frames; false when there are
 * none. */
static bool
refill(struct channel *ch)
{
	struct lent *l = TAILQ_FIRST(&ch->lents);
	size_t before;

	if (l == NULL)
		return false;
	buf_clear(&ch->out);
	ch->sent = 0;
	if (l->data == NULL) {
		buf_add_span(&ch->out, buf_span(&l->frames));
		lent_free(ch, l);
		return true;
	}
	before = l->rest.n;
	message_frame_next(&ch->out, l->type, l->id, &l->rest, false);
	ch->lent_bytes -= before - l->rest.n;
	if (l->rest.n == 0)
		lent_free(ch, l);
	return true;
}

/* False when the peer is gone. */
static bool
channel_pump(struct channel *ch)
{
	ssize_t n;

	while (ch->sent < ch->out.len || refill(ch)) {
		n = channel_write(ch);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			event_add(&ch->write_event, NULL);
			return true;
		}
		if (n <= 0)
			return false;
	}
	event_del(&ch->write_event);
	if (ch->out.cap > FRAME_QUEUE_HIGH)
		buf_release(&ch->out);
	buf_clear(&ch->out);
	ch->sent = 0;
	return true;
}

static void
on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct channel *ch = arg;

	(void)fd;
	(void)what;
	ch->depth++;
	if (!channel_pump(ch)) {
		channel_lost(ch);
	} else if (ch->was_full && channel_queued(ch) < FRAME_QUEUE_HIGH) {
		ch->was_full = false;
		if (ch->handler.drained != NULL)
			ch->handler.drained(ch, ch->handler.arg);
	}
	if (--ch->depth == 0 && ch->dead)
		channel_destroy(ch);
}

struct channel *
channel_new(struct event_base *base, int fd, enum role self, enum role peer,
    const struct channel_handler *handler)
{
	struct channel *ch = xcalloc(1, sizeof *ch);
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		fatal("cannot set up a socket: %s", strerror(errno));
	ch->fd = fd;
	ch->handler = *handler;
	assembler_init(&ch->in, self, peer);
	buf_init(&ch->incoming, 4 * FRAME_MAX);
	buf_init(&ch->out, FRAME_QUEUE_MAX);
	TAILQ_INIT(&ch->lents);
	event_assign(&ch->read_event, base, fd, EV_READ | EV_PERSIST,
	    on_readable, ch);
	event_assign(&ch->write_event, base, fd, EV_WRITE, on_writable, ch);
	event_add(&ch->read_event, NULL);
	return ch;
}

struct channel *
channel_adopt(struct event_base *base, struct connection *c,
    const struct channel_handler *handler)
{
	struct channel *ch =
	    channel_new(base, c->fd, c->in.self, c->in.peer, handler);
	struct buf rest;

	ch->fds_in = c->fds;
	c->fds.n = 0;
	connection_detach(c, &rest);
	ch->incoming.max += rest.len;
	buf_add_span(&ch->incoming, buf_span(&rest));
	buf_release(&rest);
	if (ch->incoming.len > 0)
		event_active(&ch->read_event, EV_TIMEOUT, 1);
	return ch;
}

/* Something was added to what goes out: at the end of this turn of the loop,
 * with all that comes until then.  The socket has room, most times; to wait
 * for that takes two system calls more, to begin and to end it. */
static void
queued(struct channel *ch)
{
	if (!event_pending(&ch->write_event, EV_WRITE, NULL))
		event_active(&ch->write_event, EV_WRITE, 1);
	if (channel_queued(ch) >= FRAME_QUEUE_HIGH)
		ch->was_full = true;
}

static void
channel_queue(struct channel *ch, enum message_type type, uint64_t id,
    struct span data, bool with_fd)
{
	struct buf *to = &ch->out;

	if (ch->fd < 0)
		return;
	if (ch->sent > FRAME_QUEUE_HIGH) {
		buf_drain(&ch->out, ch->sent);
		ch->sent = 0;
	}
	if (!TAILQ_EMPTY(&ch->lents))
		to = &lent_add(ch)->frames;
	message_frame(to, type, id, data, with_fd);
	if (to != &ch->out)
		ch->lent_bytes += to->len;
	if (to->overflow || channel_queued(ch) > FRAME_QUEUE_MAX) {
		log_error("%s does not read its messages",
		    role_name(ch->in.peer));
		event_active(&ch->read_event, EV_READ, 1);
		shutdown(ch->fd, SHUT_RDWR);
		return;
	}
	queued(ch);
}

void
channel_send(struct channel *ch, enum message_type type, uint64_t id,
    struct span data)
{
	channel_queue(ch, type, id, data, false);
}

void
channel_lend(struct channel *ch, enum message_type type, uint64_t id,
    struct span data)
{
	struct lent *l;

	if (data.n < LEND_MIN) {
		channel_send(ch, type, id, data);
		return;
	}
	if (ch->fd < 0)
		return;
	if (data.n > message_rule(type)->max)
		bug("message %s of %zu bytes is over its maximum",
		    message_name(type), data.n);
	l = lent_add(ch);
	l->type = type;
	l->id = id;
	l->data = data.p;
	l->rest = data;
	ch->lent_bytes += data.n;
	queued(ch);
}

bool
channel_has_lent(const struct channel *ch, struct span data)
{
	const struct lent *l;

	TAILQ_FOREACH (l, &ch->lents, next)
		if (l->data != NULL && l->data == data.p)
			return true;
	return false;
}

void
channel_send_fd(struct channel *ch, enum message_type type, uint64_t id,
    struct span data, int fd)
{
	if (!TAILQ_EMPTY(&ch->lents))
		bug("a descriptor behind a message that was lent");
	if (ch->fd < 0 || ch->nfds_out == FD_QUEUE_MAX) {
		close(fd);
		return;
	}
	ch->fds_out[ch->nfds_out++] =
	    (struct fd_mark){ch->stream_out + (ch->out.len - ch->sent), fd};
	channel_queue(ch, type, id, data, true);
}

size_t
channel_queued(const struct channel *ch)
{
	return ch->out.len - ch->sent + ch->lent_bytes;
}

bool
channel_full(const struct channel *ch)
{
	return channel_queued(ch) >= FRAME_QUEUE_HIGH;
}

bool
channel_flush(struct channel *ch, int ms)
{
	int64_t end = monotonic_us() + (int64_t)ms * 1000;
	struct pollfd p = {ch->fd, POLLOUT, 0};

	while (ch->fd >= 0 && channel_queued(ch) > 0) {
		int64_t left = (end - monotonic_us()) / 1000;

		if (left <= 0 || !channel_pump(ch))
			return false;
		if (channel_queued(ch) > 0 && poll(&p, 1, (int)left) < 0 &&
		    errno != EINTR)
			return false;
	}
	return ch->fd >= 0;
}
