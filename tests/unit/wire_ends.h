/* A client and a server, and what they mostly say. */
#ifndef KPWATCH_WIRE_ENDS_H
#define KPWATCH_WIRE_ENDS_H

#include "wire.h"

#define ENDS                                                                   \
	struct wire_world w;                                                   \
	struct wire_end c = {.host = 1,                                        \
	    .port = 40000,                                                     \
	    .seq = 1000,                                                       \
	    .ttl = 64};                                                        \
	struct wire_end s = {.host = 2, .port = 80, .seq = 5000, .ttl = 50}

static const char get[] = "GET /a HTTP/1.1\r\nHost: h.test\r\n\r\n";
static const char ok5[] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

#endif
