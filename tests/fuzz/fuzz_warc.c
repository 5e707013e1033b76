/* Archive bytes through the record reader, the payload reader and the
 * observation source: nothing crashes, and what is given out fits the wire. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "digest.h"
#include "limit.h"
#include "warc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static ssize_t
read_input(void *arg, void *bytes, size_t n)
{
	struct span *rest = arg;
	struct span part = span_slice(*rest, 0, n);

	if (part.n > 0)
		memcpy(bytes, part.p, part.n);
	*rest = span_slice(*rest, part.n, rest->n);
	return (ssize_t)part.n;
}

static void
read_records(struct span input)
{
	struct warc_reader *r = warc_reader_new(read_input, NULL, &input);
	struct warc_record rec;
	struct warc_payload p;

	warc_payload_init(&p);
	while (warc_reader_next(r, &rec) == 1)
		warc_payload_read(&p, r, &rec, NULL);
	warc_payload_release(&p);
	warc_reader_free(r);
}

static void
read_observations(struct span input)
{
	static int fd = -1;
	struct warc_set *set = warc_set_new();
	struct buf wire = BUF_INIT(JOB_BYTES_MAX);
	struct warc_source *source;
	struct observation o;

	if (fd < 0)
		fd = memfd_create("fuzz", MFD_CLOEXEC);
	if (ftruncate(fd, 0) != 0 ||
	    pwrite(fd, input.p, input.n, 0) != (ssize_t)input.n)
		abort();
	source =
	    warc_source_new(set, warc_set_add(set, "fuzz", fd), NULL, NULL);
	while (warc_source_next(source, &o) == 1) {
		buf_clear(&wire);
		observation_encode(&o, &wire, false);
		observation_release(&o);
		if (!observation_decode(&o, buf_span(&wire)))
			abort();
		observation_release(&o);
	}
	buf_release(&wire);
	warc_source_free(source);
	warc_set_free(set);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static bool ready;
	struct span input = {(const char *)data, n};

	if (!ready)
		digest_init();
	ready = true;
	read_records(input);
	if (n > 0)
		read_observations(input);
	return 0;
}
