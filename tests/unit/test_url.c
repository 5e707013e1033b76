#include "cm.h"

#include "limit.h"
#include "url.h"

struct pair {
	const char *input;
	const char *base; /* NULL: none */
	const char *href; /* NULL: failure */
};

static void
check(const struct pair *p)
{
	struct url base, url;
	bool good;

	url_init(&base);
	url_init(&url);
	if (p->base != NULL)
		assert_true(url_parse(&base, span_of(p->base), NULL));
	good =
	    url_parse(&url, span_of(p->input), p->base == NULL ? NULL : &base);
	if (p->href == NULL)
		assert_false(good);
	else
		assert_string_equal(good ? buf_str(&url.href) : "failure",
		    p->href);
	url_release(&base);
	url_release(&url);
}

static void
resolves_links_as_pages_write_them(void **state)
{
	static const char page[] = "http://www.example.kp/news/index.php?a=1";
	static const struct pair pairs[] = {
	    {"rss.php", page, "http://www.example.kp/news/rss.php"},
	    {"./x/../y", page, "http://www.example.kp/news/y"},
	    {"/a//b/", page, "http://www.example.kp/a//b/"},
	    {"?ptype=rss", page,
		"http://www.example.kp/news/index.php?ptype=rss"},
	    {"#top", page, "http://www.example.kp/news/index.php?a=1#top"},
	    {"//VK.com/x", page, "http://vk.com/x"},
	    {"\\\\vk.com\\x", page, "http://vk.com/x"},
	    {" \n https://t.me/a\tb ", page, "https://t.me/ab"},
	    {"HTTP:foo", page, "http://www.example.kp/news/foo"},
	    {"https:foo", page, "https://foo/"},
	    {"mailto:a@b.example", page, "mailto:a@b.example"},
	    {"", page, "http://www.example.kp/news/index.php?a=1"},
	    {"x y?q=\"'<>#`", page,
		"http://www.example.kp/news/x%20y?q=%22%27%3C%3E#%60"},
	    {"rss.php", NULL, NULL},
	    {"%2e%2E/z", page, "http://www.example.kp/z"},
	    {"//user:p@ss@h.example/", page, "http://user:p%40ss@h.example/"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++)
		check(&pairs[i]);
}

static void
reads_every_form_of_host(void **state)
{
	static const struct pair pairs[] = {
	    {"http://0x7f.1/", NULL, "http://127.0.0.1/"},
	    {"http://017700000001/", NULL, "http://127.0.0.1/"},
	    {"http://2130706433/", NULL, "http://127.0.0.1/"},
	    {"http://1.2.3.256/", NULL, NULL},
	    {"http://1.2.3.4.5/", NULL, NULL},
	    {"http://[0:0::1]:80/", NULL, "http://[::1]/"},
	    {"http://[::ffff:1.2.3.4]/", NULL, "http://[::ffff:102:304]/"},
	    {"http://[1:2:3]/", NULL, NULL},
	    {"http://[::1", NULL, NULL},
	    {"http://\xec\x9a\xb0\xeb\xa6\xac.example/", NULL,
		"http://xn--oy2b11v.example/"},
	    {"http://fa\xc3\x9f.example/", NULL, "http://xn--fa-hia.example/"},
	    {"http://EXAMPLE.com:443/", NULL, "http://example.com:443/"},
	    {"https://EXAMPLE.com:443/", NULL, "https://example.com/"},
	    {"http://a b/", NULL, NULL},
	    {"http://a%00b/", NULL, NULL},
	    {"http://h:65536/", NULL, NULL},
	    {"http:///x", NULL, "http://x/"},
	    {"http://?x", NULL, NULL},
	    {"file:///C|/x", NULL, "file:///C:/x"},
	    {"tg://resolve?domain=x", NULL, "tg://resolve?domain=x"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++)
		check(&pairs[i]);
}

static void
gives_components(void **state)
{
	struct url u;
	struct buf origin = BUF_INIT(256);

	(void)state;
	url_init(&u);
	assert_true(
	    url_parse(&u, SPAN("https://u:p@A.example:8443/d/f?q#h"), NULL));
	assert_true(span_is(u.scheme, "https") && span_is(u.username, "u"));
	assert_true(span_is(u.password, "p") && span_is(u.host, "a.example"));
	assert_true(span_is(u.path, "/d/f") && span_is(u.query, "q"));
	assert_true(span_is(u.fragment, "h"));
	assert_int_equal(u.port, 8443);
	url_origin(&u, &origin);
	assert_string_equal(buf_str(&origin), "https://a.example:8443");
	assert_true(url_parse(&u, SPAN("http://b.example/"), NULL));
	assert_null(u.query.p);
	assert_int_equal(url_port(&u), 80);
	buf_release(&origin);
	url_release(&u);
}

static void
refuses_what_is_too_long(void **state)
{
	struct url u;
	char *text = xmalloc(URL_MAX_LEN + 1);

	(void)state;
	url_init(&u);
	memset(text, 'a', URL_MAX_LEN + 1);
	memcpy(text, "http://h/", 9);
	assert_false(url_parse(&u, (struct span){text, URL_MAX_LEN + 1}, NULL));
	assert_true(url_parse(&u, (struct span){text, 1000}, NULL));
	memset(text + 9, ' ' + 2, URL_MAX_LEN - 9); /* grows threefold */
	assert_false(url_parse(&u, (struct span){text, URL_MAX_LEN}, NULL));
	assert_int_equal(u.scheme.n, 0);
	free(text);
	url_release(&u);
}

static void
knows_registrable_domains(void **state)
{
	struct url a, b;

	(void)state;
	assert_true(
	    span_is(host_site(SPAN("www.rodong.rep.kp")), "rodong.rep.kp"));
	assert_true(
	    span_is(host_site(SPAN("a.b.example.co.kr")), "example.co.kr"));
	assert_true(span_is(host_site(SPAN("127.0.0.1")), "127.0.0.1"));
	assert_true(host_is_public_suffix(SPAN("co.jp")));
	assert_false(host_is_public_suffix(SPAN("example.jp")));
	url_init(&a);
	url_init(&b);
	assert_true(url_parse(&a, SPAN("http://www.example.kp/"), NULL));
	assert_true(url_parse(&b, SPAN("https://m.example.kp:8080/"), NULL));
	assert_true(url_same_site(&a, &b));
	assert_true(url_parse(&b, SPAN("http://example.com/"), NULL));
	assert_false(url_same_site(&a, &b));
	url_release(&a);
	url_release(&b);
}

static void
walks_and_decodes_queries(void **state)
{
	struct span rest = SPAN("a=1&&b=x%20y+z&c"), name, value;
	struct buf out = BUF_INIT(64);

	(void)state;
	assert_true(query_next(&rest, &name, &value));
	assert_true(span_is(name, "a") && span_is(value, "1"));
	assert_true(query_next(&rest, &name, &value));
	form_decode(value, &out);
	assert_string_equal(buf_str(&out), "x y z");
	buf_clear(&out);
	percent_decode(SPAN("%zz%41+%"), &out);
	assert_string_equal(buf_str(&out), "%zzA+%");
	assert_true(query_next(&rest, &name, &value));
	assert_true(span_is(name, "c") && value.n == 0);
	assert_false(query_next(&rest, &name, &value));
	buf_release(&out);
}

/* Pieces of addresses, plain ones more often than others. */
static void
make_address(struct buf *out, uint32_t *seed, const char *begin)
{
	static const char *const pieces[] = {"a", "b1", "news", "/", "/", "x-y",
	    ".", "com", "index.php", "?", "id=1", "&", "#", "~", "%20", "|",
	    "..", ":", "@", "*", "(", ";", "//", "%", "A", "\\", "\t", "{", "'",
	    "\"", "[", "0x1", "7", "\xc3\xa9", "_", "!", "$", ","};

	buf_clear(out);
	buf_add_str(out, begin);
	for (*seed = *seed * 1664525 + 1013904223; (*seed >> 8) % 12 != 0;
	     *seed = *seed * 1664525 + 1013904223)
		buf_add_str(out,
		    pieces[(*seed >> 16) %
			((*seed >> 30) == 0 ? ARRAY_LEN(pieces) : 14)]);
}

static void
same_part(const struct url *a, struct span x, const struct url *b,
    struct span y)
{
	assert_int_equal(x.p == NULL, y.p == NULL);
	assert_int_equal(x.n, y.n);
	if (x.p != NULL && x.n > 0)
		assert_int_equal(x.p - a->href.data, y.p - b->href.data);
}

static void
same_url(const struct url *a, const struct url *b)
{
	assert_string_equal(buf_str(&a->href), buf_str(&b->href));
	same_part(a, a->scheme, b, b->scheme);
	same_part(a, a->username, b, b->username);
	same_part(a, a->password, b, b->password);
	same_part(a, a->host, b, b->host);
	same_part(a, a->path, b, b->path);
	same_part(a, a->query, b, b->query);
	same_part(a, a->fragment, b, b->fragment);
	assert_int_equal(a->port, b->port);
	assert_int_equal(a->host_kind, b->host_kind);
	assert_int_equal(a->special, b->special);
	assert_int_equal(a->opaque_path, b->opaque_path);
}

/* A space before an address changes nothing but the way it takes. */
static void
the_short_way_leads_to_the_same(void **state)
{
	static const char *const begins[] = {"http://", "https://",
	    "http://www.a.kp/", "https://b.com", "/", "", "//", "http:/"};
	static const char *const bases[] = {"http://www.a.kp/x/y?z#f",
	    "https://u:p@a.kp:81/", "file:///x", "mailto:x", NULL};
	struct buf text = BUF_INIT(4 * KIB), spaced = BUF_INIT(4 * KIB);
	struct url base, a, b;
	uint32_t seed = 1;
	bool good;

	(void)state;
	url_init(&base);
	url_init(&a);
	url_init(&b);
	for (size_t i = 0; i < 60000; i++) {
		const char *from = bases[i % ARRAY_LEN(bases)];

		make_address(&text, &seed, begins[i / 5 % ARRAY_LEN(begins)]);
		buf_clear(&spaced);
		buf_add_char(&spaced, ' ');
		buf_add_span(&spaced, buf_span(&text));
		if (from != NULL)
			assert_true(url_parse(&base, span_of(from), NULL));
		good = url_parse(&a, buf_span(&text), from ? &base : NULL);
		assert_int_equal(good,
		    url_parse(&b, buf_span(&spaced), from ? &base : NULL));
		if (good)
			same_url(&a, &b);
	}
	url_release(&base);
	url_release(&a);
	url_release(&b);
	buf_release(&text);
	buf_release(&spaced);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(resolves_links_as_pages_write_them),
	    cmocka_unit_test(reads_every_form_of_host),
	    cmocka_unit_test(gives_components),
	    cmocka_unit_test(refuses_what_is_too_long),
	    cmocka_unit_test(knows_registrable_domains),
	    cmocka_unit_test(walks_and_decodes_queries),
	    cmocka_unit_test(the_short_way_leads_to_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
