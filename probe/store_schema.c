#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sqlite3.h>

#include "instant.h"
#include "log.h"
#include "store_db.h"

#define CHANNELS                                                               \
	"CREATE VIEW channels AS SELECT t.id AS target, s.platform, s.name,"   \
	" s.url, datetime(s.first_seen / 1000, 'unixepoch') AS first_seen,"    \
	" datetime(COALESCE(s.last_seen, (SELECT max(p.last_good)"             \
	" FROM places l JOIN pages p USING (page)"                             \
	" WHERE l.sighting = s.sighting AND l.missing = 0)) / 1000,"           \
	" 'unixepoch') AS last_seen, s.present"                                \
	" FROM sightings s JOIN targets t USING (target)"                      \
	" WHERE s.kind = 'channel';"

/* Documented in kpwatch-log(5): users query these with sqlite3(1). */
static const char schema[] =
    "CREATE TABLE meta(key TEXT PRIMARY KEY, value) WITHOUT ROWID;"
    "CREATE TABLE targets(target INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,"
    " first_seen INTEGER, baseline INTEGER, turn INTEGER NOT NULL DEFAULT 0,"
    " alive INTEGER NOT NULL DEFAULT 1,"
    " verdict TEXT NOT NULL DEFAULT 'unknown', since INTEGER,"
    " candidate TEXT, candidate_since INTEGER, looks INTEGER, bad INTEGER,"
    " corroborated INTEGER, last_look INTEGER, held INTEGER,"
    " page TEXT, url TEXT, failure TEXT, stage TEXT, outcome TEXT,"
    " class TEXT, rule TEXT, status INTEGER);"
    "CREATE INDEX targets_held ON targets(held) WHERE held = 1;"
    "CREATE TABLE pages(page INTEGER PRIMARY KEY, target INTEGER NOT NULL,"
    " slot TEXT NOT NULL, url TEXT NOT NULL, sampled INTEGER NOT NULL,"
    " watched INTEGER NOT NULL DEFAULT 1, first_seen INTEGER,"
    " last_seen INTEGER, last_good INTEGER, turn INTEGER, visits INTEGER,"
    " title TEXT, body_sha256 TEXT, text_sha256 TEXT, sightings INTEGER,"
    " missing INTEGER, final_url TEXT, etag TEXT, last_modified TEXT,"
    " UNIQUE(target, slot, url));"
    "CREATE TABLE observations(observation INTEGER PRIMARY KEY,"
    " page INTEGER, time INTEGER, result INTEGER, took INTEGER);"
    "CREATE TABLE details(observation INTEGER PRIMARY KEY, source TEXT,"
    " variant TEXT, verdict TEXT, failure TEXT, stage TEXT, outcome TEXT,"
    " status INTEGER, address TEXT, final_url TEXT, class TEXT, rule TEXT,"
    " analysis TEXT, length INTEGER, sha256 TEXT, text_sha256 TEXT,"
    " warc TEXT, offset INTEGER, note TEXT);"
    "CREATE TABLE sightings(sighting INTEGER PRIMARY KEY,"
    " target INTEGER NOT NULL, kind TEXT NOT NULL, platform TEXT, name TEXT,"
    " kit TEXT, url TEXT, element TEXT, text TEXT, count INTEGER,"
    " present INTEGER NOT NULL, first_seen INTEGER, last_seen INTEGER);"
    "CREATE INDEX sightings_target ON sightings(target);"
    "CREATE TABLE places(sighting INTEGER, page INTEGER, missing INTEGER,"
    " first_seen INTEGER, last_seen INTEGER, PRIMARY KEY(sighting, page))"
    " WITHOUT ROWID;"
    "CREATE TABLE blocks(page INTEGER, position INTEGER, hash INTEGER,"
    " text TEXT, PRIMARY KEY(page, position)) WITHOUT ROWID;"
    "CREATE TABLE hosts(target INTEGER, host TEXT, addresses TEXT,"
    " certificates TEXT, PRIMARY KEY(target, host)) WITHOUT ROWID;"
    "CREATE TABLE events(seq INTEGER PRIMARY KEY, time INTEGER, type TEXT,"
    " target TEXT, platform TEXT, name TEXT, line TEXT NOT NULL);"
    "CREATE INDEX events_target ON events(target, seq);"
    "CREATE TABLE hooks(hook TEXT PRIMARY KEY, position INTEGER)"
    " WITHOUT ROWID;"
    "CREATE TABLE deliveries(hook TEXT, seq INTEGER, attempts INTEGER,"
    " next INTEGER, error TEXT, dead INTEGER, PRIMARY KEY(hook, seq))"
    " WITHOUT ROWID;"
    "CREATE TABLE alerts(target TEXT PRIMARY KEY, type TEXT, seq INTEGER,"
    " since INTEGER) WITHOUT ROWID;" CHANNELS;

/* What a later version added, in its order. */
static const char upgrade_2[] =
    "ALTER TABLE pages ADD COLUMN looks INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE pages ADD COLUMN twins INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE pages ADD COLUMN suppressed INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE blocks ADD COLUMN volatile INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE places ADD COLUMN volatile INTEGER NOT NULL DEFAULT 0;"
    "CREATE TABLE changing(page INTEGER, before INTEGER, after INTEGER,"
    " content INTEGER, changes INTEGER, look INTEGER, width INTEGER,"
    " same INTEGER, state INTEGER);"
    "CREATE INDEX changing_page ON changing(page);";

static const char upgrade_3[] =
    "CREATE TABLE packets(observation INTEGER, hop INTEGER, packets INTEGER,"
    " synack_us INTEGER, ttl INTEGER, reset_ttl INTEGER, reset_by TEXT,"
    " injected INTEGER, resent_up INTEGER, resent_down INTEGER,"
    " incomplete INTEGER, pcap TEXT, PRIMARY KEY(observation, hop))"
    " WITHOUT ROWID;";

static const char upgrade_4[] =
    "ALTER TABLE targets ADD COLUMN history INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE targets ADD COLUMN changed TEXT;"
    "ALTER TABLE targets ADD COLUMN flapping INTEGER;"
    "ALTER TABLE targets ADD COLUMN hushed INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE targets ADD COLUMN told TEXT;"
    "ALTER TABLE pages ADD COLUMN reordered INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE pages ADD COLUMN markup INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE pages ADD COLUMN flickers INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE pages ADD COLUMN gone INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE blocks ADD COLUMN frame INTEGER NOT NULL DEFAULT 0;"
    "CREATE INDEX blocks_hash ON blocks(hash);"
    "CREATE TABLE told(target INTEGER, hash INTEGER, page INTEGER,"
    " time INTEGER, PRIMARY KEY(target, hash)) WITHOUT ROWID;"
    "CREATE TABLE together(seq INTEGER PRIMARY KEY, time INTEGER,"
    " what TEXT, target INTEGER, cluster TEXT, first TEXT);";

static const char upgrade_5[] =
    "ALTER TABLE hosts ADD COLUMN name_servers TEXT;"
    "ALTER TABLE changing ADD COLUMN usual INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE changing ADD COLUMN other INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE changing ADD COLUMN usual_run INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE changing ADD COLUMN empties INTEGER NOT NULL DEFAULT 0;";

/* How long blocks stood before is not known. */
static const char upgrade_6[] =
    "ALTER TABLE blocks ADD COLUMN since INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE changing ADD COLUMN lasted INTEGER NOT NULL DEFAULT 0;"
    "UPDATE blocks SET since = COALESCE((SELECT looks FROM pages"
    " WHERE pages.page = blocks.page), 0);";

/* Of files that are there already nothing is known. */
static const char upgrade_7[] =
    "CREATE TABLE seals(file TEXT, at INTEGER, bytes INTEGER, sha256 TEXT,"
    " time INTEGER, closed INTEGER, found INTEGER, PRIMARY KEY(file, at))"
    " WITHOUT ROWID;";

/* Blocks are looked for among those of a target; so they also lie together,
 * where an index of hashes alone spreads those of a page over all of it. */
static const char upgrade_8[] =
    "ALTER TABLE blocks ADD COLUMN target INTEGER;"
    "UPDATE blocks SET target = (SELECT target FROM pages"
    " WHERE pages.page = blocks.page);"
    "DROP INDEX blocks_hash;"
    "CREATE INDEX blocks_target ON blocks(target, hash);";

/* With which rules the pages were seen is not known: all are new to them. */
static const char upgrade_9[] =
    "ALTER TABLE pages ADD COLUMN rules INTEGER NOT NULL DEFAULT 0;"
    "CREATE TABLE recognition(name TEXT PRIMARY KEY, hash INTEGER,"
    " since INTEGER) WITHOUT ROWID;";

/* What every look changes lies apart from what is long and stays: of a group
 * of looks, which are spread over all pages, some dozens of blocks of the file
 * are written and not hundreds.  To readers the two are one table, as before.
 * The turn of a target is the latest of its pages'. */
static const char upgrade_10[] =
    "DROP VIEW channels;"
    "CREATE TABLE page_looks(page INTEGER PRIMARY KEY, last_seen INTEGER,"
    " last_good INTEGER, turn INTEGER, visits INTEGER, looks INTEGER);"
    "INSERT INTO page_looks SELECT page, last_seen, last_good, turn, visits,"
    " looks FROM pages;"
    "CREATE TABLE page_facts(page INTEGER PRIMARY KEY,"
    " target INTEGER NOT NULL, slot TEXT NOT NULL, url TEXT NOT NULL,"
    " sampled INTEGER NOT NULL, watched INTEGER NOT NULL DEFAULT 1,"
    " first_seen INTEGER, title TEXT, body_sha256 TEXT, text_sha256 TEXT,"
    " sightings INTEGER, missing INTEGER, final_url TEXT, etag TEXT,"
    " last_modified TEXT, twins INTEGER NOT NULL DEFAULT 0,"
    " suppressed INTEGER NOT NULL DEFAULT 0,"
    " reordered INTEGER NOT NULL DEFAULT 0,"
    " markup INTEGER NOT NULL DEFAULT 0, flickers INTEGER NOT NULL DEFAULT 0,"
    " gone INTEGER NOT NULL DEFAULT 0, rules INTEGER NOT NULL DEFAULT 0,"
    " UNIQUE(target, slot, url));"
    "INSERT INTO page_facts SELECT page, target, slot, url, sampled, watched,"
    " first_seen, title, body_sha256, text_sha256, sightings, missing,"
    " final_url, etag, last_modified, twins, suppressed, reordered, markup,"
    " flickers, gone, rules FROM pages;"
    "DROP TABLE pages;"
    "CREATE VIEW pages AS SELECT page, target, slot, url, sampled, watched,"
    " first_seen, last_seen, last_good, turn, visits, title, body_sha256,"
    " text_sha256, sightings, missing, final_url, etag, last_modified, looks,"
    " twins, suppressed, reordered, markup, flickers, gone, rules"
    " FROM page_facts JOIN page_looks USING (page);" CHANNELS
    "ALTER TABLE targets DROP COLUMN turn;";

/* A block is one number, of its page and its position, and only those are
 * looked for by their hashes that another page may have: a block that changes
 * costs half as much.  To readers it is one table, as before. */
static const char upgrade_11[] =
    "CREATE TABLE page_blocks(block INTEGER PRIMARY KEY, hash INTEGER,"
    " text TEXT, volatile INTEGER NOT NULL, frame INTEGER NOT NULL,"
    " since INTEGER NOT NULL, target INTEGER);"
    "INSERT INTO page_blocks SELECT page << 20 | position, hash, text,"
    " volatile, frame, since, (SELECT p.target FROM page_facts p"
    " WHERE p.target = blocks.target AND p.sampled = 1 LIMIT 1)"
    " FROM blocks WHERE position BETWEEN 0 AND 1048575"
    " ORDER BY page, position;"
    "DROP TABLE blocks;"
    "CREATE INDEX page_blocks_target ON page_blocks(target, hash)"
    " WHERE target IS NOT NULL;"
    "CREATE VIEW blocks AS SELECT p.page, b.block & 1048575 AS position,"
    " b.hash, b.text, b.volatile, b.frame, b.since, p.target"
    " FROM page_facts p JOIN page_blocks b"
    " ON b.block BETWEEN p.page << 20 AND p.page << 20 | 1048575;";

/* Of blocks that flickered before it is not known what was told. */
static const char upgrade_12[] =
    "CREATE TABLE strays(page INTEGER, hash INTEGER, look INTEGER,"
    " time INTEGER, text TEXT, gone INTEGER, PRIMARY KEY(page, hash))"
    " WITHOUT ROWID;";

/* From each version to the next; 0 is an empty database. */
static const char *const upgrades[STORE_SCHEMA_VERSION] = {schema, upgrade_2,
    upgrade_3, upgrade_4, upgrade_5, upgrade_6, upgrade_7, upgrade_8, upgrade_9,
    upgrade_10, upgrade_11, upgrade_12};

/* Before its first use: one thread of a process uses it, so that it needs no
 * locks, and nobody asks how much memory it has. */
static void
set_up(void)
{
	static bool done;

	if (!done &&
	    (sqlite3_config(SQLITE_CONFIG_SINGLETHREAD) != SQLITE_OK ||
		sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0) != SQLITE_OK))
		bug("SQLite was used before it was set up");
	done = true;
}

bool
db_open(struct db *db, const char *path, bool read_only, char **why)
{
	int flags = read_only ? SQLITE_OPEN_READONLY
			      : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;

	set_up();
	memset(db, 0, sizeof *db);
	if (sqlite3_open_v2(path, &db->sqlite, flags | SQLITE_OPEN_NOMUTEX,
		NULL) == SQLITE_OK) {
		sqlite3_busy_timeout(db->sqlite, 5000);
		return true;
	}
	*why = xasprintf("%s: %s", path, sqlite3_errmsg(db->sqlite));
	db_close(db);
	return false;
}

void
db_close(struct db *db)
{
	for (size_t i = 0; i < db->count; i++)
		sqlite3_finalize(db->list[i]);
	free(db->list);
	free(db->sql);
	sqlite3_close(db->sqlite);
	memset(db, 0, sizeof *db);
}

static bool
refused(struct db *db, const char *what)
{
	static struct log_limit limit;
	int code = sqlite3_errcode(db->sqlite);

	db->failed = true;
	if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB)
		db->damaged = true;
	if (log_limit_pass(&limit, 5, 60000, monotonic_us() / 1000))
		log_error("store: %s: %s", what, sqlite3_errmsg(db->sqlite));
	return false;
}

bool
db_script(struct db *db, const char *sql)
{
	return sqlite3_exec(db->sqlite, sql, NULL, NULL, NULL) == SQLITE_OK ||
	    refused(db, sql);
}

/* One that is asked for moves forward, so that the usual ones come first. */
static sqlite3_stmt *
move_forward(struct db *db, size_t i)
{
	sqlite3_stmt *s = db->list[i];
	const char *sql = db->sql[i];

	if (i > 0) {
		db->list[i] = db->list[i - 1];
		db->sql[i] = db->sql[i - 1];
		db->list[i - 1] = s;
		db->sql[i - 1] = sql;
	}
	return s;
}

/* Statements are string constants: their address is their name. */
static sqlite3_stmt *
prepared(struct db *db, const char *sql)
{
	sqlite3_stmt *s = NULL;
	size_t cap = db->cap;

	for (size_t i = 0; i < db->count; i++)
		if (db->sql[i] == sql)
			return move_forward(db, i);
	if (sqlite3_prepare_v3(db->sqlite, sql, -1, SQLITE_PREPARE_PERSISTENT,
		&s, NULL) != SQLITE_OK)
		bug("store: %s: %s", sql, sqlite3_errmsg(db->sqlite));
	db->list = xgrow(db->list, &db->cap, db->count + 1, sizeof *db->list);
	db->sql = xgrow(db->sql, &cap, db->count + 1, sizeof *db->sql);
	db->list[db->count] = s;
	db->sql[db->count++] = sql;
	return s;
}

static void
bind_text(sqlite3_stmt *s, int at, struct span text)
{
	if (text.p == NULL)
		sqlite3_bind_null(s, at);
	else
		sqlite3_bind_text64(s, at, text.p, text.n, SQLITE_STATIC,
		    SQLITE_UTF8);
}

static void
bind(sqlite3_stmt *s, const char *types, va_list ap)
{
	int64_t t;

	for (int at = 1; *types != '\0'; types++, at++) {
		switch (*types) {
		case 'i':
			sqlite3_bind_int64(s, at, va_arg(ap, int64_t));
			break;
		case 'u':
			sqlite3_bind_int64(s, at,
			    (int64_t)va_arg(ap, uint64_t));
			break;
		case 'T':
			t = va_arg(ap, int64_t);
			if (t == INSTANT_NONE)
				sqlite3_bind_null(s, at);
			else
				sqlite3_bind_int64(s, at, t);
			break;
		case 's':
			bind_text(s, at, span_of(va_arg(ap, const char *)));
			break;
		case 't':
			bind_text(s, at, va_arg(ap, struct span));
			break;
		default:
			bug("store: argument type %c", *types);
		}
	}
}

bool
db_run(struct db *db, const char *sql, const char *types, ...)
{
	sqlite3_stmt *s;
	va_list ap;
	int rc;

	if (db->failed)
		return false;
	s = prepared(db, sql);
	va_start(ap, types);
	bind(s, types, ap);
	va_end(ap);
	rc = sqlite3_step(s);
	sqlite3_reset(s);
	return rc == SQLITE_DONE || rc == SQLITE_ROW || refused(db, sql);
}

sqlite3_stmt *
db_query(struct db *db, const char *sql, const char *types, ...)
{
	sqlite3_stmt *s = prepared(db, sql);
	va_list ap;

	sqlite3_reset(s);
	va_start(ap, types);
	bind(s, types, ap);
	va_end(ap);
	return s;
}

bool
db_row(struct db *db, sqlite3_stmt *s)
{
	int rc = sqlite3_step(s);

	if (rc == SQLITE_ROW)
		return true;
	if (rc != SQLITE_DONE)
		refused(db, sqlite3_sql(s));
	sqlite3_reset(s);
	return false;
}

int64_t
db_number(struct db *db, int64_t otherwise, const char *sql, const char *types,
    ...)
{
	sqlite3_stmt *s = prepared(db, sql);
	int64_t v = otherwise;
	va_list ap;

	sqlite3_reset(s);
	va_start(ap, types);
	bind(s, types, ap);
	va_end(ap);
	if (db_row(db, s) && sqlite3_column_type(s, 0) != SQLITE_NULL)
		v = sqlite3_column_int64(s, 0);
	sqlite3_reset(s);
	return v;
}

int64_t
db_insert_row(struct db *db)
{
	return sqlite3_last_insert_rowid(db->sqlite);
}

int64_t
db_changes(struct db *db)
{
	return sqlite3_changes64(db->sqlite);
}

char *
column_text(sqlite3_stmt *s, int at)
{
	const unsigned char *p = sqlite3_column_text(s, at);

	return p == NULL
	    ? NULL
	    : xstrndup((const char *)p, (size_t)sqlite3_column_bytes(s, at));
}

int64_t
column_time(sqlite3_stmt *s, int at)
{
	return sqlite3_column_type(s, at) == SQLITE_NULL
	    ? INSTANT_NONE
	    : sqlite3_column_int64(s, at);
}

int64_t
meta_number(struct db *db, const char *key, int64_t otherwise)
{
	return db_number(db, otherwise, "SELECT value FROM meta WHERE key = ?1",
	    "s", key);
}

void
meta_set(struct db *db, const char *key, int64_t value)
{
	db_run(db,
	    "INSERT INTO meta VALUES(?1, ?2) ON CONFLICT(key)"
	    " DO UPDATE SET value = excluded.value",
	    "sT", key, value);
}

bool
schema_make(struct db *db, char **why)
{
	char note[40];
	int64_t version;

	if (!db_script(db,
		"PRAGMA journal_mode = WAL;"
		"PRAGMA synchronous = FULL; PRAGMA foreign_keys = OFF;"
		"PRAGMA cache_size = -4096; PRAGMA temp_store = MEMORY;"
		"PRAGMA journal_size_limit = 4194304;"))
		goto refuse;
	version = db_number(db, 0, "PRAGMA user_version", "");
	if (version == STORE_SCHEMA_VERSION)
		return true;
	if (version < 0 || version > STORE_SCHEMA_VERSION) {
		*why = xasprintf("the state was written by another version "
				 "(schema %lld, this program has %d)",
		    (long long)version, STORE_SCHEMA_VERSION);
		return false;
	}
	if (!db_script(db, "BEGIN IMMEDIATE"))
		goto refuse;
	for (; version < STORE_SCHEMA_VERSION; version++)
		if (!db_script(db, upgrades[version]))
			goto refuse;
	snprintf(note, sizeof note, "PRAGMA user_version = %d",
	    STORE_SCHEMA_VERSION);
	if (db_script(db, note) && db_script(db, "COMMIT"))
		return true;
refuse:
	*why = xasprintf("database: %s", sqlite3_errmsg(db->sqlite));
	return false;
}

/* Without a schema that can be read no statement could be prepared. */
static bool
check_state(struct db *db, const char *path, char **why)
{
	int64_t version = db_number(db, 0, "PRAGMA user_version", "");

	if (!db->failed && version != STORE_SCHEMA_VERSION) {
		*why = xasprintf("%s was written by another version "
				 "(schema %lld, this program has %d)%s",
		    path, (long long)version, STORE_SCHEMA_VERSION,
		    version > 0 && version < STORE_SCHEMA_VERSION
			? "; `kpwatch run` brings it up to date"
			: "");
		return false;
	}
	if (!db->failed && db_script(db, "SELECT 1 FROM sqlite_schema"))
		return true;
	*why = xasprintf("%s: %s%s", path, sqlite3_errmsg(db->sqlite),
	    db->damaged ? "; put back a copy of it"
		: sqlite3_errcode(db->sqlite) == SQLITE_CANTOPEN
		? "; after a crash its last part is in the -wal beside it, "
		  "which can be read only where the folder can be written: "
		  "copy the folder"
		: "");
	return false;
}

bool
db_open_state(struct db *db, const char *state_dir, bool read_only, char **why)
{
	char *path = xasprintf("%s/" STORE_NAME, state_dir);
	bool ok = access(path, R_OK) == 0;

	*why = NULL;
	if (!ok && errno != ENOENT)
		*why = xasprintf("%s: %s", path, strerror(errno));
	if (ok && (ok = db_open(db, path, read_only, why)) &&
	    !check_state(db, path, why)) {
		db_close(db);
		ok = false;
	}
	free(path);
	return ok;
}
