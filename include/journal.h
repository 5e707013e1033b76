/*
 * The service manager and the journal: both take datagrams on a Unix socket
 * (sd_notify(3), systemd's native journal protocol), so a few lines do.
 * Neither is the record: what is lost here is still in the change log.
 */
#ifndef KPWATCH_JOURNAL_H
#define KPWATCH_JOURNAL_H

#include "bytes.h"
#include "log.h"

/*
 * Sends "KEY=VALUE" lines to $NOTIFY_SOCKET (a path, or "@name" for an
 * abstract socket).  True when it was sent; false, silently, without a
 * service manager.
 */
bool notify_send(const char *state);
bool notify_ready(void);
bool notify_stopping(void);
bool notify_reloading(void); /* notify_ready() ends it */
bool notify_watchdog(void);
bool notify_status(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* How often to send notify_watchdog(): half of $WATCHDOG_USEC, in ms; 0 when
 * the service manager does not ask for it or asks another process. */
int64_t notify_watchdog_period(void);

struct journal;

/* Connects to the journal when standard error goes there ($JOURNAL_STREAM
 * names our standard error), or always with `path` (a socket; for tests).
 * Returns owned; entries go to log_line() when there is no journal. */
struct journal *journal_open(const char *path);
void journal_free(struct journal *);
/* Whether entries go to the journal. */
bool journal_connected(const struct journal *);
/* A log_sink: MESSAGE, PRIORITY and SYSLOG_IDENTIFIER; arg is the journal. */
void journal_log(enum log_level, const char *line, void *arg);
/* One event line: MESSAGE for people, MESSAGE_ID by type, and KPWATCH_TYPE,
 * KPWATCH_TARGET, KPWATCH_SEQ, KPWATCH_PLATFORM, KPWATCH_NAME, KPWATCH_URL,
 * KPWATCH_PAGE, KPWATCH_TIME, KPWATCH_VANTAGE.  False when it is no event. */
bool journal_event(struct journal *, struct span line);

/* MESSAGE_ID of an event type, 32 hex digits: the version-5 UUID (RFC 9562)
 * of the type's name in the namespace below. */
#define JOURNAL_NAMESPACE "5b3f5bb2-6d0a-4b0e-9e0f-6b7077617463"
void journal_message_id(const char *type, char out[33]);
/* Appends "sogwang: share.added vk (5 -> 17) http://..." for people; remote
 * text quoted.  False when the line is no event. */
bool journal_message(struct buf *out, struct span event_line);

#endif
