/*
 * The name servers that questions are sent to; part of the resolver in
 * network.h, which decides what is asked and of whom.
 */
#ifndef KPWATCH_RESOLVE_SERVER_H
#define KPWATCH_RESOLVE_SERVER_H

#include "bytes.h"

struct event_base;
struct name_servers;
struct server; /* a connection to one, for a single question at a time */

/* Whether a reply came, in the terms of c-ares; it is borrowed, NULL for none,
 * and what it says is not looked at.  Also called, with ARES_EDESTRUCTION, by
 * name_servers_free(). */
typedef void name_servers_reply(void *arg, int status, int timeouts,
    unsigned char *reply, int n);

/* Addresses as in the configuration; those that are none are said and left
 * out.  A question is tried twice within the time.  Returns owned. */
struct name_servers *name_servers_new(struct event_base *, char *const *servers,
    size_t n, int64_t timeout_ms);
void name_servers_free(struct name_servers *);
size_t name_servers_count(const struct name_servers *);
const char *name_servers_text(const struct name_servers *, size_t server);
/* A connection to that server which has no question (borrows). */
struct server *name_servers_stream(struct name_servers *, size_t server);
void name_servers_stream_over(struct server *);
/* Asks a server, by UDP where stream is NULL; the reply may come at once.  By
 * UDP the question goes out with the next name_servers_send(), which is also
 * called after each reply. */
void name_servers_ask(struct name_servers *, size_t server,
    struct server *stream, const char *name, int type, name_servers_reply *,
    void *arg);
void name_servers_send(struct name_servers *);

#endif
