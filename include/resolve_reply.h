/* Replies of name servers; part of the resolver in network.h. */
#ifndef KPWATCH_RESOLVE_REPLY_H
#define KPWATCH_RESOLVE_REPLY_H

#include "dns.h"
#include "observation.h"

/* How a question ended, by whether a reply came and by what its header says;
 * both in the terms of c-ares. */
int resolve_status(int status, const unsigned char *reply, int n);
/* Adds what a reply to a question of that type says about the name that was
 * asked for, or about what that is an alias of, at most DNS_ANSWERS_MAX
 * records.  The result is one of c-ares's: ENODATA where it says nothing,
 * EBADRESP and no record for one that is malformed. */
int resolve_reply(struct dns_lookup *, enum dns_type,
    const unsigned char *reply, int n);

#endif
