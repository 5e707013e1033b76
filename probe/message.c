#include "message.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "limit.h"
#include "log.h"

#define R(role) (1u << ROLE_##role)
#define CHILDREN                                                               \
	(R(NET) | R(READER) | R(ANALYSER) | R(STORE) | R(COURIER) | R(SNIFFER))
#define SOURCES (R(NET) | R(READER))
/* In `check` the parent itself stands where the store would. */
#define SINKS (R(STORE) | R(PARENT))
#define RECORD_BYTES_MAX                                                       \
	(JOB_BYTES_MAX + FINDING_BYTES_MAX + PACKETS_KEEP_MAX + 64)

static const struct message_rule rules[MSG_TYPE_COUNT] = {
    [MSG_HELLO] = {"hello", CHILDREN, R(PARENT), 256, false},
    [MSG_CONFIG] = {"config", R(PARENT), CHILDREN, CONFIG_BYTES_MAX, false},
    [MSG_RULES] = {"rules", R(PARENT), R(ANALYSER), CONFIG_BYTES_MAX, false},
    [MSG_VERDICTS] = {"verdicts", R(PARENT), R(ANALYSER) | SOURCES | R(STORE),
	CONFIG_BYTES_MAX, false},
    [MSG_CA_BUNDLE] = {"ca_bundle", R(PARENT), R(NET), 16 * MIB, false},
    [MSG_SETTINGS] = {"settings", R(PARENT), CHILDREN, CONFIG_BYTES_MAX, false},
    [MSG_PEER] = {"peer", R(PARENT), CHILDREN, 16, true},
    [MSG_FILE] = {"file", R(PARENT), R(READER), 8 * KIB, true},
    [MSG_READY] = {"ready", CHILDREN, R(PARENT), 0, false},
    [MSG_START] = {"start", R(PARENT), SOURCES, 0, false},
    [MSG_STOP] = {"stop", R(PARENT), CHILDREN, 0, false},
    [MSG_PING] = {"ping", R(PARENT), CHILDREN, 0, false},
    [MSG_PONG] = {"pong", CHILDREN, R(PARENT), 0, false},
    [MSG_LOG] = {"log", CHILDREN, R(PARENT), 4 * KIB, false},
    [MSG_STATS] = {"stats", CHILDREN, R(PARENT), 4 * MIB, false},
    [MSG_KILL_WORKER] = {"kill_worker", SOURCES, R(PARENT), 256, false},
    [MSG_WORKER_LOST] = {"worker_lost", R(PARENT), SOURCES, 256, false},
    [MSG_JOB] = {"job", SOURCES, R(ANALYSER), JOB_BYTES_MAX, false},
    [MSG_RESULT] = {"result", R(ANALYSER), SOURCES, FINDING_BYTES_MAX, false},
    [MSG_RESUME_ASK] = {"resume_ask", SOURCES, SINKS, 0, false},
    [MSG_RESUME] = {"resume", SINKS, SOURCES, CONFIG_BYTES_MAX, false},
    [MSG_RECORD] = {"record", SOURCES, SINKS, RECORD_BYTES_MAX, false},
    [MSG_STORED] = {"stored", SINKS, SOURCES, 4 * MIB, false},
    [MSG_DONE] = {"done", SOURCES, SINKS, 256, false},
    [MSG_FLUSH] = {"flush", R(PARENT), R(STORE), 0, false},
    [MSG_FLUSHED] = {"flushed", R(STORE), R(PARENT), 0, false},
    [MSG_EVENT] = {"event", R(STORE), R(PARENT), EVENT_LINE_MAX, false},
    [MSG_DELIVER] = {"deliver", R(STORE), R(COURIER), 16 * MIB, false},
    [MSG_DELIVERED] = {"delivered", R(COURIER), R(STORE), 8 * KIB, false},
    [MSG_HOOK_CONTROL] = {"hook_control", R(PARENT), R(STORE), 8 * KIB, false},
    [MSG_CLAIM] = {"claim", R(NET), R(SNIFFER), 16 * KIB, false},
    [MSG_PACKETS] = {"packets", R(SNIFFER), R(NET), PACKETS_KEEP_MAX + 4 * KIB,
	false},
    [MSG_RECOGNITION] = {"recognition", R(PARENT), R(STORE), CONFIG_BYTES_MAX,
	false},
    [MSG_SUMMARY] = {"summary", R(READER), R(PARENT), 64 * KIB, false},
};

static const char *const role_names[ROLE_COUNT] = {"parent", "net", "reader",
    "analyser", "store", "courier", "sniffer"};

const char *
role_name(enum role role)
{
	return role_names[role];
}

const char *
message_name(unsigned type)
{
	return type < MSG_TYPE_COUNT ? rules[type].name : "?";
}

const struct message_rule *
message_rule(enum message_type type)
{
	return &rules[type];
}

bool
message_allowed(enum message_type type, enum role from, enum role to)
{
	return type < MSG_TYPE_COUNT && (rules[type].from & 1u << from) != 0 &&
	    (rules[type].to & 1u << to) != 0;
}

struct frame_header {
	uint32_t length;
	uint16_t type;
	uint16_t flags;
	uint64_t id;
};

_Static_assert(sizeof(struct frame_header) == FRAME_HEADER, "frame header");

void
assembler_init(struct assembler *a, enum role self, enum role peer)
{
	memset(a, 0, sizeof *a);
	a->self = self;
	a->peer = peer;
	buf_init(&a->message, 0);
}

void
assembler_release(struct assembler *a)
{
	buf_release(&a->message);
	a->open = false;
}

static enum assembled
bad(const struct assembler *a, const char *why, unsigned type)
{
	log_error("%s broke the message rules: %s (%s)", role_name(a->peer),
	    why, message_name(type));
	return ASSEMBLED_BAD;
}

static enum assembled
check_header(const struct assembler *a, const struct frame_header *h)
{
	const struct message_rule *rule;

	if (h->length < FRAME_HEADER || h->length > FRAME_MAX)
		return bad(a, "frame length", h->type);
	if ((h->flags & ~(FRAME_MORE | FRAME_FD)) != 0)
		return bad(a, "flags", h->type);
	if (h->type >= MSG_TYPE_COUNT ||
	    !message_allowed((enum message_type)h->type, a->peer, a->self))
		return bad(a, "not allowed from there", h->type);
	rule = &rules[h->type];
	if (rule->fd != ((h->flags & FRAME_FD) != 0))
		return bad(a, "descriptor", h->type);
	if (a->open && (h->type != a->type || h->id != a->id))
		return bad(a, "another message in between", h->type);
	if (h->length - FRAME_HEADER >
	    rule->max - (a->open ? a->message.len : 0))
		return bad(a, "too large", h->type);
	return ASSEMBLED_MESSAGE;
}

/* Memory of a large message is not kept for the small ones after it. */
#define KEEP_BYTES (256 * KIB)

void
assembler_trim(struct assembler *a)
{
	if (!a->open && a->message.cap > KEEP_BYTES)
		buf_release(&a->message);
}

static void
start_message(struct assembler *a, const struct frame_header *h)
{
	assembler_trim(a);
	buf_clear(&a->message);
	a->message.max = rules[h->type].max;
	a->type = h->type;
	a->id = h->id;
	a->open = true;
}

enum assembled
assembler_step(struct assembler *a, struct span *in, struct message *out,
    bool *wants_fd)
{
	struct frame_header h;
	struct span payload;

	*wants_fd = false;
	if (in->n < FRAME_HEADER)
		return ASSEMBLED_NONE;
	memcpy(&h, in->p, sizeof h);
	if (check_header(a, &h) == ASSEMBLED_BAD)
		return ASSEMBLED_BAD;
	if (in->n < h.length)
		return ASSEMBLED_NONE;
	payload = span_slice(*in, FRAME_HEADER, h.length - FRAME_HEADER);
	*in = span_slice(*in, h.length, in->n);
	*wants_fd = (h.flags & FRAME_FD) != 0;
	*out = (struct message){(enum message_type)h.type, h.id, payload, -1};
	if (!a->open && (h.flags & FRAME_MORE) == 0)
		return ASSEMBLED_MESSAGE; /* whole in one frame: no copy */
	if (!a->open)
		start_message(a, &h);
	buf_add_span(&a->message, payload);
	if ((h.flags & FRAME_MORE) != 0)
		return ASSEMBLED_NONE;
	a->open = false;
	out->data = buf_span(&a->message);
	return ASSEMBLED_MESSAGE;
}

void
message_frame_next(struct buf *out, enum message_type type, uint64_t id,
    struct span *data, bool with_fd)
{
	const size_t room = FRAME_MAX - FRAME_HEADER;
	size_t n = data->n < room ? data->n : room;
	struct frame_header h = {(uint32_t)(n + FRAME_HEADER), (uint16_t)type,
	    0, id};

	if (n < data->n)
		h.flags |= FRAME_MORE;
	if (with_fd)
		h.flags |= FRAME_FD;
	buf_add(out, &h, sizeof h);
	buf_add(out, data->p, n);
	*data = span_slice(*data, n, data->n);
}

void
message_frame(struct buf *out, enum message_type type, uint64_t id,
    struct span data, bool with_fd)
{
	if (data.n > rules[type].max)
		bug("message %s of %zu bytes is over its maximum",
		    rules[type].name, data.n);
	do
		message_frame_next(out, type, id, &data, with_fd);
	while (data.n > 0);
}

void
connection_init(struct connection *c, int fd, enum role self, enum role peer)
{
	memset(c, 0, sizeof *c);
	c->fd = fd;
	assembler_init(&c->in, self, peer);
	buf_init(&c->pending, FRAME_QUEUE_MAX);
}

void
connection_release(struct connection *c)
{
	assembler_release(&c->in);
	buf_release(&c->pending);
	fd_queue_release(&c->fds);
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
}

bool
connection_send(struct connection *c, enum message_type type, uint64_t id,
    struct span data)
{
	struct buf out = BUF_INIT(rules[type].max + rules[type].max / KIB + 64);
	struct span rest;
	bool ok = true;

	message_frame(&out, type, id, data, false);
	rest = buf_span(&out);
	while (rest.n > 0) {
		ssize_t n = write(c->fd, rest.p, rest.n);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			ok = false;
			break;
		}
		rest = span_slice(rest, (size_t)n, rest.n);
	}
	buf_release(&out);
	return ok;
}

/* Reads once; recvmsg only while descriptors may still come (start-up), so
 * that the analyser under its filter needs read() alone. */
static ssize_t
read_some(struct connection *c, char *at, size_t n)
{
	if (c->in.peer != ROLE_PARENT)
		return read(c->fd, at, n);
	return fd_queue_read(&c->fds, c->fd, at, n);
}

bool
connection_receive(struct connection *c, struct message *out)
{
	struct span in;
	enum assembled got;
	bool wants_fd;
	char *at;
	ssize_t n;

	buf_drain(&c->pending, c->used);
	c->used = 0;
	for (;;) {
		in = span_slice(buf_span(&c->pending), c->used, c->pending.len);
		got = assembler_step(&c->in, &in, out, &wants_fd);
		if (got == ASSEMBLED_BAD)
			return false;
		if (c->pending.len - in.n != c->used) {
			c->used = c->pending.len - in.n;
			if (got == ASSEMBLED_MESSAGE) {
				out->fd =
				    wants_fd ? fd_queue_take(&c->fds) : -1;
				return !wants_fd || out->fd >= 0;
			}
			continue;
		}
		buf_drain(&c->pending, c->used);
		c->used = 0;
		at = buf_reserve(&c->pending, FRAME_MAX);
		if (at == NULL)
			return false;
		do
			n = read_some(c, at, FRAME_MAX);
		while (n < 0 && errno == EINTR);
		if (n <= 0)
			return false;
		c->pending.len += (size_t)n;
	}
}

void
connection_detach(struct connection *c, struct buf *rest)
{
	buf_drain(&c->pending, c->used);
	c->used = 0;
	*rest = c->pending;
	buf_init(&c->pending, FRAME_QUEUE_MAX);
	c->fd = -1;
	assembler_release(&c->in);
}
