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

#define LISTED(text, class, i) W(text, class),

/* How words begin: a bit for each number that their three bytes give.  So
 * many that few other words share one. */
#define STARTS_PARTS	  64
#define START_HASH(start) ((uint32_t)((start)*0x9e3779b1u) >> 20)
#define START_NUMBER_BIT(start, i)                                             \
	| (uint64_t)(START_HASH(start) >> 6 == (i)) << (START_HASH(start) & 63)
#define START_BIT(text, class, i) START_NUMBER_BIT(START(text), i)
#define FOUR(bits, i)		  bits(i), bits((i) + 1), bits((i) + 2), bits((i) + 3)
#define SIXTEEN(bits, i)                                                       \
	FOUR(bits, i), FOUR(bits, (i) + 4), FOUR(bits, (i) + 8),               \
	    FOUR(bits, (i) + 12)
#define STARTS(bits)                                                           \
	{                                                                      \
		SIXTEEN(bits, 0), SIXTEEN(bits, 16), SIXTEEN(bits, 32),        \
		    SIXTEEN(bits, 48)                                          \
	}

/* Whole words of ASCII letters, by first letter; i is handed on. */
/* clang-format off */
#define ASCII_WORDS(X, i) \
	X("abril", WORD_MONTH, i) X("accesos", WORD_COUNT, i) \
	X("agosto", WORD_MONTH, i) X("apr", WORD_MONTH, i) \
	X("april", WORD_MONTH, i) X("aufrufe", WORD_COUNT, i) \
	X("aug", WORD_MONTH, i) X("august", WORD_MONTH, i) \
	X("avril", WORD_MONTH, i) X("ayer", WORD_TALLY, i) \
	X("besucher", WORD_COUNT, i) X("counter", WORD_COUNT, i) \
	X("dec", WORD_MONTH, i) X("december", WORD_MONTH, i) \
	X("dezember", WORD_MONTH, i) X("diciembre", WORD_MONTH, i) \
	X("dienstag", WORD_WEEKDAY, i) X("dimanche", WORD_WEEKDAY, i) \
	X("domingo", WORD_WEEKDAY, i) X("donnerstag", WORD_WEEKDAY, i) \
	X("enero", WORD_MONTH, i) X("feb", WORD_MONTH, i) \
	X("febrero", WORD_MONTH, i) X("februar", WORD_MONTH, i) \
	X("february", WORD_MONTH, i) X("freitag", WORD_WEEKDAY, i) \
	X("fri", WORD_WEEKDAY_SHORT, i) X("friday", WORD_WEEKDAY, i) \
	X("gestern", WORD_TALLY, i) X("heute", WORD_TALLY, i) \
	X("hit", WORD_COUNT, i) X("hits", WORD_COUNT, i) \
	X("hoy", WORD_TALLY, i) X("jan", WORD_MONTH, i) \
	X("januar", WORD_MONTH, i) X("january", WORD_MONTH, i) \
	X("janvier", WORD_MONTH, i) X("jeudi", WORD_WEEKDAY, i) \
	X("juche", WORD_ERA, i) X("jueves", WORD_WEEKDAY, i) \
	X("juillet", WORD_MONTH, i) X("juin", WORD_MONTH, i) \
	X("jul", WORD_MONTH, i) X("juli", WORD_MONTH, i) \
	X("julio", WORD_MONTH, i) X("july", WORD_MONTH, i) \
	X("jun", WORD_MONTH, i) X("june", WORD_MONTH, i) \
	X("juni", WORD_MONTH, i) X("junio", WORD_MONTH, i) \
	X("lundi", WORD_WEEKDAY, i) X("lunes", WORD_WEEKDAY, i) \
	X("mai", WORD_MONTH, i) X("mar", WORD_MONTH, i) \
	X("march", WORD_MONTH, i) X("mardi", WORD_WEEKDAY, i) \
	X("mars", WORD_MONTH, i) X("martes", WORD_WEEKDAY, i) \
	X("marzo", WORD_MONTH, i) X("may", WORD_MONTH, i) \
	X("mayo", WORD_MONTH, i) X("mercredi", WORD_WEEKDAY, i) \
	X("mittwoch", WORD_WEEKDAY, i) X("mon", WORD_WEEKDAY_SHORT, i) \
	X("monday", WORD_WEEKDAY, i) X("montag", WORD_WEEKDAY, i) \
	X("nov", WORD_MONTH, i) X("november", WORD_MONTH, i) \
	X("novembre", WORD_MONTH, i) X("noviembre", WORD_MONTH, i) \
	X("oct", WORD_MONTH, i) X("october", WORD_MONTH, i) \
	X("octobre", WORD_MONTH, i) X("octubre", WORD_MONTH, i) \
	X("oktober", WORD_MONTH, i) X("online", WORD_COUNT, i) \
	X("samedi", WORD_WEEKDAY, i) X("samstag", WORD_WEEKDAY, i) \
	X("sat", WORD_WEEKDAY_SHORT, i) X("saturday", WORD_WEEKDAY, i) \
	X("sep", WORD_MONTH, i) X("sept", WORD_MONTH, i) \
	X("september", WORD_MONTH, i) X("septembre", WORD_MONTH, i) \
	X("septiembre", WORD_MONTH, i) X("setiembre", WORD_MONTH, i) \
	X("sonntag", WORD_WEEKDAY, i) X("sun", WORD_WEEKDAY_SHORT, i) \
	X("sunday", WORD_WEEKDAY, i) X("thu", WORD_WEEKDAY_SHORT, i) \
	X("thursday", WORD_WEEKDAY, i) X("today", WORD_TALLY, i) \
	X("total", WORD_TALLY, i) X("tue", WORD_WEEKDAY_SHORT, i) \
	X("tuesday", WORD_WEEKDAY, i) X("vendredi", WORD_WEEKDAY, i) \
	X("viernes", WORD_WEEKDAY, i) X("views", WORD_COUNT, i) \
	X("visitas", WORD_COUNT, i) X("visites", WORD_COUNT, i) \
	X("visiteurs", WORD_COUNT, i) X("visitors", WORD_COUNT, i) \
	X("visits", WORD_COUNT, i) X("vues", WORD_COUNT, i) \
	X("wed", WORD_WEEKDAY_SHORT, i) X("wednesday", WORD_WEEKDAY, i) \
	X("yesterday", WORD_TALLY, i)
/* clang-format on */
static const struct word ascii_words[] = {ASCII_WORDS(LISTED, 0)};

/* Where each first letter begins in it. */
static const uint8_t ascii_first[27] = {0, 10, 11, 12, 20, 21, 28, 29, 33, 33,
    50, 50, 52, 66, 70, 76, 76, 76, 76, 89, 95, 95, 104, 106, 106, 107, 107};

/* Lengths of those that begin with each letter, a bit each. */
static const uint16_t ascii_lengths[26] = {0xf8, 0x100, 0x80, 0x788, 0x20,
    0x1c8, 0x80, 0x38, 0x0, 0xf8, 0x0, 0x20, 0x178, 0x308, 0xc8, 0x0, 0x0, 0x0,
    0x7d8, 0x1a8, 0x0, 0x3f0, 0x208, 0x0, 0x200, 0x0};

/* Whole words that begin as ASCII words do. */
#define LATIN_WORDS(X, i)                                                      \
	X("février", WORD_MONTH, i)                                            \
	X("août", WORD_MONTH, i)                                               \
	X("décembre", WORD_MONTH, i)                                           \
	X("miércoles", WORD_WEEKDAY, i)                                        \
	X("sábado", WORD_WEEKDAY, i)                                           \
	X("märz", WORD_MONTH, i)
static const struct word latin_words[] = {LATIN_WORDS(LISTED, 0)};

/* Of both how they begin, whatever the case of their letters. */
#define CASE_BITS		  0x202020
#define CASED_BIT(text, class, i) START_NUMBER_BIT(START(text) | CASE_BITS, i)
#define LATIN_BITS(i)		  0 ASCII_WORDS(CASED_BIT, i) LATIN_WORDS(CASED_BIT, i)
static const uint64_t latin_starts[STARTS_PARTS] = STARTS(LATIN_BITS);

/* Whole words. */
/* clang-format off */
#define CYRILLIC_WORDS(X, i) \
	X("чучхе", WORD_ERA, i) X("просмотров", WORD_COUNT, i) \
	X("просмотры", WORD_COUNT, i) X("посетителей", WORD_COUNT, i) \
	X("посетители", WORD_COUNT, i) X("посещений", WORD_COUNT, i) \
	X("посещения", WORD_COUNT, i) X("сегодня", WORD_TALLY, i) \
	X("вчера", WORD_TALLY, i) X("всего", WORD_TALLY, i) \
	X("понедельник", WORD_WEEKDAY, i) X("вторник", WORD_WEEKDAY, i) \
	X("среда", WORD_WEEKDAY, i) X("четверг", WORD_WEEKDAY, i) \
	X("пятница", WORD_WEEKDAY, i) X("суббота", WORD_WEEKDAY, i) \
	X("воскресенье", WORD_WEEKDAY, i) X("января", WORD_MONTH, i) \
	X("февраля", WORD_MONTH, i) X("марта", WORD_MONTH, i) \
	X("апреля", WORD_MONTH, i) X("мая", WORD_MONTH, i) \
	X("июня", WORD_MONTH, i) X("июля", WORD_MONTH, i) \
	X("августа", WORD_MONTH, i) X("сентября", WORD_MONTH, i) \
	X("октября", WORD_MONTH, i) X("ноября", WORD_MONTH, i) \
	X("декабря", WORD_MONTH, i)
/* clang-format on */
static const struct word cyrillic_words[] = {CYRILLIC_WORDS(LISTED, 0)};

/* clang-format off */
#define ARABIC_WORDS(X, i) \
	X("زوتشيه", WORD_ERA, i) X("يناير", WORD_MONTH, i) \
	X("فبراير", WORD_MONTH, i) X("مارس", WORD_MONTH, i) \
	X("أبريل", WORD_MONTH, i) X("إبريل", WORD_MONTH, i) \
	X("مايو", WORD_MONTH, i) X("يونيو", WORD_MONTH, i) \
	X("يوليو", WORD_MONTH, i) X("أغسطس", WORD_MONTH, i) \
	X("سبتمبر", WORD_MONTH, i) X("أكتوبر", WORD_MONTH, i) \
	X("نوفمبر", WORD_MONTH, i) X("ديسمبر", WORD_MONTH, i) \
	X("الأحد", WORD_WEEKDAY, i) X("الاثنين", WORD_WEEKDAY, i) \
	X("الثلاثاء", WORD_WEEKDAY, i) X("الأربعاء", WORD_WEEKDAY, i) \
	X("الخميس", WORD_WEEKDAY, i) X("الجمعة", WORD_WEEKDAY, i) \
	X("السبت", WORD_WEEKDAY, i) X("عدد الزوار", WORD_COUNT, i) \
	X("الزوار", WORD_COUNT, i)
/* clang-format on */
static const struct word arabic_words[] = {ARABIC_WORDS(LISTED, 0)};

/* Anything may follow these: their scripts do not always part words. */
/* clang-format off */
#define HANGUL_WORDS(X, i) \
	X("주체", WORD_ERA, i) X("오전", WORD_HALF, i) X("오후", WORD_HALF, i) \
	X("상오", WORD_HALF, i) X("하오", WORD_HALF, i) X("읽은 회수", WORD_COUNT, i) \
	X("읽은수", WORD_COUNT, i) X("조회수", WORD_COUNT, i) \
	X("오늘", WORD_TALLY, i) X("어제", WORD_TALLY, i) X("전체", WORD_TALLY, i) \
	X("조회", WORD_COUNT, i) X("방문자수", WORD_COUNT, i) \
	X("방문자", WORD_COUNT, i) X("방문", WORD_COUNT, i) \
	X("열람수", WORD_COUNT, i) X("열람", WORD_COUNT, i) \
	X("좋아요", WORD_COUNT, i) X("추천수", WORD_COUNT, i) \
	X("추천", WORD_COUNT, i) X("접속자", WORD_COUNT, i) \
	X("월요일", WORD_WEEKDAY, i) X("화요일", WORD_WEEKDAY, i) \
	X("수요일", WORD_WEEKDAY, i) X("목요일", WORD_WEEKDAY, i) \
	X("금요일", WORD_WEEKDAY, i) X("토요일", WORD_WEEKDAY, i) \
	X("일요일", WORD_WEEKDAY, i)
/* clang-format on */
static const struct word hangul_words[] = {HANGUL_WORDS(LISTED, 0)};

/* clang-format off */
#define HAN_WORDS(X, i) \
	X("主体", WORD_ERA, i) X("主體", WORD_ERA, i) X("チュチェ", WORD_ERA, i) \
	X("午前", WORD_HALF, i) X("午後", WORD_HALF, i) X("上午", WORD_HALF, i) \
	X("下午", WORD_HALF, i) X("访问人数", WORD_COUNT, i) \
	X("アクセス数", WORD_COUNT, i) X("今日", WORD_TALLY, i) \
	X("昨日", WORD_TALLY, i) X("总计", WORD_TALLY, i) \
	X("浏览次数", WORD_COUNT, i) X("浏览", WORD_COUNT, i) \
	X("点击", WORD_COUNT, i) X("阅读", WORD_COUNT, i) X("访问量", WORD_COUNT, i) \
	X("访问", WORD_COUNT, i) X("访客", WORD_COUNT, i) X("来访者", WORD_COUNT, i) \
	X("在线", WORD_COUNT, i) X("訪問数", WORD_COUNT, i) \
	X("閲覧数", WORD_COUNT, i) X("閲覧", WORD_COUNT, i) \
	X("訪問者", WORD_COUNT, i) X("星期一", WORD_WEEKDAY, i) \
	X("星期二", WORD_WEEKDAY, i) X("星期三", WORD_WEEKDAY, i) \
	X("星期四", WORD_WEEKDAY, i) X("星期五", WORD_WEEKDAY, i) \
	X("星期六", WORD_WEEKDAY, i) X("星期日", WORD_WEEKDAY, i) \
	X("星期天", WORD_WEEKDAY, i) X("月曜日", WORD_WEEKDAY, i) \
	X("火曜日", WORD_WEEKDAY, i) X("水曜日", WORD_WEEKDAY, i) \
	X("木曜日", WORD_WEEKDAY, i) X("金曜日", WORD_WEEKDAY, i) \
	X("土曜日", WORD_WEEKDAY, i) X("日曜日", WORD_WEEKDAY, i)
/* clang-format on */
static const struct word han_words[] = {HAN_WORDS(LISTED, 0)};

#define SIGN_BITS(i) 0 HANGUL_WORDS(START_BIT, i) HAN_WORDS(START_BIT, i)
static const uint64_t sign_starts[STARTS_PARTS] = STARTS(SIGN_BITS);

#define ARABIC_BITS(i) 0 ARABIC_WORDS(START_BIT, i)
static const uint64_t arabic_starts[STARTS_PARTS] = STARTS(ARABIC_BITS);

/* Of Cyrillic words the first two letters, in lower case: a bit for each pair
 * of the thirty-two. */
#define CYRILLIC_LETTER(s, at)                                                 \
	(((unsigned char)(s)[at] & 1u) << 6 |                                  \
	    ((unsigned char)(s)[(at) + 1] & 0x3fu))
#define CYRILLIC_PAIR(s)                                                       \
	((CYRILLIC_LETTER(s, 0) & 31) ^ 16) << 5 |                             \
	    ((CYRILLIC_LETTER(s, 2) & 31) ^ 16)
#define PAIR_BIT(text, class, i)                                               \
	|                                                                      \
	    (uint64_t)((CYRILLIC_PAIR(text)) >> 6 == (i))                      \
		<< ((CYRILLIC_PAIR(text)) & 63)
#define CYRILLIC_BITS(i) 0 CYRILLIC_WORDS(PAIR_BIT, i)
static const uint64_t cyrillic_starts[16] = {SIXTEEN(CYRILLIC_BITS, 0)};

static bool
starts_word(const uint64_t starts[STARTS_PARTS], uint32_t start)
{
	uint32_t hash = START_HASH(start);

	return (starts[hash / 64] >> hash % 64 & 1) != 0;
}

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

/* Those of three bytes from U+3040 to U+D7FF. */
size_t
noise_signs(struct span s, size_t at)
{
	const unsigned char *p = (const unsigned char *)s.p;

	for (; s.n - at >= 3; at += 3)
		if (p[at] < 0xe3 || p[at] > 0xed ||
		    (p[at + 1] & 0xc0) != 0x80 || (p[at + 2] & 0xc0) != 0x80 ||
		    (p[at] == 0xe3 && p[at + 1] == 0x80) ||
		    (p[at] == 0xed && p[at + 1] >= 0xa0) ||
		    starts_word(sign_starts, START(p + at)))
			break;
	return at;
}

/* The same of two letters of any case; letters beyond the thirty-two begin no
 * word, but share a bit with one of them. */
static bool
cyrillic_begins(struct span s, size_t at)
{
	unsigned pair;

	if (s.n - at < 4 || ((unsigned char)s.p[at + 2] & 0xfe) != 0xd0)
		return false;
	pair = CYRILLIC_PAIR(s.p + at);
	return (cyrillic_starts[pair / 64] >> pair % 64 & 1) != 0;
}

static bool
latin_begins(struct span s, size_t at)
{
	return at + 3 <= s.n &&
	    starts_word(latin_starts, START(s.p + at) | CASE_BITS);
}

bool
noise_begins(struct span s, size_t at)
{
	unsigned char lead = (unsigned char)s.p[at];

	if (lead < 0x80)
		return latin_begins(s, at);
	if (lead == 0xd0 || lead == 0xd1)
		return cyrillic_begins(s, at);
	if (s.n - at < 3)
		return false;
	if (lead == 0xd8 || lead == 0xd9)
		return starts_word(arabic_starts, START(s.p + at));
	return lead >= 0xe3 && lead <= 0xed &&
	    starts_word(sign_starts, START(s.p + at));
}

/* Is it a word of the list that begins at this letter? */
RARELY bool
ascii_known(struct span s, size_t at)
{
	size_t unused;

	return ascii_word(span_slice(s, at, s.n), &unused) != WORD_NONE;
}

static bool
ascii_begins(struct span s, size_t at)
{
	return latin_begins(s, at) && ascii_known(s, at);
}

size_t
noise_plain(struct span s, size_t from, bool *meaning)
{
	size_t word = from, end;
	unsigned letters, starts, stop, carry = 0;
	bool words = false; /* is `word` one? */
	bytes16 v;

	for (size_t at = from; at < s.n; at += 16) {
		v = bytes16_at(s, at);
		letters = bytes16_mask(bytes16_in(v | 0x20, 'a', 'z'));
		stop = bytes16_mask(bytes16_in(v, '0', '9') | v);
		starts = letters & ~(letters << 1 | carry);
		for (starts &= (stop & -stop) - 1; starts != 0;
		     starts &= starts - 1) {
			*meaning |= words;
			word = at + bytes16_first(starts);
			if (ascii_begins(s, word))
				return word;
			words = true;
		}
		if (stop != 0) {
			end = at + bytes16_first(stop);
			if (end > from && ascii_alpha(s.p[end - 1]))
				return word;
			*meaning |= words;
			return end;
		}
		carry = letters >> 15 & 1;
	}
	*meaning |= words;
	return s.n;
}
