#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arc.h"
#include "archive.h"
#include "instant.h"
#include "limit.h"
#include "log.h"
#include "warc.h"

static const char *const type_names[WARC_TYPE_COUNT] = {"other", "warcinfo",
    "response", "resource", "request", "metadata", "revisit", "conversion",
    "continuation"};

enum block_state {
	BLOCK_NONE,    /* between records */
	BLOCK_COUNTED, /* `left` bytes are to come */
	BLOCK_OPEN,    /* length unknown: until something new begins */
};

struct warc_reader {
	struct archive *archive;
	struct buf header; /* of the current record */
	enum block_state state;
	uint64_t left;
	size_t given; /* bytes of the last piece, not yet skipped */
	bool torn;
	bool arc;
	uint64_t offset; /* of the current record */
	uint64_t last_member;
	bool seen_record;
};

const char *
warc_type_name(enum warc_type type)
{
	return type_names[type];
}

struct warc_reader *
warc_reader_new(warc_read_fn *read, warc_note_fn *note, void *arg)
{
	struct warc_reader *r = xcalloc(1, sizeof *r);

	r->archive = archive_new(read, note, arg);
	buf_init(&r->header, 2 * ARCHIVE_PEEK_MAX);
	r->last_member = UINT64_MAX;
	return r;
}

void
warc_reader_crew(struct warc_reader *r, struct crew *crew)
{
	archive_crew(r->archive, crew);
}

void
warc_reader_free(struct warc_reader *r)
{
	if (r == NULL)
		return;
	archive_free(r->archive);
	buf_release(&r->header);
	free(r);
}

size_t
warc_reader_damage(const struct warc_reader *r)
{
	return archive_notes(r->archive);
}

void
warc_reader_note(struct warc_reader *r, uint64_t offset, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	archive_note(r->archive, offset, "%s", text);
}

uint64_t
warc_reader_position(const struct warc_reader *r)
{
	return archive_position(r->archive);
}

/* Empty lines between records, as many as there are. */
static void
skip_blank(struct archive *a)
{
	for (;;) {
		struct span s = archive_peek(a, 1);
		size_t n = 0;

		while (n < s.n && ascii_space(s.p[n]))
			n++;
		if (n == 0)
			return;
		archive_skip(a, n);
	}
}

uint64_t
warc_reader_here(struct warc_reader *r)
{
	skip_blank(r->archive);
	if (archive_peek(r->archive, 1).n == 0)
		return archive_position(r->archive);
	return archive_offset(r->archive);
}

bool
warc_reader_mark(struct warc_reader *r, uint64_t *offset)
{
	struct archive *a = r->archive;

	*offset = 0;
	if (!r->seen_record && archive_position(a) == 0)
		return true;
	while (r->state != BLOCK_NONE)
		warc_reader_block(r);
	skip_blank(a);
	if (r->arc || archive_peek(a, 1).n == 0 ||
	    (archive_is_gzip(a) && !archive_at_member(a)))
		return false;
	*offset = archive_offset(a);
	return true;
}

void
warc_reader_begin_at(struct warc_reader *r, uint64_t offset)
{
	archive_begin_at(r->archive, offset);
	r->seen_record = offset > 0;
}

bool
warc_reader_torn(const struct warc_reader *r)
{
	return r->torn;
}

struct span
warc_field(const struct warc_record *rec, const char *name)
{
	return header_value(rec->header, name);
}

/* "WARC/1." and the like at the start. */
static bool
starts_warc(struct span s)
{
	return s.n >= 6 && span_starts_i(s, "WARC/") && ascii_digit(s.p[5]);
}

static struct span
first_line(struct span s)
{
	return span_trim(span_slice(s, 0, span_find(s, '\n')));
}

static bool
starts_arc(struct span s)
{
	struct arc_line line;

	return arc_parse_line(first_line(span_slice(s, 0, URL_MAX_LEN)), &line);
}

bool
warc_recognise(struct span head)
{
	static const char gz[] = "\x1f\x8b\x08";

	return starts_warc(head) || span_starts(head, "filedesc:") ||
	    (head.n > 3 && memcmp(head.p, gz, 3) == 0) || starts_arc(head);
}

/* Does a record begin at the reading place? */
static bool
at_record(struct warc_reader *r)
{
	struct span s = archive_peek(r->archive, 6);

	if (starts_warc(s))
		return true;
	if (!r->arc && r->seen_record)
		return false;
	return starts_arc(archive_peek(r->archive, URL_MAX_LEN));
}

/* To the begin of the next line or the next member, whichever is first. */
static bool
skip_line(struct archive *a)
{
	struct span s = archive_peek(a, 1);
	size_t border = archive_border(a), n;

	if (s.n == 0)
		return false;
	n = span_find(s, '\n');
	if (n < s.n)
		n++;
	if (border < n)
		n = border;
	archive_skip(a, n);
	return true;
}

/* Gets to where the next record begins, over gaps and garbage. */
static bool
find_record(struct warc_reader *r)
{
	struct archive *a = r->archive;
	bool said = false;

	for (;;) {
		skip_blank(a);
		if (archive_peek(a, 1).n == 0) {
			if (!archive_at_gap(a) || !archive_resume(a))
				return false;
			continue;
		}
		if (at_record(r))
			return true;
		if (!said) {
			archive_note(a, archive_offset(a),
			    "no record begins here: %s",
			    log_quote(first_line(
				span_slice(archive_peek(a, 64), 0, 64))));
			said = true;
		}
		if (!skip_line(a))
			continue;
	}
}

/* The end of the first empty line at or behind `from`, or 0. */
static size_t
empty_line_end(struct span s, size_t from)
{
	for (size_t i = from; i < s.n; i++) {
		if (s.p[i] != '\n')
			continue;
		if (i + 1 < s.n && s.p[i + 1] == '\n')
			return i + 2;
		if (i + 2 < s.n && s.p[i + 1] == '\r' && s.p[i + 2] == '\n')
			return i + 3;
	}
	return 0;
}

/*
 * The length of a record's header at the reading place, its empty line
 * included.  0 when it has no end in its gzip member or as far as we look;
 * *looked is how far that was.
 */
static size_t
header_length(struct archive *a, size_t *looked)
{
	size_t want = 4 * KIB, from = 0, end;

	for (;;) {
		struct span s = archive_peek(a, want);
		size_t border = archive_border(a);

		s.n = s.n < border ? s.n : border;
		end = empty_line_end(s, from);
		*looked = s.n;
		if (end > 0 || s.n < want || want >= ARCHIVE_PEEK_MAX)
			return end;
		from = s.n - 2;
		want *= 2;
	}
}

/* Appends one header line, or joins it to the one before when folded. */
static void
add_line(struct buf *out, struct span line)
{
	bool folded = line.n > 0 && (line.p[0] == ' ' || line.p[0] == '\t');

	line = span_trim(line);
	if (line.n == 0)
		return;
	if (folded && out->len > 0) {
		out->len--;
		buf_add_char(out, ' ');
	}
	for (size_t i = 0; i < line.n; i++)
		if (line.p[i] == '\0')
			return;
	buf_add_span(out, line);
	buf_add_char(out, '\n');
}

static void
read_fields(struct warc_reader *r, struct span s)
{
	buf_clear(&r->header);
	span_token(&s, '\n'); /* version */
	while (s.p != NULL)
		add_line(&r->header, span_token(&s, '\n'));
}

static enum warc_type
type_from(struct span s)
{
	for (int i = WARC_WARCINFO; i < WARC_TYPE_COUNT; i++)
		if (span_is_i(s, type_names[i]))
			return (enum warc_type)i;
	return WARC_OTHER;
}

/* WARC 1.0 was widely written with <> around the target. */
static struct span
strip_brackets(struct span s)
{
	if (s.n >= 2 && s.p[0] == '<' && s.p[s.n - 1] == '>')
		return span_slice(s, 1, s.n - 2);
	return s;
}

static void
fill_record(struct warc_reader *r, struct warc_record *rec)
{
	rec->header = buf_span(&r->header);
	rec->type_text = warc_field(rec, "WARC-Type");
	rec->type = type_from(rec->type_text);
	rec->uri = strip_brackets(warc_field(rec, "WARC-Target-URI"));
	rec->date_text = warc_field(rec, "WARC-Date");
	if (!instant_parse(rec->date_text, &rec->date))
		rec->date = INSTANT_NONE;
	rec->content_type = warc_field(rec, "Content-Type");
	rec->length_known =
	    span_u64(warc_field(rec, "Content-Length"), &rec->length);
}

/* The offset, and whether the member was used by a record before. */
static void
place_record(struct warc_reader *r, struct warc_record *rec)
{
	memset(rec, 0, sizeof *rec);
	rec->offset = r->offset = archive_offset(r->archive);
	rec->shares_member =
	    archive_is_gzip(r->archive) && r->last_member == rec->offset;
	r->last_member = rec->offset;
	r->seen_record = true;
}

static void
begin_block(struct warc_reader *r, struct warc_record *rec)
{
	r->torn = false;
	r->left = rec->length;
	r->state = rec->length_known ? BLOCK_COUNTED : BLOCK_OPEN;
	if (rec->length_known)
		return;
	rec->length = 0;
	skip_blank(r->archive);
	archive_note(r->archive, rec->offset,
	    "record without a usable Content-Length: %s",
	    log_quote(warc_field(rec, "Content-Length")));
}

static bool
read_warc_header(struct warc_reader *r, struct warc_record *rec)
{
	size_t looked, n = header_length(r->archive, &looked);

	place_record(r, rec);
	if (n == 0) {
		archive_note(r->archive, rec->offset,
		    "record header has no end in %zu bytes", looked);
		/* Where no header ends none needs to be looked for. */
		archive_skip(r->archive, looked);
		return false;
	}
	read_fields(r, span_slice(archive_peek(r->archive, n), 0, n));
	archive_skip(r->archive, n);
	fill_record(r, rec);
	begin_block(r, rec);
	return true;
}

static void
arc_fields(struct buf *out, const struct arc_line *line, const char *type)
{
	char date[21];

	buf_clear(out);
	buf_addf(out, "WARC-Type: %s\nWARC-Target-URI: ", type);
	buf_add_span(out, line->url);
	if (arc_date(line->date, date))
		buf_addf(out, "\nWARC-Date: %s", date);
	buf_add_str(out, "\nContent-Type: ");
	buf_add_span(out, line->mime);
	buf_add_str(out, "\nContent-Length: ");
	buf_add_span(out, line->length);
	buf_add_str(out, "\nWARC-IP-Address: ");
	buf_add_span(out, line->address);
	buf_add_char(out, '\n');
}

static bool
read_arc_header(struct warc_reader *r, struct warc_record *rec)
{
	struct span s = archive_peek(r->archive, URL_MAX_LEN), text;
	size_t end = span_find(s, '\n');
	struct arc_line line;
	bool http;

	if (end < s.n)
		end++;
	place_record(r, rec);
	if (!arc_parse_line(first_line(s), &line)) {
		skip_line(r->archive);
		return false;
	}
	r->arc = rec->arc = true;
	text = span_slice(s, end, 5);
	http = span_starts_i(text, "HTTP/");
	arc_fields(&r->header, &line,
	    span_starts(line.url, "filedesc:") ? "warcinfo"
		: http			       ? "response"
					       : "resource");
	archive_skip(r->archive, end);
	fill_record(r, rec);
	begin_block(r, rec);
	return true;
}

int
warc_reader_next(struct warc_reader *r, struct warc_record *rec)
{
	while (r->state != BLOCK_NONE)
		warc_reader_block(r);
	while (find_record(r)) {
		bool warc = starts_warc(archive_peek(r->archive, 6));

		if (warc ? read_warc_header(r, rec) : read_arc_header(r, rec))
			return 1;
	}
	return 0;
}

static struct span
end_block(struct warc_reader *r, bool torn)
{
	r->state = BLOCK_NONE;
	r->torn = torn;
	if (torn)
		archive_note(r->archive, r->offset,
		    "record is cut off, %llu bytes of its block are missing",
		    (unsigned long long)r->left);
	return SPAN_NULL;
}

/* A member that begins inside a counted block and holds a record header:
 * the record before it was torn off. */
static bool
torn_by_member(struct warc_reader *r)
{
	return archive_at_member(r->archive) &&
	    starts_warc(archive_peek(r->archive, 6));
}

static struct span
give_counted(struct warc_reader *r)
{
	struct span s = archive_peek(r->archive, 1);
	size_t border = archive_border(r->archive);

	if (r->left == 0)
		return end_block(r, false);
	if (s.n == 0 || torn_by_member(r))
		return end_block(r, true);
	if (s.n > border)
		s.n = border;
	if (s.n > r->left)
		s.n = (size_t)r->left;
	r->left -= s.n;
	r->given = s.n;
	return s;
}

/* Without a length the block ends where something else begins: line by line,
 * so that the next record is seen. */
static struct span
give_open(struct warc_reader *r)
{
	struct span s;

	if (archive_peek(r->archive, 1).n == 0 ||
	    archive_at_member(r->archive) || at_record(r))
		return end_block(r, false);
	s = archive_peek(r->archive, 1);
	s.n = span_find(s, '\n') < s.n ? span_find(s, '\n') + 1 : s.n;
	if (archive_border(r->archive) < s.n)
		s.n = archive_border(r->archive);
	r->given = s.n;
	return s;
}

struct span
warc_reader_block(struct warc_reader *r)
{
	archive_skip(r->archive, r->given);
	r->given = 0;
	switch (r->state) {
	case BLOCK_COUNTED:
		return give_counted(r);
	case BLOCK_OPEN:
		return give_open(r);
	case BLOCK_NONE:
		break;
	}
	return SPAN_NULL;
}
