/* What the rest of the program asks of a configuration that it has. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"

static void
texts_free(char **list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(list[i]);
	free(list);
}

static void
hook_release(struct hook_config *h)
{
	free(h->name);
	free(h->command);
	texts_free(h->args, h->nargs);
	texts_free(h->types, h->ntypes);
	texts_free(h->targets, h->ntargets);
	texts_free(h->platforms, h->nplatforms);
	texts_free(h->categories, h->ncategories);
}

static void
target_release(struct target *t)
{
	char *texts[] = {t->id, t->name, t->name_local, t->operator_name,
	    t->category, t->languages, t->status, t->status_since, t->note,
	    t->source, t->attribution, t->evidence, t->platform,
	    t->account_name, t->site, t->url, t->proxy};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		free(texts[i]);
	for (size_t i = 0; i < t->npages; i++) {
		free(t->pages[i].name);
		free(t->pages[i].url);
		free(t->pages[i].match);
		free(t->pages[i].note);
	}
	free(t->pages);
	for (size_t i = 0; i < t->nknown; i++) {
		free(t->known[i].url);
		free(t->known[i].note);
	}
	free(t->known);
}

void
config_free(struct config *c)
{
	if (c == NULL)
		return;
	free(c->vantage);
	free(c->state_dir);
	free(c->log_dir);
	free(c->by_id);
	free(c->user_agent);
	free(c->proxy);
	free(c->interface);
	texts_free(c->name_servers, c->nname_servers);
	free(c->ca_file);
	texts_free(c->allow_networks, c->nallow_networks);
	texts_free(c->controls, c->ncontrols);
	free(c->metrics_listen);
	for (size_t i = 0; i < c->nhooks; i++)
		hook_release(&c->hooks[i]);
	free(c->hooks);
	for (size_t i = 0; i < c->ntargets; i++)
		target_release(&c->targets[i]);
	free(c->targets);
	free(c);
}

char *
config_beside(const char *config_path, const char *name)
{
	const char *slash = strrchr(config_path, '/');

	if (name[0] == '/' || slash == NULL)
		return xstrdup(name);
	return xasprintf("%.*s/%s", (int)(slash - config_path), config_path,
	    name);
}

char *
config_find(const char *given)
{
	const char *env = getenv("KPWATCH_CONFIG");
	char exe[PATH_MAX];
	char *beside;
	ssize_t n;

	if (given != NULL)
		return xstrdup(given);
	if (env != NULL && env[0] != '\0')
		return xstrdup(env);
	if (access("/etc/kpwatch/kpwatch.yaml", F_OK) == 0)
		return xstrdup("/etc/kpwatch/kpwatch.yaml");
	n = readlink("/proc/self/exe", exe, sizeof exe - 1);
	if (n <= 0)
		return NULL;
	exe[n] = '\0';
	beside = config_beside(exe, "conf/kpwatch.yaml");
	if (access(beside, F_OK) == 0)
		return beside;
	free(beside);
	return NULL;
}

char *
config_state_dir(const struct config *c, const char *given)
{
	const char *service = getenv("STATE_DIRECTORY");
	const char *xdg = getenv("XDG_STATE_HOME");
	const char *home = getenv("HOME");

	if (given != NULL)
		return xstrdup(given);
	if (c != NULL && c->state_dir != NULL)
		return xstrdup(c->state_dir);
	/* The service manager may give several, with colons between. */
	if (service != NULL && service[0] == '/')
		return xstrndup(service, strcspn(service, ":"));
	if (xdg != NULL && xdg[0] == '/')
		return xasprintf("%s/kpwatch", xdg);
	if (home == NULL || home[0] != '/')
		home = "/root";
	return xasprintf("%s/.local/state/kpwatch", home);
}

static bool
dead(const char *status)
{
	static const char *const slow[] = {"offline", "dormant", "terminated",
	    "suspended", "renamed", "private"};

	for (size_t i = 0; status != NULL && i < ARRAY_LEN(slow); i++)
		if (strcmp(status, slow[i]) == 0)
			return true;
	return false;
}

int64_t
config_interval(const struct config *c, const struct target *t)
{
	if (t->interval != 0)
		return t->interval;
	if (dead(t->status))
		return c->interval_dead;
	return t->account ? c->interval_account : c->interval;
}

static int
compare_ids(const void *a, const void *b, void *arg)
{
	const struct config *c = arg;
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	int order = strcmp(c->targets[x].id, c->targets[y].id);

	return order != 0 ? order : (x > y) - (x < y);
}

void
config_index(struct config *c)
{
	c->by_id = xreallocarray(c->by_id, c->ntargets + 1, sizeof *c->by_id);
	for (size_t i = 0; i < c->ntargets; i++)
		c->by_id[i] = (uint32_t)i;
	qsort_r(c->by_id, c->ntargets, sizeof *c->by_id, compare_ids, c);
}

static const struct target *
indexed_target(const struct config *c, const char *id)
{
	size_t lo = 0, hi = c->ntargets, mid;
	const struct target *t;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (strcmp(c->targets[c->by_id[mid]].id, id) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	t = lo < c->ntargets ? &c->targets[c->by_id[lo]] : NULL;
	return t != NULL && strcmp(t->id, id) == 0 ? t : NULL;
}

const struct target *
config_target(const struct config *c, const char *id)
{
	if (c->by_id != NULL)
		return indexed_target(c, id);
	for (size_t i = 0; i < c->ntargets; i++)
		if (strcmp(c->targets[i].id, id) == 0)
			return &c->targets[i];
	return NULL;
}

bool
target_shares_list(const struct target *t, size_t slot)
{
	for (size_t i = 0; i < slot && t->pages[slot].match != NULL; i++)
		if (strcmp(t->pages[i].url, t->pages[slot].url) == 0)
			return true;
	return false;
}

uint32_t
config_watched(const struct config *c)
{
	uint32_t n = 0;

	for (size_t i = 0; i < c->ntargets; i++)
		n += c->targets[i].enabled && c->targets[i].npages > 0;
	return n;
}
