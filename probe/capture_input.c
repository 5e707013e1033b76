#include "capture_input.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "decode.h"
#include "limit.h"

struct capture_input {
	int fd;
	struct span head;
	bool begun;
	bool corrupt;
	struct inflater *gzip; /* NULL for a plain file */
	struct span unread;    /* of packed */
	char *packed; /* NULL: a plain file that gave its first bytes */
	size_t step;  /* its size */
};

struct capture_input *
capture_input_new(int fd, struct span head)
{
	struct capture_input *i = xcalloc(1, sizeof *i);

	i->fd = fd;
	i->head = head;
	i->step = 64 * KIB;
	return i;
}

void
capture_input_small(struct capture_input *i)
{
	i->step = CAPTURE_WINDOW_MANY;
}

void
capture_input_free(struct capture_input *i)
{
	if (i == NULL)
		return;
	inflater_free(i->gzip);
	free(i->packed);
	free(i);
}

static ssize_t
read_plain(struct capture_input *i, void *bytes, size_t n)
{
	struct span head = span_slice(i->head, 0, n);
	ssize_t got;

	if (head.n > 0) {
		memcpy(bytes, head.p, head.n);
		i->head = span_slice(i->head, head.n, i->head.n);
		return (ssize_t)head.n;
	}
	do
		got = read(i->fd, bytes, n);
	while (got < 0 && errno == EINTR);
	return got;
}

static ssize_t
read_gzip(struct capture_input *i, void *bytes, size_t n)
{
	size_t got = 0;
	ssize_t more;

	while (got == 0 && !i->corrupt) {
		if (i->unread.n == 0) {
			more = read_plain(i, i->packed, i->step);
			if (more <= 0)
				return inflater_between(i->gzip) ? 0 : -1;
			i->unread = (struct span){i->packed, (size_t)more};
		}
		if (inflater_step(i->gzip, &i->unread, bytes, n, &got) ==
		    INFLATE_CORRUPT)
			i->corrupt = true;
	}
	return got > 0 ? (ssize_t)got : -1;
}

ssize_t
capture_input_read(void *arg, void *bytes, size_t n)
{
	struct capture_input *i = arg;
	ssize_t got;

	if (!i->begun) {
		i->begun = true;
		i->packed = xmalloc(i->step);
		got = read_plain(i, i->packed, i->step);
		if (got < 0)
			return -1;
		i->unread = (struct span){i->packed, (size_t)got};
		if (gzip_looks(i->unread))
			i->gzip = inflater_new(INFLATE_GZIP);
	}
	if (i->gzip != NULL)
		return read_gzip(i, bytes, n);
	if (i->unread.n > 0) {
		struct span part = span_slice(i->unread, 0, n);

		memcpy(bytes, part.p, part.n);
		i->unread = span_slice(i->unread, part.n, i->unread.n);
		return (ssize_t)part.n;
	}
	free(i->packed);
	i->packed = NULL;
	return read_plain(i, bytes, n);
}
