#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "inspect.h"
#include "instant.h"
#include "json.h"
#include "limit.h"
#include "log.h"
#include "warc.h"

struct inspection {
	const struct inspect_input *in;
	const struct inspect_output *to;
	size_t head_given;
	struct buf note; /* damage said since the line before */
	struct buf line;
};

static ssize_t
read_input(void *arg, void *bytes, size_t n)
{
	struct inspection *i = arg;
	struct span head = span_slice(i->in->head, i->head_given, n);
	ssize_t got;

	if (head.n > 0) {
		memcpy(bytes, head.p, head.n);
		i->head_given += head.n;
		return (ssize_t)head.n;
	}
	do
		got = read(i->in->fd, bytes, n);
	while (got < 0 && errno == EINTR);
	return got;
}

static void
take_note(void *arg, uint64_t offset, const char *text)
{
	struct inspection *i = arg;

	fprintf(stderr, "%s: at byte %" PRIu64 ": %s\n",
	    log_quote_str(i->in->name), offset, text);
	if (i->note.len > 0)
		buf_add_str(&i->note, "; ");
	buf_add_str(&i->note, text);
}

/* The type's own name; that of an unknown one as written. */
static struct span
shown_type(const struct warc_record *r)
{
	if (r->type != WARC_OTHER)
		return span_of(warc_type_name(r->type));
	return r->type_text.n > 0 ? r->type_text : SPAN_NULL;
}

static struct span
shown_content_type(const struct warc_record *r, const struct warc_payload *p)
{
	struct span s = p->http ? span_of(p->content_type) : r->content_type;

	return s.n > 0 ? s : SPAN_NULL;
}

static void
add_payload_note(struct inspection *i, const struct warc_payload *p)
{
	if (p->note == NULL)
		return;
	if (i->note.len > 0)
		buf_add_str(&i->note, "; ");
	buf_add_str(&i->note, p->note);
}

static void
write_json(struct inspection *i, const struct warc_record *r,
    const struct warc_payload *p)
{
	char text[INSTANT_TEXT_MAX];
	struct json j;

	json_init(&j, &i->line);
	json_object(&j);
	json_key_str(&j, "file", i->in->name);
	json_key_int(&j, "offset", (int64_t)r->offset);
	json_key_span(&j, "type", shown_type(r));
	json_key_span(&j, "uri", r->uri.n > 0 ? r->uri : SPAN_NULL);
	json_key_str(&j, "time",
	    r->date == INSTANT_NONE ? NULL : instant_text(r->date, text));
	if (p->has_status)
		json_key_int(&j, "status", p->status);
	else
		json_key_null(&j, "status");
	json_key_span(&j, "content_type", shown_content_type(r, p));
	json_key_int(&j, "length", (int64_t)p->length);
	json_key_str(&j, "sha256", p->has_payload ? p->sha256 : NULL);
	if (p->digest == WARC_DIGEST_NONE)
		json_key_null(&j, "digest_ok");
	else
		json_key_bool(&j, "digest_ok", p->digest == WARC_DIGEST_OK);
	json_key_span(&j, "note",
	    i->note.len > 0 ? buf_span(&i->note) : SPAN_NULL);
	json_object_end(&j);
}

static void
add_quoted(struct buf *out, struct span s)
{
	if (s.n == 0)
		buf_add_char(out, '-');
	else
		quote_bytes(out, s);
}

static void
write_text(struct inspection *i, const struct warc_record *r,
    const struct warc_payload *p)
{
	static const char *const digests[] = {"no-digest", "digest-ok",
	    "DIGEST-WRONG"};
	char text[INSTANT_TEXT_MAX];
	struct buf *b = &i->line;

	buf_addf(b, "%10" PRIu64 "  ", r->offset);
	buf_addf(b, "%s  ",
	    r->date == INSTANT_NONE ? "-" : instant_text(r->date, text));
	add_quoted(b, shown_type(r));
	buf_addf(b, "  %d  %" PRIu64 "  %s  ", p->status, p->length,
	    digests[p->digest]);
	add_quoted(b, r->uri);
	if (i->note.len > 0) {
		buf_add_str(b, "  # ");
		quote_bytes(b, buf_span(&i->note));
	}
}

static bool
write_record(struct inspection *i, const struct warc_record *r,
    const struct warc_payload *p)
{
	buf_clear(&i->line);
	add_payload_note(i, p);
	if (i->to->json)
		write_json(i, r, p);
	else
		write_text(i, r, p);
	buf_add_char(&i->line, '\n');
	buf_clear(&i->note);
	return fwrite(i->line.data, 1, i->line.len, i->to->to) == i->line.len;
}

int
inspect_warc(const struct inspect_input *in, const struct inspect_output *to)
{
	struct inspection i = {.in = in,
	    .to = to,
	    .note = BUF_INIT(64 * KIB),
	    .line = BUF_INIT(4 * ARCHIVE_PEEK_MAX)};
	struct warc_reader *r = warc_reader_new(read_input, take_note, &i);
	struct warc_record rec;
	struct warc_payload p;
	size_t records = 0, wrong = 0;
	bool ok = true, damaged;

	warc_reader_crew(r, to->crew);
	warc_payload_init(&p);
	while (ok && warc_reader_next(r, &rec) == 1) {
		warc_payload_read(&p, r, &rec, NULL);
		wrong += p.digest == WARC_DIGEST_WRONG;
		records++;
		ok = write_record(&i, &rec, &p);
	}
	if (records == 0)
		take_note(&i, 0, "no record found");
	damaged = warc_reader_damage(r) > 0 || records == 0 || wrong > 0;
	warc_payload_release(&p);
	warc_reader_free(r);
	buf_release(&i.note);
	buf_release(&i.line);
	return ok && !damaged ? EXIT_DONE : EXIT_FAILED;
}
