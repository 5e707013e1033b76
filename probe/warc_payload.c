#include <stdlib.h>
#include <string.h>

#include "digest.h"
#include "http.h"
#include "limit.h"
#include "warc.h"
#include "warc_content.h"
#include "warc_digest.h"

enum part {
	PART_HEAD, /* gathering the HTTP header */
	PART_BODY, /* behind it, or a block that is no HTTP */
};

/* One block on its way through. */
struct pass {
	struct warc_payload *out;
	const struct warc_record *rec;
	const struct warc_keep *keep;
	enum part part;
	struct http_body body;
	bool framed; /* chunked: `body` is in charge of the bytes */
	struct digest_check block;
	struct digest_check payload;
	struct digest_check wire; /* some wrote the digest of the chunks */
	struct content *content;
};

void
warc_payload_init(struct warc_payload *p)
{
	memset(p, 0, sizeof *p);
	buf_init(&p->http_head, WARC_HTTP_HEAD_MAX);
}

void
warc_payload_release(struct warc_payload *p)
{
	buf_release(&p->http_head);
	free(p->content_type);
	warc_payload_init(p);
}

static bool
holds_http(const struct warc_record *rec)
{
	switch (rec->type) {
	case WARC_RESPONSE:
	case WARC_REQUEST:
	case WARC_REVISIT:
		return rec->arc || rec->content_type.n == 0 ||
		    span_starts_i(rec->content_type, "application/http") ||
		    span_starts_i(rec->content_type, "message/http");
	default:
		return false;
	}
}

/* Payload after transfer coding. */
static void
take_payload(void *arg, struct span s)
{
	struct pass *t = arg;

	if (s.n == 0)
		return;
	t->out->has_payload = true;
	t->out->raw_length += s.n;
	digest_check_update(&t->payload, s);
	if (t->keep != NULL && t->keep->raw != NULL)
		buf_add_span(t->keep->raw, s);
	content_add(t->content, s);
}

static void
take_body(struct pass *t, struct span s)
{
	size_t used = 0;

	digest_check_update(&t->wire, s);
	if (t->framed)
		used = http_body_feed(&t->body, s, take_payload, t);
	/* Behind the last chunk nothing counts; without real chunks all. */
	if (!t->framed ||
	    (t->body.flags & (HTTP_NOT_CHUNKED | HTTP_BAD_CHUNK)) != 0)
		take_payload(t, span_slice(s, used, s.n));
}

/*
 * The body of an archived message is the rest of the block, whatever its
 * Content-Length says: that may be wrong, or stem from before the archiver
 * decoded it.  Only chunks have to be taken apart.
 */
static void
open_body(struct pass *t, const struct http_head *head)
{
	struct buf codings = BUF_INIT(WARC_HTTP_HEAD_MAX);
	struct span type = http_field(head, "Content-Type");

	if (head->is_request)
		http_body_request(&t->body, head);
	else
		http_body_response(&t->body, head, SPAN_NULL);
	t->framed = t->body.framing == HTTP_FRAME_CHUNKED;
	if (!t->framed)
		digest_check_release(&t->wire);
	http_codings(head, &codings);
	t->content = content_new(buf_span(&codings));
	buf_release(&codings);
	t->out->http_version = head->version;
	t->out->has_status = !head->is_request;
	t->out->status = head->is_request ? 0 : head->status;
	if (type.p != NULL)
		t->out->content_type = span_dup(type);
}

/* Without an HTTP header the block itself is the payload. */
static void
open_plain(struct pass *t)
{
	t->part = PART_BODY;
	t->out->http = false;
	t->content = content_new(SPAN_NULL);
	digest_check_release(&t->wire);
}

static void
not_http(struct pass *t)
{
	struct span s = buf_span(&t->out->http_head);

	if (t->rec->type != WARC_REQUEST && !t->rec->arc)
		t->out->note = "block is no HTTP message";
	open_plain(t);
	take_body(t, s);
	buf_clear(&t->out->http_head);
}

/* Header lines without the status line before them: an archiver's slip. */
static bool
open_headless(struct pass *t)
{
	struct span head = buf_span(&t->out->http_head);
	struct span type = header_value(head, "Content-Type");
	size_t colon = span_find(head, ':');

	if (t->rec->type != WARC_RESPONSE || type.p == NULL ||
	    !span_starts_i(t->rec->content_type, "application/http"))
		return false;
	for (size_t i = 0; i < colon; i++)
		if (!ascii_alnum(head.p[i]) && head.p[i] != '-')
			return false;
	t->out->note = "HTTP header without a status line";
	t->out->content_type = span_dup(type);
	open_plain(t);
	t->out->http = true;
	return true;
}

/* The header is whole, or the block is at its end. */
static void
close_head(struct pass *t)
{
	struct http_head head = HTTP_HEAD_INIT;
	struct span raw = buf_span(&t->out->http_head);
	bool ok = t->rec->type == WARC_REQUEST
	    ? http_parse_request(&head, raw)
	    : http_parse_response(&head, raw);

	if (ok) {
		t->part = PART_BODY;
		t->out->http = true;
		open_body(t, &head);
	} else if (!open_headless(t)) {
		not_http(t);
	}
	http_head_release(&head);
}

/* 100 Continue and its like, with the response proper behind it. */
static bool
is_interim(const struct pass *t, struct span behind)
{
	struct http_head head = HTTP_HEAD_INIT;
	bool interim = t->rec->type == WARC_RESPONSE &&
	    span_starts(behind, "HTTP/") &&
	    http_parse_response(&head, buf_span(&t->out->http_head)) &&
	    head.status / 100 == 1 && head.status != 101;

	http_head_release(&head);
	return interim;
}

/* Returns what is behind the header, or nothing where it is not whole yet. */
static struct span
take_head(struct pass *t, struct span s)
{
	struct buf *head = &t->out->http_head;
	size_t before = head->len, room = head->max - head->len, end;

	buf_add_span(head, span_slice(s, 0, room));
	end = http_head_end(buf_span(head), before);
	if (end == 0 && s.n < room)
		return SPAN_NULL;
	if (end == 0) {
		not_http(t);
		return span_slice(s, room, s.n);
	}
	head->len = end;
	head->data[end] = '\0';
	s = span_slice(s, end - before, s.n);
	if (is_interim(t, s))
		buf_clear(head);
	else
		close_head(t);
	return s;
}

/* The first of a record's pieces, or one that continues it. */
static bool
is_segment(const struct warc_record *rec)
{
	return warc_field(rec, "WARC-Segment-Number").p != NULL;
}

static void
begin_pass(struct pass *t)
{
	struct span sum = warc_field(t->rec, "WARC-Payload-Digest");

	digest_check_begin(&t->block, warc_field(t->rec, "WARC-Block-Digest"));
	/* Of a segment or a revisit it is the digest of something else; of
	 * requests archivers disagree what the payload is. */
	if (is_segment(t->rec) || t->rec->type == WARC_REVISIT ||
	    t->rec->type == WARC_REQUEST)
		sum = SPAN_NULL;
	digest_check_begin(&t->payload, sum);
	digest_check_begin(&t->wire, sum);
	if (holds_http(t->rec))
		t->part = PART_HEAD;
	else
		open_plain(t);
}

static void
check_digests(struct pass *t)
{
	struct warc_payload *out = t->out;
	bool block = digest_check_active(&t->block);
	bool payload = digest_check_active(&t->payload);
	bool wire = digest_check_active(&t->wire), good = true, same;

	if (!block && !payload)
		return;
	if (block && !digest_check_end(&t->block)) {
		good = false;
		out->note = "block digest does not agree";
	}
	if (payload) {
		same = digest_check_end(&t->payload);
		if (wire && digest_check_end(&t->wire))
			same = true;
		if (!same) {
			good = false;
			out->note = "payload digest does not agree";
		}
	}
	out->digest = good ? WARC_DIGEST_OK : WARC_DIGEST_WRONG;
}

static bool
body_is_cut(const struct pass *t)
{
	const struct http_body *b = &t->body;

	if (!t->out->http || t->rec->type != WARC_RESPONSE)
		return false;
	/* Archivers take the chunks away and leave the header field. */
	if (t->framed)
		return !b->done && (b->flags & HTTP_NOT_CHUNKED) == 0;
	return b->framing == HTTP_FRAME_LENGTH && b->has_declared &&
	    t->out->raw_length < b->declared;
}

static const char *
cut_note(const struct pass *t)
{
	struct span why = warc_field(t->rec, "WARC-Truncated");

	if (is_segment(t->rec))
		return "a segment: the others are not joined to it";
	if (span_is_i(why, "length") || span_is_i(why, "time"))
		return "truncated by who wrote it";
	if (span_is_i(why, "disconnect"))
		return "truncated: the connection ended early";
	if (why.p != NULL)
		return "truncated";
	return body_is_cut(t) ? "the body ends early" : NULL;
}

static void
end_pass(struct pass *t, struct warc_reader *r)
{
	struct warc_payload *out = t->out;
	const char *complaint;

	if (t->part == PART_HEAD)
		close_head(t);
	if (t->framed)
		http_body_end(&t->body);
	complaint = content_end(t->content, &out->length, out->sha256);
	out->cut = warc_reader_torn(r) || body_is_cut(t) ||
	    is_segment(t->rec) ||
	    warc_field(t->rec, "WARC-Truncated").p != NULL;
	if (t->rec->type != WARC_REVISIT)
		out->has_payload = true;
	if (out->note == NULL)
		out->note = complaint;
	if (out->note == NULL)
		out->note = cut_note(t);
	check_digests(t);
	if (warc_reader_torn(r))
		out->note = "record is cut off";
}

void
warc_payload_read(struct warc_payload *out, struct warc_reader *r,
    const struct warc_record *rec, const struct warc_keep *keep)
{
	struct pass t = {.out = out, .rec = rec, .keep = keep};
	struct span s;

	warc_payload_release(out);
	begin_pass(&t);
	while ((s = warc_reader_block(r)).n > 0) {
		digest_check_update(&t.block, s);
		if (keep != NULL && keep->block != NULL)
			buf_add_span(keep->block, s);
		while (t.part == PART_HEAD && s.n > 0)
			s = take_head(&t, s);
		take_body(&t, s);
	}
	end_pass(&t, r);
	digest_check_release(&t.block);
	digest_check_release(&t.payload);
	digest_check_release(&t.wire);
}
