#include "outline.h"

#include <stdlib.h>
#include <string.h>

#include "limit.h"

/* Elements by what closes them. */
enum group {
	GROUP_BLOCK,
	GROUP_INLINE,
	GROUP_NONE, /* never open for long: no content, raw text, links */
	GROUP_RAW,
	GROUP_P,
	GROUP_LI,
	GROUP_LIST,
	GROUP_DT,
	GROUP_DL,
	GROUP_CELL,
	GROUP_ROW,
	GROUP_TABLE
};

static const struct {
	const char *name;
	enum group group;
} groups[] = {{"div", GROUP_BLOCK}, {"a", GROUP_NONE}, {"span", GROUP_INLINE},
    {"li", GROUP_LI}, {"p", GROUP_P}, {"img", GROUP_NONE}, {"i", GROUP_INLINE},
    {"ul", GROUP_LIST}, {"br", GROUP_NONE}, {"td", GROUP_CELL},
    {"tr", GROUP_ROW}, {"script", GROUP_RAW}, {"b", GROUP_INLINE},
    {"strong", GROUP_INLINE}, {"em", GROUP_INLINE}, {"font", GROUP_INLINE},
    {"small", GROUP_INLINE}, {"u", GROUP_INLINE}, {"s", GROUP_INLINE},
    {"label", GROUP_INLINE}, {"abbr", GROUP_INLINE}, {"ins", GROUP_INLINE},
    {"sup", GROUP_INLINE}, {"sub", GROUP_INLINE}, {"time", GROUP_INLINE},
    {"svg", GROUP_INLINE}, {"path", GROUP_NONE}, {"use", GROUP_NONE},
    {"input", GROUP_NONE}, {"hr", GROUP_NONE}, {"meta", GROUP_NONE},
    {"link", GROUP_NONE}, {"area", GROUP_NONE}, {"base", GROUP_NONE},
    {"col", GROUP_NONE}, {"embed", GROUP_NONE}, {"param", GROUP_NONE},
    {"source", GROUP_NONE}, {"track", GROUP_NONE}, {"wbr", GROUP_NONE},
    {"option", GROUP_NONE}, {"ol", GROUP_LIST}, {"dl", GROUP_DL},
    {"dt", GROUP_DT}, {"dd", GROUP_DT}, {"th", GROUP_CELL},
    {"table", GROUP_TABLE}, {"style", GROUP_RAW}, {"title", GROUP_RAW},
    {"textarea", GROUP_RAW}, {"iframe", GROUP_RAW}, {"noframes", GROUP_RAW},
    {"noembed", GROUP_RAW}, {"xmp", GROUP_RAW}};

static enum group
group_of(const struct outline *o)
{
	for (size_t i = 0; i < ARRAY_LEN(groups); i++)
		if (o->keys[i] == o->token.key &&
		    o->token.name.n == strlen(groups[i].name))
			return groups[i].group;
	return GROUP_BLOCK;
}

/* Does a search for an element of the group to be closed end here? */
static bool
bounds(enum group group, enum group open)
{
	switch (group) {
	case GROUP_LI:
		return open == GROUP_LIST || open == GROUP_CELL;
	case GROUP_DT:
		return open == GROUP_DL || open == GROUP_CELL;
	case GROUP_CELL:
		return open == GROUP_ROW || open == GROUP_TABLE;
	case GROUP_ROW:
		return open == GROUP_TABLE;
	default:
		return open != GROUP_INLINE;
	}
}

/* The last open element of the group closes, if it is near enough.  A cell
 * or row that is in no table that is known ends one around all that is. */
static void
close_group(struct outline *o, enum group group)
{
	for (size_t i = o->n; i > 0; i--) {
		enum group open = (enum group)o->open[i - 1].group;

		if (open == group) {
			o->n = i - 1;
			return;
		}
		if (bounds(group, open))
			return;
	}
	if (group == GROUP_CELL || group == GROUP_ROW)
		o->n = 0;
}

static void
push(struct outline *o, enum group group, uint64_t offset)
{
	struct open_element *e;

	if (o->n == OUTLINE_DEPTH) {
		o->n--;
		memmove(o->open, o->open + 1, o->n * sizeof(*o->open));
	}
	e = &o->open[o->n++];
	e->key = o->token.key;
	e->offset = offset;
	e->group = (uint8_t)group;
	e->mark = o->mark == NULL || o->token.nattrs == 0
	    ? 0
	    : o->mark(o->arg, &o->token);
}

static void
start_tag(struct outline *o, size_t from)
{
	enum group group = group_of(o);

	o->raw = group == GROUP_RAW;
	if (group == GROUP_NONE || group == GROUP_RAW || o->token.self_closing)
		return;
	if (group != GROUP_INLINE)
		close_group(o, GROUP_P);
	if (group == GROUP_LI || group == GROUP_DT || group == GROUP_CELL ||
	    group == GROUP_ROW)
		close_group(o, group);
	push(o, group, from + o->token.offset);
}

/* The end of an inline element closes none through a block, that of a block
 * which is not known to be open may be of one around all that is. */
static void
end_tag(struct outline *o)
{
	enum group group = group_of(o);

	if (group == GROUP_RAW && o->unsure && !o->raw)
		o->n = 0;
	if (group == GROUP_NONE || group == GROUP_RAW)
		return;
	for (size_t i = o->n; i > 0; i--) {
		if (o->open[i - 1].key == o->token.key) {
			o->n = i - 1;
			return;
		}
		if (group == GROUP_INLINE &&
		    o->open[i - 1].group != GROUP_INLINE)
			return;
	}
	if (group != GROUP_INLINE && group != GROUP_P)
		o->n = 0;
}

/* The tags of a part of the page, the end of which a tag begins. */
static void
read_tags(struct outline *o, size_t from, size_t to)
{
	html_tokens_init(&o->tokens, span_slice(o->in, from, to - from));
	for (;;) {
		o->tokens.skip_text = !o->unsure;
		switch (html_next(&o->tokens, &o->token)) {
		case HTML_START:
			start_tag(o, from);
			break;
		case HTML_END:
			end_tag(o);
			break;
		case HTML_TEXT: /* of a comment that began before? */
			if (o->unsure &&
			    span_search(o->token.data, "-->") < o->token.data.n)
				o->n = 0;
			break;
		case HTML_COMMENT:
		case HTML_DOCTYPE:
			break;
		case HTML_EOF:
			return;
		}
	}
}

void
outline_init(struct outline *o, struct span page, outline_mark *mark, void *arg)
{
	o->in = page;
	o->mark = mark;
	o->arg = arg;
	o->at = 0;
	o->unsure = o->raw = false;
	o->n = 0;
	o->keys = xreallocarray(NULL, ARRAY_LEN(groups), sizeof(*o->keys));
	for (size_t i = 0; i < ARRAY_LEN(groups); i++)
		o->keys[i] = span_key(span_of(groups[i].name));
}

void
outline_release(struct outline *o)
{
	free(o->keys);
}

void
outline_look(struct outline *o, uint64_t offset, uint64_t from, bool sure)
{
	size_t to = offset < o->in.n ? (size_t)offset : o->in.n;

	if (to <= o->at)
		return;
	if (from > o->at) {
		o->n = 0;
		o->at = from < to ? (size_t)from : to;
		o->unsure = !sure;
		o->raw = false;
	}
	read_tags(o, o->at, to);
	o->unsure = false;
	o->at = to;
}
