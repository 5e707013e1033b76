#include "noise_words.h"

#include <string.h>

#include "bytes16.h"

#define WORD_BYTES_MAX 40 /* more than the longest has */
#define LIST(words)    words, ARRAY_LEN(words)

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

#define LISTED(text, class) W(text, class),

/* Low bits of the second and third byte, a bit for each value. */
#define LOW_BITS(c)	    ((uint64_t)1 << ((c)&63))
#define SECOND(text, class) | LOW_BITS((text)[1])
#define THIRD(text, class)  | LOW_BITS((text)[2])

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
/* clang-format off */
#define HANGUL_WORDS(X) \
	X("주체", WORD_ERA) X("오전", WORD_HALF) X("오후", WORD_HALF) \
	X("상오", WORD_HALF) X("하오", WORD_HALF) X("읽은 회수", WORD_COUNT) \
	X("읽은수", WORD_COUNT) X("조회수", WORD_COUNT) \
	X("오늘", WORD_TALLY) X("어제", WORD_TALLY) X("전체", WORD_TALLY) \
	X("조회", WORD_COUNT) X("방문자수", WORD_COUNT) \
	X("방문자", WORD_COUNT) X("방문", WORD_COUNT) \
	X("열람수", WORD_COUNT) X("열람", WORD_COUNT) \
	X("좋아요", WORD_COUNT) X("추천수", WORD_COUNT) \
	X("추천", WORD_COUNT) X("접속자", WORD_COUNT) \
	X("월요일", WORD_WEEKDAY) X("화요일", WORD_WEEKDAY) \
	X("수요일", WORD_WEEKDAY) X("목요일", WORD_WEEKDAY) \
	X("금요일", WORD_WEEKDAY) X("토요일", WORD_WEEKDAY) \
	X("일요일", WORD_WEEKDAY)
/* clang-format on */
static const struct word hangul_words[] = {HANGUL_WORDS(LISTED)};

/* clang-format off */
#define HAN_WORDS(X) \
	X("主体", WORD_ERA) X("主體", WORD_ERA) X("チュチェ", WORD_ERA) \
	X("午前", WORD_HALF) X("午後", WORD_HALF) X("上午", WORD_HALF) \
	X("下午", WORD_HALF) X("访问人数", WORD_COUNT) \
	X("アクセス数", WORD_COUNT) X("今日", WORD_TALLY) \
	X("昨日", WORD_TALLY) X("总计", WORD_TALLY) \
	X("浏览次数", WORD_COUNT) X("浏览", WORD_COUNT) \
	X("点击", WORD_COUNT) X("阅读", WORD_COUNT) X("访问量", WORD_COUNT) \
	X("访问", WORD_COUNT) X("访客", WORD_COUNT) X("来访者", WORD_COUNT) \
	X("在线", WORD_COUNT) X("訪問数", WORD_COUNT) \
	X("閲覧数", WORD_COUNT) X("閲覧", WORD_COUNT) \
	X("訪問者", WORD_COUNT) X("星期一", WORD_WEEKDAY) \
	X("星期二", WORD_WEEKDAY) X("星期三", WORD_WEEKDAY) \
	X("星期四", WORD_WEEKDAY) X("星期五", WORD_WEEKDAY) \
	X("星期六", WORD_WEEKDAY) X("星期日", WORD_WEEKDAY) \
	X("星期天", WORD_WEEKDAY) X("月曜日", WORD_WEEKDAY) \
	X("火曜日", WORD_WEEKDAY) X("水曜日", WORD_WEEKDAY) \
	X("木曜日", WORD_WEEKDAY) X("金曜日", WORD_WEEKDAY) \
	X("土曜日", WORD_WEEKDAY) X("日曜日", WORD_WEEKDAY)
/* clang-format on */
static const struct word han_words[] = {HAN_WORDS(LISTED)};

/* What the second and third bytes of the words of these scripts may be. */
static const struct starts {
	uint64_t second;
	uint64_t third;
} hangul_starts = {0 HANGUL_WORDS(SECOND), 0 HANGUL_WORDS(THIRD)},
  han_starts = {0 HAN_WORDS(SECOND), 0 HAN_WORDS(THIRD)};

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

/* The word that begins with a letter, when it is known; else NULL. */
static const struct word *
ascii_find(struct span s)
{
	unsigned letter = (unsigned char)ascii_lower(s.p[0]) - 'a';
	const struct word *w;
	uint32_t start;

	if (s.n < 3 || s.n > 12 || (ascii_lengths[letter] >> s.n & 1) == 0)
		return NULL;
	start = (uint32_t)key_lower(START(s.p));
	for (size_t i = ascii_first[letter]; i < ascii_first[letter + 1]; i++) {
		w = &ascii_words[i];
		if (w->start == start && w->length == s.n &&
		    span_eq_i(s, (struct span){w->text, s.n}))
			return w;
	}
	return NULL;
}

static enum word_class
ascii_word(struct span s, size_t *length)
{
	const struct word *w;

	if (!ascii_alpha(s.p[0]))
		return WORD_NONE;
	s.n = word_length(span_slice(s, 0, 24));
	w = ascii_find(s);
	if (w == NULL)
		return WORD_NONE;
	*length = s.n;
	return (enum word_class)w->class;
}

/* Words of an alphabet whose letters are one or two bytes long. */
static enum word_class
word_in(struct span s, const struct word *list, size_t n, size_t *length)
{
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
			*length = list[i].length;
			return (enum word_class)list[i].class;
		}
	return WORD_NONE;
}

/* The same where letters have no case. */
static enum word_class
caseless_in(struct span s, const struct word *list, size_t n, size_t *length)
{
	uint32_t start;

	if (s.n < 3)
		return WORD_NONE;
	start = START(s.p);
	for (size_t i = 0; i < n; i++)
		if (list[i].start == start && list[i].length <= s.n &&
		    memcmp(s.p, list[i].text, list[i].length) == 0) {
			*length = list[i].length;
			return (enum word_class)list[i].class;
		}
	return WORD_NONE;
}

/* Is there a letter beyond ASCII among the first few of the word? */
static bool
is_accented(struct span s)
{
	for (size_t i = 1; i < 5 && i < s.n; i++)
		if ((unsigned char)s.p[i] >= 0x80)
			return true;
	return false;
}

enum word_class
noise_word(struct span s, size_t *length)
{
	enum word_class c;
	unsigned char lead;

	s = span_slice(s, 0, WORD_BYTES_MAX);
	if (s.n == 0)
		return WORD_NONE;
	lead = (unsigned char)s.p[0];
	if (lead >= 0xea && lead <= 0xed)
		return caseless_in(s, LIST(hangul_words), length);
	if (lead >= 0xe3 && lead <= 0xe9)
		return caseless_in(s, LIST(han_words), length);
	if (lead == 0xd0 || lead == 0xd1)
		return word_in(s, LIST(cyrillic_words), length);
	if (lead == 0xd8 || lead == 0xd9)
		return caseless_in(s, LIST(arabic_words), length);
	if (lead >= 0x80)
		return WORD_NONE;
	c = ascii_word(s, length);
	if (c == WORD_NONE && ascii_alpha((char)lead) && is_accented(s))
		c = word_in(s, LIST(latin_words), length);
	return c;
}

/* A Hangul syllable or Han character, from U+4000 to U+CFFF, with which no
 * known word begins: three bytes, else 0. */
static size_t
common_sign(struct span s)
{
	const unsigned char *p = (const unsigned char *)s.p;
	const struct starts *starts;

	if (s.n < 3 || p[0] < 0xe4 || p[0] > 0xec || (p[1] & 0xc0) != 0x80 ||
	    (p[2] & 0xc0) != 0x80)
		return 0;
	starts = p[0] < 0xea ? &han_starts : &hangul_starts;
	return (starts->second & LOW_BITS(p[1])) == 0 ||
		(starts->third & LOW_BITS(p[2])) == 0
	    ? 3
	    : 0;
}

INLINE bytes16
letters16(bytes16 v)
{
	return bytes16_in(v | 0x20, 'a', 'z');
}

size_t
noise_common(struct span s, size_t at)
{
	size_t end, n;

	if (!ascii_alpha(s.p[at]))
		return common_sign((struct span){s.p + at, s.n - at});
	end = bytes16_run(s, at, letters16);
	n = end - at;
	if (end < s.n &&
	    ((unsigned char)s.p[end] >= 0x80 || ascii_digit(s.p[end])))
		return 0;
	return ascii_find((struct span){s.p + at, n}) == NULL ? n : 0;
}
