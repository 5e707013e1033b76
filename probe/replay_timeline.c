#include "replay_timeline.h"

#include <errno.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "instant.h"
#include "json.h"
#include "limit.h"
#include "render.h"
#include "store.h"

struct timeline {
	FILE *to;
	struct table *table; /* NULL: JSON */
	struct buf line;
};

char *
timeline_folder(void)
{
	const char *dir = getenv("TMPDIR");
	char *path = xasprintf("%s/kpwatch-replay-XXXXXX",
	    dir == NULL ? "/var/tmp" : dir);

	if (mkdtemp(path) != NULL)
		return path;
	fprintf(stderr, "kpwatch replay: cannot make a folder %s: %s\n", path,
	    strerror(errno));
	free(path);
	return NULL;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void
timeline_folder_remove(char *path)
{
	if (path != NULL)
		nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	free(path);
}

static void
add_json(struct timeline *t, const struct status_sighting *g)
{
	char first[INSTANT_TEXT_MAX], last[INSTANT_TEXT_MAX];
	struct json j;

	buf_clear(&t->line);
	json_init(&j, &t->line);
	json_object(&j);
	json_key_str(&j, "target", g->target);
	json_key_str(&j, "kind", g->kind);
	json_key_str(&j, "platform", g->platform);
	json_key_str(&j, "name", g->name);
	json_key_str(&j, "url", g->url);
	json_key_str(&j, "first_seen", instant_text(g->first_seen, first));
	json_key_str(&j, "last_seen", instant_text(g->last_seen, last));
	json_key_bool(&j, "present", g->present);
	json_object_end(&j);
	buf_add_char(&t->line, '\n');
	fwrite(t->line.data, 1, t->line.len, t->to);
}

static void
add_row(struct timeline *t, const struct status_sighting *g)
{
	char text[INSTANT_TEXT_MAX];

	table_row(t->table);
	table_cell(t->table, g->target);
	table_cellf(t->table, "%.16s", instant_text(g->first_seen, text));
	table_cellf(t->table, "%.16s", instant_text(g->last_seen, text));
	table_cell_paint(t->table, g->present ? PAINT_GOOD : PAINT_BAD,
	    g->present ? "there" : "gone");
	table_cell(t->table, g->kind);
	table_cell(t->table, g->platform);
	table_cell(t->table, g->name);
	table_cell(t->table, g->url);
}

static void
add(const struct status_sighting *g, void *arg)
{
	struct timeline *t = arg;

	if (t->table == NULL)
		add_json(t, g);
	else
		add_row(t, g);
}

static struct table *
new_table(void)
{
	struct table *t = table_new();

	table_column(t, "target", ALIGN_LEFT, false);
	table_column(t, "first seen", ALIGN_LEFT, false);
	table_column(t, "last seen", ALIGN_LEFT, false);
	table_column(t, "now", ALIGN_LEFT, false);
	table_column(t, "kind", ALIGN_LEFT, false);
	table_column(t, "platform", ALIGN_LEFT, false);
	table_column(t, "name", ALIGN_LEFT, true);
	table_column(t, "url", ALIGN_LEFT, true);
	return t;
}

bool
timeline_print(const char *state_dir, bool json, FILE *to)
{
	struct timeline t = {.to = to, .line = BUF_INIT(MIB)};
	char *why = NULL;
	struct store_view *v = store_view_open(state_dir, &why);

	if (v == NULL) {
		fprintf(stderr, "kpwatch replay: %s\n",
		    why == NULL ? "the state is gone" : why);
		free(why);
		return false;
	}
	if (!json)
		t.table = new_table();
	store_view_sightings(v, add, &t);
	if (t.table != NULL)
		table_print(t.table, to);
	table_free(t.table);
	buf_release(&t.line);
	return store_view_close(v);
}
