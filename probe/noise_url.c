/* Session identifiers, tokens and cache busters in URLs. */
#include "noise.h"

#define KEY(s)                                                                 \
	{                                                                      \
		s, sizeof(s) - 1                                               \
	}

static const struct span session_keys[] = {KEY("phpsessid"), KEY("jsessionid"),
    KEY("sid"), KEY("sessionid"), KEY("session_id"), KEY("session"),
    KEY("sess"), KEY("s_id"), KEY("token"), KEY("_token"), KEY("csrf"),
    KEY("_csrf"), KEY("csrf_token"), KEY("csrftoken"), KEY("nonce"), KEY("_"),
    KEY("rand"), KEY("random"), KEY("rnd"), KEY("nocache"), KEY("cachebuster"),
    KEY("cb"), KEY("ts"), KEY("timestamp"), KEY("fbclid"), KEY("gclid")};

/* Values of these are left out when they are a long number only. */
static const struct span stamp_keys[] = {KEY("t"), KEY("time"), KEY("v"),
    KEY("ver"), KEY("r"), KEY("d")};

static bool
key_in(struct span key, const struct span *list, size_t n)
{
	uint64_t start = key_lower(span_key(key));

	for (size_t i = 0; i < n; i++)
		if (key.n == list[i].n && start == span_key(list[i]) &&
		    span_eq_i(key, list[i]))
			return true;
	return false;
}

static bool
is_noise(struct span key, struct span value)
{
	uint64_t number;

	if (key_in(key, session_keys, ARRAY_LEN(session_keys)) ||
	    span_starts_i(key, "aspsessionid") || span_starts_i(key, "utm_"))
		return true;
	return value.n >= 9 && span_u64(value, &number) &&
	    key_in(key, stamp_keys, ARRAY_LEN(stamp_keys));
}

void
noise_url(struct span url, struct buf *out)
{
	size_t hash = span_find(url, '#'), mark, params;
	struct span fragment = span_slice(url, hash, url.n), path, rest, pair;
	char sep = '?';

	url = span_slice(url, 0, hash);
	mark = span_find(url, '?');
	path = span_slice(url, 0, mark);
	params = span_find(path, ';');
	if (params < path.n)
		params = span_search_i(path, ";jsessionid=");
	(void)buf_add_span(out, span_slice(path, 0, params));
	rest = mark < url.n ? span_slice(url, mark + 1, url.n) : SPAN_NULL;
	while (rest.p != NULL) {
		size_t eq;

		pair = span_token(&rest, '&');
		eq = span_find(pair, '=');
		if (is_noise(span_slice(pair, 0, eq),
			span_slice(pair, eq + 1, pair.n)))
			continue;
		(void)buf_add_char(out, sep);
		(void)buf_add_span(out, pair);
		sep = '&';
	}
	(void)buf_add_span(out, fragment);
}
