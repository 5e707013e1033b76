#include "capture_write.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "digest.h"
#include "file_write.h"
#include "instant.h"
#include "limit.h"

char *
capture_name(int64_t time, uint64_t id)
{
	char day[INSTANT_TEXT_MAX];

	return xasprintf("%s/%llu.pcap", instant_day(time, day),
	    (unsigned long long)id);
}

/* The folder of its day; made, and its name on disk, when it is the first. */
static int
open_day(int dirfd, const char *name)
{
	char *day = xstrndup(name, strcspn(name, "/"));
	int fd = -1, saved;

	if (mkdirat(dirfd, day, 0750) == 0) {
		if (fsync(dirfd) != 0) { /* made anew, and tried, next time */
			saved = errno;
			unlinkat(dirfd, day, AT_REMOVEDIR);
			errno = saved;
			goto out;
		}
	} else if (errno != EEXIST) {
		goto out;
	}
	fd =
	    openat(dirfd, day, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
out:
	free(day);
	return fd;
}

bool
capture_write(int dirfd, const char *name, struct span bytes)
{
	const char *file = name + strcspn(name, "/") + 1;
	int day = open_day(dirfd, name), fd = -1;
	bool ok = false;
	int saved;

	if (day < 0)
		return false;
	fd = openat(day, file,
	    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
	ok = fd >= 0 && file_write(fd, bytes) && fdatasync(fd) == 0 &&
	    fsync(day) == 0;
	saved = errno;
	/* What is left of it is of no use and takes room that is missing. */
	if (fd >= 0 && !ok)
		unlinkat(day, file, 0);
	if (fd >= 0)
		close(fd);
	close(day);
	errno = saved;
	return ok;
}

/* Two parts, and neither leads elsewhere. */
static bool
name_good(const char *name)
{
	size_t n = strspn(name, "0123456789");

	return n == 8 && name[n] == '/' &&
	    strspn(name + n + 1, "0123456789") > 0 &&
	    strcmp(name + n + 1 + strspn(name + n + 1, "0123456789"),
		".pcap") == 0;
}

bool
capture_check(int dirfd, const char *name, const char *sha256, char **why)
{
	struct digest *d;
	uint8_t sum[SHA256_BYTES];
	char hex[65], bytes[16 * KIB];
	ssize_t n;
	int fd;

	*why = NULL;
	if (!name_good(name)) {
		*why = xstrdup("not the name of a capture of ours");
		return false;
	}
	fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	d = digest_new(DIGEST_SHA256);
	while ((n = read(fd, bytes, sizeof bytes)) > 0)
		digest_update(d, (struct span){bytes, (size_t)n});
	digest_final(d, sum);
	digest_free(d);
	hex_encode(hex, sum, sizeof sum);
	if (n < 0)
		*why = xstrdup(strerror(errno));
	else if (sha256 != NULL && strcmp(hex, sha256) != 0)
		*why = xasprintf("its hash is %s", hex);
	close(fd);
	return *why == NULL;
}
