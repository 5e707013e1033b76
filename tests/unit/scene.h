/*
 * A state folder with a change log and an archive beside its store, looks that
 * go into all three, and what `verify` says of them.
 */
#ifndef KPWATCH_TEST_SCENE_H
#define KPWATCH_TEST_SCENE_H

#include "story.h"

#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "command.h"
#include "folder.h"
#include "warc.h"

#define DAY_MS	   86400000
#define FIRST_LOG  "log/events-20190114.jsonl.gz"
#define LATER_LOG  "log/events-20190115.jsonl.gz"
#define FIRST_WARC "warc/kpwatch-20190114-00.warc.gz"
#define LATER_WARC "warc/kpwatch-20190115-00.warc.gz"

/* Those of main.c, which no call here needs. */
int
command_usage(const char *command)
{
	fail_msg("%s: usage", command);
	return EXIT_USAGE;
}

void
command_help(const char *command, const char *text)
{
	fail_msg("%s: %s", command, text);
}

/* A state folder, its store, and the archive beside it. */
struct scene {
	char *dir;
	struct story s;
	struct warc_writer *warc;
	int warcfd;
	struct buf said; /* by the last `verify` */
	bool deduplicate;
};

static uint64_t
written(const char *name, void *arg)
{
	struct scene *c = arg;

	return store_sealed(c->s.store, SEAL_WARC, name);
}

static bool
scene_resume(struct scene *c)
{
	return store_seal_resume(c->s.store, SEAL_WARC, c->warcfd,
	    warc_writer_file(c->warc), warc_writer_sealing(c->warc));
}

/* Beside the store, which is open. */
static void
archive_open(struct scene *c)
{
	struct warc_writer_options o = {
	    .deduplicate = c->deduplicate,
	    .written = written,
	    .arg = c,
	};
	char *folder = xasprintf("%s/warc", c->dir), *why = NULL;

	mkdir(folder, 0700);
	c->warcfd = open(folder, O_RDONLY | O_DIRECTORY);
	assert_true(c->warcfd >= 0);
	c->warc = warc_writer_open(c->warcfd, &o, NULL, &why);
	assert_non_null(c->warc);
	free(folder);
}

static void
scene_open(struct scene *c)
{
	story_open(&c->s, c->dir, true);
	archive_open(c);
	assert_true(scene_resume(c));
}

static void
scene_close(struct scene *c)
{
	store_close(c->s.store);
	c->s.store = NULL;
	warc_writer_close(c->warc);
	close(c->warcfd);
}

static void
scene_begin(struct scene *c)
{
	memset(c, 0, sizeof *c);
	c->dir = folder_make();
	buf_init(&c->said, 1u << 20);
	story_begin(&c->s, c->dir);
	store_close(c->s.store);
	scene_open(c);
}

static void
scene_end(struct scene *c)
{
	story_end(&c->s);
	buf_release(&c->said);
	folder_remove(c->dir);
}

/* One look that is an event, in the archive and in the log. */
static void
look(struct scene *c, int n)
{
	struct observation o;
	struct finding f;
	struct hop *h = look_begin(&o, &f, "one", "main", "http://one.test/");
	char *text = xasprintf("<title>title%d</title>", n);

	h->status = 200;
	h->stage = STAGE_BODY;
	buf_add_str(&h->headers, "HTTP/1.1 200 OK\r\n\r\n");
	buf_add_str(&h->body, text);
	look_fill(&f, "title x");
	free(f.title);
	f.title = xasprintf("title%d", n);
	look_hash(&f, text);
	o.time = c->s.now;
	assert_true(warc_writer_add(c->warc, &o));
	store_seal(c->s.store, SEAL_WARC, warc_writer_file(c->warc),
	    warc_writer_sealing(c->warc), c->s.now);
	story_look(&c->s, &o, &f);
	free(text);
}

static void
commit(struct scene *c)
{
	assert_true(warc_writer_sync(c->warc));
	assert_true(store_commit(c->s.store));
}

__attribute__((unused)) static void
looks(struct scene *c, int from, int to)
{
	for (int n = from; n < to; n++) {
		look(c, n);
		commit(c);
	}
}

/* Two days, two files of each kind, and an orderly end. */
__attribute__((unused)) static void
two_days(struct scene *c)
{
	scene_begin(c);
	looks(c, 0, 3);
	c->s.now += DAY_MS;
	looks(c, 3, 6);
	scene_close(c);
}

/* Runs the command; its exit status, and in `said` all that it printed. */
static int
verify(struct scene *c)
{
	char *const argv[] = {(char *)"verify", (char *)"-s", c->dir, NULL};
	char *path = xasprintf("%s/said", c->dir), piece[4096];
	int out = dup(1), err = dup(2), code;
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	ssize_t n;

	fflush(NULL);
	dup2(fd, 1);
	dup2(fd, 2);
	optind = 0;
	code = cmd_verify(3, (char **)(uintptr_t)argv);
	fflush(NULL);
	dup2(out, 1);
	dup2(err, 2);
	close(out);
	close(err);
	lseek(fd, 0, SEEK_SET);
	buf_clear(&c->said);
	while ((n = read(fd, piece, sizeof piece)) > 0)
		buf_add(&c->said, piece, (size_t)n);
	close(fd);
	unlink(path);
	free(path);
	return code;
}

static void
expect(struct scene *c, int code, const char *words)
{
	int got = verify(c);

	if (got != code || strstr(buf_str(&c->said), words) == NULL)
		fail_msg("verify: exit %d, not %d with \"%s\":\n%s", got, code,
		    words, buf_str(&c->said));
}

#define ALL_SEALED                                                             \
	"digests: 4 files as they were written, 0 with bytes that have none "  \
	"(0 bytes), 0 deleted; 0 bytes got theirs at a later start"

static char *
path_of(const struct scene *c, const char *file)
{
	return xasprintf("%s/%s", c->dir, file);
}

__attribute__((unused)) static void
load(const struct scene *c, const char *file, struct buf *b)
{
	char *path = path_of(c, file), piece[4096];
	int fd = open(path, O_RDONLY);
	ssize_t n;

	assert_true(fd >= 0);
	buf_clear(b);
	while ((n = read(fd, piece, sizeof piece)) > 0)
		buf_add(b, piece, (size_t)n);
	close(fd);
	free(path);
}

__attribute__((unused)) static void
put(const struct scene *c, const char *file, struct span s)
{
	char *path = path_of(c, file);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_int_equal(write(fd, s.p, s.n), (ssize_t)s.n);
	close(fd);
	free(path);
}

__attribute__((unused)) static void
sql(const struct scene *c, const char *text)
{
	char *path = path_of(c, "kpwatch.sqlite");
	sqlite3 *db = NULL;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	if (sqlite3_exec(db, text, NULL, NULL, NULL) != SQLITE_OK)
		fail_msg("%s: %s", text, sqlite3_errmsg(db));
	sqlite3_close(db);
	free(path);
}

/* Where the second member of a file begins. */
__attribute__((unused)) static size_t
second_member(const struct buf *b)
{
	size_t i = 1;

	while (i + 3 < b->len && memcmp(b->data + i, "\x1f\x8b\x08", 3) != 0)
		i++;
	assert_true(i + 3 < b->len);
	return i;
}

/* What a process does that is killed then. */
__attribute__((unused)) static void
killed(struct scene *c, void (*what)(struct scene *))
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		what(c);
		raise(SIGKILL);
	}
	waitpid(pid, &status, 0);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

#endif
