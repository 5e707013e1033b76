#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config_check.h"
#include "limit.h"
#include "log.h"
#include "schema.h"

#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

#define AT(type, member) .offset = offsetof(struct type, member)
#define LIST(type, member)                                                     \
	AT(type, member), .count_offset = offsetof(struct type, n##member)
#define TEXT(k, type, member, ...)                                             \
	{                                                                      \
		.key = k, .kind = FIELD_TEXT, AT(type, member), __VA_ARGS__    \
	}
#define TEXTS(k, type, member, ...)                                            \
	{                                                                      \
		.key = k, .kind = FIELD_TEXTS, LIST(type, member), __VA_ARGS__ \
	}
#define JOINED(k, type, member, by, ...)                                       \
	{                                                                      \
		.key = k, .kind = FIELD_JOINED, AT(type, member), .joint = by, \
		__VA_ARGS__                                                    \
	}
#define SWITCH(k, type, member)                                                \
	{                                                                      \
		.key = k, .kind = FIELD_BOOL, AT(type, member)                 \
	}
#define COUNT(k, type, member, lo, hi)                                         \
	{                                                                      \
		.key = k, .kind = FIELD_COUNT, AT(type, member), .min = lo,    \
		.max = hi                                                      \
	}
#define DURATION(k, type, member, lo, hi)                                      \
	{                                                                      \
		.key = k, .kind = FIELD_DURATION, AT(type, member), .min = lo, \
		.max = hi                                                      \
	}
#define SIZE(k, type, member, lo, hi)                                          \
	{                                                                      \
		.key = k, .kind = FIELD_SIZE, AT(type, member), .min = lo,     \
		.max = hi                                                      \
	}
#define SECTION(k, s)                                                          \
	{                                                                      \
		.key = k, .kind = FIELD_SECTION, .section = &(s)               \
	}
#define MAPS(k, type, member, e)                                               \
	{                                                                      \
		.key = k, .kind = FIELD_MAPS, LIST(type, member),              \
		.elements = &(e)                                               \
	}
#define SCHEMA(fields)                                                         \
	{                                                                      \
		(fields), ARRAY_LEN(fields)                                    \
	}

static const struct field page_fields[] = {
    TEXT("name", page_slot, name, .check = check_id, .required = true),
    TEXT("url", page_slot, url, .check = check_url, .required = true),
    TEXT("match", page_slot, match, .check = check_glob),
    COUNT("sample", page_slot, sample, 1, SAMPLES_MAX),
    COUNT("archive_sample", page_slot, archive_sample, 0, SAMPLES_MAX),
    TEXT("note", page_slot, note),
};
static const struct element_type page_type = {SCHEMA(page_fields),
    sizeof(struct page_slot), PAGES_MAX, NULL};

static const struct field known_fields[] = {
    TEXT("url", known_page, url, .check = check_filled, .required = true),
    TEXT("note", known_page, note),
};
static const struct element_type known_type = {SCHEMA(known_fields),
    sizeof(struct known_page), PAGES_MAX, NULL};

static const struct field site_fields[] = {
    TEXT("id", target, id, .check = check_id, .required = true),
    TEXT("name", target, name, .check = check_filled, .required = true),
    TEXT("name_local", target, name_local),
    TEXT("operator", target, operator_name),
    TEXT("category", target, category, .check = check_category,
	.required = true),
    JOINED("languages", target, languages, ";", .check = check_language),
    TEXT("status", target, status, .check = check_site_status,
	.required = true),
    TEXT("status_since", target, status_since),
    TEXT("note", target, note),
    JOINED("source", target, source, " ; ", .check = check_filled,
	.required = true),
    SWITCH("enabled", target, enabled),
    DURATION("interval", target, interval, SECOND, 365 * DAY),
    TEXT("proxy", target, proxy, .check = check_proxy),
    MAPS("pages", target, pages, page_type),
    MAPS("known", target, known, known_type),
};

static const struct field account_fields[] = {
    TEXT("id", target, id, .check = check_id, .required = true),
    TEXT("platform", target, platform, .check = check_id, .required = true),
    TEXT("account", target, account_name, .check = check_filled),
    TEXT("name", target, name, .check = check_filled),
    TEXT("url", target, url, .check = check_url),
    SWITCH("watch", target, watch),
    TEXT("site", target, site, .check = check_id),
    TEXT("attribution", target, attribution, .check = check_attribution,
	.required = true),
    TEXT("status", target, status, .check = check_account_status,
	.required = true),
    TEXT("status_since", target, status_since),
    TEXT("evidence", target, evidence),
    TEXT("note", target, note),
    JOINED("source", target, source, " ; ", .check = check_filled,
	.required = true),
    SWITCH("enabled", target, enabled),
    DURATION("interval", target, interval, SECOND, 365 * DAY),
    TEXT("proxy", target, proxy, .check = check_proxy),
};

static void
site_init(void *p)
{
	struct target *t = p;

	t->enabled = true;
}

static void
account_init(void *p)
{
	struct target *t = p;

	t->enabled = true;
	t->account = true;
	t->watch = true;
}

static const struct element_type site_type = {SCHEMA(site_fields),
    sizeof(struct target), TARGETS_MAX, site_init};
static const struct element_type account_type = {SCHEMA(account_fields),
    sizeof(struct target), TARGETS_MAX, account_init};

static const struct field hook_fields[] = {
    TEXT("name", hook_config, name, .check = check_id, .required = true),
    TEXT("command", hook_config, command, .check = check_absolute,
	.required = true),
    TEXTS("args", hook_config, args),
    TEXTS("types", hook_config, types, .check = check_glob),
    TEXTS("targets", hook_config, targets, .check = check_glob),
    TEXTS("platforms", hook_config, platforms, .check = check_glob),
    TEXTS("categories", hook_config, categories, .check = check_glob),
    DURATION("timeout", hook_config, timeout, SECOND, HOUR),
    DURATION("batch", hook_config, batch, 0, DAY),
    COUNT("rate", hook_config, rate, 0, 6000),
    COUNT("attempts", hook_config, attempts, 1, 1000),
    DURATION("retry_first", hook_config, retry_first, 10, DAY),
    DURATION("retry_max", hook_config, retry_max, 10, DAY),
};

static void
hook_init(void *p)
{
	struct hook_config *h = p;

	h->timeout = 30 * SECOND;
	h->attempts = 12;
	h->retry_first = 5 * SECOND;
	h->retry_max = HOUR;
}

static const struct element_type hook_type = {SCHEMA(hook_fields),
    sizeof(struct hook_config), HOOKS_MAX, hook_init};

/* Settings, and the names of the two other files, which are not kept. */
struct settings {
	struct config config;
	char *sites;
	char *accounts;
};

static const struct field catalogue_fields[] = {
    TEXT("sites", settings, sites, .check = check_filled),
    TEXT("accounts", settings, accounts, .check = check_filled),
};
static const struct field interval_fields[] = {
    DURATION("active", config, interval, SECOND, 365 * DAY),
    DURATION("dead", config, interval_dead, SECOND, 365 * DAY),
    DURATION("accounts", config, interval_account, SECOND, 365 * DAY),
    DURATION("retry_first", config, retry_first, 100, DAY),
    DURATION("retry_max", config, retry_max, 100, DAY),
    DURATION("spacing", config, spacing, 0, HOUR),
    DURATION("offline_window", config, offline_window, SECOND, DAY),
};
static const struct field confirm_fields[] = {
    COUNT("down", config, confirm_down, 1, 100),
    COUNT("up", config, confirm_up, 1, 100),
    COUNT("removed", config, confirm_removed, 1, 100),
};
static const struct field twin_fields[] = {
    SWITCH("enabled", config, twin_fetch),
    DURATION("delay", config, twin_delay, 0, HOUR),
};
static const struct field limit_fields[] = {
    COUNT("concurrency", config, concurrency, 1, 1024),
    COUNT("analysers", config, analysers, 1, 64),
    SIZE("body", config, body_limit, 1024, DECODED_BODY_MAX),
    COUNT("redirects", config, redirects, 0, HOPS_MAX - 1),
};
static const struct field timeout_fields[] = {
    DURATION("dns", config, dns_timeout, 100, MINUTE),
    DURATION("connect", config, connect_timeout, 100, 10 * MINUTE),
    DURATION("total", config, total_timeout, 100, HOUR),
};
static const struct field network_fields[] = {
    TEXTS("name_servers", config, name_servers, .check = check_name_server),
    TEXT("ca_file", config, ca_file, .check = check_absolute),
    TEXTS("allow", config, allow_networks, .check = check_network),
    TEXTS("controls", config, controls, .check = check_url),
    SWITCH("ipv4", config, ipv4),
    SWITCH("ipv6", config, ipv6),
    SWITCH("robots", config, robots),
};
static const struct field record_fields[] = {
    SWITCH("warc", config, record_warc),
    SIZE("size", config, record_size, MIB, INT64_C(1) << 40),
    SWITCH("packets", config, record_packets),
    TEXT("interface", config, interface, .check = check_filled),
};
static const struct field metrics_fields[] = {
    TEXT("listen", config, metrics_listen, .check = check_listen),
};
static const struct field sandbox_fields[] = {
    SWITCH("best_effort", config, sandbox_best_effort),
};

static const struct schema catalogue_schema = SCHEMA(catalogue_fields);
static const struct schema interval_schema = SCHEMA(interval_fields);
static const struct schema confirm_schema = SCHEMA(confirm_fields);
static const struct schema twin_schema = SCHEMA(twin_fields);
static const struct schema limit_schema = SCHEMA(limit_fields);
static const struct schema timeout_schema = SCHEMA(timeout_fields);
static const struct schema network_schema = SCHEMA(network_fields);
static const struct schema record_schema = SCHEMA(record_fields);
static const struct schema metrics_schema = SCHEMA(metrics_fields);
static const struct schema sandbox_schema = SCHEMA(sandbox_fields);

/* The configuration is the first member of struct settings, so that one base
 * address serves the fields of both. */
_Static_assert(offsetof(struct settings, config) == 0, "one base");

static const struct field settings_fields[] = {
    TEXT("vantage", config, vantage, .check = check_filled),
    TEXT("state", config, state_dir, .check = check_absolute),
    TEXT("log", config, log_dir, .check = check_absolute),
    TEXT("user_agent", config, user_agent, .check = check_filled),
    TEXT("proxy", config, proxy, .check = check_proxy),
    SECTION("catalogue", catalogue_schema),
    SECTION("intervals", interval_schema),
    SECTION("confirm", confirm_schema),
    SECTION("twin", twin_schema),
    SECTION("limits", limit_schema),
    SECTION("timeouts", timeout_schema),
    SECTION("network", network_schema),
    SECTION("record", record_schema),
    SECTION("metrics", metrics_schema),
    SECTION("sandbox", sandbox_schema),
    MAPS("hooks", config, hooks, hook_type),
};
static const struct schema settings_schema = SCHEMA(settings_fields);

static void
settings_init(struct settings *s)
{
	char host[256] = "";

	if (gethostname(host, sizeof host - 1) != 0 || host[0] == '\0')
		snprintf(host, sizeof host, "localhost");
	*s = (struct settings){
	    .config =
		{
		    .vantage = xstrdup(host),
		    .user_agent =
			xstrdup("kpwatch/" KPWATCH_VERSION
				" (page availability and change monitor)"),
		    .interval = 15 * MINUTE,
		    .interval_dead = 6 * HOUR,
		    .interval_account = HOUR,
		    .retry_first = 20 * SECOND,
		    .retry_max = 2 * MINUTE,
		    .spacing = 2 * SECOND,
		    .concurrency = 64,
		    .analysers = 2,
		    .confirm_down = 3,
		    .confirm_up = 2,
		    .confirm_removed = 3,
		    .twin_fetch = true,
		    .twin_delay = 20 * SECOND,
		    .ipv4 = true,
		    .ipv6 = true,
		    .robots = true,
		    .dns_timeout = 5 * SECOND,
		    .connect_timeout = 10 * SECOND,
		    .total_timeout = 30 * SECOND,
		    .body_limit = 8 * MIB,
		    .redirects = 10,
		    .record_warc = true,
		    .record_size = INT64_C(1) << 30,
		    .offline_window = 90 * SECOND,
		},
	    .sites = xstrdup("sites.yaml"),
	    .accounts = xstrdup("accounts.yaml"),
	};
}

/* An account with an address that may be fetched has one page, "main". */
static void
account_page(struct target *t)
{
	if (t->name == NULL)
		t->name =
		    xasprintf("%s/%s", t->platform == NULL ? "" : t->platform,
			t->account_name == NULL ? "?" : t->account_name);
	if (t->url == NULL || !t->watch)
		return;
	t->pages = xcalloc(1, sizeof *t->pages);
	t->npages = 1;
	t->pages[0].name = xstrdup("main");
	t->pages[0].url = xstrdup(t->url);
}

/* The list under `key` of a catalogue file, which may hold nothing else. */
static const struct doc_node *
catalogue_list(struct doc *d, const char *key, struct config_errors *errors)
{
	const struct doc_node *list = NULL;
	const struct doc_node *root = d == NULL ? NULL : doc_root(d);

	if (root == NULL)
		return NULL;
	if (root->kind != DOC_MAP) {
		doc_complain(root, errors, "must be a map with the key '%s'",
		    key);
		return NULL;
	}
	for (const struct doc_node *n = root->first; n != NULL; n = n->next) {
		if (strcmp(n->key, key) != 0)
			config_errors_add(errors, n->file, n->key_line,
			    n->key_column, "unknown key %s; known here: %s",
			    log_quote_str(n->key), key);
		else if (n->kind == DOC_LIST && n->count <= TARGETS_MAX)
			list = n;
		else if (!doc_null(n))
			doc_complain(n, errors,
			    "'%s' must be a list of at "
			    "most %d entries",
			    key, TARGETS_MAX);
	}
	if (doc_get(root, key) == NULL)
		doc_complain(root, errors, "'%s' is missing", key);
	return list;
}

static void
add_targets(struct config *c, const struct doc_node *list,
    const struct element_type *type, struct config_errors *errors)
{
	struct target *more;
	size_t n = 0;

	if (list == NULL)
		return;
	more = schema_read_list(list, type, &n, errors);
	c->targets =
	    xreallocarray(c->targets, c->ntargets + n, sizeof *c->targets);
	if (n > 0)
		memcpy(c->targets + c->ntargets, more, n * sizeof *more);
	for (size_t i = c->ntargets; i < c->ntargets + n; i++)
		if (c->targets[i].account)
			account_page(&c->targets[i]);
	c->ntargets += n;
	free(more);
}

static struct doc *
read_beside(const char *path, const char *name, struct config_errors *errors)
{
	char *full = config_beside(path, name);
	struct doc *d = doc_read(full, errors);

	free(full);
	return d;
}

struct config *
config_load(const char *path, char *const *overrides, size_t noverrides,
    struct config_errors *errors)
{
	struct config *c;
	struct doc *main_doc, *site_doc, *account_doc;
	const struct doc_node *sites, *accounts;
	struct settings s;
	size_t before = errors->count;

	if (access(path, R_OK) != 0) {
		config_errors_add(errors, path, 0, 0, "cannot open: %s",
		    strerror(errno));
		return NULL;
	}
	c = xcalloc(1, sizeof *c);
	settings_init(&s);
	main_doc = doc_read(path, errors);
	for (size_t i = 0; main_doc != NULL && i < noverrides; i++)
		doc_override(main_doc, overrides[i], errors);
	if (main_doc != NULL)
		schema_read(doc_root(main_doc), &settings_schema, &s, errors);
	*c = s.config;
	site_doc = read_beside(path, s.sites, errors);
	sites = catalogue_list(site_doc, "sites", errors);
	add_targets(c, sites, &site_type, errors);
	account_doc = read_beside(path, s.accounts, errors);
	accounts = catalogue_list(account_doc, "accounts", errors);
	add_targets(c, accounts, &account_type, errors);
	config_check(c, main_doc == NULL ? NULL : doc_root(main_doc), sites,
	    accounts, errors);
	doc_free(main_doc);
	doc_free(site_doc);
	doc_free(account_doc);
	free(s.sites);
	free(s.accounts);
	config_errors_sort(errors);
	if (errors->count == before) {
		config_index(c);
		return c;
	}
	config_free(c);
	return NULL;
}
