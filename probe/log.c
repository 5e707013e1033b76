#include "log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINE_MAX_LEN  2048
#define QUOTE_MAX_LEN 200
#define QUOTE_BUFFERS 4

static struct {
	const char *role;
	enum log_level threshold;
	log_sink *sink;
	void *arg;
} logger = {"kpwatch", LOG_LEVEL_INFO, NULL, NULL};

void
log_role(const char *role)
{
	logger.role = role;
}

void
log_threshold(enum log_level level)
{
	logger.threshold = level;
}

bool
log_wants(enum log_level level)
{
	return level <= logger.threshold;
}

void
log_to(log_sink *sink, void *arg)
{
	logger.sink = sink;
	logger.arg = arg;
}

void
log_line(enum log_level level, const char *line)
{
	char out[LINE_MAX_LEN + 2];
	int n;

	if (logger.sink != NULL) {
		logger.sink(level, line, logger.arg);
		return;
	}
	n = snprintf(out, sizeof out - 1, "%s", line);
	if (n > (int)sizeof out - 2)
		n = (int)sizeof out - 2;
	out[n++] = '\n';
	/* One write per line, so that lines of several roles do not mix;
	 * there is nobody to tell when standard error itself fails. */
	if (write(STDERR_FILENO, out, (size_t)n) < 0)
		return;
}

static void
emit(enum log_level level, const char *fmt, va_list ap)
{
	static const char *const label[] = {
	    [LOG_LEVEL_ERROR] = "error: ",
	    [LOG_LEVEL_WARN] = "warning: ",
	    [5] = "",
	    [LOG_LEVEL_INFO] = "",
	    [LOG_LEVEL_DEBUG] = "debug: ",
	};
	char line[LINE_MAX_LEN];
	int n, saved = errno;

	if (level > logger.threshold)
		return;
	n = snprintf(line, sizeof line, "%s: %s", logger.role, label[level]);
	if (n > 0 && (size_t)n < sizeof line)
		vsnprintf(line + n, sizeof line - (size_t)n, fmt, ap);
	log_line(level, line);
	errno = saved;
}

#define EMIT(level)                                                            \
	do {                                                                   \
		va_list ap;                                                    \
		va_start(ap, fmt);                                             \
		emit((level), fmt, ap);                                        \
		va_end(ap);                                                    \
	} while (0)

void
log_error(const char *fmt, ...)
{
	EMIT(LOG_LEVEL_ERROR);
}

void
log_warn(const char *fmt, ...)
{
	EMIT(LOG_LEVEL_WARN);
}

void
log_info(const char *fmt, ...)
{
	EMIT(LOG_LEVEL_INFO);
}

void
log_debug(const char *fmt, ...)
{
	EMIT(LOG_LEVEL_DEBUG);
}

void
fatal(const char *fmt, ...)
{
	EMIT(LOG_LEVEL_ERROR);
	exit(1);
}

void
bug(const char *fmt, ...)
{
	EMIT(LOG_LEVEL_ERROR);
	abort();
}

bool
quote_wants(uint32_t cp)
{
	return cp < 0x20 || (cp >= 0x7f && cp <= 0x9f) || cp == 0x2028 ||
	    cp == 0x2029 || cp == 0x061c || (cp >= 0x200e && cp <= 0x200f) ||
	    (cp >= 0x202a && cp <= 0x202e) || (cp >= 0x2066 && cp <= 0x2069) ||
	    cp == 0xfeff;
}

static void
quote_one(struct buf *out, struct span *s)
{
	uint32_t cp;
	size_t n = utf8_decode(*s, &cp);
	bool bad = cp == 0xfffd && !(n == 3 && span_starts(*s, "\xef\xbf\xbd"));

	if (bad) {
		for (size_t i = 0; i < n; i++)
			buf_addf(out, "\\x%02x", (uint8_t)s->p[i]);
	} else if (cp == '\\') {
		buf_add_str(out, "\\\\");
	} else if (quote_wants(cp)) {
		if (cp < 0x80)
			buf_addf(out, "\\x%02x", cp);
		else
			buf_addf(out, "\\u{%04x}", cp);
	} else {
		buf_add(out, s->p, n);
	}
	*s = span_slice(*s, n, s->n);
}

void
quote_bytes(struct buf *out, struct span s)
{
	while (s.n > 0 && !out->overflow)
		quote_one(out, &s);
}

const char *
log_quote(struct span s)
{
	static char ring[QUOTE_BUFFERS][QUOTE_MAX_LEN + 32];
	static unsigned next;
	char *out = ring[next++ % QUOTE_BUFFERS];
	struct buf b = BUF_INIT(QUOTE_MAX_LEN + 16);

	while (s.n > 0 && b.len < QUOTE_MAX_LEN)
		quote_one(&b, &s);
	snprintf(out, sizeof ring[0], "%s%s", buf_str(&b),
	    s.n > 0 ? "..." : "");
	buf_release(&b);
	return out;
}

const char *
log_quote_str(const char *s)
{
	return s == NULL ? "-" : log_quote(span_of(s));
}

bool
log_limit_pass(struct log_limit *l, unsigned burst, int64_t period_ms,
    int64_t now_ms)
{
	if (now_ms - l->window_start >= period_ms || now_ms < l->window_start) {
		l->window_start = now_ms;
		l->seen = 0;
		l->dropped = 0;
	}
	if (l->seen < burst) {
		l->seen++;
		return true;
	}
	l->dropped++;
	return false;
}
