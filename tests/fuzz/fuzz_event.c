/* Event lines: no crash on any bytes, and what was read is written back as a
 * line that reads the same. */
#include <stdlib.h>
#include <string.h>

#include "event.h"
#include "limit.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span line = {(const char *)data, size};
	struct buf once = BUF_INIT(EVENT_LINE_MAX);
	struct buf twice = BUF_INIT(EVENT_LINE_MAX);
	struct event e, again;

	if (event_read(&e, line, NULL) && event_write(&e, &once)) {
		if (!event_read(&again, buf_span(&once), NULL))
			abort();
		if (!event_write(&again, &twice) ||
		    !span_eq(buf_span(&once), buf_span(&twice)))
			abort();
		event_release(&again);
	}
	event_release(&e);
	buf_release(&once);
	buf_release(&twice);
	return 0;
}
