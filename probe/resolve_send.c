/*
 * Questions by UDP wait for the others of the same turn of the loop: a look
 * asks two or three, and one system call for all wakes a name server on the
 * same machine once.
 */
#include "resolve_send.h"

#include <ares.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Of those that wait the first few, of one socket. */
static size_t
of_one_socket(const struct outbox *o)
{
	size_t n = 1;

	while (n < o->n && o->waiting[n].fd == o->waiting[0].fd)
		n++;
	return n;
}

static void
drop_first(struct outbox *o, size_t n)
{
	o->n -= n;
	memmove(o->waiting, o->waiting + n, o->n * sizeof o->waiting[0]);
}

int
outbox_send(struct outbox *o)
{
	struct mmsghdr messages[DNS_IN_FLIGHT];
	struct iovec parts[DNS_IN_FLIGHT];

	while (o->n > 0 && o->failed < 0) {
		size_t n = of_one_socket(o);
		int sent;

		memset(messages, 0, n * sizeof messages[0]);
		for (size_t i = 0; i < n; i++) {
			parts[i] = (struct iovec){o->waiting[i].data,
			    o->waiting[i].len};
			messages[i].msg_hdr.msg_iov = &parts[i];
			messages[i].msg_hdr.msg_iovlen = 1;
		}
		sent = sendmmsg(o->waiting[0].fd, messages, (unsigned)n,
		    MSG_NOSIGNAL);
		if (sent > 0) {
			drop_first(o, (size_t)sent);
		} else if (errno != EINTR) {
			o->failed = o->waiting[0].fd;
			o->error = errno;
			drop_first(o, 1);
		}
	}
	return o->failed;
}

void
outbox_forget(struct outbox *o, int fd)
{
	if (o->failed == fd)
		o->failed = -1;
}

/* ---- what c-ares calls ---- */

static ares_socket_t
on_open(int family, int type, int protocol, void *arg)
{
	(void)arg;
	return socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
}

static int
on_close(ares_socket_t fd, void *arg)
{
	struct outbox *o = arg;
	size_t left = 0;

	for (size_t i = 0; i < o->n; i++)
		if (o->waiting[i].fd != fd)
			o->waiting[left++] = o->waiting[i];
	o->n = left;
	outbox_forget(o, fd);
	return close(fd);
}

static int
on_connect(ares_socket_t fd, const struct sockaddr *to, ares_socklen_t n,
    void *arg)
{
	(void)arg;
	return connect(fd, to, n);
}

static ares_ssize_t
on_receive(ares_socket_t fd, void *to, size_t room, int flags,
    struct sockaddr *from, ares_socklen_t *from_len, void *arg)
{
	struct outbox *o = arg;

	if (o->failed == fd) {
		outbox_forget(o, fd);
		errno = o->error;
		return -1;
	}
	return recvfrom(fd, to, room, flags, from, from_len);
}

static ares_ssize_t
on_send(ares_socket_t fd, const struct iovec *parts, int n, void *arg)
{
	struct outbox *o = arg;
	struct datagram *d;

	if (n != 1 || parts[0].iov_len > DATAGRAM_MAX) {
		errno = EMSGSIZE;
		return -1;
	}
	if (o->n == DNS_IN_FLIGHT)
		outbox_send(o);
	if (o->n == DNS_IN_FLIGHT)
		return send(fd, parts[0].iov_base, parts[0].iov_len,
		    MSG_NOSIGNAL);
	d = &o->waiting[o->n++];
	d->fd = fd;
	d->len = parts[0].iov_len;
	memcpy(d->data, parts[0].iov_base, d->len);
	return (ares_ssize_t)d->len;
}

void
outbox_serve(struct outbox *o, struct ares_channeldata *channel)
{
	static const struct ares_socket_functions functions = {on_open,
	    on_close, on_connect, on_receive, on_send};

	ares_set_socket_functions(channel, &functions, o);
}
