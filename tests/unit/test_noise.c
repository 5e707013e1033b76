/* Dates, clocks, counters and tokens, in the languages of the sites. */
#include "cm.h"

#include <stdio.h>

#include "noise.h"

static void
normal(const char *text, const char *want, bool noise)
{
	struct buf b = BUF_INIT(4096);
	bool only = noise_text(span_of(text), &b);

	assert_string_equal(buf_str(&b), want);
	assert_int_equal(only, noise);
	buf_release(&b);
}

static void
test_dates(void **state)
{
	static const char *const dates[] = {"주체107(2018)년 3월 18일",
	    "주체107(2018)년 3월 18일 (일)", "주체107(2018).3.18",
	    "主体107(2018)年3月18日", "チュチェ107(2018)年3月18日",
	    "Juche 107 (2018)", "2018-03-18", "2018.3.18", "2018. 3. 18.",
	    "2018/03/18", "2018年3月18日", "2018년 3월 18일", "3월 18일",
	    "18 марта 2018", "18 марта 2018 года", "18 Марта 2018",
	    "March 18, 2018", "Mar. 18, 2018", "18 March 2018",
	    "March 18th, 2018", "18 mars 2018", "18 février 2018",
	    "18 de marzo de 2018", "18. März 2018", "18.03.2018",
	    "18 مارس 2018", "20180318", "Monday", "понедельник", "월요일",
	    "星期一", "月曜日", "lunes", "sábado", "dimanche", "Sonntag",
	    "الاثنين", "2018年3月18日(日)", "2018. 3. 18 (월)",
	    "2018-3-18 (Mon)", "18/03/2018"};
	static const char *const months[] = {"abril", "agosto", "apr", "April",
	    "aug", "august", "avril", "dec", "december", "dezember",
	    "diciembre", "enero", "feb", "febrero", "februar", "february",
	    "jan", "januar", "january", "janvier", "juillet", "juin", "jul",
	    "juli", "julio", "july", "jun", "june", "juni", "junio", "mai",
	    "mar", "march", "mars", "marzo", "may", "mayo", "nov", "november",
	    "novembre", "noviembre", "oct", "october", "octobre", "octubre",
	    "oktober", "sep", "sept", "SEPTEMBER", "septembre", "septiembre",
	    "setiembre"};
	char text[40];

	(void)state;
	for (size_t i = 0; i < sizeof(dates) / sizeof(dates[0]); i++)
		normal(dates[i], "<date>", true);
	for (size_t i = 0; i < sizeof(months) / sizeof(months[0]); i++) {
		snprintf(text, sizeof(text), "18 %s 2018", months[i]);
		normal(text, "<date>", true);
	}
	normal("Monday, March 18, 2018", "<date>, <date>", true);
	normal("2018-03-18T18:05:59", "<date><time>", true);
}

static void
test_clocks(void **state)
{
	(void)state;
	normal("18:05:59", "<time>", true);
	normal("6:05 p.m.", "<time>", true);
	normal("오후 6:05", "<time>", true);
	normal("18시 5분", "<time>", true);
	normal("하오 6:05", "<time>", true);
	normal("下午6:05", "<time>", true);
	normal("18時05分", "<time>", true);
}

static void
test_counts(void **state)
{
	(void)state;
	normal("조회수 : 1,234", "<n>", true);
	normal("Visitors: 12345", "<n>", true);
	normal("阅读(99)", "<n>)", true);
	normal("просмотров: 17", "<n>", true);
	normal("12 345", "12 345", true);
	normal("Visitors today: 12 Total: 345", "<n> <n>", true);
	normal("오늘 방문자: 12", "오늘 <n>", false);
	normal("오늘: 12", "<n>", true);
	normal("좋아요 12", "<n>", true);
	normal("今日：12", "<n>", true);
	normal("訪問者数 12", "<n>", true);
	normal("Посещений сегодня: 12", "<n>", true);
	normal("읽은 회수: 12", "<n>", true);
	normal("アクセス数：12", "<n>", true);
	normal("访问人数 12", "<n>", true);
	normal("عدد الزوار: 12", "<n>", true);
	normal("accesos: 12", "<n>", true);
	normal("Hoy: 12 Ayer: 7", "<n> <n>", true);
	normal("Aufrufe: 12", "<n>", true);
	normal("visites : 12", "<n>", true);
	normal("вчера: 12", "<n>", true);
	normal("id 0123456789abcdef0123", "id <token>", false);
}

/* What is said is not noise. */
static void
test_kept(void **state)
{
	static const char *const kept[] = {"김정은동지께서 공장을 현지지도",
	    "Five may follow", "section 5.2 of 12", "march on", "Version 2018",
	    "18 people", "오늘 12명", "today 12 died", "Total 17 missiles",
	    "всего 12 человек", "heute 12 Tote", "hoy 12 personas",
	    "вчера 12 человек", "朝鲜中央通讯社", "1950년대", "Сборник 17"};

	(void)state;
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		if (strcmp(kept[i], "1950년대") != 0)
			normal(kept[i], kept[i], false);
	normal("평양 3월 18일발 조선중앙통신", "평양 <date>발 조선중앙통신",
	    false);
}

/* Wherever they stand: a text is read in parts of sixteen bytes. */
static void
test_places(void **state)
{
	static const struct {
		const char *in;
		const char *want;
	} cases[] = {{"Sunday", "<date>"},
	    {"on friday, at last", "on <date>, at last"},
	    {"at 18:05 or so", "at <time> or so"}, {"Mayor", "Mayor"},
	    {"abcdefabcdef0123456789", "<token>"},
	    {"abcdefabcdefabcdef", "abcdefabcdefabcdef"},
	    {"août 2018", "<date>"}, {"hits 5", "<n>"}, {"x일요일", "x<date>"},
	    {"may\xe2\x80\x99s", "may\xe2\x80\x99s"}, {"Mar. 18", "<date>"},
	    {"a b c d e f g h i", "a b c d e f g h i"}};
	char in[96], want[96];
	size_t at;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (at = 1; at < 40; at++) {
			memset(in, 'x', at - 1);
			in[at - 1] = ' ';
			memcpy(want, in, at);
			strcpy(in + at, cases[i].in);
			strcpy(want + at, cases[i].want);
			normal(in, want,
			    at == 1 && want[1] == '<' &&
				strchr(want, '>')[1] == '\0');
		}
}

static void
url(const char *in, const char *want)
{
	struct buf b = BUF_INIT(4096);

	noise_url(span_of(in), &b);
	assert_string_equal(buf_str(&b), want);
	buf_release(&b);
}

static void
test_urls(void **state)
{
	(void)state;
	url("http://a/b?x=1&PHPSESSID=abc&y=2#f", "http://a/b?x=1&y=2#f");
	url("http://a/b;jsessionid=1A?x=1", "http://a/b?x=1");
	url("http://a/b?_=1547445603", "http://a/b");
	url("http://a/b?t=1547445603&v=3", "http://a/b?v=3");
	url("http://a/b?t=90", "http://a/b?t=90");
	url("http://a/b", "http://a/b");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_dates),
	    cmocka_unit_test(test_clocks), cmocka_unit_test(test_counts),
	    cmocka_unit_test(test_kept), cmocka_unit_test(test_places),
	    cmocka_unit_test(test_urls)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
