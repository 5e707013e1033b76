#include "shipped_rules.h"
#include "sighting_text.h"

#include "limit.h"
#include "recognise.h"

/* A start tag from "name=value|name=value". */
struct tag {
	struct element e;
	struct attribute attrs[8];
};

static void
tag_make(struct tag *t, const char *name, const char *attrs, uint64_t offset)
{
	struct span rest = span_of(attrs);

	memset(t, 0, sizeof(*t));
	t->e = (struct element){.tag = span_of(name),
	    .key = span_key(span_of(name)),
	    .attrs = t->attrs,
	    .offset = offset};
	while (rest.p != NULL && rest.n > 0) {
		struct span pair = span_token(&rest, '|');
		size_t eq = span_find(pair, '=');

		t->attrs[t->e.nattrs].name = span_slice(pair, 0, eq);
		t->attrs[t->e.nattrs].key =
		    span_key(t->attrs[t->e.nattrs].name);
		t->attrs[t->e.nattrs++].value =
		    span_slice(pair, eq + 1, pair.n);
	}
}

/* A page of lines "tag attrs" whose first attribute is the link, if any of
 * href, src, content or data is. */
static const char *
look(const char *page_url, const char *const *lines, struct buf *out)
{
	struct finding f;
	struct recogniser *r;
	uint64_t offset = 0;

	finding_init(&f);
	r = recogniser_new(rules, page_url, &f);
	for (; *lines != NULL; lines++, offset += 100) {
		struct span line = span_of(*lines);
		char *name = span_dup(span_token(&line, ' '));
		char *attrs = span_dup(line.p == NULL ? SPAN("") : line);
		char *inner = strstr(attrs, "|inner=");
		struct tag t;
		struct link l = {.element = &t.e, .offset = offset};

		if (inner != NULL) {
			l.inner = span_of(inner + 7);
			*inner = '\0';
		}
		tag_make(&t, name, attrs, offset);
		recogniser_element(r, &t.e);
		if (t.e.nattrs > 0 &&
		    (span_is(t.attrs[0].name, "href") ||
			span_is(t.attrs[0].name, "src"))) {
			l.attr = t.attrs[0].name;
			l.url = t.attrs[0].value;
			recogniser_link(r, &l);
		} else if (t.e.nattrs > 0 &&
		    span_is(t.attrs[0].name, "handle")) {
			l.source = LINK_META_HANDLE;
			l.url = t.attrs[0].value;
			recogniser_link(r, &l);
		} else if (t.e.nattrs > 0 &&
		    span_is(t.attrs[0].name, "script")) {
			l.source = LINK_SCRIPT;
			l.url = t.attrs[0].value;
			recogniser_link(r, &l);
		} else if (t.e.nattrs > 0 && span_is(t.attrs[0].name, "base")) {
			recogniser_base(r, t.attrs[0].value);
		}
		free(name);
		free(attrs);
	}
	recogniser_finish(r);
	sightings_show(&f, false, out);
	recogniser_free(r);
	finding_release(&f);
	return buf_str(out);
}

#define PAGE "http://www.example.kp/index.php"

static void
expect_at(const char *page, const char *want, const char *const *lines)
{
	struct buf out = BUF_INIT(64 * KIB);

	assert_string_equal(look(page, lines, &out), want);
	buf_release(&out);
}

#define expect(want, ...)                                                      \
	expect_at(PAGE, want, (const char *const[]){__VA_ARGS__, NULL})

static void
finds_channels_once_however_linked(void **state)
{
	(void)state;
	expect("channel facebook Somebody x3",
	    "a href=http://facebook.com/Somebody",
	    "a href=https://m.facebook.com/somebody/",
	    "a href=//www.facebook.com/SOMEBODY?ref=x");
	expect("channel youtube c/somebody, channel youtube user/somebody",
	    "a href=http://youtube.com/c/somebody",
	    "a href=http://www.youtube.com/user/somebody");
	expect("channel twitter uriminzok", "meta handle=@uriminzok");
	expect("channel facebook 123456789012345, channel facebook some",
	    "meta handle=123456789012345, some|property=fb:pages");
	expect("", "meta handle=123456789012345|property=fb:app_id",
	    "meta handle=1234567890|property=fb:admins");
	expect("channel vk somebody",
	    "a href=out.php?url=https%3A%2F%2Fvk.com%2Fsomebody");
	expect("channel vk somebody x2", "a href=out.php?url=//vk.com/somebody",
	    "a href=/go?to=%2F%2Fvk.com%2Fsomebody");
	expect("channel vk somebody",
	    "a href=https://l.facebook.com/l.php?u=https%3A%2F%2Fvk.com%2F"
	    "somebody");
}

static void
tells_share_from_channel_and_frame_from_link(void **state)
{
	(void)state;
	expect("share twitter, channel twitter somebody",
	    "a href=https://twitter.com/share?url=http://www.example.kp/",
	    "a href=https://twitter.com/somebody");
	expect("embed youtube abcdefghijk x2, content youtube abcdefghijk",
	    "iframe src=https://www.youtube.com/embed/abcdefghijk",
	    "iframe src=https://www.youtube.com/watch?v=abcdefghijk",
	    "a href=https://youtu.be/abcdefghijk");
	expect("other twitter", "a href=https://twitter.com/login");
	expect("other email someone@example.kp",
	    "a href=mailto:someone@example.kp");
}

static void
leaves_plumbing_alone(void **state)
{
	(void)state;
	expect("", "img src=https://i.ytimg.com/vi/abcdefghijk/0.jpg",
	    "script src=https://connect.facebook.net/en_US/sdk.js",
	    "link href=https://abs.twimg.com/favicon.ico|rel=icon",
	    "link href=/css/twitter-bootstrap.css|rel=stylesheet",
	    "div id=fb-root|class=fb-root", "a href=http://www.kcna.kp/",
	    "a href=#|class=icon-youtube", "a href=/about.php",
	    "script script=https://www.youtube.com/iframe_api");
}

static void
finds_players_on_the_own_site(void **state)
{
	(void)state;
	expect("player youtube x2, player youku, player vk",
	    "a href=temp/youtubeplayer.php?no=1",
	    "a href=http://www.example.kp/temp/youtubeplayer.php?no=2",
	    "a href=itv/youkuplayer.php?no=3|inner=icon_sns_youku",
	    "a href=view.php?no=4|inner=icon_sns_vk");
	expect("", "a href=/video/youtube-bootstrap-css.php",
	    "a href=/login/youtube|class=login", "a href=/sns/weibo.php",
	    "a href=http://other.example/youtubeplayer.php");
}

static void
finds_feeds(void **state)
{
	(void)state;
	expect("feed rss x4", "a href=rss.php", "a href=index.php?ptype=rss",
	    "a href=index.php?type=311|class=rss_ico",
	    "link href=/news.xml|rel=alternate|type=application/rss+xml");
}

static void
says_near_misses(void **state)
{
	(void)state;
	expect("suspect flickr somebody x2",
	    "a href=http://www.flicker.com/photos/somebody",
	    "a href=http://www.flicker.com/photos/somebody");
	expect("suspect twitter somebody",
	    "a href=https://twitter.com.example.net/somebody");
	expect("suspect facebook somebody",
	    "a href=https://faceb00k.com/somebody");
	expect("suspect twitter somebody",
	    "a href=https://twitter.com@example.net/somebody");
	/* Nobody can have registered such a name: a slip, no look-alike. */
	expect("", "a href=https://www.youtube.com)/");
	expect("", "a href=http://www.netflix.com/x",
	    "a href=http://oracle.com/x", "a href=https://about.example/");
}

static void
folds_names_and_no_ids(void **state)
{
	(void)state;
	expect("channel youtube Some x2, channel youtube UCabcdefghijkl, "
	       "channel youtube ucabcdefghijkl",
	    "a href=https://www.youtube.com/@Some",
	    "a href=https://www.youtube.com/@some",
	    "a href=https://www.youtube.com/channel/UCabcdefghijkl",
	    "a href=https://www.youtube.com/channel/ucabcdefghijkl");
	expect("content youtube aBcDeFgHiJk, content youtube abcdefghijk",
	    "a href=https://youtu.be/aBcDeFgHiJk",
	    "a href=https://youtu.be/abcdefghijk");
}

static void
reads_share_kits(void **state)
{
	(void)state;
	expect("share weibo by jiathis, share qq by jiathis x2",
	    "a class=jiathis_button_tsina", "a class=jiathis_button_tqq",
	    "a class=jiathis_button_qzone", "a class=jiathis_button_copy");
	expect("share weibo by baidu-share, share wechat by baidu-share",
	    "a class=bds_tsina|data-cmd=tsina", "a class=x|data-cmd=weixin");
	expect("share vk by ya-share2, share facebook by ya-share2",
	    "div class=ya-share2|data-services=vkontakte,facebook");
	expect("share facebook by addtoany",
	    "a href=https://www.addtoany.com/add_to/facebook?linkurl=x|"
	    "class=a2a_button_facebook");
	expect("channel twitter somebody",
	    "a class=a2a_button_twitter|data-a2a-follow=somebody");
	expect("share facebook by sharethis",
	    "div class=st-custom-button|data-network=facebook");
	expect("share weibo by weibo-widget", "wb:share-button appkey=1");
	expect("other addthis by addthis",
	    "script src=//s7.addthis.com/js/300/addthis_widget.js");
	expect("", "div class=icon-weibo", "div data-network=facebook");
}

static void
reads_share_functions(void **state)
{
	(void)state;
	expect("share facebook by script, share naver by script, "
	       "share kakao by kakao, share twitter by script",
	    "a onclick=shareFacebook('x'); return false;",
	    "a onclick=sendLinkNaver()",
	    "button onclick=Kakao.Link.sendDefault({a:1})",
	    "a href=javascript:toSNS('twitter','title')");
	expect("", "a onclick=shareIt('x')", "a onclick=openVideo('youtube')");
}

static void
resolves_against_the_base(void **state)
{
	(void)state;
	expect("channel vk somebody", "base base=https://vk.com/",
	    "a href=somebody");
	expect_at(NULL, "channel vk somebody",
	    (const char *const[]){"a href=https://vk.com/somebody",
		"a href=relative.php", NULL});
}

static void
keeps_its_maximum(void **state)
{
	struct finding f;
	struct recogniser *r;

	(void)state;
	finding_init(&f);
	r = recogniser_new(rules, PAGE, &f);
	for (unsigned i = 0; i < SIGHTINGS_MAX + 100; i++) {
		char *url = xasprintf("https://vk.com/somebody%u", i);
		struct tag t;
		struct link l = {.element = &t.e, .url = span_of(url)};

		tag_make(&t, "a", "href=x", i);
		recogniser_link(r, &l);
		free(url);
	}
	assert_int_equal(f.nsightings, SIGHTINGS_MAX);
	recogniser_free(r);
	finding_release(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(finds_channels_once_however_linked),
	    cmocka_unit_test(tells_share_from_channel_and_frame_from_link),
	    cmocka_unit_test(leaves_plumbing_alone),
	    cmocka_unit_test(finds_players_on_the_own_site),
	    cmocka_unit_test(finds_feeds),
	    cmocka_unit_test(says_near_misses),
	    cmocka_unit_test(folds_names_and_no_ids),
	    cmocka_unit_test(reads_share_kits),
	    cmocka_unit_test(reads_share_functions),
	    cmocka_unit_test(resolves_against_the_base),
	    cmocka_unit_test(keeps_its_maximum),
	};

	return cmocka_run_group_tests(tests, rules_setup, rules_teardown);
}
