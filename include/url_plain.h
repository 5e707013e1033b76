/*
 * The short way of url_parse(), for addresses as nearly all are written.
 * url.c only uses it.
 */
#ifndef KPWATCH_URL_PLAIN_H
#define KPWATCH_URL_PLAIN_H

#include "url.h"

/*
 * What url_parse() would make of "http://host/path?query#fragment", "/path"
 * or "path" where every byte stands for itself and no segment of the path
 * begins with a dot.  False, and *url as it was but for its href, when the
 * address is not of that kind.  *url has been reset.
 */
bool url_plain(struct url *, struct span in, const struct url *base);

#endif
