#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "changelog.h"
#include "decode.h"
#include "limit.h"

#define READ_PIECE  (64 * 1024)
#define WRITE_PIECE (64 * 1024)

struct changelog_reader {
	int fd;
	struct inflater *inflater; /* NULL: plain lines, or not known yet */
	bool started;
	char *piece;	/* READ_PIECE bytes */
	struct span in; /* of piece, not yet taken */
	struct buf text;
	size_t used;	/* of text, given out */
	size_t scanned; /* of text, known to hold no newline */
	uint64_t position;
	uint64_t whole;
	uint64_t members;
	uint64_t text_made;  /* bytes of text so far */
	uint64_t text_whole; /* of them in whole members */
	uint64_t text_given; /* of them given out as lines */
	uint64_t last_line;  /* bytes of the line given last */
};

struct changelog_reader *
changelog_reader_new(int fd, bool gzip)
{
	struct changelog_reader *r = xcalloc(1, sizeof *r);

	r->fd = fd;
	r->piece = xmalloc(READ_PIECE);
	r->started = gzip;
	if (gzip)
		r->inflater = inflater_new(INFLATE_GZIP);
	buf_init(&r->text, EVENT_LINE_MAX + WRITE_PIECE + READ_PIECE);
	return r;
}

void
changelog_reader_free(struct changelog_reader *r)
{
	if (r == NULL)
		return;
	inflater_free(r->inflater);
	buf_release(&r->text);
	free(r->piece);
	free(r);
}

uint64_t
changelog_reader_whole(const struct changelog_reader *r)
{
	return r->whole;
}

uint64_t
changelog_reader_members(const struct changelog_reader *r)
{
	return r->members;
}

uint64_t
changelog_reader_position(const struct changelog_reader *r)
{
	return r->position;
}

bool
changelog_reader_sure(const struct changelog_reader *r, bool but_last)
{
	return r->text_given - (but_last ? r->last_line : 0) <= r->text_whole;
}

/* Cuts the next whole line off the text. */
static bool
next_line(struct changelog_reader *r, struct span *line)
{
	struct span left = span_slice(buf_span(&r->text), r->used, r->text.len);
	size_t at =
	    r->scanned + span_find(span_slice(left, r->scanned, left.n), '\n');

	if (at >= left.n) {
		r->scanned = left.n;
		return false;
	}
	*line = span_slice(left, 0, at);
	r->used += at + 1;
	r->text_given += at + 1;
	r->last_line = at + 1;
	r->scanned = 0;
	return true;
}

/* 1 more input, 0 end of file, -1 error. */
static int
fill(struct changelog_reader *r)
{
	ssize_t n;

	do
		n = read(r->fd, r->piece, READ_PIECE);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return (int)n;
	r->position += (uint64_t)n;
	r->in = (struct span){r->piece, (size_t)n};
	if (!r->started && gzip_looks(r->in))
		r->inflater = inflater_new(INFLATE_GZIP);
	r->started = true;
	return 1;
}

static enum changelog_read
at_end(const struct changelog_reader *r)
{
	if (r->inflater != NULL && !inflater_between(r->inflater))
		return CHANGELOG_TORN;
	/* Text behind the last newline: a line that was not finished. */
	return r->text.len > r->used ? CHANGELOG_TORN : CHANGELOG_END;
}

/* Turns some input into text. */
static enum changelog_read
advance(struct changelog_reader *r)
{
	enum inflate_step step;
	size_t produced;
	char *room;

	buf_drain(&r->text, r->used);
	r->used = 0;
	if (r->text.len > EVENT_LINE_MAX)
		return CHANGELOG_LONG;
	if (r->inflater == NULL) {
		buf_add_span(&r->text, r->in);
		r->whole += r->in.n;
		r->text_made += r->in.n;
		r->text_whole = r->text_made;
		r->in.n = 0;
		return CHANGELOG_LINE;
	}
	room = buf_reserve(&r->text, WRITE_PIECE);
	step = inflater_step(r->inflater, &r->in, room, WRITE_PIECE, &produced);
	r->text.len += produced;
	r->text_made += produced;
	if (step == INFLATE_CORRUPT)
		return CHANGELOG_CORRUPT;
	if (step == INFLATE_END) {
		r->whole = inflater_offset(r->inflater);
		r->members++;
		r->text_whole = r->text_made;
	}
	return CHANGELOG_LINE;
}

enum changelog_read
changelog_reader_next(struct changelog_reader *r, struct span *line)
{
	enum changelog_read state;
	int rc;

	for (;;) {
		if (next_line(r, line))
			return line->n > EVENT_LINE_MAX ? CHANGELOG_LONG
							: CHANGELOG_LINE;
		if (r->in.n == 0) {
			rc = fill(r);
			if (rc <= 0)
				return rc < 0 ? CHANGELOG_ERROR : at_end(r);
		}
		state = advance(r);
		if (state != CHANGELOG_LINE)
			return state;
	}
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

bool
changelog_files(int dirfd, char ***names, size_t *n)
{
	size_t cap = 0;
	struct dirent *entry;
	DIR *dir;
	int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	*names = NULL;
	*n = 0;
	dir = fd < 0 ? NULL : fdopendir(fd);
	if (dir == NULL) {
		if (fd >= 0)
			close(fd);
		return false;
	}
	while ((entry = readdir(dir)) != NULL) {
		if (fnmatch("events-[0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9]"
			    ".jsonl.gz",
			entry->d_name, 0) != 0)
			continue;
		*names = xgrow(*names, &cap, *n + 1, sizeof **names);
		(*names)[(*n)++] = xstrdup(entry->d_name);
	}
	closedir(dir);
	if (*n > 1)
		qsort(*names, *n, sizeof **names, by_name);
	return true;
}

void
changelog_files_free(char **names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(names[i]);
	free(names);
}
