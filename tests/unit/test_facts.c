/* Round trips and hostile bytes for observation and finding. */
#include "cm.h"

#include "finding.h"
#include "limit.h"
#include "observation.h"

static void
fill(struct observation *o)
{
	struct hop *h;

	observation_init(o);
	o->id = 7;
	o->time = 1547445603120;
	o->variant = VARIANT_CONFIRM;
	o->vantage = xstrdup("seoul-1");
	o->target = xstrdup("sogwang");
	o->page = xstrdup("main");
	o->url = xstrdup("http://sogwang.com/");
	h = observation_add_hop(o);
	h->url = xstrdup("http://sogwang.com/");
	h->dns.host = xstrdup("sogwang.com");
	h->dns.rcode = 0;
	dns_record_add(&h->dns, SPAN("A"), 300, SPAN("203.0.113.5"));
	h->chain = xcalloc(1, sizeof *h->chain);
	h->nchain = 1;
	memset(h->chain[0].sha256, 'a', 64);
	h->chain[0].subject = xstrdup("CN=sogwang.com");
	h->status = 200;
	h->failure = FAILURE_EOF;
	buf_add_str(&h->headers,
	    "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n");
	buf_add(&h->body, "a\0b", 3);
}

static void
test_observation_round_trip(void **state)
{
	struct observation o, back;
	struct buf a = BUF_INIT(JOB_BYTES_MAX), b = BUF_INIT(JOB_BYTES_MAX);

	(void)state;
	fill(&o);
	observation_encode(&o, &a, BODIES_ALL);
	assert_true(observation_decode(&back, buf_span(&a)));
	observation_encode(&back, &b, BODIES_ALL);
	assert_true(span_eq(buf_span(&a), buf_span(&b)));
	assert_int_equal(observation_last(&back)->body.len, 3);
	assert_true(span_is(header_value(buf_span(&back.hops[0].headers),
				"content-type"),
	    "text/html"));
	observation_release(&o);
	observation_release(&back);
	buf_release(&a);
	buf_release(&b);
}

/* Memory that one observation was read into takes the next, of any size. */
static void
test_observation_decoded_again(void **state)
{
	struct observation o, again;
	struct buf a = BUF_INIT(JOB_BYTES_MAX), b = BUF_INIT(JOB_BYTES_MAX);

	(void)state;
	observation_init(&again);
	for (int i = 0; i < 30; i++) {
		fill(&o);
		for (int n = 0; n < i % 7; n++) {
			struct hop *h = observation_add_hop(&o);
			char text[2000];

			memset(text, 'a' + n, sizeof text - 1);
			text[sizeof text - 1 - (size_t)i] = '\0';
			h->url = xstrdup(text);
			buf_add_str(&h->headers, text);
		}
		buf_clear(&a);
		buf_clear(&b);
		observation_encode(&o, &a, BODIES_ALL);
		assert_true(observation_decode_again(&again, buf_span(&a)));
		observation_encode(&again, &b, BODIES_ALL);
		assert_true(span_eq(buf_span(&a), buf_span(&b)));
		/* These two may be replaced. */
		free(again.warc);
		again.warc = i % 2 == 0 ? xstrdup("x.warc.gz") : NULL;
		again.pcap = xstrdup("x.pcap");
		observation_empty(&again);
		assert_int_equal(again.nhops, 0);
		assert_null(again.target);
		observation_release(&o);
	}
	/* One that is refused leaves nothing either. */
	assert_false(observation_decode_again(&again, SPAN("\1\2\3")));
	assert_null(again.target);
	observation_release(&again);
	buf_release(&a);
	buf_release(&b);
}

static void
test_text_pool(void **state)
{
	struct text_pool *pool = NULL;
	char *text, *first = NULL;
	uint64_t *numbers;

	(void)state;
	assert_null(text_pool_array(&pool, 0, 8));
	for (size_t i = 1; i < 3000; i++) {
		text = text_pool_add(&pool, (struct span){"abcdefgh", i % 8});
		first = first == NULL ? text : first;
		assert_int_equal(strlen(text), i % 8);
		numbers = text_pool_array(&pool, i % 50 + 1, sizeof *numbers);
		assert_int_equal((uintptr_t)numbers % _Alignof(uint64_t), 0);
		for (size_t j = 0; j <= i % 50; j++)
			assert_int_equal(numbers[j], 0);
		memset(numbers, 0xff, (i % 50 + 1) * sizeof *numbers);
		assert_int_equal(strlen(text), i % 8);
	}
	text_pool_clear(&pool);
	assert_ptr_equal(text_pool_add(&pool, SPAN("x")), first);
	text_pool_free(pool);
}

/* Every cut and one trailing byte must be refused. */
static void
test_observation_refuses_cuts(void **state)
{
	struct observation o, back;
	struct buf a = BUF_INIT(JOB_BYTES_MAX);

	(void)state;
	fill(&o);
	observation_encode(&o, &a, BODIES_ALL);
	for (size_t n = 0; n < a.len; n++) {
		char *exact = xmalloc(n);

		memcpy(exact, a.data, n);
		assert_false(
		    observation_decode(&back, (struct span){exact, n}));
		free(exact);
	}
	buf_put_u8(&a, 0);
	assert_false(observation_decode(&back, buf_span(&a)));
	observation_release(&o);
	buf_release(&a);
}

static void
add(struct finding *f, enum sighting_kind kind, const char *platform,
    const char *name)
{
	struct sighting s = {.kind = kind,
	    .platform = xstrdup(platform),
	    .name = xstrdup(name)};

	assert_true(finding_add_sighting(f, &s));
}

static void
test_finding_merges_and_round_trips(void **state)
{
	struct finding f, back;
	struct buf a = BUF_INIT(FINDING_BYTES_MAX);

	(void)state;
	finding_init(&f);
	add(&f, SIGHTING_CHANNEL, "youku", "dprktoday");
	add(&f, SIGHTING_CHANNEL, "youku", "dprktoday");
	add(&f, SIGHTING_CHANNEL, "flickr", "dprktoday");
	add(&f, SIGHTING_PLAYER, "youku", NULL);
	for (int i = 0; i < 30; i++) {
		char name[16];

		snprintf(name, sizeof name, "n%d", i);
		add(&f, SIGHTING_SHARE, "x", name);
	}
	assert_true(finding_add_block(&f, SPAN("조선의 오늘"), 9, false));
	finding_note(&f, "cut at %d", 5);
	finding_add_link(&f, SPAN("http://a.example/1"));
	assert_int_equal(f.nsightings, 33);
	assert_int_equal(f.sightings[0].count, 2);
	finding_encode(&f, &a);
	assert_true(finding_decode(&back, buf_span(&a)));
	assert_int_equal(back.nsightings, 33);
	assert_string_equal(back.blocks[0].text, "조선의 오늘");
	assert_string_equal(back.notes[0], "cut at 5");
	finding_release(&back);
	for (size_t n = 0; n < a.len; n++)
		assert_false(finding_decode(&back, (struct span){a.data, n}));
	finding_release(&f);
	buf_release(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_observation_round_trip),
	    cmocka_unit_test(test_observation_decoded_again),
	    cmocka_unit_test(test_text_pool),
	    cmocka_unit_test(test_observation_refuses_cuts),
	    cmocka_unit_test(test_finding_merges_and_round_trips),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
