/* The path of a URL, and the drive letters in those of files. */
#include "url_builder.h"

bool
url_is_drive(struct span s)
{
	return s.n == 2 && ascii_alpha(s.p[0]) &&
	    (s.p[1] == ':' || s.p[1] == '|');
}

bool
url_drive_first(struct span s)
{
	if (s.n < 2 || !url_is_drive(span_slice(s, 0, 2)))
		return false;
	return s.n == 2 || s.p[2] == '/' || s.p[2] == '\\' || s.p[2] == '?' ||
	    s.p[2] == '#';
}

static void
shorten_path(struct url_builder *b)
{
	struct span path = buf_span(b->path);

	if (b->file && path.n == 3 && url_is_drive(span_slice(path, 1, 2)) &&
	    path.p[2] == ':')
		return;
	if (path.n > 0)
		b->path->len = span_find_last(path, '/');
}

static bool
is_dot(struct span s)
{
	return span_is(s, ".") || span_is_i(s, "%2e");
}

static bool
is_double_dot(struct span s)
{
	return span_is(s, "..") || span_is_i(s, ".%2e") ||
	    span_is_i(s, "%2e.") || span_is_i(s, "%2e%2e");
}

void
url_path(struct url_builder *b)
{
	bool last;

	do {
		size_t n = url_part_length(b);
		struct span seg = span_slice(b->in, 0, n);

		last = !url_slash_at(b, n);
		b->in = span_slice(b->in, last ? n : n + 1, b->in.n);
		if (is_double_dot(seg)) {
			shorten_path(b);
			if (last)
				buf_add_char(b->path, '/');
		} else if (is_dot(seg)) {
			if (last)
				buf_add_char(b->path, '/');
		} else {
			bool drive =
			    b->file && b->path->len == 0 && url_is_drive(seg);

			buf_add_char(b->path, '/');
			url_encode(b->path, seg, SET_PATH | SET_C0);
			if (drive && !b->path->overflow)
				b->path->data[b->path->len - 1] = ':';
		}
	} while (!last);
}

void
url_path_start(struct url_builder *b)
{
	if (url_slash_at(b, 0))
		b->in = span_slice(b->in, 1, b->in.n);
	else if (!b->special &&
	    (b->in.n == 0 || b->in.p[0] == '?' || b->in.p[0] == '#'))
		return;
	url_path(b);
}

void
url_path_opaque(struct url_builder *b)
{
	size_t n = 0;

	while (n < b->in.n && b->in.p[n] != '?' && b->in.p[n] != '#')
		n++;
	struct span path = span_slice(b->in, 0, n);
	size_t keep = path.n;

	b->in = span_slice(b->in, n, b->in.n);
	/* A space that ends the path before ? or # is encoded, so that the
	 * serialised form reads back alike. */
	if (keep > 0 && path.p[keep - 1] == ' ' && b->in.n > 0)
		keep--;
	url_encode(b->path, span_slice(path, 0, keep), SET_C0);
	if (keep < path.n)
		buf_add(b->path, "%20", 3);
	b->url->opaque_path = true;
}

void
url_path_relative(struct url_builder *b)
{
	buf_add_span(b->path, b->base->path);
	if (b->in.n == 0 || b->in.p[0] == '#') {
		b->has_query = b->base->query.p != NULL;
		b->query = b->base->query;
		b->query_encoded = true;
	} else if (b->in.p[0] != '?') {
		shorten_path(b);
		url_path(b);
	}
}
