/*
 * Is every bit of a file of gzip members as gzip_write.h writes it?  Checksums
 * cover what comes out, not the header's free fields nor the bits that fill up
 * a byte (RFC 1952 section 2.3, RFC 1951 sections 3.2.3 and 3.2.4): damage
 * there would go unseen.
 */
#ifndef KPWATCH_GZIP_EXACT_H
#define KPWATCH_GZIP_EXACT_H

#include "bytes.h"

/*
 * Offset of the first member that has a bit which we do not write; the length
 * when there is none.  Ends, and finds nothing, where a member cannot be
 * decoded: that is for the reader to say.
 */
size_t gzip_exact(struct span file);

#endif
