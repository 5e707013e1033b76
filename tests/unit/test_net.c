/* A look that ends as the clocks have moved, before the tick that finds out,
 * does not count. */
#include "cm.h"

#include "../../probe/net_look.c"

#define URL "http://a.example/news/1"

/* No network is needed for a look to end. */
struct uplink *
uplink_new(struct event_base *base, const struct config *c, struct span ca,
    struct pace *pace, unsigned *pacing, struct budget *bodies)
{
	(void)base;
	(void)c;
	(void)ca;
	(void)pace;
	(void)pacing;
	(void)bodies;
	return NULL;
}

const struct visit_settings *
uplink_settings(const struct uplink *u)
{
	(void)u;
	return NULL;
}

void
uplink_hold(struct uplink *u)
{
	(void)u;
}

void
uplink_drop(struct uplink *u)
{
	(void)u;
}

struct uplink *
uplink_replace(struct uplink *current, struct uplink *fresh)
{
	(void)fresh;
	return current;
}

void
uplink_free(struct uplink *u)
{
	(void)u;
}

struct scene {
	struct net n;
	struct config config;
	struct target target;
	struct page_slot page;
	struct watched *watched;
};

static void
scene_begin(struct scene *s)
{
	memset(s, 0, sizeof *s);
	s->page = (struct page_slot){.name = (char *)"main",
	    .url = (char *)"http://a.example/"};
	s->target = (struct target){.id = (char *)"a",
	    .enabled = true,
	    .pages = &s->page,
	    .npages = 1};
	s->config.targets = &s->target;
	s->config.ntargets = 1;
	s->config.interval = s->config.interval_dead = 3600000;
	s->n.config = &s->config;
	s->n.watchlist = watchlist_new();
	watchlist_load(s->n.watchlist, &s->config, 0, SECOND);
	s->watched = watchlist_take(s->n.watchlist, 2 * SECOND);
	assert_non_null(s->watched);
	s->n.robots = robots_cache_new();
	net_clock_start(&s->n);
	s->n.last_tick += 3600 * SECOND; /* never late */
}

static void
scene_end(struct scene *s)
{
	assert_int_equal(s->n.active, 0);
	assert_int_not_equal(watchlist_next(s->n.watchlist), INT64_MAX);
	robots_cache_free(s->n.robots);
	watchlist_free(s->n.watchlist);
}

/* A look that ends now with a robots.txt: did it count? */
static bool
look_counts(struct scene *s)
{
	struct look *l = look_new(&s->n, s->watched);
	struct observation o;
	struct hop *h;

	l->robots_for = robots_cache_url(URL);
	observation_init(&o);
	o.url = xstrdup(l->robots_for);
	h = observation_add_hop(&o);
	h->status = 404;
	h->stage = STAGE_BODY;
	on_visited(&o, l);
	observation_release(&o);
	return robots_cache_ask(s->n.robots, URL, "kpwatch", monotonic_us()) !=
	    ROBOTS_UNKNOWN;
}

static void
test_look_counts(void **state)
{
	struct scene s;

	(void)state;
	scene_begin(&s);
	assert_true(look_counts(&s));
	scene_end(&s);
}

static void
test_clock_set_before_the_end(void **state)
{
	struct scene s;

	(void)state;
	for (int sign = -1; sign <= 1; sign += 2) {
		scene_begin(&s);
		s.n.clock_offset += sign * 3600 * SECOND;
		assert_false(look_counts(&s));
		scene_end(&s);
	}
}

static void
test_suspended_before_the_end(void **state)
{
	struct scene s;

	(void)state;
	scene_begin(&s);
	s.n.boot_offset -= 300 * SECOND;
	assert_false(look_counts(&s));
	scene_end(&s);
}

static void
test_loop_late_before_the_end(void **state)
{
	struct scene s;

	(void)state;
	scene_begin(&s);
	s.n.last_tick = monotonic_us() - 30 * SECOND;
	assert_false(look_counts(&s));
	scene_end(&s);
}

/* How long a page is left alone when its site asks for that. */
static int64_t
left_alone(struct scene *s, int status, const char *retry_after)
{
	struct hop h = {.status = status, .headers = BUF_INIT(1024)};
	int64_t now = monotonic_us();

	buf_add_str(&h.headers, "HTTP/1.1 503 No\r\nRetry-After: ");
	buf_add_str(&h.headers, retry_after);
	buf_add_str(&h.headers, "\r\n\r\n");
	s->watched->not_before = 0;
	heed_retry_after(&s->n, s->watched, &h);
	buf_release(&h.headers);
	return s->watched->not_before == 0
	    ? 0
	    : (s->watched->not_before - now + SECOND / 2) / SECOND;
}

static void
test_retry_after(void **state)
{
	static const struct {
		const char *value;
		int64_t seconds;
	} cases[] = {{"0", 0}, {"-1", 0}, {"soon", 0}, {"", 0}, {"7200", 7200},
	    {"86399", 86399}, {"86400", 86400}, {"604800", 86400},
	    {"99999999999999999999999999", 86400},
	    {"Sun, 06 Nov 2395 08:49:37 GMT", 86400}};
	struct scene s;

	(void)state;
	scene_begin(&s);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t got = left_alone(&s, 503, cases[i].value);

		if (got < cases[i].seconds || got > cases[i].seconds + 60)
			fail_msg("%s: %lld s", cases[i].value, (long long)got);
	}
	assert_int_equal(left_alone(&s, 404, "7200"), 0);
	s.watched->not_before = 0;
	watchlist_return(s.n.watchlist, s.watched, 0);
	scene_end(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_look_counts),
	    cmocka_unit_test(test_retry_after),
	    cmocka_unit_test(test_clock_set_before_the_end),
	    cmocka_unit_test(test_suspended_before_the_end),
	    cmocka_unit_test(test_loop_late_before_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
