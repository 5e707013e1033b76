/* What the disk does not confirm is not taken for written. */
#include "cm.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "capture_write.h"
#include "digest.h"
#include "folder.h"
#include "log.h"
#include "warc.h"

#define START INT64_C(1547445603120) /* 2019-01-14T06:00:03.120Z */
#define DAY   86400000

static bool refuse_data;
static int refuse_folder = -1; /* this one's entries */

static int
sync_as(bool refuse, long call, int fd)
{
	if (!refuse)
		return (int)syscall(call, fd);
	errno = EIO;
	return -1;
}

/* In the place of the C library's. */
int
fdatasync(int fd)
{
	return sync_as(refuse_data, SYS_fdatasync, fd);
}

int
fsync(int fd)
{
	return sync_as(fd == refuse_folder, SYS_fsync, fd);
}

static bool
add(struct warc_writer *w, int64_t time)
{
	struct observation o;
	struct hop *h;
	bool ok;

	observation_init(&o);
	o.time = time;
	o.vantage = xstrdup("v");
	o.target = xstrdup("t");
	o.page = xstrdup("main");
	o.url = xstrdup("http://a.example/");
	h = observation_add_hop(&o);
	h->url = xstrdup(o.url);
	h->status = 200;
	h->http_version = 11;
	h->stage = STAGE_BODY;
	buf_add_str(&h->headers, "HTTP/1.1 200 OK\r\n\r\n");
	ok = warc_writer_add(w, &o);
	observation_release(&o);
	return ok;
}

static struct warc_writer *
writer(int folder)
{
	struct warc_writer_options o = {0};
	char *why = NULL;
	struct warc_writer *w = warc_writer_open(folder, &o, NULL, &why);

	if (w == NULL)
		fail_msg("open: %s", why);
	return w;
}

static bool
is_there(int folder, const char *name)
{
	return faccessat(folder, name, F_OK, 0) == 0;
}

/* The end of an archive is confirmed before the next one is begun. */
static void
archive_of_yesterday(void **state)
{
	int folder = *(int *)*state;
	struct warc_writer *w = writer(folder);

	assert_true(add(w, START));
	refuse_data = true;
	assert_false(warc_writer_sync(w));
	assert_false(add(w, START + DAY));
	assert_false(is_there(folder, "kpwatch-20190115-00.warc.gz"));
	refuse_data = false;
	assert_true(add(w, START + DAY));
	assert_true(warc_writer_sync(w));
	assert_true(is_there(folder, "kpwatch-20190115-00.warc.gz"));
	warc_writer_close(w);
}

/* An archive whose name may be gone after a crash is not begun. */
static void
archive_without_a_name(void **state)
{
	int folder = *(int *)*state;
	struct warc_writer *w = writer(folder);

	refuse_folder = folder;
	assert_false(add(w, START));
	assert_false(add(w, START));
	assert_false(is_there(folder, "kpwatch-20190114-00.warc.gz"));
	assert_false(is_there(folder, "kpwatch-20190114-00.cdxj"));
	refuse_folder = -1;
	assert_true(add(w, START));
	assert_true(is_there(folder, "kpwatch-20190114-00.warc.gz"));
	warc_writer_close(w);
}

static void
packets_without_a_name(void **state)
{
	int folder = *(int *)*state;
	char *name = capture_name(START, 7);

	refuse_folder = folder;
	assert_false(capture_write(folder, name, SPAN("x")));
	assert_false(capture_write(folder, name, SPAN("x")));
	refuse_folder = -1;
	assert_true(capture_write(folder, name, SPAN("x")));
	assert_true(is_there(folder, name));
	free(name);
}

static char *dir;

static int
set_up(void **state)
{
	static int folder;

	dir = folder_make();
	folder = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(folder >= 0);
	refuse_data = false;
	refuse_folder = -1;
	*state = &folder;
	return 0;
}

static int
tear_down(void **state)
{
	close(*(int *)*state);
	folder_remove(dir);
	return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(archive_of_yesterday),
	    TEST(archive_without_a_name),
	    TEST(packets_without_a_name),
	};

	digest_init();
	log_threshold(LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
