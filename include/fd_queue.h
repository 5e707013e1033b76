/* Descriptors that came over a socket and wait for the messages that they
 * belong to. */
#ifndef KPWATCH_FD_QUEUE_H
#define KPWATCH_FD_QUEUE_H

#include <stdbool.h>
#include <sys/types.h>

#define FD_QUEUE_MAX 64

struct fd_queue {
	int list[FD_QUEUE_MAX];
	unsigned n;
};

/* Reads once, like read(); descriptors that come along are put into the
 * queue, or closed when that is full. */
ssize_t fd_queue_read(struct fd_queue *, int socket, char *at, size_t n);
/* The first of them, which is the caller's to close; -1 when there is none. */
int fd_queue_take(struct fd_queue *);
/* Closes all of them. */
void fd_queue_release(struct fd_queue *);

#endif
