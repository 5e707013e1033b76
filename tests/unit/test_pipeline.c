/* What becomes of a job whose analyser fails, and of its bytes later. */
#include "cm.h"

#include <event2/event.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "finding.h"
#include "limit.h"
#include "log.h"
#include "pipeline.h"
#include "process.h"

#define HOUR INT64_C(3600000)

static struct event_base *base;
static struct pipeline *pipeline;
static struct channel *up;
static struct connection analyser, store, parent;

static void
quiet(enum log_level level, const char *line, void *arg)
{
	(void)level;
	(void)line;
	(void)arg;
}

static void
ignore_message(struct channel *ch, const struct message *m, void *arg)
{
	(void)ch;
	(void)m;
	(void)arg;
}

static void
ignore(void *arg)
{
	(void)arg;
}

static void
ignore_channel(struct channel *ch, void *arg)
{
	(void)ch;
	(void)arg;
}

static void
ignore_stored(uint64_t id, struct span advice, void *arg)
{
	(void)id;
	(void)advice;
	(void)arg;
}

static void
ignore_resumed(struct span known, void *arg)
{
	(void)known;
	(void)arg;
}

static void
turn(void)
{
	event_base_loop(base, EVLOOP_NONBLOCK);
}

static void
join(enum role role, struct connection *far)
{
	struct peer peer = {role, 0, -1};
	int fds[2];

	assert_true(process_pair(fds));
	connection_release(far);
	connection_init(far, fds[1], role, ROLE_NET);
	peer.fd = fds[0];
	pipeline_peer(pipeline, &peer);
	turn();
}

static void
submit_as(const char *body, int64_t time, bool failed)
{
	struct observation o = {.time = time};

	o.vantage = xstrdup("v");
	o.target = xstrdup("t");
	o.page = xstrdup("main");
	o.url = xstrdup("http://t.test/");
	o.nhops = 1;
	o.hops = xcalloc(1, sizeof *o.hops);
	o.hops[0].url = xstrdup(o.url);
	o.hops[0].status = 200;
	o.hops[0].http_version = 11;
	o.hops[0].stage = STAGE_BODY;
	buf_init(&o.hops[0].body, MIB);
	if (body != NULL)
		buf_add_str(&o.hops[0].body, body);
	if (failed)
		o.hops[0].failure = FAILURE_EOF;
	pipeline_submit(pipeline, &o, failed ? BODIES_ALL : BODIES_NONE, false);
	turn();
}

/* A page of these bytes, looked at then. */
static void
submit(const char *body, int64_t time)
{
	submit_as(body, time, false);
}

/* One that broke off: no analyser sees it. */
static void
submit_failed(const char *body)
{
	submit_as(body, 0, true);
}

/* Is something there to read?  The job, or the record. */
static bool
waits(const struct connection *c)
{
	char byte;

	return c->pending.len > c->used ||
	    recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 1;
}

/* The next record has a finding of that status; its note (NULL: none). */
static void
expect_finding(enum analysis_status status, const char *note)
{
	struct message m;
	struct finding f;
	struct cursor c;

	assert_true(waits(&store));
	assert_true(connection_receive(&store, &m));
	assert_int_equal(m.type, MSG_RECORD);
	cursor_init(&c, m.data.p, m.data.n);
	cursor_bytes(&c, JOB_BYTES_MAX);
	cursor_bytes(&c, PACKETS_KEEP_MAX);
	assert_true(finding_decode(&f, cursor_bytes(&c, FINDING_BYTES_MAX)));
	assert_int_equal(f.status, status);
	assert_int_equal(f.nnotes, note != NULL);
	if (note != NULL && strstr(f.notes[0], note) == NULL)
		fail_msg("'%s' is not '%s'", f.notes[0], note);
	finding_release(&f);
}

static void
expect_record(const char *note)
{
	expect_finding(ANALYSIS_FAILED, note);
}

static struct message
expect_job(void)
{
	struct message m;

	assert_true(waits(&analyser));
	assert_true(connection_receive(&analyser, &m));
	assert_int_equal(m.type, MSG_JOB);
	return m;
}

static void
fail_once(const char *body, int64_t time)
{
	submit(body, time);
	expect_job();
	pipeline_worker_lost(pipeline, 0, SPAN("signal 6, Aborted"));
	turn();
	expect_record("the analyser died (signal 6, Aborted)");
	join(ROLE_ANALYSER, &analyser);
}

static int
set_up(void **state)
{
	struct pipeline_handler h = {ignore_stored, ignore_resumed, ignore,
	    NULL};
	struct channel_handler p = {ignore_message, ignore_channel, NULL, NULL};
	int fds[2];

	(void)state;
	log_to(quiet, NULL);
	base = event_base_new();
	assert_true(process_pair(fds));
	connection_init(&parent, fds[1], ROLE_PARENT, ROLE_NET);
	connection_init(&analyser, -1, ROLE_ANALYSER, ROLE_NET);
	connection_init(&store, -1, ROLE_STORE, ROLE_NET);
	up = channel_new(base, fds[0], ROLE_NET, ROLE_PARENT, &p);
	pipeline = pipeline_new(base, ROLE_NET, up, NULL, &h);
	join(ROLE_ANALYSER, &analyser);
	join(ROLE_STORE, &store);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	pipeline_free(pipeline);
	channel_free(up);
	connection_release(&parent);
	connection_release(&analyser);
	connection_release(&store);
	event_base_free(base);
	return 0;
}

static void
test_tried_once_a_day(void **state)
{
	(void)state;
	fail_once("one", 0);
	submit("one", HOUR);
	assert_false(waits(&analyser));
	expect_record("today");
	fail_once("two", HOUR);
	/* The next day it has its chance, once. */
	fail_once("one", 25 * HOUR);
	submit("one", 26 * HOUR);
	assert_false(waits(&analyser));
	expect_record("today");
	submit("two", 24 * HOUR);
	assert_false(waits(&analyser));
	expect_record("today");
}

static void
expect_kill(uint64_t id)
{
	struct message m;

	turn();
	assert_true(waits(&parent));
	assert_true(connection_receive(&parent, &m));
	assert_int_equal(m.type, MSG_KILL_WORKER);
	assert_int_equal(m.id, id);
}

/* The order to kill names the one that answered, not its successor. */
static void
test_wrong_answer(void **state)
{
	struct message m;

	(void)state;
	for (uint64_t life = 1; life < 3; life++) {
		submit(life == 1 ? "one" : "two", 0);
		m = expect_job();
		connection_send(&analyser, MSG_RESULT, m.id + 1, SPAN_NULL);
		connection_send(&analyser, MSG_RESULT, m.id, SPAN_NULL);
		turn();
		expect_kill(life << 32);
		expect_record("out of turn");
		assert_false(waits(&parent));
		pipeline_worker_lost(pipeline, 0, SPAN("signal 9, Killed"));
		turn();
		assert_false(waits(&store));
		join(ROLE_ANALYSER, &analyser);
	}
}

static void
answer(uint64_t id)
{
	struct buf b = BUF_INIT(FINDING_BYTES_MAX);
	struct finding f;

	finding_init(&f);
	finding_encode(&f, &b);
	connection_send(&analyser, MSG_RESULT, id, buf_span(&b));
	finding_release(&f);
	buf_release(&b);
	turn();
}

/* A page that took over the analyser has it answer twice, when the next page
 * is with it: that one is for another analyser to read. */
static void
test_fault_of_the_page_before(void **state)
{
	struct message m;
	uint64_t evil, good;

	(void)state;
	submit("evil", 0);
	m = expect_job();
	evil = m.id;
	answer(evil);
	expect_finding(ANALYSIS_OK, NULL);
	submit("good", 0);
	m = expect_job();
	good = m.id;
	answer(evil);
	expect_kill(UINT64_C(1) << 32);
	assert_false(waits(&store));
	pipeline_worker_lost(pipeline, 0, SPAN("signal 9, Killed"));
	turn();
	join(ROLE_ANALYSER, &analyser);
	m = expect_job();
	assert_int_equal(m.id, good);
	answer(good);
	expect_finding(ANALYSIS_OK, NULL);
	/* Nor is it left alone later. */
	submit("good", HOUR);
	m = expect_job();
	answer(m.id);
	expect_finding(ANALYSIS_OK, NULL);
}

/* The first page of its life has nobody else to blame. */
static void
test_own_fault_is_found(void **state)
{
	struct message m;

	(void)state;
	submit("other", 0);
	m = expect_job();
	answer(m.id);
	expect_finding(ANALYSIS_OK, NULL);
	submit("evil", 0);
	for (int life = 0; life < 2; life++) {
		expect_job();
		assert_false(waits(&store));
		pipeline_worker_lost(pipeline, 0, SPAN("signal 6, Aborted"));
		turn();
		join(ROLE_ANALYSER, &analyser);
	}
	expect_record("the analyser died (signal 6, Aborted)");
	submit("evil", HOUR);
	assert_false(waits(&analyser));
	expect_record("today");
}

/* One that breaks the rules and does not end would keep its job for ever. */
static void
test_broken_off(void **state)
{
	(void)state;
	submit("one", 0);
	expect_job();
	shutdown(analyser.fd, SHUT_WR);
	turn();
	while (!waits(&store))
		event_base_loop(base, EVLOOP_ONCE);
	expect_kill(UINT64_C(1) << 32);
	expect_record("lives on");
}

static void
expect_ask(void)
{
	struct message m;

	turn();
	assert_true(waits(&store));
	assert_true(connection_receive(&store, &m));
	assert_int_equal(m.type, MSG_RESUME_ASK);
}

/* A store that dies with the question is no end of all work. */
static void
test_asked_again(void **state)
{
	(void)state;
	pipeline_resume(pipeline);
	expect_ask();
	join(ROLE_STORE, &store);
	expect_ask();
	connection_send(&store, MSG_RESUME, 0, SPAN_NULL);
	turn();
	join(ROLE_STORE, &store);
	assert_false(waits(&store));
}

static void
acknowledge_all(size_t n)
{
	for (uint64_t i = 1; i <= n; i++) {
		expect_finding(ANALYSIS_NONE, NULL);
		connection_send(&store, MSG_STORED, i, SPAN_NULL);
		turn();
	}
	assert_int_equal(pipeline_pending(pipeline), 0);
	assert_true(pipeline_ready(pipeline));
}

/* What is not stored yet is bounded in number, and in bytes beyond a few. */
static void
test_window(void **state)
{
	char *big = xmalloc(UNSTORED_BYTES / UNSTORED_FREE + 1);
	size_t n = 0;

	(void)state;
	memset(big, 'b', UNSTORED_BYTES / UNSTORED_FREE);
	big[UNSTORED_BYTES / UNSTORED_FREE] = '\0';
	for (; pipeline_ready(pipeline); n++)
		submit_failed(NULL);
	assert_int_equal(n, UNSTORED_MAX);
	acknowledge_all(n);
	for (n = 0; pipeline_ready(pipeline); n++)
		submit_failed(big);
	assert_int_equal(n, UNSTORED_FREE);
	free(big);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_tried_once_a_day, set_up,
		tear_down),
	    cmocka_unit_test_setup_teardown(test_wrong_answer, set_up,
		tear_down),
	    cmocka_unit_test_setup_teardown(test_fault_of_the_page_before,
		set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_own_fault_is_found, set_up,
		tear_down),
	    cmocka_unit_test_setup_teardown(test_broken_off, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_asked_again, set_up,
		tear_down),
	    cmocka_unit_test_setup_teardown(test_window, set_up, tear_down),
	};

	alarm(60);
	return cmocka_run_group_tests_name("pipeline", tests, NULL, NULL);
}
