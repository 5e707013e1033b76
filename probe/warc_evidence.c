#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cdxj.h"
#include "http.h"
#include "instant.h"
#include "limit.h"
#include "warc.h"
#include "warc_content.h"
#include "warc_set.h"

/* What is to be found, and why it was not. */
struct search {
	int dirfd;
	const char *sha256;
	char **why;
	/* The codings by the header of the revisit that led here; NULL: those
	 * of the record itself. */
	const struct buf *codings;
};

static bool
refuse(const struct search *s, char *why)
{
	free(*s->why);
	*s->why = why;
	return false;
}

/* The record of the index line that the revisit refers to, if this is it. */
static bool
line_fits(struct span line, struct span uri, int64_t date, struct span sum,
    struct cdxj_entry *e)
{
	return cdxj_parse(line, e) && e->date == date && span_eq(e->uri, uri) &&
	    span_eq(e->digest, sum) && !span_is(e->mime, "warc/revisit");
}

static bool check_record(const struct search *, const char *file,
    uint64_t offset, bool may_refer);

static bool
search_index(const struct search *s, const char *index, struct span uri,
    int64_t date, struct span sum, bool *found)
{
	struct buf text = BUF_INIT(CDXJ_BYTES_MAX);
	struct cdxj_entry e;
	struct span rest;
	char *file;
	bool good = false;

	*found = false;
	if (cdxj_load(s->dirfd, index, &text)) {
		rest = buf_span(&text);
		while (rest.p != NULL && !*found)
			*found = line_fits(span_token(&rest, '\n'), uri, date,
			    sum, &e);
	}
	if (*found) {
		file = span_dup(e.file);
		good = strchr(file, '/') == NULL &&
		    check_record(s, file, e.offset, false);
		free(file);
	}
	buf_release(&text);
	return good;
}

/* A revisit's original, by the indexes of the folder. */
static bool
check_original(const struct search *s, const struct warc_record *rec)
{
	struct span uri = warc_field(rec, "WARC-Refers-To-Target-URI");
	struct span sum = warc_field(rec, "WARC-Payload-Digest");
	int fd = openat(s->dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	bool found = false, good = false;
	struct dirent *e;
	int64_t date;

	if (!instant_parse(warc_field(rec, "WARC-Refers-To-Date"), &date))
		date = INSTANT_NONE;
	while (dir != NULL && !found && (e = readdir(dir)) != NULL)
		if (span_ends_i(span_of(e->d_name), ".cdxj"))
			good =
			    search_index(s, e->d_name, uri, date, sum, &found);
	if (dir != NULL)
		closedir(dir);
	else if (fd >= 0)
		close(fd);
	if (!found)
		return refuse(s,
		    xasprintf(
			"the record that the revisit refers to is not there"));
	return good;
}

/* The same bytes under another header are another body. */
static bool
check_referred(const struct search *s, const struct warc_record *rec,
    const struct warc_payload *p)
{
	struct buf codings = BUF_INIT(WARC_HTTP_HEAD_MAX);
	struct search again = {s->dirfd, s->sha256, s->why, &codings};
	struct http_head h = HTTP_HEAD_INIT;
	bool good;

	if (http_parse_response(&h, buf_span(&p->http_head)))
		http_codings(&h, &codings);
	good = check_original(&again, rec);
	http_head_release(&h);
	buf_release(&codings);
	return good;
}

static bool
check_payload(const struct search *s, const struct warc_record *rec,
    const struct warc_payload *p, bool may_refer)
{
	if (p->digest == WARC_DIGEST_WRONG)
		return refuse(s, xasprintf("%s", p->note));
	if (rec->type == WARC_REVISIT && !p->has_payload && may_refer &&
	    p->status != 304)
		return check_referred(s, rec, p);
	if (rec->type != WARC_RESPONSE && rec->type != WARC_REVISIT)
		return refuse(s, xasprintf("no response record stands there"));
	if (strcmp(p->sha256, s->sha256) != 0)
		return refuse(s, xasprintf("body has sha256 %s", p->sha256));
	return true;
}

/* The record's bytes, from where it begins, and whether they are whole. */
struct extract {
	struct warc_feed feed;
	bool damaged;
};

static ssize_t
read_extract(void *arg, void *bytes, size_t n)
{
	struct extract *x = arg;

	return warc_feed_read(&x->feed, bytes, n);
}

/* A note on a later place is about another record. */
static void
on_note(void *arg, uint64_t offset, const char *text)
{
	struct extract *x = arg;

	(void)text;
	if (offset == 0)
		x->damaged = true;
}

/* Reads the payload, under the revisit's codings where there are some. */
static void
read_payload(const struct search *s, struct warc_reader *r,
    const struct warc_record *rec, struct warc_payload *p)
{
	struct buf raw = BUF_INIT(WARC_CODED_MAX);
	struct warc_keep keep = {.raw = &raw};
	struct content *c;

	warc_payload_read(p, r, rec, s->codings != NULL ? &keep : NULL);
	if (s->codings != NULL && !raw.overflow) {
		c = content_new(buf_span(s->codings));
		content_add(c, buf_span(&raw));
		content_end(c, &p->length, p->sha256);
	}
	buf_release(&raw);
}

static bool
check_record(const struct search *s, const char *file, uint64_t offset,
    bool may_refer)
{
	struct extract x = {.feed = {.seekable = true, .at = offset}};
	struct warc_payload p;
	struct warc_record rec;
	struct warc_reader *r;
	bool good;

	x.feed.fd = openat(s->dirfd, file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (x.feed.fd < 0)
		return refuse(s, xasprintf("%s", strerror(errno)));
	r = warc_reader_new(read_extract, on_note, &x);
	warc_payload_init(&p);
	if (warc_reader_next(r, &rec) != 1 || rec.offset != 0) {
		good = refuse(s, xasprintf("no record begins there"));
	} else {
		read_payload(s, r, &rec, &p);
		good = !warc_reader_torn(r)
		    ? check_payload(s, &rec, &p, may_refer)
		    : refuse(s, xasprintf("the record is cut off"));
		/* To the member's end, where its check sum stands. */
		warc_reader_here(r);
		if (good && x.damaged)
			good = refuse(s, xasprintf("gzip member is damaged"));
	}
	warc_payload_release(&p);
	warc_reader_free(r);
	close(x.feed.fd);
	return good;
}

bool
warc_check_evidence(int dirfd, const char *file, uint64_t offset,
    const char *sha256, char **why)
{
	struct search s = {dirfd, sha256, why, NULL};

	*why = NULL;
	if (strchr(file, '/') != NULL)
		return refuse(&s, xasprintf("file name with a slash"));
	if (!check_record(&s, file, offset, true))
		return false;
	free(*why);
	*why = NULL;
	return true;
}
