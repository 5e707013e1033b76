/* Checks of single values: pure, no look at files or network. */
#include <arpa/inet.h>
#include <string.h>

#include "config_check.h"
#include "limit.h"

const char *const site_statuses[] = {"active", "offline", "dormant", "unknown",
    NULL};
const char *const account_statuses[] = {"active", "unknown", "terminated",
    "suspended", "renamed", "private", "dormant", NULL};
const char *const attributions[] = {"official", "linked", "suspected",
    "third-party", "fan", NULL};
const char *const categories[] = {"news", "party", "government", "portal",
    "culture", "education", "science", "sport", "tourism", "trade",
    "overseas-affiliate", "control", "other", NULL};

static bool
one_of(const char *const *list, const char *s)
{
	for (; *list != NULL; list++)
		if (strcmp(*list, s) == 0)
			return true;
	return false;
}

const char *
check_site_status(const char *s)
{
	return one_of(site_statuses, s)
	    ? NULL
	    : "is none of active, offline, dormant, unknown";
}

const char *
check_account_status(const char *s)
{
	return one_of(account_statuses, s)
	    ? NULL
	    : "is none of active, unknown, terminated, suspended, renamed, "
	      "private, dormant";
}

const char *
check_attribution(const char *s)
{
	return one_of(attributions, s)
	    ? NULL
	    : "is none of official, linked, suspected, third-party, fan";
}

const char *
check_category(const char *s)
{
	return one_of(categories, s)
	    ? NULL
	    : "is none of news, party, government, portal, culture, education, "
	      "science, sport, tourism, trade, overseas-affiliate, control, "
	      "other";
}

const char *
check_filled(const char *s)
{
	return s[0] == '\0' ? "must not be empty" : NULL;
}

const char *
check_absolute(const char *s)
{
	return s[0] == '/' ? NULL : "must be a path that begins with /";
}

const char *
check_id(const char *s)
{
	if (!ascii_alnum(s[0]) || strlen(s) > 64)
		return "must begin with a letter or digit and have at most "
		       "64 characters";
	for (; *s != '\0'; s++)
		if (!(ascii_alnum(*s) && ascii_lower(*s) == *s) &&
		    strchr("-._", *s) == NULL)
			return "may hold only a-z, 0-9, '-', '.' and '_'";
	return NULL;
}

const char *
check_language(const char *s)
{
	size_t run = 0;

	if (!ascii_alpha(s[0]) || strlen(s) > 35)
		return "is not a language tag such as ko, en, zh-hant";
	for (; *s != '\0'; s++) {
		run = *s == '-' ? 0 : run + 1;
		if ((!ascii_alnum(*s) && *s != '-') || run > 8 ||
		    (*s == '-' && (s[1] == '-' || s[1] == '\0')))
			return "is not a language tag such as ko, en, zh-hant";
	}
	return NULL;
}

/* Stars are bounded because matching time grows with them. */
const char *
check_glob(const char *s)
{
	size_t stars = 0;

	if (s[0] == '\0')
		return "is an empty pattern";
	if (strlen(s) > 1024)
		return "is longer than 1024 bytes";
	for (; *s != '\0'; s++) {
		if (*s == '*' && s[1] == '*')
			return "has two stars in a row";
		if (*s == ' ')
			return "holds a space";
		if (strchr("[]{}\\", *s) != NULL)
			return "uses more than * and ?, the only wildcards";
		stars += *s == '*';
	}
	return stars > 16 ? "has more than 16 stars" : NULL;
}

static bool
port_good(struct span s)
{
	uint64_t port;

	return s.n <= 5 && span_u64(s, &port) && port >= 1 && port <= 65535;
}

static bool
address_good(struct span s, int family)
{
	char text[INET6_ADDRSTRLEN];
	uint8_t raw[16];

	if (s.n == 0 || s.n >= sizeof text)
		return false;
	memcpy(text, s.p, s.n);
	text[s.n] = '\0';
	return inet_pton(family, text, raw) == 1;
}

/* DNS labels; non-ASCII letters are for IDNA to judge. */
static bool
host_good(struct span host)
{
	struct span rest = host;
	struct span label;

	if (span_ends_i(host, "."))
		rest.n--;
	if (rest.n == 0 || rest.n > HOST_MAX_LEN)
		return false;
	while (rest.p != NULL) {
		label = span_token(&rest, '.');
		if (label.n == 0 || label.n > 63 || label.p[0] == '-' ||
		    label.p[label.n - 1] == '-')
			return false;
		for (size_t i = 0; i < label.n; i++)
			if (!ascii_alnum(label.p[i]) && label.p[i] != '-' &&
			    label.p[i] != '_' && (label.p[i] & 0x80) == 0)
				return false;
	}
	return true;
}

/* A name whose last label is a number would be read as an address, so it must
 * be one (WHATWG URL, "ends in a number"). */
static bool
host_numeric(struct span host)
{
	size_t from = host.n;
	size_t i;

	while (from > 0 && host.p[from - 1] != '.')
		from--;
	i = from;
	if (span_starts_i(span_slice(host, from, host.n), "0x"))
		for (i += 2; i < host.n && ascii_hex(host.p[i]) >= 0; i++)
			;
	else
		while (i < host.n && ascii_digit(host.p[i]))
			i++;
	return i == host.n;
}

/* "host", "host:port" or "[address]:port". */
static const char *
authority_check(struct span s, bool need_port)
{
	struct span host, port = SPAN_NULL;
	size_t end;

	if (span_find(s, '@') < s.n)
		return "carries a user name; put credentials elsewhere";
	if (s.n > 0 && s.p[0] == '[') {
		end = span_find(s, ']');
		if (!address_good(span_slice(s, 1, end - 1), AF_INET6) ||
		    end == s.n)
			return "has a bad IPv6 address";
		if (end + 1 < s.n && s.p[end + 1] != ':')
			return "has something after ']' that is no port";
		if (end + 1 < s.n)
			port = span_slice(s, end + 2, s.n);
	} else {
		end = span_find(s, ':');
		host = span_slice(s, 0, end);
		if (end < s.n)
			port = span_slice(s, end + 1, s.n);
		if (host_numeric(host) ? !address_good(host, AF_INET)
				       : !host_good(host))
			return "has no valid host name";
	}
	if (port.p != NULL && !port_good(port))
		return "has a bad port";
	return need_port && port.p == NULL ? "has no port" : NULL;
}

static bool
url_byte(char c)
{
	return (unsigned char)c > 0x20 && c != 0x7f &&
	    strchr("<>\"{}|\\^`", c) == NULL;
}

const char *
check_url(const char *s)
{
	struct span url = span_of(s);
	struct span rest;
	size_t n = 0;

	if (span_starts_i(url, "http://"))
		rest = span_slice(url, 7, url.n);
	else if (span_starts_i(url, "https://"))
		rest = span_slice(url, 8, url.n);
	else
		return "is not an http or https URL";
	if (url.n > URL_MAX_LEN)
		return "is too long";
	for (size_t i = 0; i < url.n; i++)
		if (!url_byte(url.p[i]))
			return "holds a character that no URL may hold";
	while (n < rest.n && strchr("/?#", rest.p[n]) == NULL)
		n++;
	if (n == 0)
		return "has no host";
	return authority_check(span_slice(rest, 0, n), false);
}

const char *
check_proxy(const char *s)
{
	static const char *const schemes[] = {"http://", "https://",
	    "socks5://", "socks5h://"};
	struct span proxy = span_of(s);

	if (strcmp(s, "direct") == 0)
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(schemes); i++)
		if (span_starts(proxy, schemes[i]))
			return authority_check(span_slice(proxy,
						   strlen(schemes[i]), proxy.n),
			    true);
	return "is not socks5h://HOST:PORT, socks5://, http://, https:// or "
	       "direct";
}

const char *
check_name_server(const char *s)
{
	struct span v = span_of(s);
	size_t end;

	if (address_good(v, AF_INET) || address_good(v, AF_INET6))
		return NULL;
	end = v.n > 0 && v.p[0] == '[' ? span_find(v, ']') + 1
				       : span_find(v, ':');
	if (end < v.n && v.p[end] == ':' &&
	    port_good(span_slice(v, end + 1, v.n)) &&
	    (v.p[0] == '[' ? address_good(span_slice(v, 1, end - 2), AF_INET6)
			   : address_good(span_slice(v, 0, end), AF_INET)))
		return NULL;
	return "is not an address such as 192.0.2.53, 192.0.2.53:53 or "
	       "[2001:db8::53]:53";
}

const char *
check_listen(const char *s)
{
	struct span v = span_of(s);
	struct span port;

	if (span_starts(v, "127.") && span_find(v, ':') < v.n &&
	    address_good(span_slice(v, 0, span_find(v, ':')), AF_INET))
		port = span_slice(v, span_find(v, ':') + 1, v.n);
	else if (span_starts(v, "[::1]:"))
		port = span_slice(v, 6, v.n);
	else
		return "is not a loopback address with a port, such as "
		       "127.0.0.1:9464";
	return port_good(port) ? NULL : "has a bad port";
}

static bool
bits_clear(const uint8_t *raw, uint64_t from, uint64_t to)
{
	for (; from < to; from++)
		if ((raw[from / 8] >> (7 - from % 8) & 1) != 0)
			return false;
	return true;
}

const char *
check_network(const char *s)
{
	char text[INET6_ADDRSTRLEN];
	struct span rest = span_of(s);
	struct span address = span_token(&rest, '/');
	uint8_t raw[16];
	uint64_t bits, width;

	if (address.n == 0 || address.n >= sizeof text)
		return "is not a network such as 10.0.0.0/8 or fd00::/8";
	memcpy(text, address.p, address.n);
	text[address.n] = '\0';
	if (inet_pton(AF_INET, text, raw) == 1)
		width = 32;
	else if (inet_pton(AF_INET6, text, raw) == 1)
		width = 128;
	else
		return "is not a network such as 10.0.0.0/8 or fd00::/8";
	if (rest.p == NULL)
		return NULL;
	if (!span_u64(rest, &bits) || bits > width)
		return "has a bad prefix length";
	return bits_clear(raw, bits, width)
	    ? NULL
	    : "has address bits set after the prefix";
}
