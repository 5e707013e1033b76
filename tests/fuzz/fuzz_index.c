/* The index beside an archive, held against lines made from the archive.
 * Input: the index, NUL, the other lines.  A line is told by a number that it
 * has, and an index that is what it should be has no fault but pieces. */
#include <stdlib.h>

#include "cdxj.h"
#include "warc_index.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

struct faults {
	uint64_t count;
	uint64_t last; /* highest line */
};

static void
on_fault(void *arg, uint64_t line, const char *text)
{
	struct faults *f = arg;

	f->count++;
	if (line > f->last)
		f->last = line;
	if (*text == '\0')
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span made = {(const char *)data, size}, index, rest, line;
	struct faults f = {0, 0};
	uint64_t lines = 0, pieces = 0;

	index = rest = span_token(&made, '\0');
	if (made.p == NULL)
		made = SPAN("");
	while (rest.p != NULL) {
		line = span_token(&rest, '\n');
		if (line.n == 0 && rest.p == NULL)
			break;
		lines++;
		pieces += line.n < WARC_INDEX_LINE_LEAST;
	}
	(void)warc_index_check(index, made, UINT64_MAX, size % 2 == 0, on_fault,
	    &f);
	if (f.last > lines)
		abort();
	f.count = 0;
	if (warc_index_check(index, index, UINT64_MAX, false, on_fault, &f) !=
		0 ||
	    f.count != pieces)
		abort();
	return 0;
}
