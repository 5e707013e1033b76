#include "warc_write.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http.h"
#include "instant.h"
#include "limit.h"
#include "warc_fields.h"
#include "url.h"

#define UUID_TEXT	 37
#define COMPRESSED_LEAST 1024
#define HTTP_RESPONSE	 "application/http;msgtype=response"
#define PROFILE		 "http://netpreserve.org/warc/1.1/revisit/"

/* One record under way. */
struct record {
	struct buf head;
	const char *type;
	struct span pieces[4]; /* the block */
	size_t npieces;
	size_t stored; /* the first that is not compressed again; or none */
};

void
warc_compose_init(struct warc_compose *c, struct gzip_writer *gz,
    const struct originals *originals)
{
	memset(c, 0, sizeof *c);
	c->gz = gz;
	c->originals = originals;
	buf_init(&c->out, WARC_VISIT_MAX);
}

void
warc_compose_clear(struct warc_compose *c, struct span seed)
{
	buf_clear(&c->out);
	for (size_t i = 0; i < c->count; i++) {
		free(c->list[i].uri);
		free(c->list[i].mime_owned);
	}
	c->count = 0;
	c->serial = 0;
	sha256_hex(seed, c->seed);
}

void
warc_compose_release(struct warc_compose *c)
{
	warc_compose_clear(c, SPAN(""));
	free(c->list);
	buf_release(&c->out);
	c->list = NULL;
}

/* A name-based UUID (RFC 9562) from the seed and a number: the same visit
 * written at the same place gives the same bytes. */
static void
make_uuid(const struct warc_compose *c, unsigned serial, char out[UUID_TEXT])
{
	uint8_t d[SHA256_BYTES];
	char text[96], hex[33];

	snprintf(text, sizeof text, "%s %u", c->seed, serial);
	sha256(span_of(text), d);
	d[6] = (uint8_t)((d[6] & 0x0f) | 0x50);
	d[8] = (uint8_t)((d[8] & 0x3f) | 0x80);
	hex_encode(hex, d, 16);
	snprintf(out, UUID_TEXT, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8,
	    hex + 12, hex + 16, hex + 20);
}

/* What could end a header line is percent-encoded. */
static void
add_encoded(struct buf *b, struct span value)
{
	for (size_t i = 0; i < value.n; i++) {
		unsigned char ch = (unsigned char)value.p[i];

		if (ch <= ' ' || ch == 0x7f)
			buf_addf(b, "%%%02X", ch);
		else
			buf_add_char(b, (char)ch);
	}
}

static void
add_value(struct buf *b, const char *name, struct span value)
{
	buf_addf(b, "%s: ", name);
	add_encoded(b, value);
	buf_add_str(b, "\r\n");
}

/* As the record has it; returns owned. */
static char *
encoded(const char *uri)
{
	struct buf b = BUF_INIT(3 * URL_MAX_LEN);
	char *s;

	add_encoded(&b, span_of(uri));
	s = xstrdup(buf_str(&b));
	buf_release(&b);
	return s;
}

static void
record_begin(struct warc_compose *c, struct record *r, const char *type,
    int64_t date, const char *uri, unsigned hop_serial)
{
	char uuid[UUID_TEXT], when[INSTANT_TEXT_MAX];

	memset(r, 0, sizeof *r);
	buf_init(&r->head, 16 * URL_MAX_LEN);
	r->type = type;
	make_uuid(c, c->serial, uuid);
	buf_addf(&r->head,
	    "WARC/1.1\r\nWARC-Type: %s\r\n"
	    "WARC-Record-ID: <urn:uuid:%s>\r\nWARC-Date: %s\r\n",
	    type, uuid, instant_text(date, when));
	if (uri != NULL)
		add_value(&r->head, "WARC-Target-URI", span_of(uri));
	if (c->serial != hop_serial) {
		make_uuid(c, hop_serial, uuid);
		buf_addf(&r->head, "WARC-Concurrent-To: <urn:uuid:%s>\r\n",
		    uuid);
	}
	c->serial++;
}

static void
record_piece(struct record *r, struct span s)
{
	r->pieces[r->npieces++] = s;
}

static void
digest_text(const uint8_t d[SHA256_BYTES], char out[80])
{
	char hex[65];

	hex_encode(hex, d, SHA256_BYTES);
	snprintf(out, 80, "sha256:%s", hex);
}

/* Block digest, length, and the whole as one gzip member.  Returns the entry
 * for the index (borrows), or NULL when the maximum is passed. */
static struct written *
record_end(struct warc_compose *c, struct record *r, const char *content_type)
{
	struct span member[8];
	struct digest *d = digest_new(DIGEST_SHA256);
	uint8_t sum[SHA256_BYTES];
	struct written *w = NULL;
	char text[80];
	size_t length = 0, before = c->out.len, n = 0;
	bool ok;

	for (size_t i = 0; i < r->npieces; i++) {
		digest_update(d, r->pieces[i]);
		length += r->pieces[i].n;
	}
	digest_final(d, sum);
	digest_free(d);
	digest_text(sum, text);
	buf_addf(&r->head,
	    "WARC-Block-Digest: %s\r\nContent-Type: %s\r\n"
	    "Content-Length: %zu\r\n\r\n",
	    text, content_type, length);
	member[n++] = buf_span(&r->head);
	for (size_t i = 0; i < r->npieces; i++)
		member[n++] = r->pieces[i];
	member[n++] = SPAN("\r\n\r\n");
	ok = !r->head.overflow &&
	    gzip_writer_member(c->gz, member, n,
		r->stored == 0 ? n : r->stored + 1, &c->out);
	buf_release(&r->head);
	if (!ok)
		return NULL;
	c->list = xgrow(c->list, &c->cap, c->count + 1, sizeof *c->list);
	w = &c->list[c->count++];
	memset(w, 0, sizeof *w);
	w->offset = before;
	w->length = c->out.len - before;
	return w;
}

bool
warc_compose_info(struct warc_compose *c, const char *file,
    const char *software, const struct observation *o)
{
	struct buf block = BUF_INIT(WARC_FIELDS_MAX);
	struct record r;
	bool ok;

	buf_addf(&block,
	    "software: %s\r\nformat: WARC File Format 1.1\r\n"
	    "conformsTo: http://iipc.github.io/warc-specifications/"
	    "specifications/warc-format/warc-1.1/\r\n",
	    software);
	add_value(&block, "kpwatch-vantage", span_of(o->vantage));
	record_begin(c, &r, "warcinfo", o->time, NULL, c->serial);
	buf_addf(&r.head, "WARC-Filename: %s\r\n", file);
	record_piece(&r, buf_span(&block));
	ok = record_end(c, &r, "application/warc-fields") != NULL;
	buf_release(&block);
	return ok;
}

/* Can a reader tell header and body apart?  Only then there is a payload that
 * a digest could be of. */
static bool
has_whole_head(const struct hop *h)
{
	return h->headers.len > 0 &&
	    http_head_end(buf_span(&h->headers), 0) == h->headers.len;
}

static bool
is_chunked(const struct hop *h)
{
	struct span v =
	    header_value(buf_span(&h->headers), "Transfer-Encoding");

	if (h->status == 204 || h->status == 304)
		return false;
	return v.n > 0 && span_search_i(v, "chunked") < v.n;
}

static void
describe_visit(const struct warc_compose *c, const struct observation *o,
    size_t i, struct warc_visit *v)
{
	const struct hop *h = &o->hops[i];

	memset(v, 0, sizeof *v);
	memcpy(v->id, c->seed, 32);
	v->hop = (uint32_t)i;
	v->hops = (uint32_t)o->nhops;
	v->has_request = h->request.len > 0;
	v->has_response = h->headers.len > 0 || h->body.len > 0;
	v->head_bytes = h->headers.len;
	v->body_bytes = h->body.len;
	v->one_chunk = is_chunked(h);
}

static bool
compose_metadata(struct warc_compose *c, const struct observation *o,
    const struct warc_visit *v)
{
	struct buf block = BUF_INIT(WARC_FIELDS_MAX);
	struct record r;
	bool ok;

	warc_fields_encode(o, v, &block);
	record_begin(c, &r, "metadata", o->time, o->hops[v->hop].url,
	    c->serial);
	record_piece(&r, buf_span(&block));
	ok = record_end(c, &r, "application/warc-fields") != NULL &&
	    !block.overflow;
	buf_release(&block);
	return ok;
}

/* The answer as zone file lines behind the time, as web archives have it. */
static bool
compose_dns(struct warc_compose *c, const struct observation *o,
    const struct dns_lookup *d, unsigned hop_serial)
{
	struct buf block = BUF_INIT(WARC_FIELDS_MAX);
	char stamp[INSTANT_TEXT_MAX];
	char *uri = xasprintf("dns:%s", d->host);
	struct written *w;
	struct record r;

	buf_addf(&block, "%s\n", instant_stamp(o->time, stamp));
	if (d->rcode != 0)
		buf_addf(&block, "; rcode %d\n", d->rcode);
	for (size_t i = 0; i < d->nrecords; i++) {
		struct dns_record *answer = &d->records[i];
		struct span owner = span_of(d->host);

		if (strcmp(answer->type, "NS") == 0)
			owner = host_site(owner);
		buf_addf(&block, "%.*s.\t%u\tIN\t%s\t%s\n", SPAN_ARG(owner),
		    answer->ttl, answer->type, answer->value);
	}
	record_begin(c, &r, "resource", o->time, uri, hop_serial);
	record_piece(&r, buf_span(&block));
	w = record_end(c, &r, "text/dns");
	buf_release(&block);
	if (w != NULL) {
		w->uri = uri;
		w->mime = "text/dns";
		w->indexed = true;
		uri = NULL;
	}
	free(uri);
	return w != NULL;
}

static bool
compose_request(struct warc_compose *c, const struct observation *o,
    const struct hop *h, unsigned hop_serial)
{
	struct record r;

	record_begin(c, &r, "request", o->time, h->url, hop_serial);
	record_piece(&r, buf_span(&h->request));
	return record_end(c, &r, "application/http;msgtype=request") != NULL;
}

/* WARC-Truncated: why the payload ends early. */
static const char *
truncation(const struct hop *h)
{
	if (h->outcome == OUTCOME_TOO_LARGE)
		return "length";
	if (h->failure == FAILURE_TIMEOUT || h->failure == FAILURE_TIMED_OUT)
		return "time";
	if (h->outcome == OUTCOME_TRUNCATED || h->failure != FAILURE_NONE)
		return "disconnect";
	return "unspecified";
}

/* The record whose payload this one repeats, or NULL. */
static const struct original *
find_original(const struct warc_compose *c, const struct observation *o,
    const struct hop *h, const uint8_t *payload)
{
	int64_t since = o->time - WARC_REFER_MS;
	const struct original *found = NULL;

	if (c->originals == NULL || h->body_cut)
		return NULL;
	if (h->body.len > 0)
		found = originals_by_digest(c->originals, payload, since);
	else if (h->status == 304)
		found = originals_by_uri(c->originals, span_of(h->url), since);
	return found != NULL && found->date <= o->time ? found : NULL;
}

static void
refer(struct record *r, const struct original *found, bool not_modified)
{
	char when[INSTANT_TEXT_MAX];

	buf_addf(&r->head, "WARC-Profile: " PROFILE "%s\r\n",
	    not_modified ? "server-not-modified" : "identical-payload-digest");
	add_value(&r->head, "WARC-Refers-To-Target-URI", span_of(found->uri));
	buf_addf(&r->head, "WARC-Refers-To-Date: %s\r\n",
	    instant_text(found->date, when));
}

/* Then compressing it again costs much and makes it no shorter. */
static bool
is_compressed(const struct hop *h)
{
	struct span v = header_value(buf_span(&h->headers), "Content-Encoding");

	return h->body.len >= COMPRESSED_LEAST && v.n > 0 &&
	    !span_is_i(v, "identity");
}

/* The body as it stood on the wire, but for where its chunks ended. */
static void
add_body(struct record *r, const struct hop *h, bool one_chunk, char line[32])
{
	if (is_compressed(h))
		r->stored = r->npieces;
	if (one_chunk && h->body.len > 0) {
		snprintf(line, 32, "%zx\r\n", h->body.len);
		record_piece(r, span_of(line));
	}
	record_piece(r, buf_span(&h->body));
	if (one_chunk && !h->body_cut)
		record_piece(r,
		    h->body.len > 0 ? SPAN("\r\n0\r\n\r\n")
				    : SPAN("0\r\n\r\n"));
}

static char *
media_type(const struct hop *h)
{
	struct span v = header_value(buf_span(&h->headers), "Content-Type");

	v.n = span_find(v, ';');
	v = span_trim(v);
	return v.n > 0 ? span_dup(v) : NULL;
}

static bool
compose_response(struct warc_compose *c, const struct observation *o,
    const struct hop *h, const struct warc_visit *v, unsigned hop_serial)
{
	const struct original *found;
	uint8_t payload[SHA256_BYTES];
	char line[32], text[80];
	struct written *w;
	struct record r;
	bool refers, same, whole = has_whole_head(h);

	sha256(buf_span(&h->body), payload);
	digest_text(payload, text);
	found = whole ? find_original(c, o, h, payload) : NULL;
	refers = found != NULL;
	same = refers && h->body.len > 0;
	record_begin(c, &r, refers ? "revisit" : "response", o->time, h->url,
	    hop_serial);
	if (h->address != NULL)
		add_value(&r.head, "WARC-IP-Address", span_of(h->address));
	if (refers)
		refer(&r, found, !same);
	if (h->body_cut)
		buf_addf(&r.head, "WARC-Truncated: %s\r\n", truncation(h));
	if (whole && (!refers || same))
		buf_addf(&r.head, "WARC-Payload-Digest: %s\r\n", text);
	record_piece(&r, buf_span(&h->headers));
	if (!refers)
		add_body(&r, h, v->one_chunk, line);
	w = record_end(c, &r, HTTP_RESPONSE);
	if (w == NULL)
		return false;
	w->uri = encoded(h->url);
	w->mime_owned = refers ? NULL : media_type(h);
	w->mime = refers	    ? "warc/revisit"
	    : w->mime_owned != NULL ? w->mime_owned
				    : "unk";
	w->status = h->status;
	if (whole && (!refers || same))
		memcpy(w->digest, text, sizeof text);
	memcpy(w->payload, payload, sizeof payload);
	w->indexed = true;
	w->original = whole && !refers && !h->body_cut && h->body.len > 0;
	return true;
}

bool
warc_compose_observation(struct warc_compose *c, const struct observation *o,
    size_t *place)
{
	struct warc_visit v;

	for (size_t i = 0; i < o->nhops; i++) {
		const struct hop *h = &o->hops[i];
		unsigned hop_serial = c->serial;

		describe_visit(c, o, i, &v);
		*place = c->count;
		if (!compose_metadata(c, o, &v))
			return false;
		if (h->dns.host != NULL &&
		    !compose_dns(c, o, &h->dns, hop_serial))
			return false;
		if (v.has_request && !compose_request(c, o, h, hop_serial))
			return false;
		if (!v.has_response)
			continue;
		*place = c->count;
		if (!compose_response(c, o, h, &v, hop_serial))
			return false;
	}
	return true;
}
