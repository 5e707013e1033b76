/*
 * What is wrong with a file that is checked, told as it is found.
 */
#ifndef KPWATCH_FAULT_H
#define KPWATCH_FAULT_H

#include <stdint.h>

/* Called with what is wrong, a text without newline, and with where: the
 * offset or the line, as the checker says. */
typedef void fault_fn(void *arg, uint64_t at, const char *text);

struct fault_sink {
	fault_fn *fault;
	void *arg; /* borrowed */
};

/* Formats the text, cut at 511 bytes. */
void fault_say(const struct fault_sink *, uint64_t at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
