/*
 * What the readers of the parts of platforms.yaml share.  Only rules_load.c,
 * rules_kit.c and rules_platform.c include this; all others go by rules.h.
 */
#ifndef KPWATCH_RULES_LOADER_H
#define KPWATCH_RULES_LOADER_H

#include "document.h"
#include "rules_table.h"

struct loader {
	struct rules *r;
	struct config_errors *errors;
	const struct doc_node *reserved;   /* on every platform; or NULL */
	const struct doc_node *subdomains; /* the same */
};

/* The text under a key of a map, or NULL: none, null, or no text. */
static inline const char *
text_at(const struct doc_node *map, const char *key)
{
	const struct doc_node *n = doc_get(map, key);

	return n == NULL || n->kind != DOC_SCALAR || doc_null(n) ? NULL
								 : n->text;
}

static inline bool
true_at(const struct doc_node *map, const char *key)
{
	const char *t = text_at(map, key);

	return t != NULL && strcmp(t, "true") == 0;
}

/* Complains about keys that are not in the NULL-terminated list. */
void loader_check_keys(struct loader *, const struct doc_node *map,
    const char *const *known);
/* First child of a map or list that must be one; NULL after a complaint, or
 * when there is none. */
const struct doc_node *loader_children(struct loader *, const struct doc_node *,
    enum doc_kind);
/* Adds a list of texts to r->words: where they begin and how many. */
void loader_add_words(struct loader *, const struct doc_node *list,
    uint32_t *first, uint32_t *count);
/* The same for one list, or two (NULL is none), as one sorted run. */
void loader_add_sorted(struct loader *, const struct doc_node *list,
    const struct doc_node *more, uint32_t *first, uint32_t *count);
/* Adds a list of host names with HOST_ flags. */
void loader_add_hosts(struct loader *, const struct doc_node *list,
    uint32_t platform, unsigned flags);
/* Adds a line of the self-test: what the URL must give; `platform` NULL for
 * nothing, `name` NULL for none.  Texts are copied. */
void loader_add_test(struct loader *, const struct doc_node *at,
    const char *url, const char *platform, enum sighting_kind,
    const char *name);
/* The same of something that is found on a page: its 'test' and 'gives'; it is
 * a mistake if there is none. */
void loader_page_test(struct loader *, const struct doc_node *,
    const char *what);
/* One entry of `kits`. */
void loader_add_kit(struct loader *, const struct doc_node *);
/* One entry of `platforms`. */
void loader_add_platform(struct loader *, const struct doc_node *);

#endif
