#include <sqlite3.h>
#include <stdlib.h>
#include <unistd.h>

#include "bytes.h"
#include "store.h"
#include "store_db.h"

static const char question[] = "PRAGMA integrity_check(20)";

void
store_check(const char *state_dir,
    void (*fault)(const char *path, const char *text, void *arg), void *arg)
{
	char *path = xasprintf("%s/" STORE_NAME, state_dir), *why = NULL;
	sqlite3_stmt *s = NULL;
	struct db db;
	int rc;

	if (access(path, F_OK) != 0)
		goto out;
	if (!db_open(&db, path, true, &why)) {
		fault(path, why, arg);
		goto out;
	}
	rc = sqlite3_prepare_v2(db.sqlite, question, -1, &s, NULL);
	while (rc == SQLITE_OK || rc == SQLITE_ROW) {
		rc = sqlite3_step(s);
		if (rc != SQLITE_ROW)
			break;
		if (!span_is(span_of((const char *)sqlite3_column_text(s, 0)),
			"ok"))
			fault(path, (const char *)sqlite3_column_text(s, 0),
			    arg);
	}
	if (rc != SQLITE_DONE)
		fault(path, sqlite3_errmsg(db.sqlite), arg);
	sqlite3_finalize(s);
	db_close(&db);
out:
	free(why);
	free(path);
}
