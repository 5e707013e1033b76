/*
 * Maps of a document into C structures, by tables.
 *
 * A table says for each key what it may hold and where it goes; everything
 * that does not fit is one complaint with its place, and reading goes on so
 * that all of them are found.  A structure holds its defaults before it is
 * read; a key that is absent or null leaves them.
 */
#ifndef KPWATCH_SCHEMA_H
#define KPWATCH_SCHEMA_H

#include "document.h"

enum field_kind {
	FIELD_TEXT,	/* char *, replaces an owned default */
	FIELD_TEXTS,	/* char **, count at count_offset */
	FIELD_JOINED,	/* a text or a list of texts, joined by `joint` */
	FIELD_BOOL,	/* bool */
	FIELD_COUNT,	/* uint32_t, min..max */
	FIELD_DURATION, /* int64_t, ms, min..max */
	FIELD_SIZE,	/* int64_t, bytes, min..max */
	FIELD_CHOICE,	/* uint32_t or enum, set by `check` via choices */
	FIELD_SECTION,	/* a map whose fields go into the same structure */
	FIELD_MAPS,	/* a list of maps: array of `elements` */
	FIELD_IGNORED,	/* read elsewhere */
};

/* NULL when a text is good; else what is wrong ("is not a URL ..."). */
typedef const char *text_check(const char *);

struct field;

struct schema {
	const struct field *fields;
	size_t count;
};

struct element_type {
	struct schema schema;
	size_t size;
	size_t max;	      /* elements */
	void (*init)(void *); /* defaults into zeroed memory; may be NULL */
};

struct field {
	const char *key;
	enum field_kind kind;
	size_t offset;
	size_t count_offset;
	int64_t min;
	int64_t max;
	text_check *check; /* of every text; NULL: any */
	const char *joint;
	const char *const *choices; /* NULL-terminated; index is the value */
	bool required;
	const struct schema *section;
	const struct element_type *elements;
};

/* Reads a map into base. */
void schema_read(const struct doc_node *map, const struct schema *, void *base,
    struct config_errors *errors);
/* Reads a list of maps; returns an owned array of *count elements (one for
 * each node of the list, in order, also for the faulty ones) or NULL. */
void *schema_read_list(const struct doc_node *list, const struct element_type *,
    size_t *count, struct config_errors *errors);
/* "4 MiB", "512KiB", "1 GiB", "1000000"; powers of 1024, also as KB, MB, GB
 * never: those are refused, since their meaning is disputed. */
bool size_parse(struct span, int64_t *bytes);
/* A complaint at a node. */
void doc_complain(const struct doc_node *, struct config_errors *errors,
    const char *fmt, ...) __attribute__((format(printf, 3, 4)));

#endif
