/* Change log files: gzip members or plain lines, whole, torn or nonsense. */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "changelog.h"
#include "limit.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static int fd = -1;
	struct changelog_reader *r;
	enum changelog_read got;
	struct span line;

	if (fd < 0)
		fd = memfd_create("fuzz", MFD_CLOEXEC);
	if (ftruncate(fd, 0) != 0 || pwrite(fd, data, n, 0) != (ssize_t)n ||
	    lseek(fd, 0, SEEK_SET) != 0)
		abort();
	r = changelog_reader_new(fd, n % 2 == 0);
	while ((got = changelog_reader_next(r, &line)) == CHANGELOG_LINE)
		if (line.n > EVENT_LINE_MAX || span_find(line, '\n') < line.n)
			abort();
	if (got == CHANGELOG_ERROR || changelog_reader_whole(r) > n)
		abort();
	changelog_reader_free(r);
	return 0;
}
