/* Messages that are lent to a channel: in order, unchanged, given up whole. */
#include "cm.h"

#include <event2/event.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "channel.h"
#include "fd_queue.h"
#include "limit.h"
#include "log.h"

struct ends {
	struct event_base *base;
	struct channel *net;
	struct channel *store;
	struct buf got; /* "id:length " of each message */
	bool wrong;
};

static void
on_message(struct channel *ch, const struct message *m, void *arg)
{
	struct ends *e = arg;

	(void)ch;
	buf_addf(&e->got, "%d:%zu ", (int)m->id, m->data.n);
	for (size_t i = 0; i < m->data.n; i++)
		e->wrong |= m->data.p[i] != (char)((size_t)m->id + i / KIB);
}

static void
on_closed(struct channel *ch, void *arg)
{
	(void)ch;
	((struct ends *)arg)->wrong = true;
}

static void
ends_open(struct ends *e)
{
	struct channel_handler h = {on_message, on_closed, NULL, e};
	int fds[2];

	memset(e, 0, sizeof *e);
	buf_init(&e->got, KIB);
	e->base = event_base_new();
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0,
			     fds),
	    0);
	e->net = channel_new(e->base, fds[0], ROLE_NET, ROLE_STORE, &h);
	e->store = channel_new(e->base, fds[1], ROLE_STORE, ROLE_NET, &h);
}

static void
ends_close(struct ends *e)
{
	channel_free(e->net);
	channel_free(e->store);
	event_base_free(e->base);
	buf_release(&e->got);
}

static char *
message(int id, size_t n)
{
	char *p = malloc(n);

	assert_non_null(p);
	for (size_t i = 0; i < n; i++)
		p[i] = (char)((size_t)id + i / KIB);
	return p;
}

static void
test_in_order(void **state)
{
	static const size_t sizes[] = {5, 300 * KIB, 70000, 0, MIB, 128 * KIB,
	    128 * KIB - 1, 2 * MIB, 1};
	char *data[ARRAY_LEN(sizes)];
	struct buf want = BUF_INIT(KIB);
	struct ends e;

	(void)state;
	ends_open(&e);
	for (int i = 0; i < (int)ARRAY_LEN(sizes); i++) {
		data[i] = message(i, sizes[i]);
		buf_addf(&want, "%d:%zu ", i, sizes[i]);
		if (i % 3 == 2)
			channel_send(e.net, MSG_RECORD, (uint64_t)i,
			    (struct span){data[i], sizes[i]});
		else
			channel_lend(e.net, MSG_RECORD, (uint64_t)i,
			    (struct span){data[i], sizes[i]});
	}
	assert_true(channel_full(e.net));
	assert_true(channel_has_lent(e.net, (struct span){data[4], sizes[4]}));
	/* Shorter ones were copied. */
	assert_false(channel_has_lent(e.net, (struct span){data[0], sizes[0]}));
	while (e.got.len < want.len && !e.wrong)
		event_base_loop(e.base, EVLOOP_ONCE);
	assert_string_equal(buf_str(&e.got), buf_str(&want));
	assert_false(e.wrong);
	assert_int_equal(channel_queued(e.net), 0);
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		assert_false(
		    channel_has_lent(e.net, (struct span){data[i], sizes[i]}));
		free(data[i]);
	}
	buf_release(&want);
	ends_close(&e);
}

/* The lender may free its bytes once the channel is gone. */
static void
test_given_up(void **state)
{
	char *data = message(1, 2 * MIB);
	struct ends e;

	(void)state;
	ends_open(&e);
	channel_lend(e.net, MSG_RECORD, 1, (struct span){data, 2 * MIB});
	event_base_loop(e.base, EVLOOP_ONCE);
	channel_free(e.net);
	e.net = NULL;
	free(data);
	while (!e.wrong) /* the other end sees it close */
		event_base_loop(e.base, EVLOOP_ONCE);
	assert_int_equal(e.got.len, 0);
	ends_close(&e);
}

/* How many descriptors are open. */
static int
open_descriptors(void)
{
	int n = 0;

	for (int fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

/* A peer that breaks the rules: descriptors that nobody asked for, as many as
 * the room for one holds and more. */
static void
send_descriptors(int socket, size_t n)
{
	char byte = 0;
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(8 * sizeof(int))];
	} control;
	struct iovec iov = {&byte, 1};
	struct msghdr msg = {.msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = control.room,
	    .msg_controllen = CMSG_SPACE(n * sizeof(int))};
	struct cmsghdr *cm;
	int fds[8];

	assert_true(n <= 8);
	for (size_t i = 0; i < n; i++)
		fds[i] = socket;
	memset(&control, 0, sizeof control);
	cm = CMSG_FIRSTHDR(&msg);
	cm->cmsg_level = SOL_SOCKET;
	cm->cmsg_type = SCM_RIGHTS;
	cm->cmsg_len = CMSG_LEN(n * sizeof(int));
	memcpy(CMSG_DATA(cm), fds, n * sizeof(int));
	assert_int_equal(sendmsg(socket, &msg, 0), 1);
}

static void
test_foreign_descriptors(void **state)
{
	int before = open_descriptors();

	(void)state;
	for (size_t n = 1; n <= 8; n++) {
		struct fd_queue q = {0};
		int pair[2];
		char byte;

		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
		send_descriptors(pair[0], n);
		assert_int_equal(fd_queue_read(&q, pair[1], &byte, 1), 1);
		fd_queue_release(&q);
		close(pair[0]);
		close(pair[1]);
		assert_int_equal(open_descriptors(), before);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_in_order),
	    cmocka_unit_test(test_given_up),
	    cmocka_unit_test(test_foreign_descriptors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
