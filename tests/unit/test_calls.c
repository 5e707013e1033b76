/*
 * What a page shows without an address: calls in its scripts, attributes that
 * name an account or a video, buttons.
 */
#include "page_expect.h"

#include "rules_table.h"

#define VK "<script src=//vk.com/js/api/openapi.js></script>"
#define KK "<script src=//developers.kakao.com/sdk/js/kakao.js></script>"

static void
reads_arguments(void **state)
{
	(void)state;
	expect(VK "<script>VK.Widgets.Group('g', {a: [1, {b: ')'}], c: \"}\"},"
		  " '42');</script>",
	    "channel vk club/42 at https://vk.com/club42");
	expect(VK "<script>window.VK.Widgets.Group (\n\"g\", {}, 42 )</script>",
	    "channel vk club/42 at https://vk.com/club42");
	/* no account, another function, and one that is not known before */
	expect(VK "<script>VK.Widgets.Group('g', {}, id)</script>", "");
	expect(VK "<script>VK.Widgets.Group('g', {})</script>", "");
	expect(VK "<script>VK.Widgets.Group('g', {}, 42 + x)</script>", "");
	expect(VK "<script>MyVK.Widgets.Group('g', {}, 42)</script>", "");
	expect(VK "<script>VK.Widgets.Groups('g', {}, 42)</script>", "");
	expect(VK "<script>VK.Widgets.Group('g', {}, 42", "");
	expect("<script>VK.Widgets.Group('g', {}, 42)</script>", "");
	expect("<p>VK.Widgets.Group('g', {}, 42)</p>", "");
	expect(VK "<script type=application/json>"
		  "VK.Widgets.Group('g', {}, 42)</script>",
	    "");
}

static void
reads_keys(void **state)
{
	(void)state;
	expect(KK "<script>Kakao.Channel.addChannel({ container: 'x:y', "
		  "\"channelPublicId\" : \"_AbC\" })</script>",
	    "channel kakao _AbC at https://pf.kakao.com/_AbC");
	expect(KK "<script>Kakao.Channel.addChannel({channelPublicId: id});"
		  "other({channelPublicId: '_AbC'})</script>",
	    "other kakao by kakao");
	expect(KK "<script>Kakao.Channel.addChannel({text: "
		  "'channelPublicId: \"_AbC\"'})</script>",
	    "other kakao by kakao");
	expect("<a onclick=\"FB.ui({method: 'share_open_graph'})\">f</a>"
	       "<a onclick=\"FB.ui({'method':'share'}, done)\">f</a>",
	    "share facebook by facebook-xfbml");
}

/* The script of the kit may be fetched by a script, and calls stand in it as
 * often as they like. */
static void
knows_a_script_that_is_fetched(void **state)
{
	(void)state;
	expect("<script>s.src = 'https://connect.ok.ru/connect.js';"
	       "s.onload = function () { OK.CONNECT.insertShareWidget('a', u);"
	       "OK.CONNECT.insertShareWidget('b', u); }</script>",
	    "share odnoklassniki by ok-widgets");
	expect(KK "<script>Kakao.Link.sendScrap({})</script>"
		  "<script>Kakao.Link.sendDefault({})</script>",
	    "share kakao by kakao x2");
}

static void
reads_attributes(void **state)
{
	(void)state;
	expect("<div class='a g-ytsubscribe' data-channel=Some></div>",
	    "channel youtube user/Some at https://www.youtube.com/user/Some");
	expect("<div data-channel=Some></div>", "");
	expect("<lite-youtube videoid=ABC12300xyz></lite-youtube>",
	    "embed youtube ABC12300xyz at "
	    "https://www.youtube.com/embed/ABC12300xyz");
	/* what is no id makes no address of another place */
	expect("<lite-youtube videoid='../@somebody'></lite-youtube>", "");
	expect("<lite-youtube videoid=''></lite-youtube>", "");
	expect("<a name=FB_SHARE>f</a><a name=fb_shared>f</a><a name=x>f</a>",
	    "share facebook by facebook-xfbml");
	expect("<div data-plyr-provider=html5 data-plyr-embed-id=1234567>", "");
}

static void
knows_buttons(void **state)
{
	(void)state;
	expect("<a class=btn-vk href=#>x</a><a class=btn-vk href='#'>x</a>",
	    "share vk x2");
	expect("<a href='javascript:void(0)' data-node=shareLinkedIn>x</a>",
	    "share linkedin");
	expect("<a href=#><img src=/img/share_facebook.png></a>",
	    "share facebook");
	/* an address, a kit, or a function says it better */
	expect("<a class=btn-vk href=https://vk.com/somebody>x</a>",
	    "channel vk somebody at https://vk.com/somebody");
	expect("<a class=jiathis_button_tsina title='Share on weibo'>x</a>",
	    "share weibo by jiathis");
	expect("<a class=share_twitter href=# onclick=shareFacebook()>x</a>",
	    "share facebook by script");
	/* not for sharing */
	expect("<a class='btn facebook' href=#>Log in</a>", "");
	expect("<a class='btn btn-vk' href=#>\xe7\x99\xbb\xe5\xbd\x95</a>", "");
	expect("<button class='btn btn-vk'>Log in</button>", "");
	expect("<a class='btn btn-ok' href=#>x</a>", "");
	expect("<a class=share-youtube href=#>x</a>", "");
	expect("<li class=share-vk><a href=/x>x</a></li>", "");
	expect("<a class=share href=#vk>x</a>", "");
}

/* Rules of a kit that say too little are mistakes, and none in its wire form
 * are believed. */
static void
needs_whole_rules(void **state)
{
	static const char *const rules_of[] = {
	    "calls: [{call: Foo.bar, test: '<p>', gives: share tube}]",
	    "calls: [{call: Foo, platform: tube, test: '<p>'}]",
	    "calls: [{call: Foo.bar, url: 'tube.example/{account}'}]",
	    "calls: [{call: Foo.bar, arg: 1, url: 'tube.example/'}]",
	    "calls: [{call: Foo.bar, arg: 0, url: 'tube.example/{account}'}]",
	    "markup: [{class: foo-bar, url: 'tube.example/{account}'}]",
	    "markup: [{tag: foo-bar, platform: tube, when: {a: b, c: d}}]",
	};
	struct config_errors errors = {NULL, 0, 0};
	struct buf yaml = BUF_INIT(64 * KIB);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rules_of); i++) {
		buf_clear(&yaml);
		buf_addf(&yaml,
		    "version: 1\nplatforms:\n- id: tube\n  name: Tube\n"
		    "  kind: video\n  hosts: [tube.example]\nkits:\n"
		    "- id: bar\n  name: Bar\n  scripts: [bar.example]\n  %s\n",
		    rules_of[i]);
		assert_null(rules_parse(buf_span(&yaml), "kit", &errors));
	}
	for (size_t i = 0; i < errors.count; i++)
		assert_null(strstr(errors.list[i].message, "unknown key"));
	config_errors_release(&errors);
	buf_release(&yaml);
}

static void
keeps_no_rule_that_says_nothing(void **state)
{
	struct buf wire = BUF_INIT(CONFIG_BYTES_MAX);
	struct rule_call *c = &rules->calls[0], was = *c;
	struct rules *r;

	(void)state;
	rules_encode(rules, &wire);
	r = rules_decode(buf_span(&wire));
	assert_non_null(r);
	rules_free(r);
	for (int i = 0; i < 2; i++) {
		if (i == 0)
			c->found.platform = c->found.url = RULE_NONE;
		else
			c->name = RULE_NONE;
		buf_clear(&wire);
		rules_encode(rules, &wire);
		assert_null(rules_decode(buf_span(&wire)));
		*c = was;
	}
	buf_release(&wire);
}

/* However many there are, and whatever is in them, it ends soon, and says so.
 */
static void
is_bounded(void **state)
{
	struct buf page = BUF_INIT(16 * MIB);

	(void)state;
	buf_add_str(&page, VK KK "<script>");
	while (page.len < 4 * MIB)
		buf_add_str(&page, "VK.Widgets.Group({");
	buf_add_str(&page, "</script>");
	while (page.len < 8 * MIB)
		buf_add_str(&page,
		    "<script>Kakao.Channel.x(((((((((((((((((</script>");
	expect(buf_str(&page),
	    "other kakao by kakao: code of the page was looked at in part "
	    "only");
	buf_release(&page);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(reads_arguments),
	    cmocka_unit_test(reads_keys),
	    cmocka_unit_test(knows_a_script_that_is_fetched),
	    cmocka_unit_test(reads_attributes),
	    cmocka_unit_test(knows_buttons),
	    cmocka_unit_test(needs_whole_rules),
	    cmocka_unit_test(keeps_no_rule_that_says_nothing),
	    cmocka_unit_test(is_bounded),
	};

	return cmocka_run_group_tests(tests, rules_setup, rules_teardown);
}
