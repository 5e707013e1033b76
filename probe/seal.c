#include "seal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "limit.h"
#include "log.h"

#define READ_PIECE (64 * KIB)

void
seal_release(struct seal *s)
{
	free(s->file);
	memset(s, 0, sizeof *s);
}

void
sealing_begin(struct sealing *s, uint64_t at)
{
	digest_free(s->digest);
	s->digest = digest_new(DIGEST_SHA256);
	s->at = at;
	s->bytes = 0;
}

void
sealing_add(struct sealing *s, struct span written)
{
	if (s->digest == NULL)
		bug("seal: not begun");
	digest_update(s->digest, written);
	s->bytes += written.n;
}

void
sealing_digest(const struct sealing *s, char sha256[65])
{
	uint8_t sum[SHA256_BYTES];

	digest_so_far(s->digest, sum);
	hex_encode(sha256, sum, sizeof sum);
}

void
sealing_release(struct sealing *s)
{
	digest_free(s->digest);
	s->digest = NULL;
}

bool
seal_read(int fd, uint64_t at, uint64_t bytes, char sha256[65])
{
	struct digest *d = digest_new(DIGEST_SHA256);
	char *piece = xmalloc(READ_PIECE);
	uint8_t sum[SHA256_BYTES];
	ssize_t n = 0;

	while (bytes > 0) {
		n = pread(fd, piece, bytes < READ_PIECE ? bytes : READ_PIECE,
		    (off_t)at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0)
			errno = 0;
		if (n <= 0)
			break;
		digest_update(d, (struct span){piece, (size_t)n});
		at += (uint64_t)n;
		bytes -= (uint64_t)n;
	}
	digest_final(d, sum);
	hex_encode(sha256, sum, sizeof sum);
	digest_free(d);
	free(piece);
	return bytes == 0;
}
