/* Links that are what they are by what is around them. */
#include "page_expect.h"

#define FB "<a class=facebook href=#>x</a>"
#define TW "<a class=twitter href=#>x</a>"
#define VK "<a class=vk href='javascript:;'>x</a>"

static void
knows_share_bars(void **state)
{
	(void)state;
	expect("<div class=share>" FB TW "</div>" VK,
	    "share facebook, share twitter");
	expect("<ul class=sns_share><li>" FB "<li>" TW "</ul>" VK,
	    "share facebook, share twitter");
	expect("<div id=shareBox><p><button class=vk>x</button></div>",
	    "share vk");
	expect("<DIV CLASS='a Article-Share'><a data-type=weibo>x</a></DIV>",
	    "share weibo");
	expect("<table class=share><tr><td>" FB "</table>" TW,
	    "share facebook");
	expect("<div class=share><a href=#><img src=/i/ico_fb.png></a></div>",
	    "share facebook");
	/* not one that shares */
	expect("<div class=sharepoint>" FB "</div>", "");
	expect("<div class=shared-hosting>" FB "</div>", "");
	expect("<div class=share-price>" FB "</div>", "");
	expect("<div title=share>" FB "</div>", "");
	expect("<!-- <div class=share> -->" FB, "");
	expect("<script>'<div class=share>'</script>" FB, "");
	expect("<div class=share><div class=login>" FB "</div></div>", "");
	expect("<div class=share><a class=facebook href=#>Follow</a></div>",
	    "");
	expect("<div class=share><a class=youtube href=#>x</a></div>", "");
	/* an address says what it is */
	expect("<div class=share><a class=vk href=//vk.com/somebody></a></div>",
	    "channel vk somebody at http://vk.com/somebody");
}

/* "line", "print" are names of classes as well. */
static void
believes_plain_words_beside_others(void **state)
{
	(void)state;
	expect("<div class=share><a class=line href=#>x</a></div>", "");
	expect("<div class=share>" FB "<a class=line href=#>x</a></div>",
	    "share facebook, share line");
	expect("<div class=share>" FB "</div>"
	       "<div class=share><a class=line href=#>x</a></div>",
	    "share facebook");
}

static void
ends_a_share_bar_that_is_not_closed(void **state)
{
	struct buf page = BUF_INIT(64 * KIB);

	(void)state;
	expect("<div><div class=share>" FB "</div></div>" TW, "share facebook");
	expect("<li><div class=share>" FB "</li><li>" TW, "share facebook");
	expect("<td><span class=share>" FB "<td>" TW, "share facebook");
	expect("<p class=share>" FB "<div>" TW, "share facebook");
	buf_add_str(&page, "<div class=share>" FB);
	while (page.len < 16 * KIB)
		buf_add_str(&page, "<p>x</p>");
	buf_add_str(&page, TW);
	expect(buf_str(&page), "share facebook");
	/* nor where it is looked for again and again on the way */
	buf_clear(&page);
	buf_add_str(&page, "<div class=share>" FB);
	while (page.len < 16 * KIB)
		buf_add_str(&page, "<p>share<p><a class=email href=#>x</a>");
	buf_add_str(&page, TW);
	expect(buf_str(&page), "share facebook, share email x215");
	buf_release(&page);
}

#define TWEET "https://twitter.com/somebody/status/638793490521001985"

static void
knows_widgets(void **state)
{
	(void)state;
	expect("<blockquote class=twitter-tweet><p>x <a href=https://t.co/"
	       "AbCdEfGhIj>x</a></p><a href=" TWEET ">x</a></blockquote>",
	    "content twitter AbCdEfGhIj at https://t.co/AbCdEfGhIj, "
	    "embed twitter 638793490521001985 at " TWEET);
	expect("<blockquote class=twitter-tweet></blockquote>"
	       "<a href=" TWEET ">x</a>",
	    "content twitter 638793490521001985 at " TWEET);
	expect("<blockquote>" TWEET "<a href=" TWEET ">x</a></blockquote>",
	    "content twitter 638793490521001985 at " TWEET);
	/* another platform, and an account, are what they are */
	expect("<blockquote class=twitter-tweet>"
	       "<a href=https://vk.com/wall-1_2>x</a>"
	       "<a href=https://twitter.com/somebody>x</a></blockquote>",
	    "content vk -1_2 at https://vk.com/wall-1_2, "
	    "channel twitter somebody at https://twitter.com/somebody");
	/* once, wherever it is said */
	expect("<blockquote class=instagram-media data-instgrm-permalink="
	       "https://www.instagram.com/p/fBwFP/><div><div>"
	       "<a href=https://www.instagram.com/p/fBwFP/>x</a></div></div>"
	       "</blockquote>",
	    "embed instagram fBwFP at https://www.instagram.com/p/fBwFP/ x2");
	expect("<div class=fb-post data-href=https://www.facebook.com/somebody/"
	       "posts/10153231379946729><blockquote cite=https://www.facebook."
	       "com/somebody/posts/10153231379946729><a href=https://www."
	       "facebook.com/somebody/posts/10153231379946729>x</a>"
	       "</blockquote></div>",
	    "embed facebook 10153231379946729 at https://www.facebook.com/"
	    "somebody/posts/10153231379946729 x3");
}

/* The element right around a link, its text, the code that it runs. */
static void
reads_what_else_there_is(void **state)
{
	(void)state;
	expect("<ul class=share><li data-share=vk>\n <a href=''></a><li "
	       "class=fb>"
	       "<a href=#><i></i></a><li class=weibo><button "
	       "type=button></button></ul>",
	    "share vk, share facebook, share weibo");
	expect("<ul class=share><li class=vk><br><a href=#></a></ul>", "");
	expect("<ul class=share><li><a class='x' href=# title=weibo></a>"
	       "<li><a href=#> Facebook </a><li><a href=#>微信</a></ul>",
	    "share weibo, share facebook, share wechat");
	expect("<li class=vk onclick='go()'><a href=#></a></li>", "");
	expect("<i class='share vk' onclick='go()'></i>"
	       "<i class='share fb'></i>",
	    "share vk");
	expect("<a class=vk href='javascript:goShare(3)'></a>"
	       "<a class=fb href='javascript:go(3)'></a>",
	    "share vk");
	expect("<a class=vk href='javascript:countShare(3)'></a>", "");
	expect("<a href='share.php?to=vk'>x</a><a href='share.php'>x</a>"
	       "<a href='login.php?share=vk'>x</a><a href='/share/email'>x</a>",
	    "share vk at http://www.example.kp/share.php?to=vk");
}

/* In scripts that do not part words: the longest name counts, and texts that
 * say more than what a button is for do not. */
static void
reads_other_scripts(void **state)
{
	(void)state;
	expect("<a href=# title=分享到腾讯微博></a>"
	       "<a href=# title=分享到新浪微博></a>",
	    "share qq, share weibo");
	expect("<a href=# aria-label=페이스북으로&nbsp;공유></a>"
	       "<button title=&#xBC34;&#xB4DC;&#xACF5;&#xC720;></button>",
	    "share facebook, share band");
	expect("<a href=# class=vk>Поделиться</a>", "share vk");
	expect("<a href=# class=vk>Войти, поделиться</a>", "");
	expect("<a href=/a title=分享到微信>x</a>", "");
	expect("<a href=# title='微信 微信 微信 微信 微信 微信 微信 微信 微信 "
	       "微信 微信 微信 微信 微信 微信 微信 微信 微信 分享'></a>",
	    "");
	/* what an image is named like counts, not where it comes from */
	expect("<a href=# class=share><img src=//img.sina.tw/a.gif></a>", "");
	expect("<a href=# class=share><img src=//img.sina.tw/vk.gif></a>",
	    "share vk");
}

static void
is_bounded(void **state)
{
	struct buf page = BUF_INIT(16 * MIB), out = BUF_INIT(64 * KIB);

	(void)state;
	while (page.len < 8 * MIB)
		buf_add_str(&page, "<div class=share><a class=vk href=#>");
	look(buf_str(&page), &out);
	assert_ptr_equal(strstr(buf_str(&out), "share vk x"), buf_str(&out));
	assert_non_null(
	    strstr(buf_str(&out), ": share-kit markup was looked at in part"));
	buf_release(&out);
	buf_release(&page);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(knows_share_bars),
	    cmocka_unit_test(believes_plain_words_beside_others),
	    cmocka_unit_test(ends_a_share_bar_that_is_not_closed),
	    cmocka_unit_test(knows_widgets),
	    cmocka_unit_test(reads_what_else_there_is),
	    cmocka_unit_test(reads_other_scripts),
	    cmocka_unit_test(is_bounded),
	};

	return cmocka_run_group_tests(tests, rules_setup, rules_teardown);
}
