#include "inspect_rows.h"

#include <inttypes.h>
#include <stdlib.h>

#include "crew.h"
#include "decode.h"
#include "digest.h"
#include "instant.h"
#include "json.h"
#include "limit.h"
#include "log.h"

/* Gathered until the exchange is over; hashed at once when it is long and
 * has no content coding. */
struct row_body {
	struct buf bytes;
	struct buf codings;
	struct digest *sum; /* bytes hashed as they come */
	bool dropped;	    /* no room to gather it */
	uint64_t length;
};

struct row {
	struct row *next;
	struct crew_job job;
	struct row_body *body;
	struct buf line; /* up to what the body decides */
	struct json json;
	struct buf note;
	bool complete;
	/* What the job finds. */
	struct digest *sum;
	char hex[65];
	uint64_t length;
	enum decode_status status;
};

struct rows {
	const struct inspect_input *in;
	const struct inspect_output *to;
	struct row *first, *last;
	size_t n;
	size_t gathered; /* bytes in all bodies */
	/* Used again, since fresh memory costs more than what fills it. */
	struct digest *spare[INSPECT_ROWS_MAX];
	size_t nspare;
	struct buf room[INSPECT_ROWS_MAX];
	size_t nroom;
};

struct rows *
rows_new(const struct inspect_input *in, const struct inspect_output *to)
{
	struct rows *rows = xcalloc(1, sizeof *rows);

	rows->in = in;
	rows->to = to;
	return rows;
}

static struct digest *
digest_take(struct rows *rows)
{
	return rows->nspare > 0 ? rows->spare[--rows->nspare]
				: digest_new(DIGEST_SHA256);
}

/* Takes it back unused or after digest_final(). */
static void
digest_give(struct rows *rows, struct digest *d)
{
	if (d != NULL && rows->nspare < ARRAY_LEN(rows->spare))
		rows->spare[rows->nspare++] = d;
	else
		digest_free(d);
}

static void
room_give(struct rows *rows, struct buf *b)
{
	rows->gathered -= b->len;
	if (b->cap > INSPECT_INLINE_MIN || rows->nroom == INSPECT_ROWS_MAX) {
		buf_release(b);
		return;
	}
	buf_clear(b);
	rows->room[rows->nroom++] = *b;
	buf_init(b, DECODED_BODY_MAX);
}

struct row_body *
row_body_new(struct rows *rows, const struct http_head *head)
{
	struct row_body *b = xcalloc(1, sizeof *b);

	buf_init(&b->codings, 1 * KIB);
	buf_init(&b->bytes, DECODED_BODY_MAX);
	if (rows->nroom > 0)
		b->bytes = rows->room[--rows->nroom];
	http_codings(head, &b->codings);
	return b;
}

/* From here on hashed as it comes. */
static void
hash_at_once(struct rows *rows, struct row_body *b)
{
	b->sum = digest_take(rows);
	digest_update(b->sum, buf_span(&b->bytes));
	room_give(rows, &b->bytes);
}

void
row_body_add(struct rows *rows, struct row_body *b, struct span s)
{
	bool room = rows->gathered + s.n <= INSPECT_GATHER_MAX;
	bool coded = b->codings.len > 0;

	b->length += s.n;
	if (b->dropped)
		return;
	if (b->sum == NULL && !coded &&
	    (!room || b->bytes.len + s.n > INSPECT_INLINE_MIN))
		hash_at_once(rows, b);
	if (b->sum != NULL)
		digest_update(b->sum, s);
	else if (room && buf_add_span(&b->bytes, s))
		rows->gathered += s.n;
	else
		b->dropped = true;
}

/* The job: what a reader of the page gets, its length and hash. */
static void
find_hash(void *arg)
{
	struct row *r = arg;
	struct row_body *b = r->body;
	struct buf decoded = BUF_INIT(DECODED_BODY_MAX);
	uint8_t sum[SHA256_BYTES];

	r->length = b->length;
	if (b->codings.len > 0) {
		r->status = content_decode(buf_span(&b->bytes),
		    buf_span(&b->codings), &decoded);
		r->length = decoded.len;
		digest_update(r->sum, buf_span(&decoded));
		buf_release(&decoded);
	} else if (b->sum == NULL) {
		digest_update(r->sum, buf_span(&b->bytes));
	}
	digest_final(b->sum != NULL ? b->sum : r->sum, sum);
	hex_encode(r->hex, sum, sizeof sum);
}

static void
no_job(void *arg)
{
	(void)arg;
}

static int64_t
time_of(const struct exchange *x)
{
	int64_t ns =
	    x->request_ns != TCP_NEVER ? x->request_ns : x->response_ns;

	return ns == TCP_NEVER ? INSTANT_NONE : ns / 1000000;
}

/* The line's fields, worked out once for both forms. */
struct facts {
	char time[INSTANT_TEXT_MAX];
	char client[ENDPOINT_TEXT_MAX];
	char server[ENDPOINT_TEXT_MAX];
	struct span host;
	struct buf type; /* Content-Type, unfolded */
};

static void
find_facts(struct facts *f, const struct exchange *x)
{
	struct span type = http_field(&x->response, "content-type");

	instant_text(time_of(x), f->time);
	endpoint_text(&x->client, f->client);
	endpoint_text(&x->server, f->server);
	f->host = http_host(&x->request);
	buf_init(&f->type, 8 * KIB);
	if (type.p != NULL)
		http_value_unfold(type, &f->type);
}

static void
begin_json(const struct rows *rows, struct row *r, const struct exchange *x,
    const struct facts *f)
{
	struct json *j = &r->json;

	json_init(j, &r->line);
	json_object(j);
	json_key_str(j, "file", rows->in->name);
	json_key_str(j, "time", f->time);
	json_key_int(j, "stream", (int64_t)x->stream);
	json_key_str(j, "client", f->client);
	json_key_str(j, "server", f->server);
	json_key_span(j, "method", x->request.method);
	json_key_span(j, "host", f->host);
	json_key_span(j, "target", x->request.target);
	if (r->body != NULL)
		json_key_int(j, "status", x->response.status);
	else
		json_key_null(j, "status");
	json_key_span(j, "content_type",
	    f->type.data == NULL ? SPAN_NULL : buf_span(&f->type));
}

static void
end_json(struct row *r)
{
	struct json *j = &r->json;

	if (r->body != NULL) {
		json_key_int(j, "length", (int64_t)r->length);
		json_key_str(j, "sha256", r->hex);
	} else {
		json_key_null(j, "length");
		json_key_null(j, "sha256");
	}
	json_key_bool(j, "complete", r->complete);
	json_key_span(j, "note",
	    r->note.len == 0 ? SPAN_NULL : buf_span(&r->note));
	json_object_end(j);
}

static void
quoted(struct buf *out, struct span s)
{
	buf_add_char(out, ' ');
	if (s.n == 0)
		buf_add_char(out, '-');
	quote_bytes(out, s);
}

static void
begin_text(struct row *r, const struct exchange *x, const struct facts *f)
{
	struct buf *out = &r->line;

	buf_addf(out, "%s %s -> %s", f->time, f->client, f->server);
	quoted(out, x->request.method);
	quoted(out, f->host);
	quoted(out, x->request.target);
	if (r->body != NULL)
		buf_addf(out, " %d", x->response.status);
	else
		buf_add_str(out, " -");
	quoted(out, buf_span(&f->type));
}

static void
end_text(struct row *r)
{
	struct buf *out = &r->line;

	if (r->body != NULL)
		buf_addf(out, " %" PRIu64 " %.16s", r->length, r->hex);
	if (r->note.len == 0)
		return;
	buf_add_str(out, " (");
	quote_bytes(out, buf_span(&r->note));
	buf_add_char(out, ')');
}

static void
add_note(struct buf *note, const char *text)
{
	if (text == NULL)
		return;
	if (note->len > 0)
		buf_add_str(note, "; ");
	buf_add_str(note, text);
}

static void
row_free(struct rows *rows, struct row *r)
{
	if (r->body != NULL) {
		room_give(rows, &r->body->bytes);
		digest_give(rows, r->body->sum);
		buf_release(&r->body->codings);
		free(r->body);
	}
	digest_give(rows, r->sum);
	buf_release(&r->line);
	buf_release(&r->note);
	free(r);
}

static void
print_first(struct rows *rows)
{
	struct row *r = rows->first;

	crew_wait(rows->to->crew, &r->job);
	rows->first = r->next;
	if (rows->first == NULL)
		rows->last = NULL;
	rows->n--;
	if (r->body != NULL) {
		add_note(&r->note, decode_status_text(r->status));
		if (r->body->dropped)
			add_note(&r->note, "body too large to decode");
	}
	if (rows->to->json)
		end_json(r);
	else
		end_text(r);
	buf_add_char(&r->line, '\n');
	fwrite(r->line.data, 1, r->line.len, rows->to->to);
	row_free(rows, r);
}

void
rows_add(struct rows *rows, const struct exchange *x, struct row_body *body)
{
	struct crew *crew = rows->to->crew;
	struct row *r = xcalloc(1, sizeof *r);
	struct facts f;

	r->body = body;
	r->complete = x->complete;
	buf_init(&r->line, 512 * KIB);
	buf_init(&r->note, 8 * KIB);
	exchange_notes(x, &r->note);
	find_facts(&f, x);
	if (rows->to->json)
		begin_json(rows, r, x, &f);
	else
		begin_text(r, x, &f);
	buf_release(&f.type);
	if (body != NULL && body->sum == NULL)
		r->sum = digest_take(rows);
	r->job.work = body != NULL ? find_hash : no_job;
	r->job.arg = r;
	crew_add(crew, &r->job);
	if (rows->last != NULL)
		rows->last->next = r;
	else
		rows->first = r;
	rows->last = r;
	rows->n++;
	while (rows->n > (crew == NULL ? 0 : INSPECT_ROWS_MAX) ||
	    (rows->n > 0 && crew_done(crew, &rows->first->job)))
		print_first(rows);
}

void
rows_free(struct rows *rows)
{
	if (rows == NULL)
		return;
	while (rows->n > 0)
		print_first(rows);
	while (rows->nspare > 0)
		digest_free(rows->spare[--rows->nspare]);
	while (rows->nroom > 0)
		buf_release(&rows->room[--rows->nroom]);
	free(rows);
}
