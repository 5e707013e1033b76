/* Observations to findings: what counts as the same page, and what is said. */
#include "cm.h"

#include "analysis.h"
#include "charset.h"
#include "gzip_write.h"
#include "limit.h"

static struct rules *rules;
static struct analysis *analysis;

static void
run(struct finding *f, const char *page, const char *type, const char *coding)
{
	struct analysis_input in = {.body = span_of(page),
	    .content_type = span_of(type),
	    .codings = span_of(coding),
	    .url = "http://www.site.example/index.php",
	    .status = 200};

	finding_init(f);
	analysis_page(analysis, &in, f);
}

static void
test_noise(void **state)
{
	struct finding a, b, c;

	(void)state;
	run(&a, "<p>주체107(2018)년 3월 18일</p><p>조회수 5</p><h1>One</h1>",
	    "text/html; charset=utf-8", NULL);
	run(&b, "<p>주체107(2018)년 3월 19일</p><p>조회수 6</p><h1>One</h1>",
	    "text/html; charset=utf-8", NULL);
	run(&c, "<p>주체107(2018)년 3월 19일</p><p>조회수 6</p><h1>Two</h1>",
	    "text/html; charset=utf-8", NULL);
	assert_string_equal(a.text_sha256, b.text_sha256);
	assert_string_not_equal(a.text_sha256, c.text_sha256);
	assert_string_not_equal(a.body_sha256, b.body_sha256);
	assert_int_equal(a.nblocks, 3);
	assert_true(a.blocks[0].noise && a.blocks[1].noise);
	assert_false(a.blocks[2].noise);
	assert_string_equal(a.blocks[0].text, "주체107(2018)년 3월 18일");
	finding_release(&a);
	finding_release(&b);
	finding_release(&c);
}

static void
test_facts(void **state)
{
	struct finding f;

	(void)state;
	run(&f,
	    "<meta charset=euc-kr><title>\xc6\xf2\xbe\xe7</title>"
	    "<a href=a.php?sid=1>x</a><a href=a.php?sid=2#t>x</a>"
	    "<a href='http://sub.site.example/b'>b</a>"
	    "<a href='http://site.example.net/'>other</a>\xff",
	    NULL, NULL);
	assert_string_equal(f.title, "평양");
	assert_string_equal(f.charset, "euc-kr");
	assert_string_equal(f.charset_from, "meta");
	assert_string_equal(f.media_type, "text/html");
	assert_int_equal(f.bad_chars, 1);
	assert_int_equal(f.status, ANALYSIS_OK);
	assert_int_equal(f.nlinks, 2);
	assert_string_equal(f.links[0], "http://www.site.example/a.php?sid=1");
	assert_string_equal(f.links[1], "http://sub.site.example/b");
	finding_release(&f);
}

/* Of a body over the limit, what is within it counts. */
static void
test_long_body(void **state)
{
	struct buf page = BUF_INIT(DECODED_BODY_MAX + KIB);
	struct finding f;

	(void)state;
	(void)buf_add_str(&page, "<a href='https://vk.com/somebody'>x</a><!--");
	memset(buf_reserve(&page, DECODED_BODY_MAX), 'x', DECODED_BODY_MAX);
	page.len += DECODED_BODY_MAX;
	page.data[page.len] = '\0';
	run(&f, buf_str(&page), "text/html", NULL);
	assert_int_equal(f.status, ANALYSIS_CUT);
	assert_int_equal(f.body_length, DECODED_BODY_MAX);
	assert_int_equal(f.nsightings, 1);
	assert_string_equal(f.sightings[0].platform, "vk");
	finding_release(&f);
	buf_release(&page);
}

static void
test_media(void **state)
{
	struct finding f;

	(void)state;
	run(&f, "%PDF-1.4 <a href=x>", NULL, NULL);
	assert_string_equal(f.media_type, "application/pdf");
	assert_int_equal(f.nblocks, 0);
	assert_int_equal(strlen(f.body_sha256), 64);
	finding_release(&f);
	run(&f, "one\n\n two \n", "text/plain", NULL);
	assert_int_equal(f.nblocks, 2);
	assert_string_equal(f.blocks[1].text, "two");
	finding_release(&f);
	run(&f, "", "text/html", NULL);
	assert_string_equal(f.body_sha256, "");
	assert_string_equal(f.text_sha256, "");
	finding_release(&f);
}

static void
test_codings(void **state)
{
	struct buf b = BUF_INIT(MIB);
	struct analysis_input in = {.codings = SPAN("gzip"),
	    .url = "http://a.example/",
	    .status = 200};
	struct finding f;

	(void)state;
	gzip_member(&b, SPAN("<p>packed and whole</p>"), 6);
	finding_init(&f);
	in.body = buf_span(&b);
	analysis_page(analysis, &in, &f);
	assert_int_equal(f.status, ANALYSIS_OK);
	assert_int_equal(f.nblocks, 1);
	finding_release(&f);
	in.body = span_slice(buf_span(&b), 0, b.len - 9);
	analysis_page(analysis, &in, &f);
	assert_int_equal(f.status, ANALYSIS_CUT);
	assert_int_equal(f.nnotes, 1);
	finding_release(&f);
	buf_release(&b);
	run(&f, "<p>plain</p>", "text/html", "gzip");
	assert_int_equal(f.status, ANALYSIS_OK);
	assert_int_equal(f.nnotes, 1);
	assert_int_equal(f.nblocks, 1);
	finding_release(&f);
}

static unsigned
distance(uint64_t a, uint64_t b)
{
	return (unsigned)__builtin_popcountll(a ^ b);
}

/* A page with one sentence changed is near, another page is far. */
static void
test_similarity(void **state)
{
	struct buf a = BUF_INIT(MIB), b = BUF_INIT(MIB), c = BUF_INIT(MIB);
	struct finding x, y, z;

	(void)state;
	for (unsigned i = 0; i < 300; i++) {
		buf_addf(&a, "<p>alpha%u beta", i * 7);
		buf_addf(&b, "<p>alpha%u beta", i == 9 ? 1 : i * 7);
		buf_addf(&c, "<p>gamma%u delta", i * 11);
	}
	run(&x, buf_str(&a), "text/html", NULL);
	run(&y, buf_str(&b), "text/html", NULL);
	run(&z, buf_str(&c), "text/html", NULL);
	assert_true(distance(x.simhash, y.simhash) <= 6);
	assert_true(distance(x.simhash, z.simhash) >= 16);
	finding_release(&x);
	finding_release(&y);
	finding_release(&z);
	buf_release(&a);
	buf_release(&b);
	buf_release(&c);
}

static void
test_observation(void **state)
{
	struct observation o;
	struct finding f;
	struct hop *h;

	(void)state;
	observation_init(&o);
	finding_init(&f);
	h = observation_add_hop(&o);
	analysis_run(analysis, &o, &f);
	assert_int_equal(f.status, ANALYSIS_NONE);
	finding_release(&f);
	h->url = xstrdup("http://a.example/");
	h->status = 200;
	buf_init(&h->headers, 1000);
	buf_init(&h->body, 1000);
	buf_add_str(&h->headers,
	    "HTTP/1.1 200 OK\r\nContent-Type: text/html;"
	    " charset=koi8-r\r\n\r\n");
	buf_add_str(&h->body, "<title>\xf0</title>");
	h->body_cut = true;
	analysis_run(analysis, &o, &f);
	assert_int_equal(f.status, ANALYSIS_CUT);
	assert_string_equal(f.charset_from, "header");
	assert_string_equal(f.title, "П");
	finding_release(&f);
	observation_release(&o);
}

static int
set_up(void **state)
{
	struct config_errors errors = {NULL, 0, 0};

	(void)state;
	analysis_init();
	rules = rules_load("conf/platforms.yaml", &errors);
	config_errors_print(&errors);
	config_errors_release(&errors);
	if (rules == NULL)
		return -1;
	analysis = analysis_new(rules, NULL);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	analysis_free(analysis);
	rules_free(rules);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_noise),
	    cmocka_unit_test(test_facts), cmocka_unit_test(test_media),
	    cmocka_unit_test(test_long_body), cmocka_unit_test(test_codings),
	    cmocka_unit_test(test_similarity),
	    cmocka_unit_test(test_observation)};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
