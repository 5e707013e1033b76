/*
 * Files of TLS secrets for the commands that read captures: named with
 * --keylog, and those that lie beside a capture under its name and ".keylog".
 */
#ifndef KPWATCH_KEY_LOG_H
#define KPWATCH_KEY_LOG_H

#include "tls_keys.h"

#define KEY_LOGS_MAX 64

/* The operands of --keylog; borrowed from argv. */
struct key_logs {
	const char *names[KEY_LOGS_MAX];
	size_t n;
};

/* False when there are too many, which was said. */
bool key_logs_add(struct key_logs *, const char *name);
/* A descriptor for reading, or -1 after an error was printed. */
int key_log_open(const char *name);
/* The one beside that capture: -1 when there is none.  Its name (owned) goes
 * to *name. */
int key_log_beside(const char *capture, char **name);
/* Reads a key log to its end.  What is wrong with it is logged, with `name`;
 * it is not closed. */
void key_log_read(struct tls_keys *, int fd, const char *name);
/* Says how many secrets found no place. */
void key_log_say_dropped(const struct tls_keys *);

#endif
