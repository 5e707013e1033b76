/* The configuration as bytes between our processes.  The two directions stand
 * together, field by field in the same order; each field is one line of a
 * function that both directions run, so that they cannot drift apart. */
#include <stdlib.h>

#include "config.h"
#include "limit.h"

struct wire {
	struct buf *out;	/* writing, or NULL */
	struct cursor *in;	/* reading */
};

static void
text(struct wire *w, char **s)
{
	if (w->out != NULL)
		buf_put_str(w->out, *s);
	else
		*s = cursor_str(w->in, CONFIG_TEXT_MAX * 2);
}

static void
flag(struct wire *w, bool *v)
{
	uint8_t byte;

	if (w->out != NULL) {
		buf_put_u8(w->out, *v);
		return;
	}
	byte = cursor_u8(w->in);
	if (byte > 1)
		w->in->bad = true;
	*v = byte == 1;
}

static void
number(struct wire *w, uint32_t *v)
{
	if (w->out != NULL)
		buf_put_u32(w->out, *v);
	else
		*v = cursor_u32le(w->in);
}

static void
amount(struct wire *w, int64_t *v)
{
	if (w->out != NULL)
		buf_put_i64(w->out, *v);
	else
		*v = cursor_i64le(w->in);
}

/* A count comes before its elements, of which each takes at least `least`
 * bytes: a count that the bytes left cannot hold is refused before memory is
 * taken for it. */
static void *
count(struct wire *w, size_t *n, void *array, size_t max, size_t least,
    size_t size)
{
	uint32_t v;

	if (w->out != NULL) {
		buf_put_u32(w->out, (uint32_t)*n);
		return array;
	}
	v = cursor_u32le(w->in);
	if (w->in->bad || v > max || v > cursor_left(w->in) / least) {
		w->in->bad = true;
		*n = 0;
		return NULL;
	}
	*n = v;
	return v == 0 ? NULL : xcalloc(v, size);
}

static void
texts(struct wire *w, char ***list, size_t *n)
{
	*list = count(w, n, *list, CONFIG_LIST_MAX, 4, sizeof **list);
	for (size_t i = 0; i < *n; i++) {
		text(w, &(*list)[i]);
		/* A list holds no NULL. */
		if (w->in != NULL && (*list)[i] == NULL)
			w->in->bad = true;
	}
}

static void
page(struct wire *w, struct page_slot *p)
{
	text(w, &p->name);
	text(w, &p->url);
	text(w, &p->match);
	number(w, &p->sample);
	number(w, &p->archive_sample);
	text(w, &p->note);
	if (w->in != NULL && (p->name == NULL || p->url == NULL))
		w->in->bad = true;
}

static void
target(struct wire *w, struct target *t)
{
	char **fields[] = {&t->id, &t->name, &t->name_local,
	    &t->operator_name, &t->category, &t->languages, &t->status,
	    &t->status_since, &t->note, &t->source, &t->attribution,
	    &t->evidence, &t->platform, &t->account_name, &t->site, &t->url,
	    &t->proxy};

	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		text(w, fields[i]);
	flag(w, &t->account);
	flag(w, &t->enabled);
	flag(w, &t->watch);
	amount(w, &t->interval);
	t->pages = count(w, &t->npages, t->pages, PAGES_MAX, 24,
	    sizeof *t->pages);
	for (size_t i = 0; i < t->npages; i++)
		page(w, &t->pages[i]);
	t->known = count(w, &t->nknown, t->known, PAGES_MAX, 8,
	    sizeof *t->known);
	for (size_t i = 0; i < t->nknown; i++) {
		text(w, &t->known[i].url);
		text(w, &t->known[i].note);
	}
	if (w->in != NULL && (t->id == NULL || t->name == NULL ||
	    t->status == NULL))
		w->in->bad = true;
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
	amount(w, &h->timeout);
	amount(w, &h->batch);
	number(w, &h->rate);
	number(w, &h->attempts);
	if (w->in != NULL && (h->name == NULL || h->command == NULL))
		w->in->bad = true;
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
	uint32_t *numbers[] = {&c->concurrency, &c->analysers,
	    &c->confirm_down, &c->confirm_up, &c->confirm_removed,
	    &c->redirects};
	bool *flags[] = {&c->twin_fetch, &c->ipv4, &c->ipv6, &c->robots,
	    &c->record_warc, &c->record_packets, &c->sandbox_best_effort};

	for (size_t i = 0; i < ARRAY_LEN(strings); i++)
		text(w, strings[i]);
	for (size_t i = 0; i < ARRAY_LEN(amounts); i++)
		amount(w, amounts[i]);
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		number(w, numbers[i]);
	for (size_t i = 0; i < ARRAY_LEN(flags); i++)
		flag(w, flags[i]);
	texts(w, &c->name_servers, &c->nname_servers);
	texts(w, &c->allow_networks, &c->nallow_networks);
	texts(w, &c->controls, &c->ncontrols);
	if (w->in != NULL && (c->vantage == NULL || c->user_agent == NULL))
		w->in->bad = true;
}

static void
everything(struct wire *w, struct config *c)
{
	settings(w, c);
	c->hooks = count(w, &c->nhooks, c->hooks, HOOKS_MAX, 52,
	    sizeof *c->hooks);
	for (size_t i = 0; i < c->nhooks; i++)
		hook(w, &c->hooks[i]);
	c->targets = count(w, &c->ntargets, c->targets, 2 * TARGETS_MAX, 87,
	    sizeof *c->targets);
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

struct config *
config_decode(struct span bytes)
{
	struct cursor in;
	struct wire w = {.in = &in};
	struct config *c = xcalloc(1, sizeof *c);

	cursor_init(&in, bytes.p, bytes.n);
	everything(&w, c);
	if (cursor_done(&in))
		return c;
	config_free(c);
	return NULL;
}
