/*
 * Packet capture files: classic pcap (micro- and nanoseconds, both byte
 * orders, Kuznetzov's variant) and pcapng (sections of either byte order,
 * interfaces with their own link type and clock, all packet blocks).
 * Specifications: draft-ietf-opsawg-pcap, draft-ietf-opsawg-pcapng.
 *
 * Bytes come from a callback, so that plain files, pipes and decompressors
 * look alike; memory is one window whatever the file holds.
 */
#ifndef KPWATCH_CAPTURE_H
#define KPWATCH_CAPTURE_H

#include <sys/types.h>

#include "bytes.h"
#include "tls_keys.h"

#define CAPTURE_NO_TIME INT64_MIN

/* Fills buf with up to n bytes: how many, 0 at the end, -1 on a failure
 * (which ends the capture as damaged). */
typedef ssize_t capture_read(void *arg, void *buf, size_t n);

struct capture_packet {
	int64_t time_ns;    /* since the epoch; CAPTURE_NO_TIME (simple
			       packet blocks carry none) */
	uint32_t link;	    /* LINKTYPE_ value */
	uint32_t interface; /* running number over all sections */
	uint32_t wire_len;  /* length on the wire, >= data.n */
	struct span data;   /* borrows, until the next call */
	uint64_t offset;    /* of the record in the (decompressed) file */
};

enum capture_result {
	CAPTURE_PACKET,
	CAPTURE_END,	/* clean end */
	CAPTURE_DAMAGED /* cut off or corrupt: capture_note() says it */
};

struct capture;

/* Do these first bytes (12 or more) start a capture file? */
bool capture_is(struct span);
struct capture *capture_new(capture_read *, void *arg); /* returns owned */
/* Before the first packet: one of many, with a small window. */
void capture_small(struct capture *);
void capture_free(struct capture *);
enum capture_result capture_next(struct capture *, struct capture_packet *);
/* What went wrong, with the offset; NULL when nothing did (borrows). */
const char *capture_note(const struct capture *);
/* Bytes taken in so far. */
uint64_t capture_offset(const struct capture *);
/* Where TLS secrets of decryption secrets blocks go (borrows). */
void capture_keys(struct capture *, struct tls_keys *);
/* Decryption secrets blocks of another kind, or without a place to go to. */
unsigned capture_secrets_unused(const struct capture *);

/* A capture_read over bytes in memory: arg is a struct span *, consumed. */
ssize_t capture_read_span(void *arg, void *buf, size_t n);

/*
 * Several captures as one, packets in time order.  Within one capture the
 * order of the file is kept; a packet without a time goes with the one before.
 */
struct capture_merge;

struct capture_merge *capture_merge_new(void); /* returns owned */
/* Takes the capture. `number` comes back with its packets. */
void capture_merge_add(struct capture_merge *, struct capture *,
    unsigned number);
/* The next packet of all, and the number of its capture.  A damaged capture
 * is told once (CAPTURE_DAMAGED with its number) and left out then. */
enum capture_result capture_merge_next(struct capture_merge *,
    struct capture_packet *, unsigned *number);
struct capture *capture_merge_at(struct capture_merge *, unsigned number);
void capture_merge_free(struct capture_merge *);

#endif
