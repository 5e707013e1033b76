/* Percent-encoding, URL standard section 1.3. */
#include "url_builder.h"

#define S_ALL 63
#define S_FR  SET_FRAGMENT
#define S_QU  (SET_QUERY | SET_SPECIAL_QUERY)
#define S_PA  (SET_PATH | SET_USERINFO)

static const uint8_t set_of[128] = {
    [0] = S_ALL,
    [1] = S_ALL,
    [2] = S_ALL,
    [3] = S_ALL,
    [4] = S_ALL,
    [5] = S_ALL,
    [6] = S_ALL,
    [7] = S_ALL,
    [8] = S_ALL,
    [9] = S_ALL,
    [10] = S_ALL,
    [11] = S_ALL,
    [12] = S_ALL,
    [13] = S_ALL,
    [14] = S_ALL,
    [15] = S_ALL,
    [16] = S_ALL,
    [17] = S_ALL,
    [18] = S_ALL,
    [19] = S_ALL,
    [20] = S_ALL,
    [21] = S_ALL,
    [22] = S_ALL,
    [23] = S_ALL,
    [24] = S_ALL,
    [25] = S_ALL,
    [26] = S_ALL,
    [27] = S_ALL,
    [28] = S_ALL,
    [29] = S_ALL,
    [30] = S_ALL,
    [31] = S_ALL,
    [127] = S_ALL,
    [' '] = S_FR | S_QU | S_PA,
    ['"'] = S_FR | S_QU | S_PA,
    ['<'] = S_FR | S_QU | S_PA,
    ['>'] = S_FR | S_QU | S_PA,
    ['`'] = S_FR | S_PA,
    ['#'] = S_QU | S_PA,
    ['\''] = SET_SPECIAL_QUERY,
    ['?'] = S_PA,
    ['^'] = S_PA,
    ['{'] = S_PA,
    ['}'] = S_PA,
    ['/'] = SET_USERINFO,
    [':'] = SET_USERINFO,
    [';'] = SET_USERINFO,
    ['='] = SET_USERINFO,
    ['@'] = SET_USERINFO,
    ['['] = SET_USERINFO,
    ['\\'] = SET_USERINFO,
    [']'] = SET_USERINFO,
    ['|'] = SET_USERINFO,
};

static const char HEX[] = "0123456789ABCDEF";

static void
encode_byte(struct buf *out, unsigned char c)
{
	char t[3] = {'%', HEX[c >> 4], HEX[c & 15]};

	buf_add(out, t, 3);
}

void
url_encode(struct buf *out, struct span s, unsigned set)
{
	size_t i = 0;

	while (i < s.n) {
		size_t run = i;
		unsigned char c;

		while (run < s.n && (c = (unsigned char)s.p[run]) < 0x80 &&
		    (set_of[c] & set) == 0)
			run++;
		buf_add(out, s.p + i, run - i);
		if (run == s.n)
			return;
		c = (unsigned char)s.p[run];
		if (c < 0x80) {
			encode_byte(out, c);
			i = run + 1;
			continue;
		}
		uint32_t cp;
		size_t used = utf8_decode(span_slice(s, run, s.n - run), &cp);
		if (cp == 0xfffd) {
			buf_add(out, "%EF%BF%BD", 9);
		} else {
			for (size_t k = 0; k < used; k++)
				encode_byte(out, (unsigned char)s.p[run + k]);
		}
		i = run + used;
	}
}
