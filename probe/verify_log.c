#include "verify.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture_write.h"
#include "changelog.h"
#include "event.h"
#include "instant.h"
#include "log.h"
#include "render.h"
#include "warc.h"

/* Evidence that was deleted to save room is not damage; evidence that says
 * something else is. */
static void
check_evidence(struct verify *v, const char *path, uint64_t line,
    const struct event *e)
{
	char *why = NULL;

	if (!e->has_evidence || e->warc == NULL || v->warcfd < 0 ||
	    e->offset < 0)
		return;
	if (strchr(e->warc, '/') != NULL) {
		verify_fault(v, path, line, "evidence outside the folder: %s",
		    log_quote_str(e->warc));
		return;
	}
	if (faccessat(v->warcfd, e->warc, R_OK, 0) != 0) {
		v->evidence_gone++;
		return;
	}
	v->evidence++;
	if (e->sha256 != NULL &&
	    !warc_check_evidence(v->warcfd, e->warc, (uint64_t)e->offset,
		e->sha256, &why))
		verify_fault(v, path, line, "evidence in %s at %lld: %s",
		    log_quote_str(e->warc), (long long)e->offset,
		    log_quote_str(why));
	free(why);
}

static void
check_packets(struct verify *v, const char *path, uint64_t line,
    const struct event *e)
{
	char *why;

	if (!e->has_evidence || e->pcap == NULL || v->packetfd < 0)
		return;
	if (capture_check(v->packetfd, e->pcap, e->pcap_sha256, &why))
		v->evidence++;
	else if (why == NULL)
		v->evidence_gone++;
	else
		verify_fault(v, path, line, "evidence in %s: %s",
		    log_quote_str(e->pcap), log_quote_str(why));
	free(why);
}

static const char *
file_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == NULL ? path : slash + 1;
}

static void
check_line(struct verify *v, const char *path, uint64_t number,
    struct span line)
{
	struct event e;
	const char *why;

	if (!event_read(&e, line, &why)) {
		verify_fault(v, path, number, "%s", why);
		event_chain(line, v->prev);
		v->seq++;
		return;
	}
	if (!v->started && v->whole_log) {
		v->seq = 0;
		memcpy(v->prev, event_chain_start, sizeof v->prev);
		v->started = true;
	}
	if (v->started && e.seq != v->seq + 1)
		verify_fault(v, path, number, "sequence number %llu after %llu",
		    (unsigned long long)e.seq, (unsigned long long)v->seq);
	if (v->started && strcmp(e.prev, v->prev) != 0)
		verify_fault(v, path, number,
		    "the chain is broken: the line before "
		    "is not the one that was there");
	v->started = true;
	v->seq = e.seq;
	event_chain(line, v->prev);
	if (number == 1 && v->whole_log &&
	    !changelog_name_fits(file_name(path), e.time))
		verify_fault(v, path, number,
		    "the file begins with an event of another day than its "
		    "name says: it was renamed, or is no part of this log");
	check_evidence(v, path, number, &e);
	check_packets(v, path, number, &e);
	v->lines++;
	event_release(&e);
}

static void
check_file(struct verify *v, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct changelog_reader *r;
	enum changelog_read state;
	struct span line;
	uint64_t number = 0;
	bool whole;

	if (fd < 0) {
		verify_fault(v, path, 0, "%s", strerror(errno));
		return;
	}
	r = changelog_reader_new(fd, false);
	while ((state = changelog_reader_next(r, &line)) == CHANGELOG_LINE)
		check_line(v, path, ++number, line);
	if (state == CHANGELOG_ERROR)
		verify_fault(v, path, number, "%s", strerror(errno));
	else if (state != CHANGELOG_END)
		verify_fault(v, path, number, "%s behind byte %llu",
		    state == CHANGELOG_TORN ? "the last batch is cut short"
					    : "damaged bytes",
		    (unsigned long long)changelog_reader_whole(r));
	whole = state == CHANGELOG_END;
	/* A copy may be compressed by something else. */
	if (v->whole_log &&
	    verify_seal(v, "log", path, fd, whole) == SEAL_LACKING && whole)
		verify_exact(v, path, fd);
	v->members += changelog_reader_members(r);
	v->files++;
	changelog_reader_free(r);
	close(fd);
}

void
verify_log_files(struct verify *v, char *const *paths, size_t n)
{
	struct progress bar;

	progress_init(&bar, stderr, "verify", n, monotonic_us());
	for (size_t i = 0; i < n; i++) {
		progress_set(&bar, i, paths[i], monotonic_us());
		check_file(v, paths[i]);
	}
	progress_clear(&bar);
}
