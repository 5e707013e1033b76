/* Frames: every message type, every split, every broken rule. */
#include "cm.h"

#include <sys/socket.h>
#include <unistd.h>

#include "limit.h"
#include "log.h"
#include "message.h"

static void
quiet(enum log_level level, const char *line, void *arg)
{
	(void)level;
	(void)line;
	(void)arg;
}

/* A pair of roles that may exchange this type. */
static bool
endpoints(enum message_type type, enum role *from, enum role *to)
{
	for (unsigned f = 0; f < ROLE_COUNT; f++)
		for (unsigned t = 0; t < ROLE_COUNT; t++)
			if (message_allowed(type, (enum role)f, (enum role)t)) {
				*from = (enum role)f;
				*to = (enum role)t;
				return true;
			}
	return false;
}

static void
test_table_is_whole(void **state)
{
	enum role from = ROLE_PARENT, to = ROLE_PARENT;

	(void)state;
	for (unsigned t = 0; t < MSG_TYPE_COUNT; t++) {
		assert_non_null(message_name(t));
		if (!endpoints((enum message_type)t, &from, &to))
			fail_msg("nobody may send %s", message_name(t));
	}
	assert_string_equal(message_name(MSG_TYPE_COUNT), "?");
	/* The analyser speaks to nobody but its parent and its source. */
	for (unsigned t = 0; t < MSG_TYPE_COUNT; t++) {
		assert_false(message_allowed((enum message_type)t,
		    ROLE_ANALYSER, ROLE_STORE));
		assert_false(message_allowed((enum message_type)t,
		    ROLE_ANALYSER, ROLE_COURIER));
	}
}

/* Round trip of the payload sizes around every edge. */
static void
round_trip(enum message_type type, size_t n, bool wants)
{
	enum role from = ROLE_PARENT, to = ROLE_PARENT;
	struct assembler a;
	struct buf frames = BUF_INIT(FRAME_QUEUE_MAX);
	char *data = xcalloc(1, n + 1);
	struct message m;
	struct span in;
	bool fd;
	enum assembled got = ASSEMBLED_NONE;

	assert_true(endpoints(type, &from, &to));
	for (size_t i = 0; i < n; i++)
		data[i] = (char)(i * 31);
	message_frame(&frames, type, 77, (struct span){data, n}, wants);
	assembler_init(&a, to, from);
	in = buf_span(&frames);
	while (in.n > 0 && got == ASSEMBLED_NONE)
		got = assembler_step(&a, &in, &m, &fd);
	assert_int_equal(got, ASSEMBLED_MESSAGE);
	assert_int_equal(in.n, 0);
	assert_int_equal(m.type, type);
	assert_int_equal(m.id, 77);
	assert_int_equal(fd, wants);
	assert_true(span_eq(m.data, (struct span){data, n}));
	assembler_release(&a);
	buf_release(&frames);
	free(data);
}

static void
test_every_type_round_trips(void **state)
{
	static const size_t sizes[] = {0, 1, FRAME_MAX - FRAME_HEADER,
	    FRAME_MAX - FRAME_HEADER + 1, 3 * FRAME_MAX};

	(void)state;
	for (unsigned t = 0; t < MSG_TYPE_COUNT; t++) {
		const struct message_rule *r =
		    message_rule((enum message_type)t);

		for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
			if (sizes[i] <= r->max)
				round_trip((enum message_type)t, sizes[i],
				    r->fd);
	}
}

static enum assembled
feed(enum role self, enum role peer, uint32_t length, uint16_t type,
    uint16_t flags)
{
	struct {
		uint32_t length;
		uint16_t type;
		uint16_t flags;
		uint64_t id;
		char data[64];
	} frame = {length, type, flags, 1, {0}};
	struct span in = {(char *)&frame, sizeof frame};
	struct assembler a;
	struct message m;
	bool fd;
	enum assembled got;

	assembler_init(&a, self, peer);
	got = assembler_step(&a, &in, &m, &fd);
	assembler_release(&a);
	return got;
}

static void
test_broken_rules_are_bad(void **state)
{
	(void)state;
	log_to(quiet, NULL);
	/* The control: a good one. */
	assert_int_equal(feed(ROLE_NET, ROLE_ANALYSER, 16 + 8, MSG_RESULT, 0),
	    ASSEMBLED_MESSAGE);
	assert_int_equal(feed(ROLE_NET, ROLE_ANALYSER, 15, MSG_RESULT, 0),
	    ASSEMBLED_BAD);
	assert_int_equal(feed(ROLE_NET, ROLE_ANALYSER, FRAME_MAX + 1,
			     MSG_RESULT, 0),
	    ASSEMBLED_BAD);
	assert_int_equal(feed(ROLE_NET, ROLE_ANALYSER, 20, MSG_RESULT, 0x8000),
	    ASSEMBLED_BAD);
	assert_int_equal(feed(ROLE_NET, ROLE_ANALYSER, 20, MSG_RESULT,
			     FRAME_FD),
	    ASSEMBLED_BAD);
	assert_int_equal(feed(ROLE_NET, ROLE_ANALYSER, 20, MSG_TYPE_COUNT, 0),
	    ASSEMBLED_BAD);
	/* An analyser that plays the store. */
	assert_int_equal(feed(ROLE_NET, ROLE_ANALYSER, 20, MSG_STORED, 0),
	    ASSEMBLED_BAD);
	assert_int_equal(feed(ROLE_PARENT, ROLE_NET, 17, MSG_READY, 0),
	    ASSEMBLED_BAD);
	assert_int_equal(feed(ROLE_NET, ROLE_PARENT, 20, MSG_PEER, 0),
	    ASSEMBLED_BAD);
	log_to(NULL, NULL);
}

static void
test_message_over_its_maximum_is_bad(void **state)
{
	struct buf frames = BUF_INIT(FRAME_QUEUE_MAX);
	char *data = xcalloc(1, FRAME_MAX);
	struct assembler a;
	struct message m;
	struct span in;
	bool fd;
	enum assembled got = ASSEMBLED_NONE;
	size_t total = 0;

	(void)state;
	log_to(quiet, NULL);
	assembler_init(&a, ROLE_PARENT, ROLE_NET);
	/* MSG_LOG takes 4 KiB; here come endless pieces of one. */
	for (int i = 0; i < 10 && got == ASSEMBLED_NONE; i++) {
		struct {
			uint32_t length;
			uint16_t type;
			uint16_t flags;
			uint64_t id;
		} h = {16 + 1000, MSG_LOG, FRAME_MORE, 1};

		buf_clear(&frames);
		buf_add(&frames, &h, sizeof h);
		buf_add(&frames, data, 1000);
		in = buf_span(&frames);
		got = assembler_step(&a, &in, &m, &fd);
		total += 1000;
	}
	assert_int_equal(got, ASSEMBLED_BAD);
	assert_in_range(total, 4 * KIB, 5 * KIB);
	assembler_release(&a);
	buf_release(&frames);
	free(data);
	log_to(NULL, NULL);
}

/* Three messages over a socket, one byte at a time. */
static void
test_connection_reads_any_split(void **state)
{
	int fds[2];
	struct buf frames = BUF_INIT(FRAME_QUEUE_MAX);
	struct connection c;
	struct message m;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	message_frame(&frames, MSG_JOB, 1, SPAN("one"), false);
	message_frame(&frames, MSG_JOB, 2, SPAN(""), false);
	message_frame(&frames, MSG_JOB, 3, SPAN("three"), false);
	connection_init(&c, fds[1], ROLE_ANALYSER, ROLE_NET);
	for (size_t i = 0; i < frames.len; i++)
		assert_int_equal(write(fds[0], frames.data + i, 1), 1);
	close(fds[0]);
	assert_true(connection_receive(&c, &m));
	assert_true(span_is(m.data, "one"));
	assert_true(connection_receive(&c, &m));
	assert_int_equal(m.id, 2);
	assert_true(connection_receive(&c, &m));
	assert_true(span_is(m.data, "three"));
	assert_false(connection_receive(&c, &m));
	connection_release(&c);
	buf_release(&frames);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_table_is_whole),
	    cmocka_unit_test(test_every_type_round_trips),
	    cmocka_unit_test(test_broken_rules_are_bad),
	    cmocka_unit_test(test_message_over_its_maximum_is_bad),
	    cmocka_unit_test(test_connection_reads_any_split),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
