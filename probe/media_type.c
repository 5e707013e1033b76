/* What the bytes are: the header, or WHATWG MIME sniffing in short. */
#include "analysis.h"

#include <stdlib.h>
#include <string.h>

static const struct {
	const char *bytes;
	size_t n;
	const char *type;
} magics[] = {{"%PDF-", 5, "application/pdf"}, {"\x89PNG", 4, "image/png"},
    {"GIF8", 4, "image/gif"}, {"\xff\xd8\xff", 3, "image/jpeg"},
    {"PK\x03\x04", 4, "application/zip"},
    {"\x1f\x8b\x08", 3, "application/gzip"},
    {"Rar!", 4, "application/x-rar-compressed"}, {"{", 1, "application/json"},
    {"[", 1, "application/json"}};

static char *
essence(struct span content_type)
{
	struct span s = span_trim(
	    span_slice(content_type, 0, span_find(content_type, ';')));
	char *type;

	s = span_trim(span_slice(s, 0, span_find(s, ',')));
	if (s.n == 0 || s.n > 100 || span_find(s, '/') == s.n ||
	    span_is_i(s, "*/*"))
		return NULL;
	type = span_dup(s);
	for (char *p = type; *p != '\0'; p++)
		*p = (unsigned char)*p <= ' ' || (unsigned char)*p >= 0x7f
		    ? '?'
		    : ascii_lower(*p);
	return type;
}

static const char *
sniff(struct span body)
{
	struct span s = span_slice(body, 0, 512);

	if (span_starts(s, "\xef\xbb\xbf"))
		s = span_slice(s, 3, s.n);
	s = span_trim(s);
	if (s.n == 0)
		return "text/plain";
	for (size_t i = 0; i < ARRAY_LEN(magics); i++)
		if (s.n >= magics[i].n &&
		    memcmp(s.p, magics[i].bytes, magics[i].n) == 0)
			return magics[i].type;
	if (span_starts_i(s, "<?xml"))
		return "text/xml";
	if (s.p[0] == '<' || span_search_i(s, "<html") < s.n ||
	    span_search_i(s, "<a ") < s.n)
		return "text/html";
	/* UTF-16 text has zeros too: a page unless something says no */
	if (memchr(s.p, '\0', s.n) != NULL && !span_starts(s, "\xff\xfe") &&
	    !span_starts(s, "\xfe\xff") && s.p[0] != '\0' && s.n > 1 &&
	    s.p[1] != '\0')
		return "application/octet-stream";
	return "text/html";
}

char *
media_type(struct span content_type, struct span body)
{
	char *type = essence(content_type);

	if (type != NULL && strcmp(type, "application/octet-stream") != 0 &&
	    strcmp(type, "unknown/unknown") != 0 &&
	    strcmp(type, "application/unknown") != 0)
		return type;
	free(type);
	return xstrdup(sniff(body));
}
