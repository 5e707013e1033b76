/*
 * The one JSON writer: objects and arrays appended to a buffer with the key
 * order of the calls, no white space.  Strings are made valid UTF-8 (bad
 * bytes become U+FFFD) and what a terminal would obey (quote_wants() of log.h)
 * is escaped, so that a line is always one line.
 */
#ifndef KPWATCH_JSON_H
#define KPWATCH_JSON_H

#include "bytes.h"

struct json {
	struct buf *out; /* borrows */
	bool comma;	 /* a value stands before this place */
};

void json_init(struct json *, struct buf *out);
void json_object(struct json *); /* "{" as a value */
void json_object_end(struct json *);
void json_array(struct json *);
void json_array_end(struct json *);
void json_key(struct json *, const char *);
/* Values; after json_key() or in an array. */
void json_span(struct json *, struct span); /* p NULL: null */
void json_str(struct json *, const char *); /* NULL: null */
void json_int(struct json *, int64_t);
void json_uint(struct json *, uint64_t);
void json_bool(struct json *, bool);
void json_null(struct json *);
/* Key and value at once. */
void json_key_str(struct json *, const char *key, const char *);
void json_key_span(struct json *, const char *key, struct span);
void json_key_int(struct json *, const char *key, int64_t);
void json_key_bool(struct json *, const char *key, bool);
void json_key_null(struct json *, const char *key);

#endif
