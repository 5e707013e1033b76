/*
 * An event: one dated change of one target, one line of the change log
 * (schema version 1; kpwatch-log(5) documents every key).
 *
 * Whoever makes an event fills a struct that borrows everything; it lives
 * for one call.  A line that was read back owns what it points to.
 */
#ifndef KPWATCH_EVENT_H
#define KPWATCH_EVENT_H

#include "bytes.h"
#include "digest.h"
#include "finding.h"
#include "observation.h"

#define EVENT_SCHEMA 1
/* A number that is not known: null in JSON. */
#define EVENT_NONE (-1)

/* X(enumerator, name) */
#define EVENT_TABLE(X)                                                         \
	X(EVENT_TARGET_BASELINE, "target.baseline")                            \
	X(EVENT_SITE_DOWN, "site.down")                                        \
	X(EVENT_SITE_UP, "site.up")                                            \
	X(EVENT_SITE_DEGRADED, "site.degraded")                                \
	X(EVENT_SITE_BLOCKED, "site.blocked")                                  \
	X(EVENT_SITE_MOVED, "site.moved")                                      \
	X(EVENT_SITE_PARKED, "site.parked")                                    \
	X(EVENT_SITE_FLAPPING, "site.flapping")                                \
	X(EVENT_SITE_STEADY, "site.steady")                                    \
	X(EVENT_CONTENT_CHANGED, "content.changed")                            \
	X(EVENT_CONTENT_EDITED, "content.edited")                              \
	X(EVENT_CONTENT_DELETED, "content.deleted")                            \
	X(EVENT_CONTENT_RESTORED, "content.restored")                          \
	X(EVENT_TITLE_CHANGED, "title.changed")                                \
	X(EVENT_CHANNEL_ADDED, "channel.added")                                \
	X(EVENT_CHANNEL_REMOVED, "channel.removed")                            \
	X(EVENT_SHARE_ADDED, "share.added")                                    \
	X(EVENT_SHARE_REMOVED, "share.removed")                                \
	X(EVENT_EMBED_ADDED, "embed.added")                                    \
	X(EVENT_EMBED_REMOVED, "embed.removed")                                \
	X(EVENT_PLAYER_ADDED, "player.added")                                  \
	X(EVENT_PLAYER_REMOVED, "player.removed")                              \
	X(EVENT_ADDRESS_CHANGED, "address.changed")                            \
	X(EVENT_CERTIFICATE_CHANGED, "certificate.changed")                    \
	X(EVENT_REDIRECT_CHANGED, "redirect.changed")                          \
	X(EVENT_VANTAGE_OFFLINE, "vantage.offline")                            \
	X(EVENT_VANTAGE_ONLINE, "vantage.online")                              \
	X(EVENT_MONITOR_STARTED, "monitor.started")                            \
	X(EVENT_MONITOR_STOPPED, "monitor.stopped")                            \
	X(EVENT_MONITOR_GAP, "monitor.gap")                                    \
	X(EVENT_CLOCK_STEPPED, "clock.stepped")

enum event_type {
#define X(name, text) name,
	EVENT_TABLE(X)
#undef X
	    EVENT_TYPE_COUNT
};

/* One element of a baseline. */
struct event_item {
	enum sighting_kind kind;
	const char *platform;
	const char *name;
	const char *kit;
	uint32_t count;
};

/* A text block that was changed: edits as in words.h. */
struct event_change {
	const char **edits;
	size_t nedits;
};

struct event {
	uint64_t seq; /* given by the store */
	int64_t time; /* ms; of the observation */
	enum event_type type;
	const char *target;
	const char *vantage;
	enum source source;
	const char *page; /* slot */
	const char *url;
	const char *platform;
	const char *name;
	int64_t before; /* elements of this kind on the target */
	int64_t after;
	bool has_evidence;
	const char *sha256; /* of the decoded body; "" or NULL none */
	const char *warc;
	int64_t offset; /* of the record in the WARC file */
	const char *element;
	const char *text;
	const char *pcap; /* "20190114/1207.pcap"; written only where set */
	const char *pcap_sha256;

	/* Written only where set (kit and names not NULL, numbers not
	 * EVENT_NONE), in this order, before "prev". */
	const char *kit;     /* share.* */
	const char *link;    /* where the element points */
	int64_t count;	     /* player.*: links of that kind on the page */
	const char *failure; /* site.*: df-007 string */
	const char *stage;
	const char *outcome;
	int64_t status;		/* HTTP */
	const char *page_class; /* "bot_wall", ... with its rule's id */
	const char *rule;
	const char *verdict; /* site.*: the verdict before */
	int64_t since;	     /* ms: first observation that said so */
	int64_t attempts;    /* observations that said so */
	const char **added;  /* content.changed: text blocks quoted */
	size_t nadded;
	const char **removed;
	size_t nremoved;
	int64_t added_count; /* all of them, quoted or not */
	int64_t removed_count;
	const struct event_change *changes; /* of those blocks, by words */
	size_t nchanges;
	int64_t suppressed; /* volatile blocks left out; changes hushed */
	const char *old;    /* hash, address list, fingerprint, URL, title */
	const char *new;
	int64_t from; /* ms: gaps */
	int64_t to;
	const char *cluster; /* "TARGET@TIME" of the first that it goes with */
	const char *cause;   /* what their targets have in common */
	bool unverified;     /* seen without certificate checks */
	const struct event_item *items; /* target.baseline */
	size_t nitems;
	bool has_items;

	char prev[65]; /* hex; set by the store */
	void *owner;   /* of a line that was read; else NULL */
};

/* Empty: numbers EVENT_NONE, the rest NULL. */
void event_begin(struct event *, enum event_type);
/* Appends the line without a newline.  False when it would be longer than
 * EVENT_LINE_MAX (*out is then as it was). */
bool event_write(const struct event *, struct buf *out);
/* Reads a line.  False on anything that is not an event of this schema; the
 * reason, a constant text, is in *why (may be NULL).  Unknown types of the
 * same schema are not accepted.  Release what was read. */
bool event_read(struct event *, struct span line, const char **why);
void event_release(struct event *);

const char *event_type_name(enum event_type);	   /* "share.added" */
enum event_type event_type_from_name(struct span); /* COUNT if none */

/* Hash chain: `prev` of the line that follows this one (hex, with NUL). */
void event_chain(struct span line, char prev[65]);
/* `prev` of the very first line: 64 zeros. */
extern const char event_chain_start[65];

#endif
