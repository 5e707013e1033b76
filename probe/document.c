#include "document.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "limit.h"

/* Nodes and their texts live as long as the document: one arena. */
struct chunk {
	struct chunk *next;
	size_t used;
	size_t size;
	char data[] __attribute__((aligned(16)));
};

struct doc {
	struct chunk *chunks;
	struct doc_node *root;
	const char *file;
	bool placeless; /* an override has no lines */
	size_t nodes;
};

/* One open list or map while reading. */
struct level {
	struct doc_node *node;
	const char *key; /* map: key read, value awaited */
	uint32_t key_line;
	uint32_t key_column;
	bool again; /* the key stands here already */
};

struct reader {
	struct doc *doc;
	struct config_errors *errors;
	struct level levels[DOC_DEPTH_MAX];
	size_t depth;
	bool failed;
};

static void *
arena_take(struct doc *d, size_t n)
{
	struct chunk *c = d->chunks;
	size_t size = c == NULL ? 16 * KIB : 2 * c->size;
	void *p;

	/* Large enough that the C library maps chunks of their own, which go
	 * back to the system when the document does. */
	if (size > MIB)
		size = MIB;

	n = (n + 15) & ~(size_t)15;
	if (c == NULL || n > c->size - c->used) {
		if (size < n)
			size = n;
		c = xmalloc(sizeof *c + size);
		c->next = d->chunks;
		c->used = 0;
		c->size = size;
		d->chunks = c;
	}
	p = c->data + c->used;
	c->used += n;
	memset(p, 0, n);
	return p;
}

static char *
arena_text(struct doc *d, struct span s)
{
	char *p = arena_take(d, s.n + 1);

	if (s.n > 0)
		memcpy(p, s.p, s.n);
	return p;
}

static struct doc *
doc_new(const char *file)
{
	struct doc *d = xcalloc(1, sizeof *d);

	d->file = arena_text(d, span_of(file));
	return d;
}

void
doc_free(struct doc *d)
{
	struct chunk *next;

	if (d == NULL)
		return;
	for (struct chunk *c = d->chunks; c != NULL; c = next) {
		next = c->next;
		free(c);
	}
	free(d);
}

struct doc_node *
doc_root(struct doc *d)
{
	return d->root;
}

static struct doc_node *
node_new(struct doc *d, enum doc_kind kind, yaml_mark_t mark)
{
	struct doc_node *n = arena_take(d, sizeof *n);

	n->kind = kind;
	n->file = d->file;
	n->text = "";
	if (!d->placeless) {
		n->line = (uint32_t)mark.line + 1;
		n->column = (uint32_t)mark.column + 1;
	}
	d->nodes++;
	return n;
}

static void
node_append(struct doc_node *parent, struct doc_node *child)
{
	if (parent->last == NULL)
		parent->first = child;
	else
		parent->last->next = child;
	parent->last = child;
	parent->count++;
}

struct doc_node *
doc_get(const struct doc_node *map, const char *key)
{
	if (map == NULL || map->kind != DOC_MAP)
		return NULL;
	for (struct doc_node *n = map->first; n != NULL; n = n->next)
		if (strcmp(n->key, key) == 0)
			return n;
	return NULL;
}

bool
doc_null(const struct doc_node *n)
{
	return n->kind == DOC_SCALAR && !n->quoted &&
	    (n->text[0] == '\0' || strcmp(n->text, "~") == 0 ||
		strcmp(n->text, "null") == 0);
}

/* Reading goes on after a complaint, so that all of them are found. */
static void
complain(struct reader *r, yaml_mark_t mark, const char *what)
{
	uint32_t line = (uint32_t)mark.line + 1;
	uint32_t column = (uint32_t)mark.column + 1;

	if (r->doc->placeless)
		line = column = 0;
	config_errors_add(r->errors, r->doc->file, line, column, "%s", what);
}

/* The same, and what follows cannot be trusted. */
static void
give_up(struct reader *r, yaml_mark_t mark, const char *what)
{
	complain(r, mark, what);
	r->failed = true;
}

/* Puts a value where the innermost open list or map expects one. */
static void
place(struct reader *r, struct doc_node *n, yaml_mark_t mark)
{
	struct level *l;

	if (r->depth == 0) {
		r->doc->root = n;
		return;
	}
	l = &r->levels[r->depth - 1];
	if (l->node->kind == DOC_MAP) {
		n->key = l->key;
		n->key_line = l->key_line;
		n->key_column = l->key_column;
		l->key = NULL;
		/* Read for its mistakes, but the first value stays. */
		if (l->again)
			return;
		if (l->node->count >= DOC_KEYS_MAX) {
			give_up(r, mark, "too many keys in one map");
			return;
		}
	}
	node_append(l->node, n);
}

static void
open_level(struct reader *r, enum doc_kind kind, yaml_mark_t mark)
{
	struct doc_node *n;
	struct level *l = r->depth == 0 ? NULL : &r->levels[r->depth - 1];

	if (l != NULL && l->node->kind == DOC_MAP && l->key == NULL) {
		give_up(r, mark, "a key must be a plain text");
		return;
	}
	if (r->depth == DOC_DEPTH_MAX) {
		give_up(r, mark, "nested too deeply");
		return;
	}
	n = node_new(r->doc, kind, mark);
	place(r, n, mark);
	r->levels[r->depth++] = (struct level){.node = n};
}

/* The parser stops at what it cannot read; a key given twice is only noted. */
static void
take_key(struct reader *r, struct level *l, struct span text, yaml_mark_t mark)
{
	const struct doc_node *old;

	l->key = arena_text(r->doc, text);
	l->key_line = r->doc->placeless ? 0 : (uint32_t)mark.line + 1;
	l->key_column = r->doc->placeless ? 0 : (uint32_t)mark.column + 1;
	old = doc_get(l->node, l->key);
	l->again = old != NULL;
	if (old == NULL)
		return;
	config_errors_add(r->errors, r->doc->file, l->key_line, l->key_column,
	    "key '%s' is given twice; the first is on line %u", l->key,
	    old->key_line);
}

static void
scalar(struct reader *r, const yaml_event_t *e)
{
	struct span text = {(const char *)e->data.scalar.value,
	    e->data.scalar.length};
	struct level *l = r->depth == 0 ? NULL : &r->levels[r->depth - 1];
	struct doc_node *n;

	if (e->data.scalar.anchor != NULL || e->data.scalar.tag != NULL)
		complain(r, e->start_mark,
		    "anchors and tags are not used here");
	if (memchr(text.p, '\0', text.n) != NULL)
		complain(r, e->start_mark, "a NUL character in a text");
	if (l != NULL && l->node->kind == DOC_MAP && l->key == NULL) {
		take_key(r, l, text, e->start_mark);
		return;
	}
	n = node_new(r->doc, DOC_SCALAR, e->start_mark);
	n->text = arena_text(r->doc, text);
	n->quoted = e->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
	place(r, n, e->start_mark);
}

static void
handle(struct reader *r, const yaml_event_t *e)
{
	switch (e->type) {
	case YAML_SCALAR_EVENT:
		scalar(r, e);
		break;
	case YAML_SEQUENCE_START_EVENT:
	case YAML_MAPPING_START_EVENT:
		if (e->data.mapping_start.anchor != NULL ||
		    e->data.mapping_start.tag != NULL)
			complain(r, e->start_mark,
			    "anchors and tags are not used here");
		open_level(r,
		    e->type == YAML_MAPPING_START_EVENT ? DOC_MAP : DOC_LIST,
		    e->start_mark);
		break;
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		r->depth--;
		break;
	case YAML_ALIAS_EVENT:
		give_up(r, e->start_mark, "aliases are not used here");
		break;
	case YAML_DOCUMENT_START_EVENT:
		if (r->doc->root != NULL)
			give_up(r, e->start_mark,
			    "only one document in a file");
		break;
	default:
		break;
	}
	if (r->doc->nodes > DOC_NODES_MAX)
		give_up(r, e->start_mark, "the file is too large");
}

static void
syntax_error(struct reader *r, const yaml_parser_t *p)
{
	yaml_mark_t mark = p->problem_mark;
	const char *problem = p->problem == NULL ? "not readable" : p->problem;
	char *text;

	/* Bad characters are reported by byte offset, before any mark. */
	if (p->error == YAML_READER_ERROR)
		mark = p->mark;
	text = xasprintf("not YAML: %s%s%s", problem,
	    p->context == NULL ? "" : " ",
	    p->context == NULL ? "" : p->context);
	give_up(r, mark, text);
	free(text);
}

static void
read_events(struct reader *r, struct span text)
{
	yaml_parser_t parser;
	yaml_event_t event;
	bool end = false;

	if (!yaml_parser_initialize(&parser)) {
		give_up(r, (yaml_mark_t){0, 0, 0}, "out of memory");
		return;
	}
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&parser, (const unsigned char *)text.p,
	    text.n);
	while (!end && !r->failed) {
		if (!yaml_parser_parse(&parser, &event)) {
			syntax_error(r, &parser);
			break;
		}
		end = event.type == YAML_STREAM_END_EVENT;
		handle(r, &event);
		yaml_event_delete(&event);
	}
	yaml_parser_delete(&parser);
}

static struct doc *
parse_into(struct doc *d, struct span text, struct config_errors *errors)
{
	struct reader r = {.doc = d, .errors = errors};

	if (text.p == NULL)
		text.p = "";
	read_events(&r, text);
	if (r.failed) {
		doc_free(d);
		return NULL;
	}
	if (d->root == NULL || doc_null(d->root))
		d->root = node_new(d, DOC_MAP, (yaml_mark_t){0, 0, 0});
	return d;
}

struct doc *
doc_parse(const char *file, struct span text, struct config_errors *errors)
{
	return parse_into(doc_new(file), text, errors);
}

/* The node that a key names, made when absent; NULL when it cannot be. */
static struct doc_node *
step(struct doc *d, const char *who, struct doc_node *at, struct span key)
{
	char *name = arena_text(d, key);
	struct doc_node *n;
	uint64_t index;

	if (at->kind == DOC_LIST) {
		if (!span_u64(key, &index) || index >= at->count)
			return NULL;
		for (n = at->first; index > 0; index--)
			n = n->next;
		return n;
	}
	if (doc_null(at))
		at->kind = DOC_MAP;
	if (at->kind != DOC_MAP || key.n == 0)
		return NULL;
	n = doc_get(at, name);
	if (n != NULL)
		return n;
	n = node_new(d, DOC_SCALAR, (yaml_mark_t){0, 0, 0});
	*n = (struct doc_node){.file = who, .text = "", .key = name};
	node_append(at, n);
	return n;
}

static void
replace(struct doc_node *at, const struct doc_node *value)
{
	struct doc_node old = *at;

	*at = *value;
	at->next = old.next;
	at->key = old.key;
}

static void
assign(struct doc *d, struct doc_node *at, const struct doc_node *value)
{
	if (at->kind != DOC_MAP || value->kind != DOC_MAP) {
		replace(at, value);
		return;
	}
	for (const struct doc_node *n = value->first; n != NULL; n = n->next)
		replace(step(d, n->file, at, span_of(n->key)), n);
}

/* The value is parsed into the arena of the document that it changes. */
static struct doc_node *
override_value(struct doc *d, const char *name, struct span text,
    struct config_errors *errors)
{
	struct doc tmp = *d;
	struct reader r = {.doc = &tmp, .errors = errors};
	struct doc_node *n = NULL;

	tmp.file = name;
	tmp.placeless = true;
	tmp.root = NULL;
	if (text.n > 0 && strchr("[{\"'", text.p[0]) != NULL) {
		read_events(&r, text);
		n = r.failed ? NULL : tmp.root;
	} else {
		n = node_new(&tmp, DOC_SCALAR, (yaml_mark_t){0, 0, 0});
		n->text = arena_text(&tmp, text);
	}
	d->chunks = tmp.chunks;
	d->nodes = tmp.nodes;
	return n;
}

void
doc_override(struct doc *d, const char *assignment,
    struct config_errors *errors)
{
	struct span value = span_of(assignment);
	struct span path = span_token(&value, '=');
	struct doc_node *at = d->root;
	struct doc_node *n;
	char *name = arena_take(d, strlen(assignment) + 4);

	memcpy(name, "-o ", 4);
	memcpy(name + 3, assignment, strlen(assignment) + 1);
	if (value.p == NULL || path.n == 0) {
		config_errors_add(errors, name, 0, 0, "must be key=value");
		return;
	}
	n = override_value(d, name, value, errors);
	while (n != NULL && at != NULL && path.p != NULL)
		at = step(d, name, at, span_token(&path, '.'));
	if (n == NULL)
		return;
	if (at == NULL)
		config_errors_add(errors, name, 0, 0, "there is no such key");
	else
		assign(d, at, n);
}
