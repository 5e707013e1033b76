#include "finding.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "limit.h"

static const char *const kind_names[SIGHTING_KIND_COUNT] = {"channel", "share",
    "embed", "content", "player", "feed", "other", "suspect"};
static const char *const class_names[PAGE_CLASS_COUNT] = {"normal", "empty",
    "bot_wall", "block", "parked", "placeholder", "login_wall", "geo",
    "soft_404", "maintenance"};
static const char *const status_names[ANALYSIS_STATUS_COUNT] = {"ok", "cut",
    "none", "failed", "same"};

void
finding_init(struct finding *f)
{
	memset(f, 0, sizeof *f);
}

void
sighting_release(struct sighting *s)
{
	free(s->platform);
	free(s->name);
	free(s->url);
	free(s->element);
	free(s->text);
	free(s->kit);
	memset(s, 0, sizeof *s);
}

void
finding_release(struct finding *f)
{
	text_pool_free(f->texts);
	for (size_t i = 0; i < f->nsightings; i++)
		sighting_release(&f->sightings[i]);
	free(f->blocks);
	free(f->sightings);
	free(f->links);
	free(f->notes);
	free(f->class_rule);
	free(f->media_type);
	free(f->charset);
	free(f->charset_from);
	free(f->title);
	finding_init(f);
}

static bool
same_string(const char *a, const char *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	return strcmp(a, b) == 0;
}

/* The identity of a sighting on its page. */
static bool
sighting_equal(const struct sighting *a, const struct sighting *b)
{
	return a->kind == b->kind && same_string(a->platform, b->platform) &&
	    same_string(a->name, b->name) && same_string(a->kit, b->kit);
}

/* Arrays grow by doubling; the capacity is the next power of two of the
 * count, so that no field has to carry it. */
static void *
grown(void *array, size_t count, size_t size)
{
	if (count < 8 ? count == 0 : (count & (count - 1)) == 0)
		return xreallocarray(array, count < 8 ? 8 : count * 2, size);
	return array;
}

bool
finding_add_sighting(struct finding *f, struct sighting *s)
{
	for (size_t i = 0; i < f->nsightings; i++) {
		if (!sighting_equal(&f->sightings[i], s))
			continue;
		f->sightings[i].count += s->count == 0 ? 1 : s->count;
		sighting_release(s);
		return true;
	}
	if (f->nsightings == SIGHTINGS_MAX) {
		sighting_release(s);
		return false;
	}
	f->sightings = grown(f->sightings, f->nsightings, sizeof *f->sightings);
	f->sightings[f->nsightings] = *s;
	if (s->count == 0)
		f->sightings[f->nsightings].count = 1;
	f->nsightings++;
	memset(s, 0, sizeof *s);
	return true;
}

bool
finding_add_block(struct finding *f, struct span text, uint64_t hash,
    bool noise)
{
	if (f->nblocks == BLOCKS_MAX)
		return false;
	f->blocks = grown(f->blocks, f->nblocks, sizeof *f->blocks);
	f->blocks[f->nblocks++] =
	    (struct text_block){text_pool_add(&f->texts, text), hash, noise};
	return true;
}

static void
add_text(struct finding *f, const char ***list, size_t *n, struct span text)
{
	*list = grown(*list, *n, sizeof **list);
	(*list)[(*n)++] = text_pool_add(&f->texts, text);
}

void
finding_add_link(struct finding *f, struct span url)
{
	if (f->nlinks == SAMPLES_MAX)
		return;
	add_text(f, &f->links, &f->nlinks, url);
}

void
finding_note(struct finding *f, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	if (f->nnotes == NOTES_MAX)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	add_text(f, &f->notes, &f->nnotes, span_of(text));
}

static void
strings_encode(const char *const *list, size_t n, struct buf *b)
{
	buf_put_u32(b, (uint32_t)n);
	for (size_t i = 0; i < n; i++)
		buf_put_str(b, list[i]);
}

static void
sighting_encode(const struct sighting *s, struct buf *b)
{
	buf_put_u8(b, (uint8_t)s->kind);
	buf_put_str(b, s->platform);
	buf_put_str(b, s->name);
	buf_put_str(b, s->url);
	buf_put_str(b, s->element);
	buf_put_str(b, s->text);
	buf_put_str(b, s->kit);
	buf_put_u64(b, s->offset);
	buf_put_u32(b, s->count);
	buf_put_u8(b, s->fold);
}

/* Read by finding_decode(). */
void
finding_encode(const struct finding *f, struct buf *b)
{
	buf_put_u8(b, (uint8_t)f->status);
	buf_put_u8(b, (uint8_t)f->page_class);
	buf_put_str(b, f->class_rule);
	buf_put_str(b, f->media_type);
	buf_put_str(b, f->charset);
	buf_put_str(b, f->charset_from);
	buf_put_u32(b, f->bad_chars);
	buf_put_str(b, f->title);
	buf_put_u64(b, f->body_length);
	buf_put_str(b, f->body_sha256);
	buf_put_str(b, f->text_sha256);
	buf_put_u64(b, f->simhash);
	buf_put_u64(b, f->rules);
	buf_put_u32(b, (uint32_t)f->nblocks);
	for (size_t i = 0; i < f->nblocks; i++) {
		buf_put_str(b, f->blocks[i].text);
		buf_put_u64(b, f->blocks[i].hash);
		buf_put_u8(b, f->blocks[i].noise);
	}
	buf_put_u32(b, (uint32_t)f->nsightings);
	for (size_t i = 0; i < f->nsightings; i++)
		sighting_encode(&f->sightings[i], b);
	strings_encode(f->links, f->nlinks, b);
	strings_encode(f->notes, f->nnotes, b);
}

static void
hash_text_decode(struct cursor *c, char out[65])
{
	struct span s = cursor_bytes(c, 64);
	uint8_t raw[32];

	if (s.n == 64 && hex_decode(raw, sizeof raw, s))
		memcpy(out, s.p, 64);
	else if (s.n != 0)
		c->bad = true;
}

static void
blocks_decode(struct finding *f, struct cursor *c)
{
	uint32_t n = cursor_u32le(c);

	if (n > BLOCKS_MAX)
		c->bad = true;
	for (uint32_t i = 0; i < n && !c->bad; i++) {
		struct span text = cursor_bytes(c, BLOCK_TEXT_MAX + 4);
		uint64_t hash = cursor_u64le(c);
		bool noise = cursor_u8(c) != 0;

		if (span_find(text, '\0') < text.n)
			c->bad = true;
		if (!c->bad)
			finding_add_block(f, text, hash, noise);
	}
}

static void
texts_decode(struct finding *f, struct cursor *c, const char ***list, size_t *n,
    size_t count_max, size_t len_max)
{
	uint32_t count = cursor_u32le(c);

	if (count > count_max)
		c->bad = true;
	for (uint32_t i = 0; i < count && !c->bad; i++) {
		struct span text = cursor_bytes(c, len_max);

		if (span_find(text, '\0') < text.n)
			c->bad = true;
		if (!c->bad)
			add_text(f, list, n, text);
	}
}

/* Appends as they come: the encoder has merged equal ones already, and a
 * hostile encoder must not cost a search per entry. */
static void
sightings_decode(struct finding *f, struct cursor *c)
{
	uint32_t n = cursor_u32le(c);

	if (n > SIGHTINGS_MAX)
		c->bad = true;
	for (uint32_t i = 0; i < n && !c->bad; i++) {
		struct sighting *s;
		uint8_t kind = cursor_u8(c);

		if (kind >= SIGHTING_KIND_COUNT) {
			c->bad = true;
			break;
		}
		f->sightings =
		    grown(f->sightings, f->nsightings, sizeof *f->sightings);
		s = &f->sightings[f->nsightings++];
		memset(s, 0, sizeof *s);
		s->kind = (enum sighting_kind)kind;
		s->platform = cursor_str(c, NAME_MAX_LEN);
		s->name = cursor_str(c, NAME_MAX_LEN);
		s->url = cursor_str(c, URL_MAX_LEN);
		s->element = cursor_str(c, ELEMENT_TEXT_MAX + 4);
		s->text = cursor_str(c, LINK_TEXT_MAX + 4);
		s->kit = cursor_str(c, NAME_MAX_LEN);
		s->offset = cursor_u64le(c);
		s->count = cursor_u32le(c);
		s->fold = cursor_u8(c) != 0;
		if (s->platform == NULL)
			c->bad = true;
	}
}

/* Written by finding_encode(). */
bool
finding_decode(struct finding *f, struct span s)
{
	struct cursor c;
	uint8_t status, class;

	finding_init(f);
	cursor_init(&c, s.p, s.n);
	status = cursor_u8(&c);
	class = cursor_u8(&c);
	if (status >= ANALYSIS_STATUS_COUNT || class >= PAGE_CLASS_COUNT)
		return false;
	f->status = (enum analysis_status)status;
	f->page_class = (enum page_class) class;
	f->class_rule = cursor_str(&c, NAME_MAX_LEN);
	f->media_type = cursor_str(&c, NAME_MAX_LEN);
	f->charset = cursor_str(&c, NAME_MAX_LEN);
	f->charset_from = cursor_str(&c, NAME_MAX_LEN);
	f->bad_chars = cursor_u32le(&c);
	f->title = cursor_str(&c, TITLE_MAX + 4);
	f->body_length = cursor_u64le(&c);
	hash_text_decode(&c, f->body_sha256);
	hash_text_decode(&c, f->text_sha256);
	f->simhash = cursor_u64le(&c);
	f->rules = cursor_u64le(&c);
	blocks_decode(f, &c);
	if (!c.bad)
		sightings_decode(f, &c);
	if (!c.bad)
		texts_decode(f, &c, &f->links, &f->nlinks, SAMPLES_MAX,
		    URL_MAX_LEN);
	if (!c.bad)
		texts_decode(f, &c, &f->notes, &f->nnotes, NOTES_MAX, 256);
	if (cursor_done(&c))
		return true;
	finding_release(f);
	return false;
}

static size_t
name_index(struct span s, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (span_is(s, names[i]))
			return i;
	return n;
}

const char *
sighting_kind_name(enum sighting_kind kind)
{
	return kind_names[kind];
}

enum sighting_kind
sighting_kind_from_name(struct span s)
{
	return (
	    enum sighting_kind)name_index(s, kind_names, SIGHTING_KIND_COUNT);
}

const char *page_class_name(enum page_class class)
{
	return class_names[class];
}

enum page_class
page_class_from_name(struct span s)
{
	return (enum page_class)name_index(s, class_names, PAGE_CLASS_COUNT);
}

const char *
analysis_status_name(enum analysis_status status)
{
	return status_names[status];
}
