/*
 * Preloaded by a test: clocks that the test moves.  The file that CLOCK_SHIFT
 * names holds two numbers, in nanoseconds, native order: what to add to the
 * wall clock, and what to the time since boot with suspensions.  It is mapped
 * before any process shuts itself off from files.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *shift;
static int (*real)(clockid_t, struct timespec *);

__attribute__((constructor)) static void
clock_shift_open(void)
{
	const char *path = getenv("CLOCK_SHIFT");
	int fd = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
	void *map;

	real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT,
	    "clock_gettime");
	if (fd == -1)
		return;
	map = mmap(NULL, 2 * sizeof *shift, PROT_READ, MAP_SHARED, fd, 0);
	shift = map == MAP_FAILED ? NULL : map;
	close(fd);
}

int
clock_gettime(clockid_t id, struct timespec *ts)
{
	int rc = real(id, ts);
	int64_t by = 0, ns;

	if (rc == 0 && shift != NULL && id == CLOCK_REALTIME)
		by = shift[0];
	else if (rc == 0 && shift != NULL && id == CLOCK_BOOTTIME)
		by = shift[1];
	if (by != 0) {
		ns = (int64_t)ts->tv_sec * 1000000000 + ts->tv_nsec + by;
		ts->tv_sec = (time_t)(ns / 1000000000);
		ts->tv_nsec = (long)(ns % 1000000000);
	}
	return rc;
}
