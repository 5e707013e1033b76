#include "warc_set.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "instant.h"
#include "limit.h"
#include "log.h"

#define PROBES_MAX 64
#define TRIES_MAX  4 /* candidates read for one revisit */

struct entry {
	uint64_t key; /* 0: free */
	uint64_t offset;
	uint32_t file;
};

struct file {
	char *name;
	int fd;
	struct span head;
	bool seekable;
	bool complete; /* every record is in the index */
};

struct warc_set {
	struct crew *crew;
	struct file *files;
	size_t nfiles;
	size_t files_cap;
	struct entry *table; /* open addressing, a power of two */
	size_t size;
	size_t used;
};

ssize_t
warc_feed_read(void *arg, void *bytes, size_t n)
{
	struct warc_feed *f = arg;
	ssize_t got;

	if (f->head.n > 0) {
		if (n > f->head.n)
			n = f->head.n;
		memcpy(bytes, f->head.p, n);
		f->head = span_slice(f->head, n, f->head.n);
		return (ssize_t)n;
	}
	do
		got = f->seekable ? pread(f->fd, bytes, n, (off_t)f->at)
				  : read(f->fd, bytes, n);
	while (got < 0 && errno == EINTR);
	if (got > 0)
		f->at += (uint64_t)got;
	/* Whoever shares the descriptor sees how far we are. */
	if (got > 0 && f->seekable && f->tell)
		(void)lseek(f->fd, (off_t)f->at, SEEK_SET);
	return got;
}

struct warc_set *
warc_set_new(void)
{
	return xcalloc(1, sizeof(struct warc_set));
}

void
warc_set_crew(struct warc_set *set, struct crew *crew)
{
	set->crew = crew;
}

void
warc_set_free(struct warc_set *set)
{
	if (set == NULL)
		return;
	for (size_t i = 0; i < set->nfiles; i++)
		free(set->files[i].name);
	free(set->files);
	free(set->table);
	free(set);
}

size_t
warc_set_add_stream(struct warc_set *set, const char *name, int fd,
    struct span head)
{
	struct file *f;

	set->files = xgrow(set->files, &set->files_cap, set->nfiles + 1,
	    sizeof *set->files);
	f = &set->files[set->nfiles];
	memset(f, 0, sizeof *f);
	f->name = xstrdup(name);
	f->fd = fd;
	f->head = head;
	return set->nfiles++;
}

size_t
warc_set_add(struct warc_set *set, const char *name, int fd)
{
	size_t file = warc_set_add_stream(set, name, fd, SPAN_NULL);

	set->files[file].seekable = lseek(fd, 0, SEEK_CUR) >= 0;
	return file;
}

const char *
warc_set_name(const struct warc_set *set, size_t file)
{
	return set->files[file].name;
}

struct warc_feed
warc_set_feed(const struct warc_set *set, size_t file)
{
	const struct file *f = &set->files[file];

	return (struct warc_feed){f->fd, f->head, f->seekable, false, 0};
}

void
warc_set_complete(struct warc_set *set, size_t file)
{
	set->files[file].complete = true;
}

/* Keys: what a revisit may name its original by.  Never 0. */
static uint64_t
key_of(char kind, struct span text, int64_t date)
{
	struct buf b = BUF_INIT(2 * ARCHIVE_PEEK_MAX);
	uint64_t key;

	buf_addf(&b, "%c%lld ", kind,
	    (long long)(date == INSTANT_NONE ? -1 : date / 1000));
	buf_add_span(&b, text);
	key = bytes_hash(buf_span(&b));
	buf_release(&b);
	return key == 0 ? 1 : key;
}

/* An entry that finds no place near its own is left out: the names in an
 * archive are made by others, who may know the hash. */
static bool
put(struct entry *table, size_t size, struct entry e)
{
	for (size_t n = 0; n < PROBES_MAX; n++) {
		size_t i = (size_t)(e.key + n) & (size - 1);

		if (table[i].key == 0) {
			table[i] = e;
			return true;
		}
		/* A record that is read again. */
		if (table[i].key == e.key && table[i].offset == e.offset &&
		    table[i].file == e.file)
			return false;
	}
	return false;
}

static void
grow(struct warc_set *set)
{
	size_t size = set->size == 0 ? 1024 : set->size * 2;
	struct entry *table = xcalloc(size, sizeof *table);

	for (size_t i = 0; i < set->size; i++)
		if (set->table[i].key != 0)
			put(table, size, set->table[i]);
	free(set->table);
	set->table = table;
	set->size = size;
}

static void
enter(struct warc_set *set, uint64_t key, size_t file, uint64_t offset)
{
	if (set->used >= WARC_INDEX_MAX)
		return;
	if (set->used * 2 >= set->size)
		grow(set);
	if (put(set->table, set->size,
		(struct entry){key, offset, (uint32_t)file}))
		set->used++;
}

void
warc_set_enter(struct warc_set *set, size_t file, const struct warc_record *rec)
{
	struct span id = warc_field(rec, "WARC-Record-ID");
	struct span sum = warc_field(rec, "WARC-Payload-Digest");

	if (!set->files[file].seekable || set->files[file].complete ||
	    rec->shares_member ||
	    (rec->type != WARC_RESPONSE && rec->type != WARC_RESOURCE))
		return;
	enter(set, key_of('u', rec->uri, rec->date), file, rec->offset);
	if (id.n > 0)
		enter(set, key_of('i', id, 0), file, rec->offset);
	if (sum.n > 0)
		enter(set, key_of('d', sum, 0), file, rec->offset);
}

/* Enters every record of a file that no source has read yet. */
static void
search_file(struct warc_set *set, size_t file)
{
	struct warc_feed feed = warc_set_feed(set, file);
	struct warc_reader *r = warc_reader_new(warc_feed_read, NULL, &feed);
	struct warc_record rec;

	warc_reader_crew(r, set->crew);
	while (warc_reader_next(r, &rec) == 1)
		warc_set_enter(set, file, &rec);
	warc_reader_free(r);
	warc_set_complete(set, file);
}

/* Reads a candidate; its payload must be the one the revisit speaks of. */
static bool
read_original(struct warc_set *set, const struct entry *e,
    const struct warc_record *revisit, struct buf *body)
{
	struct warc_feed feed = warc_set_feed(set, e->file);
	struct span want = warc_field(revisit, "WARC-Payload-Digest"), have;
	struct warc_keep keep = {.raw = body};
	struct warc_payload p;
	struct warc_record rec;
	struct warc_reader *r;
	size_t before = body->len;
	bool ok;

	feed.at = e->offset;
	r = warc_reader_new(warc_feed_read, NULL, &feed);
	warc_payload_init(&p);
	ok = warc_reader_next(r, &rec) == 1 && rec.offset == 0 &&
	    rec.length <= 2 * DECODED_BODY_MAX &&
	    (rec.type == WARC_RESPONSE || rec.type == WARC_RESOURCE);
	if (ok) {
		have = warc_field(&rec, "WARC-Payload-Digest");
		ok = want.n == 0 || have.n == 0 || span_eq_i(want, have);
	}
	if (ok) {
		warc_payload_read(&p, r, &rec, &keep);
		ok = p.digest != WARC_DIGEST_WRONG && !body->overflow;
	}
	if (!ok)
		body->len = before;
	warc_payload_release(&p);
	warc_reader_free(r);
	return ok;
}

static bool
try_key(struct warc_set *set, uint64_t key, const struct warc_record *revisit,
    struct buf *body)
{
	unsigned tries = 0;

	for (size_t n = 0; n < PROBES_MAX && set->size > 0; n++) {
		struct entry *e =
		    &set->table[(size_t)(key + n) & (set->size - 1)];

		if (e->key == 0)
			break;
		if (e->key == key && tries++ < TRIES_MAX &&
		    read_original(set, e, revisit, body))
			return true;
	}
	return false;
}

static bool
try_keys(struct warc_set *set, const struct warc_record *rec, struct buf *body)
{
	struct span uri = warc_field(rec, "WARC-Refers-To-Target-URI");
	struct span id = warc_field(rec, "WARC-Refers-To");
	struct span sum = warc_field(rec, "WARC-Payload-Digest");
	int64_t date;

	if (uri.n >= 2 && uri.p[0] == '<' && uri.p[uri.n - 1] == '>')
		uri = span_slice(uri, 1, uri.n - 2);
	if (uri.n > 0 &&
	    instant_parse(warc_field(rec, "WARC-Refers-To-Date"), &date) &&
	    try_key(set, key_of('u', uri, date), rec, body))
		return true;
	if (id.n > 0 && try_key(set, key_of('i', id, 0), rec, body))
		return true;
	return sum.n > 0 && try_key(set, key_of('d', sum, 0), rec, body);
}

bool
warc_set_resolve(struct warc_set *set, const struct warc_record *revisit,
    struct buf *body)
{
	if (try_keys(set, revisit, body))
		return true;
	for (size_t i = 0; i < set->nfiles; i++) {
		if (set->files[i].complete || !set->files[i].seekable)
			continue;
		search_file(set, i);
		if (try_keys(set, revisit, body))
			return true;
	}
	return false;
}
