/* The text that Prometheus reads: checked by promtool where it is there, and
 * fetched over loopback. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "limit.h"
#include "log.h"
#include "metrics.h"

static void
fill(struct metrics *m)
{
	struct observation o;
	struct metrics_page p;
	struct hop *h;

	observation_init(&o);
	o.target = xstrdup("sog\"wa\\ng\n");
	o.page = xstrdup("main");
	o.time = INT64_C(1547445603120);
	observation_add_hop(&o)->status = 301;
	h = observation_add_hop(&o);
	h->status = 200;
	h->http_version = 11;
	h->address = xstrdup("2001:db8::1");
	h->marks = (struct marks){1000, 3500, MARK_NONE, 4000, 90000, 100000};
	buf_add_str(&h->body, "hello");
	metrics_observe(&p, &o, 12, VERDICT_UP);
	metrics_set(m, &p);
	h->failure = FAILURE_CONNECTION_RESET;
	h->status = 0;
	free(o.page);
	o.page = xstrdup("contact");
	metrics_observe(&p, &o, 0, VERDICT_DOWN);
	metrics_set(m, &p);
	observation_release(&o);
	metrics_totals(m)->net.lag_us = 1500000;
}

static void
test_text(void **state)
{
	struct metrics *m = metrics_new();
	struct buf out = BUF_INIT(MIB);

	(void)state;
	fill(m);
	fill(m); /* replaces */
	metrics_render(m, &out);
	assert_non_null(strstr(buf_str(&out),
	    "\nprobe_success{target=\""
	    "sog\\\"wa\\\\ng\\n\",page=\"main\"} 1\n"));
	assert_non_null(strstr(buf_str(&out), "page=\"contact\"} 0\n"));
	assert_non_null(strstr(buf_str(&out), "page=\"main\"} 0.098500\n"));
	assert_non_null(
	    strstr(buf_str(&out), "failure=\"connection_reset\",stage=\""));
	assert_non_null(strstr(buf_str(&out), "verdict=\"down\"} 1\n"));
	assert_non_null(
	    strstr(buf_str(&out), "kpwatch_schedule_lag_seconds 1.500000\n"));
	assert_non_null(strstr(buf_str(&out),
	    "probe_ip_protocol{target=\"sog"
	    "\\\"wa\\\\ng\\n\",page=\"main\"} 6\n"));
	metrics_free(m);
	buf_release(&out);
}

static void
test_lateness(void **state)
{
	struct net_stats s = {0}, again;
	struct buf wire = BUF_INIT(KIB), out = BUF_INIT(MIB);
	struct metrics *m = metrics_new();

	(void)state;
	net_stats_late(&s, 400);
	net_stats_late(&s, 1000);
	net_stats_late(&s, 30000);
	net_stats_late(&s, 2000000);
	net_stats_encode(&s, &wire);
	assert_true(net_stats_decode(&again, buf_span(&wire)));
	metrics_totals(m)->net = again;
	metrics_render(m, &out);
	assert_non_null(strstr(buf_str(&out),
	    "kpwatch_look_delay_seconds_bucket{le=\"0.001\"} 2\n"));
	assert_non_null(strstr(buf_str(&out),
	    "kpwatch_look_delay_seconds_bucket{le=\"0.02\"} 2\n"));
	assert_non_null(strstr(buf_str(&out),
	    "kpwatch_look_delay_seconds_bucket{le=\"0.05\"} 3\n"));
	assert_non_null(
	    strstr(buf_str(&out), "kpwatch_look_delay_seconds_sum 2.031400\n"));
	assert_non_null(
	    strstr(buf_str(&out), "kpwatch_look_delay_seconds_count 4\n"));
	metrics_free(m);
	buf_release(&wire);
	buf_release(&out);
}

/* What the store says of what it leaves out. */
static void
test_volatility(void **state)
{
	struct buf wire = BUF_INIT(KIB), out = BUF_INIT(MIB);
	struct metrics *m = metrics_new();

	(void)state;
	buf_put_u8(&wire, METRICS_TOTALS);
	for (uint64_t i = 1; i <= 7; i++)
		buf_put_u64(&wire, i * 11);
	metrics_take(m, buf_span(&wire));
	metrics_render(m, &out);
	assert_non_null(
	    strstr(buf_str(&out), "\nkpwatch_volatile_places 66\n"));
	assert_non_null(
	    strstr(buf_str(&out), "\nkpwatch_suppressed_changes 77\n"));
	metrics_free(m);
	buf_release(&wire);
	buf_release(&out);
}

static void
test_promtool(void **state)
{
	struct metrics *m;
	struct buf out = BUF_INIT(MIB);
	int in[2], status;
	pid_t pid;

	(void)state;
	if (system("command -v promtool >/dev/null") != 0)
		skip();
	m = metrics_new();
	fill(m);
	metrics_render(m, &out);
	assert_int_equal(pipe(in), 0);
	pid = fork();
	if (pid == 0) {
		dup2(in[0], 0);
		close(in[1]);
		execlp("promtool", "promtool", "check", "metrics",
		    (char *)NULL);
		_exit(99);
	}
	close(in[0]);
	assert_int_equal(write(in[1], out.data, out.len), out.len);
	close(in[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	metrics_free(m);
	buf_release(&out);
}

static void
test_wire(void **state)
{
	struct metrics_page p = {.target = xstrdup("a"),
				.page = xstrdup("b"),
				.failure = xstrdup("x"),
				.status = 503,
				.verdict = VERDICT_DOWN,
				.tls = true,
				.cert_expiry = 77},
			    back;
	struct buf b = BUF_INIT(KIB);
	struct cursor c;

	(void)state;
	metrics_page_encode(&p, &b);
	for (size_t cut = 0; cut < b.len; cut++) {
		cursor_init(&c, b.data, cut);
		assert_false(metrics_page_decode(&c, &back));
	}
	cursor_init(&c, b.data, b.len);
	assert_true(metrics_page_decode(&c, &back));
	assert_true(cursor_done(&c));
	assert_int_equal(back.status, 503);
	assert_int_equal(back.cert_expiry, 77);
	assert_true(back.tls);
	assert_string_equal(back.failure, "x");
	metrics_page_release(&back);
	metrics_page_release(&p);
	buf_release(&b);
}

static void
on_deadline(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	event_base_loopbreak(arg);
}

/* Sends a request and returns the answer's first bytes. */
static const char *
ask(struct event_base *base, uint16_t port, const char *request)
{
	static char answer[65536];
	struct sockaddr_in sa = {.sin_family = AF_INET,
	    .sin_port = htons(port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct timeval tv = {0, 300000};
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	ssize_t n;

	assert_int_equal(connect(fd, (void *)&sa, sizeof sa), 0);
	assert_true(write(fd, request, strlen(request)) > 0);
	event_base_once(base, -1, EV_TIMEOUT, on_deadline, base, &tv);
	event_base_dispatch(base);
	n = recv(fd, answer, sizeof answer - 1, MSG_DONTWAIT);
	answer[n < 0 ? 0 : n] = '\0';
	close(fd);
	return answer;
}

static void
test_server(void **state)
{
	struct event_base *base = event_base_new();
	struct metrics *m = metrics_new();
	uint16_t port = (uint16_t)(20000 + getpid() % 20000);
	struct metrics_server *s;
	char address[32];
	const char *answer;

	(void)state;
	fill(m);
	assert_null(metrics_serve(base, "192.0.2.1:9464", m));
	assert_null(metrics_serve(base, "0.0.0.0:9464", m));
	assert_null(metrics_serve(base, "here", m));
	snprintf(address, sizeof address, "127.0.0.1:%u", port);
	s = metrics_serve(base, address, m);
	assert_non_null(s);
	assert_null(metrics_serve(base, address, m));
	answer = ask(base, port,
	    "GET /metrics HTTP/1.1\r\nHost: x\r\n"
	    "Connection: close\r\n\r\n");
	assert_non_null(strstr(answer, "200 OK"));
	assert_non_null(strstr(answer, "\nprobe_success{"));
	answer = ask(base, port, "GET / HTTP/1.0\r\n\r\n");
	assert_non_null(strstr(answer, " 404 "));
	answer = ask(base, port, "POST /metrics HTTP/1.0\r\n\r\n");
	assert_null(strstr(answer, "probe_success"));
	metrics_server_free(s);
	metrics_free(m);
	event_base_free(base);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_text),
	    cmocka_unit_test(test_lateness),
	    cmocka_unit_test(test_volatility),
	    cmocka_unit_test(test_promtool),
	    cmocka_unit_test(test_wire),
	    cmocka_unit_test(test_server),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
