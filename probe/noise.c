#include "noise.h"

#include <string.h>

#include "noise_words.h"

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

static enum word_class
word(struct scan *k)
{
	size_t n = 0;
	enum word_class c =
	    noise_word((struct span){k->s.p + k->at, k->s.n - k->at}, &n);

	k->at += n;
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
	for (;;) {
		if (n < s.n && ascii_alnum(s.p[n]))
			n++;
		else if (n + 1 < s.n && parts_words(s.p[n]) &&
		    (s.p[n + 1] & 0xc0) == 0x80)
			n += 2;
		else if (n < s.n && parts_words(s.p[n]))
			n++; /* cut in two */
		else
			break;
	}
	return n > 0 ? n : char_length(s);
}

/* Something known at this byte: its mark, and the place moves behind it. */
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
	return noise_begins(k->s, k->at) ? letters(k) : NULL;
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
		if ((unsigned char)text.p[k.at] < 0x80)
			k.at = noise_plain(text, k.at, &meaning);
		at = noise_signs(text, k.at);
		if (at > k.at) {
			meaning = true;
			k.at = at;
			continue;
		}
		if (at == text.n)
			break;
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
