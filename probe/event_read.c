#include "event.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "instant.h"
#include "limit.h"

/* What a line that was read owns: the document whose strings the event
 * borrows, and the arrays that JSON does not have as such. */
struct owner {
	json_t *root;
	const char **blocks;
	const char **edits;
	struct event_change *changes;
	struct event_item *items;
};

static const char *
text_of(const json_t *o, const char *key)
{
	return json_string_value(json_object_get(o, key));
}

static int64_t
number_of(const json_t *o, const char *key)
{
	const json_t *v = json_object_get(o, key);

	return json_is_integer(v) && json_integer_value(v) >= 0
	    ? json_integer_value(v)
	    : EVENT_NONE;
}

static int64_t
time_of(const json_t *o, const char *key)
{
	const char *s = text_of(o, key);
	int64_t t;

	return s != NULL && instant_parse(span_of(s), &t) ? t : EVENT_NONE;
}

static const char *
read_head(struct event *e, const json_t *o)
{
	const char *type = text_of(o, "type"), *source = text_of(o, "source");
	const char *when = text_of(o, "time"), *prev = text_of(o, "prev");
	int64_t seq = number_of(o, "seq");

	if (number_of(o, "v") != EVENT_SCHEMA)
		return "not schema version 1";
	if (seq == EVENT_NONE)
		return "no sequence number";
	if (type == NULL)
		return "no type";
	event_begin(e, event_type_from_name(span_of(type)));
	if (e->type == EVENT_TYPE_COUNT)
		return "unknown type";
	e->seq = (uint64_t)seq;
	if (when == NULL || !instant_parse(span_of(when), &e->time))
		return "no time";
	if (prev == NULL || strlen(prev) != 64)
		return "no hash of the line before";
	memcpy(e->prev, prev, 65);
	for (size_t i = 0; source != NULL && i < SOURCE_COUNT; i++)
		if (strcmp(source, source_name((enum source)i)) == 0)
			e->source = (enum source)i;
	return NULL;
}

static void
read_common(struct event *e, const json_t *o)
{
	const json_t *evidence = json_object_get(o, "evidence");

	e->target = text_of(o, "target");
	e->vantage = text_of(o, "vantage");
	e->page = text_of(o, "page");
	e->url = text_of(o, "url");
	e->platform = text_of(o, "platform");
	e->name = text_of(o, "name");
	e->before = number_of(o, "before");
	e->after = number_of(o, "after");
	e->has_evidence = json_is_object(evidence);
	e->sha256 = text_of(evidence, "sha256");
	e->warc = text_of(evidence, "warc");
	e->offset = number_of(evidence, "offset");
	e->element = text_of(evidence, "element");
	e->text = text_of(evidence, "text");
	e->pcap = text_of(evidence, "pcap");
	e->pcap_sha256 = text_of(evidence, "pcap_sha256");
}

static void
read_particulars(struct event *e, const json_t *o)
{
	e->kit = text_of(o, "kit");
	e->link = text_of(o, "link");
	e->count = number_of(o, "count");
	e->failure = text_of(o, "failure");
	e->stage = text_of(o, "stage");
	e->outcome = text_of(o, "outcome");
	e->status = number_of(o, "status");
	e->page_class = text_of(o, "class");
	e->rule = text_of(o, "rule");
	e->verdict = text_of(o, "verdict");
	e->since = time_of(o, "since");
	e->attempts = number_of(o, "attempts");
	e->added_count = number_of(o, "added_count");
	e->removed_count = number_of(o, "removed_count");
	e->suppressed = number_of(o, "suppressed");
	e->old = text_of(o, "old");
	e->new = text_of(o, "new");
	e->from = time_of(o, "from");
	e->to = time_of(o, "to");
	e->cluster = text_of(o, "cluster");
	e->cause = text_of(o, "cause");
	e->unverified = json_is_true(json_object_get(o, "unverified"));
}

static size_t
read_strings(const json_t *array, const char **out)
{
	size_t n = 0;

	for (size_t i = 0; i < json_array_size(array); i++)
		if (json_is_string(json_array_get(array, i)))
			out[n++] = json_string_value(json_array_get(array, i));
	return n;
}

static void
read_blocks(struct event *e, const json_t *o, struct owner *owner)
{
	const json_t *added = json_object_get(o, "added");
	const json_t *removed = json_object_get(o, "removed");
	size_t n = json_array_size(added) + json_array_size(removed);

	if (n == 0)
		return;
	owner->blocks = xreallocarray(NULL, n, sizeof *owner->blocks);
	e->added = owner->blocks;
	e->nadded = read_strings(added, e->added);
	e->removed = owner->blocks + e->nadded;
	e->nremoved = read_strings(removed, e->removed);
}

/* An edit has its kind and some text. */
static bool
is_edit(const char *s)
{
	return s[0] != '\0' && strchr(" -+", s[0]) != NULL && s[1] != '\0';
}

static void
read_changes(struct event *e, const json_t *o, struct owner *owner)
{
	const json_t *list = json_object_get(o, "changes");
	size_t n = json_array_size(list), total = 0, at = 0;
	struct event_change *c;

	for (size_t i = 0; i < n; i++)
		total += json_array_size(json_array_get(list, i));
	if (total == 0)
		return;
	owner->edits = xcalloc(total, sizeof *owner->edits);
	owner->changes = xcalloc(n, sizeof *owner->changes);
	for (size_t i = 0; i < n; i++) {
		c = &owner->changes[e->nchanges++];
		c->edits = owner->edits + at;
		c->nedits = read_strings(json_array_get(list, i), c->edits);
		for (size_t k = 0; k < c->nedits; k++)
			if (!is_edit(c->edits[k]))
				c->nedits = k;
		at += c->nedits;
	}
	e->changes = owner->changes;
}

static void
read_items(struct event *e, const json_t *o, struct owner *owner)
{
	const json_t *list = json_object_get(o, "sightings"), *v;
	struct event_item *item;
	const char *kind;
	int64_t count;

	e->has_items = json_is_array(list);
	if (json_array_size(list) == 0)
		return;
	owner->items = xcalloc(json_array_size(list), sizeof *owner->items);
	for (size_t i = 0; i < json_array_size(list); i++) {
		v = json_array_get(list, i);
		kind = text_of(v, "kind");
		item = &owner->items[e->nitems];
		item->kind = sighting_kind_from_name(span_of(kind));
		if (kind == NULL || item->kind == SIGHTING_KIND_COUNT)
			continue;
		item->platform = text_of(v, "platform");
		item->name = text_of(v, "name");
		item->kit = text_of(v, "kit");
		count = number_of(v, "count");
		item->count =
		    count < 0 || count > UINT32_MAX ? 0 : (uint32_t)count;
		e->nitems++;
	}
	e->items = owner->items;
}

bool
event_read(struct event *e, struct span line, const char **why)
{
	struct owner *owner = NULL;
	const char *reason = NULL;
	json_t *root = NULL;

	event_begin(e, EVENT_TYPE_COUNT);
	if (line.n > EVENT_LINE_MAX)
		reason = "line is too long";
	else
		root = json_loadb(line.p == NULL ? "" : line.p, line.n,
		    JSON_REJECT_DUPLICATES, NULL);
	if (reason == NULL)
		reason = !json_is_object(root) ? "not a JSON object"
					       : read_head(e, root);
	if (why != NULL)
		*why = reason;
	if (reason != NULL) {
		json_decref(root);
		event_begin(e, EVENT_TYPE_COUNT);
		return false;
	}
	owner = xcalloc(1, sizeof *owner);
	owner->root = root;
	e->owner = owner;
	read_common(e, root);
	read_particulars(e, root);
	read_blocks(e, root, owner);
	read_changes(e, root, owner);
	read_items(e, root, owner);
	return true;
}

void
event_release(struct event *e)
{
	struct owner *owner = e->owner;

	if (owner != NULL) {
		json_decref(owner->root);
		free(owner->blocks);
		free(owner->edits);
		free(owner->changes);
		free(owner->items);
		free(owner);
	}
	event_begin(e, EVENT_TYPE_COUNT);
}
