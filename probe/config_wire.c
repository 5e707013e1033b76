/* The configuration as bytes between our processes, both directions. */
#include <stdlib.h>

#include "config.h"
#include "limit.h"
#include "wire.h"

#define TEXT_MAX (2 * CONFIG_TEXT_MAX)

static void
text(struct wire *w, char **s)
{
	wire_text(w, s, TEXT_MAX);
}

static void
texts(struct wire *w, char ***list, size_t *n)
{
	wire_texts(w, list, n, CONFIG_LIST_MAX, TEXT_MAX);
}

static void
page(struct wire *w, struct page_slot *p)
{
	text(w, &p->name);
	text(w, &p->url);
	text(w, &p->match);
	wire_number(w, &p->sample);
	wire_number(w, &p->archive_sample);
	text(w, &p->note);
	wire_need(w, p->name);
	wire_need(w, p->url);
}

static void
target(struct wire *w, struct target *t)
{
	char **fields[] = {&t->id, &t->name, &t->name_local, &t->operator_name,
	    &t->category, &t->languages, &t->status, &t->status_since, &t->note,
	    &t->source, &t->attribution, &t->evidence, &t->platform,
	    &t->account_name, &t->site, &t->url, &t->proxy};

	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		text(w, fields[i]);
	wire_flag(w, &t->account);
	wire_flag(w, &t->enabled);
	wire_flag(w, &t->watch);
	wire_amount(w, &t->interval);
	t->pages = wire_array(w, &t->npages, t->pages, PAGES_MAX, 24,
	    sizeof *t->pages);
	for (size_t i = 0; i < t->npages; i++)
		page(w, &t->pages[i]);
	t->known =
	    wire_array(w, &t->nknown, t->known, PAGES_MAX, 8, sizeof *t->known);
	for (size_t i = 0; i < t->nknown; i++) {
		text(w, &t->known[i].url);
		text(w, &t->known[i].note);
	}
	wire_need(w, t->id);
	wire_need(w, t->name);
	wire_need(w, t->status);
}

static void
hook(struct wire *w, struct hook_config *h)
{
	text(w, &h->name);
	text(w, &h->command);
	texts(w, &h->args, &h->nargs);
	texts(w, &h->types, &h->ntypes);
	texts(w, &h->targets, &h->ntargets);
	texts(w, &h->platforms, &h->nplatforms);
	texts(w, &h->categories, &h->ncategories);
	wire_amount(w, &h->timeout);
	wire_amount(w, &h->batch);
	wire_number(w, &h->rate);
	wire_number(w, &h->attempts);
	wire_amount(w, &h->retry_first);
	wire_amount(w, &h->retry_max);
	wire_need(w, h->name);
	wire_need(w, h->command);
}

static void
settings(struct wire *w, struct config *c)
{
	char **strings[] = {&c->vantage, &c->state_dir, &c->log_dir,
	    &c->user_agent, &c->proxy, &c->interface, &c->ca_file,
	    &c->metrics_listen};
	int64_t *amounts[] = {&c->interval, &c->interval_dead,
	    &c->interval_account, &c->retry_first, &c->retry_max, &c->spacing,
	    &c->twin_delay, &c->dns_timeout, &c->connect_timeout,
	    &c->total_timeout, &c->body_limit, &c->record_size,
	    &c->offline_window};
	uint32_t *numbers[] = {&c->concurrency, &c->analysers, &c->confirm_down,
	    &c->confirm_up, &c->confirm_removed, &c->redirects};
	bool *flags[] = {&c->twin_fetch, &c->ipv4, &c->ipv6, &c->robots,
	    &c->record_warc, &c->record_packets, &c->sandbox_best_effort};

	for (size_t i = 0; i < ARRAY_LEN(strings); i++)
		text(w, strings[i]);
	for (size_t i = 0; i < ARRAY_LEN(amounts); i++)
		wire_amount(w, amounts[i]);
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		wire_number(w, numbers[i]);
	for (size_t i = 0; i < ARRAY_LEN(flags); i++)
		wire_flag(w, flags[i]);
	texts(w, &c->name_servers, &c->nname_servers);
	texts(w, &c->allow_networks, &c->nallow_networks);
	texts(w, &c->controls, &c->ncontrols);
	wire_need(w, c->vantage);
	wire_need(w, c->user_agent);
}

static void
everything(struct wire *w, struct config *c)
{
	settings(w, c);
	c->hooks = wire_array(w, &c->nhooks, c->hooks, HOOKS_MAX, 68,
	    sizeof *c->hooks);
	for (size_t i = 0; i < c->nhooks; i++)
		hook(w, &c->hooks[i]);
	c->targets = wire_array(w, &c->ntargets, c->targets, 2 * TARGETS_MAX,
	    87, sizeof *c->targets);
	for (size_t i = 0; i < c->ntargets; i++)
		target(w, &c->targets[i]);
}

void
config_encode(const struct config *c, struct buf *out)
{
	struct wire w = {.out = out};
	struct config copy = *c;

	/* Writing changes nothing; the copy is for the shared signature. */
	everything(&w, &copy);
}

static bool
all_named(const struct config *c)
{
	for (size_t i = 0; i < c->ntargets; i++)
		if (c->targets[i].id == NULL)
			return false;
	return true;
}

struct config *
config_decode(struct span bytes)
{
	struct cursor in;
	struct wire w = {.in = &in};
	struct config *c = xcalloc(1, sizeof *c);

	cursor_init(&in, bytes.p, bytes.n);
	everything(&w, c);
	if (cursor_done(&in) && all_named(c)) {
		config_index(c);
		return c;
	}
	config_free(c);
	return NULL;
}
