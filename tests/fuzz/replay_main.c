/*
 * Runs a fuzz target without a fuzzer: over the files of the folders named,
 * as AFL++ does in its persistent mode when it is built by afl-clang-fast, or
 * over one input of standard input.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bytes.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

enum { INPUT_MAX = 1 << 20 };

/* Over a copy of its exact size, so that an overrun is seen. */
static void
run_exact(const void *bytes, size_t n)
{
	uint8_t *copy = xcalloc(1, n > 0 ? n : 1);

	if (n > 0)
		memcpy(copy, bytes, n);
	LLVMFuzzerTestOneInput(copy, n);
	free(copy);
}

#ifdef __AFL_FUZZ_TESTCASE_LEN
__AFL_FUZZ_INIT();

static void
run_standard_input(void)
{
	const unsigned char *bytes;

	__AFL_INIT();
	bytes = __AFL_FUZZ_TESTCASE_BUF;
	while (__AFL_LOOP(10000)) {
		run_exact(bytes, (size_t)__AFL_FUZZ_TESTCASE_LEN);
	}
}
#else
static void
run_fd(int fd)
{
	struct buf input = BUF_INIT(INPUT_MAX);
	char piece[65536];
	ssize_t n;

	while ((n = read(fd, piece, sizeof piece)) > 0)
		buf_add(&input, piece, (size_t)n);
	run_exact(input.data, input.len);
	buf_release(&input);
}

static void
run_standard_input(void)
{
	run_fd(STDIN_FILENO);
}

static unsigned
run_folder(const char *path)
{
	DIR *d = opendir(path);
	struct dirent *e;
	unsigned count = 0;

	if (d == NULL) {
		perror(path);
		exit(1);
	}
	while ((e = readdir(d)) != NULL) {
		int fd = openat(dirfd(d), e->d_name, O_RDONLY | O_CLOEXEC);

		if (e->d_name[0] != '.' && fd >= 0) {
			run_fd(fd);
			count++;
		}
		close(fd);
	}
	closedir(d);
	return count;
}
#endif

int
main(int argc, char **argv)
{
#ifndef __AFL_FUZZ_TESTCASE_LEN
	unsigned count = 0;

	for (int i = 1; i < argc; i++)
		count += run_folder(argv[i]);
	if (argc > 1) {
		printf("%u inputs\n", count);
		return 0;
	}
#else
	(void)argc;
	(void)argv;
#endif
	run_standard_input();
	return 0;
}
