/*
 * The daemon as it is, with an analyser that a hostile page has taken over:
 * the program executes itself per role, so all other roles of this program
 * are the true ones.  A page at /evil/MODE makes the analyser do what MODE
 * says once it has its job; every other page is analysed as ever.
 *
 * Linked with analysis_run and connection_send wrapped, see the Makefile.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analysis.h"
#include "command.h"
#include "limit.h"
#include "process.h"

#define MODE_MARK "/evil/"
#define FLOOD	  200000 /* small messages */
#define LIE	  "store: error: \x1b[2Jthe disk \xe2\x80\xae\xff is gone"

void __real_analysis_run(struct analysis *, const struct observation *,
    struct finding *);
void __wrap_analysis_run(struct analysis *, const struct observation *,
    struct finding *);
bool __real_connection_send(struct connection *, enum message_type, uint64_t id,
    struct span);
bool __wrap_connection_send(struct connection *, enum message_type, uint64_t id,
    struct span);

static const char *mode = "";

/* Of no use and alive: only a kill ends it. */
static _Noreturn void
live_on(void)
{
	for (;;)
		(void)poll(NULL, 0, 1000);
}

static void
put(int fd, const void *bytes, size_t n)
{
	const char *p = bytes;

	while (n > 0) {
		ssize_t done = write(fd, p, n);

		if (done <= 0)
			live_on(); /* cut off, and not impressed */
		p += done;
		n -= (size_t)done;
	}
}

/* A frame as a peer that keeps no rules would send it. */
static void
frame(int fd, uint32_t length, unsigned type, unsigned flags, uint64_t id,
    size_t n)
{
	static char zeros[FRAME_MAX];
	struct {
		uint32_t length;
		uint16_t type, flags;
		uint64_t id;
	} head = {length, (uint16_t)type, (uint16_t)flags, id};

	put(fd, &head, sizeof head);
	put(fd, zeros, n);
}

/* A true message of `type`, allowed or not. */
static void
message(int fd, unsigned type, uint64_t id, const char *text)
{
	struct buf b = BUF_INIT(MIB);

	message_frame(&b, (enum message_type)type, id, span_of(text), false);
	put(fd, b.data, b.len);
	buf_release(&b);
}

static void
flood(int fd, unsigned type, uint64_t id, const char *text)
{
	for (int i = 0; i < FLOOD; i++)
		message(fd, type, id, text);
}

/* ---- to the source ---- */

static void
oversized(int fd, uint64_t id)
{
	for (size_t n = 0; n < 2ul * FINDING_BYTES_MAX; n += FRAME_MAX)
		frame(fd, FRAME_MAX, MSG_RESULT, FRAME_MORE, id,
		    FRAME_MAX - FRAME_HEADER);
}

/* Well-formed, and a lie in every field. */
static void
forge(struct buf *b)
{
	struct finding f;
	char url[40],
	    name[] = "\x1b[31m\xe2\x80\xae'; DROP TABLE events; --\n\xff";

	finding_init(&f);
	f.status = ANALYSIS_OK;
	f.page_class = PAGE_NORMAL;
	f.title = xstrdup(name);
	f.body_length = UINT64_MAX;
	memset(f.body_sha256, 'f', 64);
	memset(f.text_sha256, '0', 64);
	f.bad_chars = UINT32_MAX;
	for (unsigned i = 0; i < SIGHTINGS_MAX; i++) {
		struct sighting s = {.kind = (enum sighting_kind)(i % 3),
		    .platform = xstrdup(i % 2 == 0 ? "nowhere" : name),
		    .name = xasprintf("%s%u", name, i),
		    .url = xstrdup("file:///etc/passwd"),
		    .offset = UINT64_MAX,
		    .count = UINT32_MAX};

		finding_add_sighting(&f, &s);
	}
	for (unsigned i = 0; i < SAMPLES_MAX; i++) {
		snprintf(url, sizeof url, "http://10.0.0.1/%u", i);
		finding_add_link(&f, span_of(url));
	}
	for (unsigned i = 0; i < NOTES_MAX; i++)
		finding_note(&f, "%s", name);
	finding_encode(&f, b);
	finding_release(&f);
}

static void
forged(struct connection *c, uint64_t id)
{
	struct buf b = BUF_INIT(FINDING_BYTES_MAX);

	forge(&b);
	__real_connection_send(c, MSG_RESULT, id, buf_span(&b));
	buf_release(&b);
}

static void
status_only(struct connection *c, uint64_t id, enum analysis_status status)
{
	struct buf b = BUF_INIT(FINDING_BYTES_MAX);
	struct finding f;

	finding_init(&f);
	f.status = status;
	finding_encode(&f, &b);
	__real_connection_send(c, MSG_RESULT, id, buf_span(&b));
	finding_release(&f);
	buf_release(&b);
}

#define IS(name) (strcmp(mode, (name)) == 0)

/* Breaks of the message rules towards the source. */
static void
break_rules(struct connection *c, uint64_t id)
{
	int fd = c->fd;

	if (IS("short-frame"))
		frame(fd, 3, MSG_RESULT, 0, id, 0);
	else if (IS("long-frame"))
		frame(fd, UINT32_MAX, MSG_RESULT, 0, id, FRAME_MAX);
	else if (IS("unknown-type"))
		frame(fd, FRAME_HEADER, 60000, 0, id, 0);
	else if (IS("unknown-flag"))
		frame(fd, FRAME_HEADER, MSG_RESULT, 0x80, id, 0);
	else if (IS("promised-descriptor"))
		frame(fd, FRAME_HEADER, MSG_RESULT, FRAME_FD, id, 0);
	else if (IS("forged-stored"))
		message(fd, MSG_STORED, id, "");
	else if (IS("forged-record"))
		message(fd, MSG_RECORD, id, "record");
	else if (IS("forged-peer"))
		frame(fd, FRAME_HEADER, MSG_PEER, FRAME_FD, id, 0);
	else if (IS("oversized"))
		oversized(fd, id);
	else if (IS("interleaved")) {
		frame(fd, 20, MSG_RESULT, FRAME_MORE, id, 4);
		frame(fd, 20, MSG_RESULT, 0, id + 1, 4);
	} else if (IS("half-message"))
		frame(fd, 20, MSG_RESULT, FRAME_MORE, id, 4);
	else if (IS("half-frame"))
		frame(fd, 4096, MSG_RESULT, 0, id, 100);
	else if (IS("closed"))
		close(fd);
	else if (IS("wrong-id"))
		message(fd, MSG_RESULT, id + 1, "");
	else if (IS("zero-id"))
		message(fd, MSG_RESULT, 0, "");
	else if (IS("flood-wrong-id"))
		flood(fd, MSG_RESULT, UINT64_MAX, "");
	else
		return;
	live_on();
}

/* Towards the parent, which has other rules. */
static void
break_parent(uint64_t id)
{
	if (IS("other-build"))
		message(PROCESS_FD, MSG_HELLO, 0, "kpwatch-0.0-0-0");
	else if (IS("ready-again"))
		flood(PROCESS_FD, MSG_READY, 0, "");
	else if (IS("kill-order"))
		message(PROCESS_FD, MSG_KILL_WORKER, id, "forged");
	else if (IS("forged-event"))
		message(PROCESS_FD, MSG_EVENT, 1, "{\"seq\":1}");
	else if (IS("bad-frame-to-parent"))
		frame(PROCESS_FD, 7, MSG_LOG, 0, 0, 0);
	else if (IS("large-log"))
		frame(PROCESS_FD, FRAME_MAX, MSG_LOG, 0, 0,
		    FRAME_MAX - FRAME_HEADER);
	else
		return;
	live_on();
}

/* What a page can do to an honest analyser, too. */
static void
fail_as_pages_do(void)
{
	static volatile unsigned spin;

	if (IS("crash"))
		abort();
	if (IS("hang"))
		for (;;)
			spin++;
#ifdef __SANITIZE_ADDRESS__ /* has no limit: the machine's memory would go */
	if (IS("memory"))
		abort();
#endif
	while (IS("memory"))
		memset(xmalloc(MIB), 1, MIB);
}

/* True when the answer has been given in our way. */
static bool
answer_falsely(struct connection *c, uint64_t id)
{
	if (IS("noise-finding"))
		message(c->fd, MSG_RESULT, id, "\xff\xff\xff\xffnot a finding");
	else if (IS("empty-finding"))
		message(c->fd, MSG_RESULT, id, "");
	else if (IS("forged-finding"))
		forged(c, id);
	else if (IS("same-finding"))
		status_only(c, id, ANALYSIS_SAME);
	else if (IS("no-finding"))
		status_only(c, id, ANALYSIS_NONE);
	else
		return false;
	return true;
}

void
__wrap_analysis_run(struct analysis *a, const struct observation *o,
    struct finding *f)
{
	const char *at = strstr(o->url, MODE_MARK);
	static char name[64];

	snprintf(name, sizeof name, "%s",
	    at == NULL ? "" : at + strlen(MODE_MARK));
	mode = name;
	fail_as_pages_do();
	__real_analysis_run(a, o, f);
}

bool
__wrap_connection_send(struct connection *c, enum message_type type,
    uint64_t id, struct span data)
{
	bool ok;

	if (type != MSG_RESULT || mode[0] == '\0')
		return __real_connection_send(c, type, id, data);
	break_rules(c, id);
	break_parent(id);
	if (answer_falsely(c, id))
		return true;
	if (IS("log-flood"))
		flood(PROCESS_FD, MSG_LOG, 0, "\3" LIE);
	if (IS("terminal"))
		for (int fd = 0; fd <= 2; fd++)
			(void)!write(fd, LIE, strlen(LIE));
	if (IS("pong-flood"))
		for (;;) {
			message(PROCESS_FD, MSG_PONG, 0, "");
			(void)poll(NULL, 0, 50);
		}
	ok = __real_connection_send(c, type, id, data);
	if (IS("twice"))
		message(c->fd, MSG_RESULT, id, "");
	if (IS("unasked"))
		message(c->fd, MSG_RESULT, id + MIB, "");
	if (IS("twice") || IS("unasked"))
		live_on();
	return ok;
}

/* What main.c has for the commands. */
void
command_help(const char *name, const char *help)
{
	(void)name;
	(void)help;
}

int
command_usage(const char *name)
{
	(void)name;
	return EXIT_USAGE;
}

int
main(int argc, char **argv)
{
	if (argc == 2 && strncmp(argv[1], "--role=", 7) == 0)
		process_main(role_from_name(argv[1] + 7));
	return cmd_run(argc, argv);
}
