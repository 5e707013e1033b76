/*
 * Log lines for the operator, and the two ways to die.
 *
 * Lines name their object first ("uriminzokkiri: ...").  Text of remote
 * origin goes through log_quote() and never reaches a terminal or the journal
 * raw.  Where lines end up is one function pointer: standard error by
 * default, a message to the parent in the sandboxed roles.
 */
#ifndef KPWATCH_LOG_H
#define KPWATCH_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "bytes.h"

enum log_level {
	LOG_LEVEL_ERROR = 3, /* syslog priorities */
	LOG_LEVEL_WARN = 4,
	LOG_LEVEL_INFO = 6,
	LOG_LEVEL_DEBUG = 7,
};

typedef void log_sink(enum log_level, const char *line, void *arg);

/* Name of this process in its lines ("net"); borrows a string constant. */
void log_role(const char *);
void log_threshold(enum log_level);
bool log_wants(enum log_level);
/* Sends lines to `sink` instead of standard error; NULL restores it. */
void log_to(log_sink *sink, void *arg);
/* Passes a finished line on to the current sink without a role prefix. */
void log_line(enum log_level, const char *line);

void log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* The surroundings make it impossible to go on: logs and exits 1. */
_Noreturn void fatal(const char *fmt, ...)
    __attribute__((format(printf, 1, 2)));
/* We are wrong: logs and aborts. */
_Noreturn void bug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/*
 * Remote bytes made fit for a log line or a terminal: valid UTF-8 is kept,
 * control characters (C0, C1, bidirectional overrides, line separators) and
 * bad bytes become \xNN or \u{NNNN}; cut at 200 bytes with "...".  Returns one
 * of four static buffers in turn, for use inside one log call.
 */
const char *log_quote(struct span);
/* The same for a C string; NULL gives "-". */
const char *log_quote_str(const char *);
/* Is it one of these, which change what a terminal or a reader sees around
 * them? */
bool quote_wants(uint32_t cp);
/* Appends the quoted form without a length cut. */
void quote_bytes(struct buf *out, struct span);

/* Rate limit: true at most `burst` times per `period_ms`; counts the rest. */
struct log_limit {
	int64_t window_start; /* ms */
	unsigned seen;
	unsigned dropped;
};
bool log_limit_pass(struct log_limit *, unsigned burst, int64_t period_ms,
    int64_t now_ms);

#endif
