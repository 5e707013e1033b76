/*
 * A capture file's bytes from a descriptor, gunzipped when they are gzip:
 * the capture_read of plain and compressed captures alike.
 */
#ifndef KPWATCH_CAPTURE_INPUT_H
#define KPWATCH_CAPTURE_INPUT_H

#include "capture.h"

struct capture_input;

/* Borrows fd, which is read from where it stands behind `head` (borrowed:
 * bytes of the file that were read already; may be empty).  Returns owned. */
struct capture_input *capture_input_new(int fd, struct span head);
/* Before the first read: one of many, read in small steps. */
void capture_input_small(struct capture_input *);
void capture_input_free(struct capture_input *);
/* A capture_read; arg is the struct capture_input. */
ssize_t capture_input_read(void *arg, void *bytes, size_t n);

#endif
