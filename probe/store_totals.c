/* Counts of the store for metrics and the status line. */
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <sqlite3.h>

#include "store_db.h"
#include "store_hooks.h"

static uint64_t
folder_bytes(int dirfd)
{
	int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	uint64_t sum = 0;
	struct dirent *e;
	struct stat st;

	if (dir == NULL) {
		if (fd >= 0)
			close(fd);
		return 0;
	}
	while ((e = readdir(dir)) != NULL)
		if (fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISREG(st.st_mode))
			sum += (uint64_t)st.st_size;
	closedir(dir);
	return sum;
}

void
store_totals(struct store *st, struct store_totals *t)
{
	t->events = st->committed_seq;
	t->hooks_waiting = (uint64_t)db_number(&st->db, 0,
	    "SELECT count(*) FROM deliveries WHERE dead = 0", "");
	t->hooks_dead = (uint64_t)db_number(&st->db, 0,
	    "SELECT count(*) FROM deliveries WHERE dead = 1", "");
	t->volatile_places = (uint64_t)db_number(&st->db, 0,
	    "SELECT count(*) FROM changing WHERE state BETWEEN 1 AND 3", "");
	t->suppressed = (uint64_t)db_number(&st->db, 0,
	    "SELECT sum(suppressed + flickers + reordered) FROM page_facts",
	    "");
	t->log_bytes = st->logfd < 0 ? 0 : folder_bytes(st->logfd);
}

enum verdict
store_verdict(struct store *st, const char *target)
{
	sqlite3_stmt *s = db_query(&st->db,
	    "SELECT verdict FROM targets WHERE id = ?1", "s", target);
	enum verdict v = VERDICT_UNKNOWN;

	if (db_row(&st->db, s))
		v = verdict_from_name(
		    span_of((const char *)sqlite3_column_text(s, 0)));
	sqlite3_reset(s);
	return v;
}
