/*
 * The last step of reading a payload: content decoding and the hash of what
 * comes out.
 */
#ifndef KPWATCH_WARC_CONTENT_H
#define KPWATCH_WARC_CONTENT_H

#include "bytes.h"

struct content;

/* `codings` as http_codings() gives them; empty for none.  Returns owned. */
struct content *content_new(struct span codings);
void content_add(struct content *, struct span);
/* Length and lower-case hex SHA-256 of the decoded bytes; frees.  Returns a
 * constant text on what went wrong, or NULL. */
const char *content_end(struct content *, uint64_t *length, char sha256[65]);

#endif
