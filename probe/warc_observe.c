#include <stdlib.h>
#include <string.h>

#include "instant.h"
#include "limit.h"
#include "log.h"
#include "warc.h"
#include "warc_fields.h"
#include "warc_set.h"

#define FRAME_ROOM	 64	   /* chunk size lines around a body */
#define MARK_REQUEST_MAX (4 * KIB) /* of a request kept with a mark */

/* A request of a foreign archive, kept for the response behind it. */
struct request {
	char *uri;
	struct buf bytes;
};

struct warc_source {
	struct warc_set *set; /* borrows */
	size_t file;
	struct warc_feed feed;
	struct warc_reader *reader;
	warc_note_fn *note;
	void *arg;
	uint64_t next_id;
	uint64_t records;
	bool ended;

	struct observation visit; /* of our own making, hop by hop */
	struct warc_visit expect; /* what its last metadata announced */
	bool open;		  /* a visit is under way */
	bool got_request;
	bool got_response;
	uint64_t visit_at;

	struct request request;
};

static ssize_t
read_source(void *arg, void *bytes, size_t n)
{
	struct warc_source *s = arg;

	return warc_feed_read(&s->feed, bytes, n);
}

static void
pass_note(void *arg, uint64_t offset, const char *text)
{
	struct warc_source *s = arg;

	if (s->note != NULL)
		s->note(s->arg, offset, text);
}

struct warc_source *
warc_source_new(struct warc_set *set, size_t file, warc_note_fn *note,
    void *arg)
{
	struct warc_source *s = xcalloc(1, sizeof *s);

	s->set = set;
	s->file = file;
	s->feed = warc_set_feed(set, file);
	s->feed.tell = true;
	s->note = note;
	s->arg = arg;
	s->reader = warc_reader_new(read_source, pass_note, s);
	observation_init(&s->visit);
	buf_init(&s->request.bytes, HEADER_BYTES_MAX + URL_MAX_LEN);
	return s;
}

bool
warc_source_mark(struct warc_source *s, struct warc_mark *m)
{
	if (s->open || s->ended || !s->feed.seekable ||
	    s->request.bytes.len > MARK_REQUEST_MAX ||
	    !warc_reader_mark(s->reader, &m->offset))
		return false;
	m->next_id = s->next_id;
	m->records = s->records;
	free(m->request_uri);
	free(m->request);
	m->request_uri = xstrdup(s->request.uri);
	m->request_n = s->request.bytes.len;
	m->request = span_dup(buf_span(&s->request.bytes));
	return true;
}

void
warc_mark_release(struct warc_mark *m)
{
	free(m->request_uri);
	free(m->request);
	memset(m, 0, sizeof *m);
}

void
warc_source_begin_at(struct warc_source *s, const struct warc_mark *m)
{
	s->feed.at = m->offset;
	warc_reader_begin_at(s->reader, m->offset);
	s->next_id = m->next_id;
	s->records = m->records;
	free(s->request.uri);
	s->request.uri = xstrdup(m->request_uri);
	buf_add(&s->request.bytes, m->request, m->request_n);
}

void
warc_source_crew(struct warc_source *s, struct crew *crew)
{
	warc_reader_crew(s->reader, crew);
}

void
warc_source_free(struct warc_source *s)
{
	if (s == NULL)
		return;
	warc_reader_free(s->reader);
	observation_release(&s->visit);
	buf_release(&s->request.bytes);
	free(s->request.uri);
	free(s);
}

size_t
warc_source_damage(const struct warc_source *s)
{
	return warc_reader_damage(s->reader);
}

uint64_t
warc_source_position(const struct warc_source *s)
{
	return warc_reader_position(s->reader);
}

uint64_t
warc_source_records(const struct warc_source *s)
{
	return s->records;
}

/* Reads the block as it stands; what is beyond the buffer is dropped. */
static void
read_block(struct warc_source *s, const struct warc_record *rec,
    struct warc_payload *p, struct buf *block)
{
	struct warc_keep keep = {.block = block};

	buf_clear(block);
	warc_payload_read(p, s->reader, rec, &keep);
	if (p->digest == WARC_DIGEST_WRONG)
		warc_reader_note(s->reader, rec->offset, "%s", p->note);
}

static void
drop_visit(struct warc_source *s, const char *why)
{
	if (s->open)
		warc_reader_note(s->reader, s->visit_at,
		    "observation left out: %s", why);
	observation_release(&s->visit);
	s->open = false;
}

/* What the limits of the wire form exclude is never given out. */
static bool
fits(const struct observation *o)
{
	struct buf wire = BUF_INIT(JOB_BYTES_MAX);
	struct observation again;
	bool ok;

	observation_encode(o, &wire, false);
	ok = !wire.overflow && observation_decode(&again, buf_span(&wire));
	if (ok)
		observation_release(&again);
	buf_release(&wire);
	return ok;
}

static bool
give(struct warc_source *s, struct observation *from, struct observation *out)
{
	from->source = SOURCE_WARC;
	if (!fits(from)) {
		warc_reader_note(s->reader, (uint64_t)from->warc_offset,
		    "observation left out: a part is too long");
		observation_release(from);
		return false;
	}
	*out = *from;
	observation_init(from);
	return true;
}

static void
place(struct warc_source *s, struct observation *o,
    const struct warc_record *rec)
{
	const char *name = warc_set_name(s->set, s->file);
	const char *slash = strrchr(name, '/');

	free(o->warc);
	o->warc = xstrdup(slash != NULL ? slash + 1 : name);
	o->warc_offset = (int64_t)rec->offset;
}

/* ---- Our own recordings ---- */

/* Has everything come that the metadata announced? */
static bool
hop_is_whole(const struct warc_source *s)
{
	return (s->got_request || !s->expect.has_request) &&
	    (s->got_response || !s->expect.has_response);
}

/* Is it the next hop of the visit under way? */
static bool
follows(const struct warc_source *s, const struct warc_visit *v)
{
	return s->open && hop_is_whole(s) && strcmp(v->id, s->expect.id) == 0 &&
	    v->hop == s->expect.hop + 1 && v->hops == s->expect.hops;
}

/* A hop that its metadata announced; `one` holds it alone. */
static void
take_hop(struct warc_source *s, const struct warc_record *rec,
    const struct warc_visit *v, struct observation *one)
{
	if (follows(s, v)) {
		*observation_add_hop(&s->visit) = one->hops[0];
		one->nhops = 0;
		observation_release(one);
	} else {
		drop_visit(s, "it is not whole");
		s->open = v->hop == 0 && rec->date != INSTANT_NONE;
		if (!s->open) {
			observation_release(one);
			return;
		}
		s->visit = *one;
		s->visit.time = rec->date;
		s->visit_at = rec->offset;
	}
	s->expect = *v;
	s->got_request = s->got_response = false;
	place(s, &s->visit, rec);
}

/* A metadata record: ours announces a hop. */
static void
take_metadata(struct warc_source *s, const struct warc_record *rec)
{
	struct buf block = BUF_INIT(WARC_FIELDS_MAX);
	struct observation one;
	struct warc_payload p;
	struct warc_visit v;

	observation_init(&one);
	observation_add_hop(&one);
	warc_payload_init(&p);
	read_block(s, rec, &p, &block);
	if (warc_fields_decode(buf_span(&block), &v, &one, &one.hops[0])) {
		take_hop(s, rec, &v, &one);
	} else {
		observation_release(&one);
		drop_visit(s, "another record stands in between");
	}
	warc_payload_release(&p);
	buf_release(&block);
}

/* Splits the block at the lengths that the metadata gave: the header, and the
 * body without its one chunk's frame. */
static bool
split_block(const struct warc_visit *v, struct hop *h, struct buf *block)
{
	size_t head = (size_t)v->head_bytes, frame = 0;
	struct span rest;

	if (v->head_bytes > block->len)
		return false;
	buf_clear(&h->headers);
	if (!buf_add(&h->headers, block->data, head))
		return false;
	rest = span_slice(buf_span(block), head, block->len);
	if (v->one_chunk && v->body_bytes > 0)
		frame = span_find(rest, '\n') + 1;
	rest = span_slice(rest, frame, rest.n);
	if (v->body_bytes > rest.n)
		return false;
	buf_drain(block, head + frame);
	block->len = (size_t)v->body_bytes;
	return true;
}

/* A revisit's body, from where it was seen first. */
static void
refer_back(struct warc_source *s, const struct warc_record *rec, struct hop *h,
    struct buf *body)
{
	buf_clear(body);
	if (warc_set_resolve(s->set, rec, body) &&
	    body->len == s->expect.body_bytes)
		return;
	buf_clear(body);
	h->body_cut = true;
	h->outcome = OUTCOME_INCOMPLETE;
	warc_reader_note(s->reader, rec->offset,
	    "original of the revisit record is not there");
}

static void
take_own_response(struct warc_source *s, const struct warc_record *rec)
{
	struct hop *h = observation_last(&s->visit);
	struct buf block = BUF_INIT(h->body.max + h->headers.max + FRAME_ROOM);
	struct warc_visit v = s->expect;
	struct warc_payload p;
	bool ok;

	if (rec->type == WARC_REVISIT)
		v.body_bytes = 0;
	warc_payload_init(&p);
	read_block(s, rec, &p, &block);
	ok = p.digest != WARC_DIGEST_WRONG && split_block(&v, h, &block);
	buf_release(&h->body);
	if (ok && rec->type == WARC_REVISIT && s->expect.body_bytes > 0)
		refer_back(s, rec, h, &block);
	if (block.len > 0) {
		block.max = h->body.max;
		h->body = block;
		buf_init(&block, 0);
	}
	buf_release(&block);
	warc_payload_release(&p);
	s->got_response = true;
	place(s, &s->visit, rec);
	if (!ok)
		drop_visit(s, "its response record is damaged");
}

static void
take_own_request(struct warc_source *s, const struct warc_record *rec)
{
	struct hop *h = observation_last(&s->visit);
	struct warc_payload p;

	warc_payload_init(&p);
	read_block(s, rec, &p, &h->request);
	warc_payload_release(&p);
	s->got_request = true;
}

/* A record while a visit of ours is open.  False when it is none of it. */
static bool
take_own(struct warc_source *s, const struct warc_record *rec)
{
	if (rec->type == WARC_REQUEST && s->expect.has_request &&
	    !s->got_request)
		take_own_request(s, rec);
	else if ((rec->type == WARC_RESPONSE || rec->type == WARC_REVISIT) &&
	    s->expect.has_response && !s->got_response)
		take_own_response(s, rec);
	else if (rec->type != WARC_RESOURCE || !span_starts(rec->uri, "dns:"))
		return false;
	return true;
}

/* ---- Foreign archives ---- */

static bool
is_web(struct span uri)
{
	return span_starts_i(uri, "http://") || span_starts_i(uri, "https://");
}

static void
keep_request(struct warc_source *s, const struct warc_record *rec)
{
	struct warc_payload p;

	warc_payload_init(&p);
	free(s->request.uri);
	s->request.uri = span_dup(rec->uri);
	read_block(s, rec, &p, &s->request.bytes);
	if (!p.http)
		buf_clear(&s->request.bytes);
	warc_payload_release(&p);
}

static void
attach_request(struct warc_source *s, const struct warc_record *rec,
    struct observation *o)
{
	struct span bytes = buf_span(&s->request.bytes);

	if (bytes.n == 0 || s->request.uri == NULL ||
	    !span_is(rec->uri, s->request.uri))
		return;
	buf_add_span(&o->hops[0].request, bytes);
	o->conditional = header_value(bytes, "If-None-Match").p != NULL ||
	    header_value(bytes, "If-Modified-Since").p != NULL;
	buf_clear(&s->request.bytes);
}

/* What a resource's header would have been. */
static void
make_head(struct hop *h, const struct warc_record *rec)
{
	h->status = 200;
	h->http_version = 11;
	buf_add_str(&h->headers, "HTTP/1.1 200 OK\r\n");
	if (rec->content_type.n > 0) {
		buf_add_str(&h->headers, "Content-Type: ");
		buf_add_span(&h->headers, rec->content_type);
		buf_add_str(&h->headers, "\r\n");
	}
	buf_add_str(&h->headers, "\r\n");
}

/* The header lines as far as our limit goes, whole lines only. */
static void
keep_head(struct hop *h, struct span head)
{
	if (head.n > h->headers.max) {
		head.n = h->headers.max;
		while (head.n > 0 && head.p[head.n - 1] != '\n')
			head.n--;
		h->outcome = OUTCOME_HEADERS_TOO_LARGE;
	}
	buf_add_span(&h->headers, head);
}

/* Only where the archive says so was it the peer that stopped: else it may
 * have been who wrote it, or the answer to a HEAD. */
static void
judge_cut(struct hop *h, const struct warc_record *rec,
    const struct warc_payload *p)
{
	struct span why = warc_field(rec, "WARC-Truncated");

	h->body_cut = p->cut || h->body.overflow;
	if (h->body_cut)
		h->outcome = span_is_i(why, "length") || h->body.overflow
		    ? OUTCOME_TOO_LARGE
		    : span_is_i(why, "disconnect") ? OUTCOME_TRUNCATED
						   : OUTCOME_INCOMPLETE;
}

static void
resolve_foreign(struct warc_source *s, const struct warc_record *rec,
    const struct warc_payload *p, struct hop *h)
{
	if (p->status == 304 || h->body.len > 0)
		return;
	if (warc_set_resolve(s->set, rec, &h->body)) {
		h->body_cut = false;
		h->outcome = OUTCOME_NONE;
		return;
	}
	h->body_cut = true;
	h->outcome = OUTCOME_INCOMPLETE;
	warc_reader_note(s->reader, rec->offset,
	    "original of the revisit record is not there");
}

/* One record, one hop. */
static bool
take_foreign(struct warc_source *s, const struct warc_record *rec,
    struct observation *out)
{
	struct span address = warc_field(rec, "WARC-IP-Address");
	struct observation o;
	struct warc_payload p;
	struct warc_keep keep;
	struct hop *h;
	bool ok;

	observation_init(&o);
	h = observation_add_hop(&o);
	h->body.max = DECODED_BODY_MAX;
	keep = (struct warc_keep){.raw = &h->body};
	o.id = s->next_id++;
	o.time = rec->date;
	o.vantage = xstrdup("");
	o.target = xstrdup("");
	o.page = xstrdup("");
	o.url = span_dup(rec->uri);
	h->url = span_dup(rec->uri);
	if (address.n > 0)
		h->address = span_dup(address);
	place(s, &o, rec);
	warc_payload_init(&p);
	warc_payload_read(&p, s->reader, rec, &keep);
	if (p.digest == WARC_DIGEST_WRONG)
		warc_reader_note(s->reader, rec->offset, "%s", p.note);
	h->stage = STAGE_BODY;
	h->status = p.status;
	h->http_version = p.http_version;
	keep_head(h, buf_span(&p.http_head));
	judge_cut(h, rec, &p);
	if (rec->type == WARC_RESOURCE)
		make_head(h, rec);
	if (rec->type == WARC_REVISIT)
		resolve_foreign(s, rec, &p, h);
	attach_request(s, rec, &o);
	/* Only what a page says to one who asks for it tells of the page. */
	ok = h->status != 0 &&
	    (h->request.len == 0 || span_starts(buf_span(&h->request), "GET "));
	warc_payload_release(&p);
	if (ok)
		return give(s, &o, out);
	observation_release(&o);
	return false;
}

static bool
take_other(struct warc_source *s, const struct warc_record *rec,
    struct observation *out)
{
	if (!is_web(rec->uri))
		return false;
	if (rec->type == WARC_REQUEST) {
		keep_request(s, rec);
		return false;
	}
	if (rec->type != WARC_RESPONSE && rec->type != WARC_REVISIT &&
	    rec->type != WARC_RESOURCE)
		return false;
	if (rec->date == INSTANT_NONE) {
		warc_reader_note(s->reader, rec->offset,
		    "record without a usable date left out");
		return false;
	}
	return take_foreign(s, rec, out);
}

static bool
take_record(struct warc_source *s, const struct warc_record *rec,
    struct observation *out)
{
	s->records++;
	warc_set_enter(s->set, s->file, rec);
	if (rec->type == WARC_METADATA) {
		take_metadata(s, rec);
	} else if (!s->open || !take_own(s, rec)) {
		drop_visit(s, "another record stands in between");
		return take_other(s, rec, out);
	}
	if (!s->open || !hop_is_whole(s) || s->expect.hop + 1 < s->expect.hops)
		return false;
	s->open = false;
	return give(s, &s->visit, out);
}

int
warc_source_next(struct warc_source *s, struct observation *out)
{
	struct warc_record rec;

	while (!s->ended && warc_reader_next(s->reader, &rec) == 1)
		if (take_record(s, &rec, out))
			return 1;
	if (!s->ended) {
		drop_visit(s, "the archive ends within it");
		warc_set_complete(s->set, s->file);
		s->ended = true;
	}
	return 0;
}
