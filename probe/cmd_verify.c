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
#include "changelog.h"
#include "command.h"
#include "gzip_exact.h"
#include "instant.h"
#include "log.h"
#include "log_view.h"
#include "store.h"
#include "verify.h"

void
verify_fault(struct verify *v, const char *path, uint64_t line, const char *fmt,
    ...)
{
	va_list ap;

	v->faults++;
	fprintf(stderr, "%s:%llu: ", log_quote_str(path),
	    (unsigned long long)line);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

void
verify_file_fault(void *arg, uint64_t at, const char *text)
{
	struct verify_file *f = arg;

	verify_fault(f->v, f->path, at, "%s", text);
}

const char *
verify_base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == NULL ? path : slash + 1;
}

enum seal_state
verify_seal(struct verify *v, const char *folder, const char *path, int fd,
    bool whole)
{
	struct verify_file f = {v, path, fd};
	char *file = xasprintf("%s/%s", folder, verify_base_name(path));
	enum seal_state state =
	    seal_check_file(&v->seals, file, fd, whole, verify_file_fault, &f);

	free(file);
	return state;
}

void
verify_exact(struct verify *v, const char *path, int fd)
{
	struct stat st;
	struct span file;
	size_t at;

	if (fstat(fd, &st) != 0 || st.st_size == 0)
		return;
	file.n = (size_t)st.st_size;
	file.p = mmap(NULL, file.n, PROT_READ, MAP_PRIVATE, fd, 0);
	if (file.p == MAP_FAILED) {
		verify_fault(v, path, 0, "%s", strerror(errno));
		return;
	}
	at = gzip_exact(file);
	munmap((void *)(uintptr_t)file.p, file.n);
	if (at < file.n)
		verify_fault(v, path, at,
		    "the compressed data is not as it was "
		    "written, though what it holds is whole");
}

/* A file with seals that was in neither folder: one written in one go, or one
 * that is gone. */
static void
check_sealed(struct verify *v, const struct log_place *place,
    const struct seal *last)
{
	const char *name = verify_base_name(last->file);
	bool log = span_starts(span_of(last->file), "log/");
	char *path = log ? xasprintf("%s/%s", place->log_dir, name)
			 : xasprintf("%s/%s", place->state_dir, last->file);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char when[INSTANT_TEXT_MAX];
	struct verify_file f = {v, path, fd};

	instant_text(last->time, when);
	if (fd >= 0) {
		seal_check_file(&v->seals, last->file, fd, false,
		    verify_file_fault, &f);
		close(fd);
	} else if (errno != ENOENT) {
		verify_fault(v, path, 0, "%s", strerror(errno));
	} else if (log) {
		verify_fault(v, path, 0,
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
		    place->log_dir, verify_base_name(file),
		    (unsigned long long)lost->at,
		    (unsigned long long)lost->bytes,
		    instant_text(lost->time, when));
	}
}

static void
database_fault(const char *path, const char *text, void *arg)
{
	verify_fault(arg, path, 0, "%s", text);
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
	verify_log_files(v, paths, n);
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
	verify_log_files(v, paths, n);
	verify_archives(v, place.state_dir);
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
