#include "observation.h"

#include <stdlib.h>
#include <string.h>

#include "limit.h"
#include "log.h"

/* For what is read of a usual one, but bodies. */
#define TEXTS_ROOM (sizeof(struct hop) + 2 * KIB)

static const char *const source_names[SOURCE_COUNT] = {"live", "pcap", "warc"};
static const char *const variant_names[VARIANT_COUNT] = {"normal", "unverified",
    "confirm", "twin", "control"};

void
observation_init(struct observation *o)
{
	memset(o, 0, sizeof *o);
}

static void
hop_init(struct hop *h)
{
	memset(h, 0, sizeof *h);
	h->dns.rcode = -1;
	h->dns.start_us = h->dns.end_us = MARK_NONE;
	h->marks = (struct marks){MARK_NONE, MARK_NONE, MARK_NONE, MARK_NONE,
	    MARK_NONE, MARK_NONE};
	h->packets.synack_us = MARK_NONE;
	buf_init(&h->request, HEADER_BYTES_MAX + URL_MAX_LEN);
	buf_init(&h->headers, HEADER_BYTES_MAX);
	buf_init(&h->body, JOB_BYTES_MAX);
	buf_init(&h->wire, JOB_BYTES_MAX);
}

bool
dns_record_is_address(const struct dns_record *r)
{
	return r->value != NULL &&
	    (strcmp(r->type, "A") == 0 || strcmp(r->type, "AAAA") == 0);
}

bool
dns_record_add(struct dns_lookup *d, struct span type, uint32_t ttl,
    struct span value)
{
	struct dns_record *r;

	if (d->nrecords >= DNS_ANSWERS_MAX || type.n >= sizeof r->type)
		return false;
	d->records =
	    xgrow(d->records, &d->records_cap, d->nrecords + 1, sizeof *r);
	r = &d->records[d->nrecords++];
	memset(r, 0, sizeof *r);
	memcpy(r->type, type.p, type.n);
	r->ttl = ttl;
	r->value = span_dup(value);
	return true;
}

void
dns_records_cut(struct dns_lookup *d, size_t n)
{
	while (d->nrecords > n)
		free(d->records[--d->nrecords].value);
}

void
dns_lookup_release(struct dns_lookup *d)
{
	free(d->host);
	free(d->server);
	dns_records_cut(d, 0);
	free(d->records);
}

static void
hop_free_texts(struct hop *h)
{
	dns_lookup_release(&h->dns);
	for (size_t i = 0; i < h->ntried; i++)
		free(h->tried[i]);
	for (size_t i = 0; i < h->nchain; i++) {
		free(h->chain[i].subject);
		free(h->chain[i].issuer);
		free(h->chain[i].san);
	}
	free(h->tried);
	free(h->chain);
	free(h->url);
	free(h->address);
	free(h->tls_version);
	free(h->tls_cipher);
	free(h->failure_text);
}

static void
free_texts(struct observation *o)
{
	for (size_t i = 0; i < o->nhops; i++)
		hop_free_texts(&o->hops[i]);
	free(o->hops);
	free(o->vantage);
	free(o->target);
	free(o->page);
	free(o->url);
}

void
observation_empty(struct observation *o)
{
	struct text_pool *texts = o->texts;

	for (size_t i = 0; i < o->nhops; i++) {
		buf_release(&o->hops[i].request);
		buf_release(&o->hops[i].headers);
		buf_release(&o->hops[i].body);
		buf_release(&o->hops[i].wire);
	}
	if (texts == NULL)
		free_texts(o);
	text_pool_clear(&texts);
	free(o->warc);
	free(o->pcap);
	buf_release(&o->packets);
	observation_init(o);
	o->texts = texts;
}

void
observation_release(struct observation *o)
{
	observation_empty(o);
	text_pool_free(o->texts);
	o->texts = NULL;
}

struct hop *
observation_add_hop(struct observation *o)
{
	if (o->texts != NULL)
		bug("a hop more of an observation that was decoded");
	o->hops = xreallocarray(o->hops, o->nhops + 1, sizeof *o->hops);
	hop_init(&o->hops[o->nhops]);
	return &o->hops[o->nhops++];
}

struct hop *
observation_last(const struct observation *o)
{
	if (o->nhops == 0)
		bug("observation of %s has no hop", log_quote_str(o->url));
	return &o->hops[o->nhops - 1];
}

bool
observation_answered(const struct observation *o)
{
	const struct hop *h;

	if (o->nhops == 0)
		return false;
	h = observation_last(o);
	return h->failure == FAILURE_NONE && h->status != 0;
}

size_t
observation_body_bytes(const struct observation *o)
{
	size_t n = 0;

	for (size_t i = 0; i < o->nhops; i++)
		n += o->hops[i].body.len + o->hops[i].wire.len;
	return n;
}

static void
lookup_encode(const struct dns_lookup *d, struct buf *b)
{
	buf_put_str(b, d->host);
	buf_put_str(b, d->server);
	buf_put_i64(b, d->rcode);
	buf_put_i64(b, d->start_us);
	buf_put_i64(b, d->end_us);
	buf_put_u32(b, (uint32_t)d->nrecords);
	for (size_t i = 0; i < d->nrecords; i++) {
		buf_put_str(b, d->records[i].type);
		buf_put_str(b, d->records[i].value);
		buf_put_u32(b, d->records[i].ttl);
	}
}

static void
type_decode(struct dns_record *r, struct cursor *c)
{
	struct span s = cursor_bytes(c, sizeof r->type - 1);

	memcpy(r->type, s.p, s.n);
	if (strlen(r->type) != s.n)
		c->bad = true;
}

static void
lookup_decode(struct dns_lookup *d, struct cursor *c, struct text_pool **pool)
{
	uint32_t n;

	d->host = cursor_text(c, HOST_MAX_LEN * 2, pool);
	d->server = cursor_text(c, HOST_MAX_LEN, pool);
	d->rcode = (int)cursor_i64le(c);
	d->start_us = cursor_i64le(c);
	d->end_us = cursor_i64le(c);
	n = cursor_u32le(c);
	if (n > DNS_ANSWERS_MAX || c->bad) {
		c->bad = true;
		return;
	}
	d->records = text_pool_array(pool, n, sizeof *d->records);
	d->nrecords = n;
	for (uint32_t i = 0; i < n; i++) {
		type_decode(&d->records[i], c);
		d->records[i].value = cursor_text(c, HOST_MAX_LEN * 2, pool);
		d->records[i].ttl = cursor_u32le(c);
	}
}

static void
chain_encode(const struct hop *h, struct buf *b)
{
	buf_put_u32(b, (uint32_t)h->nchain);
	for (size_t i = 0; i < h->nchain; i++) {
		const struct certificate *x = &h->chain[i];

		buf_put_str(b, x->sha256);
		buf_put_str(b, x->subject);
		buf_put_str(b, x->issuer);
		buf_put_str(b, x->san);
		buf_put_i64(b, x->not_before);
		buf_put_i64(b, x->not_after);
	}
}

static void
chain_decode(struct hop *h, struct cursor *c, struct text_pool **pool)
{
	uint32_t n = cursor_u32le(c);

	if (n > CERT_CHAIN_MAX || c->bad) {
		c->bad = true;
		return;
	}
	h->chain = text_pool_array(pool, n, sizeof *h->chain);
	h->nchain = n;
	for (uint32_t i = 0; i < n; i++) {
		struct certificate *x = &h->chain[i];
		struct span hex = cursor_bytes(c, 64);
		uint8_t raw[32];

		if (hex.n == 64 && hex_decode(raw, sizeof raw, hex))
			memcpy(x->sha256, hex.p, 64);
		else if (hex.n != 0)
			c->bad = true;
		x->subject = cursor_text(c, CERT_TEXT_MAX, pool);
		x->issuer = cursor_text(c, CERT_TEXT_MAX, pool);
		x->san = cursor_text(c, CERT_TEXT_MAX, pool);
		x->not_before = cursor_i64le(c);
		x->not_after = cursor_i64le(c);
	}
}

/* Read by packet_facts_decode(). */
void
packet_facts_encode(const struct packet_facts *p, struct buf *b)
{
	buf_put_u32(b, p->count);
	buf_put_i64(b, p->synack_us);
	buf_put_u16(b, p->ttl);
	buf_put_u16(b, p->reset_ttl);
	buf_put_u8(b,
	    (uint8_t)(p->reset_by_server | p->reset_by_probe << 1 |
		p->incomplete << 2));
	buf_put_u32(b, p->resent_up);
	buf_put_u32(b, p->resent_down);
}

/* Written by packet_facts_encode(). */
void
packet_facts_decode(struct packet_facts *p, struct cursor *c)
{
	uint8_t flags;

	p->count = cursor_u32le(c);
	p->synack_us = cursor_i64le(c);
	p->ttl = cursor_u16le(c);
	p->reset_ttl = cursor_u16le(c);
	flags = cursor_u8(c);
	p->reset_by_server = (flags & 1) != 0;
	p->reset_by_probe = (flags & 2) != 0;
	p->incomplete = (flags & 4) != 0;
	p->resent_up = cursor_u32le(c);
	p->resent_down = cursor_u32le(c);
}

static void
hop_encode(const struct hop *h, struct buf *b, enum bodies bodies)
{
	buf_put_str(b, h->url);
	lookup_encode(&h->dns, b);
	buf_put_u32(b, (uint32_t)h->ntried);
	for (size_t i = 0; i < h->ntried; i++)
		buf_put_str(b, h->tried[i]);
	buf_put_str(b, h->address);
	buf_put_u16(b, h->port);
	buf_put_u16(b, h->local_port);
	buf_put_i64(b, h->marks.tcp_start);
	buf_put_i64(b, h->marks.tcp_done);
	buf_put_i64(b, h->marks.tls_done);
	buf_put_i64(b, h->marks.request_sent);
	buf_put_i64(b, h->marks.first_byte);
	buf_put_i64(b, h->marks.last_byte);
	buf_put_str(b, h->tls_version);
	buf_put_str(b, h->tls_cipher);
	chain_encode(h, b);
	buf_put_bytes(b, buf_span(&h->request));
	buf_put_u32(b, (uint32_t)h->http_version);
	buf_put_u32(b, (uint32_t)h->status);
	buf_put_bytes(b, buf_span(&h->headers));
	buf_put_bytes(b, bodies != BODIES_NONE ? buf_span(&h->body) : SPAN(""));
	buf_put_bytes(b, bodies == BODIES_ALL ? buf_span(&h->wire) : SPAN(""));
	buf_put_u8(b, h->body_cut);
	buf_put_u8(b, (uint8_t)h->failure);
	buf_put_str(b, h->failure_text);
	buf_put_u8(b, (uint8_t)h->stage);
	buf_put_u8(b, (uint8_t)h->outcome);
	buf_put_i64(b, h->curl_code);
	buf_put_i64(b, h->os_errno);
	buf_put_i64(b, h->verify_result);
	buf_put_u8(b, h->reset_injected);
	packet_facts_encode(&h->packets, b);
}

/* A byte that must be below `count`. */
static uint8_t
small_enum(struct cursor *c, unsigned count)
{
	uint8_t v = cursor_u8(c);

	if (v >= count) {
		c->bad = true;
		return 0;
	}
	return v;
}

/* Short ones, of which there are many. */
static void
show_bytes(struct buf *b, struct cursor *c, struct text_pool **pool)
{
	struct span s = cursor_bytes(c, b->max);

	if (s.n > 0)
		buf_show(b, text_pool_add(pool, s), s.n);
}

static void
hop_decode(struct hop *h, struct cursor *c, struct text_pool **pool)
{
	uint32_t n;

	hop_init(h);
	h->url = cursor_text(c, URL_MAX_LEN, pool);
	lookup_decode(&h->dns, c, pool);
	n = cursor_u32le(c);
	if (n > DNS_ANSWERS_MAX || c->bad) {
		c->bad = true;
		return;
	}
	h->tried = text_pool_array(pool, n, sizeof *h->tried);
	h->ntried = n;
	for (uint32_t i = 0; i < n; i++)
		h->tried[i] = cursor_text(c, HOST_MAX_LEN, pool);
	h->address = cursor_text(c, HOST_MAX_LEN, pool);
	h->port = cursor_u16le(c);
	h->local_port = cursor_u16le(c);
	h->marks.tcp_start = cursor_i64le(c);
	h->marks.tcp_done = cursor_i64le(c);
	h->marks.tls_done = cursor_i64le(c);
	h->marks.request_sent = cursor_i64le(c);
	h->marks.first_byte = cursor_i64le(c);
	h->marks.last_byte = cursor_i64le(c);
	h->tls_version = cursor_text(c, 64, pool);
	h->tls_cipher = cursor_text(c, 128, pool);
	chain_decode(h, c, pool);
	show_bytes(&h->request, c, pool);
	h->http_version = (int)cursor_u32le(c);
	h->status = (int)cursor_u32le(c);
	show_bytes(&h->headers, c, pool);
	buf_add_span(&h->body, cursor_bytes(c, h->body.max));
	buf_add_span(&h->wire, cursor_bytes(c, h->wire.max));
	h->body_cut = cursor_u8(c) != 0;
	h->failure = (enum failure)small_enum(c, FAILURE_COUNT);
	h->failure_text = cursor_text(c, 1024, pool);
	h->stage = (enum stage)small_enum(c, STAGE_COUNT);
	h->outcome = (enum outcome)small_enum(c, OUTCOME_COUNT);
	h->curl_code = (int)cursor_i64le(c);
	h->os_errno = (int)cursor_i64le(c);
	h->verify_result = (long)cursor_i64le(c);
	h->reset_injected = cursor_u8(c) != 0;
	packet_facts_decode(&h->packets, c);
}

/* Read by observation_decode(). */
void
observation_encode(const struct observation *o, struct buf *b,
    enum bodies bodies)
{
	buf_put_u64(b, o->id);
	buf_put_i64(b, o->time);
	buf_put_u8(b, (uint8_t)o->source);
	buf_put_u8(b, (uint8_t)o->variant);
	buf_put_str(b, o->vantage);
	buf_put_str(b, o->target);
	buf_put_str(b, o->page);
	buf_put_str(b, o->url);
	buf_put_u8(b, o->conditional);
	buf_put_u32(b, o->watched);
	buf_put_str(b, o->warc);
	buf_put_i64(b, o->warc_offset);
	buf_put_u32(b, (uint32_t)o->nhops);
	for (size_t i = 0; i < o->nhops; i++)
		hop_encode(&o->hops[i], b, bodies);
}

/* Written by observation_encode(). */
bool
observation_decode(struct observation *o, struct span s)
{
	observation_init(o);
	return observation_decode_again(o, s);
}

bool
observation_decode_again(struct observation *o, struct span s)
{
	struct cursor c;
	uint32_t nhops;

	if (o->texts == NULL)
		o->texts = text_pool_new(TEXTS_ROOM);
	cursor_init(&c, s.p, s.n);
	o->id = cursor_u64le(&c);
	o->time = cursor_i64le(&c);
	o->source = (enum source)small_enum(&c, SOURCE_COUNT);
	o->variant = (enum variant)small_enum(&c, VARIANT_COUNT);
	o->vantage = cursor_text(&c, NAME_MAX_LEN, &o->texts);
	o->target = cursor_text(&c, NAME_MAX_LEN, &o->texts);
	o->page = cursor_text(&c, NAME_MAX_LEN, &o->texts);
	o->url = cursor_text(&c, URL_MAX_LEN, &o->texts);
	o->conditional = cursor_u8(&c) != 0;
	o->watched = cursor_u32le(&c);
	o->warc = cursor_str(&c, NAME_MAX_LEN);
	o->warc_offset = cursor_i64le(&c);
	nhops = cursor_u32le(&c);
	if (nhops == 0 || nhops > HOPS_MAX)
		c.bad = true;
	if (!c.bad)
		o->hops = text_pool_array(&o->texts, nhops, sizeof *o->hops);
	while (!c.bad && o->nhops < nhops)
		hop_decode(&o->hops[o->nhops++], &c, &o->texts);
	if (cursor_done(&c) && o->target != NULL && o->page != NULL &&
	    o->url != NULL && o->vantage != NULL)
		return true;
	observation_release(o);
	return false;
}

struct span
header_value(struct span headers, const char *name)
{
	struct span line;

	while (headers.p != NULL) {
		size_t colon;

		line = span_token(&headers, '\n');
		colon = span_find(line, ':');
		if (colon < line.n &&
		    span_is_i(span_trim(span_slice(line, 0, colon)), name))
			return span_trim(span_slice(line, colon + 1, line.n));
	}
	return SPAN_NULL;
}

const char *
source_name(enum source source)
{
	return source_names[source];
}

const char *
variant_name(enum variant variant)
{
	return variant_names[variant];
}

enum variant
variant_from_name(struct span s)
{
	for (size_t i = 0; i < VARIANT_COUNT; i++)
		if (span_is(s, variant_names[i]))
			return (enum variant)i;
	return VARIANT_NORMAL;
}
