/*
 * Live packet capture by libpcap (sniffer.c alone): what passes the machine's
 * interfaces and may be the probe's own.
 */
#ifndef KPWATCH_SNIFFER_H
#define KPWATCH_SNIFFER_H

#include "bytes.h"

struct sniffer;

typedef void sniffer_packet(int64_t time_ns, struct span data,
    uint32_t wire_len, void *arg);

/*
 * Opens a packet socket on the interface (NULL: all of them) for TCP, for
 * what ICMP says of it, and for UDP on the `nports` ports of name servers.
 * NULL, and a line that says why and what to do in *why (owned), when it
 * cannot.
 */
struct sniffer *sniffer_open(const char *interface, const uint16_t *ports,
    size_t nports, char **why);
void sniffer_close(struct sniffer *);
/* Readable when packets wait. */
int sniffer_fd(const struct sniffer *);
uint32_t sniffer_link(const struct sniffer *); /* LINKTYPE_ */
/* Hands out what waits.  False when the interface is gone: *why (borrows)
 * says it. */
bool sniffer_read(struct sniffer *, sniffer_packet *, void *arg,
    const char **why);
/* Packets seen, and lost because we were slow, since the start. */
void sniffer_counts(struct sniffer *, uint64_t *seen, uint64_t *lost);

#endif
