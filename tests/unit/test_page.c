/* Where links hide, what is text, and what the tokeniser makes of it all. */
#include "cm.h"

#include "bytes16.h"
#include "charset.h"
#include "html.h"
#include "limit.h"

/* Everything a page gives, as lines. */
struct log {
	struct buf out;
	bool links;
	bool texts;
};

static const char *const sources[] = {"attr", "srcset", "data", "handler",
    "script", "meta", "handle", "jsonld", "style", "feed"};

static void
on_link(void *arg, const struct link *l)
{
	struct log *log = arg;
	struct span text;

	buf_addf(&log->out, "%s %.*s", sources[l->source], SPAN_ARG(l->url));
	if (l->inner.n > 0)
		buf_addf(&log->out, " (%.*s)", SPAN_ARG(l->inner));
	text = link_text(l);
	if (text.n > 0)
		buf_addf(&log->out, " [%.*s]", SPAN_ARG(text));
	buf_add_char(&log->out, '\n');
}

static void
on_text(void *arg, const struct text_run *t)
{
	struct log *log = arg;

	if (t->heading > 0)
		buf_addf(&log->out, "h%d ", t->heading);
	buf_addf(&log->out, "%.*s\n", SPAN_ARG(t->text));
}

static void
on_title(void *arg, struct span s)
{
	buf_addf(&((struct log *)arg)->out, "title %.*s\n", SPAN_ARG(s));
}

static void
on_base(void *arg, struct span s)
{
	buf_addf(&((struct log *)arg)->out, "base %.*s\n", SPAN_ARG(s));
}

static void
scan(struct span page, const char *charset, bool links, bool texts,
    const char *want)
{
	struct log log = {.out = BUF_INIT(MIB)};
	struct page_handler h = {.arg = &log, .base = on_base};
	struct page_stats stats = {0};

	if (links)
		h.link = on_link;
	if (texts) {
		h.text = on_text;
		h.title = on_title;
	}
	page_scan(page, charset_find(span_of(charset)), &h, &stats);
	assert_string_equal(buf_str(&log.out), want);
	buf_release(&log.out);
}

#define LINKS(page, want) scan(SPAN(page), "utf-8", true, false, want)
#define TEXTS(page, want) scan(SPAN(page), "utf-8", false, true, want)

static void
test_attributes(void **state)
{
	(void)state;
	LINKS("<A HREF=a>x</A><img src='b'><form action=\"c\">"
	      "<video poster=d></video><object data=e></object>"
	      "<param name=movie value=f><area href=g><div data-x=h>"
	      "<blockquote cite=i>",
	    "attr a [x]\nattr b\nattr c\nattr d\nattr e\nattr f\nattr g\n"
	    "attr i\n");
	LINKS("<img srcset='a.png 1x, b.png 2x,c.png'>",
	    "srcset a.png\nsrcset b.png\nsrcset c.png\n");
	LINKS("<div data-share='https://vk.com/share.php' data-url=/rel "
	      "data-n=5 data-o='{\"u\":\"https:\\/\\/ok.ru\\/x\"}'>",
	    "data https://vk.com/share.php\ndata /rel\ndata https://ok.ru/x\n");
	LINKS("<a href='x?a=1&amp;b=2&copy=3'>t</a>",
	    "attr x?a=1&b=2&copy=3 [t]\n");
	LINKS("<base href=/b/><base href=/c/>",
	    "attr /b/\nbase /b/\nattr /c/\n");
	LINKS("<p style=\"background:url('i.png')\">", "style i.png\n");
}

static void
test_code(void **state)
{
	(void)state;
	LINKS("<a href=\"javascript:window.open('http%3A//t.co/x')\">a</a>",
	    "attr javascript:window.open('http%3A//t.co/x') [a]\n"
	    "handler http://t.co/x [a]\n");
	LINKS("<i onclick=\"play('temp/youtubeplayer.php?no=1','big')\">",
	    "handler temp/youtubeplayer.php?no=1\n");
	LINKS("<script>var a='http://a.example/x'; // 'http://no.example/'\n"
	      "/* 'http://no.example/' */ var r=/'http:/; b=\"\\/\\/b.example"
	      "\\/\\u0079\";location.href='go.php?x=1';s='a/b c';</script>",
	    "script http://a.example/x\nscript //b.example/y\n"
	    "script go.php?x=1\n");
	LINKS("<script>document.write('<a href=\"https://c.example/d\">');"
	      "</script>",
	    "script https://c.example/d\n");
	LINKS("<script type=application/ld+json>{\"@context\":"
	      "\"https://schema.org/\",\"sameAs\":[\"https://vk.com/a\","
	      "\"https:\\/\\/ok.ru\\/b\"],\"logo\":\"http://x.example/l\"}"
	      "</script>",
	    "jsonld https://vk.com/a\njsonld https://ok.ru/b\n"
	    "script http://x.example/l\n");
}

static void
test_metas(void **state)
{
	(void)state;
	LINKS("<meta http-equiv=refresh content=\"5; URL='next.html'\">",
	    "meta next.html\n");
	LINKS("<meta property=og:url content=http://a.example/>"
	      "<meta name=twitter:site content=@kcna>"
	      "<meta name=description content='see http://b.example/ now'>"
	      "<meta property=al:ios:url content=fb://page/1>",
	    "meta http://a.example/\nhandle @kcna\nmeta fb://page/1\n");
}

static void
test_anchors(void **state)
{
	(void)state;
	LINKS("<a href=p.php><i class='icon icon-youtube'></i><img "
	      "src=y.png id=b alt=Video></a>",
	    "attr y.png\nattr p.php (icon icon-youtube b y.png) [Video]\n");
	LINKS("<a href=1>one<a href=2> two  2 </a>three",
	    "attr 1 [one]\nattr 2 [two 2]\n");
	LINKS("<a href=1>unclosed", "attr 1 [unclosed]\n");
}

static void
test_hidden(void **state)
{
	(void)state;
	LINKS("<!-- <a href=no> --><textarea><a href=no></textarea>"
	      "<noscript><a href=yes>y</a></noscript><title><a href=no>"
	      "</title><iframe src=f><a href=no></iframe>"
	      "<script><!-- <script> </script> <a href=no> --></script>"
	      "<a href=end>e</a>",
	    "attr yes [y]\nattr f\nattr end [e]\n");
	LINKS("<svg><style><a xlink:href=yes></style></svg><style><a href=no>"
	      "</style>",
	    "attr yes\n");
}

static void
test_text(void **state)
{
	(void)state;
	TEXTS("<title> A\n B </title><h2>Head</h2><p>one <b>t</b>wo&nbsp; x"
	      "<br>next<div>a<div>b</div>c</div><script>no</script>"
	      "<style>no</style><template>no</template>&lt;z&gt;",
	    "title A B\nh2 Head\none two x\nnext\na\nb\nc\n<z>\n");
	TEXTS("<title>first</title><svg><title>s</title></svg>",
	    "title first\ns\n");
}

static void
test_charsets(void **state)
{
	(void)state;
	charset_init();
	scan(SPAN("<a href='\xb0\xa1'>\xb0\xa1\xff</a>"), "euc-kr", true, true,
	    "attr 가 [가\xef\xbf\xbd]\n가\xef\xbf\xbd\n");
	/* a trail byte that is a backslash does not escape */
	scan(SPAN("<script>a='\x95\x5c';b='http://a.example/'</script>"),
	    "shift_jis", true, false, "script http://a.example/\n");
	scan((struct span){"<\0a\0 \0h\0r\0e\0f\0=\0x\0>\0", 20}, "utf-16le",
	    true, false, "attr x\n");
}

static void
test_feeds(void **state)
{
	(void)state;
	scan(SPAN("<?xml version='1.0'?><rss><channel><title>Chan</title>"
		  "<link>http://c.example/</link><item><title><![CDATA[One "
		  "& only]]></title><link>http://c.example/1</link>"
		  "<description>&lt;a href='http://d.example/'&gt;d&lt;/a&gt;"
		  "</description><guid isPermaLink='false'>x/1</guid></item>"
		  "</channel></rss>"),
	    "utf-8", true, true,
	    "title Chan\nh1 Chan\nfeed http://c.example/\nh3 One & only\n"
	    "feed http://c.example/1\nattr http://d.example/ [d]\nd\n");
	scan(SPAN("<feed><title>T</title><entry><link href='/e'/></entry>"
		  "</feed>"),
	    "utf-8", true, true, "title T\nh1 T\nfeed /e\n");
}

/* What is written for a feed's own base, and in HTML inside Atom. */
static void
test_feed_bases(void **state)
{
	(void)state;
	scan(SPAN("<feed xml:base='http://b.example/x/'><link href='l'/>"
		  "<entry xml:base='y/'><link href='/e'/><content src='c'/>"
		  "<summary type='html'>&lt;a href='d'&gt;d&lt;/a&gt;"
		  "</summary></entry><entry><link href='m'/></entry></feed>"),
	    "utf-8", true, false,
	    "base http://b.example/x/\nfeed http://b.example/x/l\n"
	    "feed http://b.example/e\nfeed http://b.example/x/y/c\n"
	    "attr http://b.example/x/y/d [d]\nfeed http://b.example/x/m\n");
	scan(SPAN("<rss><item xml:base='rel/'><link>a</link></item></rss>"),
	    "utf-8", true, false, "feed a\n");
	scan(SPAN("<feed><title type='html'>&lt;b&gt;Bold&lt;/b&gt; &lt;a "
		  "href='http://t.example/'&gt;x&lt;/a&gt;</title></feed>"),
	    "utf-8", true, true,
	    "attr http://t.example/ [x]\ntitle Bold x\nh1 Bold x\n");
	scan(SPAN("<feed><entry><content type='xhtml'><div><a href='h'>t</a>"
		  "</div></content></entry></feed>"),
	    "utf-8", true, false, "feed h\n");
}

/* The mask that any machine makes, and this machine's own. */
static void
test_masks(void **state)
{
	uint8_t bytes[16];
	unsigned want;

	(void)state;
	for (unsigned round = 0; round < 256; round++) {
		want = 0;
		for (unsigned i = 0; i < 16; i++) {
			bytes[i] = (uint8_t)(round * 37 + i * i * 11);
			want |= (unsigned)(bytes[i] >= 0x80) << i;
		}
		assert_int_equal(bytes16_mask_plain(bytes16_load(bytes)), want);
		assert_int_equal(bytes16_mask(bytes16_load(bytes)), want);
	}
}

/* Ends of texts of every length, each in memory of its own size so that a
 * sanitizer sees a byte read too many. */
static void
test_loads(void **state)
{
	uint8_t want[16];
	uint64_t eight;
	bytes16 got;
	struct span s;
	char *p;

	(void)state;
	for (size_t n = 1; n <= 40; n++) {
		p = xmalloc(n);
		for (size_t i = 0; i < n; i++)
			p[i] = (char)(i * 7 + 200);
		s = (struct span){p, n};
		for (size_t at = 0; at < n; at++) {
			memset(want, 0, sizeof(want));
			memcpy(want, p + at, n - at < 16 ? n - at : 16);
			got = bytes16_at(s, at);
			assert_memory_equal(&got, want, 16);
			eight = 0;
			memcpy(&eight, p + at, n - at < 8 ? n - at : 8);
			assert_true(eight == span_key(span_slice(s, at, n)));
			if (n - at > 16)
				continue;
			got = bytes16_part(p + at, n - at);
			assert_memory_equal(&got, want, 16);
		}
		free(p);
	}
}

/* Texts of nothing but white space, empty ones, and those at the end. */
static void
test_white_space(void **state)
{
	(void)state;
	scan(SPAN("<p>a<svg><![CDATA[]]></svg>b<p>a<b> \n\t\r\n </b>b<p>\n"
		  "<textarea>\0</textarea><a href=u> x<i>\f</i>y </a>  "),
	    "utf-8", true, true, "ab\na b\n\xef\xbf\xbd\nattr u [x y]\nx y\n");
	LINKS("x<svg><script>a='http://a.example/'</script></svg>y<a href=u> b"
	      "<br>c</a>",
	    "script http://a.example/\nattr u [bc]\n");
}

/* Linear and bounded, whatever stands there. */
static void
test_limits(void **state)
{
	struct buf b = BUF_INIT(8 * MIB);
	struct page_stats stats = {0};
	struct page_handler h = {.arg = NULL};

	(void)state;
	buf_add_str(&b, "<a ");
	for (int i = 0; i < 100000; i++)
		buf_addf(&b, "a%d=b ", i);
	buf_add_str(&b, ">");
	for (int i = 0; i < 100001; i++)
		buf_add_str(&b, "<img src=x>");
	page_scan(buf_span(&b), NULL, &h, &stats);
	assert_true(stats.attrs_cut);
	assert_int_equal(stats.links_cut, false); /* nobody asked for links */
	buf_release(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_attributes),
	    cmocka_unit_test(test_code),
	    cmocka_unit_test(test_metas),
	    cmocka_unit_test(test_anchors),
	    cmocka_unit_test(test_hidden),
	    cmocka_unit_test(test_text),
	    cmocka_unit_test(test_charsets),
	    cmocka_unit_test(test_feeds),
	    cmocka_unit_test(test_feed_bases),
	    cmocka_unit_test(test_masks),
	    cmocka_unit_test(test_loads),
	    cmocka_unit_test(test_white_space),
	    cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
