/*
 * A URL under construction: what the files of the parser share.  Nobody else
 * includes it.
 */
#ifndef KPWATCH_URL_BUILDER_H
#define KPWATCH_URL_BUILDER_H

#include "url.h"

/* Percent-encode sets of the standard, one bit each in set_of[]. */
enum {
	SET_FRAGMENT = 1,
	SET_QUERY = 2,
	SET_SPECIAL_QUERY = 4,
	SET_PATH = 8,
	SET_USERINFO = 16,
	SET_C0 = 32,
};

/* A scheme that the standard calls special. */
struct url_scheme {
	const char *name;
	int32_t port; /* -1: none */
};

/* Parts that are not yet in href. */
struct url_builder {
	struct url *url;
	struct span in; /* what is left of the input */
	const struct url *base;
	char scheme[32];
	size_t scheme_len;
	bool special;
	bool file;
	struct span query; /* as written, or from the base when encoded */
	bool has_query;
	bool query_encoded;
	struct buf *path;
};

/* Offsets into href, made spans at the end when it no longer moves. */
struct url_marks {
	size_t user, user_n, pass, pass_n, host, host_n;
};

/* Appends with the bytes of the sets, and all beyond ASCII, percent-encoded;
 * bad UTF-8 becomes the three bytes of U+FFFD, as the standard's decoder would
 * have made it. */
void url_encode(struct buf *out, struct span, unsigned set);
/* NULL: the scheme is not special. */
const struct url_scheme *url_scheme(const char *name, size_t n);

/* Is this byte of the input a slash, or taken for one? */
INLINE bool
url_slash_at(const struct url_builder *b, size_t at)
{
	return at < b->in.n &&
	    (b->in.p[at] == '/' || (b->special && b->in.p[at] == '\\'));
}

/* Length of the input up to the next slash, "?" or "#". */
size_t url_part_length(const struct url_builder *);

/* Behind the slashes: user, host and port onto href; false: there is no such
 * host or port. */
bool url_authority(struct url_builder *, struct url_marks *);
/* The same from the base. */
void url_authority_copy(struct url_builder *, struct url_marks *);

/* "C:" or "C|", and such a thing at the start, followed by the end, a slash,
 * "?" or "#". */
bool url_is_drive(struct span);
bool url_drive_first(struct span);
/* Path state: segments of the input up to "?" or "#" onto the path. */
void url_path(struct url_builder *);
/* Path start state: one slash is the separator, not a segment. */
void url_path_start(struct url_builder *);
void url_path_opaque(struct url_builder *);
/* Relative state, after the slashes were looked at. */
void url_path_relative(struct url_builder *);

#endif
