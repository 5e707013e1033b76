/* What the service manager and the journal receive, read from sockets of our
 * own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "digest.h"
#include "journal.h"
#include "limit.h"

static const char event[] =
    "{\"v\":1,\"seq\":1207,\"time\":\"2019-01-14T06:00"
    ":03.120Z\",\"type\":\"share.added\",\"target\":\"sogwang\",\"vantage\":"
    "\"seoul-1\",\"source\":\"live\",\"page\":\"article\",\"url\":\"http://w/"
    "\\u001b[31m\",\"platform\":\"vk\",\"name\":\"a\\nPRIORITY=0\",\"before\":"
    "5,\"after\":17,\"prev\":null}";

static char path[64];

static int
listen_at(const char *name)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	size_t n = strlen(name);
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	memcpy(sa.sun_path, name, n);
	if (name[0] == '@')
		sa.sun_path[0] = '\0';
	else
		unlink(name);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa,
			     (socklen_t)(offsetof(struct sockaddr_un,
					     sun_path) +
				 n)),
	    0);
	return fd;
}

static const char *
received(int fd)
{
	static char text[65536];
	ssize_t n = recv(fd, text, sizeof text - 1, MSG_DONTWAIT);

	text[n < 0 ? 0 : n] = '\0';
	return text;
}

static void
test_notify(void **state)
{
	static const char *const names[] = {path, "@kpwatch-test-notify"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		int fd = listen_at(names[i]);

		setenv("NOTIFY_SOCKET", names[i], 1);
		assert_true(notify_ready());
		assert_string_equal(received(fd), "READY=1");
		assert_true(notify_status("%d targets\nREADY=1", 172));
		assert_string_equal(received(fd), "STATUS=172 targets READY=1");
		assert_true(notify_reloading());
		assert_non_null(strstr(received(fd), "RELOADING=1\nMONO"));
		assert_true(notify_watchdog());
		assert_string_equal(received(fd), "WATCHDOG=1");
		assert_true(notify_stopping());
		assert_string_equal(received(fd), "STOPPING=1");
		close(fd);
	}
	unlink(path);
	setenv("NOTIFY_SOCKET", path, 1);
	assert_false(notify_ready());
	setenv("NOTIFY_SOCKET", "relative", 1);
	assert_false(notify_ready());
	unsetenv("NOTIFY_SOCKET");
	assert_false(notify_ready());
}

static void
test_watchdog_period(void **state)
{
	char pid[16];

	(void)state;
	assert_int_equal(notify_watchdog_period(), 0);
	setenv("WATCHDOG_USEC", "60000000", 1);
	assert_int_equal(notify_watchdog_period(), 30000);
	snprintf(pid, sizeof pid, "%d", (int)getpid());
	setenv("WATCHDOG_PID", pid, 1);
	assert_int_equal(notify_watchdog_period(), 30000);
	setenv("WATCHDOG_PID", "1", 1);
	assert_int_equal(notify_watchdog_period(), 0);
	unsetenv("WATCHDOG_PID");
	setenv("WATCHDOG_USEC", "soon", 1);
	assert_int_equal(notify_watchdog_period(), 0);
	unsetenv("WATCHDOG_USEC");
}

static void
test_event(void **state)
{
	int fd = listen_at(path);
	struct journal *j = journal_open(path);
	const char *text;
	char id[33], line[64];

	(void)state;
	assert_true(journal_event(j, SPAN(event)));
	text = received(fd);
	assert_non_null(strstr(text, "KPWATCH_TARGET=sogwang\n"));
	assert_non_null(strstr(text, "KPWATCH_TYPE=share.added\n"));
	assert_non_null(strstr(text, "KPWATCH_SEQ=1207\n"));
	assert_non_null(strstr(text, "PRIORITY=6\n"));
	journal_message_id("share.added", id);
	snprintf(line, sizeof line, "\nMESSAGE_ID=%s\n", id);
	assert_non_null(strstr(text, line));
	/* A newline in a value cannot make a field of its own. */
	assert_null(strstr(text, "KPWATCH_NAME=a\n"));
	assert_non_null(strstr(text, "KPWATCH_NAME\n\x0c"));
	assert_non_null(strstr(text,
	    "MESSAGE=sogwang: share.added vk/a\\x0a"
	    "PRIORITY=0 (5 -> 17), http://w/\\x1b[31m\n"));
	assert_false(journal_event(j, SPAN("{\"type\":5}")));
	assert_string_equal(received(fd), "");
	journal_free(j);
	close(fd);
}

static void
test_message_ids(void **state)
{
	char a[33], b[33];

	(void)state;
	journal_message_id("share.added", a);
	journal_message_id("share.removed", b);
	assert_string_not_equal(a, b);
	assert_int_equal(a[12], '5');
	assert_string_equal(a, "f5581ff972d253dc90ad50e6cf141e19");
}

static void
test_log(void **state)
{
	int fd = listen_at(path);
	struct journal *j = journal_open(path);

	(void)state;
	log_to(journal_log, j);
	log_warn("one %s", "two\nPRIORITY=0");
	log_to(NULL, NULL);
	assert_null(strstr(received(fd), "\nPRIORITY=0"));
	journal_free(j);
	close(fd);
	unlink(path);
	/* Gone: lines go to standard error, nothing else happens. */
	j = journal_open(path);
	log_to(journal_log, j);
	log_info("no journal: a line on standard error");
	log_to(NULL, NULL);
	assert_true(journal_event(j, SPAN(event)));
	journal_free(j);
}

static void
test_long_entry_goes_as_file(void **state)
{
	int fd = listen_at(path), file = -1;
	struct journal *j;
	char line[60000], data[8], control[CMSG_SPACE(sizeof(int))];
	struct iovec iov = {data, sizeof data};
	struct msghdr m = {.msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = control,
	    .msg_controllen = sizeof control};
	struct cmsghdr *c;
	struct stat st;

	(void)state;
	memset(line, 'x', sizeof line);
	line[sizeof line - 1] = '\0';
	j = journal_open(path);
	assert_non_null(j);
	/* A datagram of this size still fits: it goes whole. */
	journal_log(LOG_LEVEL_INFO, line, j);
	assert_true(recvmsg(fd, &m, MSG_DONTWAIT) >= 0);
	c = CMSG_FIRSTHDR(&m);
	if (c != NULL) {
		memcpy(&file, CMSG_DATA(c), sizeof file);
		assert_int_equal(fstat(file, &st), 0);
		assert_true(st.st_size > 59000);
		close(file);
	}
	journal_free(j);
	close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_notify),
	    cmocka_unit_test(test_watchdog_period),
	    cmocka_unit_test(test_event),
	    cmocka_unit_test(test_message_ids),
	    cmocka_unit_test(test_log),
	    cmocka_unit_test(test_long_entry_goes_as_file),
	};
	int failed;

	digest_init();
	snprintf(path, sizeof path, "/tmp/kpwatch-journal-%d", (int)getpid());
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path);
	return failed;
}
