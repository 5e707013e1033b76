#include "journal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "digest.h"
#include "instant.h"
#include "json_read.h"
#include "limit.h"

#define JOURNAL_SOCKET "/run/systemd/journal/socket"
#define STATUS_MAX     512

struct journal {
	int fd; /* -1: no journal */
};

/* ---- the service manager ---- */

/* Fills a Unix address; 0 when the path does not fit. */
static socklen_t
unix_address(struct sockaddr_un *sa, const char *path)
{
	size_t n = strlen(path);

	memset(sa, 0, sizeof *sa);
	sa->sun_family = AF_UNIX;
	if (n < 2 || n >= sizeof sa->sun_path ||
	    (path[0] != '/' && path[0] != '@'))
		return 0;
	memcpy(sa->sun_path, path, n);
	if (path[0] == '@')
		sa->sun_path[0] = '\0';
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
}

static int
datagram_socket(const char *path)
{
	struct sockaddr_un sa;
	socklen_t n = unix_address(&sa, path);
	int fd;

	if (n == 0)
		return -1;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&sa, n) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

bool
notify_send(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	int fd = path == NULL ? -1 : datagram_socket(path);
	bool sent;

	if (fd < 0)
		return false;
	sent = send(fd, state, strlen(state), MSG_NOSIGNAL) >= 0;
	close(fd);
	return sent;
}

bool
notify_ready(void)
{
	return notify_send("READY=1");
}

bool
notify_stopping(void)
{
	return notify_send("STOPPING=1");
}

bool
notify_reloading(void)
{
	char text[96];

	/* The time is for Type=notify-reload of systemd 253 and later. */
	snprintf(text, sizeof text, "RELOADING=1\nMONOTONIC_USEC=%" PRId64,
	    monotonic_us());
	return notify_send(text);
}

bool
notify_watchdog(void)
{
	return notify_send("WATCHDOG=1");
}

bool
notify_status(const char *fmt, ...)
{
	char text[STATUS_MAX] = "STATUS=";
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text + 7, sizeof text - 7, fmt, ap);
	va_end(ap);
	for (char *p = text; *p != '\0'; p++)
		if (*p == '\n')
			*p = ' ';
	return notify_send(text);
}

int64_t
notify_watchdog_period(void)
{
	const char *usec = getenv("WATCHDOG_USEC");
	const char *pid = getenv("WATCHDOG_PID");
	uint64_t v;

	if (usec == NULL || !span_u64(span_of(usec), &v) || v == 0 ||
	    v > INT64_MAX)
		return 0;
	if (pid != NULL) {
		uint64_t p;

		if (!span_u64(span_of(pid), &p) || p != (uint64_t)getpid())
			return 0;
	}
	return v < 2000 ? 1 : (int64_t)(v / 2000);
}

/* ---- the journal ---- */

/* $JOURNAL_STREAM is "device:inode" of the stream that the service manager
 * gave us; elsewhere (a terminal, a file) lines are for people. */
static bool
stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	struct span rest = span_of(stream), device;
	uint64_t dev, ino;
	struct stat st;

	if (stream == NULL)
		return false;
	device = span_token(&rest, ':');
	return span_u64(device, &dev) && span_u64(rest, &ino) &&
	    fstat(STDERR_FILENO, &st) == 0 && st.st_dev == dev &&
	    st.st_ino == ino;
}

struct journal *
journal_open(const char *path)
{
	struct journal *j = xcalloc(1, sizeof *j);

	j->fd = -1;
	if (path != NULL || stderr_is_journal())
		j->fd = datagram_socket(path == NULL ? JOURNAL_SOCKET : path);
	return j;
}

void
journal_free(struct journal *j)
{
	if (j == NULL)
		return;
	if (j->fd >= 0)
		close(j->fd);
	free(j);
}

bool
journal_connected(const struct journal *j)
{
	return j->fd >= 0;
}

/* KEY=value, or the form with a length where the value has a newline. */
static void
field_add(struct buf *b, const char *key, struct span value)
{
	if (value.p == NULL || value.n == 0)
		return;
	buf_add_str(b, key);
	if (span_find(value, '\n') == value.n) {
		buf_add_char(b, '=');
	} else {
		buf_add_char(b, '\n');
		buf_put_u64(b, value.n);
	}
	buf_add_span(b, value);
	buf_add_char(b, '\n');
}

/* An entry that is too long for a datagram goes as a sealed memory file. */
static bool
send_as_file(int fd, struct span entry)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct msghdr m = {.msg_control = control.bytes,
	    .msg_controllen = sizeof control.bytes};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	int file = memfd_create("journal", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	bool sent = false;

	if (file < 0)
		return false;
	memset(&control, 0, sizeof control);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &file, sizeof file);
	if (write(file, entry.p, entry.n) == (ssize_t)entry.n &&
	    fcntl(file, F_ADD_SEALS,
		F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) == 0)
		sent = sendmsg(fd, &m, MSG_NOSIGNAL) >= 0;
	close(file);
	return sent;
}

static bool
journal_send(struct journal *j, struct span entry)
{
	if (j->fd < 0)
		return false;
	if (send(j->fd, entry.p, entry.n, MSG_NOSIGNAL) >= 0)
		return true;
	return (errno == EMSGSIZE || errno == ENOBUFS) &&
	    send_as_file(j->fd, entry);
}

static void
priority_add(struct buf *b, enum log_level level)
{
	char digit = (char)('0' + level);

	field_add(b, "PRIORITY", (struct span){&digit, 1});
	field_add(b, "SYSLOG_IDENTIFIER", SPAN("kpwatch"));
}

void
journal_log(enum log_level level, const char *line, void *arg)
{
	struct journal *j = arg;
	struct buf b = BUF_INIT(JOURNAL_BYTES_MAX);

	priority_add(&b, level);
	field_add(&b, "MESSAGE", span_of(line));
	if (!journal_send(j, buf_span(&b))) {
		log_to(NULL, NULL);
		log_line(level, line);
		log_to(journal_log, j);
	}
	buf_release(&b);
}

void
journal_message_id(const char *type, char out[33])
{
	static const uint8_t space[16] = {0x5b, 0x3f, 0x5b, 0xb2, 0x6d, 0x0a,
	    0x4b, 0x0e, 0x9e, 0x0f, 0x6b, 0x70, 0x77, 0x61, 0x74, 0x63};
	struct buf name = BUF_INIT(KIB);
	uint8_t hash[SHA1_BYTES];

	buf_add(&name, space, sizeof space);
	buf_add_str(&name, type);
	sha1(buf_span(&name), hash);
	buf_release(&name);
	hash[6] = (uint8_t)((hash[6] & 0x0f) | 0x50);
	hash[8] = (uint8_t)((hash[8] & 0x3f) | 0x80);
	hex_encode(out, hash, 16);
}

/* ---- events ---- */

/* Appends before, the member's text quoted, and after, when it is there. */
static void
put_text(struct buf *out, struct span event, const char *key,
    const char *before, const char *after)
{
	char *text = json_member_text(event, key, URL_MAX_LEN);

	if (text != NULL) {
		buf_add_str(out, before);
		quote_bytes(out, span_of(text));
		buf_add_str(out, after);
	}
	free(text);
}

bool
journal_message(struct buf *out, struct span event)
{
	char *type = json_member_text(event, "type", 64);
	uint64_t before, after;

	if (type == NULL)
		return false;
	put_text(out, event, "target", "", ": ");
	buf_add_str(out, type);
	put_text(out, event, "platform", " ", "");
	put_text(out, event, "name", "/", "");
	if (json_member_u64(event, "before", &before) &&
	    json_member_u64(event, "after", &after))
		buf_addf(out, " (%" PRIu64 " -> %" PRIu64 ")", before, after);
	put_text(out, event, "failure", ", ", "");
	put_text(out, event, "since", ", since ", "");
	put_text(out, event, "url", ", ", "");
	free(type);
	return true;
}

static enum log_level
event_level(const char *type)
{
	static const char *const loud[] = {"site.down", "site.blocked",
	    "site.degraded", "site.parked", "site.moved", "vantage.offline",
	    "monitor.gap"};

	for (size_t i = 0; i < ARRAY_LEN(loud); i++)
		if (strcmp(type, loud[i]) == 0)
			return LOG_LEVEL_WARN;
	return LOG_LEVEL_INFO;
}

static void
event_fields(struct buf *b, struct span event)
{
	static const char *const keys[][2] = {{"KPWATCH_TYPE", "type"},
	    {"KPWATCH_TARGET", "target"}, {"KPWATCH_PLATFORM", "platform"},
	    {"KPWATCH_NAME", "name"}, {"KPWATCH_URL", "url"},
	    {"KPWATCH_PAGE", "page"}, {"KPWATCH_TIME", "time"},
	    {"KPWATCH_VANTAGE", "vantage"}};

	field_add(b, "KPWATCH_SEQ", json_member(event, "seq"));
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		char *text = json_member_text(event, keys[i][1], URL_MAX_LEN);

		field_add(b, keys[i][0], span_of(text));
		free(text);
	}
}

bool
journal_event(struct journal *j, struct span event)
{
	struct buf message = BUF_INIT(JOURNAL_BYTES_MAX / 2);
	struct buf b = BUF_INIT(JOURNAL_BYTES_MAX);
	char *type = json_member_text(event, "type", 64);
	char id[33];
	bool is_event = type != NULL && journal_message(&message, event);

	if (is_event && j->fd >= 0) {
		journal_message_id(type, id);
		priority_add(&b, event_level(type));
		field_add(&b, "MESSAGE", buf_span(&message));
		field_add(&b, "MESSAGE_ID", span_of(id));
		event_fields(&b, event);
	}
	if (is_event && !journal_send(j, buf_span(&b)))
		log_line(event_level(type), buf_str(&message));
	free(type);
	buf_release(&message);
	buf_release(&b);
	return is_event;
}
