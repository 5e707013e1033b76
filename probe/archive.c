#include "archive.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decode.h"
#include "inflate_ahead.h"
#include "limit.h"
#include "log.h"

#define INPUT_STEP  (256 * KIB)
#define INPUT_SIZE  (INPUT_STEP + ARCHIVE_BACK_MAX)
#define WINDOW_SIZE (2 * ARCHIVE_PEEK_MAX)
#define BORDERS	    64

/* Where a gzip member begins: in the plain bytes, and in the file. */
struct border {
	uint64_t at;
	uint64_t stored;
};

struct archive {
	warc_read_fn *read;
	warc_note_fn *note;
	void *arg;
	size_t notes;

	char *in; /* stored bytes; those before in_pos are a second chance */
	size_t in_size;
	size_t in_pos;
	size_t in_len;
	uint64_t in_base; /* place of in[0] in the file */
	bool in_end;

	bool opened; /* the wrapping is known */
	bool gzip;
	struct inflater *gz;
	struct ahead *ahead; /* NULL: members are undone as they come */
	struct span ready;   /* what is left of a member undone ahead */
	size_t ready_stored; /* its stored length; 0: none */
	bool in_member;
	uint64_t member; /* where the member under way begins */
	bool gap;
	uint64_t went_back; /* stored bytes looked at twice */

	char *out; /* plain bytes */
	size_t out_pos;
	size_t out_len;
	uint64_t out_base; /* plain position of out[0] */
	struct border current;
	struct border borders[BORDERS]; /* those ahead, ascending */
	size_t nborders;
};

struct archive *
archive_new(warc_read_fn *read, warc_note_fn *note, void *arg)
{
	struct archive *a = xcalloc(1, sizeof *a);

	a->read = read;
	a->note = note;
	a->arg = arg;
	a->in_size = INPUT_SIZE;
	a->in = xmalloc(a->in_size);
	a->out = xmalloc(WINDOW_SIZE);
	a->current.at = UINT64_MAX;
	return a;
}

void
archive_crew(struct archive *a, struct crew *crew)
{
	a->ahead = ahead_new(crew);
	if (a->ahead == NULL)
		return;
	a->in_size = AHEAD_INPUT + ARCHIVE_BACK_MAX;
	a->in = xrealloc(a->in, a->in_size);
}

void
archive_begin_at(struct archive *a, uint64_t offset)
{
	a->in_base = a->out_base = offset;
}

void
archive_free(struct archive *a)
{
	if (a == NULL)
		return;
	ahead_free(a->ahead);
	inflater_free(a->gz);
	free(a->in);
	free(a->out);
	free(a);
}

void
archive_note(struct archive *a, uint64_t offset, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	a->notes++;
	if (a->note == NULL || a->notes > ARCHIVE_NOTES_MAX)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	a->note(a->arg, offset, text);
	if (a->notes == ARCHIVE_NOTES_MAX)
		a->note(a->arg, offset, "further damage is only counted");
}

size_t
archive_notes(const struct archive *a)
{
	return a->notes;
}

uint64_t
archive_position(const struct archive *a)
{
	return a->in_base + a->in_pos;
}

bool
archive_is_gzip(const struct archive *a)
{
	return a->gzip;
}

/* Reads once; -1 counts as the end and is said. */
static size_t
read_some(struct archive *a, char *to, size_t room)
{
	ssize_t n = a->read(a->arg, to, room);

	if (n > 0)
		return (size_t)n;
	if (n < 0)
		archive_note(a, archive_position(a), "cannot read on: %s",
		    strerror(errno));
	a->in_end = true;
	return 0;
}

/* More stored bytes behind in_len; keeps ARCHIVE_BACK_MAX used ones. */
static void
refill(struct archive *a)
{
	if (a->in_end)
		return;
	if (a->in_len == a->in_size && a->in_pos > ARCHIVE_BACK_MAX) {
		size_t drop = a->in_pos - ARCHIVE_BACK_MAX;

		ahead_settle(a->ahead);
		memmove(a->in, a->in + drop, a->in_len - drop);
		a->in_base += drop;
		a->in_pos -= drop;
		a->in_len -= drop;
	}
	a->in_len += read_some(a, a->in + a->in_len, a->in_size - a->in_len);
}

static struct span
input(const struct archive *a)
{
	return (struct span){a->in + a->in_pos, a->in_len - a->in_pos};
}

/* At least n stored bytes ahead, if the file has them. */
static bool
input_want(struct archive *a, size_t n)
{
	while (a->in_len - a->in_pos < n && !a->in_end)
		refill(a);
	return a->in_len - a->in_pos >= n;
}

/* With the flag bits that RFC 1952 reserves: a search must not stop at every
 * three bytes that look alike. */
static bool
member_looks(struct span s)
{
	return s.n >= 4 && gzip_looks(s) && (s.p[3] & 0xe0) == 0;
}

static void
open_wrapping(struct archive *a)
{
	a->opened = true;
	input_want(a, 4);
	a->gzip = member_looks(input(a));
	if (a->gzip)
		a->gz = inflater_new(INFLATE_GZIP);
}

/* Room at the window's end: what was used up goes, the rest moves down. */
static size_t
make_room(struct archive *a)
{
	if (a->out_pos == a->out_len || a->out_len == WINDOW_SIZE) {
		memmove(a->out, a->out + a->out_pos, a->out_len - a->out_pos);
		a->out_base += a->out_pos;
		a->out_len -= a->out_pos;
		a->out_pos = 0;
	}
	return WINDOW_SIZE - a->out_len;
}

/* Plain file: the window is filled from the stored bytes as they are. */
static bool
fill_plain(struct archive *a)
{
	size_t room = make_room(a), n;

	if (!input_want(a, 1) || room == 0)
		return false;
	n = a->in_len - a->in_pos;
	if (n > room)
		n = room;
	memcpy(a->out + a->out_len, a->in + a->in_pos, n);
	a->in_pos += n;
	a->out_len += n;
	return true;
}

static void
add_border(struct archive *a)
{
	struct border b = {a->out_base + a->out_len, archive_position(a)};

	a->member = b.stored;
	if (a->nborders > 0 &&
	    (a->nborders == BORDERS || a->borders[a->nborders - 1].at == b.at))
		a->nborders--; /* an empty member, or more than we can mark */
	a->borders[a->nborders++] = b;
}

/* Zeros between and after members are padding of tapes and blocks. */
static void
skip_padding(struct archive *a)
{
	while (input_want(a, 1) && a->in[a->in_pos] == '\0')
		a->in_pos++;
}

/* The member at hand, when it was undone ahead; and those behind it begun. */
static void
look_ahead(struct archive *a)
{
	if (a->ahead == NULL)
		return;
	if (a->in_len - a->in_pos < AHEAD_INPUT / 2)
		refill(a);
	ahead_offer(a->ahead, input(a), archive_position(a), a->in_end);
	if (!ahead_take(a->ahead, archive_position(a), &a->ready,
		&a->ready_stored))
		a->ready_stored = 0;
}

static bool
begin_member(struct archive *a)
{
	skip_padding(a);
	if (!input_want(a, 1))
		return false;
	input_want(a, 4);
	if (!member_looks(input(a))) {
		archive_note(a, archive_position(a),
		    "bytes that are no gzip member");
		a->member = archive_position(a);
		a->gap = true;
		return false;
	}
	add_border(a);
	a->in_member = true;
	look_ahead(a);
	return true;
}

static void
break_member(struct archive *a, const char *why)
{
	archive_note(a, a->member, "%s (near byte %llu)", why,
	    (unsigned long long)archive_position(a));
	inflater_reset(a->gz, archive_position(a));
	a->in_member = false;
	a->gap = true;
}

static bool
fill_ready(struct archive *a, size_t room)
{
	struct span s = span_slice(a->ready, 0, room);

	memcpy(a->out + a->out_len, s.p, s.n);
	a->out_len += s.n;
	a->ready = span_slice(a->ready, s.n, a->ready.n);
	if (a->ready.n == 0) {
		a->in_pos += a->ready_stored;
		a->ready_stored = 0;
		a->in_member = false;
	}
	return true;
}

/* One step of inflating; false when nothing more comes for now. */
static bool
fill_gzip(struct archive *a)
{
	size_t room = make_room(a), wrote;
	struct span in;
	enum inflate_step step;

	if (room == 0 || a->gap)
		return false;
	if (!a->in_member)
		return begin_member(a);
	if (a->ready_stored > 0)
		return fill_ready(a, room);
	in = input(a);
	step = inflater_step(a->gz, &in, a->out + a->out_len, room, &wrote);
	a->out_len += wrote;
	a->in_pos = a->in_len - in.n;
	if (step == INFLATE_END) {
		a->in_member = false;
	} else if (step == INFLATE_CORRUPT) {
		break_member(a, "gzip member is damaged");
		return false;
	} else if (wrote == 0 && in.n == 0 && !input_want(a, 1)) {
		break_member(a, "file ends inside a gzip member");
		return false;
	}
	return true;
}

static void
pass_borders(struct archive *a)
{
	size_t n = 0;

	while (n < a->nborders && a->borders[n].at <= a->out_base + a->out_pos)
		a->current = a->borders[n++];
	if (n == 0)
		return;
	a->nborders -= n;
	memmove(a->borders, a->borders + n, a->nborders * sizeof *a->borders);
}

struct span
archive_peek(struct archive *a, size_t want)
{
	if (!a->opened)
		open_wrapping(a);
	if (want > ARCHIVE_PEEK_MAX)
		want = ARCHIVE_PEEK_MAX;
	while (a->out_len - a->out_pos < want)
		if (!(a->gzip ? fill_gzip(a) : fill_plain(a)))
			break;
	pass_borders(a);
	return (struct span){a->out + a->out_pos, a->out_len - a->out_pos};
}

void
archive_skip(struct archive *a, size_t n)
{
	if (n > a->out_len - a->out_pos)
		bug("archive: skip past the window");
	a->out_pos += n;
	pass_borders(a);
}

uint64_t
archive_offset(struct archive *a)
{
	archive_peek(a, 1);
	return a->gzip ? a->current.stored : a->out_base + a->out_pos;
}

bool
archive_at_member(struct archive *a)
{
	archive_peek(a, 1);
	return a->gzip && a->current.at == a->out_base + a->out_pos;
}

size_t
archive_border(struct archive *a)
{
	if (a->nborders == 0)
		return SIZE_MAX;
	return (size_t)(a->borders[0].at - a->out_base - a->out_pos);
}

bool
archive_at_gap(struct archive *a)
{
	return a->gap && a->out_pos == a->out_len;
}

/* Where to look for the next member: from behind the begin of the broken one
 * as far as its bytes are kept, since a torn member makes the inflater eat
 * what follows.  Only while this stays linear in the size of the file. */
static void
go_back(struct archive *a)
{
	uint64_t from = a->member + 1, now = archive_position(a);

	if (from < a->in_base)
		from = a->in_base;
	if (from >= now || a->went_back > 2 * now + 16 * ARCHIVE_BACK_MAX)
		return;
	a->went_back += now - from;
	a->in_pos = (size_t)(from - a->in_base);
}

bool
archive_resume(struct archive *a)
{
	if (!a->gap)
		return true;
	a->out_pos = a->out_len;
	go_back(a);
	while (input_want(a, 4)) {
		struct span s = input(a);
		const char *hit = memchr(s.p, 0x1f, s.n - 3);

		if (hit == NULL) {
			a->in_pos += s.n - 3;
			continue;
		}
		a->in_pos += (size_t)(hit - s.p);
		if (member_looks(input(a))) {
			a->gap = false;
			return true;
		}
		a->in_pos++;
	}
	a->in_pos = a->in_len;
	a->gap = false;
	return false;
}
