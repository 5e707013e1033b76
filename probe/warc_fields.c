#include "warc_fields.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "limit.h"

enum kind {
	KIND_STR,
	KIND_BOOL,
	KIND_INT,
	KIND_LONG,
	KIND_I64,
	KIND_U64,
	KIND_U32,
	KIND_U16,
	KIND_VARIANT,
	KIND_FAILURE,
	KIND_STAGE,
	KIND_OUTCOME
};

struct field {
	const char *name;
	enum kind kind;
	size_t at;
	int64_t unset; /* number that is left out */
};

static const struct field visit_fields[] = {
#define F(name, kind, member)                                                  \
	{                                                                      \
		name, kind, offsetof(struct warc_visit, member), -1            \
	}
    F("hop", KIND_U32, hop),
    F("hops", KIND_U32, hops),
    F("has-request", KIND_BOOL, has_request),
    F("has-response", KIND_BOOL, has_response),
    F("head-bytes", KIND_U64, head_bytes),
    F("body-bytes", KIND_U64, body_bytes),
    F("one-chunk", KIND_BOOL, one_chunk),
#undef F
};

static const struct field observation_fields[] = {
#define F(name, kind, member)                                                  \
	{                                                                      \
		name, kind, offsetof(struct observation, member), 0            \
	}
    F("observation", KIND_U64, id),
    F("variant", KIND_VARIANT, variant),
    F("vantage", KIND_STR, vantage),
    F("target", KIND_STR, target),
    F("page", KIND_STR, page),
    F("page-url", KIND_STR, url),
    F("conditional", KIND_BOOL, conditional),
    F("watched", KIND_U32, watched),
#undef F
};

static const struct field hop_fields[] = {
#define F(name, kind, member, unset)                                           \
	{                                                                      \
		name, kind, offsetof(struct hop, member), unset                \
	}
    F("url", KIND_STR, url, 0),
    F("failure", KIND_FAILURE, failure, 0),
    F("failure-text", KIND_STR, failure_text, 0),
    F("stage", KIND_STAGE, stage, 0),
    F("outcome", KIND_OUTCOME, outcome, 0),
    F("status", KIND_INT, status, 0),
    F("http-version", KIND_INT, http_version, 0),
    F("body-cut", KIND_BOOL, body_cut, 0),
    F("address", KIND_STR, address, 0),
    F("port", KIND_U16, port, 0),
    F("local-port", KIND_U16, local_port, 0),
    F("dns-host", KIND_STR, dns.host, 0),
    F("dns-server", KIND_STR, dns.server, 0),
    F("dns-rcode", KIND_INT, dns.rcode, -1),
    F("dns-start-us", KIND_I64, dns.start_us, MARK_NONE),
    F("dns-end-us", KIND_I64, dns.end_us, MARK_NONE),
    F("tcp-start-us", KIND_I64, marks.tcp_start, MARK_NONE),
    F("tcp-done-us", KIND_I64, marks.tcp_done, MARK_NONE),
    F("tls-done-us", KIND_I64, marks.tls_done, MARK_NONE),
    F("request-sent-us", KIND_I64, marks.request_sent, MARK_NONE),
    F("first-byte-us", KIND_I64, marks.first_byte, MARK_NONE),
    F("last-byte-us", KIND_I64, marks.last_byte, MARK_NONE),
    F("tls-version", KIND_STR, tls_version, 0),
    F("tls-cipher", KIND_STR, tls_cipher, 0),
    F("curl-code", KIND_INT, curl_code, 0),
    F("os-errno", KIND_INT, os_errno, 0),
    F("verify-result", KIND_LONG, verify_result, 0),
    F("reset-injected", KIND_BOOL, reset_injected, 0),
    F("packets", KIND_U32, packets.count, 0),
    F("packets-incomplete", KIND_BOOL, packets.incomplete, 0),
    F("synack-us", KIND_I64, packets.synack_us, MARK_NONE),
    F("ttl", KIND_U16, packets.ttl, 0),
    F("reset-ttl", KIND_U16, packets.reset_ttl, 0),
    F("reset-by-server", KIND_BOOL, packets.reset_by_server, 0),
    F("reset-by-probe", KIND_BOOL, packets.reset_by_probe, 0),
    F("resent-up", KIND_U32, packets.resent_up, 0),
    F("resent-down", KIND_U32, packets.resent_down, 0),
#undef F
};

/* Those of the certificate whose "certificate" line came last. */
static const struct field certificate_fields[] = {
#define F(name, kind, member, unset)                                           \
	{                                                                      \
		name, kind, offsetof(struct certificate, member), unset        \
	}
    F("certificate-subject", KIND_STR, subject, 0),
    F("certificate-issuer", KIND_STR, issuer, 0),
    F("certificate-names", KIND_STR, san, 0),
    F("certificate-not-before", KIND_I64, not_before, 0),
    F("certificate-not-after", KIND_I64, not_after, 0),
#undef F
};

static void
put_text(struct buf *b, struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		bool end = i == 0 || i + 1 == s.n;

		if (c < 0x20 || c == 0x7f || c == '%' || (c == ' ' && end))
			buf_addf(b, "%%%02X", c);
		else
			buf_add_char(b, (char)c);
	}
}

/* The reverse of put_text(); returns owned. */
static char *
take_text(struct span s)
{
	char *out = xmalloc(s.n + 1);
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		uint8_t byte;

		if (s.p[i] == '%' && i + 2 < s.n &&
		    hex_decode(&byte, 1, span_slice(s, i + 1, 2))) {
			out[n++] = (char)byte;
			i += 2;
		} else {
			out[n++] = s.p[i];
		}
	}
	out[n] = '\0';
	return out;
}

static int64_t
get_number(const struct field *f, const void *base)
{
	const char *p = (const char *)base + f->at;

	switch (f->kind) {
	case KIND_BOOL:
		return *(const bool *)p;
	case KIND_LONG:
		return *(const long *)p;
	case KIND_I64:
		return *(const int64_t *)p;
	case KIND_U64:
		return (int64_t) * (const uint64_t *)p;
	case KIND_U32:
		return *(const uint32_t *)p;
	case KIND_U16:
		return *(const uint16_t *)p;
	case KIND_INT:
		return *(const int *)p;
	case KIND_VARIANT:
		return *(const enum variant *)p;
	case KIND_FAILURE:
		return *(const enum failure *)p;
	case KIND_STAGE:
		return *(const enum stage *)p;
	case KIND_OUTCOME:
		return *(const enum outcome *)p;
	case KIND_STR:
		break;
	}
	return 0;
}

static const char *
get_name(const struct field *f, const void *base)
{
	const char *p = (const char *)base + f->at;
	int64_t v;

	if (f->kind == KIND_STR)
		return *(char *const *)(const void *)p;
	v = get_number(f, base);
	if (f->kind == KIND_VARIANT)
		return variant_name((enum variant)v);
	if (f->kind == KIND_FAILURE)
		return failure_name((enum failure)v);
	if (f->kind == KIND_STAGE)
		return stage_name((enum stage)v);
	return outcome_name((enum outcome)v);
}

static bool
is_named(enum kind kind)
{
	return kind == KIND_STR || kind >= KIND_VARIANT;
}

static void
encode_table(const struct field *f, size_t n, const void *base, struct buf *b)
{
	for (; n > 0; n--, f++) {
		if (is_named(f->kind)) {
			const char *text = get_name(f, base);

			if (text == NULL)
				continue;
			buf_addf(b, "%s: ", f->name);
			put_text(b, span_of(text));
			buf_add_str(b, "\r\n");
		} else if (get_number(f, base) != f->unset) {
			buf_addf(b, "%s: %" PRId64 "\r\n", f->name,
			    get_number(f, base));
		}
	}
}

static bool
take_number(struct span s, int64_t *out)
{
	bool minus = s.n > 0 && s.p[0] == '-';
	uint64_t v;

	if (!span_u64(span_slice(s, minus ? 1 : 0, s.n), &v))
		return false;
	*out = minus ? (int64_t)(0 - v) : (int64_t)v;
	return true;
}

static void
set_named(const struct field *f, char *p, struct span value)
{
	switch (f->kind) {
	case KIND_STR:
		if (*(char **)(void *)p == NULL)
			*(char **)(void *)p = take_text(value);
		break;
	case KIND_VARIANT:
		*(enum variant *)(void *)p = variant_from_name(value);
		break;
	case KIND_FAILURE:
		*(enum failure *)(void *)p = failure_from_name(value);
		break;
	case KIND_STAGE:
		*(enum stage *)(void *)p = stage_from_name(value);
		break;
	case KIND_OUTCOME:
		*(enum outcome *)(void *)p = outcome_from_name(value);
		break;
	default:
		break;
	}
}

static bool
set_number(const struct field *f, char *p, struct span value)
{
	int64_t v;

	if (!take_number(value, &v))
		return false;
	switch (f->kind) {
	case KIND_BOOL:
		*(bool *)p = v != 0;
		return v == 0 || v == 1;
	case KIND_INT:
		*(int *)(void *)p = (int)v;
		return v >= INT32_MIN && v <= INT32_MAX;
	case KIND_LONG:
		*(long *)(void *)p = (long)v;
		return true;
	case KIND_I64:
		*(int64_t *)(void *)p = v;
		return true;
	case KIND_U64:
		*(uint64_t *)(void *)p = (uint64_t)v;
		return true;
	case KIND_U32:
		*(uint32_t *)(void *)p = (uint32_t)v;
		return v >= 0 && v <= UINT32_MAX;
	case KIND_U16:
		*(uint16_t *)(void *)p = (uint16_t)v;
		return v >= 0 && v <= UINT16_MAX;
	default:
		return false;
	}
}

/* -1: no such name in the table; 0: malformed; 1: set. */
static int
decode_table(const struct field *f, size_t n, void *base, struct span name,
    struct span value)
{
	for (; n > 0; n--, f++) {
		char *p = (char *)base + f->at;

		if (!span_is_i(name, f->name))
			continue;
		if (!is_named(f->kind))
			return set_number(f, p, value);
		set_named(f, p, value);
		return 1;
	}
	return -1;
}

static void
encode_lists(const struct hop *h, struct buf *b)
{
	for (size_t i = 0; i < h->dns.nrecords; i++) {
		const struct dns_record *r = &h->dns.records[i];

		buf_addf(b, "dns-record: %u ", r->ttl);
		put_text(b, span_of(r->type));
		buf_add_char(b, ' ');
		put_text(b, span_of(r->value));
		buf_add_str(b, "\r\n");
	}
	for (size_t i = 0; i < h->ntried; i++) {
		buf_add_str(b, "tried: ");
		put_text(b, span_of(h->tried[i]));
		buf_add_str(b, "\r\n");
	}
	for (size_t i = 0; i < h->nchain; i++) {
		buf_addf(b, "certificate: %s\r\n", h->chain[i].sha256);
		encode_table(certificate_fields, ARRAY_LEN(certificate_fields),
		    &h->chain[i], b);
	}
}

/* Read by warc_fields_decode(). */
void
warc_fields_encode(const struct observation *o, const struct warc_visit *v,
    struct buf *b)
{
	const struct hop *h = &o->hops[v->hop];

	buf_addf(b, "kpwatch-visit: %s\r\n", v->id);
	encode_table(visit_fields, ARRAY_LEN(visit_fields), v, b);
	encode_table(observation_fields, ARRAY_LEN(observation_fields), o, b);
	encode_table(hop_fields, ARRAY_LEN(hop_fields), h, b);
	encode_lists(h, b);
}

static bool
add_record(struct hop *h, struct span value)
{
	struct span rest = value, ttl = span_token(&rest, ' '), type;
	uint64_t v;
	char *text;
	bool ok;

	type = span_token(&rest, ' ');
	if (!span_u64(ttl, &v) || v > UINT32_MAX || rest.p == NULL)
		return false;
	text = take_text(rest);
	ok = dns_record_add(&h->dns, type, (uint32_t)v, span_of(text));
	free(text);
	return ok;
}

static bool
add_tried(struct hop *h, struct span value)
{
	if (h->ntried >= DNS_ANSWERS_MAX)
		return false;
	h->tried = xreallocarray(h->tried, h->ntried + 1, sizeof *h->tried);
	h->tried[h->ntried++] = take_text(value);
	return true;
}

static bool
add_certificate(struct hop *h, struct span value)
{
	struct certificate *x;

	if (h->nchain >= CERT_CHAIN_MAX || (value.n != 0 && value.n != 64))
		return false;
	h->chain = xreallocarray(h->chain, h->nchain + 1, sizeof *h->chain);
	x = &h->chain[h->nchain++];
	memset(x, 0, sizeof *x);
	if (value.n > 0)
		memcpy(x->sha256, value.p, value.n);
	return true;
}

static int
decode_lists(struct hop *h, struct span name, struct span value)
{
	if (span_is_i(name, "dns-record"))
		return add_record(h, value);
	if (span_is_i(name, "tried"))
		return add_tried(h, value);
	if (span_is_i(name, "certificate"))
		return add_certificate(h, value);
	if (h->nchain == 0)
		return -1;
	return decode_table(certificate_fields, ARRAY_LEN(certificate_fields),
	    &h->chain[h->nchain - 1], name, value);
}

/* Unknown names are for later versions. */
static bool
decode_line(struct span name, struct span value, struct warc_visit *v,
    struct observation *o, struct hop *h)
{
	int rc =
	    decode_table(visit_fields, ARRAY_LEN(visit_fields), v, name, value);

	if (rc < 0)
		rc = decode_table(observation_fields,
		    ARRAY_LEN(observation_fields), o, name, value);
	if (rc < 0)
		rc = decode_table(hop_fields, ARRAY_LEN(hop_fields), h, name,
		    value);
	if (rc < 0)
		rc = decode_lists(h, name, value);
	return rc != 0;
}

/* Written by warc_fields_encode(). */
bool
warc_fields_decode(struct span s, struct warc_visit *v, struct observation *o,
    struct hop *h)
{
	struct span id = header_value(s, "kpwatch-visit");

	memset(v, 0, sizeof *v);
	if (id.n == 0 || id.n >= sizeof v->id)
		return false;
	memcpy(v->id, id.p, id.n);
	while (s.p != NULL) {
		struct span line = span_token(&s, '\n'), name;
		size_t colon = span_find(line, ':');

		if (colon == line.n)
			continue;
		name = span_trim(span_slice(line, 0, colon));
		if (!decode_line(name,
			span_trim(span_slice(line, colon + 1, line.n)), v, o,
			h))
			return false;
	}
	return v->hops >= 1 && v->hops <= HOPS_MAX && v->hop < v->hops;
}
