#include "key_log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "limit.h"
#include "log.h"

bool
key_logs_add(struct key_logs *k, const char *name)
{
	if (k->n == KEY_LOGS_MAX) {
		log_error("more than %d key logs", KEY_LOGS_MAX);
		return false;
	}
	k->names[k->n++] = name;
	return true;
}

int
key_log_open(const char *name)
{
	int fd = open(name, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		log_error("%s: %s", log_quote_str(name), strerror(errno));
	return fd;
}

int
key_log_beside(const char *capture, char **name)
{
	int fd;

	*name = NULL;
	if (strcmp(capture, "-") == 0)
		return -1;
	*name = xasprintf("%s.keylog", capture);
	/* Not to hang on a pipe that nobody asked for. */
	fd = open(*name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0) {
		free(*name);
		*name = NULL;
	}
	return fd;
}

void
key_log_read(struct tls_keys *keys, int fd, const char *name)
{
	size_t before = tls_keys_count(keys);
	char *bytes = xmalloc(64 * KIB);
	ssize_t n;

	for (;;) {
		n = read(fd, bytes, 64 * KIB);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		tls_keys_feed(keys, (struct span){bytes, (size_t)n});
	}
	tls_keys_end(keys);
	if (n < 0)
		log_warn("%s: %s", log_quote_str(name), strerror(errno));
	else if (tls_keys_count(keys) == before)
		log_warn("%s: no new TLS secrets in it", log_quote_str(name));
	free(bytes);
}

void
key_log_say_dropped(const struct tls_keys *keys)
{
	if (tls_keys_dropped(keys) > 0)
		log_warn("%" PRIu64 " TLS secrets left out: more than %u",
		    tls_keys_dropped(keys), (unsigned)TLS_SECRETS_MAX);
}
