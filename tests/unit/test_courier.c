/* Hook programs, run for real: small shell scripts of our own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "courier.h"
#include "limit.h"

/* A string that may be pointed to without const. */
#define TEXT(s) ((char[]){s})

static char folder[] = "/tmp/kpwatch-courier-XXXXXX";
static char program[64];
static struct event_base *base;

static struct {
	int calls;
	uint64_t id;
	char reason[128];
	struct buf output;
	int64_t ms;
} last;

static void
on_done(uint64_t id, const char *name, const struct call_result *r, void *arg)
{
	(void)name;
	(void)arg;
	last.calls++;
	last.id = id;
	last.ms = r->ms;
	snprintf(last.reason, sizeof last.reason, "%s",
	    r->reason == NULL ? "" : r->reason);
	buf_clear(&last.output);
	buf_add_span(&last.output, r->output);
	courier_log_output(name, r);
}

static void
write_program(const char *text, mode_t mode)
{
	FILE *f = fopen(program, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	chmod(program, mode);
}

/* Runs one call to its end. */
static void
run(const char *script, const char *lines, int64_t timeout)
{
	char *args[] = {TEXT("first $HOME"), TEXT("second")};
	struct hook_config h = {.name = TEXT("trial"),
	    .command = program,
	    .args = args,
	    .nargs = 2,
	    .timeout = timeout};
	struct courier *c = courier_new(base, on_done, NULL);

	if (script != NULL)
		write_program(script, 0700);
	last.calls = 0;
	courier_run_hook(c, &h, 42, span_of(lines));
	assert_int_equal(last.calls, 0);
	while (courier_running(c) > 0)
		event_base_loop(base, EVLOOP_ONCE);
	assert_int_equal(last.calls, 1);
	assert_int_equal(last.id, 42);
	courier_free(c);
}

static void
test_input_arguments_environment(void **state)
{
	(void)state;
	setenv("SECRET", "leaked", 1);
	run("#!/bin/sh\ncat\necho \"$1,$2\"; env | sort; ls /proc/self/fd | "
	    "wc -l; pwd\n",
	    "{\"seq\":7,\"type\":\"share.added\",\"target\":"
	    "\"sogwang\",\"name\":\"$(id)\"}\n",
	    10000);
	assert_string_equal(last.reason, "");
	assert_non_null(strstr(buf_str(&last.output),
	    "{\"seq\":7,\"type\":\"share.added\""));
	assert_non_null(strstr(buf_str(&last.output), "first $HOME,second\n"));
	assert_non_null(
	    strstr(buf_str(&last.output), "KPWATCH_TYPE=share.added\n"));
	assert_non_null(strstr(buf_str(&last.output), "KPWATCH_SEQ=7\n"));
	assert_non_null(strstr(buf_str(&last.output), "KPWATCH_NAME=$(id)\n"));
	assert_non_null(strstr(buf_str(&last.output), "KPWATCH_COUNT=1\n"));
	assert_null(strstr(buf_str(&last.output), "SECRET"));
	assert_null(strstr(buf_str(&last.output), "HOME="));
	/* 0, 1, 2 and the one that ls opens. */
	assert_non_null(strstr(buf_str(&last.output), "\n4\n/\n"));
}

static void
test_exit_codes(void **state)
{
	(void)state;
	run("#!/bin/sh\nexit 3\n", "{}\n", 10000);
	assert_string_equal(last.reason, "exit 3");
	run("#!/bin/sh\nkill -9 $$\n", "{}\n", 10000);
	assert_string_equal(last.reason, "killed by signal 9");
	run("#!/no/such/interpreter\n", "{}\n", 10000);
	assert_non_null(strstr(last.reason, "exit 127"));
	unlink(program);
	run(NULL, "{}\n", 10000);
	assert_non_null(strstr(last.reason, "cannot open"));
	write_program("#!/bin/sh\n", 0600);
	run(NULL, "{}\n", 10000);
	assert_non_null(strstr(last.reason, "exit 126"));
}

static void
test_writable_by_others(void **state)
{
	(void)state;
	write_program("#!/bin/sh\necho ran\n", 0702);
	run(NULL, "{}\n", 10000);
	assert_string_not_equal(last.reason, "");
	assert_int_equal(last.output.len, 0);
}

static void
test_unread_input(void **state)
{
	char *lines = xmalloc(4 * MIB + 1);

	(void)state;
	memset(lines, 'x', 4 * MIB);
	lines[4 * MIB] = '\0';
	run("#!/bin/sh\nexit 0\n", lines, 10000);
	assert_string_equal(last.reason, "");
	run("#!/bin/sh\nwc -c\n", lines, 10000);
	assert_string_equal(buf_str(&last.output), "4194304\n");
	free(lines);
}

static void
test_much_output(void **state)
{
	(void)state;
	run("#!/bin/sh\nhead -c 3000000 /dev/zero | tr '\\0' 'y'\nexit 0\n",
	    "{}\n", 10000);
	assert_string_equal(last.reason, "");
	assert_int_equal(last.output.len, HOOK_OUTPUT_MAX);
}

static pid_t
pid_in(const char *name)
{
	char path[96];
	FILE *f;
	int pid = 0;

	snprintf(path, sizeof path, "%s/%s", folder, name);
	f = fopen(path, "r");
	assert_non_null(f);
	assert_int_equal(fscanf(f, "%d", &pid), 1);
	fclose(f);
	return pid;
}

/* Dead, or a zombie that its new parent has not fetched yet. */
static bool
is_gone(pid_t pid)
{
	char path[64], state = 'Z';
	FILE *f;

	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	f = fopen(path, "r");
	if (f == NULL)
		return true;
	if (fscanf(f, "%*d %*s %c", &state) != 1)
		state = 'Z';
	fclose(f);
	return state == 'Z';
}

static bool
goes_away(pid_t pid)
{
	for (int i = 0; i < 100 && !is_gone(pid); i++)
		usleep(10000);
	return is_gone(pid);
}

static void
test_time_limit_takes_the_group(void **state)
{
	char script[256];

	(void)state;
	snprintf(script, sizeof script,
	    "#!/bin/sh\ntrap '' TERM\nsh -c 'echo "
	    "$$ > %s/child; trap \"\" TERM; while :; do sleep 0.05; done' &\n"
	    "while :; do sleep 0.05; done\n",
	    folder);
	run(script, "{}\n", 500);
	assert_string_equal(last.reason, "time limit of 500 ms");
	assert_true(last.ms >= 500 && last.ms < 5000);
	assert_true(goes_away(pid_in("child")));
}

static void
test_leftovers_end_with_the_hook(void **state)
{
	char script[256];

	(void)state;
	snprintf(script, sizeof script,
	    "#!/bin/sh\nsleep 60 &\necho $! > "
	    "%s/left\nexit 0\n",
	    folder);
	run(script, "{}\n", 10000);
	assert_string_equal(last.reason, "");
	assert_true(last.ms < 5000); /* its open output does not hold us */
	assert_true(goes_away(pid_in("left")));
}

static void
test_free_kills(void **state)
{
	struct hook_config h = {.name = TEXT("trial"),
	    .command = program,
	    .timeout = 10000};
	struct courier *c = courier_new(base, on_done, NULL);
	char script[256];

	(void)state;
	snprintf(script, sizeof script,
	    "#!/bin/sh\necho $$ > %s/own\n"
	    "exec sleep 60\n",
	    folder);
	write_program(script, 0700);
	last.calls = 0;
	courier_run_hook(c, &h, 1, SPAN("{}\n"));
	usleep(300000);
	courier_free(c);
	assert_int_equal(last.calls, 0);
	assert_true(is_gone(pid_in("own")));
}

static int
setup_all(void **state)
{
	(void)state;
	umask(022);
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(program, sizeof program, "%s/hook", folder);
	base = event_base_new();
	buf_init(&last.output, MIB);
	return base == NULL ? -1 : 0;
}

static int
teardown_all(void **state)
{
	static const char *const names[] = {"hook", "child", "left", "own"};
	char path[96];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		snprintf(path, sizeof path, "%s/%s", folder, names[i]);
		unlink(path);
	}
	rmdir(folder);
	event_base_free(base);
	buf_release(&last.output);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_input_arguments_environment),
	    cmocka_unit_test(test_exit_codes),
	    cmocka_unit_test(test_writable_by_others),
	    cmocka_unit_test(test_unread_input),
	    cmocka_unit_test(test_much_output),
	    cmocka_unit_test(test_time_limit_takes_the_group),
	    cmocka_unit_test(test_leftovers_end_with_the_hook),
	    cmocka_unit_test(test_free_kills),
	};

	return cmocka_run_group_tests(tests, setup_all, teardown_all);
}
