#include "schema.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "instant.h"
#include "limit.h"
#include "log.h"

void
doc_complain(const struct doc_node *n, struct config_errors *errors,
    const char *fmt, ...)
{
	va_list ap;
	char *text;
	int len;

	va_start(ap, fmt);
	len = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (len < 0)
		fatal("out of memory");
	config_errors_add(errors, n->file, n->line, n->column, "%s", text);
	free(text);
}

bool
size_parse(struct span s, int64_t *bytes)
{
	static const struct {
		const char *unit;
		int64_t factor;
	} units[] = {{"", 1}, {"B", 1}, {"KiB", 1024}, {"MiB", 1024 * 1024},
	    {"GiB", 1024 * 1024 * 1024}};
	struct span unit;
	size_t n = 0;
	uint64_t v;

	s = span_trim(s);
	while (n < s.n && ascii_digit(s.p[n]))
		n++;
	unit = span_trim(span_slice(s, n, s.n));
	if (!span_u64(span_slice(s, 0, n), &v) || v > INT64_MAX)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(units); i++)
		if (span_is(unit, units[i].unit))
			return !__builtin_mul_overflow((int64_t)v,
			    units[i].factor, bytes);
	return false;
}

static void *
at(void *base, size_t offset)
{
	return (char *)base + offset;
}

static const char *
kind_name(const struct doc_node *n)
{
	return n->kind == DOC_MAP ? "a map"
	    : n->kind == DOC_LIST ? "a list"
				  : "a single value";
}

/* Control characters have no place in any text: most of these end up in
 * requests, logs or mail.  NULs never come this far. */
static bool
text_clean(const char *s)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			return false;
	return true;
}

/* A scalar that is fit to be kept; complains otherwise. */
static bool
text_good(const struct doc_node *n, const struct field *f,
    struct config_errors *errors)
{
	const char *bad;

	if (n->kind != DOC_SCALAR) {
		doc_complain(n, errors, "'%s' must be a text, not %s", f->key,
		    kind_name(n));
		return false;
	}
	if (!text_clean(n->text)) {
		doc_complain(n, errors,
		    "'%s' holds a line break or control character", f->key);
		return false;
	}
	if (strlen(n->text) > CONFIG_TEXT_MAX) {
		doc_complain(n, errors, "'%s' is longer than %u bytes", f->key,
		    CONFIG_TEXT_MAX);
		return false;
	}
	bad = f->check == NULL ? NULL : f->check(n->text);
	if (bad != NULL) {
		doc_complain(n, errors, "'%s': %s %s", f->key,
		    log_quote_str(n->text), bad);
		return false;
	}
	return true;
}

static void
read_text(const struct doc_node *n, const struct field *f, void *base,
    struct config_errors *errors)
{
	char **out = at(base, f->offset);

	if (!text_good(n, f, errors))
		return;
	free(*out);
	*out = xstrdup(n->text);
}

static bool
list_good(const struct doc_node *n, const struct field *f, size_t max,
    struct config_errors *errors)
{
	if (n->kind != DOC_LIST) {
		doc_complain(n, errors, "'%s' must be a list, not %s", f->key,
		    kind_name(n));
		return false;
	}
	if (n->count > max) {
		doc_complain(n, errors, "'%s' has more than %zu entries",
		    f->key, max);
		return false;
	}
	return true;
}

static void
read_texts(const struct doc_node *n, const struct field *f, void *base,
    struct config_errors *errors)
{
	char ***out = at(base, f->offset);
	size_t *count = at(base, f->count_offset);

	if (!list_good(n, f, CONFIG_LIST_MAX, errors))
		return;
	for (size_t i = 0; i < *count; i++)
		free((*out)[i]);
	free(*out);
	*out = xcalloc(n->count, sizeof **out);
	*count = 0;
	for (const struct doc_node *c = n->first; c != NULL; c = c->next)
		if (text_good(c, f, errors))
			(*out)[(*count)++] = xstrdup(c->text);
}

static void
read_joined(const struct doc_node *n, const struct field *f, void *base,
    struct config_errors *errors)
{
	struct buf text = BUF_INIT(CONFIG_TEXT_MAX);
	char **out = at(base, f->offset);

	if (n->kind != DOC_LIST) {
		read_text(n, f, base, errors);
		return;
	}
	for (const struct doc_node *c = n->first; c != NULL; c = c->next) {
		if (!text_good(c, f, errors))
			continue;
		if (text.len > 0)
			buf_add_str(&text, f->joint);
		buf_add_str(&text, c->text);
	}
	if (text.overflow)
		doc_complain(n, errors, "'%s' is longer than %u bytes", f->key,
		    CONFIG_TEXT_MAX);
	free(*out);
	*out = text.len == 0 ? NULL : buf_detach(&text, NULL);
	buf_release(&text);
}

static void
read_bool(const struct doc_node *n, const struct field *f, void *base,
    struct config_errors *errors)
{
	static const char *const yes[] = {"true", "yes", "on"};
	static const char *const no[] = {"false", "no", "off"};
	bool *out = at(base, f->offset);

	for (size_t i = 0; n->kind == DOC_SCALAR && i < ARRAY_LEN(yes); i++) {
		if (strcmp(n->text, yes[i]) == 0 ||
		    strcmp(n->text, no[i]) == 0) {
			*out = strcmp(n->text, yes[i]) == 0;
			return;
		}
	}
	doc_complain(n, errors, "'%s' must be true or false", f->key);
}

static void
read_number(const struct doc_node *n, const struct field *f, void *base,
    struct config_errors *errors)
{
	static const char *const form[] = {
	    [FIELD_COUNT] = "a whole number",
	    [FIELD_DURATION] = "a duration such as 500ms, 30s, 15m, 6h, 2d",
	    [FIELD_SIZE] = "a size such as 65536, 512 KiB, 8 MiB, 1 GiB",
	};
	struct span s = span_of(n->text);
	int64_t v = 0;
	uint64_t u;
	bool good = n->kind == DOC_SCALAR;

	if (good && f->kind == FIELD_COUNT) {
		good = span_u64(s, &u) && u <= INT64_MAX;
		v = good ? (int64_t)u : 0;
	} else if (good) {
		good = f->kind == FIELD_SIZE ? size_parse(s, &v)
					     : duration_parse(s, &v);
	}
	if (!good) {
		doc_complain(n, errors, "'%s' must be %s", f->key,
		    form[f->kind]);
	} else if (v < f->min || v > f->max) {
		doc_complain(n, errors, "'%s' must be between %lld and %lld%s",
		    f->key, (long long)f->min, (long long)f->max,
		    f->kind == FIELD_DURATION	? " ms"
			: f->kind == FIELD_SIZE ? " bytes"
						: "");
	} else if (f->kind == FIELD_COUNT) {
		*(uint32_t *)at(base, f->offset) = (uint32_t)v;
	} else {
		*(int64_t *)at(base, f->offset) = v;
	}
}

static void
read_choice(const struct doc_node *n, const struct field *f, void *base,
    struct config_errors *errors)
{
	struct buf all = BUF_INIT(1024);
	uint32_t *out = at(base, f->offset);

	for (uint32_t i = 0; f->choices[i] != NULL; i++) {
		if (n->kind == DOC_SCALAR &&
		    strcmp(n->text, f->choices[i]) == 0) {
			*out = i;
			buf_release(&all);
			return;
		}
		buf_addf(&all, "%s%s", i == 0 ? "" : ", ", f->choices[i]);
	}
	doc_complain(n, errors, "'%s' must be one of: %s", f->key,
	    buf_str(&all));
	buf_release(&all);
}

void *
schema_read_list(const struct doc_node *list, const struct element_type *type,
    size_t *count, struct config_errors *errors)
{
	char *array = xcalloc(list->count, type->size);
	size_t i = 0;

	for (const struct doc_node *n = list->first; n != NULL; n = n->next) {
		void *element = array + i++ * type->size;

		if (type->init != NULL)
			type->init(element);
		schema_read(n, &type->schema, element, errors);
	}
	*count = i;
	return array;
}

static void
read_maps(const struct doc_node *n, const struct field *f, void *base,
    struct config_errors *errors)
{
	void **out = at(base, f->offset);
	size_t *count = at(base, f->count_offset);

	if (list_good(n, f, f->elements->max, errors) && n->count > 0)
		*out = schema_read_list(n, f->elements, count, errors);
}

static void
read_field(const struct doc_node *n, const struct field *f, void *base,
    struct config_errors *errors)
{
	if (doc_null(n)) {
		if (f->required)
			doc_complain(n, errors, "'%s' has no value", f->key);
		return;
	}
	switch (f->kind) {
	case FIELD_TEXT:
		read_text(n, f, base, errors);
		break;
	case FIELD_TEXTS:
		read_texts(n, f, base, errors);
		break;
	case FIELD_JOINED:
		read_joined(n, f, base, errors);
		break;
	case FIELD_BOOL:
		read_bool(n, f, base, errors);
		break;
	case FIELD_COUNT:
	case FIELD_DURATION:
	case FIELD_SIZE:
		read_number(n, f, base, errors);
		break;
	case FIELD_CHOICE:
		read_choice(n, f, base, errors);
		break;
	case FIELD_SECTION:
		schema_read(n, f->section, base, errors);
		break;
	case FIELD_MAPS:
		read_maps(n, f, base, errors);
		break;
	case FIELD_IGNORED:
		break;
	}
}

static const struct field *
find_field(const struct schema *s, const char *key)
{
	for (size_t i = 0; i < s->count; i++)
		if (strcmp(s->fields[i].key, key) == 0)
			return &s->fields[i];
	return NULL;
}

static void
unknown_key(const struct doc_node *n, const struct schema *s,
    struct config_errors *errors)
{
	struct buf known = BUF_INIT(2048);

	for (size_t i = 0; i < s->count; i++)
		buf_addf(&known, "%s%s", i == 0 ? "" : ", ", s->fields[i].key);
	config_errors_add(errors, n->file, n->key_line, n->key_column,
	    "unknown key %s; known here: %s", log_quote_str(n->key),
	    buf_str(&known));
	buf_release(&known);
}

void
schema_read(const struct doc_node *map, const struct schema *s, void *base,
    struct config_errors *errors)
{
	const struct field *f;

	if (map->kind != DOC_MAP) {
		doc_complain(map, errors, "must be a map of keys, not %s",
		    kind_name(map));
		return;
	}
	for (const struct doc_node *n = map->first; n != NULL; n = n->next) {
		f = find_field(s, n->key);
		if (f == NULL)
			unknown_key(n, s, errors);
		else
			read_field(n, f, base, errors);
	}
	for (size_t i = 0; i < s->count; i++)
		if (s->fields[i].required &&
		    doc_get(map, s->fields[i].key) == NULL)
			doc_complain(map, errors, "'%s' is missing",
			    s->fields[i].key);
}
