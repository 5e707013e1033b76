/* Which hook is told what and when, under a clock that the test moves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hook.h"
#include "json_read.h"
#include "limit.h"

/* A string that may be pointed to without const. */
#define TEXT(s) ((char[]){s})
#define ROWS	40000
#define NOON	INT64_C(1547445603120)

struct row {
	char hook[16];
	uint64_t seq;
	uint32_t attempts;
	int64_t next_at;
	bool dead;
	bool used;
};

/* The store's tables, in memory. */
static struct table {
	struct row rows[ROWS];
	size_t n;
	struct {
		char target[16];
		struct alert alert;
	} alerts[8];
	size_t nalerts;
} table;

static struct row *
next_row(const char *hook, size_t *at)
{
	for (; *at < table.n; (*at)++) {
		struct row *r = &table.rows[*at];

		if (r->used && !r->dead && strcmp(r->hook, hook) == 0) {
			(*at)++;
			return r;
		}
	}
	return NULL;
}

static bool
rows_head(void *arg, const char *hook, struct hook_row *out)
{
	size_t at = 0;
	struct row *r = next_row(hook, &at);

	(void)arg;
	if (r == NULL)
		return false;
	*out = (struct hook_row){r->seq, r->attempts, r->next_at};
	return true;
}

static bool
rows_add(void *arg, const char *hook, const struct hook_row *row)
{
	struct row *r = &table.rows[table.n++];

	(void)arg;
	assert_true(table.n < ROWS);
	snprintf(r->hook, sizeof r->hook, "%s", hook);
	r->seq = row->seq;
	r->next_at = row->next_at;
	r->attempts = 0;
	r->dead = false;
	r->used = true;
	return true;
}

static size_t
rows_take(void *arg, const char *hook, size_t max, struct buf *lines,
    uint64_t *first, uint64_t *last)
{
	size_t at = 0, n = 0;
	struct row *r;

	(void)arg;
	*first = *last = 0;
	while (n < max && (r = next_row(hook, &at)) != NULL) {
		if (!buf_addf(lines, "{\"v\":1,\"seq\":%llu}\n",
			(unsigned long long)r->seq))
			break;
		*first = n == 0 ? r->seq : *first;
		*last = r->seq;
		n++;
	}
	return n;
}

static void
rows_remove(void *arg, const char *hook, uint64_t first, uint64_t last)
{
	size_t at = 0;
	struct row *r;

	(void)arg;
	while ((r = next_row(hook, &at)) != NULL)
		if (r->seq >= first && r->seq <= last)
			r->used = false;
}

static size_t
rows_fail(void *arg, const char *hook, uint64_t first, uint64_t last,
    uint32_t most, int64_t next_at, const char *reason)
{
	size_t at = 0, dead = 0;
	struct row *r;

	(void)arg;
	assert_non_null(reason);
	while ((r = next_row(hook, &at)) != NULL)
		if (r->seq >= first && r->seq <= last) {
			r->next_at = next_at;
			r->dead = ++r->attempts >= most;
			dead += r->dead;
		}
	return dead;
}

static void
rows_alert(void *arg, const char *target, struct alert *out)
{
	(void)arg;
	memset(out, 0, sizeof *out);
	for (size_t i = 0; i < table.nalerts; i++)
		if (strcmp(table.alerts[i].target, target) == 0)
			*out = table.alerts[i].alert;
}

static void
rows_set_alert(void *arg, const char *target, const struct alert *a)
{
	size_t i = 0;

	(void)arg;
	while (i < table.nalerts && strcmp(table.alerts[i].target, target) != 0)
		i++;
	if (i == table.nalerts)
		table.nalerts++;
	assert_true(i < ARRAY_LEN(table.alerts));
	snprintf(table.alerts[i].target, sizeof table.alerts[i].target, "%s",
	    target);
	table.alerts[i].alert = *a;
}

static const struct hook_rows rows = {rows_head, rows_add, rows_take,
    rows_remove, rows_fail, rows_alert, rows_set_alert, NULL};

static char names[3][8] = {"one", "two", "three"};
static struct hook_config hooks[3];
static struct config config;

static int
setup(void **state)
{
	(void)state;
	memset(&table, 0, sizeof table);
	memset(hooks, 0, sizeof hooks);
	memset(&config, 0, sizeof config);
	for (size_t i = 0; i < ARRAY_LEN(hooks); i++) {
		hooks[i].name = names[i];
		hooks[i].attempts = 12;
		hooks[i].retry_first = 5000;
		hooks[i].retry_max = 3600 * 1000;
	}
	config.hooks = hooks;
	config.nhooks = 1;
	return 0;
}

static struct hook_event
event(uint64_t seq, const char *type, const char *target)
{
	struct hook_event e = {seq, NOON, type, target, "news", NULL};

	return e;
}

/* Seq of the next call, 0 for none; its id in *id. */
static uint64_t
next(struct hook_queues *q, int64_t now, uint64_t *id, size_t *count)
{
	struct delivery d;
	uint64_t first;

	if (!hook_queues_next(q, now, &d))
		return 0;
	first = d.first;
	*id = d.id;
	if (count != NULL)
		*count = d.count;
	buf_release(&d.lines);
	return first;
}

static void
test_selection(void **state)
{
	char *types[] = {TEXT("share.*"), TEXT("site.down")};
	char *targets[] = {TEXT("sog*")};
	char *platforms[] = {TEXT("vk")}, *categories[] = {TEXT("news")};
	struct hook_config h = {.name = TEXT("h")};
	struct hook_event e = {1, NOON, "share.added", "sogwang", "news", "vk"};

	(void)state;
	assert_true(hook_wants(&h, &e));
	h.types = types;
	h.ntypes = 2;
	h.targets = targets;
	h.ntargets = 1;
	h.platforms = platforms;
	h.nplatforms = 1;
	h.categories = categories;
	h.ncategories = 1;
	assert_true(hook_wants(&h, &e));
	e.type = "channel.added";
	assert_false(hook_wants(&h, &e));
	e.type = "site.down";
	e.platform = NULL;
	assert_false(hook_wants(&h, &e));
	h.nplatforms = 0;
	assert_true(hook_wants(&h, &e));
	e.target = "naenara";
	assert_false(hook_wants(&h, &e));
	e.target = "sogwang";
	e.category = "party";
	assert_false(hook_wants(&h, &e));
}

static void
test_baseline_is_no_alert(void **state)
{
	char *types[] = {TEXT("target.*")};
	struct hook_config h = {.name = TEXT("h")};
	struct hook_event e = {1, NOON, "target.baseline", "a", NULL, NULL};

	(void)state;
	assert_false(hook_wants(&h, &e));
	h.types = types;
	h.ntypes = 1;
	assert_true(hook_wants(&h, &e));
}

static void
test_order_and_one_at_a_time(void **state)
{
	struct hook_queues *q = hook_queues_new(&config, &rows, NOON);
	struct hook_event e;
	uint64_t id = 0, other = 0;

	(void)state;
	assert_int_equal(hook_queues_wait(q, NOON), -1);
	for (uint64_t seq = 1; seq <= 3; seq++) {
		e = event(seq, "channel.added", "a");
		hook_queues_event(q, &e, NOON);
	}
	assert_int_equal(hook_queues_wait(q, NOON), 0);
	assert_int_equal(next(q, NOON, &id, NULL), 1);
	assert_int_equal(next(q, NOON, &other, NULL), 0);
	hook_queues_done(q, id + 7, NULL, NOON); /* nobody's */
	assert_int_equal(next(q, NOON, &other, NULL), 0);
	hook_queues_done(q, id, NULL, NOON);
	hook_queues_done(q, id, NULL, NOON); /* said twice */
	assert_int_equal(next(q, NOON, &id, NULL), 2);
	hook_queues_done(q, id, NULL, NOON);
	assert_int_equal(next(q, NOON, &id, NULL), 3);
	hook_queues_done(q, id, NULL, NOON);
	assert_int_equal(next(q, NOON, &id, NULL), 0);
	hook_queues_free(q);
}

static void
test_failing_hook_delays_no_other(void **state)
{
	struct hook_queues *q;
	struct hook_event e = event(1, "channel.added", "a");
	uint64_t bad = 0, good = 0;

	(void)state;
	config.nhooks = 2;
	q = hook_queues_new(&config, &rows, NOON);
	hook_queues_event(q, &e, NOON);
	e.seq = 2;
	hook_queues_event(q, &e, NOON);
	assert_int_equal(next(q, NOON, &bad, NULL), 1);
	assert_int_equal(next(q, NOON, &good, NULL), 1);
	hook_queues_done(q, bad, "exit 1", NOON);
	hook_queues_done(q, good, NULL, NOON);
	assert_int_equal(next(q, NOON, &good, NULL), 2);
	hook_queues_done(q, good, NULL, NOON);
	/* The failing one keeps its order: 2 waits behind 1. */
	assert_int_equal(hook_queues_wait(q, NOON), 5000);
	assert_int_equal(next(q, NOON + 4999, &bad, NULL), 0);
	assert_int_equal(next(q, NOON + 5000, &bad, NULL), 1);
	hook_queues_free(q);
}

static void
test_delays_grow_then_dead(void **state)
{
	struct hook_queues *q = hook_queues_new(&config, &rows, NOON);
	struct hook_event e = event(1, "channel.added", "a");
	int64_t now = NOON, last = 0, wait;
	uint64_t id = 0;

	(void)state;
	hook_queues_event(q, &e, now);
	e.seq = 2;
	hook_queues_event(q, &e, now);
	for (unsigned i = 0; i < 12; i++) {
		assert_int_equal(next(q, now, &id, NULL), 1);
		hook_queues_done(q, id, "exit 1", now);
		wait = hook_queues_wait(q, now);
		if (i < 11)
			assert_true(wait > last || wait == 3600 * 1000);
		last = wait;
		now += wait;
	}
	assert_true(now - NOON > 3600 * 1000); /* outlives an hour's outage */
	assert_true(table.rows[0].dead);
	assert_int_equal(next(q, now, &id, NULL), 2);
	/* Sent again by hand. */
	hook_queues_done(q, id, NULL, now);
	table.rows[0].dead = false;
	table.rows[0].attempts = 0;
	assert_int_equal(next(q, now, &id, NULL), 0);
	hook_queues_refresh(q);
	table.rows[0].next_at = now;
	assert_int_equal(next(q, now, &id, NULL), 1);
	hook_queues_free(q);
}

/* A receiver that is down for an hour and then up gets all, in order, once. */
static void
test_hour_down(void **state)
{
	struct hook_queues *q = hook_queues_new(&config, &rows, NOON);
	uint64_t id = 0, seq = 0, told = 0, got;
	int64_t now = NOON, up = NOON + 3600 * 1000;

	(void)state;
	while (told < 360) {
		if (now < up && now >= NOON + (int64_t)seq * 10000) {
			struct hook_event e = event(++seq, "share.added", "a");

			hook_queues_event(q, &e, now);
		}
		got = next(q, now, &id, NULL);
		if (got != 0 && now >= up)
			assert_int_equal(got, ++told);
		if (got != 0)
			hook_queues_done(q, id, now < up ? "exit 22" : NULL,
			    now);
		now += now < up ? 1000 : 10;
		assert_true(now < up + 4000 * 1000);
	}
	assert_int_equal(seq, 360);
	assert_int_equal(hook_queues_wait(q, now), -1);
	hook_queues_free(q);
}

static void
test_batch_of_3000(void **state)
{
	struct hook_queues *q;
	uint64_t id = 0;
	size_t count = 0;

	(void)state;
	hooks[0].batch = 30000;
	q = hook_queues_new(&config, &rows, NOON);
	for (uint64_t seq = 1; seq <= 3000; seq++) {
		struct hook_event e = event(seq, "content.changed", "t");

		hook_queues_event(q, &e, NOON + (int64_t)seq * 9);
	}
	assert_int_equal(hook_queues_wait(q, NOON + 27000), 3009);
	assert_int_equal(next(q, NOON + 30000, &id, &count), 0);
	assert_int_equal(next(q, NOON + 30009, &id, &count), 1);
	assert_int_equal(count, 3000);
	/* While it is under way more may come; they wait for their own. */
	{
		struct hook_event e = event(3001, "content.changed", "t");

		hook_queues_event(q, &e, NOON + 30010);
	}
	hook_queues_done(q, id, NULL, NOON + 30011);
	assert_int_equal(hook_queues_wait(q, NOON + 30011), 29999);
	assert_int_equal(next(q, NOON + 60010, &id, &count), 3001);
	assert_int_equal(count, 1);
	hook_queues_free(q);
}

static void
test_rate(void **state)
{
	struct hook_queues *q;
	uint64_t id = 0;
	int calls = 0;

	(void)state;
	hooks[0].rate = 10;
	q = hook_queues_new(&config, &rows, NOON);
	for (uint64_t seq = 1; seq <= 100; seq++) {
		struct hook_event e = event(seq, "share.added", "a");

		hook_queues_event(q, &e, NOON);
	}
	for (int64_t t = 0; t < 60000; t += 100)
		if (next(q, NOON + t, &id, NULL) != 0) {
			calls++;
			hook_queues_done(q, id, NULL, NOON + t);
			assert_true(hook_queues_wait(q, NOON + t) > 0);
		}
	assert_int_equal(calls, 10);
	hook_queues_free(q);
}

static void
test_open_alert(void **state)
{
	struct hook_queues *q = hook_queues_new(&config, &rows, NOON);
	static const struct {
		const char *type;
		const char *target;
		bool told;
	} steps[] = {
	    {"site.up", "a", true},
	    {"site.down", "a", true},
	    {"site.down", "a", false},
	    {"site.down", "b", true},
	    {"site.blocked", "a", true},
	    {"site.blocked", "a", false},
	    {"vantage.offline", NULL, true},
	    {"vantage.offline", NULL, false},
	    {"vantage.online", NULL, true},
	    {"site.up", "a", true},
	    {"site.down", "a", true},
	    {"share.added", "a", true},
	    {"share.added", "a", true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		struct hook_event e =
		    event(i + 1, steps[i].type, steps[i].target);
		size_t before = table.n;

		if (i == 2) { /* open alerts outlive us */
			hook_queues_free(q);
			q = hook_queues_new(&config, &rows, NOON);
		}
		hook_queues_event(q, &e, NOON);
		assert_int_equal(table.n - before, steps[i].told ? 1 : 0);
	}
	assert_string_equal(table.alerts[0].alert.type, "site.down");
	assert_int_equal(table.alerts[0].alert.seq, 11);
	hook_queues_free(q);
}

static void
test_restart_and_lost_courier(void **state)
{
	struct hook_queues *q = hook_queues_new(&config, &rows, NOON);
	struct hook_event e = event(1, "share.added", "a");
	uint64_t id = 0, again = 0;

	(void)state;
	hook_queues_event(q, &e, NOON);
	assert_int_equal(next(q, NOON, &id, NULL), 1);
	hook_queues_lost(q);
	assert_int_equal(next(q, NOON, &again, NULL), 1);
	assert_int_not_equal(id, again);
	hook_queues_done(q, id, NULL, NOON); /* of the lost courier */
	assert_true(table.rows[0].used);
	hook_queues_free(q);
	q = hook_queues_new(&config, &rows, NOON - 86400000);
	/* A clock that went back a day does not hold it for a day. */
	assert_int_equal(next(q, NOON - 86400000, &id, NULL), 1);
	assert_int_equal(table.rows[0].attempts, 0);
	hook_queues_free(q);
}

static void
test_reload(void **state)
{
	struct hook_queues *q;
	struct hook_config other[2] = {hooks[1], hooks[0]};
	struct config changed = {.hooks = other, .nhooks = 2};
	struct hook_event e = event(1, "share.added", "a");
	uint64_t id = 0, id2 = 0;

	(void)state;
	q = hook_queues_new(&config, &rows, NOON);
	hook_queues_event(q, &e, NOON);
	assert_int_equal(next(q, NOON, &id, NULL), 1);
	hook_queues_configure(q, &changed, NOON);
	e.seq = 2;
	hook_queues_event(q, &e, NOON);
	assert_int_equal(next(q, NOON, &id2, NULL), 2); /* hook "two" */
	assert_int_equal(next(q, NOON, &id2, NULL), 0);
	hook_queues_done(q, id, NULL, NOON);
	assert_int_equal(next(q, NOON, &id2, NULL), 2); /* hook "one" */
	hook_queues_free(q);
}

static void
test_facts(void **state)
{
	struct hook_facts f;
	struct buf line = BUF_INIT(4096);

	(void)state;
	hook_sample(&line, "share.added", "seoul-1", NOON);
	assert_true(hook_facts_read(&f, buf_span(&line)));
	assert_string_equal(f.type, "share.added");
	assert_string_equal(f.time, "2019-01-14T06:00:03.120Z");
	assert_int_equal(f.count, 1);
	hook_facts_release(&f);
	hook_sample(&line, "share.removed", "seoul-1", NOON);
	assert_true(hook_facts_read(&f, buf_span(&line)));
	assert_null(f.type);
	assert_string_equal(f.vantage, "seoul-1");
	assert_int_equal(f.count, 2);
	hook_facts_release(&f);
	assert_false(hook_facts_read(&f, SPAN("nonsense\n")));
	hook_facts_release(&f);
	buf_release(&line);
}

static void
test_wire(void **state)
{
	struct delivery d = {7, "one", 3, 9, 2, BUF_INIT(64)}, back;
	struct buf b = BUF_INIT(1024);
	char *text;

	(void)state;
	buf_add_str(&d.lines, "{}\n{}\n");
	delivery_encode(&b, &d);
	for (size_t cut = 0; cut < b.len; cut++)
		assert_false(delivery_decode(span_slice(buf_span(&b), 0, cut),
		    &back, &text));
	assert_true(delivery_decode(buf_span(&b), &back, &text));
	assert_string_equal(text, "one");
	assert_int_equal(back.last, 9);
	assert_true(span_eq(buf_span(&back.lines), buf_span(&d.lines)));
	free(text);
	buf_release(&back.lines);
	buf_release(&d.lines);
	buf_clear(&b);
	delivered_encode(&b, NULL);
	assert_true(delivered_decode(buf_span(&b), &text));
	assert_null(text);
	buf_clear(&b);
	delivered_encode(&b, "exit 1");
	assert_false(delivered_decode(span_slice(buf_span(&b), 0, 3), &text));
	assert_true(delivered_decode(buf_span(&b), &text));
	assert_string_equal(text, "exit 1");
	free(text);
	buf_release(&b);
}

static void
test_json_read(void **state)
{
	static const char text[] =
	    "{\"a\": [1,{\"b\":\"]}\"}], \"b\":\"x\\n\\"
	    "u00e9\\ud83d\\ude00\\ud83d!\", \"n\":12,\"z\":null,\"e\":{}}";
	struct span s = SPAN(text), rest;
	struct json_member m;
	uint64_t n;
	char *b = json_member_text(s, "b", 64);

	(void)state;
	assert_string_equal(b, "x\n\xc3\xa9\xf0\x9f\x98\x80\xef\xbf\xbd!");
	free(b);
	assert_true(json_member_u64(s, "n", &n));
	assert_int_equal(n, 12);
	assert_null(json_member_text(s, "z", 64));
	assert_null(json_member_text(s, "y", 64));
	assert_null(json_member_text(s, "b", 4));
	assert_true(span_is(json_member(s, "e"), "{}"));
	for (size_t cut = 0; cut < s.n; cut++) {
		if (!json_open(span_slice(s, 0, cut), &rest))
			continue;
		while (json_next(&rest, &m))
			assert_true(m.value.p + m.value.n <= text + cut);
	}
	assert_null(json_member(SPAN("{\"a\":]}"), "a").p);
	assert_null(json_member(SPAN("{\"a\":[}"), "a").p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(test_selection, setup),
	    cmocka_unit_test_setup(test_baseline_is_no_alert, setup),
	    cmocka_unit_test_setup(test_order_and_one_at_a_time, setup),
	    cmocka_unit_test_setup(test_failing_hook_delays_no_other, setup),
	    cmocka_unit_test_setup(test_delays_grow_then_dead, setup),
	    cmocka_unit_test_setup(test_hour_down, setup),
	    cmocka_unit_test_setup(test_batch_of_3000, setup),
	    cmocka_unit_test_setup(test_rate, setup),
	    cmocka_unit_test_setup(test_open_alert, setup),
	    cmocka_unit_test_setup(test_restart_and_lost_courier, setup),
	    cmocka_unit_test_setup(test_reload, setup),
	    cmocka_unit_test_setup(test_facts, setup),
	    cmocka_unit_test_setup(test_wire, setup),
	    cmocka_unit_test_setup(test_json_read, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
