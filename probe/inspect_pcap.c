#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "capture_input.h"
#include "command.h"
#include "decode.h"
#include "digest.h"
#include "exchange.h"
#include "inspect.h"
#include "instant.h"
#include "json.h"
#include "limit.h"
#include "log.h"

/* A body on its way: hashed at once when it has no content coding, gathered
 * for the decoder otherwise. */
struct body {
	struct digest *plain;
	struct buf coded;
	struct buf codings;
	bool dropped; /* no room to gather it */
};

struct inspection {
	const struct inspect_input *in;
	const struct inspect_output *to;
	size_t gathered; /* bytes in all coded bodies */
	struct digest *spare[64];
	size_t nspare;
	struct buf line;
	struct buf decoded;
	uint64_t tls;
	struct buf names; /* TLS server names, for the note */
	uint64_t failed[CONNECTION_RESET + 1];
};

static void
on_start(void *arg, struct exchange *x)
{
	struct inspection *i = arg;
	struct body *b = xcalloc(1, sizeof *b);

	buf_init(&b->codings, 1 * KIB);
	buf_init(&b->coded, DECODED_BODY_MAX);
	http_codings(&x->response, &b->codings);
	if (b->codings.len == 0)
		b->plain = i->nspare > 0 ? i->spare[--i->nspare]
					 : digest_new(DIGEST_SHA256);
	x->user = b;
}

static void
on_body(void *arg, struct exchange *x, struct span s)
{
	struct inspection *i = arg;
	struct body *b = x->user;

	if (b->plain != NULL) {
		digest_update(b->plain, s);
		return;
	}
	if (b->dropped)
		return;
	if (i->gathered + s.n > INSPECT_GATHER_MAX ||
	    !buf_add_span(&b->coded, s)) {
		b->dropped = true;
		return;
	}
	i->gathered += s.n;
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

/* Length and hash of the body as a reader of the page gets it. */
static uint64_t
finish_body(struct inspection *i, struct exchange *x, char hex[65],
    struct buf *note)
{
	struct body *b = x->user;
	uint8_t sum[SHA256_BYTES];

	if (b->plain != NULL) {
		digest_final(b->plain, sum);
		hex_encode(hex, sum, sizeof sum);
		if (b->codings.len == 0)
			return x->body_bytes;
	}
	buf_clear(&i->decoded);
	add_note(note,
	    decode_status_text(content_decode(buf_span(&b->coded),
		buf_span(&b->codings), &i->decoded)));
	if (b->dropped)
		add_note(note, "body too large to decode");
	sha256_hex(buf_span(&i->decoded), hex);
	return i->decoded.len;
}

static void
free_body(struct inspection *i, struct exchange *x)
{
	struct body *b = x->user;

	if (b == NULL)
		return;
	i->gathered -= b->coded.len;
	if (b->plain != NULL && i->nspare < ARRAY_LEN(i->spare))
		i->spare[i->nspare++] = b->plain;
	else
		digest_free(b->plain);
	buf_release(&b->coded);
	buf_release(&b->codings);
	free(b);
	x->user = NULL;
}

static int64_t
to_ms(int64_t ns)
{
	return ns == TCP_NEVER ? INSTANT_NONE : ns / 1000000;
}

static int64_t
time_of(const struct exchange *x)
{
	return to_ms(
	    x->request_ns != TCP_NEVER ? x->request_ns : x->response_ns);
}

/* The line's fields, worked out once for both forms. */
struct row {
	const struct exchange *x;
	char time[INSTANT_TEXT_MAX];
	char client[ENDPOINT_TEXT_MAX];
	char server[ENDPOINT_TEXT_MAX];
	struct span host;
	struct buf type; /* Content-Type, unfolded */
	bool has_body;
	uint64_t length;
	char hex[65];
	struct buf note;
};

static void
row_json(const struct inspection *i, const struct row *r, struct buf *out)
{
	const struct exchange *x = r->x;
	struct json j;

	json_init(&j, out);
	json_object(&j);
	json_key_str(&j, "file", i->in->name);
	json_key_str(&j, "time", r->time);
	json_key_int(&j, "stream", (int64_t)x->stream);
	json_key_str(&j, "client", r->client);
	json_key_str(&j, "server", r->server);
	json_key_span(&j, "method", x->request.method);
	json_key_span(&j, "host", r->host);
	json_key_span(&j, "target", x->request.target);
	if (r->has_body)
		json_key_int(&j, "status", x->response.status);
	else
		json_key_null(&j, "status");
	json_key_span(&j, "content_type",
	    r->type.data == NULL ? SPAN_NULL : buf_span(&r->type));
	if (r->has_body) {
		json_key_int(&j, "length", (int64_t)r->length);
		json_key_str(&j, "sha256", r->hex);
	} else {
		json_key_null(&j, "length");
		json_key_null(&j, "sha256");
	}
	json_key_bool(&j, "complete", x->complete);
	json_key_span(&j, "note",
	    r->note.len == 0 ? SPAN_NULL : buf_span(&r->note));
	json_object_end(&j);
	buf_add_char(out, '\n');
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
row_text(const struct row *r, struct buf *out)
{
	const struct exchange *x = r->x;

	buf_addf(out, "%s %s -> %s", r->time, r->client, r->server);
	quoted(out, x->request.method);
	quoted(out, r->host);
	quoted(out, x->request.target);
	if (r->has_body)
		buf_addf(out, " %d", x->response.status);
	else
		buf_add_str(out, " -");
	quoted(out, buf_span(&r->type));
	if (r->has_body)
		buf_addf(out, " %" PRIu64 " %.16s", r->length, r->hex);
	if (r->note.len > 0) {
		buf_add_str(out, " (");
		quote_bytes(out, buf_span(&r->note));
		buf_add_char(out, ')');
	}
	buf_add_char(out, '\n');
}

static void
on_done(void *arg, struct exchange *x)
{
	struct inspection *i = arg;
	struct row r = {.x = x,
	    .host = http_host(&x->request),
	    .type = BUF_INIT(8 * KIB),
	    .note = BUF_INIT(8 * KIB)};
	struct span type = http_field(&x->response, "content-type");

	instant_text(time_of(x), r.time);
	endpoint_text(&x->client, r.client);
	endpoint_text(&x->server, r.server);
	if (type.p != NULL)
		http_value_unfold(type, &r.type);
	exchange_notes(x, &r.note);
	r.has_body = x->user != NULL;
	if (r.has_body)
		r.length = finish_body(i, x, r.hex, &r.note);
	free_body(i, x);
	buf_clear(&i->line);
	if (i->to->json)
		row_json(i, &r, &i->line);
	else
		row_text(&r, &i->line);
	fwrite(i->line.data, 1, i->line.len, i->to->to);
	buf_release(&r.type);
	buf_release(&r.note);
}

static void
on_connection(void *arg, const struct connection_seen *c)
{
	struct inspection *i = arg;
	struct span name = span_of(c->server_name);

	i->failed[c->fate]++;
	if (!c->tls)
		return;
	i->tls++;
	if (name.n == 0 || i->names.len + name.n > 300)
		return;
	if (i->names.len > 0)
		buf_add_str(&i->names, ", ");
	quote_bytes(&i->names, name);
}

static void
say(const struct inspection *i, const char *text)
{
	fprintf(stderr, "%s: %s\n", log_quote_str(i->in->name), text);
}

static void
say_count(const struct inspection *i, uint64_t n, const char *what)
{
	if (n > 0)
		fprintf(stderr, "%s: %" PRIu64 " %s\n",
		    log_quote_str(i->in->name), n, what);
}

static void
summarise(const struct inspection *i, const struct exchanges *e,
    const struct capture *c)
{
	struct exchanges_count n = exchanges_counts(e);

	if (i->tls > 0)
		fprintf(stderr,
		    "%s: %" PRIu64 " TLS connections, encrypted%s"
		    "%s\n",
		    log_quote_str(i->in->name), i->tls,
		    i->names.len > 0 ? ": " : "", buf_str(&i->names));
	say_count(i, capture_secrets(c), "blocks of TLS secrets, not used");
	say_count(i, n.unknown_link, "packets of unknown link types");
	say_count(i, n.snapped, "packets cut by the snapshot length");
	say_count(i, n.fragments_lost, "fragmented datagrams incomplete");
	say_count(i, n.evicted, "holes or streams given up to bound memory");
	say_count(i, i->failed[CONNECTION_UNANSWERED],
	    "connections unanswered");
	say_count(i, i->failed[CONNECTION_REFUSED], "connections refused");
	say_count(i, i->failed[CONNECTION_UNREACHABLE],
	    "connections unreachable");
}

static void
inspection_release(struct inspection *i)
{
	while (i->nspare > 0)
		digest_free(i->spare[--i->nspare]);
	buf_release(&i->line);
	buf_release(&i->decoded);
	buf_release(&i->names);
}

int
inspect_pcap(const struct inspect_input *in, const struct inspect_output *to)
{
	struct inspection *i = xcalloc(1, sizeof *i);
	struct exchange_sink sink = {.arg = i,
	    .start = on_start,
	    .body = on_body,
	    .done = on_done,
	    .connection = on_connection};
	struct exchanges *e = exchanges_new(&sink);
	struct capture_input *input = capture_input_new(in->fd, in->head);
	struct capture *c = capture_new(capture_input_read, input);
	struct capture_packet p;
	enum capture_result r;

	i->in = in;
	i->to = to;
	buf_init(&i->line, 512 * KIB);
	buf_init(&i->decoded, DECODED_BODY_MAX);
	buf_init(&i->names, 4 * KIB);
	while ((r = capture_next(c, &p)) == CAPTURE_PACKET)
		exchanges_packet(e, &p);
	exchanges_finish(e);
	summarise(i, e, c);
	if (r == CAPTURE_DAMAGED)
		say(i, capture_note(c));
	exchanges_free(e);
	capture_free(c);
	capture_input_free(input);
	inspection_release(i);
	free(i);
	return r == CAPTURE_DAMAGED ? EXIT_FAILED : EXIT_DONE;
}
