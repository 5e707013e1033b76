/*
 * Sockets for c-ares whose datagrams go out together; part of the resolver in
 * network.h.
 */
#ifndef KPWATCH_RESOLVE_SEND_H
#define KPWATCH_RESOLVE_SEND_H

#include "bytes.h"
#include "limit.h"

struct ares_channeldata; /* a channel of c-ares */

#define DATAGRAM_MAX 512 /* RFC 1035 section 2.3.4; a question is shorter */

struct datagram {
	int fd;
	size_t len;
	char data[DATAGRAM_MAX];
};

/* Zeroed, with `failed` -1, it is empty. */
struct outbox {
	struct datagram waiting[DNS_IN_FLIGHT];
	size_t n;
	int failed; /* its next read brings `error` */
	int error;
};

/* What the channel sends by UDP waits in the outbox, which is borrowed, until
 * it is full or outbox_send() is called. */
void outbox_serve(struct outbox *, struct ares_channeldata *);
/* Sends what waits.  The result is a socket that could not send, which its
 * channel learns when it reads from it, or -1: all is sent. */
int outbox_send(struct outbox *);
/* Nobody reads from that socket any more. */
void outbox_forget(struct outbox *, int fd);

#endif
