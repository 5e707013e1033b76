/* Content codings.  Input: which list, body. */
#include <stdlib.h>

#include "decode.h"
#include "limit.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const lists[] = {"gzip", "deflate", "br", "zstd",
	    "gzip, br", "zstd, deflate", "x-gzip,identity", "gzip,gzip,gzip"};
	struct buf out = BUF_INIT(4 * MIB);
	struct inflater *f;
	struct span in;
	size_t n, given = 0;
	char step[512];

	if (size == 0)
		return 0;
	in = (struct span){(const char *)data + 1, size - 1};
	(void)content_decode(in, span_of(lists[data[0] % ARRAY_LEN(lists)]),
	    &out);
	buf_release(&out);
	f = inflater_new((enum inflate_format)(data[0] % 3));
	while (in.n > 0 && given < MIB) {
		if (inflater_step(f, &in, step, sizeof(step), &n) ==
		    INFLATE_CORRUPT)
			break;
		given += n;
	}
	if (inflater_offset(f) > size ||
	    inflater_member_start(f) > inflater_offset(f))
		abort();
	inflater_free(f);
	return 0;
}
