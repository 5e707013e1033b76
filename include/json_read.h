/*
 * Reading the members of one JSON object (RFC 8259) without a tree: enough
 * for the event lines that we wrote ourselves, safe for any bytes.  Linear
 * time, no memory but the caller's buffer, no recursion.
 */
#ifndef KPWATCH_JSON_READ_H
#define KPWATCH_JSON_READ_H

#include "bytes.h"

struct json_member {
	struct span key;   /* raw text between the quotes; borrows */
	struct span value; /* raw text of the value; borrows */
};

/* Sets *rest to the inside of the object in `text`; false when the text does
 * not start with one. */
bool json_open(struct span text, struct span *rest);
/* Cuts the next member off *rest; false at the end of the object and on any
 * malformed byte. */
bool json_next(struct span *rest, struct json_member *);
/* Raw value of the first member of that name at the top level of the object;
 * p is NULL when there is none.  Borrows. */
struct span json_member(struct span object, const char *key);
/* Appends the text of a JSON string value.  False, with nothing appended,
 * when the value is not a string (null included). */
bool json_string(struct span value, struct buf *out);
/* The same for one member; returns owned, NULL when absent or no string. */
char *json_member_text(struct span object, const char *key, size_t max);
bool json_member_u64(struct span object, const char *key, uint64_t *out);

#endif
