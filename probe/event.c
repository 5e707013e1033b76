#include "event.h"

#include <stdlib.h>
#include <string.h>

#include "instant.h"
#include "json.h"
#include "limit.h"

static const char *const type_names[EVENT_TYPE_COUNT] = {
#define X(name, text) text,
    EVENT_TABLE(X)
#undef X
};

const char event_chain_start[65] =
    "0000000000000000000000000000000000000000000000000000000000000000";

const char *
event_type_name(enum event_type t)
{
	return t < EVENT_TYPE_COUNT ? type_names[t] : NULL;
}

enum event_type
event_type_from_name(struct span s)
{
	for (size_t i = 0; i < EVENT_TYPE_COUNT; i++)
		if (span_is(s, type_names[i]))
			return (enum event_type)i;
	return EVENT_TYPE_COUNT;
}

void
event_begin(struct event *e, enum event_type type)
{
	*e = (struct event){.type = type,
	    .time = INSTANT_NONE,
	    .before = EVENT_NONE,
	    .after = EVENT_NONE,
	    .offset = EVENT_NONE,
	    .count = EVENT_NONE,
	    .status = EVENT_NONE,
	    .since = EVENT_NONE,
	    .attempts = EVENT_NONE,
	    .added_count = EVENT_NONE,
	    .removed_count = EVENT_NONE,
	    .suppressed = EVENT_NONE,
	    .from = EVENT_NONE,
	    .to = EVENT_NONE};
}

void
event_chain(struct span line, char prev[65])
{
	sha256_hex(line, prev);
}

static void
put_time(struct json *j, const char *key, int64_t t)
{
	char text[INSTANT_TEXT_MAX];

	json_key_str(j, key, instant_text(t, text));
}

static void
put_number(struct json *j, const char *key, int64_t v)
{
	if (v == EVENT_NONE)
		json_key_null(j, key);
	else
		json_key_int(j, key, v);
}

/* An empty string is as good as none here. */
static void
put_text(struct json *j, const char *key, const char *s)
{
	json_key_str(j, key, s == NULL || *s == '\0' ? NULL : s);
}

static void
put_evidence(struct json *j, const struct event *e)
{
	json_key(j, "evidence");
	if (!e->has_evidence) {
		json_null(j);
		return;
	}
	json_object(j);
	put_text(j, "sha256", e->sha256);
	put_text(j, "warc", e->warc);
	put_number(j, "offset", e->warc == NULL ? EVENT_NONE : e->offset);
	put_text(j, "element", e->element);
	put_text(j, "text", e->text);
	if (e->pcap != NULL) {
		put_text(j, "pcap", e->pcap);
		put_text(j, "pcap_sha256", e->pcap_sha256);
	}
	json_object_end(j);
}

static void
put_blocks(struct json *j, const char *key, const char **blocks, size_t n)
{
	json_key(j, key);
	json_array(j);
	for (size_t i = 0; i < n; i++)
		json_str(j, blocks[i]);
	json_array_end(j);
}

static void
put_changes(struct json *j, const struct event *e)
{
	if (e->nchanges == 0)
		return;
	json_key(j, "changes");
	json_array(j);
	for (size_t i = 0; i < e->nchanges; i++) {
		json_array(j);
		for (size_t k = 0; k < e->changes[i].nedits; k++)
			json_str(j, e->changes[i].edits[k]);
		json_array_end(j);
	}
	json_array_end(j);
}

static void
put_items(struct json *j, const struct event *e)
{
	json_key(j, "sightings");
	json_array(j);
	for (size_t i = 0; i < e->nitems; i++) {
		json_object(j);
		json_key_str(j, "kind", sighting_kind_name(e->items[i].kind));
		json_key_str(j, "platform", e->items[i].platform);
		json_key_str(j, "name", e->items[i].name);
		json_key_str(j, "kit", e->items[i].kit);
		json_key_int(j, "count", e->items[i].count);
		json_object_end(j);
	}
	json_array_end(j);
}

static void
put_set_text(struct json *j, const char *key, const char *s)
{
	if (s != NULL)
		json_key_str(j, key, s);
}

static void
put_set_number(struct json *j, const char *key, int64_t v)
{
	if (v != EVENT_NONE)
		json_key_int(j, key, v);
}

static void
put_set_time(struct json *j, const char *key, int64_t t)
{
	if (t != EVENT_NONE)
		put_time(j, key, t);
}

/* The keys that only some types have. */
static void
put_particulars(struct json *j, const struct event *e)
{
	put_set_text(j, "kit", e->kit);
	put_set_text(j, "link", e->link);
	put_set_number(j, "count", e->count);
	put_set_text(j, "failure", e->failure);
	put_set_text(j, "stage", e->stage);
	put_set_text(j, "outcome", e->outcome);
	put_set_number(j, "status", e->status);
	put_set_text(j, "class", e->page_class);
	put_set_text(j, "rule", e->rule);
	put_set_text(j, "verdict", e->verdict);
	put_set_time(j, "since", e->since);
	put_set_number(j, "attempts", e->attempts);
	if (e->added_count != EVENT_NONE) {
		put_blocks(j, "added", e->added, e->nadded);
		json_key_int(j, "added_count", e->added_count);
	}
	if (e->removed_count != EVENT_NONE) {
		put_blocks(j, "removed", e->removed, e->nremoved);
		json_key_int(j, "removed_count", e->removed_count);
	}
	put_changes(j, e);
	put_set_number(j, "suppressed", e->suppressed);
	put_set_text(j, "old", e->old);
	put_set_text(j, "new", e->new);
	put_set_time(j, "from", e->from);
	put_set_time(j, "to", e->to);
	put_set_text(j, "cluster", e->cluster);
	put_set_text(j, "cause", e->cause);
	if (e->unverified)
		json_key_bool(j, "unverified", true);
	if (e->has_items)
		put_items(j, e);
}

bool
event_write(const struct event *e, struct buf *out)
{
	struct buf line = BUF_INIT(EVENT_LINE_MAX);
	struct json j;
	bool ok;

	json_init(&j, &line);
	json_object(&j);
	json_key_int(&j, "v", EVENT_SCHEMA);
	json_key(&j, "seq");
	json_uint(&j, e->seq);
	put_time(&j, "time", e->time);
	json_key_str(&j, "type", event_type_name(e->type));
	json_key_str(&j, "target", e->target);
	json_key_str(&j, "vantage", e->vantage);
	json_key_str(&j, "source", source_name(e->source));
	json_key_str(&j, "page", e->page);
	json_key_str(&j, "url", e->url);
	json_key_str(&j, "platform", e->platform);
	json_key_str(&j, "name", e->name);
	put_number(&j, "before", e->before);
	put_number(&j, "after", e->after);
	put_evidence(&j, e);
	put_particulars(&j, e);
	json_key_str(&j, "prev", e->prev);
	json_object_end(&j);
	ok = !line.overflow && buf_add_span(out, buf_span(&line));
	buf_release(&line);
	return ok;
}
