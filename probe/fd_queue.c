#include "fd_queue.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

/* What the room for one descriptor may hold, as it is aligned. */
#define CAME_MAX (CMSG_SPACE(sizeof(int)) / sizeof(int))

static void
put(struct fd_queue *q, int fd)
{
	if (q->n < FD_QUEUE_MAX)
		q->list[q->n++] = fd;
	else
		close(fd);
}

ssize_t
fd_queue_read(struct fd_queue *q, int socket, char *at, size_t n)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = {at, n};
	struct msghdr msg = {.msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = control.room,
	    .msg_controllen = sizeof control.room};
	struct cmsghdr *cm;
	ssize_t got = recvmsg(socket, &msg, MSG_CMSG_CLOEXEC);
	int fds[CAME_MAX];
	size_t came = 0;

	cm = got > 0 ? CMSG_FIRSTHDR(&msg) : NULL;
	if (cm != NULL && cm->cmsg_level == SOL_SOCKET &&
	    cm->cmsg_type == SCM_RIGHTS)
		came = (cm->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	if (came > 0)
		memcpy(fds, CMSG_DATA(cm), came * sizeof(int));
	/* Ours send one; none of another's more may stay open here. */
	for (size_t i = 0; i < came; i++)
		put(q, fds[i]);
	return got;
}

int
fd_queue_take(struct fd_queue *q)
{
	int fd;

	if (q->n == 0)
		return -1;
	fd = q->list[0];
	q->n--;
	memmove(q->list, q->list + 1, q->n * sizeof q->list[0]);
	return fd;
}

void
fd_queue_release(struct fd_queue *q)
{
	while (q->n > 0)
		close(q->list[--q->n]);
}
