/*
 * The one time type: int64_t milliseconds since 1970-01-01T00:00:00Z, and its
 * text forms.  No clock is read here; instant_now() is for sources only.
 */
#ifndef KPWATCH_INSTANT_H
#define KPWATCH_INSTANT_H

#include "bytes.h"

#define INSTANT_NONE INT64_MIN

/* "2019-01-14T06:00:03.120Z"; years 0-9999, others are clipped. */
#define INSTANT_TEXT_MAX 80
const char *instant_text(int64_t t, char out[INSTANT_TEXT_MAX]);
/* Reads RFC 3339 / ISO 8601 UTC with 0-9 fraction digits or an offset, a date
 * alone ("2019-01-14"), or a 14-digit stamp ("20190114060003"). */
bool instant_parse(struct span, int64_t *out);
/* Reads an HTTP date (RFC 9110 section 5.6.7, three forms). */
bool instant_parse_http(struct span, int64_t *out);
/* "20190114" and "20190114060003", UTC. */
const char *instant_day(int64_t t, char out[INSTANT_TEXT_MAX]);
const char *instant_stamp(int64_t t, char out[INSTANT_TEXT_MAX]);
/* "350ms", "30s", "15m", "6h", "2d" -> ms; a plain number is seconds. */
bool duration_parse(struct span, int64_t *ms);
/* "2 h 05 min", for people. */
const char *duration_text(int64_t ms, char out[INSTANT_TEXT_MAX]);

int64_t instant_now(void);  /* wall clock, ms */
int64_t monotonic_us(void); /* monotonic clock, microseconds */

#endif
