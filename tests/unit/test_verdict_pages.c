/* Whole pages of our own writing, shaped like the real ones, through the
 * analysis with the shipped rules: style sheets, images and scripts count as
 * links there, and must not push a wall past its bounds. */
#include "cm.h"

#include <unistd.h>

#include "analysis.h"
#include "limit.h"
#include "rules.h"
#include "verdict.h"

static const struct {
	const char *html;
	int status;
	const char *headers;
	const char *url;
	enum page_class class;
} cases[] = {
    {"<!DOCTYPE html><html><head><title>Welcome to nginx!</title><style>"
     "body{width:35em}</style></head><body><h1>Welcome to nginx!</h1><p>If "
     "you see this page, the nginx web server is successfully installed."
     "</p><a href=\"http://nginx.org/\">nginx.org</a></body></html>",
	200, NULL, NULL, PAGE_PLACEHOLDER},
    {"<html><head><title>IIS7</title><style>a img{border:none}</style>"
     "</head><body><div id=\"container\"><a href=\"http://go.example/\">"
     "<img src=\"welcome.png\" alt=\"IIS7\"></a></div></body></html>",
	200, NULL, NULL, PAGE_PLACEHOLDER},
    {"<html><body><h1>It works!</h1></body></html>", 200, NULL, NULL,
	PAGE_PLACEHOLDER},
    {"<!DOCTYPE html><html><head><title>Just a moment...</title><meta "
     "name=\"robots\" content=\"noindex\"></head><body><noscript>Enable "
     "JavaScript and cookies to continue</noscript><script>(function(){"
     "window._cf_chl_opt={cType:'managed'};var a=document.createElement("
     "'script');a.src='/cdn-cgi/challenge-platform/h/b/orchestrate/chl';"
     "}());</script></body></html>",
	403, "cf-mitigated: challenge\r\n", NULL, PAGE_BOT_WALL},
    {"<!DOCTYPE html><html><head><title>Just a moment...</title></head>"
     "<body><script>window._cf_chl_opt={}</script></body></html>",
	503, NULL, NULL, PAGE_BOT_WALL},
    {"<HTML><HEAD><TITLE>Access Denied</TITLE></HEAD><BODY><H1>Access "
     "Denied</H1>You don't have permission to access \"http&#58;&#47;"
     "&#47;a&#47;\" on this server.<P>Reference&#32;&#35;18&#46;2f</BODY>"
     "</HTML>",
	403, NULL, NULL, PAGE_BOT_WALL},
    {"<html><head><script>window.location.href='http://warning.or.kr/i1."
     "html'</script></head><body><iframe src=\"http://warning.or.kr\">"
     "</iframe></body></html>",
	200, NULL, NULL, PAGE_BLOCK},
    {"<html><head><meta charset=utf-8><title>Доступ ограничен</title>"
     "</head><body><h1>Доступ к информационному ресурсу ограничен</h1><p>"
     "на основании Федерального закона № 149-ФЗ</p><a href=\"http://eais."
     "rkn.gov.ru/\">Реестр</a></body></html>",
	200, NULL, NULL, PAGE_BLOCK},
    {"<html><head><title>site.example</title></head><body><script>window."
     "onload=function(){window.location.href=\"/lander\"}</script></body>"
     "</html>",
	200, NULL, NULL, PAGE_PARKED},
    {"<html><head><title>Login</title></head><body><form><input>"
     "</form></body></html>",
	200, NULL, "https://www.instagram.com/accounts/login/?next=/x/",
	PAGE_LOGIN_WALL},
    {"<html><head><meta charset=utf-8><title>알림</title></head><body>"
     "<p>홈페지 점검중입니다.</p></body></html>",
	200, NULL, NULL, PAGE_MAINTENANCE},
    {"<html><head><title>404 Not Found</title></head><body><h1>Not Found"
     "</h1></body></html>",
	200, NULL, NULL, PAGE_SOFT_404},
    {"<html><head><title>404 Not Found</title></head><body><h1>Not Found"
     "</h1></body></html>",
	404, NULL, NULL, PAGE_NORMAL},
    {"<html><head><title>x</title></head><body></body></html>", 200, NULL, NULL,
	PAGE_EMPTY},
    {"", 200, NULL, NULL, PAGE_EMPTY},
    {"<html><body><script src=\"/app.js\"></script></body></html>", 200, NULL,
	NULL, PAGE_NORMAL},
    {"<html><head><meta charset=utf-8><title>조선중앙통신</title></head>"
     "<body><a href=\"/kp\">조선어</a><a href=\"/en\">English</a></body>"
     "</html>",
	200, NULL, NULL, PAGE_NORMAL},
};

static enum page_class
analyse(struct analysis *a, size_t i, char *rule, size_t size)
{
	char *headers = xasprintf("HTTP/1.1 %d X\r\nContent-Type: text/html"
				  "\r\n%s\r\n",
	    cases[i].status, cases[i].headers == NULL ? "" : cases[i].headers);
	struct analysis_input in = {.body = span_of(cases[i].html),
	    .status = cases[i].status,
	    .content_type = SPAN("text/html"),
	    .headers = span_of(headers),
	    .url =
		cases[i].url == NULL ? "http://site.example/" : cases[i].url};
	struct finding f;
	enum page_class class;

	finding_init(&f);
	analysis_page(a, &in, &f);
	class = f.page_class;
	snprintf(rule, size, "%s",
	    f.class_rule == NULL ? "no rule" : f.class_rule);
	finding_release(&f);
	free(headers);
	return class;
}

static void
pages_get_their_class(void **state)
{
	struct config_errors e = {NULL, 0, 0};
	struct rules *rules;
	struct verdict_rules *verdicts;
	struct analysis *a;
	char rule[128];

	(void)state;
	if (access("conf/verdicts.yaml", R_OK) != 0)
		skip();
	rules = rules_load("conf/platforms.yaml", &e);
	verdicts = verdict_load("conf/verdicts.yaml", &e);
	config_errors_print(&e);
	assert_non_null(rules);
	assert_non_null(verdicts);
	analysis_init();
	a = analysis_new(rules, verdicts);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		enum page_class got = analyse(a, i, rule, sizeof rule);

		if (got != cases[i].class)
			fail_msg("page %zu is %s by %s and not %s: %s", i,
			    page_class_name(got), rule,
			    page_class_name(cases[i].class), cases[i].html);
	}
	analysis_free(a);
	verdict_free(verdicts);
	rules_free(rules);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(pages_get_their_class),
	};

	return cmocka_run_group_tests_name("verdict_pages", tests, NULL, NULL);
}
