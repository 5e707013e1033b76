/*
 * The store: what is known, what happened, and what is still to be told.
 *
 * The only owner of the state folder.  An observation and its finding go in,
 * the differ runs, events come out; all of it is on disk when store_commit()
 * returns, events in the database first and in the change log after it.  The
 * tables are documented in kpwatch-log(5).
 */
#ifndef KPWATCH_STORE_H
#define KPWATCH_STORE_H

#include "advice.h"
#include "config.h"
#include "diff.h"
#include "event.h"
#include "recognition.h"
#include "seal.h"

/* The database in the state folder. */
#define STORE_NAME "kpwatch.sqlite"

struct store;

struct store_options {
	const char *state_dir; /* made when missing; NULL: in memory, no log */
	const char *log_dir;   /* NULL: "log" in the state folder */
	const struct config *config; /* borrowed, until store_configure() */
	int64_t member_age_ms;	     /* 0: MEMBER_AGE_MS */
	bool log_now; /* every commit writes its events to the log */
	/* Called in order for each event once it is durable in the database;
	 * `line` has no newline.  May be NULL. */
	void (*event)(const struct event *, struct span line, void *arg);
	void *arg;
};

/*
 * Opens or makes the state, cuts a torn tail off the change log and writes
 * again what it lacks.  NULL and *why (returns owned, one line) when another
 * daemon has the folder, or it cannot be used.
 */
struct store *store_open(const struct store_options *, char **why);
/* Commits, writes all out, and frees.  NULL is allowed. */
void store_close(struct store *);
/* Returns owned what is to be done about a database that was found damaged,
 * one line; NULL as long as it was not. */
char *store_damage(const struct store *);
/* A new configuration (borrowed) after a reload. */
void store_configure(struct store *, const struct config *);
/* What recognition rests on from now on (taken): what a page shows for the
 * first time because of it is noted and no news.  Without it findings are
 * expected to be made with the rules 0. */
void store_recognition(struct store *, struct recognition *);

/*
 * Takes one observation into account and queues its events.  *advice is
 * filled in (release with advice_release()).  One that was stored before
 * (by id) is ignored.  False when the disk refuses: nothing is kept of it and
 * of what was observed since the last commit, which must be observed again.
 */
bool store_observe(struct store *, const struct observation *,
    const struct finding *, struct advice *);
/*
 * Makes everything since the last commit durable, then gives events to the
 * change log and the callback.  False when the disk refuses: what was observed
 * since the last commit is then forgotten and must be observed again.
 */
bool store_commit(struct store *);
/* Forgets what was observed since the last commit, which must be observed
 * again: something else that belongs to it was refused. */
void store_undo(struct store *);
/* Writes the waiting lines to the change log now.  False (said in the log)
 * when the disk refuses; they stay in the database and are tried again. */
bool store_flush(struct store *);
/* Milliseconds until waiting lines are to be flushed, -1 when none wait;
 * `now_us` is monotonic.  Call store_flush() when it is 0. */
int64_t store_flush_due(const struct store *, int64_t now_us);

/* monitor.started, after monitor.gap when the last observation is longer ago
 * than the usual interval; monitor.stopped.  `now` in ms. */
void store_monitor_started(struct store *, int64_t now);
void store_monitor_stopped(struct store *, int64_t now);

/* What a source must know to go on; release with resume_release(). */
void store_resume(struct store *, struct resume *);

/* ---- Seals: every byte of the files beside the database ---- */

/* Folders in which one file after another is written. */
enum seal_folder { SEAL_LOG, SEAL_WARC, SEAL_FOLDERS };

/*
 * Before the first byte is written: the writer of the folder (descriptor
 * borrowed) goes on with the file `name`, which the sealing begins behind;
 * NULL: with none.  Bytes that a crash left without a digest get one, marked
 * as found; bytes that are gone are noted for good.  False where the disk
 * refuses (said in the log): nothing may be written before it was called again
 * and has done so.
 */
bool store_seal_resume(struct store *, enum seal_folder, int dirfd,
    const char *name, const struct sealing *);
/* How many bytes of a file of the folder were on disk for certain, as far as
 * the database knows; 0: none. */
uint64_t store_sealed(struct store *, enum seal_folder, const char *name);
/* What of a file is on disk when store_commit() is called next; it goes into
 * the database then.  `time`: of the observation or event that was written
 * last, ms.  The file before it in the folder is closed. */
void store_seal(struct store *, enum seal_folder, const char *name,
    const struct sealing *, int64_t time);
/* A file that was written in one go: its path in the state folder. */
void store_seal_whole(struct store *, const char *file, uint64_t bytes,
    const char *sha256, int64_t time);
/* All that the database of a state folder holds, by file and place, in an
 * owned array; release each.  None where it is of an older version or cannot
 * be read. */
size_t store_seals(const char *state_dir, struct seal **list);

/* ---- Events again, for hooks (store_hooks.h) ---- */

/* Events after `seq`, in order, at most `limit`, until `each` says false.
 * Returns the number given. */
size_t store_events_after(struct store *, uint64_t seq, size_t limit,
    bool (*each)(uint64_t seq, struct span line, void *arg), void *arg);
uint64_t store_last_seq(const struct store *);

/* ---- Reading only, beside a running daemon ---- */

/* SQLite's own check of the database in a state folder: `fault` for each thing
 * found wrong.  Nothing is wrong with one that is not there. */
void store_check(const char *state_dir,
    void (*fault)(const char *path, const char *text, void *arg), void *arg);

struct status_target {
	const char *id;
	enum verdict verdict;
	int64_t since;
	enum verdict candidate;
	uint32_t count;
	bool held;
	const char *failure, *stage, *page_class;
	int64_t status;	       /* HTTP; 0 none */
	int64_t last_seen;     /* of any page */
	int64_t down_reported; /* time of its last site.down; or NONE */
	int64_t flapping;      /* since then; or NONE */
	uint32_t hushed;       /* changes that were not told meanwhile */
	uint64_t suppressed;   /* of all its pages: not told */
	const char *address;   /* last known addresses */
	uint32_t present[SIGHTING_KIND_COUNT];
	uint32_t pages;
};

struct status_hook {
	const char *hook;
	uint64_t position; /* considered up to here */
	uint64_t waiting;  /* events it is still to be told of */
	uint64_t retrying; /* of them, failed before */
	uint64_t dead;
	const char *error;
};

struct status_totals {
	uint64_t targets, pages, observations, events;
	uint64_t last_seq;
	int64_t last_observation;
	int64_t last_event;
	const char *last_event_line;
	bool offline;
	int64_t offline_since;
};

/* One page of a target, for `kpwatch status TARGET`. */
struct status_page {
	const char *slot, *url;
	int64_t last_seen, last_good;
	uint64_t visits, twins;
	uint64_t suppressed; /* blocks that changed and were not told */
	uint64_t flickers;   /* sightings that went and came, likewise */
	uint64_t reordered;  /* looks with the same text in another order */
	uint64_t markup;     /* looks that differed in nothing that is read */
	uint64_t gone;	     /* looks in a row that it was not there */
	bool sampled, archived, watched;
	uint32_t places; /* volatile places now */
	uint32_t links;	 /* sightings that come and go */
};

/* An element that a target's pages show or showed. */
struct status_sighting {
	const char *target, *kind;
	const char *platform, *name, *url; /* NULL: none */
	int64_t first_seen, last_seen;
	bool present; /* at the last look, or not yet known to be gone */
};

struct store_view;

/* Opens the database of a state folder for reading.  NULL with *why (returns
 * owned) when it cannot be read; *why is NULL when there is none. */
struct store_view *store_view_open(const char *state_dir, char **why);
/* False, which is logged, when a part of what was asked for since could not be
 * read.  NULL is whole. */
bool store_view_close(struct store_view *);
void store_view_totals(struct store_view *, struct status_totals *);
void store_view_targets(struct store_view *,
    void (*each)(const struct status_target *, void *arg), void *arg);
/* Lines of the target's latest events about its verdict, the last `limit` of
 * them, oldest first. */
void store_view_verdicts(struct store_view *, const char *target, size_t limit,
    bool (*each)(uint64_t seq, struct span line, void *arg), void *arg);
void store_view_hooks(struct store_view *,
    void (*each)(const struct status_hook *, void *arg), void *arg);
/* The pages of one target, each followed by the texts that stand in its
 * volatile places.  False when there is no such target. */
bool store_view_pages(struct store_view *, const char *target,
    void (*page)(const struct status_page *, void *arg),
    void (*text)(const char *, void *arg), void *arg);
/* All sightings, by target, then by the time of the first. */
void store_view_sightings(struct store_view *,
    void (*each)(const struct status_sighting *, void *arg), void *arg);
/* Lines of events with seq > `after`. */
size_t store_view_events(struct store_view *, uint64_t after, size_t limit,
    bool (*each)(uint64_t seq, struct span line, void *arg), void *arg);

#endif
