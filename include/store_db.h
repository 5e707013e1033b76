/*
 * Inside the store: the database handle, its statements, and the rows of a
 * target and a page.  For store*.c only.
 */
#ifndef KPWATCH_STORE_DB_H
#define KPWATCH_STORE_DB_H

struct sqlite3;
struct sqlite3_stmt;

#include "changelog.h"
#include "flap.h"
#include "store.h"

#define STORE_SCHEMA_VERSION 12

struct db {
	struct sqlite3 *sqlite;
	struct sqlite3_stmt **list; /* prepared, by address of their SQL */
	const char **sql;
	size_t count, cap;
	bool failed;  /* until the next transaction: disk full, I/O */
	bool damaged; /* for good: some page is not what SQLite wrote */
};

/* Arguments of one statement, in order: i int64, u uint64 stored as int64,
 * s string (NULL allowed), t span as text, n null, T time or INSTANT_NONE as
 * null.  Texts are borrowed: by db_query() until its rows are read.  One thread
 * of a process uses this. */
bool db_open(struct db *, const char *path, bool read_only, char **why);
/* The database that a state folder has already, with this version's tables.
 * False with *why (returns owned), which is NULL where there is none. */
bool db_open_state(struct db *, const char *state_dir, bool read_only,
    char **why);
void db_close(struct db *);
/* Runs statements without results. */
bool db_script(struct db *, const char *sql);
/* Runs one statement that changes rows; sets `failed` when refused, and none
 * that follows is run: SQLite may have undone the transaction by itself, and
 * would commit them alone. */
bool db_run(struct db *, const char *sql, const char *types, ...);
/* Starts one statement; db_row() steps it: true while there is a row. */
struct sqlite3_stmt *db_query(struct db *, const char *sql, const char *types,
    ...);
bool db_row(struct db *, struct sqlite3_stmt *);
/* First column of the first row, or `otherwise`. */
int64_t db_number(struct db *, int64_t otherwise, const char *sql,
    const char *types, ...);
int64_t db_insert_row(struct db *);
/* Rows that the last db_run() changed. */
int64_t db_changes(struct db *);
/* Returns owned, NULL for null. */
char *column_text(struct sqlite3_stmt *, int);
/* INSTANT_NONE for null. */
int64_t column_time(struct sqlite3_stmt *, int);

/* Makes or checks the tables; *why when the schema is a stranger's. */
bool schema_make(struct db *, char **why);

/* Of the latest look at a target that was not as the verdict, for a held
 * event. */
struct row_last {
	char *page, *url, *failure, *stage, *outcome, *page_class, *rule;
	int64_t status;
};

struct row_target {
	int64_t row;
	bool baseline;
	bool shared;	   /* has a sample: pages are compared with others */
	bool dirty;	   /* more than its turn */
	enum verdict told; /* by an event, or the baseline */
	uint64_t turn;
	struct verdict_state v;
	struct flap flap;
	struct row_last *last;	     /* NULL: not loaded */
	const struct target *config; /* NULL: not in the catalogue */
	struct kept_target *kept;    /* NULL: it is not kept in memory */
};

/* What is known of a host of a target: lists of words, owned, NULL without. */
struct row_host {
	char *addresses;
	char *certificates;
	char *name_servers;
};

/* A volatile place as it stands in its row. */
struct kept_slot {
	int64_t row;
	struct volatile_slot slot;
};

struct row_page {
	int64_t row;
	int64_t target;
	bool is_new;
	bool sampled;
	bool shared; /* as its target, in this look */
	int64_t last_good;
	uint64_t turn;
	uint64_t visits; /* without twins */
	uint64_t looks;	 /* good ones of them */
	uint64_t twins;
	uint64_t suppressed; /* blocks that changed and were not told */
	uint64_t flickers;   /* links that came or went and were not told */
	uint64_t reordered;  /* looks with the same blocks in another order */
	uint64_t markup;     /* looks that differed in nothing that is read */
	uint64_t gone;	     /* sample: looks in a row that it was not there */
	char *title;
	char body_sha256[65];
	char text_sha256[65];
	uint64_t sightings; /* sightings_hash() of the last good look */
	uint64_t missing;
	char *final_url;
	char *etag, *last_modified;
	uint64_t rules;		/* generation of those of the last good look */
	struct page_text *text; /* NULL: it is not kept in memory */
	bool changed;		/* more than times and counters */
};

/* Seals that are not in the database yet: what a rollback undoes is saved
 * again with the next commit. */
struct seal_book {
	struct seal current[SEAL_FOLDERS]; /* of the file written; or none */
	bool moved[SEAL_FOLDERS];	   /* since it was saved */
	struct seal *ended;		   /* of files before them */
	bool tried[SEAL_FOLDERS];	   /* to keep how they were found */
	size_t n, cap;
};

/* The turns of targets by row, which no row of theirs holds. */
struct turns {
	struct turn *list;
	size_t count, cap;
};

struct store {
	struct db db;
	const struct config *config;
	int dirfd; /* state folder; -1 in memory */
	int logfd;
	int lockfd;
	struct changelog *log; /* NULL in memory */
	struct store_options options;
	bool open; /* a transaction is */
	uint64_t last_id;
	int64_t last_time; /* latest observation, for clock steps */
	uint64_t seq;	   /* last given */
	char prev[65];
	char *cluster; /* of the event under way, lent to it */
	uint64_t committed_seq;
	uint64_t logged_seq;
	size_t waiting;	       /* bytes of lines committed, not logged */
	int64_t waiting_since; /* monotonic us */
	bool log_refused;      /* said already */
	int64_t data_version;  /* of the database, when last asked */
	struct outage outage;
	bool outage_dirty;
	struct turns turns;
	struct kept *kept;  /* rows in memory */
	uint64_t secret[2]; /* of hashes in memory */
	bool may_hold;	    /* false: no target's verdict is held */
	bool behind;	    /* the database is older than the log */
	bool unsettled;	    /* how the log was found is not kept yet */
	struct seal_book seals;
	struct recognition recognition;
	bool recognition_new; /* not compared with the database yet */
	uint64_t generation;  /* times that the rules changed */
};

/* Read from the database, in place of what there was. */
void turns_load(struct store *);
/* The turn of a target, borrowed until the next call; 0 at first. */
uint64_t *turn_of(struct turns *, int64_t row);
void turns_release(struct turns *);
void row_target_load(struct store *, const char *id, int64_t time,
    struct row_target *);
/* The latest look that was not as the verdict: the target's. */
struct row_last *row_target_last(struct store *, struct row_target *);
void row_target_save(struct store *, const struct row_target *);
void row_target_release(struct row_target *);
void row_page_load(struct store *, struct row_target *,
    const struct observation *, bool sampled, struct row_page *);
void row_page_save(struct store *, const struct observation *,
    const struct row_page *);
/* The look is done with it: it is kept, or released. */
void row_page_done(struct store *, const struct row_target *,
    const struct observation *, struct row_page *);
void row_page_release(struct row_page *);
void known_set_load(struct store *, int64_t target, struct known_set *);
void known_set_save(struct store *, int64_t target, struct known_set *);
/* The text of a page's last good look and its volatile places, from memory
 * where they are kept. */
void text_load(struct store *, const struct row_page *, struct known_text *);
/* The blocks of this look in place of what there was: of a page that was not
 * compared, or as text_load() loaded and diff_text() flagged them, which are
 * brought up to date. */
void blocks_save(struct store *, struct row_page *, const struct finding *);
void text_save(struct store *, const struct row_page *, const struct finding *,
    struct known_text *);
/* Keeps what text_load() loaded, and the database has now, with the page. */
void text_keep(struct row_page *, const struct known_text *);
/* What is kept of a text, into an empty one; false where nothing is.  NULL is
 * allowed in all three. */
bool page_text_take(const struct page_text *, struct known_text *);
void page_text_free(struct page_text *);
size_t page_text_bytes(const struct page_text *);
/* Blocks of the page that flicker and are not as they were told last: are
 * there any that are due?  With a text that was loaded; what diff_text() and
 * diff_strays() left of them; and none. */
bool strays_wait(struct store *, const struct row_page *);
void strays_load(struct store *, const struct row_page *, struct known_text *);
void strays_save(struct store *, const struct known_text *);
void strays_drop(struct store *, const struct row_page *);
/* For struct diff: blocks of other pages, and what was told of them. */
extern const struct diff_pages store_pages;
/* The flags of the blocks that are there, and the volatile places; both as
 * text_load() loaded them. */
void blocks_flag(struct store *, const struct known_text *);
void slots_save(struct store *, struct known_text *);
void host_load(struct store *, const struct row_target *, const char *host,
    struct row_host *);
void host_save(struct store *, int64_t target, const char *host,
    const struct row_host *);
void host_done(struct store *, const struct row_target *, const char *host,
    struct row_host *);
void row_host_release(struct row_host *);
void observation_save(struct store *, uint64_t id, const struct observation *,
    const struct finding *, int64_t page, enum verdict, bool unchanged);

/* Links an event to those of other targets that it goes with: sets its
 * cluster and cause. */
void cluster_join(struct store *, struct event *);

/* Notes in the transaction under way which parts of the rules are new. */
void recognition_apply(struct store *);
/* The parts that changed after a generation, sorted, in an owned list of owned
 * names; "" comes first and stands for all. */
char **recognition_since(struct store *, uint64_t generation, size_t *n);

/* The clock was set back to `time`: no block was told later. */
void texts_clock_back(struct store *, int64_t time);

/* The pages of a sampled slot to watch: the newest links and some old ones. */
void samples_advise(struct store *, int64_t target, const struct target *,
    const struct observation *, const struct finding *, struct advice *);

/* Into the transaction under way; and once that is durable. */
void seals_save(struct store *);
void seals_saved(struct store *);
/* No file is written any more: all are closed, and that is committed. */
void seals_close(struct store *);

/* Begins a transaction where none is open. */
bool store_begin(struct store *);
/* Undoes everything since the last commit, in memory too, and returns false. */
bool store_forget(struct store *);
/* One event: number, chain, row.  Shared by the steps of store_observe(). */
void store_emit(void *store, struct event *);
/* Small named values. */
int64_t meta_number(struct db *, const char *key, int64_t otherwise);
void meta_set(struct db *, const char *key, int64_t);

#endif
