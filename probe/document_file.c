#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "document.h"
#include "limit.h"

/*
 * Whoever owns the program, or a folder above it, can put another program in
 * its place: to trust that user with the configuration as well gives nothing
 * away, and lets root run a working copy that belongs to somebody.
 */
static bool
owns_program(uid_t uid)
{
	char path[PATH_MAX];
	struct stat st;
	ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
	char *slash;

	if (n <= 0)
		return false;
	path[n] = '\0';
	for (;;) {
		if (stat(path, &st) == 0 && st.st_uid == uid)
			return true;
		slash = strrchr(path, '/');
		if (slash == NULL || slash == path)
			return false;
		*slash = '\0';
	}
}

char *
file_complaint(int fd, const char *path)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return xasprintf("cannot look at %s: %s", path,
		    strerror(errno));
	if (!S_ISREG(st.st_mode))
		return xasprintf("%s is not a regular file", path);
	if (st.st_uid != 0 && st.st_uid != geteuid() &&
	    !owns_program(st.st_uid))
		return xasprintf("%s belongs to user %u, who could change it; "
				 "chown it to root or to the user that runs "
				 "kpwatch",
		    path, (unsigned)st.st_uid);
	/* A group that is the owner's alone (same number) adds nobody. */
	if ((st.st_mode & S_IWOTH) != 0 ||
	    ((st.st_mode & S_IWGRP) != 0 && st.st_gid != st.st_uid))
		return xasprintf("others may write to %s; "
				 "run: chmod go-w %s",
		    path, path);
	return NULL;
}

static bool
read_all(int fd, struct buf *out)
{
	char *at;
	ssize_t n;

	for (;;) {
		at = buf_reserve(out, 16 * KIB);
		if (at == NULL) {
			errno = EFBIG;
			return false;
		}
		n = read(fd, at, 16 * KIB);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n == 0;
		out->len += (size_t)n;
	}
}

struct doc *
doc_read(const char *path, struct config_errors *errors)
{
	struct buf text = BUF_INIT(CONFIG_FILE_MAX);
	struct doc *d = NULL;
	char *complaint = NULL;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0) {
		config_errors_add(errors, path, 0, 0, "cannot open: %s",
		    strerror(errno));
		return NULL;
	}
	complaint = file_complaint(fd, path);
	if (complaint != NULL)
		config_errors_add(errors, path, 0, 0, "%s", complaint);
	else if (!read_all(fd, &text))
		config_errors_add(errors, path, 0, 0, "cannot read: %s",
		    strerror(errno));
	else
		d = doc_parse(path, buf_span(&text), errors);
	free(complaint);
	buf_release(&text);
	close(fd);
	return d;
}
