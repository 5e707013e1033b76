/*
 * A folder of a test's own.
 */
#ifndef KPWATCH_TEST_FOLDER_H
#define KPWATCH_TEST_FOLDER_H

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "log.h"

static char *
folder_make(void)
{
	char *dir = xstrdup("/tmp/kpwatch-store-XXXXXX");

	assert_non_null(mkdtemp(dir));
	return dir;
}

static void
folder_remove(char *dir)
{
	char *const argv[] = {(char *)"rm", (char *)"-rf", dir, NULL};
	pid_t pid = fork();

	if (pid == 0) {
		execvp("rm", argv);
		_exit(127);
	}
	waitpid(pid, NULL, 0);
	free(dir);
}

#endif
