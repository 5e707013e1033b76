#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cdxj.h"
#include "file_write.h"
#include "gzip_write.h"
#include "instant.h"
#include "limit.h"
#include "log.h"
#include "original.h"
#include "warc.h"
#include "warc_recover.h"
#include "warc_write.h"

#define ROTATE_BYTES (UINT64_C(1) << 30)
#define SERIAL_MAX   1000000u
#define SUFFIX	     ".warc.gz"

struct warc_writer {
	int dirfd; /* borrows */
	char *prefix;
	char *software;
	uint64_t rotate_bytes;
	bool deduplicate;
	uint64_t (*written)(const char *, void *);
	void *arg;

	struct gzip_writer *gz;
	struct originals *originals;
	struct warc_compose compose;
	struct buf pending; /* index lines not yet in their file */

	int fd; /* -1: no file is open */
	int index_fd;
	char *file; /* the open one, or the one to go on with */
	char *index;
	char day[9];
	unsigned serial;
	uint64_t size;
	uint64_t index_size;
	struct sealing sealing;
};

/* An archive of ours in the folder. */
struct listed {
	char day[9];
	unsigned serial;
};

/* "PREFIX-20190114-07.warc.gz" */
static bool
parse_name(const char *prefix, struct span name, struct listed *l)
{
	size_t n = strlen(prefix), tail = strlen(SUFFIX);
	uint64_t v;

	if (name.n < n + 12 + tail || !span_starts(name, prefix) ||
	    name.p[n] != '-' || name.p[n + 9] != '-' ||
	    !span_ends_i(name, SUFFIX) ||
	    !span_u64(span_slice(name, n + 1, 8), &v) ||
	    !span_u64(span_slice(name, n + 10, name.n - n - 10 - tail), &v) ||
	    v >= SERIAL_MAX)
		return false;
	snprintf(l->day, sizeof l->day, "%.8s", name.p + n + 1);
	l->serial = (unsigned)v;
	return true;
}

static int
listed_order(const void *a, const void *b)
{
	const struct listed *x = a, *y = b;
	int order = strcmp(x->day, y->day);

	if (order != 0)
		return order;
	return x->serial < y->serial ? -1 : x->serial > y->serial;
}

/* Our archives, oldest first.  False with errno. */
static bool
list_archives(int dirfd, const char *prefix, struct listed **list, size_t *n)
{
	int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *e;
	struct listed l;
	size_t cap = 0;

	*list = NULL;
	*n = 0;
	if (dir == NULL) {
		if (fd >= 0)
			close(fd);
		return false;
	}
	while ((e = readdir(dir)) != NULL) {
		if (!parse_name(prefix, span_of(e->d_name), &l))
			continue;
		*list = xgrow(*list, &cap, *n + 1, sizeof l);
		(*list)[(*n)++] = l;
	}
	closedir(dir);
	if (*n > 0)
		qsort(*list, *n, sizeof l, listed_order);
	return true;
}

static void
set_name(struct warc_writer *w, const char *day, unsigned serial)
{
	free(w->file);
	free(w->index);
	snprintf(w->day, sizeof w->day, "%.8s", day);
	w->serial = serial;
	w->file = xasprintf("%s-%s-%02u" SUFFIX, w->prefix, w->day, serial);
	w->index = xasprintf("%s-%s-%02u.cdxj", w->prefix, w->day, serial);
}

static uint64_t
written(const struct warc_writer *w)
{
	return w->written == NULL ? 0 : w->written(w->file, w->arg);
}

/* A payload that later records may refer to; `size`: of its archive. */
static void
enter_original(struct originals *t, struct span line, uint64_t size)
{
	struct cdxj_entry e;
	uint8_t digest[SHA256_BYTES];

	if (cdxj_parse(line, &e) && e.uri.p != NULL && e.status != 0 &&
	    e.length <= size && e.offset <= size - e.length &&
	    !span_is(e.mime, "warc/revisit") &&
	    span_starts(e.digest, "sha256:") &&
	    hex_decode(digest, SHA256_BYTES,
		span_slice(e.digest, 7, e.digest.n)))
		originals_add(t, digest, e.uri, e.date);
}

static void
load_originals(struct warc_writer *w, const struct listed *l)
{
	struct buf text = BUF_INIT(CDXJ_BYTES_MAX);
	struct span rest;
	struct stat st;

	set_name(w, l->day, l->serial);
	if (fstatat(w->dirfd, w->file, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    cdxj_load(w->dirfd, w->index, &text)) {
		rest = buf_span(&text);
		while (rest.p != NULL)
			enter_original(w->originals, span_token(&rest, '\n'),
			    (uint64_t)st.st_size);
	}
	buf_release(&text);
}

/* Repairs the newest archive and remembers it as the one to go on with. */
static bool
resume(struct warc_writer *w, uint64_t *torn)
{
	struct listed *list = NULL;
	size_t n, from = 0;
	bool ok = list_archives(w->dirfd, w->prefix, &list, &n);

	if (ok && n > 0) {
		set_name(w, list[n - 1].day, list[n - 1].serial);
		ok = warc_recover(w->dirfd, w->file, w->index, written(w),
		    &w->size, torn);
	}
	if (ok && *torn > 0)
		log_warn("%s: %llu bytes of a torn record cut off", w->file,
		    (unsigned long long)*torn);
	if (ok && w->deduplicate) {
		if (n > 64) /* more than the table holds in any case */
			from = n - 64;
		for (size_t i = from; i < n; i++)
			load_originals(w, &list[i]);
	}
	free(list);
	return ok;
}

struct warc_writer *
warc_writer_open(int dirfd, const struct warc_writer_options *o, uint64_t *torn,
    char **why)
{
	struct warc_writer *w = xcalloc(1, sizeof *w);
	uint64_t cut = 0;

	w->dirfd = dirfd;
	w->fd = w->index_fd = -1;
	w->prefix = xstrdup(o->prefix != NULL ? o->prefix : "kpwatch");
	w->software = xstrdup(
	    o->software != NULL ? o->software : "kpwatch/" KPWATCH_VERSION);
	w->rotate_bytes = o->rotate_bytes > 0 ? o->rotate_bytes : ROTATE_BYTES;
	w->deduplicate = o->deduplicate;
	w->written = o->written;
	w->arg = o->arg;
	w->gz = gzip_writer_new(GZIP_LEVEL);
	w->originals = originals_new();
	buf_init(&w->pending, CDXJ_BYTES_MAX);
	warc_compose_init(&w->compose, w->gz,
	    o->deduplicate ? w->originals : NULL);
	if (!resume(w, &cut)) {
		*why = xasprintf("archive folder: %s", strerror(errno));
		warc_writer_close(w);
		return NULL;
	}
	if (torn != NULL)
		*torn = cut;
	sealing_begin(&w->sealing, w->size);
	return w;
}

const char *
warc_writer_file(const struct warc_writer *w)
{
	return w->size == UINT64_MAX ? NULL : w->file;
}

const struct sealing *
warc_writer_sealing(const struct warc_writer *w)
{
	return &w->sealing;
}

/* Index lines go to their file when they can; what cannot be written is kept
 * for the next time, and rebuilt from the archive after a crash. */
static bool
flush_index(struct warc_writer *w)
{
	if (w->pending.len == 0)
		return true;
	if (w->index_fd < 0 ||
	    !file_write_at(w->index_fd, buf_span(&w->pending), w->index_size))
		return false;
	w->index_size += w->pending.len;
	buf_clear(&w->pending);
	return true;
}

/* Ends the open file; its index is sorted. */
static void
finish_file(struct warc_writer *w)
{
	if (w->fd < 0)
		return;
	if (!flush_index(w))
		log_warn("%s: index is incomplete: %s", w->index,
		    strerror(errno));
	buf_clear(&w->pending);
	if (fdatasync(w->fd) != 0)
		log_warn("%s: %s", w->file, strerror(errno));
	close(w->fd);
	if (w->index_fd >= 0)
		close(w->index_fd);
	w->fd = w->index_fd = -1;
	if (!cdxj_sort(w->dirfd, w->index))
		log_warn("%s: index is not sorted: %s", w->index,
		    strerror(errno));
}

void
warc_writer_close(struct warc_writer *w)
{
	if (w == NULL)
		return;
	finish_file(w);
	warc_compose_release(&w->compose);
	gzip_writer_free(w->gz);
	originals_free(w->originals);
	buf_release(&w->pending);
	sealing_release(&w->sealing);
	free(w->prefix);
	free(w->software);
	free(w->file);
	free(w->index);
	free(w);
}

static bool
open_index(struct warc_writer *w)
{
	off_t end;

	w->index_fd = openat(w->dirfd, w->index,
	    O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (w->index_fd < 0 || (end = lseek(w->index_fd, 0, SEEK_END)) < 0) {
		close(w->fd);
		w->fd = -1;
		return false;
	}
	w->index_size = (uint64_t)end;
	return true;
}

/* Goes on with the newest file if it is of that day and has room. */
static bool
reopen_file(struct warc_writer *w, const char *day)
{
	if (w->file == NULL || strcmp(w->day, day) != 0 ||
	    w->size >= w->rotate_bytes)
		return false;
	w->fd = openat(w->dirfd, w->file, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	return w->fd >= 0 && open_index(w);
}

/* A file whose name may not be on disk, before anything is in it. */
static void
drop_new(struct warc_writer *w)
{
	int saved = errno;

	close(w->fd);
	close(w->index_fd);
	w->fd = w->index_fd = -1;
	unlinkat(w->dirfd, w->file, 0);
	unlinkat(w->dirfd, w->index, 0);
	free(w->file);
	free(w->index);
	w->file = w->index = NULL;
	errno = saved;
}

static bool
create_file(struct warc_writer *w, const char *day)
{
	unsigned serial = 0;

	if (w->file != NULL && strcmp(w->day, day) == 0)
		serial = w->serial + 1;
	for (; serial < SERIAL_MAX; serial++) {
		set_name(w, day, serial);
		/* Evidence of one that is gone would be looked for in it. */
		errno = EEXIST;
		if (written(w) > 0)
			continue;
		w->fd = openat(w->dirfd, w->file,
		    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0640);
		if (w->fd >= 0 || errno != EEXIST)
			break;
	}
	w->size = 0;
	sealing_begin(&w->sealing, 0);
	if (w->fd < 0 || !open_index(w))
		return false;
	if (fsync(w->dirfd) == 0)
		return true;
	drop_new(w);
	return false;
}

/* The file that an observation of that time belongs in is open. */
static bool
choose_file(struct warc_writer *w, int64_t time)
{
	char day[INSTANT_TEXT_MAX];

	instant_day(time, day);
	if (w->fd >= 0 && strcmp(w->day, day) == 0 &&
	    w->size < w->rotate_bytes && w->index_size < CDXJ_BYTES_MAX / 2)
		return true;
	if (w->fd >= 0) {
		/* Nobody asks about it any more when the next one is open. */
		if (!warc_writer_sync(w))
			return false;
		finish_file(w);
		return create_file(w, day);
	}
	return reopen_file(w, day) || create_file(w, day);
}

static bool
compose(struct warc_writer *w, const struct observation *o, size_t *place)
{
	struct warc_compose *c = &w->compose;
	char *seed = xasprintf("%s %llu %lld %s %s %s %s", w->file,
	    (unsigned long long)w->size, (long long)o->time, o->vantage,
	    o->target, o->page, o->url);

	warc_compose_clear(c, span_of(seed));
	free(seed);
	errno = EFBIG;
	return (w->size > 0 || warc_compose_info(c, w->file, w->software, o)) &&
	    warc_compose_observation(c, o, place);
}

/* Cuts off what a failed write left; the file is given up when even that
 * fails, so that nothing is ever written behind garbage. */
static void
take_back(struct warc_writer *w)
{
	int saved = errno;

	if (ftruncate(w->fd, (off_t)w->size) != 0) {
		log_warn("%s: cannot cut off a torn record: %s", w->file,
		    strerror(errno));
		finish_file(w);
		w->size = w->rotate_bytes; /* do not go on with it */
	}
	errno = saved;
}

static void
note_written(struct warc_writer *w, const struct observation *o)
{
	for (size_t i = 0; i < w->compose.count; i++) {
		const struct written *x = &w->compose.list[i];
		struct cdxj_entry e = {.uri = span_of(x->uri),
		    .date = o->time,
		    .mime = span_of(x->mime),
		    .status = x->status,
		    .digest = span_of(x->digest),
		    .offset = w->size + x->offset,
		    .length = x->length,
		    .file = span_of(w->file)};

		if (x->indexed)
			cdxj_line(&e, &w->pending);
		if (x->original)
			originals_add(w->originals, x->payload, span_of(x->uri),
			    o->time);
	}
}

bool
warc_writer_add(struct warc_writer *w, struct observation *o)
{
	size_t place = 0;

	if (!choose_file(w, o->time) || !compose(w, o, &place))
		return false;
	if (!file_write_at(w->fd, buf_span(&w->compose.out), w->size)) {
		take_back(w);
		return false;
	}
	note_written(w, o);
	free(o->warc);
	o->warc = xstrdup(w->file);
	o->warc_offset = (int64_t)(w->size + w->compose.list[place].offset);
	w->size += w->compose.out.len;
	sealing_add(&w->sealing, buf_span(&w->compose.out));
	flush_index(w);
	return true;
}

bool
warc_writer_sync(struct warc_writer *w)
{
	if (w->fd < 0)
		return true;
	flush_index(w);
	return fdatasync(w->fd) == 0 &&
	    (w->index_fd < 0 || fdatasync(w->index_fd) == 0);
}
