/*
 * A message connection on the event loop: never blocks, queues what the peer
 * does not read yet, and says how much that is so that the caller can stop
 * producing.  A peer that breaks the message rules, closes, or lets its queue
 * grow past FRAME_QUEUE_MAX is gone: `closed` is called once.
 */
#ifndef KPWATCH_CHANNEL_H
#define KPWATCH_CHANNEL_H

#include "message.h"

struct event_base;
struct channel;

struct channel_handler {
	/* m->data is borrowed for the call; m->fd is the handler's to close. */
	void (*message)(struct channel *, const struct message *m, void *arg);
	/* The peer is gone.  The handler may free the channel here. */
	void (*closed)(struct channel *, void *arg);
	/* Optional: the queue fell below FRAME_QUEUE_HIGH again. */
	void (*drained)(struct channel *, void *arg);
	void *arg;
};

/* Takes fd. */
struct channel *channel_new(struct event_base *, int fd, enum role self,
    enum role peer, const struct channel_handler *);
/* Takes over a blocking connection with what it has read and not used; no
 * callback is made from here.  The connection is empty afterwards. */
struct channel *channel_adopt(struct event_base *, struct connection *,
    const struct channel_handler *);
/* Closes and frees; safe inside the channel's own callbacks. */
void channel_free(struct channel *);
void channel_send(struct channel *, enum message_type, uint64_t id,
    struct span data);
/* The same without a copy where it is long: the bytes stay as they are until
 * channel_has_lent() is false of them or the channel is freed or closed. */
void channel_lend(struct channel *, enum message_type, uint64_t id,
    struct span data);
bool channel_has_lent(const struct channel *, struct span data);
/* As channel_send() with a descriptor, which is taken; not behind a message
 * that was lent. */
void channel_send_fd(struct channel *, enum message_type, uint64_t id,
    struct span data, int fd);
size_t channel_queued(const struct channel *);
/* Queue at or above FRAME_QUEUE_HIGH: produce nothing more for it now. */
bool channel_full(const struct channel *);
/* Blocks until the queue is written, at most ms. */
bool channel_flush(struct channel *, int ms);

#endif
