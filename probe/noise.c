#include "noise.h"

#include <string.h>

enum word_class {
	WORD_NONE,
	WORD_MONTH,
	WORD_WEEKDAY,
	WORD_WEEKDAY_SHORT, /* only beside a comma or in brackets */
	WORD_ERA,	    /* Juche, in front of its year */
	WORD_HALF,	    /* a.m. and p.m. in front of a clock */
	WORD_COUNT,	    /* label of a counter */
	WORD_TALLY	    /* the same where a colon follows */
};

struct word {
	const char *text; /* lower case, at least three bytes */
	uint32_t start;	  /* the first three of them */
	uint8_t length;
	uint8_t class; /* enum word_class */
};

/* Three bytes as one number: they tell nearly all words apart. */
#define START(s)                                                               \
	((uint32_t)(unsigned char)(s)[0] |                                     \
	    (uint32_t)(unsigned char)(s)[1] << 8 |                             \
	    (uint32_t)(unsigned char)(s)[2] << 16)
#define W(text, class)                                                         \
	{                                                                      \
		text, START(text), sizeof(text) - 1, class                     \
	}

/* Whole words of ASCII letters, by first letter. */
static const struct word ascii_words[] = {W("abril", WORD_MONTH),
    W("accesos", WORD_COUNT), W("agosto", WORD_MONTH), W("apr", WORD_MONTH),
    W("april", WORD_MONTH), W("aufrufe", WORD_COUNT), W("aug", WORD_MONTH),
    W("august", WORD_MONTH), W("avril", WORD_MONTH), W("ayer", WORD_TALLY),
    W("besucher", WORD_COUNT), W("counter", WORD_COUNT), W("dec", WORD_MONTH),
    W("december", WORD_MONTH), W("dezember", WORD_MONTH),
    W("diciembre", WORD_MONTH), W("dienstag", WORD_WEEKDAY),
    W("dimanche", WORD_WEEKDAY), W("domingo", WORD_WEEKDAY),
    W("donnerstag", WORD_WEEKDAY), W("enero", WORD_MONTH), W("feb", WORD_MONTH),
    W("febrero", WORD_MONTH), W("februar", WORD_MONTH),
    W("february", WORD_MONTH), W("freitag", WORD_WEEKDAY),
    W("fri", WORD_WEEKDAY_SHORT), W("friday", WORD_WEEKDAY),
    W("gestern", WORD_TALLY), W("heute", WORD_TALLY), W("hit", WORD_COUNT),
    W("hits", WORD_COUNT), W("hoy", WORD_TALLY), W("jan", WORD_MONTH),
    W("januar", WORD_MONTH), W("january", WORD_MONTH), W("janvier", WORD_MONTH),
    W("jeudi", WORD_WEEKDAY), W("juche", WORD_ERA), W("jueves", WORD_WEEKDAY),
    W("juillet", WORD_MONTH), W("juin", WORD_MONTH), W("jul", WORD_MONTH),
    W("juli", WORD_MONTH), W("julio", WORD_MONTH), W("july", WORD_MONTH),
    W("jun", WORD_MONTH), W("june", WORD_MONTH), W("juni", WORD_MONTH),
    W("junio", WORD_MONTH), W("lundi", WORD_WEEKDAY), W("lunes", WORD_WEEKDAY),
    W("mai", WORD_MONTH), W("mar", WORD_MONTH), W("march", WORD_MONTH),
    W("mardi", WORD_WEEKDAY), W("mars", WORD_MONTH), W("martes", WORD_WEEKDAY),
    W("marzo", WORD_MONTH), W("may", WORD_MONTH), W("mayo", WORD_MONTH),
    W("mercredi", WORD_WEEKDAY), W("mittwoch", WORD_WEEKDAY),
    W("mon", WORD_WEEKDAY_SHORT), W("monday", WORD_WEEKDAY),
    W("montag", WORD_WEEKDAY), W("nov", WORD_MONTH), W("november", WORD_MONTH),
    W("novembre", WORD_MONTH), W("noviembre", WORD_MONTH), W("oct", WORD_MONTH),
    W("october", WORD_MONTH), W("octobre", WORD_MONTH),
    W("octubre", WORD_MONTH), W("oktober", WORD_MONTH), W("online", WORD_COUNT),
    W("samedi", WORD_WEEKDAY), W("samstag", WORD_WEEKDAY),
    W("sat", WORD_WEEKDAY_SHORT), W("saturday", WORD_WEEKDAY),
    W("sep", WORD_MONTH), W("sept", WORD_MONTH), W("september", WORD_MONTH),
    W("septembre", WORD_MONTH), W("septiembre", WORD_MONTH),
    W("setiembre", WORD_MONTH), W("sonntag", WORD_WEEKDAY),
    W("sun", WORD_WEEKDAY_SHORT), W("sunday", WORD_WEEKDAY),
    W("thu", WORD_WEEKDAY_SHORT), W("thursday", WORD_WEEKDAY),
    W("today", WORD_TALLY), W("total", WORD_TALLY),
    W("tue", WORD_WEEKDAY_SHORT), W("tuesday", WORD_WEEKDAY),
    W("vendredi", WORD_WEEKDAY), W("viernes", WORD_WEEKDAY),
    W("views", WORD_COUNT), W("visitas", WORD_COUNT), W("visites", WORD_COUNT),
    W("visiteurs", WORD_COUNT), W("visitors", WORD_COUNT),
    W("visits", WORD_COUNT), W("vues", WORD_COUNT),
    W("wed", WORD_WEEKDAY_SHORT), W("wednesday", WORD_WEEKDAY),
    W("yesterday", WORD_TALLY)};

/* Where each first letter begins in it. */
static const uint8_t ascii_first[27] = {0, 10, 11, 12, 20, 21, 28, 29, 33, 33,
    50, 50, 52, 66, 70, 76, 76, 76, 76, 89, 95, 95, 104, 106, 106, 107, 107};

/* Lengths of those that begin with each letter, a bit each. */
static const uint16_t ascii_lengths[26] = {0xf8, 0x100, 0x80, 0x788, 0x20,
    0x1c8, 0x80, 0x38, 0x0, 0xf8, 0x0, 0x20, 0x178, 0x308, 0xc8, 0x0, 0x0, 0x0,
    0x7d8, 0x1a8, 0x0, 0x3f0, 0x208, 0x0, 0x200, 0x0};

/* Whole words that begin as ASCII words do. */
static const struct word latin_words[] = {W("février", WORD_MONTH),
    W("août", WORD_MONTH), W("décembre", WORD_MONTH),
    W("miércoles", WORD_WEEKDAY), W("sábado", WORD_WEEKDAY),
    W("märz", WORD_MONTH)};

/* Whole words. */
static const struct word cyrillic_words[] = {W("чучхе", WORD_ERA),
    W("просмотров", WORD_COUNT), W("просмотры", WORD_COUNT),
    W("посетителей", WORD_COUNT), W("посетители", WORD_COUNT),
    W("посещений", WORD_COUNT), W("посещения", WORD_COUNT),
    W("сегодня", WORD_TALLY), W("вчера", WORD_TALLY), W("всего", WORD_TALLY),
    W("понедельник", WORD_WEEKDAY), W("вторник", WORD_WEEKDAY),
    W("среда", WORD_WEEKDAY), W("четверг", WORD_WEEKDAY),
    W("пятница", WORD_WEEKDAY), W("суббота", WORD_WEEKDAY),
    W("воскресенье", WORD_WEEKDAY), W("января", WORD_MONTH),
    W("февраля", WORD_MONTH), W("марта", WORD_MONTH), W("апреля", WORD_MONTH),
    W("мая", WORD_MONTH), W("июня", WORD_MONTH), W("июля", WORD_MONTH),
    W("августа", WORD_MONTH), W("сентября", WORD_MONTH),
    W("октября", WORD_MONTH), W("ноября", WORD_MONTH),
    W("декабря", WORD_MONTH)};

static const struct word arabic_words[] = {W("زوتشيه", WORD_ERA),
    W("يناير", WORD_MONTH), W("فبراير", WORD_MONTH), W("مارس", WORD_MONTH),
    W("أبريل", WORD_MONTH), W("إبريل", WORD_MONTH), W("مايو", WORD_MONTH),
    W("يونيو", WORD_MONTH), W("يوليو", WORD_MONTH), W("أغسطس", WORD_MONTH),
    W("سبتمبر", WORD_MONTH), W("أكتوبر", WORD_MONTH), W("نوفمبر", WORD_MONTH),
    W("ديسمبر", WORD_MONTH), W("الأحد", WORD_WEEKDAY),
    W("الاثنين", WORD_WEEKDAY), W("الثلاثاء", WORD_WEEKDAY),
    W("الأربعاء", WORD_WEEKDAY), W("الخميس", WORD_WEEKDAY),
    W("الجمعة", WORD_WEEKDAY), W("السبت", WORD_WEEKDAY),
    W("عدد الزوار", WORD_COUNT), W("الزوار", WORD_COUNT)};

/* Anything may follow these: their scripts do not always part words. */
static const struct word hangul_words[] = {W("주체", WORD_ERA),
    W("오전", WORD_HALF), W("오후", WORD_HALF), W("상오", WORD_HALF),
    W("하오", WORD_HALF), W("읽은 회수", WORD_COUNT), W("읽은수", WORD_COUNT),
    W("조회수", WORD_COUNT), W("오늘", WORD_TALLY), W("어제", WORD_TALLY),
    W("전체", WORD_TALLY), W("조회", WORD_COUNT), W("방문자수", WORD_COUNT),
    W("방문자", WORD_COUNT), W("방문", WORD_COUNT), W("열람수", WORD_COUNT),
    W("열람", WORD_COUNT), W("좋아요", WORD_COUNT), W("추천수", WORD_COUNT),
    W("추천", WORD_COUNT), W("접속자", WORD_COUNT), W("월요일", WORD_WEEKDAY),
    W("화요일", WORD_WEEKDAY), W("수요일", WORD_WEEKDAY),
    W("목요일", WORD_WEEKDAY), W("금요일", WORD_WEEKDAY),
    W("토요일", WORD_WEEKDAY), W("일요일", WORD_WEEKDAY)};

static const struct word han_words[] = {W("主体", WORD_ERA),
    W("主體", WORD_ERA), W("チュチェ", WORD_ERA), W("午前", WORD_HALF),
    W("午後", WORD_HALF), W("上午", WORD_HALF), W("下午", WORD_HALF),
    W("访问人数", WORD_COUNT), W("アクセス数", WORD_COUNT),
    W("今日", WORD_TALLY), W("昨日", WORD_TALLY), W("总计", WORD_TALLY),
    W("浏览次数", WORD_COUNT), W("浏览", WORD_COUNT), W("点击", WORD_COUNT),
    W("阅读", WORD_COUNT), W("访问量", WORD_COUNT), W("访问", WORD_COUNT),
    W("访客", WORD_COUNT), W("来访者", WORD_COUNT), W("在线", WORD_COUNT),
    W("訪問数", WORD_COUNT), W("閲覧数", WORD_COUNT), W("閲覧", WORD_COUNT),
    W("訪問者", WORD_COUNT), W("星期一", WORD_WEEKDAY),
    W("星期二", WORD_WEEKDAY), W("星期三", WORD_WEEKDAY),
    W("星期四", WORD_WEEKDAY), W("星期五", WORD_WEEKDAY),
    W("星期六", WORD_WEEKDAY), W("星期日", WORD_WEEKDAY),
    W("星期天", WORD_WEEKDAY), W("月曜日", WORD_WEEKDAY),
    W("火曜日", WORD_WEEKDAY), W("水曜日", WORD_WEEKDAY),
    W("木曜日", WORD_WEEKDAY), W("金曜日", WORD_WEEKDAY),
    W("土曜日", WORD_WEEKDAY), W("日曜日", WORD_WEEKDAY)};

/* A place in the text that only moves when a thing is there. */
struct scan {
	struct span s;
	size_t at;
};

static char
peek(const struct scan *k, size_t ahead)
{
	return k->at + ahead < k->s.n ? k->s.p[k->at + ahead] : '\0';
}

static bool
accept(struct scan *k, const char *text)
{
	size_t n = strlen(text);

	if (k->s.n - k->at < n || memcmp(k->s.p + k->at, text, n) != 0)
		return false;
	k->at += n;
	return true;
}

static void
skip_spaces(struct scan *k)
{
	while (peek(k, 0) == ' ')
		k->at++;
}

/* A number of at most `digits` digits; -1 when there is none. */
static int
number(struct scan *k, size_t digits)
{
	size_t n = 0;
	int v = 0;

	while (ascii_digit(peek(k, n)) && n <= digits)
		v = v * 10 + (peek(k, n++) - '0');
	if (n == 0 || n > digits)
		return -1;
	k->at += n;
	return v;
}

static bool
number_in(struct scan *k, size_t digits, int from, int to)
{
	struct scan start = *k;
	int v = number(k, digits);

	if (v >= from && v <= to)
		return true;
	*k = start;
	return false;
}

static bool
is_year(struct scan *k)
{
	return number_in(k, 4, 1900, 2199);
}

static bool
accept_any(struct scan *k, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (accept(k, list[i]))
			return true;
	return false;
}

#define ACCEPT(k, ...)                                                         \
	accept_any(k, (const char *const[]){__VA_ARGS__},                      \
	    sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

static size_t
word_length(struct span s)
{
	size_t n = 0;

	while (
	    n < s.n && (ascii_alpha(s.p[n]) || (unsigned char)s.p[n] >= 0x80))
		n++;
	return n;
}

/* Lower case of the Latin-1, and basic Cyrillic letters as well. */
static uint32_t
lower_letter(uint32_t c)
{
	if (c < 0x80)
		return (uint32_t)ascii_lower((char)c);
	if ((c >= 0xc0 && c < 0xdf) || (c >= 0x410 && c < 0x430))
		return c + 0x20;
	return c;
}

static bool
same_letters(struct span s, const char *lower)
{
	size_t n = strlen(lower);
	uint32_t a, b;
	struct span l = {lower, n};

	if (s.n < n)
		return false;
	if (memcmp(s.p, lower, n) == 0)
		return true;
	while (l.n > 0 && s.n > 0) {
		size_t na = utf8_decode(s, &a), nb = utf8_decode(l, &b);

		if (lower_letter(a) != b)
			return false;
		s = span_slice(s, na, s.n);
		l = span_slice(l, nb, l.n);
	}
	return l.n == 0;
}

static enum word_class
ascii_word(struct scan *k)
{
	struct span s = span_slice(k->s, k->at, 24);
	unsigned letter = (unsigned char)ascii_lower(s.p[0]) - 'a';
	const struct word *w;
	uint32_t start;

	if (letter >= 26)
		return WORD_NONE;
	s.n = word_length(s);
	if (s.n < 3 || s.n > 12)
		return WORD_NONE;
	start = (uint32_t)key_lower(START(s.p));
	for (size_t i = ascii_first[letter]; i < ascii_first[letter + 1]; i++) {
		w = &ascii_words[i];
		if (w->start == start && w->length == s.n &&
		    span_eq_i(s, (struct span){w->text, s.n})) {
			k->at += s.n;
			return (enum word_class)w->class;
		}
	}
	return WORD_NONE;
}

/* Words of an alphabet whose letters are one or two bytes long. */
static enum word_class
word_in(struct scan *k, const struct word *list, size_t n)
{
	struct span s = span_slice(k->s, k->at, 40);
	uint32_t first, mask = 0xff;

	(void)utf8_decode(s, &first);
	first = lower_letter(first);
	if (first >= 0x80) {
		first = (0xc0 | first >> 6) | (0x80 | (first & 0x3f)) << 8;
		mask = 0xffff;
	}
	for (size_t i = 0; i < n; i++)
		if ((list[i].start & mask) == first &&
		    same_letters(s, list[i].text)) {
			k->at += list[i].length;
			return (enum word_class)list[i].class;
		}
	return WORD_NONE;
}

/* The same where letters have no case. */
static enum word_class
caseless_in(struct scan *k, const struct word *list, size_t n)
{
	struct span s = span_slice(k->s, k->at, 40);
	uint32_t start;

	if (s.n < 3)
		return WORD_NONE;
	start = START(s.p);
	for (size_t i = 0; i < n; i++)
		if (list[i].start == start && list[i].length <= s.n &&
		    memcmp(s.p, list[i].text, list[i].length) == 0) {
			k->at += list[i].length;
			return (enum word_class)list[i].class;
		}
	return WORD_NONE;
}

/* Is there a letter beyond ASCII among the first few of the word? */
static bool
is_accented(const struct scan *k)
{
	for (size_t i = 1; i < 5; i++)
		if ((unsigned char)peek(k, i) >= 0x80)
			return true;
	return false;
}

static enum word_class
word(struct scan *k)
{
	enum word_class c;
	unsigned char lead;

	if (k->at >= k->s.n)
		return WORD_NONE;
	lead = (unsigned char)peek(k, 0);
	if (lead >= 0xea && lead <= 0xed)
		return caseless_in(k, hangul_words, ARRAY_LEN(hangul_words));
	if (lead >= 0xe3 && lead <= 0xe9)
		return caseless_in(k, han_words, ARRAY_LEN(han_words));
	if (lead == 0xd0 || lead == 0xd1)
		return word_in(k, cyrillic_words, ARRAY_LEN(cyrillic_words));
	if (lead == 0xd8 || lead == 0xd9)
		return caseless_in(k, arabic_words, ARRAY_LEN(arabic_words));
	if (lead >= 0x80)
		return WORD_NONE;
	c = ascii_word(k);
	if (c == WORD_NONE && ascii_alpha((char)lead) && is_accented(k))
		c = word_in(k, latin_words, ARRAY_LEN(latin_words));
	return c;
}

static bool
word_of(struct scan *k, enum word_class want)
{
	struct scan start = *k;

	if (word(k) == want)
		return true;
	*k = start;
	return false;
}

/* "(일)", "(Sun)", ", Monday" behind or before a date. */
static void
weekday_near(struct scan *k)
{
	static const char *const days[] = {"일", "월", "화", "수", "목", "금",
	    "토", "日", "月", "火", "水", "木", "金", "土"};
	struct scan start = *k;

	skip_spaces(k);
	(void)accept(k, ",");
	skip_spaces(k);
	if (ACCEPT(k, "(", "（", "[")) {
		if ((accept_any(k, days, ARRAY_LEN(days)) ||
			word_of(k, WORD_WEEKDAY) ||
			word_of(k, WORD_WEEKDAY_SHORT)) &&
		    ACCEPT(k, ")", "）", "]"))
			return;
	} else if (word_of(k, WORD_WEEKDAY)) {
		return;
	}
	*k = start;
}

/* "3월 18일", "3月18日", either part alone as well. */
static bool
east_day(struct scan *k)
{
	struct scan start = *k, after;

	if (!number_in(k, 2, 1, 31)) {
		*k = start;
		return false;
	}
	skip_spaces(k);
	if (!ACCEPT(k, "월", "月")) {
		*k = start;
		return false;
	}
	after = *k;
	skip_spaces(k);
	if (number_in(k, 2, 1, 31)) {
		skip_spaces(k);
		if (ACCEPT(k, "일", "日", "号", "號")) {
			weekday_near(k);
			return true;
		}
	}
	*k = after;
	return true;
}

/* Behind the year: "년 3월 18일", "-03-18", ". 3. 18." */
static bool
year_rest(struct scan *k)
{
	struct scan start = *k;
	const char *sep[] = {"-", ".", "/"};

	skip_spaces(k);
	if (ACCEPT(k, "년", "年")) {
		start = *k;
		skip_spaces(k);
		if (!east_day(k))
			*k = start;
		return true;
	}
	for (size_t i = 0; i < ARRAY_LEN(sep); i++) {
		*k = start;
		if (!accept(k, sep[i]))
			continue;
		skip_spaces(k);
		if (!number_in(k, 2, 1, 12))
			continue;
		if (!accept(k, sep[i]))
			continue;
		skip_spaces(k);
		if (!number_in(k, 2, 1, 31))
			continue;
		(void)accept(k, ".");
		weekday_near(k);
		return true;
	}
	*k = start;
	return false;
}

/* "18:05", "18:05:59", "6:05 p.m." */
static bool
clock_at(struct scan *k)
{
	struct scan start = *k, after;

	if (number_in(k, 2, 0, 24) && accept(k, ":") &&
	    number_in(k, 2, 0, 59)) {
		if (accept(k, ":"))
			(void)number_in(k, 2, 0, 60);
		after = *k;
		skip_spaces(k);
		if (!ACCEPT(k, "a.m.", "p.m.", "AM", "PM", "am", "pm"))
			*k = after;
		return !ascii_digit(peek(k, 0));
	}
	*k = start;
	if (number_in(k, 2, 0, 24)) {
		skip_spaces(k);
		if (ACCEPT(k, "시", "時", "时", "点")) {
			after = *k;
			skip_spaces(k);
			if (number_in(k, 2, 0, 59)) {
				skip_spaces(k);
				if (ACCEPT(k, "분", "分"))
					return true;
			}
			*k = after;
			return true;
		}
	}
	*k = start;
	return false;
}

static void
year_after(struct scan *k)
{
	struct scan start = *k;

	(void)ACCEPT(k, ",", ".");
	skip_spaces(k);
	if (ACCEPT(k, "de ", "del "))
		skip_spaces(k);
	if (!is_year(k))
		*k = start;
	else if (accept(k, " года") || accept(k, " г."))
		return;
}

/* "18 March 2018", "18 de marzo de 2018", "18. März 2018", "18/3/2018" */
static bool
day_first(struct scan *k)
{
	struct scan start = *k;
	const char *sep[] = {"-", ".", "/"};

	if (!number_in(k, 2, 1, 31))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(sep); i++) {
		struct scan j = *k;

		if (accept(&j, sep[i]) && number_in(&j, 2, 1, 31) &&
		    accept(&j, sep[i]) &&
		    (is_year(&j) || number_in(&j, 2, 0, 99))) {
			*k = j;
			weekday_near(k);
			return true;
		}
	}
	(void)ACCEPT(k, "st", "nd", "rd", "th", "er", ".");
	if (peek(k, 0) != ' ' && peek(k, 0) != '-') {
		*k = start;
		return false;
	}
	k->at++;
	(void)ACCEPT(k, "de ", "of ");
	if (!word_of(k, WORD_MONTH)) {
		*k = start;
		return false;
	}
	year_after(k);
	return true;
}

/* "March 18, 2018", "Mar. 18", "March 2018" */
static bool
month_first(struct scan *k)
{
	struct scan start = *k, after;

	if (!word_of(k, WORD_MONTH))
		return false;
	(void)accept(k, ".");
	skip_spaces(k);
	after = *k;
	if (is_year(k) && !ascii_digit(peek(k, 0)))
		return true;
	*k = after;
	if (!number_in(k, 2, 1, 31) || ascii_alnum(peek(k, 0))) {
		struct scan suffix = *k;

		if (suffix.at == after.at ||
		    !ACCEPT(&suffix, "st", "nd", "rd", "th")) {
			*k = start;
			return false;
		}
		*k = suffix;
	}
	year_after(k);
	return true;
}

/* "주체107(2018)년 3월 18일", "Juche 107 (2018)" */
static bool
era(struct scan *k)
{
	struct scan start = *k, after;

	if (!word_of(k, WORD_ERA))
		return false;
	skip_spaces(k);
	if (!number_in(k, 3, 1, 999)) {
		*k = start;
		return false;
	}
	after = *k;
	skip_spaces(k);
	if (!ACCEPT(k, "(", "（") || !is_year(k) || !ACCEPT(k, ")", "）"))
		*k = after;
	after = *k;
	if (!year_rest(k))
		*k = after;
	weekday_near(k);
	return true;
}

/* "20180318" and "20180318180559" */
static bool
stamp(struct scan *k)
{
	size_t n = 0;

	while (ascii_digit(peek(k, n)))
		n++;
	if ((n != 8 && n != 12 && n != 14) ||
	    (memcmp(k->s.p + k->at, "19", 2) != 0 &&
		memcmp(k->s.p + k->at, "20", 2) != 0) ||
	    peek(k, 4) > '1' || peek(k, 6) > '3')
		return false;
	k->at += n;
	return true;
}

/* Can a number of n digits before this byte be part of a date or a clock?
 * Separators, the ends of ordinals, "T", and signs like the month's. */
static bool
dates_end_so(size_t n, char after)
{
	return n == 8 || n == 12 || n == 14 ||
	    (n <= 4 &&
		((after != '\0' && strchr(" -./:snrteT", after) != NULL) ||
		    ((unsigned char)after >= 0xe5 &&
			(unsigned char)after <= 0xec)));
}

/* Something that begins with a digit; NULL when it is only a number. */
static const char *
digits(struct scan *k)
{
	struct scan start = *k;
	size_t n = 1;

	while (ascii_digit(peek(k, n)))
		n++;
	if (!dates_end_so(n, peek(k, n)))
		return NULL;
	if (is_year(k) && year_rest(k)) {
		if (peek(k, 0) == 'T' && ascii_digit(peek(k, 1)))
			k->at++;
		return "<date>";
	}
	*k = start;
	if (clock_at(k))
		return "<time>";
	*k = start;
	if (east_day(k) || day_first(k) || stamp(k))
		return "<date>";
	*k = start;
	return NULL;
}

/* Number behind a counter's label; commas and points inside. */
static bool
count(struct scan *k)
{
	struct scan start = *k;
	size_t n = 0;

	while (ACCEPT(k, " ", ":", "：", "(", "（", "[", "次", "-", "=", "数",
	    "數", "수", "today", "total", "now", "오늘", "전체", "현재", "今日",
	    "本日", "сегодня", "всего"))
		;
	while (ascii_digit(peek(k, n)) ||
	    (n > 0 && ascii_digit(peek(k, n + 1)) &&
		(peek(k, n) == ',' || peek(k, n) == '.')))
		n++;
	k->at += n;
	if (n == 0)
		*k = start;
	return n > 0;
}

/* Something that begins with a letter. */
static const char *
letters(struct scan *k)
{
	struct scan start = *k;
	size_t before = k->at;

	switch (word(k)) {
	case WORD_MONTH:
		*k = start;
		return month_first(k) ? "<date>" : NULL;
	case WORD_ERA:
		*k = start;
		return era(k) ? "<date>" : NULL;
	case WORD_WEEKDAY:
		return "<date>";
	case WORD_WEEKDAY_SHORT:
		if (peek(k, 0) == ',' ||
		    (before > 0 && k->s.p[before - 1] == '(' &&
			peek(k, 0) == ')'))
			return "<date>";
		break;
	case WORD_HALF:
		skip_spaces(k);
		if (clock_at(k))
			return "<time>";
		break;
	case WORD_TALLY:
		/* Only as a label: "오늘: 123" and no sentence. */
		skip_spaces(k);
		if (ACCEPT(k, ":", "：") && count(k))
			return "<n>";
		break;
	case WORD_COUNT:
		if (count(k))
			return "<n>";
		break;
	case WORD_NONE:
		break;
	}
	*k = start;
	return NULL;
}

/* Length of a long run of hex digits with both kinds in it. */
static size_t
token_length(struct span s)
{
	size_t n = 0, figures = 0;

	while (n < s.n && ascii_hex(s.p[n]) >= 0)
		figures += ascii_digit(s.p[n++]) ? 1 : 0;
	if (n < 16 || (n < s.n && ascii_alnum(s.p[n])) || figures == 0 ||
	    figures == n)
		return 0;
	return n;
}

/* Is this a character that carries meaning? */
static bool
meaningful(struct span s)
{
	uint32_t cp;

	(void)utf8_decode(s, &cp);
	if (cp < 0x80)
		return ascii_alpha((char)cp);
	if (cp < 0xc0 || (cp >= 0x2000 && cp < 0x2c00))
		return false;
	return !(cp >= 0x3000 && cp < 0x3040) && !(cp >= 0xff00 && cp < 0xff21);
}

/* Lead byte of a script that parts its words: Latin, Greek, Cyrillic,
 * Hebrew, Arabic. */
static bool
parts_words(char c)
{
	return (unsigned char)c >= 0xc3 && (unsigned char)c < 0xe0;
}

/* Length of the character at s; nearly all that come here are of three
 * bytes. */
static size_t
char_length(struct span s)
{
	uint32_t cp;

	if (s.n >= 3 && (unsigned char)s.p[0] > 0xe0 &&
	    (unsigned char)s.p[0] < 0xed && (s.p[1] & 0xc0) == 0x80 &&
	    (s.p[2] & 0xc0) == 0x80)
		return 3;
	return utf8_decode(s, &cp);
}

/* Bytes to be copied as they are from here: a word or one character.  No
 * known word begins behind U+DFFF: such a run, of replaced bytes most of all,
 * is taken whole. */
static size_t
plain_length(struct span s)
{
	uint32_t cp;
	size_t n = 0;

	while (n < s.n && (unsigned char)s.p[n] >= 0xee)
		n += utf8_decode((struct span){s.p + n, s.n - n}, &cp);
	if (n > 0)
		return n;
	while (n < s.n && (ascii_alnum(s.p[n]) || parts_words(s.p[n])))
		n += parts_words(s.p[n])
		    ? utf8_decode(span_slice(s, n, s.n), &cp)
		    : 1;
	return n > 0 ? n : char_length(s);
}

/* Something known at this place: its mark, and the place moves behind it. */
static const char *
mark_at(struct scan *k)
{
	struct span rest = span_slice(k->s, k->at, k->s.n);
	size_t n;

	if (ascii_hex(rest.p[0]) >= 0 && (n = token_length(rest)) > 0) {
		k->at += n;
		return "<token>";
	}
	if (ascii_digit(rest.p[0]))
		return digits(k);
	if (ascii_alpha(rest.p[0]) || (unsigned char)rest.p[0] >= 0xc3)
		return letters(k);
	return NULL;
}

/* Length of a word of ASCII letters, and nothing else, that is none of those
 * known; 0 when it is not certain. */
static size_t
common_word(struct span s)
{
	unsigned first = (unsigned char)ascii_lower(s.p[0]) - 'a';
	size_t n = 0;

	while (n < s.n && ascii_alpha(s.p[n]))
		n++;
	if (n < s.n && ((unsigned char)s.p[n] >= 0x80 || ascii_digit(s.p[n])))
		return 0;
	if (n > 2 && n < 13 && (ascii_lengths[first] >> n & 1) != 0)
		return 0;
	return n;
}

bool
noise_text(struct span text, struct buf *out)
{
	struct scan k = {text, 0};
	size_t from = 0, at; /* what is to be copied begins at `from` */
	bool meaning = false;
	const char *mark;
	struct span rest;

	while (k.at < text.n) {
		/* nothing begins with a space or a mark of ASCII */
		if ((unsigned char)text.p[k.at] < 0x80 &&
		    !ascii_alnum(text.p[k.at])) {
			k.at++;
			continue;
		}
		rest = span_slice(text, k.at, text.n);
		at = ascii_alpha(rest.p[0]) ? common_word(rest) : 0;
		if (at > 0) {
			meaning = true;
			k.at += at;
			continue;
		}
		at = k.at;
		mark = mark_at(&k);
		if (mark != NULL) {
			(void)buf_add(out, text.p + from, at - from);
			(void)buf_add_str(out, mark);
			from = k.at;
			continue;
		}
		rest = span_slice(text, k.at, text.n);
		meaning = meaning || meaningful(rest);
		k.at += plain_length(rest);
	}
	(void)buf_add(out, text.p + from, text.n - from);
	return !meaning;
}
