/*
 * The digest fields of a record, checked while its bytes pass: "sha1:" in
 * base32 or hex, "sha256:" in hex or base32.  Other algorithms are left
 * unchecked.
 */
#ifndef KPWATCH_WARC_DIGEST_H
#define KPWATCH_WARC_DIGEST_H

#include "digest.h"

struct digest_check {
	struct digest *digest; /* NULL: nothing to check */
	size_t size;
	uint8_t expect[SHA256_BYTES];
};

/* Reads a field's value; a value that cannot be checked gives a check that
 * says so. */
void digest_check_begin(struct digest_check *, struct span value);
bool digest_check_active(const struct digest_check *);
void digest_check_update(struct digest_check *, struct span);
/* Does the digest agree?  Frees; only for an active check. */
bool digest_check_end(struct digest_check *);
void digest_check_release(struct digest_check *);

#endif
