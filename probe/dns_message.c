#include "dns.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "limit.h"

/* One byte of a label in presentation form, RFC 4343 section 2.1. */
static void
add_label_byte(struct buf *out, uint8_t c)
{
	if (c == '.' || c == '\\') {
		buf_add_char(out, '\\');
		buf_add_char(out, (char)c);
	} else if (c > 0x20 && c < 0x7f) {
		buf_add_char(out, (char)c);
	} else {
		buf_addf(out, "\\%03u", (unsigned)c);
	}
}

bool
dns_name(struct span message, struct cursor *c, struct buf *out)
{
	struct cursor at = *c;
	size_t start = out->len, wire = 0;
	unsigned jumps = 0;
	bool jumped = false;

	for (;;) {
		uint8_t n = cursor_u8(&at);
		struct span label;

		if (at.bad)
			break;
		if (n >= 0xc0) {
			size_t to = (size_t)(n & 0x3f) << 8 | cursor_u8(&at);

			if (!jumped)
				*c = at;
			jumped = true;
			if (at.bad || ++jumps > DNS_JUMPS_MAX ||
			    to >= message.n)
				break;
			cursor_init(&at, message.p + to, message.n - to);
			continue;
		}
		if (n == 0) {
			if (!jumped)
				*c = at;
			if (out->len == start)
				buf_add_char(out, '.');
			return !out->overflow;
		}
		wire += n + (size_t)1;
		label = cursor_take(&at, n);
		if (n > 63 || wire > 254 || at.bad)
			break;
		if (out->len > start)
			buf_add_char(out, '.');
		for (size_t i = 0; i < label.n; i++)
			add_label_byte(out, (uint8_t)label.p[i]);
	}
	c->bad = true;
	return false;
}

static char *
take_name(struct span message, struct cursor *c)
{
	struct buf b = BUF_INIT(DNS_NAME_MAX);
	char *s = NULL;

	if (dns_name(message, c, &b))
		s = buf_detach(&b, NULL);
	buf_release(&b);
	return s;
}

static char *
address_text(int family, struct span data)
{
	char text[INET6_ADDRSTRLEN];

	if (data.n != (family == AF_INET ? 4 : 16) ||
	    inet_ntop(family, data.p, text, sizeof text) == NULL)
		return NULL;
	return xstrdup(text);
}

static char *
mx_text(struct span message, struct cursor *c)
{
	unsigned preference = cursor_u16be(c);
	char *name = take_name(message, c), *s = NULL;

	if (name != NULL)
		s = xasprintf("%u %s", preference, name);
	free(name);
	return s;
}

static char *
txt_text(struct cursor *c)
{
	struct buf b = BUF_INIT(4 * KIB);
	struct span s;

	while (cursor_left(c) > 0) {
		s = cursor_take(c, cursor_u8(c));
		if (c->bad)
			break;
		buf_add_span(&b, s);
	}
	return buf_detach(&b, NULL);
}

static char *
rdata_text(struct span message, uint16_t type, struct span data)
{
	struct cursor c;

	cursor_init(&c, data.p, data.n);
	switch (type) {
	case DNS_A:
		return address_text(AF_INET, data);
	case DNS_AAAA:
		return address_text(AF_INET6, data);
	case DNS_NS:
	case DNS_CNAME:
	case DNS_PTR:
		return take_name(message, &c);
	case DNS_MX:
		return mx_text(message, &c);
	case DNS_TXT:
		return txt_text(&c);
	default:
		return NULL;
	}
}

static bool
parse_record(struct dns_message *m, struct span message, struct cursor *c,
    enum dns_section section)
{
	struct dns_rr rr = {.section = section};
	struct span data;

	rr.name = take_name(message, c);
	rr.type = cursor_u16be(c);
	rr.class = cursor_u16be(c);
	rr.ttl = cursor_u32be(c);
	data = cursor_take(c, cursor_u16be(c));
	if (c->bad) {
		free(rr.name);
		return false;
	}
	if (rr.type == DNS_OPT) {
		/* RFC 6891: the upper eight bits of the response code. */
		m->rcode |= rr.ttl >> 24 << 4;
		free(rr.name);
		return true;
	}
	if (m->nrecords >= DNS_ANSWERS_MAX) {
		m->cut = true;
		free(rr.name);
		return true;
	}
	rr.value = rdata_text(message, rr.type, data);
	m->records = xgrow(m->records, &m->records_cap, m->nrecords + 1,
	    sizeof *m->records);
	m->records[m->nrecords++] = rr;
	return true;
}

static bool
parse_question(struct dns_message *m, struct span message, struct cursor *c)
{
	for (unsigned i = 0; i < m->questions; i++) {
		char *name = take_name(message, c);
		uint16_t type = cursor_u16be(c), class = cursor_u16be(c);

		if (c->bad || name == NULL) {
			free(name);
			return false;
		}
		if (i > 0) {
			free(name);
			continue;
		}
		m->name = name;
		m->type = type;
		m->class = class;
	}
	return true;
}

bool
dns_parse(struct dns_message *m, struct span s)
{
	struct cursor c;
	uint16_t flags, counts[3];

	memset(m, 0, sizeof *m);
	cursor_init(&c, s.p, s.n);
	m->id = cursor_u16be(&c);
	flags = cursor_u16be(&c);
	m->questions = cursor_u16be(&c);
	for (int i = 0; i < 3; i++)
		counts[i] = cursor_u16be(&c);
	m->response = flags >> 15;
	m->opcode = flags >> 11 & 15;
	m->authoritative = flags >> 10 & 1;
	m->truncated = flags >> 9 & 1;
	m->recursion_desired = flags >> 8 & 1;
	m->recursion_available = flags >> 7 & 1;
	m->rcode = flags & 15;
	if (c.bad || !parse_question(m, s, &c)) {
		dns_message_release(m);
		return false;
	}
	for (int i = 0; i < 3; i++)
		for (unsigned n = 0; n < counts[i]; n++)
			if (!parse_record(m, s, &c, (enum dns_section)i)) {
				m->cut = true;
				return true;
			}
	return true;
}

void
dns_message_release(struct dns_message *m)
{
	free(m->name);
	for (size_t i = 0; i < m->nrecords; i++) {
		free(m->records[i].name);
		free(m->records[i].value);
	}
	free(m->records);
	memset(m, 0, sizeof *m);
}

const char *
dns_type_name(uint16_t type, char out[16])
{
	static const struct {
		uint16_t type;
		const char *name;
	} known[] = {{DNS_A, "A"}, {DNS_NS, "NS"}, {DNS_CNAME, "CNAME"},
	    {DNS_SOA, "SOA"}, {DNS_PTR, "PTR"}, {DNS_MX, "MX"},
	    {DNS_TXT, "TXT"}, {DNS_AAAA, "AAAA"}, {DNS_SRV, "SRV"},
	    {DNS_OPT, "OPT"}, {DNS_SVCB, "SVCB"}, {DNS_HTTPS, "HTTPS"}};

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (known[i].type == type)
			return known[i].name;
	snprintf(out, 16, "TYPE%u", (unsigned)type);
	return out;
}

const char *
dns_rcode_name(unsigned rcode, char out[16])
{
	static const char *const names[] = {"NOERROR", "FORMERR", "SERVFAIL",
	    "NXDOMAIN", "NOTIMP", "REFUSED"};

	if (rcode < ARRAY_LEN(names))
		return names[rcode];
	snprintf(out, 16, "RCODE%u", rcode);
	return out;
}

bool
dns_query(struct buf *out, uint16_t id, const char *name, uint16_t type)
{
	/* Recursion desired, one question. */
	const uint8_t head[12] = {(uint8_t)(id >> 8), (uint8_t)id, 1, 0, 0, 1};
	const uint8_t tail[5] = {0, (uint8_t)(type >> 8), (uint8_t)type, 0, 1};
	struct span rest = span_of(name), label;

	if (rest.n > 0 && rest.p[rest.n - 1] == '.')
		rest.n--;
	if (rest.n == 0 || rest.n > HOST_MAX_LEN - 2)
		return false;
	buf_add(out, head, sizeof head);
	while (rest.p != NULL) {
		label = span_token(&rest, '.');
		if (label.n == 0 || label.n > 63)
			return false;
		buf_put_u8(out, (uint8_t)label.n);
		buf_add_span(out, label);
	}
	buf_add(out, tail, sizeof tail);
	return !out->overflow;
}
