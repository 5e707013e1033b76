/* Questions to a name server that stands in this very process. */
#include "cm.h"

#include <ares.h>
#include <arpa/inet.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bytes.h"
#include "limit.h"
#include "network.h"
#include "resolve_send.h"
#include "sandbox.h"

#define LOOKUPS	    8
#define NO_BOX	    77
#define PAST_HEADER 12
#define TIMEOUT_MS  30000 /* as long as a test may take: none is lost */

struct scene {
	struct event_base *base;
	int fd; /* the name server's; -1: nobody is there */
	struct event *event;
	char address[sizeof "127.0.0.1:65535"];
	uint16_t asked_from[LOOKUPS];
	size_t nasked;
	bool empty_first;     /* a datagram without a byte before an answer */
	enum failure failure; /* of the last look-up */
	char *server;	      /* that answered it; NULL: none */
	size_t nrecords;
	size_t left; /* look-ups of many */
	size_t nfailed;
};

/* The question again, and the address 192.0.2.7 for its name. */
static void
on_question(evutil_socket_t fd, short what, void *arg)
{
	static const char answer[] = "\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\7";
	struct scene *s = arg;
	struct sockaddr_in from;
	socklen_t from_len = sizeof from;
	char text[KIB];
	ssize_t n = recvfrom(fd, text, sizeof text - sizeof answer, 0,
	    (struct sockaddr *)&from, &from_len);

	(void)what;
	assert_true(n > PAST_HEADER);
	if (s->nasked < LOOKUPS)
		s->asked_from[s->nasked++] = ntohs(from.sin_port);
	if (s->empty_first)
		assert_int_equal(sendto(fd, text, 0, 0,
				     (struct sockaddr *)&from, from_len),
		    0);
	memcpy(text + 2, "\x81\x80\0\1\0\1\0\0\0\0", 10);
	memcpy(text + n, answer, sizeof answer - 1);
	n += (ssize_t)sizeof answer - 1;
	assert_int_equal(sendto(fd, text, (size_t)n, 0,
			     (struct sockaddr *)&from, from_len),
	    n);
}

static void
on_looked_up(struct dns_lookup *d, enum failure failure, void *arg)
{
	struct scene *s = arg;

	s->failure = failure;
	s->nrecords = d->nrecords;
	free(s->server);
	s->server = d->server;
	d->server = NULL;
	dns_lookup_release(d);
	event_base_loopbreak(s->base);
}

/* A free port of ours; with `serve` there is a name server on it. */
static void
scene_begin(struct scene *s, bool serve)
{
	struct sockaddr_in at = {.sin_family = AF_INET};
	socklen_t n = sizeof at;

	memset(s, 0, sizeof *s);
	s->base = event_base_new();
	s->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(s->fd, (struct sockaddr *)&at, n), 0);
	assert_int_equal(getsockname(s->fd, (struct sockaddr *)&at, &n), 0);
	snprintf(s->address, sizeof s->address, "127.0.0.1:%u",
	    ntohs(at.sin_port));
	if (serve) {
		s->event = event_new(s->base, s->fd, EV_READ | EV_PERSIST,
		    on_question, s);
		event_add(s->event, NULL);
	} else {
		close(s->fd);
		s->fd = -1;
	}
}

static void
scene_end(struct scene *s)
{
	if (s->event != NULL)
		event_free(s->event);
	if (s->fd >= 0)
		close(s->fd);
	free(s->server);
	event_base_free(s->base);
}

static void
look_up(struct scene *s, struct resolver *r)
{
	static const struct resolver_wants ipv4 = {true, false, false};

	s->failure = FAILURE_INTERRUPTED;
	resolver_lookup(r, "www.example", &ipv4, 0, on_looked_up, s);
	event_base_dispatch(s->base);
}

/* Who wants to forge an answer must guess the port, each time anew. */
static void
test_ports(void **state)
{
	struct scene s;
	char *servers[1];
	struct resolver *r;
	bool differ = false;

	(void)state;
	scene_begin(&s, true);
	servers[0] = s.address;
	r = resolver_new(s.base, servers, 1, TIMEOUT_MS);
	for (size_t i = 0; i < LOOKUPS; i++) {
		look_up(&s, r);
		assert_int_equal(s.failure, FAILURE_NONE);
		assert_int_equal(s.nrecords, 1);
		assert_string_equal(s.server, s.address);
		differ |= s.asked_from[i] != s.asked_from[0];
	}
	assert_int_equal(s.nasked, LOOKUPS);
	assert_true(differ);
	resolver_free(r);
	scene_end(&s);
}

/* The address of a port that nobody listens on; owned. */
static char *
nobody(void)
{
	struct scene s;
	char *address;

	scene_begin(&s, false);
	address = xstrdup(s.address);
	scene_end(&s);
	return address;
}

/* A port that nobody listens on is no silence: the next is asked at once. */
static void
test_refused(void **state)
{
	struct scene s;
	char *servers[2];
	struct resolver *r;

	(void)state;
	scene_begin(&s, true);
	servers[0] = nobody();
	servers[1] = s.address;
	r = resolver_new(s.base, servers, 1, TIMEOUT_MS);
	look_up(&s, r);
	assert_int_equal(s.failure, FAILURE_CONNECTION_REFUSED);
	resolver_free(r);
	r = resolver_new(s.base, servers, 2, TIMEOUT_MS);
	look_up(&s, r);
	assert_int_equal(s.failure, FAILURE_NONE);
	assert_string_equal(s.server, s.address);
	resolver_free(r);
	free(servers[0]);
	scene_end(&s);
}

static void
on_one_of_many(struct dns_lookup *d, enum failure failure, void *arg)
{
	struct scene *s = arg;

	s->nfailed += failure == FAILURE_CONNECTION_REFUSED;
	if (failure == FAILURE_NONE)
		assert_string_equal(d->server, s->address);
	dns_lookup_release(d);
	if (--s->left == 0)
		event_base_loopbreak(s->base);
}

/* Names, whose questions go out together; the result is how many were
 * refused. */
static size_t
look_up_many(struct scene *s, struct resolver *r)
{
	static const struct resolver_wants both = {true, true, false};

	s->left = LOOKUPS;
	s->nfailed = 0;
	for (size_t i = 0; i < LOOKUPS; i++)
		resolver_lookup(r, "www.example", &both, 0, on_one_of_many, s);
	event_base_dispatch(s->base);
	return s->nfailed;
}

/* Where the first question is refused, the others behind it are no silence
 * either. */
static void
test_refused_many(void **state)
{
	struct scene s;
	char *servers[2];
	struct resolver *r;

	(void)state;
	scene_begin(&s, true);
	servers[0] = nobody();
	servers[1] = s.address;
	r = resolver_new(s.base, servers, 1, TIMEOUT_MS);
	assert_int_equal(look_up_many(&s, r), LOOKUPS);
	resolver_free(r);
	r = resolver_new(s.base, servers, 2, TIMEOUT_MS);
	assert_int_equal(look_up_many(&s, r), 0);
	resolver_free(r);
	free(servers[0]);
	scene_end(&s);
}

/* An empty datagram is no end of anything. */
static void
test_empty(void **state)
{
	struct scene s;
	char *servers[1];
	struct resolver *r;

	(void)state;
	scene_begin(&s, true);
	s.empty_first = true;
	servers[0] = s.address;
	r = resolver_new(s.base, servers, 1, TIMEOUT_MS);
	look_up(&s, r);
	assert_int_equal(s.failure, FAILURE_NONE);
	assert_int_equal(s.nasked, 1);
	resolver_free(r);
	scene_end(&s);
}

static void
on_status(void *arg, int status, int timeouts, unsigned char *reply, int n)
{
	(void)timeouts;
	(void)reply;
	(void)n;
	*(int *)arg = status;
}

/* What could not be sent, and of which nothing comes back, is told to the
 * channel at once. */
static void
test_unsent(void **state)
{
	struct outbox o = {.failed = -1};
	ares_channel channel;
	int status = -1, fd;

	(void)state;
	assert_int_equal(ares_library_init(ARES_LIB_INIT_ALL), ARES_SUCCESS);
	assert_int_equal(ares_init(&channel), ARES_SUCCESS);
	assert_int_equal(ares_set_servers_ports_csv(channel, "127.0.0.1:9"),
	    ARES_SUCCESS);
	outbox_serve(&o, channel);
	ares_query(channel, "www.example", 1, 1, on_status, &status);
	for (int tries = 0; o.n > 0; tries++) {
		assert_true(tries < 16);
		fd = o.waiting[0].fd;
		assert_int_equal(status, -1);
		assert_int_equal(shutdown(fd, SHUT_WR), 0);
		assert_int_equal(outbox_send(&o), fd);
		ares_process_fd(channel, fd, ARES_SOCKET_BAD);
	}
	assert_int_equal(status, ARES_ECONNREFUSED);
	ares_destroy(channel);
	ares_library_cleanup();
}

static void
on_nothing(struct dns_lookup *d, enum failure failure, void *arg)
{
	(void)failure;
	(void)arg;
	dns_lookup_release(d);
}

/* Asks as a process does that was shut in before it made its resolver, as it
 * is at each reload. */
static void
ask_shut_in(struct scene *s)
{
	static const struct resolver_wants ipv4 = {true, false, false};
	char *servers[1] = {s->address};
	struct resolver *r;

	if (!sandbox_net(false))
		_exit(NO_BOX);
	s->base = event_base_new();
	r = resolver_new(s->base, servers, 1, TIMEOUT_MS);
	for (size_t i = 0; i < LOOKUPS; i++)
		resolver_lookup(r, "www.example", &ipv4, 0, on_nothing, NULL);
	event_base_loop(s->base, EVLOOP_NONBLOCK);
	_exit(0);
}

/* The ids of the questions of another such process; false: it cannot be. */
static bool
ids_shut_in(struct scene *s, uint16_t ids[LOOKUPS])
{
	char text[KIB];
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		ask_shut_in(s);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == NO_BOX)
		return false;
	assert_int_equal(WEXITSTATUS(status), 0);
	for (size_t i = 0; i < LOOKUPS; i++) {
		assert_true(
		    recv(s->fd, text, sizeof text, MSG_DONTWAIT) > PAST_HEADER);
		memcpy(&ids[i], text, sizeof ids[i]);
	}
	return true;
}

/* An id that can be foretold is as good as none. */
static void
test_ids(void **state)
{
	uint16_t first[LOOKUPS], second[LOOKUPS];
	struct scene s;
	bool boxed;

	(void)state;
	scene_begin(&s, true);
	boxed = ids_shut_in(&s, first) && ids_shut_in(&s, second);
	scene_end(&s);
	if (!boxed) {
		print_message("this kernel lacks Landlock or seccomp\n");
		skip();
	}
	assert_memory_not_equal(first, second, sizeof first);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_ports),
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_refused_many),
	    cmocka_unit_test(test_empty),
	    cmocka_unit_test(test_unsent),
	    cmocka_unit_test(test_ids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
