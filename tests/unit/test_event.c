/* Event lines: key order, reading back, chain, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "event.h"
#include "instant.h"
#include "limit.h"

static void
sample(struct event *e)
{
	event_begin(e, EVENT_SHARE_ADDED);
	e->seq = 1207;
	e->time = INT64_C(1547445603120);
	e->target = "sogwang";
	e->vantage = "seoul-1";
	e->page = "article";
	e->url = "http://www.sogwang.com/x";
	e->platform = "vk";
	e->before = 5;
	e->after = 17;
	e->has_evidence = true;
	e->sha256 = "ab";
	e->warc = "kpwatch-20190114-00.warc.gz";
	e->offset = 88213;
	e->element = "a.btn-vk";
	e->text = "서광 \"x\"\n";
	e->kit = "jiathis";
	memcpy(e->prev, event_chain_start, sizeof e->prev);
}

static const char line_wanted[] =
    "{\"v\":1,\"seq\":1207,\"time\":\"2019-01-14T06:00:03.120Z\","
    "\"type\":\"share.added\",\"target\":\"sogwang\","
    "\"vantage\":\"seoul-1\",\"source\":\"live\",\"page\":\"article\","
    "\"url\":\"http://www.sogwang.com/x\",\"platform\":\"vk\","
    "\"name\":null,\"before\":5,\"after\":17,"
    "\"evidence\":{\"sha256\":\"ab\","
    "\"warc\":\"kpwatch-20190114-00.warc.gz\",\"offset\":88213,"
    "\"element\":\"a.btn-vk\",\"text\":\"서광 \\\"x\\\"\\n\"},"
    "\"kit\":\"jiathis\",\"prev\":\"0000000000000000000000000000000000000000"
    "000000000000000000000000\"}";

static void
key_order(void **state)
{
	struct buf line = BUF_INIT(EVENT_LINE_MAX);
	struct event e;

	(void)state;
	sample(&e);
	assert_true(event_write(&e, &line));
	assert_string_equal(buf_str(&line), line_wanted);
	buf_release(&line);
}

static void
read_back(void **state)
{
	static const char *blocks[] = {"하나", "둘"};
	const struct event_item items[] = {{SIGHTING_CHANNEL, "youtube", "@a",
					       NULL, 2},
	    {SIGHTING_SHARE, "vk", NULL, "jiathis", 1}};
	struct buf line = BUF_INIT(EVENT_LINE_MAX);
	struct buf again = BUF_INIT(EVENT_LINE_MAX);
	struct event e, r;

	(void)state;
	sample(&e);
	e.added = blocks;
	e.nadded = 2;
	e.added_count = 7;
	e.removed_count = 0;
	e.since = e.time;
	e.from = e.time;
	e.unverified = true;
	e.items = items;
	e.nitems = 2;
	e.has_items = true;
	assert_true(event_write(&e, &line));
	assert_true(event_read(&r, buf_span(&line), NULL));
	assert_string_equal(r.text, e.text);
	assert_int_equal(r.nadded, 2);
	assert_string_equal(r.added[1], "둘");
	assert_string_equal(r.items[1].kit, "jiathis");
	assert_true(event_write(&r, &again));
	assert_string_equal(buf_str(&again), buf_str(&line));
	event_release(&r);
	buf_release(&line);
	buf_release(&again);
}

static void
every_type_has_a_name(void **state)
{
	(void)state;
	for (size_t i = 0; i < EVENT_TYPE_COUNT; i++)
		assert_int_equal(event_type_from_name(span_of(
				     event_type_name((enum event_type)i))),
		    i);
	assert_int_equal(event_type_from_name(SPAN("share")), EVENT_TYPE_COUNT);
}

static void
refused(void **state)
{
	static const char *const bad[] = {"", "{}", "[]", "null", "{\"v\":1}",
	    "{\"v\":2,\"seq\":1,\"type\":\"site.up\"}",
	    "{\"v\":1,\"seq\":-1,\"type\":\"site.up\"}",
	    "{\"v\":1,\"seq\":1,\"type\":\"site.upp\"}"};
	const char *why;
	struct event e;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		why = NULL;
		assert_false(event_read(&e, span_of(bad[i]), &why));
		assert_non_null(why);
		event_release(&e);
	}
	/* Cut anywhere, a line is no line. */
	for (size_t n = 0; n < sizeof line_wanted - 1; n++)
		assert_false(
		    event_read(&e, (struct span){line_wanted, n}, NULL));
}

/* What a terminal that lines are shown on would obey. */
static void
terminal_is_told_nothing(void **state)
{
	static const char *const orders[][2] = {{"\x1b[2J", "\\u001b[2J"},
	    {"\x7f", "\\u007f"}, {"\xc2\x80", "\\u0080"},
	    {"\xc2\x9b"
	     "2J",
		"\\u009b2J"},
	    {"\xc2\x9d"
	     "0;x",
		"\\u009d0;x"},
	    {"\xe2\x80\xae", "\\u202e"}, {"\xe2\x81\xa6", "\\u2066"},
	    {"\xc2\xa0", "\xc2\xa0"}, {"평양", "평양"}};
	struct buf line = BUF_INIT(EVENT_LINE_MAX);
	struct event e, back;
	const char *at;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(orders); i++) {
		sample(&e);
		e.text = orders[i][0];
		buf_clear(&line);
		assert_true(event_write(&e, &line));
		at = strstr(buf_str(&line), "\"text\":\"");
		assert_non_null(at);
		at += strlen("\"text\":\"");
		assert_memory_equal(at, orders[i][1], strlen(orders[i][1]));
		assert_int_equal(at[strlen(orders[i][1])], '"');
		assert_true(event_read(&back, buf_span(&line), NULL));
		assert_string_equal(back.text, orders[i][0]);
		event_release(&back);
	}
	buf_release(&line);
}

static void
too_long_is_left_out(void **state)
{
	struct buf line = BUF_INIT(4 * EVENT_LINE_MAX);
	char *text = xmalloc(EVENT_LINE_MAX + 1);
	struct event e;

	(void)state;
	memset(text, 'x', EVENT_LINE_MAX);
	text[EVENT_LINE_MAX] = '\0';
	sample(&e);
	e.text = text;
	assert_false(event_write(&e, &line));
	assert_int_equal(line.len, 0);
	buf_release(&line);
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(key_order),
	    cmocka_unit_test(read_back),
	    cmocka_unit_test(every_type_has_a_name),
	    cmocka_unit_test(refused),
	    cmocka_unit_test(terminal_is_told_nothing),
	    cmocka_unit_test(too_long_is_left_out),
	};

	digest_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
