#include "verify.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cdxj.h"
#include "instant.h"
#include "limit.h"
#include "render.h"
#include "warc.h"
#include "warc_index.h"

/* An index under way. */
struct index_faults {
	struct verify *v;
	const char *path;
	size_t n;
};

static ssize_t
archive_read(void *arg, void *bytes, size_t n)
{
	struct verify_file *f = arg;

	return read(f->fd, bytes, n);
}

static void
index_fault(void *arg, uint64_t line, const char *text)
{
	struct index_faults *i = arg;

	if (i->n++ < ARCHIVE_NOTES_MAX)
		verify_fault(i->v, i->path, line, "%s", text);
	else
		i->v->faults++;
	if (i->n == ARCHIVE_NOTES_MAX)
		fprintf(stderr, "%s: further faults are only counted\n",
		    i->path);
}

/* The index beside an archive that could be read from begin to end, against
 * the lines made from its records.  It is read after it: a daemon may have
 * gone on with both. */
static void
check_index(struct verify *v, const char *archive, uint64_t end,
    struct span made)
{
	const char *name = verify_base_name(archive);
	size_t stem = strlen(archive) - strlen(".warc.gz");
	struct index_faults f = {.v = v};
	struct buf text = BUF_INIT(CDXJ_BYTES_MAX);
	char *sealed = xasprintf("warc/%s", name);
	char *path = xasprintf("%.*s.cdxj", (int)stem, archive);
	bool open = seal_check_open(&v->seals, sealed);
	size_t lag;

	f.path = path;
	if (cdxj_load(v->warcfd, verify_base_name(path), &text) ||
	    errno == ENOENT) {
		lag = warc_index_check(buf_span(&text), made, end, open,
		    index_fault, &f);
		v->indexes++;
		if (lag > 0)
			printf("%s: %zu records at the end of the archive have "
			       "no line yet; the next start makes them\n",
			    path, lag);
	} else {
		verify_fault(v, path, 0, "%s", strerror(errno));
	}
	buf_release(&text);
	free(sealed);
	free(path);
}

/* Is it one of ours?  Others have indexes of other forms, or none. */
static bool
has_index(const char *archive)
{
	return span_starts(span_of(verify_base_name(archive)), "kpwatch-");
}

/* Every record's member, block and digests. */
static void
check_archive(struct verify *v, const char *path)
{
	struct verify_file a = {.v = v, .path = path};
	struct span name = span_of(verify_base_name(path));
	struct buf lines = BUF_INIT(2 * CDXJ_BYTES_MAX);
	struct warc_reader *r;
	struct warc_record rec;
	struct warc_payload p;
	bool whole;

	a.fd = open(path, O_RDONLY | O_CLOEXEC);
	if (a.fd < 0) {
		verify_fault(v, path, 0, "%s", strerror(errno));
		return;
	}
	r = warc_reader_new(archive_read, verify_file_fault, &a);
	warc_payload_init(&p);
	while (warc_reader_next(r, &rec) == 1) {
		uint64_t at = rec.offset;

		warc_payload_read(&p, r, &rec, NULL);
		if (p.digest == WARC_DIGEST_WRONG)
			verify_fault(v, path, at, "%s",
			    p.note != NULL ? p.note : "its digest is wrong");
		warc_index_record(&rec, buf_span(&p.http_head), name,
		    warc_reader_here(r) - at, &lines);
		v->records++;
	}
	whole = warc_reader_damage(r) == 0;
	if (whole && has_index(path))
		check_index(v, path, warc_reader_position(r), buf_span(&lines));
	buf_release(&lines);
	warc_payload_release(&p);
	warc_reader_free(r);
	if (verify_seal(v, "warc", path, a.fd, whole) == SEAL_LACKING && whole)
		verify_exact(v, path, a.fd);
	close(a.fd);
}

static int
is_archive(const struct dirent *entry)
{
	return span_ends_i(span_of(entry->d_name), ".warc.gz");
}

void
verify_archives(struct verify *v, const char *state)
{
	char *folder = xasprintf("%s/warc", state);
	struct dirent **list = NULL;
	struct progress bar;
	int n = scandir(folder, &list, is_archive, alphasort);

	progress_init(&bar, stderr, "verify", n < 0 ? 0 : (uint64_t)n,
	    monotonic_us());
	for (int i = 0; i < n; i++) {
		char *path = xasprintf("%s/%s", folder, list[i]->d_name);

		progress_set(&bar, (uint64_t)i, path, monotonic_us());
		check_archive(v, path);
		free(path);
		free(list[i]);
	}
	progress_clear(&bar);
	free(list);
	free(folder);
}
