/* What a hook reads, and what our processes tell each other about it. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "hook.h"
#include "instant.h"
#include "json.h"
#include "json_read.h"
#include "limit.h"

struct text_field {
	const char *key;
	size_t offset;
};

#define FIELD(key, member)                                                     \
	{                                                                      \
		key, offsetof(struct hook_facts, member)                       \
	}

/* A call's variable says what all of its lines say, or nothing. */
static const struct text_field common_fields[] = {
    FIELD("type", type),
    FIELD("target", target),
    FIELD("platform", platform),
    FIELD("name", name),
    FIELD("url", url),
    FIELD("page", page),
    FIELD("vantage", vantage),
};

static char **
member(struct hook_facts *f, const struct text_field *field)
{
	return (void *)((char *)f + field->offset);
}

static void
facts_first(struct hook_facts *f, struct span line)
{
	for (size_t i = 0; i < ARRAY_LEN(common_fields); i++)
		*member(f, &common_fields[i]) =
		    json_member_text(line, common_fields[i].key, HOOK_FACT_MAX);
	f->time = json_member_text(line, "time", HOOK_FACT_MAX);
}

static void
facts_next(struct hook_facts *f, struct span line)
{
	for (size_t i = 0; i < ARRAY_LEN(common_fields); i++) {
		char **mine = member(f, &common_fields[i]), *theirs;

		if (*mine == NULL)
			continue;
		theirs =
		    json_member_text(line, common_fields[i].key, HOOK_FACT_MAX);
		if (theirs == NULL || strcmp(*mine, theirs) != 0) {
			free(*mine);
			*mine = NULL;
		}
		free(theirs);
	}
}

bool
hook_facts_read(struct hook_facts *f, struct span lines)
{
	struct span inside, line;
	uint64_t seq;

	memset(f, 0, sizeof *f);
	while (lines.p != NULL) {
		line = span_token(&lines, '\n');
		if (!json_open(line, &inside))
			continue;
		seq = 0;
		json_member_u64(line, "seq", &seq);
		if (f->count++ == 0) {
			f->first = seq;
			facts_first(f, line);
		} else {
			facts_next(f, line);
		}
		f->last = seq;
	}
	return f->count > 0;
}

void
hook_facts_release(struct hook_facts *f)
{
	for (size_t i = 0; i < ARRAY_LEN(common_fields); i++)
		free(*member(f, &common_fields[i]));
	free(f->time);
	memset(f, 0, sizeof *f);
}

void
hook_sample(struct buf *line, const char *type, const char *vantage,
    int64_t now)
{
	char time[INSTANT_TEXT_MAX];
	struct json j;

	json_init(&j, line);
	json_object(&j);
	json_key_int(&j, "v", 1);
	json_key_int(&j, "seq", 0);
	json_key_str(&j, "time", instant_text(now, time));
	json_key_str(&j, "type", type);
	json_key_str(&j, "target", "sample");
	json_key_str(&j, "vantage", vantage);
	json_key_str(&j, "source", "live");
	json_key_str(&j, "page", "main");
	json_key_str(&j, "url", "http://sample.example/");
	json_key_str(&j, "platform", "youtube");
	json_key_str(&j, "name", "@kpwatch-test");
	json_key_null(&j, "before");
	json_key_null(&j, "after");
	json_key(&j, "evidence");
	json_object(&j);
	json_key_null(&j, "sha256");
	json_key_null(&j, "warc");
	json_key_null(&j, "offset");
	json_key_str(&j, "element", "a.sample");
	json_key_str(&j, "text",
	    "A trial event, sent by `kpwatch hooks --test`");
	json_object_end(&j);
	json_key_null(&j, "prev");
	json_object_end(&j);
	buf_add_char(line, '\n');
}

void
delivery_encode(struct buf *b, const struct delivery *d)
{
	buf_put_str(b, d->hook);
	buf_put_u64(b, d->first);
	buf_put_u64(b, d->last);
	buf_put_u64(b, d->count);
	buf_put_bytes(b, buf_span(&d->lines));
}

bool
delivery_decode(struct span data, struct delivery *d, char **name)
{
	struct cursor c;
	struct span lines;

	memset(d, 0, sizeof *d);
	cursor_init(&c, data.p, data.n);
	*name = cursor_str(&c, NAME_MAX_LEN);
	d->first = cursor_u64le(&c);
	d->last = cursor_u64le(&c);
	d->count = (size_t)cursor_u64le(&c);
	lines = cursor_bytes(&c, HOOK_BYTES_MAX);
	if (!cursor_done(&c) || *name == NULL) {
		free(*name);
		*name = NULL;
		return false;
	}
	d->hook = *name;
	buf_init(&d->lines, HOOK_BYTES_MAX);
	buf_add_span(&d->lines, lines);
	return true;
}

void
delivered_encode(struct buf *b, const char *reason)
{
	buf_put_str(b, reason);
}

bool
delivered_decode(struct span data, char **reason)
{
	struct cursor c;

	cursor_init(&c, data.p, data.n);
	*reason = cursor_str(&c, 2 * HOOK_REASON_MAX);
	if (cursor_done(&c))
		return true;
	free(*reason);
	*reason = NULL;
	return false;
}
