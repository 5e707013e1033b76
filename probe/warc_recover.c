#include "warc_recover.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cdxj.h"
#include "decode.h"
#include "limit.h"
#include "log.h"
#include "warc.h"
#include "warc_fields.h"
#include "warc_index.h"

#define STEP	      (256 * KIB)
#define VISIT_RECORDS (3 * HOPS_MAX) /* indexed ones of one observation */
#define LOOK	      512 /* bytes inflated to see whether a record begins */

/* A file read from a place on. */
struct feed {
	int fd;
	uint64_t at;
	uint64_t end;
	size_t damage;	  /* notes of it */
	uint64_t damaged; /* behind where reading began: the last place */
};

static ssize_t
feed_read(void *arg, void *bytes, size_t n)
{
	struct feed *f = arg;
	ssize_t got;

	if (f->at >= f->end)
		return 0;
	if (n > f->end - f->at)
		n = (size_t)(f->end - f->at);
	got = pread(f->fd, bytes, n, (off_t)f->at);
	if (got > 0)
		f->at += (uint64_t)got;
	return got;
}

static void
feed_note(void *arg, uint64_t offset, const char *text)
{
	struct feed *f = arg;

	(void)text;
	f->damage++;
	if (offset > f->damaged)
		f->damaged = offset;
}

static bool
member_at(int fd, uint64_t offset)
{
	char head[4];

	return pread(fd, head, 4, (off_t)offset) == 4 &&
	    gzip_looks((struct span){head, 4});
}

/* What an index says of its archive. */
struct known {
	uint64_t end; /* where the last indexed record ends */
	uint64_t *at; /* where each begins */
	size_t n;
	size_t cap;
};

/* Keeps the lines whose record is wholly in the file. */
static void
keep_lines(int fd, uint64_t size, struct span text, struct buf *kept,
    struct known *k)
{
	struct cdxj_entry e;

	while (text.p != NULL) {
		struct span line = span_token(&text, '\n');

		if (!cdxj_parse(line, &e) || e.length > size ||
		    e.offset > size - e.length || !member_at(fd, e.offset))
			continue;
		buf_add_span(kept, line);
		buf_add_char(kept, '\n');
		if (e.offset + e.length > k->end)
			k->end = e.offset + e.length;
		k->at = xgrow(k->at, &k->cap, k->n + 1, sizeof *k->at);
		k->at[k->n++] = e.offset;
	}
}

static int
offset_order(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* A place before the last observation in the file. */
static uint64_t
before_last_visit(struct known *k)
{
	if (k->n <= VISIT_RECORDS)
		return 0;
	qsort(k->at, k->n, sizeof *k->at, offset_order);
	return k->at[k->n - VISIT_RECORDS];
}

/* Walks gzip members; returns where the last whole one ends. */
static uint64_t
walk_members(struct feed *f)
{
	struct inflater *gz = inflater_new(INFLATE_GZIP);
	char *in = xmalloc(STEP), *out = xmalloc(STEP);
	uint64_t whole = f->at, base;
	enum inflate_step step = INFLATE_INPUT;
	size_t wrote;
	ssize_t n;

	while (step != INFLATE_CORRUPT && (n = feed_read(f, in, STEP)) > 0) {
		struct span s = {in, (size_t)n};

		base = f->at - (uint64_t)n;
		do {
			step = inflater_step(gz, &s, out, STEP, &wrote);
			if (step == INFLATE_END)
				whole = base + (uint64_t)n - s.n;
		} while (step != INFLATE_CORRUPT && (s.n > 0 || wrote == STEP));
	}
	inflater_free(gz);
	free(in);
	free(out);
	return whole;
}

/* Does a gzip member with a record begin at s? */
static bool
begins_record(struct inflater *gz, struct span s)
{
	char plain[16];
	size_t n;

	if (!gzip_looks(s))
		return false;
	inflater_reset(gz, 0);
	inflater_step(gz, &s, plain, sizeof plain, &n);
	return span_starts((struct span){plain, n}, "WARC/");
}

/* Is there a record behind the damage?  Then it is no torn tail. */
static bool
record_follows(struct feed f)
{
	struct inflater *gz = inflater_new(INFLATE_GZIP);
	char *in = xmalloc(STEP);
	bool found = false;
	ssize_t n;

	f.at++;
	while (!found && (n = feed_read(&f, in, STEP)) > LOOK) {
		struct span s = {in, (size_t)n};
		size_t i;

		for (i = 0; !found && i + LOOK < s.n; i++)
			found = begins_record(gz, span_slice(s, i, LOOK));
		f.at -= s.n - i;
	}
	inflater_free(gz);
	free(in);
	return found;
}

static bool
visit_of(struct span fields, struct warc_visit *v)
{
	struct observation o;
	bool ours;

	observation_init(&o);
	observation_add_hop(&o);
	ours = warc_fields_decode(fields, v, &o, &o.hops[0]);
	observation_release(&o);
	return ours;
}

/* The start of the current block: an HTTP header, or fields. */
static void
read_head(struct warc_reader *r, struct buf *block)
{
	struct span s;

	buf_clear(block);
	while ((s = warc_reader_block(r)).n > 0)
		buf_add_span(block, span_slice(s, 0, block->max - block->len));
}

/* The end of the last whole observation, of which every byte can be read: what
 * a crash has left of one more would only puzzle readers. */
static uint64_t
whole_visits(int fd, uint64_t from, uint64_t to)
{
	struct feed f = {.fd = fd, .at = from, .end = to};
	struct warc_reader *r = warc_reader_new(feed_read, feed_note, &f);
	struct buf block = BUF_INIT(WARC_FIELDS_MAX);
	struct warc_visit v = {.hops = 0}, next;
	struct warc_record rec;
	uint64_t start = to, begun = to;

	while (warc_reader_next(r, &rec) == 1) {
		read_head(r, &block);
		if (rec.type == WARC_METADATA &&
		    visit_of(buf_span(&block), &next)) {
			v = next;
			if (v.hop == 0)
				start = begun = from + rec.offset;
		} else if (rec.type == WARC_REQUEST) {
			v.has_request = false;
		} else if (rec.type == WARC_RESPONSE ||
		    rec.type == WARC_REVISIT) {
			v.has_response = false;
		}
		if (v.hop + 1 == v.hops && !v.has_request && !v.has_response)
			start = to;
	}
	if (f.damage > 0 && from + f.damaged >= begun)
		start = begun;
	buf_release(&block);
	warc_reader_free(r);
	return start;
}

/* Lines for the records between two places. */
static void
index_tail(int fd, uint64_t from, uint64_t to, const char *file,
    struct buf *lines)
{
	struct feed f = {.fd = fd, .at = from, .end = to};
	struct warc_reader *r = warc_reader_new(feed_read, NULL, &f);
	struct buf block = BUF_INIT(HEADER_BYTES_MAX);
	struct warc_record rec;

	while (warc_reader_next(r, &rec) == 1) {
		read_head(r, &block);
		rec.offset += from;
		warc_index_record(&rec, buf_span(&block), span_of(file),
		    warc_reader_here(r) + from - rec.offset, lines);
	}
	buf_release(&block);
	warc_reader_free(r);
}

static bool
cut_tail(int fd, uint64_t whole, uint64_t size)
{
	return whole == size ||
	    (ftruncate(fd, (off_t)whole) == 0 && fsync(fd) == 0);
}

bool
warc_recover(int dirfd, const char *file, const char *index, uint64_t written,
    uint64_t *size, uint64_t *torn)
{
	struct buf text = BUF_INIT(CDXJ_BYTES_MAX);
	struct buf kept = BUF_INIT(CDXJ_BYTES_MAX);
	int fd = openat(dirfd, file, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	struct feed f = {.fd = fd};
	struct known known = {.end = 0};
	struct stat st;
	bool ok;

	*size = *torn = 0;
	ok = fd >= 0 && fstat(fd, &st) == 0;
	if (!ok)
		goto out;
	f.end = (uint64_t)st.st_size;
	cdxj_load(dirfd, index, &text);
	keep_lines(fd, f.end, buf_span(&text), &kept, &known);
	f.at = known.end;
	*size = walk_members(&f);
	f.at = *size;
	if (*size < f.end && record_follows(f)) {
		log_warn("%s: damaged at byte %llu, left as it is", file,
		    (unsigned long long)*size);
		*size = UINT64_MAX;
		goto out;
	}
	*size = whole_visits(fd, before_last_visit(&known), *size);
	if (*size < written) {
		log_warn("%s: not whole behind byte %llu, though %llu bytes "
			 "were written; left as it is",
		    file, (unsigned long long)*size,
		    (unsigned long long)written);
		*size = UINT64_MAX;
		goto out;
	}
	*torn = f.end - *size;
	ok = cut_tail(fd, *size, f.end);
	if (ok && known.end > *size) {
		buf_clear(&kept);
		known.end = 0;
		keep_lines(fd, *size, buf_span(&text), &kept, &known);
	}
	if (ok)
		index_tail(fd, known.end, *size, file, &kept);
	if (ok && !span_eq(buf_span(&kept), buf_span(&text)))
		ok = cdxj_replace(dirfd, index, buf_span(&kept));
out:
	if (fd >= 0)
		close(fd);
	free(known.at);
	buf_release(&text);
	buf_release(&kept);
	return ok;
}
