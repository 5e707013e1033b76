#include "file_write.h"

#include <errno.h>
#include <unistd.h>

/* What write(2) returned, taken off what is left; false at an error. */
static bool
wrote(ssize_t n, struct span *left)
{
	if (n < 0 && errno == EINTR)
		return true;
	if (n == 0)
		errno = ENOSPC;
	if (n <= 0)
		return false;
	*left = span_slice(*left, (size_t)n, left->n);
	return true;
}

bool
file_write(int fd, struct span s)
{
	while (s.n > 0)
		if (!wrote(write(fd, s.p, s.n), &s))
			return false;
	return true;
}

bool
file_write_at(int fd, struct span s, uint64_t at)
{
	uint64_t end = at + s.n;

	while (s.n > 0)
		if (!wrote(pwrite(fd, s.p, s.n, (off_t)(end - s.n)), &s))
			return false;
	return true;
}
