#include "changelog.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "decode.h"
#include "event.h"
#include "file_write.h"
#include "gzip_write.h"
#include "instant.h"
#include "limit.h"
#include "log.h"

#define NAME_SIZE    64
#define MAGIC_SIZE   3
#define SEARCH_PIECE 16384

struct changelog {
	int dirfd;
	int fd;	     /* of the newest file; -1: none yet */
	char day[9]; /* of it; "" none */
	char name[NAME_SIZE];
	off_t size;
	struct sealing sealing;
	uint64_t last_seq;
	char prev[65];
	uint64_t first_seq; /* of the newest file when it was opened; 0 none */
	char first[65];	    /* the hash of that line */
};

static void
file_name(const char *day, char out[NAME_SIZE])
{
	snprintf(out, NAME_SIZE, "events-%.8s.jsonl.gz", day);
}

/* What is appended from now on goes to that file. */
static void
go_on_with(struct changelog *c, const char *day, off_t size)
{
	snprintf(c->day, sizeof c->day, "%.8s", day);
	file_name(day, c->name);
	c->size = size;
	sealing_begin(&c->sealing, (uint64_t)size);
}

/* What a walk over one file found. */
struct walk {
	uint64_t whole; /* bytes of whole members */
	uint64_t seq;	/* of the last line in them; 0 none */
	char prev[65];
	uint64_t first_seq; /* of the first line; 0 none */
	int64_t first_time;
	char first[65]; /* its hash */
	enum changelog_read end;
};

static void
note_first(struct walk *w, struct span line)
{
	struct event e;

	if (event_read(&e, line, NULL)) {
		w->first_seq = e.seq;
		w->first_time = e.time;
		event_chain(line, w->first);
	}
	event_release(&e);
}

static void
note_line(struct walk *w, struct span line)
{
	struct event e;

	if (event_read(&e, line, NULL))
		w->seq = e.seq;
	event_release(&e);
	event_chain(line, w->prev);
}

static void
copy_line(struct buf *to, struct span line)
{
	buf_clear(to);
	buf_add_span(to, line);
}

/* Finds the last line of the whole members: a line whose member has not ended
 * yet is only a candidate. */
static void
walk_file(int fd, struct walk *w)
{
	struct changelog_reader *r = changelog_reader_new(fd, true);
	struct buf candidate = BUF_INIT(EVENT_LINE_MAX);
	struct buf last = BUF_INIT(EVENT_LINE_MAX);
	struct span line;
	bool first = true;

	memset(w, 0, sizeof *w);
	do {
		w->end = changelog_reader_next(r, &line);
		if (w->end == CHANGELOG_LINE) {
			if (first)
				note_first(w, line);
			first = false;
			if (changelog_reader_sure(r, true))
				copy_line(&last, buf_span(&candidate));
			copy_line(&candidate, line);
		} else if (changelog_reader_sure(r, false)) {
			copy_line(&last, buf_span(&candidate));
		}
	} while (w->end == CHANGELOG_LINE);
	w->whole = changelog_reader_whole(r);
	if (last.len > 0)
		note_line(w, buf_span(&last));
	buf_release(&candidate);
	buf_release(&last);
	changelog_reader_free(r);
}

/* The end of an older file, where the newest holds no whole line. */
static bool
walk_older(struct changelog *c, char *const *names, size_t n)
{
	struct walk w;
	int fd;

	while (n-- > 0) {
		fd = openat(c->dirfd, names[n], O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			return false;
		walk_file(fd, &w);
		close(fd);
		if (w.seq == 0)
			continue;
		c->last_seq = w.seq;
		memcpy(c->prev, w.prev, sizeof c->prev);
		return true;
	}
	return true;
}

/* Where the next member may begin, from there on; `size` where none does. */
static uint64_t
find_member(int fd, uint64_t from, uint64_t size)
{
	char piece[SEARCH_PIECE];
	ssize_t n;

	while (from < size &&
	    (n = pread(fd, piece, sizeof piece, (off_t)from)) > 0) {
		for (ssize_t i = 0; i + MAGIC_SIZE <= n; i++)
			if (gzip_looks((struct span){piece + i, MAGIC_SIZE}))
				return from + (uint64_t)i;
		if (n < MAGIC_SIZE)
			break;
		from += (uint64_t)n - (MAGIC_SIZE - 1); /* one on the border */
	}
	return size;
}

/* The last line in whole members behind damage, `whole` where they end in the
 * file; false: there is none. */
static bool
walk_behind(int fd, uint64_t from, uint64_t size, struct walk *found)
{
	struct walk w;
	uint64_t at = from;

	found->seq = 0;
	while ((at = find_member(fd, at + 1, size)) < size) {
		if (lseek(fd, (off_t)at, SEEK_SET) < 0)
			break;
		walk_file(fd, &w);
		if (w.seq == 0)
			continue;
		w.whole += at;
		at = w.whole - 1;
		*found = w;
	}
	return found->seq != 0;
}

static bool
cut_tail(struct changelog *c, off_t size, uint64_t *cut)
{
	if (size == c->size)
		return true;
	*cut = (uint64_t)(size - c->size);
	return ftruncate(c->fd, c->size) == 0 && fsync(c->fd) == 0;
}

bool
changelog_name_fits(const char *name, int64_t first)
{
	char day[INSTANT_TEXT_MAX], fits[NAME_SIZE];

	instant_day(first, day);
	file_name(day, fits);
	return strcmp(name, fits) == 0;
}

static bool
recover(struct changelog *c, char *const *names, size_t n,
    changelog_kept_fn *kept, void *arg, uint64_t *cut, char **why)
{
	const char *name = names[n - 1];
	struct stat st;
	struct walk w, behind;

	c->fd = openat(c->dirfd, name, O_RDWR | O_APPEND | O_CLOEXEC);
	if (c->fd < 0 || fstat(c->fd, &st) != 0)
		return false;
	walk_file(c->fd, &w);
	if (w.end == CHANGELOG_ERROR)
		return false;
	if (w.seq != 0 && w.first_seq != 0) {
		if (!changelog_name_fits(name, w.first_time)) {
			*why = xasprintf("change log: %s begins with an event "
					 "of another day: it was renamed or is "
					 "no part of this log; move it to "
					 "another folder",
			    name);
			return false;
		}
		c->first_seq = w.first_seq;
		memcpy(c->first, w.first, sizeof c->first);
	}
	c->last_seq = w.seq;
	memcpy(c->prev, w.prev, sizeof c->prev);
	if (w.seq == 0 && !walk_older(c, names, n - 1))
		return false;
	if ((uint64_t)st.st_size > w.whole &&
	    walk_behind(c->fd, w.whole, (uint64_t)st.st_size, &behind) &&
	    (kept == NULL || !kept(c->last_seq, behind.seq, arg))) {
		log_warn("change log: %s is damaged at byte %llu; the lines "
			 "behind it are nowhere else, so the file stays as it "
			 "is; put back a copy of it with the daemon stopped",
		    name, (unsigned long long)w.whole);
		w.whole = behind.whole;
		c->last_seq = behind.seq;
		memcpy(c->prev, behind.prev, sizeof c->prev);
	}
	go_on_with(c, name + strlen("events-"), (off_t)w.whole);
	return cut_tail(c, st.st_size, cut);
}

struct changelog *
changelog_open(int dirfd, changelog_kept_fn *kept, void *arg, uint64_t *cut,
    char **why)
{
	struct changelog *c = xcalloc(1, sizeof *c);
	char **names;
	size_t n;
	uint64_t lost = 0;
	bool ok;

	*why = NULL;
	c->dirfd = dirfd;
	c->fd = -1;
	memcpy(c->prev, event_chain_start, sizeof c->prev);
	ok = changelog_files(dirfd, &names, &n) &&
	    (n == 0 || recover(c, names, n, kept, arg, &lost, why));
	if (!ok && *why == NULL)
		*why = xasprintf("change log: %s", strerror(errno));
	if (c->last_seq == 0)
		memcpy(c->prev, event_chain_start, sizeof c->prev);
	if (cut != NULL)
		*cut = lost;
	changelog_files_free(names, n);
	if (ok)
		return c;
	changelog_close(c);
	return NULL;
}

void
changelog_close(struct changelog *c)
{
	if (c == NULL)
		return;
	if (c->fd >= 0)
		close(c->fd);
	sealing_release(&c->sealing);
	free(c);
}

const char *
changelog_file(const struct changelog *c)
{
	return c->fd < 0 ? NULL : c->name;
}

const struct sealing *
changelog_sealing(const struct changelog *c)
{
	return &c->sealing;
}

uint64_t
changelog_last(const struct changelog *c, char prev[65])
{
	memcpy(prev, c->prev, sizeof c->prev);
	return c->last_seq;
}

uint64_t
changelog_first(const struct changelog *c, char hash[65])
{
	memcpy(hash, c->first, sizeof c->first);
	return c->first_seq;
}

/* The file that a line of this time belongs to: never an older one. */
static const char *
file_day(const struct changelog *c, int64_t time, char out[INSTANT_TEXT_MAX])
{
	instant_day(time, out);
	return strcmp(out, c->day) < 0 ? c->day : out;
}

bool
changelog_same_file(const struct changelog *c, int64_t first, int64_t time)
{
	char a[INSTANT_TEXT_MAX], b[INSTANT_TEXT_MAX];
	const char *day = file_day(c, first, a);

	instant_day(time, b);
	return strcmp(b, day) <= 0;
}

/* Begins the file of a day; its name is on disk before its first byte. */
static bool
begin_file(struct changelog *c, const char *day)
{
	char name[NAME_SIZE];
	struct stat st;
	int fd;

	file_name(day, name);
	fd = openat(c->dirfd, name, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC,
	    0644);
	if (fd < 0)
		return false;
	if (fstat(fd, &st) != 0 || fsync(c->dirfd) != 0) {
		close(fd);
		return false;
	}
	if (c->fd >= 0)
		close(c->fd);
	c->fd = fd;
	go_on_with(c, day, st.st_size);
	return true;
}

/* Takes back what a failed write left behind. */
static void
cut_back(const struct changelog *c)
{
	int saved = errno;

	if (ftruncate(c->fd, c->size) != 0)
		log_error("change log: cannot cut a torn member: %s",
		    strerror(errno));
	errno = saved;
}

/* The hash of the last of several lines. */
static void
chain_last(struct span lines, char prev[65])
{
	struct span body = span_slice(lines, 0, lines.n - 1);
	const char *newline = memrchr(body.p, '\n', body.n);

	if (newline != NULL)
		body = span_slice(body, (size_t)(newline - body.p) + 1, body.n);
	event_chain(body, prev);
}

bool
changelog_append(struct changelog *c, int64_t time, struct span lines,
    uint64_t last_seq)
{
	char text[INSTANT_TEXT_MAX];
	const char *day = file_day(c, time, text);
	struct buf member = BUF_INIT(2 * EVENT_LINE_MAX + MEMBER_BYTES_MAX);
	bool ok;

	if (lines.n == 0 || lines.p[lines.n - 1] != '\n')
		bug("change log: a batch that is not whole lines");
	if ((c->fd < 0 || strcmp(day, c->day) != 0) && !begin_file(c, day))
		return false;
	if (!gzip_member(&member, lines, GZIP_LEVEL))
		bug("change log: a batch of %zu bytes", lines.n);
	ok = file_write(c->fd, buf_span(&member)) && fdatasync(c->fd) == 0;
	if (ok) {
		c->size += (off_t)member.len;
		sealing_add(&c->sealing, buf_span(&member));
		c->last_seq = last_seq;
		chain_last(lines, c->prev);
	} else {
		cut_back(c);
	}
	buf_release(&member);
	return ok;
}
