/* Labels, choice, round trips against the C library, and bad bytes. */
#include "cm.h"

#include <iconv.h>

#include "charset.h"
#include "charset_table.h"
#include "limit.h"

static void
test_labels(void **state)
{
	static const char *const labels[][2] = {{"utf8", "utf-8"},
	    {" ISO-8859-1 ", "windows-1252"}, {"ks_c_5601-1987", "euc-kr"},
	    {"gb2312", "gbk"}, {"x-sjis", "shift_jis"}, {"cp949", "euc-kr"},
	    {"us-ascii", "windows-1252"}, {"latin1", "windows-1252"}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(labels); i++)
		assert_string_equal(charset_name(
					charset_find(span_of(labels[i][0]))),
		    labels[i][1]);
	assert_null(charset_find(SPAN("")));
	assert_null(charset_find(SPAN("klingon")));
	assert_null(charset_find(SPAN("zz")));
	assert_null(charset_find(SPAN("hz-gb-2312")));
	/* each has a charset behind it, and is found where it stands */
	for (unsigned i = 0; i < charset_label_count; i++) {
		if (i > 0)
			assert_true(strcmp(charset_labels[i - 1].label,
					charset_labels[i].label) < 0);
		assert_string_equal(charset_name(charset_find(
					span_of(charset_labels[i].label))),
		    charset_labels[i].name);
	}
}

static void
choice(struct span body, const char *header, const char *name, const char *from)
{
	struct charset_choice c;

	charset_choose(body, span_of(header), &c);
	assert_string_equal(charset_name(c.charset), name);
	assert_string_equal(c.from, from);
}

static void
test_choice(void **state)
{
	struct span korean =
	    SPAN("<p>\xc1\xb6\xbc\xb1\xc1\xdf\xbe\xd3"
		 "\xc5\xeb\xbd\xc5\xc0\xba \xc0\xcc \xb3\xaf "
		 "\xb9\xdf\xc7\xa5\xc7\xcf\xbf\xb4\xb4\xd9.</p>");

	(void)state;
	choice(SPAN("\xef\xbb\xbfx"), "text/html; charset=euc-kr", "utf-8",
	    "bom");
	choice(korean, "text/html; charset=\"EUC-KR\"", "euc-kr", "header");
	choice(SPAN("<meta charset=koi8-r>"), "text/html", "koi8-r", "meta");
	choice(SPAN("<!-- <meta charset=big5> --><meta http-equiv="
		    "Content-Type content='text/html; charset=gbk'>"),
	    NULL, "gbk", "meta");
	choice(SPAN("<?xml version='1.0' encoding='Shift_JIS'?><r/>"), NULL,
	    "shift_jis", "meta");
	choice(SPAN("<meta charset=utf-16>"), NULL, "utf-8", "meta");
	choice(korean, "text/html", "euc-kr", "detected");
	choice(SPAN("<p>평양</p>"), NULL, "utf-8", "detected");
	choice(SPAN("plain"), NULL, "utf-8", "default");
}

static const char korean[] =
    "조선중앙통신 2018년 – 김일성종합대학, 똠방각하 펲시콜라";
static const char chinese[] = "朝鲜中央通讯社 人民网 2018年3月";
static const char trad[] = "朝鮮中央通訊社 臺灣 繁體中文";
static const char japanese[] = "朝鮮中央通信 チュチェ思想 ひらがな";
static const char russian[] = "Центральное телеграфное агентство Кореи";

static const struct {
	const char *label;
	const char *iconv;
	const char *text;
} trips[] = {
    {"euc-kr", "EUC-KR", "조선중앙통신 평양"},
    {"cp949", "CP949", "똠방각하 펲시콜라 조선"},
    {"gb18030", "GB18030", chinese},
    {"gb18030", "GB18030", korean},
    {"gb18030", "GB18030", "\U0001f1f0\U00020000\U0010ffff \u0153\u1e3f\u3400"},
    {"gbk", "GBK", chinese},
    {"big5", "BIG5", trad},
    {"shift_jis", "SHIFT_JIS", japanese},
    {"shift_jis", "CP932", "ｶﾅ①纊"},
    {"euc-jp", "EUC-JP", japanese},
    {"euc-jp", "EUC-JP", "ｶﾅ 丂丄"},
    {"iso-2022-jp", "ISO-2022-JP", japanese},
    {"koi8-r", "KOI8-R", russian},
    {"windows-1251", "CP1251", russian},
    {"koi8-u", "KOI8-U", "Київ"},
    {"utf-16le", "UTF-16LE", korean},
    {"utf-16be", "UTF-16BE", korean},
    {"utf-16le", "UTF-16LE", "\U0001f1f0\U0001f1f5"},
    {"utf-32le", "UTF-32LE", korean},
    {"windows-1256", "CP1256", "وكالة"},
    {"windows-1252", "CP1252", "Agência – “x”"},
    {"iso-2022-kr", "ISO-2022-KR", "조선중앙통신"},
    {"euc-tw", "EUC-TW", trad},
    {"johab", "JOHAB", "조선중앙통신 똠방각하"},
};

static void
test_round_trips(void **state)
{
	char packed[512], *in, *to;
	size_t left, room;
	struct buf out = BUF_INIT(MIB);
	uint32_t bad;
	iconv_t cd;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(trips); i++) {
		cd = iconv_open(trips[i].iconv, "UTF-8");
		assert_true(cd != (iconv_t)-1);
		in = (char *)(uintptr_t)trips[i].text;
		left = strlen(in);
		to = packed;
		room = sizeof(packed);
		assert_int_not_equal(iconv(cd, &in, &left, &to, &room),
		    (size_t)-1);
		(void)iconv(cd, NULL, NULL, &to, &room);
		iconv_close(cd);
		bad = 0;
		buf_clear(&out);
		assert_true(charset_append(charset_find(
					       span_of(trips[i].label)),
		    (struct span){packed, sizeof(packed) - room}, &out, &bad));
		assert_string_equal(buf_str(&out), trips[i].text);
		assert_int_equal(bad, 0);
	}
	buf_release(&out);
}

static void
bad_bytes(const char *label, struct span in, const char *want, uint32_t n)
{
	struct buf out = BUF_INIT(4096);
	uint32_t bad = 0;

	charset_append(charset_find(span_of(label)), in, &out, &bad);
	assert_string_equal(buf_str(&out), want);
	assert_int_equal(bad, n);
	buf_release(&out);
}

#define FFFD "\xef\xbf\xbd"

static void
test_bad_bytes(void **state)
{
	(void)state;
	bad_bytes("utf-8",
	    SPAN("a\xff"
		 "b\xe3\x80"
		 "c\xf0\x9f"),
	    "a" FFFD "b" FFFD "c" FFFD, 3);
	bad_bytes("utf-8", SPAN("\xed\xa0\x80\xc0\xaf"),
	    FFFD FFFD FFFD FFFD FFFD, 5);
	bad_bytes("euc-kr", SPAN("\xb0<b>\xb0\xa1\xb0"), FFFD "<b>가" FFFD, 2);
	bad_bytes("windows-1252", SPAN("\x81\x80"), "\xc2\x81€", 0);
	bad_bytes("koi8-r", SPAN("\xc1"), "а", 0);
	bad_bytes("utf-16le",
	    SPAN("a\0\0\xd8"
		 "b\0c"),
	    "a" FFFD "b" FFFD, 2);
	bad_bytes("iso-2022-jp", SPAN("a\x1b$Bzz\xff\x1b(Bb"),
	    "a" FFFD FFFD FFFD "b", 3);
	bad_bytes("gb18030", SPAN("\x81\x30\x81"), FFFD "0" FFFD, 2);
	bad_bytes("gb18030", SPAN("\xe3\x32\x9a\x36 \xfe\x39"),
	    FFFD "2" FFFD "6 " FFFD "9", 3);
}

/* Cells as ISO-IR 202 and the edition of 2011 print them. */
static void
test_kps9566(void **state)
{
	struct buf cells = BUF_INIT(64 * KIB), text = BUF_INIT(256 * KIB);
	const struct charset *kps = charset_find(SPAN("KPS9566"));
	uint8_t seen[0x10000] = {0};
	size_t syllables = 0, hanja = 0, twice = 0;
	struct span rest;
	uint32_t cp;

	(void)state;
	assert_non_null(kps);
	bad_bytes("kps9566",
	    SPAN("\xbc\xbf\xba\xba\xb7\xe9\xbc\xd1\xbc\xd1\xcc\xa9\xcb\xcd\xb7"
		 "\xe9\xb0\xe1\xc3\xf9\xb0\xea"),
	    "조선민주주의인민공화국", 0);
	bad_bytes("euc-kp",
	    SPAN("\xb0\xa1\xb0\xfe\xb1\xfd\xca\xad\xcc\xcf\x81\x41\xc2\x59"),
	    "가귿나아윁갃웼", 0);
	bad_bytes("kps9566-97",
	    SPAN("\xcd\xa1\xd0\xa1 \xa1\xa1\xa1\xd4\xa4\xa1\xa5\xa1\xa6\xc1"
		 "\xa7\xa1\xa9\xa1\xaa\xa2\xab\xa2\xa4\xe8"),
	    "伽高 　《ㄱАα①─あア김", 0);
	bad_bytes("kps9566", SPAN("<\xcc\xd0>\xb0<\xff\xa1"),
	    "<" FFFD ">" FFFD "<" FFFD, 3);
	for (unsigned lead = 0x81; lead < 0xff; lead++)
		for (unsigned trail = 0x41; trail < 0xff; trail++) {
			(void)buf_add_char(&cells, (char)lead);
			(void)buf_add_char(&cells, (char)trail);
		}
	(void)charset_append(kps, buf_span(&cells), &text, NULL);
	for (rest = buf_span(&text); rest.n > 0;
	     rest = span_slice(rest, utf8_decode(rest, &cp), rest.n)) {
		(void)utf8_decode(rest, &cp);
		if (cp >= 0x3400 && cp != 0xfffd && seen[cp]++ > 0)
			twice++;
		syllables += cp >= 0xac00 && cp <= 0xd7a3;
		hanja += (cp >= 0x3400 && cp < 0x4dc0) ||
		    (cp >= 0x4e00 && cp < 0xa000);
	}
	assert_int_equal(syllables, 11172 + 9); /* nine in names of leaders */
	assert_int_equal(twice, 9);
	assert_int_equal(hanja, 4653);
	buf_release(&cells);
	buf_release(&text);
}

/* Bytes that are well formed, by the table 3-7 of the Unicode standard. */
static size_t
well_formed(const unsigned char *p, size_t n)
{
	static const unsigned char rows[][5] = {{1, 0x00, 0x7f, 0, 0},
	    {2, 0xc2, 0xdf, 0x80, 0xbf}, {3, 0xe0, 0xe0, 0xa0, 0xbf},
	    {3, 0xe1, 0xec, 0x80, 0xbf}, {3, 0xed, 0xed, 0x80, 0x9f},
	    {3, 0xee, 0xef, 0x80, 0xbf}, {4, 0xf0, 0xf0, 0x90, 0xbf},
	    {4, 0xf1, 0xf3, 0x80, 0xbf}, {4, 0xf4, 0xf4, 0x80, 0x8f}};
	size_t at = 0, r, i;

	while (at < n) {
		for (r = 0; r < ARRAY_LEN(rows); r++)
			if (p[at] >= rows[r][1] && p[at] <= rows[r][2])
				break;
		if (r == ARRAY_LEN(rows) || at + rows[r][0] > n ||
		    (rows[r][0] > 1 &&
			(p[at + 1] < rows[r][3] || p[at + 1] > rows[r][4])))
			return at;
		for (i = 2; i < rows[r][0]; i++)
			if ((p[at + i] & 0xc0) != 0x80)
				return at;
		at += rows[r][0];
	}
	return n;
}

/* Texts of all lengths in scripts of all widths, whole and with a wrong byte
 * at every place. */
static void
test_utf8(void **state)
{
	static const char *const texts[] = {"plain", "caf\u00e9 \u00fcber",
	    "\uacbd\ud55c\ud638 \ud798\uc774 \uac00", "\u0e01\u0e02 \u0900",
	    "\u2014 \uffee\uee00\ud7ff", "a\U0001f600b\U00010000\U0010ffff"};
	static const unsigned char wrong[] = {0x00, 0x41, 0x80, 0x9f, 0xa0,
	    0xbf, 0xc1, 0xc2, 0xe0, 0xe1, 0xed, 0xef, 0xf0, 0xf4, 0xf5, 0xff};
	struct buf b = BUF_INIT(KIB);
	unsigned char *p, was;
	size_t n;

	(void)state;
	for (size_t i = 0; i < 6 * 6 * 6; i++) {
		buf_clear(&b);
		(void)buf_add_str(&b, texts[i % 6]);
		(void)buf_add_str(&b, texts[i / 6 % 6]);
		(void)buf_add_str(&b, texts[i / 36]);
		p = (unsigned char *)b.data;
		for (n = 0; n <= b.len; n++)
			assert_int_equal(utf8_valid_length(
					     span_slice(buf_span(&b), 0, n)),
			    well_formed(p, n));
		for (size_t at = 0; at < b.len; at++) {
			was = p[at];
			for (size_t w = 0; w < ARRAY_LEN(wrong); w++) {
				p[at] = wrong[w];
				assert_int_equal(utf8_valid_length(
						     buf_span(&b)),
				    well_formed(p, b.len));
			}
			p[at] = was;
		}
	}
	buf_release(&b);
}

static int
set_up(void **state)
{
	(void)state;
	return charset_init() ? 0 : -1;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_labels),
	    cmocka_unit_test(test_choice), cmocka_unit_test(test_round_trips),
	    cmocka_unit_test(test_bad_bytes), cmocka_unit_test(test_kps9566),
	    cmocka_unit_test(test_utf8)};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
