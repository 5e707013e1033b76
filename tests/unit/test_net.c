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

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_look_counts),
	    cmocka_unit_test(test_clock_set_before_the_end),
	    cmocka_unit_test(test_suspended_before_the_end),
	    cmocka_unit_test(test_loop_late_before_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
