#include "warc_index.h"

#include <stdlib.h>
#include <string.h>

#include "cdxj.h"
#include "http.h"
#include "log.h"

static bool
is_indexed(enum warc_type type)
{
	return type == WARC_RESPONSE || type == WARC_REVISIT ||
	    type == WARC_RESOURCE;
}

void
warc_index_record(const struct warc_record *rec, struct span block,
    struct span file, uint64_t length, struct buf *lines)
{
	struct http_head head = HTTP_HEAD_INIT;
	struct cdxj_entry e = {.uri = rec->uri,
	    .date = rec->date,
	    .digest = warc_field(rec, "WARC-Payload-Digest"),
	    .offset = rec->offset,
	    .length = length,
	    .file = file};
	struct span media = rec->content_type;
	size_t end = http_head_end(block, 0);

	if (!is_indexed(rec->type))
		return;
	if (rec->type != WARC_RESOURCE && end > 0 &&
	    http_parse_response(&head, span_slice(block, 0, end))) {
		e.status = head.status;
		media = http_field(&head, "Content-Type");
	}
	media.n = span_find(media, ';');
	e.mime = rec->type == WARC_REVISIT ? SPAN("warc/revisit")
	    : media.n > 0		   ? span_trim(media)
					   : SPAN("unk");
	cdxj_line(&e, lines);
	http_head_release(&head);
}

/* ---- compared ---- */

/* A line that the other side does not have, or is not known to have yet. */
struct index_line {
	struct span text;
	uint64_t number; /* in its file, from 1 */
	struct cdxj_entry e;
};

struct index_side {
	struct index_line *list;
	size_t n;
};

struct index_check {
	struct index_side index, made;
	struct fault_sink faults;
};

static void
say_broken(const struct index_check *c, uint64_t line)
{
	fault_say(&c->faults, line,
	    "this is no line of an index, or only a piece of one");
}

/* Lines too short to be one take no room: there may be very many. */
static void
side_fill(const struct index_check *c, struct index_side *s, struct span text)
{
	uint64_t number = 0;
	size_t cap = 0;
	struct span line;

	while (text.p != NULL) {
		line = span_token(&text, '\n');
		number++;
		if (line.n == 0 && text.p == NULL)
			break;
		if (line.n < WARC_INDEX_LINE_LEAST) {
			if (s == &c->index) /* the others are ours */
				say_broken(c, number);
			continue;
		}
		s->list = xgrow(s->list, &cap, s->n + 1, sizeof *s->list);
		s->list[s->n++] =
		    (struct index_line){.text = line, .number = number};
	}
}

static int
by_text(const void *a, const void *b)
{
	const struct index_line *x = a, *y = b;
	int order = span_cmp(x->text, y->text);

	if (order != 0)
		return order;
	return x->number < y->number ? -1 : x->number > y->number;
}

static int
offset_cmp(const struct index_line *x, const struct index_line *y)
{
	return x->e.offset < y->e.offset ? -1 : x->e.offset > y->e.offset;
}

static int
by_offset(const void *a, const void *b)
{
	const struct index_line *x = a, *y = b;
	int order = offset_cmp(x, y);

	return order != 0 ? order : by_text(a, b);
}

/* What a line says of its record beside the place. */
static int
head_cmp(const struct index_line *x, const struct index_line *y)
{
	struct span a = x->text, b = y->text;

	a.n = span_search(a, "\"offset\":");
	b.n = span_search(b, "\"offset\":");
	return span_cmp(a, b);
}

static void
side_sort(struct index_side *s, int (*order)(const void *, const void *))
{
	if (s->n > 0)
		qsort(s->list, s->n, sizeof *s->list, order);
}

/* Takes away each pair of lines that are alike, of two sides that are in that
 * order, once `found` was told of it. */
static void
pair_off(struct index_check *c,
    int (*cmp)(const struct index_line *, const struct index_line *),
    void (*found)(const struct index_check *, const struct index_line *,
	const struct index_line *))
{
	struct index_side *a = &c->index, *b = &c->made;
	size_t i = 0, j = 0, na = 0, nb = 0;
	int order;

	while (i < a->n || j < b->n) {
		order = i == a->n ? 1
		    : j == b->n	  ? -1
				  : cmp(&a->list[i], &b->list[j]);
		if (order == 0) {
			if (found != NULL)
				found(c, &a->list[i], &b->list[j]);
			i++;
			j++;
		} else if (order < 0) {
			a->list[na++] = a->list[i++];
		} else {
			b->list[nb++] = b->list[j++];
		}
	}
	a->n = na;
	b->n = nb;
}

static int
text_cmp(const struct index_line *x, const struct index_line *y)
{
	return span_cmp(x->text, y->text);
}

/* Reads what is left; a line that cannot be is told. */
static void
parse_left(const struct index_check *c, struct index_side *s, bool made)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++) {
		if (cdxj_parse(s->list[i].text, &s->list[i].e))
			s->list[n++] = s->list[i];
		else if (made)
			fault_say(&c->faults, 0,
			    "no line for a record without a date");
		else
			say_broken(c, s->list[i].number);
	}
	s->n = n;
}

static void
add_word(struct buf *b, const char *word)
{
	buf_addf(b, "%s%s", b->len > 0 ? ", " : "", word);
}

/* Two lines of the same place: what is not alike?  Of a record whose header
 * cannot be read the writer knew more. */
static void
say_changed(const struct index_check *c, const struct index_line *is,
    const struct index_line *was)
{
	const struct cdxj_entry *a = &is->e, *b = &was->e;
	bool unread = b->status == 0 && a->status != 0;
	struct buf what = BUF_INIT(256);

	if (!span_eq(a->uri, b->uri))
		add_word(&what, "url");
	if (a->date != b->date)
		add_word(&what, "date");
	if (!unread && !span_eq(a->mime, b->mime))
		add_word(&what, "mime");
	if (!unread && a->status != b->status)
		add_word(&what, "status");
	if (!span_eq(a->digest, b->digest))
		add_word(&what, "digest");
	if (a->length != b->length)
		add_word(&what, "length");
	if (!span_eq(a->file, b->file))
		add_word(&what, "filename");
	if (what.len > 0)
		fault_say(&c->faults, is->number,
		    "its %s is not what the record at %llu of the archive says",
		    buf_str(&what), (unsigned long long)a->offset);
	else if (!unread)
		fault_say(&c->faults, is->number,
		    "its key or form is not that of the record at %llu of the "
		    "archive, or an older version wrote it so",
		    (unsigned long long)a->offset);
	buf_release(&what);
}

static void
say_moved(const struct index_check *c, const struct index_line *is,
    const struct index_line *was)
{
	fault_say(&c->faults, is->number,
	    "its offset is %llu, and the record is at %llu of the archive",
	    (unsigned long long)is->e.offset,
	    (unsigned long long)was->e.offset);
}

/* Where the last record begins that the index has. */
static uint64_t
last_indexed(struct span index)
{
	struct cdxj_entry e;
	uint64_t last = 0;

	while (index.p != NULL)
		if (cdxj_parse(span_token(&index, '\n'), &e) && e.offset > last)
			last = e.offset;
	return last;
}

static size_t
say_left(const struct index_check *c, uint64_t last, uint64_t end)
{
	size_t lag = 0;

	for (size_t i = 0; i < c->index.n; i++)
		if (c->index.list[i].e.offset < end)
			fault_say(&c->faults, c->index.list[i].number,
			    "the archive has no such record at %llu, or "
			    "another line says the same",
			    (unsigned long long)c->index.list[i].e.offset);
	for (size_t i = 0; i < c->made.n; i++) {
		if (c->made.list[i].e.offset > last)
			lag++;
		else
			fault_say(&c->faults, 0,
			    "no line for the record at %llu of the archive",
			    (unsigned long long)c->made.list[i].e.offset);
	}
	return lag;
}

size_t
warc_index_check(struct span index, struct span made, uint64_t end, bool open,
    fault_fn *fault, void *arg)
{
	struct index_check c = {.faults = {fault, arg}};
	size_t lag;

	side_fill(&c, &c.index, index);
	side_fill(&c, &c.made, made);
	side_sort(&c.index, by_text);
	side_sort(&c.made, by_text);
	pair_off(&c, text_cmp, NULL);
	parse_left(&c, &c.index, false);
	parse_left(&c, &c.made, true);
	side_sort(&c.index, by_offset);
	side_sort(&c.made, by_offset);
	pair_off(&c, offset_cmp, say_changed);
	side_sort(&c.index, by_text);
	side_sort(&c.made, by_text);
	pair_off(&c, head_cmp, say_moved);
	lag = say_left(&c, open ? last_indexed(index) : UINT64_MAX, end);
	free(c.index.list);
	free(c.made.list);
	return lag;
}
