#include "json.h"

#include <inttypes.h>

#include "log.h"

void
json_init(struct json *j, struct buf *out)
{
	j->out = out;
	j->comma = false;
}

static void
before_value(struct json *j)
{
	if (j->comma)
		buf_add_char(j->out, ',');
	j->comma = true;
}

void
json_object(struct json *j)
{
	before_value(j);
	buf_add_char(j->out, '{');
	j->comma = false;
}

void
json_object_end(struct json *j)
{
	buf_add_char(j->out, '}');
	j->comma = true;
}

void
json_array(struct json *j)
{
	before_value(j);
	buf_add_char(j->out, '[');
	j->comma = false;
}

void
json_array_end(struct json *j)
{
	buf_add_char(j->out, ']');
	j->comma = true;
}

/* Appends one character that needs care; returns the bytes it used. */
static size_t
put_special(struct buf *out, struct span s)
{
	uint32_t cp;
	size_t n = utf8_decode(s, &cp);

	switch (cp) {
	case '"':
		buf_add_str(out, "\\\"");
		break;
	case '\\':
		buf_add_str(out, "\\\\");
		break;
	case '\n':
		buf_add_str(out, "\\n");
		break;
	case '\r':
		buf_add_str(out, "\\r");
		break;
	case '\t':
		buf_add_str(out, "\\t");
		break;
	default:
		/* Lines are read on terminals, too. */
		if (quote_wants(cp))
			buf_addf(out, "\\u%04x", cp);
		else
			buf_add_utf8(out, cp);
	}
	return n;
}

static bool
is_plain(char c)
{
	return (unsigned char)c >= 0x20 && (unsigned char)c < 0x7f &&
	    c != '"' && c != '\\';
}

void
json_span(struct json *j, struct span s)
{
	size_t plain;

	if (s.p == NULL) {
		json_null(j);
		return;
	}
	before_value(j);
	buf_add_char(j->out, '"');
	while (s.n > 0) {
		for (plain = 0; plain < s.n && is_plain(s.p[plain]);)
			plain++;
		buf_add(j->out, s.p, plain);
		s = span_slice(s, plain, s.n);
		if (s.n > 0)
			s = span_slice(s, put_special(j->out, s), s.n);
	}
	buf_add_char(j->out, '"');
}

void
json_str(struct json *j, const char *s)
{
	json_span(j, span_of(s));
}

void
json_int(struct json *j, int64_t v)
{
	before_value(j);
	buf_addf(j->out, "%" PRId64, v);
}

void
json_uint(struct json *j, uint64_t v)
{
	before_value(j);
	buf_addf(j->out, "%" PRIu64, v);
}

void
json_bool(struct json *j, bool v)
{
	before_value(j);
	buf_add_str(j->out, v ? "true" : "false");
}

void
json_null(struct json *j)
{
	before_value(j);
	buf_add_str(j->out, "null");
}

void
json_key(struct json *j, const char *key)
{
	json_str(j, key);
	buf_add_char(j->out, ':');
	j->comma = false;
}

void
json_key_str(struct json *j, const char *key, const char *s)
{
	json_key(j, key);
	json_str(j, s);
}

void
json_key_span(struct json *j, const char *key, struct span s)
{
	json_key(j, key);
	json_span(j, s);
}

void
json_key_int(struct json *j, const char *key, int64_t v)
{
	json_key(j, key);
	json_int(j, v);
}

void
json_key_bool(struct json *j, const char *key, bool v)
{
	json_key(j, key);
	json_bool(j, v);
}

void
json_key_null(struct json *j, const char *key)
{
	json_key(j, key);
	json_null(j);
}
