/* Replies of name servers; part of the resolver in network.h. */
#ifndef KPWATCH_RESOLVE_REPLY_H
#define KPWATCH_RESOLVE_REPLY_H

#include "observation.h"

enum { TYPE_A = 1, TYPE_NS = 2, TYPE_AAAA = 28 };

/* How a question ended, by whether a reply came and by what its header says;
 * both in the terms of c-ares. */
int resolve_status(int status, const unsigned char *reply, int n);
/* Adds what a reply to a question of that type says, at most DNS_ANSWERS_MAX
 * records; the result is one of c-ares's, ENODATA where it says nothing. */
int resolve_reply(struct dns_lookup *, int type, const unsigned char *reply,
    int n);

#endif
