#include "arc.h"

#include <stdio.h>
#include <string.h>

#include "limit.h"

#define WORDS_MAX 64 /* words of one line; those of a URL with spaces too */

static bool
all_digits(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!ascii_digit(s.p[i]))
			return false;
	return s.n > 0;
}

/* An IPv4 or IPv6 address by its letters, or what writers put for none. */
static bool
looks_address(struct span s)
{
	bool mark = false;

	if (span_is(s, "-") || span_is(s, "0") || span_is(s, "None"))
		return true;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '.' || s.p[i] == ':')
			mark = true;
		else if (ascii_hex(s.p[i]) < 0)
			return false;
	}
	return mark && s.n >= 3;
}

static bool
looks_date(struct span s)
{
	return s.n >= 8 && s.n <= 18 && all_digits(span_slice(s, 0, 8));
}

/* "filedesc:", "dns:", "http:", ... */
static bool
has_scheme(struct span s)
{
	size_t colon = span_find(s, ':');

	if (colon == s.n || colon < 2 || colon > 16 || !ascii_alpha(s.p[0]))
		return false;
	for (size_t i = 0; i < colon; i++)
		if (!ascii_alnum(s.p[i]) && s.p[i] != '+' && s.p[i] != '-')
			return false;
	return true;
}

/* The text from the begin of word i to the end of word j (empty if i > j). */
static struct span
words_join(const struct span *w, size_t i, size_t j)
{
	if (i > j)
		return SPAN_NULL;
	return (struct span){w[i].p, (size_t)(w[j].p + w[j].n - w[i].p)};
}

static size_t
split_words(struct span line, struct span words[WORDS_MAX])
{
	size_t n = 0;

	while (line.p != NULL && n < WORDS_MAX) {
		struct span word = span_token(&line, ' ');

		if (word.n > 0)
			words[n++] = word;
	}
	return line.p != NULL && line.n > 0 ? 0 : n;
}

bool
arc_parse_line(struct span line, struct arc_line *out)
{
	struct span w[WORDS_MAX];
	size_t n, d = 0;

	line = span_trim(line);
	if (!has_scheme(line))
		return false;
	n = split_words(line, w);
	for (size_t i = n >= 2 ? n - 2 : 0; i >= 1 && d == 0; i--)
		if (looks_date(w[i]) && (looks_address(w[i - 1]) || n == 3))
			d = i;
	if (d == 0)
		return false;
	out->date = w[d];
	out->length = w[n - 1];
	if (looks_address(w[d - 1]) && d >= 2) {
		out->address = w[d - 1];
		out->url = words_join(w, 0, d - 2);
	} else {
		out->address = SPAN_NULL;
		out->url = words_join(w, 0, d - 1);
	}
	/* Version 2: URL IP date type result checksum location offset name
	 * length; the type is then one word. */
	if (n - d >= 8 && all_digits(w[n - 3]) && all_digits(w[d + 2]))
		out->mime = w[d + 1];
	else
		out->mime = words_join(w, d + 1, n - 2);
	return true;
}

bool
arc_date(struct span digits, char out[21])
{
	static const char earliest[] = "00000101000000";
	char d[15];

	if (digits.n < 8)
		return false;
	memcpy(d, earliest, sizeof d);
	memcpy(d, digits.p, digits.n < 14 ? digits.n : 14);
	for (size_t i = 0; i < 14; i++)
		if (!ascii_digit(d[i]))
			return false;
	snprintf(out, 21, "%.4s-%.2s-%.2sT%.2s:%.2s:%.2sZ", d, d + 4, d + 6,
	    d + 8, d + 10, d + 12);
	return true;
}
