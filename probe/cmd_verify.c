#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture_write.h"
#include "cdxj.h"
#include "changelog.h"
#include "command.h"
#include "gzip_exact.h"
#include "instant.h"
#include "limit.h"
#include "log.h"
#include "log_view.h"
#include "render.h"
#include "seal_check.h"
#include "store.h"
#include "warc.h"
#include "warc_index.h"

/* One walk over all files in order; the chain goes on from file to file. */
struct verify {
	const char *config_path;
	const char *state_dir;
	int warcfd;	/* folder with the evidence; -1 none */
	int packetfd;	/* with that of packets; -1 none */
	bool whole_log; /* the first line must begin the chain */
	bool started;
	uint64_t seq; /* of the line before */
	char prev[65];
	uint64_t lines, members, files;
	uint64_t evidence, evidence_gone;
	uint64_t records; /* in the archives */
	uint64_t indexes; /* of them */
	uint64_t faults;
	struct seal_check seals; /* of the state folder; or none */
};

__attribute__((format(printf, 4, 5))) static void
fault(struct verify *v, const char *path, uint64_t line, const char *fmt, ...)
{
	va_list ap;

	v->faults++;
	fprintf(stderr, "%s:%llu: ", path, (unsigned long long)line);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

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
		fault(v, path, line, "evidence outside the folder: %s",
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
		fault(v, path, line, "evidence in %s at %lld: %s",
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
		fault(v, path, line, "evidence in %s: %s",
		    log_quote_str(e->pcap), log_quote_str(why));
	free(why);
}

static void
check_line(struct verify *v, const char *path, uint64_t number,
    struct span line)
{
	struct event e;
	const char *why;

	if (!event_read(&e, line, &why)) {
		fault(v, path, number, "%s", why);
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
		fault(v, path, number, "sequence number %llu after %llu",
		    (unsigned long long)e.seq, (unsigned long long)v->seq);
	if (v->started && strcmp(e.prev, v->prev) != 0)
		fault(v, path, number,
		    "the chain is broken: the line before "
		    "is not the one that was there");
	v->started = true;
	v->seq = e.seq;
	event_chain(line, v->prev);
	check_evidence(v, path, number, &e);
	check_packets(v, path, number, &e);
	v->lines++;
	event_release(&e);
}

/* An index under way. */
struct index_faults {
	struct verify *v;
	const char *path;
	size_t n;
};

/* A file under way, for those who find faults in it. */
struct file {
	struct verify *v;
	const char *path;
	int fd;
};

static void
file_fault(void *arg, uint64_t at, const char *text)
{
	struct file *f = arg;

	fault(f->v, f->path, at, "%s", text);
}

static const char *
base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == NULL ? path : slash + 1;
}

static enum seal_state
check_seal(struct verify *v, const char *folder, const char *path, int fd,
    bool whole)
{
	struct file f = {v, path, fd};
	char *file = xasprintf("%s/%s", folder, base_name(path));
	enum seal_state state =
	    seal_check_file(&v->seals, file, fd, whole, file_fault, &f);

	free(file);
	return state;
}

/* What the checksums do not cover, where there is no digest either. */
static void
check_exact(struct verify *v, const char *path, int fd)
{
	struct stat st;
	struct span file;
	size_t at;

	if (fstat(fd, &st) != 0 || st.st_size == 0)
		return;
	file.n = (size_t)st.st_size;
	file.p = mmap(NULL, file.n, PROT_READ, MAP_PRIVATE, fd, 0);
	if (file.p == MAP_FAILED) {
		fault(v, path, 0, "%s", strerror(errno));
		return;
	}
	at = gzip_exact(file);
	munmap((void *)(uintptr_t)file.p, file.n);
	if (at < file.n)
		fault(v, path, at,
		    "the compressed data is not as it was "
		    "written, though what it holds is whole");
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
		fault(v, path, 0, "%s", strerror(errno));
		return;
	}
	r = changelog_reader_new(fd, false);
	while ((state = changelog_reader_next(r, &line)) == CHANGELOG_LINE)
		check_line(v, path, ++number, line);
	if (state == CHANGELOG_ERROR)
		fault(v, path, number, "%s", strerror(errno));
	else if (state != CHANGELOG_END)
		fault(v, path, number, "%s behind byte %llu",
		    state == CHANGELOG_TORN ? "the last batch is cut short"
					    : "damaged bytes",
		    (unsigned long long)changelog_reader_whole(r));
	whole = state == CHANGELOG_END;
	/* A copy may be compressed by something else. */
	if (v->whole_log &&
	    check_seal(v, "log", path, fd, whole) == SEAL_LACKING && whole)
		check_exact(v, path, fd);
	v->members += changelog_reader_members(r);
	v->files++;
	changelog_reader_free(r);
	close(fd);
}

static void
check_files(struct verify *v, char *const *paths, size_t n)
{
	struct progress bar;

	progress_init(&bar, stderr, "verify", n, monotonic_us());
	for (size_t i = 0; i < n; i++) {
		progress_set(&bar, i, paths[i], monotonic_us());
		check_file(v, paths[i]);
	}
	progress_clear(&bar);
}

/* ---- archives and database of the state folder ---- */

static ssize_t
archive_read(void *arg, void *bytes, size_t n)
{
	struct file *f = arg;

	return read(f->fd, bytes, n);
}

static void
index_fault(void *arg, uint64_t line, const char *text)
{
	struct index_faults *i = arg;

	if (i->n++ < ARCHIVE_NOTES_MAX)
		fault(i->v, i->path, line, "%s", text);
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
	const char *name = base_name(archive);
	size_t stem = strlen(archive) - strlen(".warc.gz");
	struct index_faults f = {.v = v};
	struct buf text = BUF_INIT(CDXJ_BYTES_MAX);
	char *sealed = xasprintf("warc/%s", name);
	char *path = xasprintf("%.*s.cdxj", (int)stem, archive);
	bool open = seal_check_open(&v->seals, sealed);
	size_t lag;

	f.path = path;
	if (cdxj_load(v->warcfd, base_name(path), &text) || errno == ENOENT) {
		lag = warc_index_check(buf_span(&text), made, end, open,
		    index_fault, &f);
		v->indexes++;
		if (lag > 0)
			printf("%s: %zu records at the end of the archive have "
			       "no line yet; the next start makes them\n",
			    path, lag);
	} else {
		fault(v, path, 0, "%s", strerror(errno));
	}
	buf_release(&text);
	free(sealed);
	free(path);
}

/* Is it one of ours?  Others have indexes of other forms, or none. */
static bool
has_index(const char *archive)
{
	return span_starts(span_of(base_name(archive)), "kpwatch-");
}

/* Every record's member, block and digests. */
static void
check_archive(struct verify *v, const char *path)
{
	struct file a = {.v = v, .path = path};
	struct span name = span_of(base_name(path));
	struct buf lines = BUF_INIT(2 * CDXJ_BYTES_MAX);
	struct warc_reader *r;
	struct warc_record rec;
	struct warc_payload p;
	bool whole;

	a.fd = open(path, O_RDONLY | O_CLOEXEC);
	if (a.fd < 0) {
		fault(v, path, 0, "%s", strerror(errno));
		return;
	}
	r = warc_reader_new(archive_read, file_fault, &a);
	warc_payload_init(&p);
	while (warc_reader_next(r, &rec) == 1) {
		uint64_t at = rec.offset;

		warc_payload_read(&p, r, &rec, NULL);
		if (p.digest == WARC_DIGEST_WRONG)
			fault(v, path, at, "%s",
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
	if (check_seal(v, "warc", path, a.fd, whole) == SEAL_LACKING && whole)
		check_exact(v, path, a.fd);
	close(a.fd);
}

static int
is_archive(const struct dirent *entry)
{
	return span_ends_i(span_of(entry->d_name), ".warc.gz");
}

static void
check_archives(struct verify *v, const char *state)
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

/* A file with seals that was in neither folder: one written in one go, or one
 * that is gone. */
static void
check_sealed(struct verify *v, const struct log_place *place,
    const struct seal *last)
{
	const char *name = base_name(last->file);
	bool log = span_starts(span_of(last->file), "log/");
	char *path = log ? xasprintf("%s/%s", place->log_dir, name)
			 : xasprintf("%s/%s", place->state_dir, last->file);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char when[INSTANT_TEXT_MAX];
	struct file f = {v, path, fd};

	instant_text(last->time, when);
	if (fd >= 0) {
		seal_check_file(&v->seals, last->file, fd, false, file_fault,
		    &f);
		close(fd);
	} else if (errno != ENOENT) {
		fault(v, path, 0, "%s", strerror(errno));
	} else if (log) {
		fault(v, path, 0,
		    "the file is missing from the change log: it was written "
		    "until %s; put back a copy of it",
		    when);
	} else {
		/* Evidence that was deleted to save room is not damage. */
		v->seals.gone++;
		if (span_starts(span_of(last->file), "warc/"))
			printf("%s: deleted; it was written until %s\n", path,
			    when);
	}
	free(path);
}

static void
check_rest(struct verify *v, const struct log_place *place)
{
	const struct seal *last;

	while ((last = seal_check_rest(&v->seals)) != NULL)
		check_sealed(v, place, last);
}

/* What the log lost and got back is no damage, but other bytes say it. */
static void
say_written_again(const struct verify *v, const struct log_place *place)
{
	char when[INSTANT_TEXT_MAX];
	const struct seal *lost;
	const char *file;

	for (size_t i = 0; i < v->seals.nlost; i++) {
		lost = seal_check_lost(&v->seals, i, &file);
		if (!lost->closed)
			continue;
		printf("%s/%s:%llu: %llu bytes from here on were gone at the "
		       "start of %s; their lines were written again from the "
		       "database\n",
		    place->log_dir, base_name(file),
		    (unsigned long long)lost->at,
		    (unsigned long long)lost->bytes,
		    instant_text(lost->time, when));
	}
}

static void
database_fault(const char *path, const char *text, void *arg)
{
	fault(arg, path, 0, "%s", text);
}

static int
report(const struct verify *v)
{
	printf("%llu files, %llu members, %llu lines, evidence: %llu checked, "
	       "%llu no longer on disk; %llu records, %llu indexes; "
	       "%llu faults\n",
	    (unsigned long long)v->files, (unsigned long long)v->members,
	    (unsigned long long)v->lines, (unsigned long long)v->evidence,
	    (unsigned long long)v->evidence_gone,
	    (unsigned long long)v->records, (unsigned long long)v->indexes,
	    (unsigned long long)v->faults);
	return v->faults == 0 ? EXIT_DONE : EXIT_FAILED;
}

static void
report_seals(const struct verify *v)
{
	const struct seal_check *c = &v->seals;

	printf("digests: %llu files as they were written, %llu with bytes that "
	       "have none (%llu bytes), %llu deleted; %llu bytes got theirs at "
	       "a later start\n",
	    (unsigned long long)c->agree, (unsigned long long)c->without,
	    (unsigned long long)c->without_bytes, (unsigned long long)c->gone,
	    (unsigned long long)c->found_bytes);
}

static void
open_evidence(struct verify *v, const char *state)
{
	char *warc = xasprintf("%s/warc", state);
	char *packets = xasprintf("%s/" CAPTURE_FOLDER, state);

	v->warcfd = open(warc, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	v->packetfd = open(packets, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(warc);
	free(packets);
}

static void
close_evidence(struct verify *v)
{
	if (v->warcfd >= 0)
		close(v->warcfd);
	if (v->packetfd >= 0)
		close(v->packetfd);
	v->warcfd = v->packetfd = -1;
}

/* Files by name: their evidence is in the state folder named, or in the one
 * that the log folder of the first stands in. */
static int
check_named(struct verify *v, char *const *paths, size_t n)
{
	const char *slash = strrchr(paths[0], '/');
	char *state;

	if (v->state_dir != NULL)
		state = xstrdup(v->state_dir);
	else
		state = xasprintf("%.*s..",
		    slash == NULL ? 0 : (int)(slash - paths[0] + 1), paths[0]);
	open_evidence(v, state);
	check_files(v, paths, n);
	close_evidence(v);
	free(state);
	return report(v);
}

static int
check_own_log(struct verify *v)
{
	struct log_place place;
	char **paths = NULL;
	size_t n = 0;

	if (!log_place_find(&place, v->config_path, v->state_dir))
		return EXIT_USAGE;
	if (!log_place_files(&place, &paths, &n)) {
		log_place_release(&place);
		return EXIT_FAILED;
	}
	open_evidence(v, place.state_dir);
	v->whole_log = true;
	/* First: files may grow meanwhile, but they have what these say. */
	seal_check_init(&v->seals, place.state_dir);
	check_files(v, paths, n);
	check_archives(v, place.state_dir);
	check_rest(v, &place);
	say_written_again(v, &place);
	store_check(place.state_dir, database_fault, v);
	close_evidence(v);
	report_seals(v);
	seal_check_release(&v->seals);
	changelog_files_free(paths, n);
	log_place_release(&place);
	return report(v);
}

static const char help[] =
    "Checks the gzip members, the sequence numbers, the hash chain, and the\n"
    "evidence that is still on disk, of the state folder's log or of the\n"
    "files named (in the order given).  Of a state folder, every record of\n"
    "its archives and what their indexes say of it, every byte of all these\n"
    "files, and the structure of its database too.\n\n"
    "  -c FILE    configuration\n"
    "  -s STATE   state folder; evidence is in its folders\n"
    "             warc and packets\n";

int
cmd_verify(int argc, char **argv)
{
	static const struct option options[] = {{"help", no_argument, NULL,
						    'h'},
	    {NULL, 0, NULL, 0}};
	struct verify v = {.warcfd = -1, .packetfd = -1};
	int opt;

	while ((opt = getopt_long(argc, argv, "c:s:", options, NULL)) != -1) {
		switch (opt) {
		case 'c':
			v.config_path = optarg;
			break;
		case 's':
			v.state_dir = optarg;
			break;
		case 'h':
			command_help("verify", help);
			return EXIT_DONE;
		default:
			return command_usage("verify");
		}
	}
	if (optind == argc)
		return check_own_log(&v);
	return check_named(&v, argv + optind, (size_t)(argc - optind));
}
