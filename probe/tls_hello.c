#include "tls_hello.h"

#include <stdlib.h>
#include <string.h>

#include "limit.h"

enum {
	RECORD_CCS = 20,
	RECORD_ALERT = 21,
	RECORD_HANDSHAKE = 22,
	RECORD_DATA = 23,
	CLIENT_HELLO = 1,
	SERVER_HELLO = 2
};

bool
tls_looks(struct span s)
{
	uint8_t type = s.n > 0 ? (uint8_t)s.p[0] : 0;

	/* Fewer bytes than tell: no other protocol begins with a handshake's
	 * type. */
	if (s.n < 3)
		return type == RECORD_HANDSHAKE && (s.n < 2 || s.p[1] == 3);
	return type >= RECORD_CCS && type <= RECORD_DATA && s.p[1] == 3 &&
	    (uint8_t)s.p[2] <= 4;
}

void
tls_peek_init(struct tls_peek *t)
{
	memset(t, 0, sizeof *t);
	buf_init(&t->hello, TLS_HELLO_MAX);
}

void
tls_peek_release(struct tls_peek *t)
{
	buf_release(&t->hello);
	free(t->server_name);
	t->server_name = NULL;
}

static char *
name_of_extension(struct span data)
{
	struct cursor c;
	struct span name;

	cursor_init(&c, data.p, data.n);
	cursor_skip(&c, 2); /* length of the list */
	if (cursor_u8(&c) != 0)
		return NULL;
	name = cursor_take(&c, cursor_u16be(&c));
	if (c.bad || name.n == 0 || name.n > HOST_MAX_LEN)
		return NULL;
	for (size_t i = 0; i < name.n; i++)
		if (name.p[i] <= ' ' || name.p[i] == 0x7f)
			return NULL;
	return span_dup(name);
}

char *
tls_server_name(struct span hello)
{
	struct cursor c;

	cursor_init(&c, hello.p, hello.n);
	if (cursor_u8(&c) != CLIENT_HELLO)
		return NULL;
	cursor_skip(&c, 3 + 2 + 32); /* length, version, random */
	cursor_skip(&c, cursor_u8(&c));
	cursor_skip(&c, cursor_u16be(&c));
	cursor_skip(&c, cursor_u8(&c));
	cursor_skip(&c, 2);
	while (cursor_left(&c) >= 4) {
		uint16_t type = cursor_u16be(&c);
		struct span data = cursor_take(&c, cursor_u16be(&c));

		if (!c.bad && type == 0)
			return name_of_extension(data);
	}
	return NULL;
}

static void
take_hello(struct tls_peek *t)
{
	const uint8_t *p = (const uint8_t *)t->hello.data;
	size_t n;

	if (t->hello.overflow) {
		t->over = true;
		return;
	}
	if (t->hello_seen || t->hello.len < 6)
		return;
	n = ((size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3]) + 4;
	if (p[0] != CLIENT_HELLO && p[0] != SERVER_HELLO) {
		t->over = true;
		return;
	}
	if (t->hello.len < n)
		return;
	t->hello_seen = true;
	t->version = (uint16_t)(p[4] << 8 | p[5]);
	t->server_name = tls_server_name((struct span){t->hello.data, n});
	buf_release(&t->hello);
}

static void
take_alert(struct tls_peek *t, struct span s)
{
	for (size_t i = 0; i < s.n && t->alert_n < 2; i++)
		t->alert[t->alert_n++] = (uint8_t)s.p[i];
	/* An encrypted alert has more than two bytes in its record. */
	if (t->alert_n == 2 && !t->encrypted && !t->has_alert &&
	    t->head[3] == 0 && t->head[4] == 2) {
		t->has_alert = true;
		t->alert_code = t->alert[1];
	}
}

static void
take_record_bytes(struct tls_peek *t, struct span s)
{
	switch (t->record_type) {
	case RECORD_HANDSHAKE:
		if (!t->hello_seen && !t->over) {
			buf_add_span(&t->hello, s);
			take_hello(t);
		}
		break;
	case RECORD_ALERT:
		take_alert(t, s);
		break;
	case RECORD_CCS:
		t->encrypted = true;
		break;
	case RECORD_DATA:
		t->encrypted = true;
		t->over = true;
		break;
	default:
		t->over = true;
	}
}

void
tls_peek_feed(struct tls_peek *t, struct span s)
{
	size_t n;

	while (s.n > 0 && !t->over) {
		if (t->record_left == 0) {
			t->head[t->head_n++] = (uint8_t)s.p[0];
			s = span_slice(s, 1, s.n);
			if (t->head_n < 5)
				continue;
			t->head_n = 0;
			t->alert_n = 0;
			t->record_type = t->head[0];
			t->record_left = (size_t)t->head[3] << 8 | t->head[4];
			if (!tls_looks((struct span){(char *)t->head, 5}))
				t->over = true;
			continue;
		}
		n = s.n < t->record_left ? s.n : t->record_left;
		t->record_left -= n;
		take_record_bytes(t, span_slice(s, 0, n));
		s = span_slice(s, n, s.n);
	}
}

const char *
tls_alert_name(int code)
{
	static const struct {
		int code;
		const char *name;
	} known[] = {{0, "close_notify"}, {10, "unexpected_message"},
	    {20, "bad_record_mac"}, {22, "record_overflow"},
	    {40, "handshake_failure"}, {42, "bad_certificate"},
	    {43, "unsupported_certificate"}, {44, "certificate_revoked"},
	    {45, "certificate_expired"}, {46, "certificate_unknown"},
	    {47, "illegal_parameter"}, {48, "unknown_ca"},
	    {49, "access_denied"}, {50, "decode_error"}, {51, "decrypt_error"},
	    {70, "protocol_version"}, {71, "insufficient_security"},
	    {80, "internal_error"}, {86, "inappropriate_fallback"},
	    {90, "user_canceled"}, {109, "missing_extension"},
	    {110, "unsupported_extension"}, {112, "unrecognized_name"},
	    {113, "bad_certificate_status_response"},
	    {115, "unknown_psk_identity"}, {116, "certificate_required"},
	    {120, "no_application_protocol"}};

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (known[i].code == code)
			return known[i].name;
	return NULL;
}
