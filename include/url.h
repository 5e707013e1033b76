/*
 * URLs as the WHATWG URL standard (url.spec.whatwg.org) reads and writes
 * them: what a browser would make of an address on a page.
 *
 * The special schemes (http, https, ws, wss, ftp, file) and generic ones are
 * parsed alike to the standard; IDNA is nontransitional UTS 46 by libidn2;
 * registrable domains are those of libpsl's built-in list, so that nothing
 * here opens a file.
 */
#ifndef KPWATCH_URL_H
#define KPWATCH_URL_H

#include "bytes.h"

enum url_host_kind {
	URL_HOST_NONE,	 /* no host at all: "mailto:x" */
	URL_HOST_EMPTY,	 /* "file:///x" */
	URL_HOST_DOMAIN, /* ASCII (A-label) form, lower case */
	URL_HOST_IPV4,	 /* dotted decimal, whatever was written */
	URL_HOST_IPV6,	 /* compressed, in brackets */
	URL_HOST_OPAQUE, /* of a scheme that is not special */
};

/*
 * One parsed URL.  It owns its serialised form (`href`); the components are
 * spans into it and are good until the next url_parse() into it or
 * url_release().  A component that is absent has p NULL; an empty one
 * has n 0.  A struct url may be parsed into again and again: its memory is
 * reused.
 */
struct url {
	struct buf href;    /* whole serialisation */
	struct span scheme; /* "http", without the colon */
	struct span username;
	struct span password;
	struct span host;
	struct span path;     /* "/a/b", or the opaque path "x@y" */
	struct span query;    /* without "?"; p NULL when there is none */
	struct span fragment; /* without "#"; p NULL when there is none */
	int32_t port;	      /* -1: none, or the scheme's default */
	enum url_host_kind host_kind;
	bool special;
	bool opaque_path;
	struct buf work;  /* private: path under construction */
	struct buf clean; /* private: input without tabs and newlines */
};

void url_init(struct url *);
void url_release(struct url *);
/*
 * Parses `input` against `base` (may be NULL; must not be the same object).
 * False when the standard says failure, or when input or result would be
 * longer than URL_MAX_LEN; *url is then empty.  Bytes that are not UTF-8 are
 * read as U+FFFD.
 */
bool url_parse(struct url *, struct span input, const struct url *base);
/* True for http and https. */
bool url_is_http(const struct url *);
/* Port in effect: the given one or the scheme's default; 0 when there is
 * none. */
uint16_t url_port(const struct url *);
/* "http://host:port" into *out (the ASCII origin), "null" for others. */
void url_origin(const struct url *, struct buf *out);
/* Resolves and serialises in one go.  Returns owned, or NULL. */
char *url_resolve(struct span input, const struct url *base);

/*
 * Registrable domain ("example.co.kr") of a host name or of a URL's host:
 * a span into the argument.  An address, a public suffix itself or a
 * single label is its own site.
 */
struct span host_site(struct span host);
struct span url_site(const struct url *);
/* Both have a host and the same registrable domain (scheme and port do not
 * count). */
bool url_same_site(const struct url *, const struct url *);
/* True when the host is a name under a suffix of the public suffix list's
 * ICANN part, that is, could be registered by somebody. */
bool host_is_public_suffix(struct span host);

/*
 * Host parser of the standard: appends the serialised form of `host` to *out.
 * `special` is that of the scheme.  Returns the kind, or URL_HOST_NONE on
 * failure.
 */
enum url_host_kind host_parse(struct span host, bool special, struct buf *out);

/* Percent-decodes into *out, "%zz" left as it stands. */
void percent_decode(struct span, struct buf *out);
/* The same with "+" as space: application/x-www-form-urlencoded. */
void form_decode(struct span, struct buf *out);

/* Walks "a=1&b=2": cuts the next pair off *rest; false at the end.  Name and
 * value are still encoded (borrow from rest); a missing value has n 0. */
bool query_next(struct span *rest, struct span *name, struct span *value);

#endif
