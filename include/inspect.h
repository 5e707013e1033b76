/*
 * `kpwatch inspect`: the command opens every file, tells packet captures from
 * web archives by their first bytes, shuts itself in, and gives each file to
 * one of the readers below, which print one line per exchange or record.
 */
#ifndef KPWATCH_INSPECT_H
#define KPWATCH_INSPECT_H

#include <stdio.h>

#include "bytes.h"
#include "crew.h"
#include "tls_keys.h"

/* An open input.  `head` holds bytes that were already read from fd (or of a
 * seekable file, too: fd stands behind them) and come before what read() on
 * fd still gives.  Everything is borrowed; nothing may be opened by name. */
struct inspect_input {
	const char *name; /* as given by the user, "-" for standard input */
	int fd;
	struct span head;
};

struct inspect_output {
	FILE *to;
	bool json;	   /* one object a line; otherwise a line for people */
	struct crew *crew; /* NULL: no threads beside this one */
	struct tls_keys *keys;
};

/* Each reads its input to the end and returns EXIT_DONE, or EXIT_FAILED when
 * the input is damaged; the damage is said on standard error with its offset
 * (and in the `note` of the line it concerns). */
int inspect_pcap(const struct inspect_input *, const struct inspect_output *);
int inspect_warc(const struct inspect_input *, const struct inspect_output *);

#endif
