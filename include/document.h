/*
 * A YAML file as a tree in which every value and key knows its place, so that
 * a complaint can name file, line and column.
 *
 * A subset of YAML 1.1 is enough for configuration, and what is left out is
 * left out on purpose: anchors, aliases, tags, several documents in a file and
 * a key given twice are errors.
 */
#ifndef KPWATCH_DOCUMENT_H
#define KPWATCH_DOCUMENT_H

#include "bytes.h"
#include "config.h"

enum doc_kind { DOC_SCALAR, DOC_LIST, DOC_MAP };

struct doc_node {
	enum doc_kind kind;
	const char *file; /* where it stands, or "-o key=value" */
	uint32_t line;	  /* 1-based; 0: no place inside the file */
	uint32_t column;
	const char *key; /* inside a map */
	uint32_t key_line;
	uint32_t key_column;
	const char *text;	/* scalar: NUL-terminated, holds no other NUL */
	bool quoted;		/* "null" and null are kept apart */
	size_t count;		/* children */
	struct doc_node *first; /* children of a list or map, in order */
	struct doc_node *last;
	struct doc_node *next;
};

struct doc;

/*
 * Reads text (borrows) that came from `file`.  Returns owned, or NULL when it
 * is not YAML; every complaint is in *errors, also those after which a tree is
 * still given.  An empty text is an empty map.
 */
struct doc *doc_parse(const char *file, struct span text,
    struct config_errors *errors);
/* The same from a file; one that others may write to is refused. */
struct doc *doc_read(const char *path, struct config_errors *errors);
void doc_free(struct doc *);
struct doc_node *doc_root(struct doc *);
/* The value of a key; NULL when there is none or the node is no map. */
struct doc_node *doc_get(const struct doc_node *map, const char *key);
/* "", "~" and "null" without quotes. */
bool doc_null(const struct doc_node *);
/*
 * Applies "key.key=value": the value is a plain text, or YAML flow text where
 * it begins with [ { " or '.  Number segments index lists.  A map is merged
 * into the one that is there.  Complaints name "-o key=value".
 */
void doc_override(struct doc *, const char *assignment,
    struct config_errors *errors);
/*
 * NULL when only root, we ourselves or the owner of this program (or of a
 * folder above it) can write to the file; else what to do about it, owned.
 */
char *file_complaint(int fd, const char *path);

#endif
