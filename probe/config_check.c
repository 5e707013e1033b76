/* What only the whole configuration can tell, each complaint at its place. */
#include "config_check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "event.h"
#include "log.h"
#include "schema.h"

/* Names seen so far, with where: open addressing, grown by doubling. */
struct seen {
	const char *name;
	const struct doc_node *node;
};

struct names {
	struct seen *slots;
	size_t size;
	size_t count;
};

static struct seen *
names_slot(const struct names *t, const char *name)
{
	size_t i = hash_place(bytes_hash(span_of(name)), t->size);

	while (t->slots[i].name != NULL && strcmp(t->slots[i].name, name) != 0)
		i = (i + 1) & (t->size - 1);
	return &t->slots[i];
}

static void
names_grow(struct names *t)
{
	struct names bigger = {NULL, t->size == 0 ? 64 : t->size * 2, t->count};

	bigger.slots = xcalloc(bigger.size, sizeof *bigger.slots);
	for (size_t i = 0; i < t->size; i++)
		if (t->slots[i].name != NULL)
			*names_slot(&bigger, t->slots[i].name) = t->slots[i];
	free(t->slots);
	*t = bigger;
}

/* NULL when the name is new (borrows it); else where it stood first. */
static const struct doc_node *
names_add(struct names *t, const char *name, const struct doc_node *node)
{
	struct seen *s;

	if (t->count * 2 >= t->size)
		names_grow(t);
	s = names_slot(t, name);
	if (s->name != NULL)
		return s->node;
	*s = (struct seen){name, node};
	t->count++;
	return NULL;
}

static bool
names_have(const struct names *t, const char *name)
{
	return t->size > 0 && names_slot(t, name)->name != NULL;
}

/* The entry of a list under a key that has this text, or else the map. */
static const struct doc_node *
entry(const struct doc_node *map, const char *key, const char *text)
{
	const struct doc_node *list = doc_get(map, key);

	for (const struct doc_node *n = list == NULL ? NULL : list->first;
	     n != NULL; n = n->next)
		if (strcmp(n->text, text) == 0)
			return n;
	return map;
}

/* The node of a key, or the map itself, so that there is always a place. */
static const struct doc_node *
spot(const struct doc_node *map, const char *key)
{
	const struct doc_node *n = doc_get(map, key);

	return n == NULL ? map : n;
}

static void
check_unique(struct names *t, const char *what, const char *name,
    const struct doc_node *node, struct config_errors *errors)
{
	const struct doc_node *old;

	if (name == NULL || node == NULL)
		return;
	old = names_add(t, name, node);
	if (old != NULL)
		doc_complain(node, errors,
		    "%s '%s' is given twice; the first "
		    "is at %s:%u:%u",
		    what, name, old->file, old->line, old->column);
}

static void
check_page(const struct page_slot *p, const struct doc_node *node,
    struct names *seen, struct config_errors *errors)
{
	check_unique(seen, "page", p->name, spot(node, "name"), errors);
	if (p->match != NULL && p->sample == 0)
		doc_complain(spot(node, "match"), errors,
		    "'match' needs 'sample': how many links to watch");
	if (p->match == NULL && (p->sample > 0 || p->archive_sample > 0))
		doc_complain(spot(node, "sample"), errors,
		    "'sample' needs 'match': which links to watch");
}

static void
check_pages(const struct target *t, const struct doc_node *node,
    struct config_errors *errors)
{
	const struct doc_node *list = doc_get(node, "pages");
	const struct doc_node *n = list == NULL ? NULL : list->first;
	struct names seen = {NULL, 0, 0};
	bool has_main = false;

	if (t->account || n == NULL)
		return;
	for (size_t i = 0; i < t->npages && n != NULL; i++, n = n->next) {
		check_page(&t->pages[i], n, &seen, errors);
		has_main |= t->pages[i].name != NULL &&
		    strcmp(t->pages[i].name, "main") == 0 &&
		    t->pages[i].match == NULL;
	}
	if (!has_main)
		doc_complain(list, errors,
		    "no page 'main' with a fixed "
		    "address: it tells whether the site is up");
	free(seen.slots);
}

/* `sites`: NULL when they could not be read, which was told. */
static void
check_account(const struct target *t, const struct doc_node *node,
    const struct names *sites, struct names *pairs, char **pair,
    struct config_errors *errors)
{
	if (t->site != NULL && sites != NULL && !names_have(sites, t->site))
		doc_complain(spot(node, "site"), errors,
		    "there is no site '%s'", t->site);
	if (t->platform == NULL || t->account_name == NULL)
		return;
	*pair = xasprintf("%s/%s", t->platform, t->account_name);
	check_unique(pairs, "account", *pair, spot(node, "account"), errors);
}

static void
check_targets(const struct config *c, const struct doc_node *sites,
    const struct doc_node *accounts, struct config_errors *errors)
{
	const struct doc_node *n = sites == NULL ? NULL : sites->first;
	struct names ids = {NULL, 0, 0};
	struct names pairs = {NULL, 0, 0};
	char **pair = xcalloc(c->ntargets, sizeof *pair);
	bool has_sites = n != NULL, in_accounts = false;

	for (size_t i = 0; i < c->ntargets; i++) {
		const struct target *t = &c->targets[i];

		if (t->account && !in_accounts) {
			n = accounts->first;
			in_accounts = true;
		}
		if (n == NULL)
			bug("targets without their nodes");
		if (t->account)
			check_account(t, n, has_sites ? &ids : NULL, &pairs,
			    &pair[i], errors);
		check_unique(&ids, "id", t->id, spot(n, "id"), errors);
		check_pages(t, n, errors);
		n = n->next;
	}
	for (size_t i = 0; i < c->ntargets; i++)
		free(pair[i]);
	free(pair);
	free(ids.slots);
	free(pairs.slots);
}

static bool
type_exists(const char *glob)
{
	for (int i = 0; i < EVENT_TYPE_COUNT; i++)
		if (glob_match(glob, event_type_name((enum event_type)i)))
			return true;
	return false;
}

static bool
category_exists(const char *glob)
{
	for (size_t i = 0; categories[i] != NULL; i++)
		if (glob_match(glob, categories[i]))
			return true;
	return false;
}

/* A program that others can change would run as us: refused like a file of
 * the configuration. */
static void
check_command(const char *path, const struct doc_node *node,
    struct config_errors *errors)
{
	char *complaint = NULL;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0) {
		doc_complain(node, errors, "cannot open %s: %s",
		    log_quote_str(path), strerror(errno));
		return;
	}
	complaint = file_complaint(fd, path);
	if (complaint != NULL)
		doc_complain(node, errors, "%s", complaint);
	else if (access(path, X_OK) != 0)
		doc_complain(node, errors, "%s may not be run: %s",
		    log_quote_str(path), strerror(errno));
	free(complaint);
	close(fd);
}

static bool
target_exists(const struct config *c, const char *glob)
{
	for (size_t i = 0; i < c->ntargets; i++)
		if (c->targets[i].id != NULL &&
		    glob_match(glob, c->targets[i].id))
			return true;
	return false;
}

static void
check_hook(const struct config *c, const struct hook_config *h,
    const struct doc_node *node, struct config_errors *errors)
{
	for (size_t i = 0; i < h->ntypes; i++)
		if (!type_exists(h->types[i]))
			doc_complain(entry(node, "types", h->types[i]), errors,
			    "no event has a type like '%s'", h->types[i]);
	for (size_t i = 0; i < h->ntargets; i++)
		if (!target_exists(c, h->targets[i]))
			doc_complain(entry(node, "targets", h->targets[i]),
			    errors, "no site or account is called '%s'",
			    h->targets[i]);
	for (size_t i = 0; i < h->ncategories; i++)
		if (!category_exists(h->categories[i]))
			doc_complain(entry(node, "categories",
					 h->categories[i]),
			    errors, "there is no category '%s'",
			    h->categories[i]);
	if (h->retry_first > h->retry_max)
		doc_complain(spot(node, "retry_first"), errors,
		    "retry_first is longer than retry_max");
	if (h->command != NULL)
		check_command(h->command, spot(node, "command"), errors);
}

static void
check_hooks(const struct config *c, const struct doc_node *list,
    struct config_errors *errors)
{
	const struct doc_node *n = list == NULL ? NULL : list->first;
	struct names seen = {NULL, 0, 0};

	for (size_t i = 0; i < c->nhooks && n != NULL; i++, n = n->next) {
		check_unique(&seen, "hook", c->hooks[i].name, spot(n, "name"),
		    errors);
		check_hook(c, &c->hooks[i], n, errors);
	}
	free(seen.slots);
}

static void
check_settings(const struct config *c, const struct doc_node *root,
    struct config_errors *errors)
{
	const struct doc_node *intervals = spot(root, "intervals");
	const struct doc_node *timeouts = spot(root, "timeouts");
	const struct doc_node *network = spot(root, "network");

	if (c->retry_first > c->retry_max)
		doc_complain(spot(intervals, "retry_first"), errors,
		    "'retry_first' is longer than 'retry_max'");
	if (c->connect_timeout > c->total_timeout)
		doc_complain(spot(timeouts, "connect"), errors,
		    "'connect' is longer than 'total'");
	if (!c->ipv4 && !c->ipv6)
		doc_complain(spot(network, "ipv4"), errors,
		    "both 'ipv4' and 'ipv6' are off: nothing can be fetched");
}

void
config_check(const struct config *c, const struct doc_node *settings,
    const struct doc_node *sites, const struct doc_node *accounts,
    struct config_errors *errors)
{
	check_targets(c, sites, accounts, errors);
	if (settings == NULL)
		return;
	check_settings(c, settings, errors);
	check_hooks(c, doc_get(settings, "hooks"), errors);
}
