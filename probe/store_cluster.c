#include <stdlib.h>
#include <string.h>
#include <sqlite3.h>

#include "limit.h"
#include "store_db.h"

#define WINDOW_MIN   (INT64_C(10) * 60000)
#define WINDOW_MAX   (INT64_C(24) * 3600000)
#define STRANGERS_MS INT64_C(3600000) /* further apart they have to share */
#define WINDOW_KEPT  (INT64_C(2) * 86400000)
#define STRANGERS    2	 /* that others must be, where they share nothing */
#define TOGETHER_MAX 256 /* targets that one event is compared with */

/* What two targets have in common; the more telling is the greater. */
enum bond {
	BOND_NONE,
	BOND_OWNER,
	BOND_NAME_SERVER,
	BOND_NETWORK,
	BOND_ADDRESS
};

static const char *const causes[] = {"none known", "same owner",
    "same name server", "same network", "same address"};

/* What is known of a target that another may share. */
struct ties {
	char *addresses;    /* of all its hosts; NULL: none */
	char *name_servers; /* NULL: none */
	const char *owner;  /* NULL: unknown */
};

struct other {
	uint64_t seq;
	int64_t row;
	char *cluster; /* what it is in; or would begin */
	bool near;     /* in time */
	enum bond bond;
};

/* Of these kinds several targets may tell the same thing at once. */
static bool
is_joint(enum event_type t)
{
	switch (t) {
	case EVENT_SITE_DOWN:
	case EVENT_SITE_UP:
	case EVENT_SITE_DEGRADED:
	case EVENT_SITE_BLOCKED:
	case EVENT_SITE_MOVED:
	case EVENT_SITE_PARKED:
	case EVENT_ADDRESS_CHANGED:
	case EVENT_CERTIFICATE_CHANGED:
	case EVENT_CHANNEL_ADDED:
	case EVENT_CHANNEL_REMOVED:
	case EVENT_SHARE_ADDED:
	case EVENT_SHARE_REMOVED:
		return true;
	default:
		return false;
	}
}

/* Looks at different targets are an interval apart at most. */
static int64_t
window(const struct store *st)
{
	int64_t w = st->config == NULL ? 0 : st->config->interval * 5 / 4;

	return w < WINDOW_MIN ? WINDOW_MIN : w > WINDOW_MAX ? WINDOW_MAX : w;
}

static const char *
owner_of(struct store *st, int64_t row)
{
	const struct target *t = NULL;
	sqlite3_stmt *s = db_query(&st->db,
	    "SELECT id FROM targets WHERE target = ?1", "i", row);

	if (st->config != NULL && db_row(&st->db, s))
		t = config_target(st->config,
		    (const char *)sqlite3_column_text(s, 0));
	sqlite3_reset(s);
	return t == NULL ? NULL : t->operator_name;
}

static void
ties_load(struct store *st, int64_t row, struct ties *t)
{
	sqlite3_stmt *s = db_query(&st->db,
	    "SELECT group_concat(addresses, ' '),"
	    " group_concat(name_servers, ' ') FROM hosts WHERE target = ?1",
	    "i", row);

	memset(t, 0, sizeof *t);
	if (db_row(&st->db, s)) {
		t->addresses = column_text(s, 0);
		t->name_servers = column_text(s, 1);
	}
	sqlite3_reset(s);
	t->owner = owner_of(st, row);
}

static void
ties_release(struct ties *t)
{
	free(t->addresses);
	free(t->name_servers);
}

/* An address without its host part: /24, or /48 of IPv6. */
static struct span
network(struct span address)
{
	char dot = span_find(address, ':') < address.n ? ':' : '.';
	size_t parts = 3, n = 0;

	while (n < address.n && (parts -= address.p[n] == dot) > 0)
		n++;
	return span_slice(address, 0, n);
}

static enum bond
compare_addresses(const char *a, const char *b)
{
	struct span left = span_of(a), right, x, y;
	enum bond bond = BOND_NONE;

	while (left.n > 0) {
		x = span_token(&left, ' ');
		for (right = span_of(b); right.n > 0;) {
			y = span_token(&right, ' ');
			if (span_eq(x, y))
				return BOND_ADDRESS;
			if (span_eq(network(x), network(y)))
				bond = BOND_NETWORK;
		}
	}
	return bond;
}

static enum bond
compare(const struct ties *a, const struct ties *b)
{
	enum bond bond = BOND_NONE;

	if (a->addresses != NULL && b->addresses != NULL)
		bond = compare_addresses(a->addresses, b->addresses);
	if (bond != BOND_NONE)
		return bond;
	if (a->name_servers != NULL && b->name_servers != NULL &&
	    words_shared(span_of(a->name_servers), span_of(b->name_servers)))
		return BOND_NAME_SERVER;
	return a->owner != NULL && b->owner != NULL &&
		strcmp(a->owner, b->owner) == 0
	    ? BOND_OWNER
	    : BOND_NONE;
}

/* Sets their bonds. */
static void
find_bonds(struct store *st, int64_t row, struct other *list, size_t n)
{
	struct ties own, other;

	if (n == 0)
		return;
	ties_load(st, row, &own);
	for (size_t i = 0; i < n; i++) {
		ties_load(st, list[i].row, &other);
		list[i].bond = compare(&own, &other);
		ties_release(&other);
	}
	ties_release(&own);
}

static size_t
find_others(struct store *st, const struct event *e, const char *what,
    int64_t row, struct other *list)
{
	size_t n = 0;
	sqlite3_stmt *s;

	s = db_query(&st->db,
	    "SELECT seq, target, COALESCE(cluster, first), time FROM together "
	    "WHERE what = ?1"
	    " AND time BETWEEN ?2 AND ?3 AND target <> ?4 ORDER BY seq DESC"
	    " LIMIT 256",
	    "siii", what, e->time - window(st), e->time + window(st), row);
	while (db_row(&st->db, s))
		list[n++] =
		    (struct other){.seq = (uint64_t)sqlite3_column_int64(s, 0),
			.row = sqlite3_column_int64(s, 1),
			.cluster = column_text(s, 2),
			.near = llabs(e->time - sqlite3_column_int64(s, 3)) <=
			    STRANGERS_MS};
	return n;
}

/* The others that this event goes with: those that share something with it,
 * or all, when they are too many for chance. */
static const struct other *
choose(struct event *e, const struct other *list, size_t n)
{
	const struct other *best = NULL;
	enum bond least = BOND_ADDRESS;
	size_t near = 0;

	for (size_t i = 0; i < n; i++) {
		near += list[i].near;
		if ((list[i].near || list[i].bond > BOND_NONE) &&
		    (best == NULL || list[i].bond > best->bond))
			best = &list[i];
	}
	if (best == NULL || (best->bond == BOND_NONE && near < STRANGERS))
		return NULL;
	for (size_t i = 0; i < n; i++)
		if (strcmp(list[i].cluster, best->cluster) == 0 &&
		    list[i].bond < least)
			least = list[i].bond;
	e->cause = causes[least];
	return best;
}

/* By what it is, not by its number: a replay numbers otherwise. */
static char *
first_name(const struct event *e)
{
	char text[INSTANT_TEXT_MAX];

	return xasprintf("%s@%s", e->target, instant_text(e->time, text));
}

void
cluster_join(struct store *st, struct event *e)
{
	struct other *list;
	const struct other *best;
	char *what, *first;
	int64_t row;
	size_t n;

	if (e->target == NULL || !is_joint(e->type))
		return;
	row = db_number(&st->db, 0, "SELECT target FROM targets WHERE id = ?1",
	    "s", e->target);
	list = xcalloc(TOGETHER_MAX, sizeof *list);
	what = xasprintf("%s %s", event_type_name(e->type),
	    e->platform == NULL ? "" : e->platform);
	n = find_others(st, e, what, row, list);
	find_bonds(st, row, list, n);
	best = choose(e, list, n);
	if (best != NULL) {
		free(st->cluster);
		e->cluster = st->cluster = xstrdup(best->cluster);
		db_run(&st->db,
		    "UPDATE together SET cluster = ?1 WHERE seq = ?2", "su",
		    e->cluster, best->seq);
	}
	first = first_name(e);
	db_run(&st->db, "INSERT INTO together VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
	    "uisiss", e->seq, e->time, what, row, e->cluster, first);
	db_run(&st->db, "DELETE FROM together WHERE time < ?1", "i",
	    e->time - WINDOW_KEPT);
	for (size_t i = 0; i < n; i++)
		free(list[i].cluster);
	free(first);
	free(what);
	free(list);
}
