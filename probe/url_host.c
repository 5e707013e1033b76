/* Host parser of the URL standard; the only file that knows libidn2. */

#include <idn2.h>
#include <stdlib.h>
#include <string.h>

#include "limit.h"
#include "url.h"

#define HOST_WORK_MAX (4 * KIB) /* a host before IDNA and its limits */

static bool
forbidden_host(unsigned char c)
{
	return c == 0 || c == '\t' || c == '\n' || c == '\r' || c == ' ' ||
	    c == '#' || c == '/' || c == ':' || c == '<' || c == '>' ||
	    c == '?' || c == '@' || c == '[' || c == '\\' || c == ']' ||
	    c == '^' || c == '|';
}

static bool
forbidden_domain(unsigned char c)
{
	return forbidden_host(c) || c <= 0x1f || c == '%' || c == 0x7f;
}

static enum url_host_kind
parse_opaque(struct span host, struct buf *out)
{
	static const char hex[] = "0123456789ABCDEF";

	for (size_t i = 0; i < host.n; i++) {
		unsigned char c = (unsigned char)host.p[i];

		if (forbidden_host(c))
			return URL_HOST_NONE;
		if (c > 0x1f && c < 0x7f) {
			buf_add_char(out, (char)c);
		} else {
			char t[3] = {'%', hex[c >> 4], hex[c & 15]};

			buf_add(out, t, 3);
		}
	}
	return URL_HOST_OPAQUE;
}

/* One part of an IPv4 number: decimal, 0x hex or 0 octal.  Saturates. */
static bool
ipv4_number(struct span s, uint64_t *out)
{
	unsigned base = 10;
	uint64_t v = 0;

	if (s.n == 0)
		return false;
	if (s.n >= 2 && s.p[0] == '0' && ascii_lower(s.p[1]) == 'x') {
		base = 16;
		s = span_slice(s, 2, s.n);
	} else if (s.n >= 2 && s.p[0] == '0') {
		base = 8;
		s = span_slice(s, 1, s.n);
	}
	for (size_t i = 0; i < s.n; i++) {
		int d = ascii_hex(s.p[i]);

		if (d < 0 || (unsigned)d >= base)
			return false;
		v = v * base + (unsigned)d;
		if (v > UINT32_MAX)
			v = (uint64_t)UINT32_MAX + 1;
	}
	*out = v;
	return true;
}

static struct span
last_label(struct span host)
{
	size_t from;

	if (host.n > 0 && host.p[host.n - 1] == '.')
		host.n--;
	from = host.n;
	while (from > 0 && host.p[from - 1] != '.')
		from--;
	return span_slice(host, from, host.n - from);
}

static bool
ends_in_number(struct span host)
{
	struct span last = last_label(host);
	uint64_t v;
	bool digits = last.n > 0;

	for (size_t i = 0; i < last.n; i++)
		digits = digits && ascii_digit(last.p[i]);
	return digits ||
	    (last.n >= 2 && last.p[0] == '0' && ascii_lower(last.p[1]) == 'x' &&
		ipv4_number(last, &v));
}

static enum url_host_kind
parse_ipv4(struct span host, struct buf *out)
{
	uint64_t parts[4], address;
	size_t n = 0;

	if (host.p[host.n - 1] == '.')
		host.n--;
	while (host.p != NULL) {
		struct span label = span_token(&host, '.');

		if (n == 4 || !ipv4_number(label, &parts[n]))
			return URL_HOST_NONE;
		n++;
	}
	for (size_t i = 0; i + 1 < n; i++)
		if (parts[i] > 255)
			return URL_HOST_NONE;
	if (n == 0 || parts[n - 1] >= (uint64_t)1 << (8 * (5 - n)))
		return URL_HOST_NONE;
	address = parts[n - 1];
	for (size_t i = 0; i + 1 < n; i++)
		address += parts[i] << (8 * (3 - i));
	buf_addf(out, "%u.%u.%u.%u", (unsigned)(address >> 24),
	    (unsigned)(address >> 16 & 255), (unsigned)(address >> 8 & 255),
	    (unsigned)(address & 255));
	return URL_HOST_IPV4;
}

/* Dotted decimal at the end of an IPv6 address: four parts, no leading
 * zeros, at most 255. */
static bool
ipv6_tail(struct span s, uint16_t *two)
{
	uint32_t v = 0;

	for (int i = 0; i < 4; i++) {
		struct span part = span_token(&s, '.');
		uint64_t x;

		if (part.n == 0 || part.n > 3 || !span_u64(part, &x) ||
		    x > 255 || (part.n > 1 && part.p[0] == '0'))
			return false;
		v = v << 8 | (uint32_t)x;
		if ((i < 3) != (s.p != NULL))
			return false;
	}
	two[0] = (uint16_t)(v >> 16);
	two[1] = (uint16_t)v;
	return true;
}

static bool
read_ipv6(struct span s, uint16_t piece[8])
{
	int n = 0, compress = -1;
	size_t i = 0;

	if (s.n > 0 && s.p[0] == ':') {
		if (s.n < 2 || s.p[1] != ':')
			return false;
		i = 2;
		compress = 0;
	}
	while (i < s.n) {
		uint32_t v = 0;
		size_t from = i;

		if (n == 8)
			return false;
		if (s.p[i] == ':') {
			if (compress >= 0)
				return false;
			i++;
			compress = n;
			continue;
		}
		for (; i < s.n && i - from < 4 && ascii_hex(s.p[i]) >= 0; i++)
			v = v << 4 | (uint32_t)ascii_hex(s.p[i]);
		if (i < s.n && s.p[i] == '.') {
			if (i == from || n > 6 ||
			    !ipv6_tail(span_slice(s, from, s.n), piece + n))
				return false;
			n += 2;
			break;
		}
		if (i < s.n && s.p[i] == ':') {
			if (++i == s.n)
				return false;
		} else if (i < s.n) {
			return false;
		}
		piece[n++] = (uint16_t)v;
	}
	if (compress < 0)
		return n == 8;
	if (n == 8)
		return false;
	int moved = n - compress;
	for (int k = 0; k < moved; k++) {
		uint16_t t = piece[n - 1 - k];

		piece[n - 1 - k] = 0;
		piece[7 - k] = t;
	}
	return true;
}

static enum url_host_kind
parse_ipv6(struct span s, struct buf *out)
{
	uint16_t piece[8] = {0};
	int best = -1, best_n = 1;

	if (!read_ipv6(s, piece))
		return URL_HOST_NONE;
	for (int i = 0; i < 8; i++) {
		int n = 0;

		while (i + n < 8 && piece[i + n] == 0)
			n++;
		if (n > best_n) {
			best = i;
			best_n = n;
		}
		if (n > 0)
			i += n - 1;
	}
	buf_add_char(out, '[');
	for (int i = 0; i < 8; i++) {
		if (i == best) {
			buf_add_str(out, i == 0 ? "::" : ":");
			i += best_n - 1;
			continue;
		}
		buf_addf(out, "%x", (unsigned)piece[i]);
		if (i < 7)
			buf_add_char(out, ':');
	}
	buf_add_char(out, ']');
	return URL_HOST_IPV6;
}

/* An ASCII name is only made lower case, A-labels or not: the standard keeps
 * even those that are no valid Punycode. */
static bool
needs_idna(struct span host)
{
	for (size_t i = 0; i < host.n; i++)
		if ((unsigned char)host.p[i] >= 0x80)
			return true;
	return false;
}

/* IDNA by libidn2 from UTF-8, which asks no locale.  The standard's
 * CheckHyphens is false and its VerifyDnsLength too; libidn2 is stricter on
 * length only. */
static bool
idna_ascii(struct span host, struct buf *out)
{
	char *text = span_dup(host), *ascii = NULL;
	bool good;

	good = memchr(host.p, 0, host.n) == NULL &&
	    idn2_to_ascii_8z(text, &ascii,
		IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) == IDN2_OK &&
	    ascii[0] != '\0';
	if (good)
		buf_add_str(out, ascii);
	idn2_free(ascii);
	free(text);
	return good;
}

static enum url_host_kind
parse_domain(struct span host, struct buf *out)
{
	size_t from = out->len;
	struct span name;

	if (needs_idna(host)) {
		if (!idna_ascii(host, out))
			return URL_HOST_NONE;
	} else {
		buf_add_span(out, host);
		for (size_t i = from; i < out->len; i++)
			out->data[i] = ascii_lower(out->data[i]);
	}
	if (out->overflow)
		return URL_HOST_NONE;
	name = span_slice(buf_span(out), from, out->len - from);
	for (size_t i = 0; i < name.n; i++)
		if (forbidden_domain((unsigned char)name.p[i]))
			return URL_HOST_NONE;
	if (name.n == 0)
		return URL_HOST_NONE;
	if (ends_in_number(name)) {
		char *text = span_dup(name);
		enum url_host_kind kind;

		out->len = from;
		kind = parse_ipv4(span_of(text), out);
		free(text);
		return kind;
	}
	return URL_HOST_DOMAIN;
}

enum url_host_kind
host_parse(struct span host, bool special, struct buf *out)
{
	struct buf work = BUF_INIT(HOST_WORK_MAX);
	enum url_host_kind kind = URL_HOST_NONE;

	if (host.n > 0 && host.p[0] == '[') {
		if (host.p[host.n - 1] != ']')
			return URL_HOST_NONE;
		return parse_ipv6(span_slice(host, 1, host.n - 2), out);
	}
	if (!special)
		return parse_opaque(host, out);
	if (span_find(host, '%') == host.n)
		return parse_domain(host, out);
	percent_decode(host, &work);
	if (!work.overflow)
		kind = parse_domain(buf_span(&work), out);
	buf_release(&work);
	return kind;
}
