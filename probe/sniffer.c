#include "sniffer.h"

#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>

#include "limit.h"
#include "packet.h"

#define KERNEL_BUFFER (8 * MIB)
#define BLOCK_MS      10 /* packets come in blocks, so late at most */
#define ROUND_MAX     2048

struct sniffer {
	pcap_t *pcap;
	uint32_t link;
	uint32_t seen_low, lost_low; /* libpcap's counters wrap */
	uint64_t seen, lost;
	sniffer_packet *packet;
	void *arg;
};

static pcap_t *
open_handle(const char *interface, char **why)
{
	char error[PCAP_ERRBUF_SIZE] = "";
	pcap_t *p = pcap_create(interface == NULL ? "any" : interface, error);
	int rc;

	if (p == NULL) {
		*why = xasprintf("%s", error);
		return NULL;
	}
	pcap_set_snaplen(p, CAPTURE_PACKET_MAX);
	pcap_set_buffer_size(p, KERNEL_BUFFER);
	pcap_set_timeout(p, BLOCK_MS);
	pcap_set_promisc(p, 0);
	rc = pcap_activate(p);
	if (rc >= 0)
		return p;
	if (rc == PCAP_ERROR_PERM_DENIED)
		*why = xstrdup("no permission for a packet socket: give the "
			       "service CAP_NET_RAW, or set record.packets to "
			       "no");
	else
		*why =
		    xasprintf("%s: %s", pcap_statustostr(rc), pcap_geterr(p));
	pcap_close(p);
	return NULL;
}

/* ICMP: destination unreachable, of either family. */
static void
filter_text(const uint16_t *ports, size_t n, struct buf *out)
{
	buf_add_str(out,
	    "tcp or icmp[icmptype] = icmp-unreach or "
	    "(icmp6 and ip6[40] = 1)");
	for (size_t i = 0; i < n; i++)
		buf_addf(out, " or udp port %u", ports[i]);
}

static bool
set_filter(pcap_t *p, const uint16_t *ports, size_t n, char **why)
{
	struct buf text = BUF_INIT(16 * KIB);
	struct bpf_program program;
	char error[PCAP_ERRBUF_SIZE] = "";
	bool ok = false;

	filter_text(ports, n, &text);
	if (pcap_compile(p, &program, buf_str(&text), 1,
		PCAP_NETMASK_UNKNOWN) != 0) {
		*why = xasprintf("packet filter: %s", pcap_geterr(p));
		goto out;
	}
	ok = pcap_setfilter(p, &program) == 0;
	pcap_freecode(&program);
	if (ok)
		ok = pcap_setnonblock(p, 1, error) == 0;
	if (!ok)
		*why = xasprintf("packet filter: %s%s", pcap_geterr(p), error);
out:
	buf_release(&text);
	return ok;
}

struct sniffer *
sniffer_open(const char *interface, const uint16_t *ports, size_t nports,
    char **why)
{
	pcap_t *p = open_handle(interface, why);
	struct sniffer *s;
	int link;

	if (p == NULL)
		return NULL;
	link = pcap_datalink(p);
	/* What libpcap calls raw IP has another number in files. */
	if (link == DLT_RAW)
		link = 101;
	if (link < 0 || !packet_link_known((uint32_t)link)) {
		*why =
		    xasprintf("%s: link type %d is not known", interface, link);
		pcap_close(p);
		return NULL;
	}
	if (!set_filter(p, ports, nports, why)) {
		pcap_close(p);
		return NULL;
	}
	s = xcalloc(1, sizeof *s);
	s->pcap = p;
	s->link = (uint32_t)link;
	return s;
}

void
sniffer_close(struct sniffer *s)
{
	if (s == NULL)
		return;
	pcap_close(s->pcap);
	free(s);
}

int
sniffer_fd(const struct sniffer *s)
{
	return pcap_get_selectable_fd(s->pcap);
}

uint32_t
sniffer_link(const struct sniffer *s)
{
	return s->link;
}

static void
on_packet(u_char *arg, const struct pcap_pkthdr *h, const u_char *data)
{
	struct sniffer *s = (struct sniffer *)(void *)arg;
	struct span bytes = {(const char *)data, h->caplen};

	s->packet((int64_t)h->ts.tv_sec * 1000000000 +
		(int64_t)h->ts.tv_usec * 1000,
	    bytes, h->len, s->arg);
}

bool
sniffer_read(struct sniffer *s, sniffer_packet *packet, void *arg,
    const char **why)
{
	s->packet = packet;
	s->arg = arg;
	if (pcap_dispatch(s->pcap, ROUND_MAX, on_packet, (u_char *)(void *)s) >=
	    0)
		return true;
	*why = pcap_geterr(s->pcap);
	return false;
}

void
sniffer_counts(struct sniffer *s, uint64_t *seen, uint64_t *lost)
{
	struct pcap_stat now;

	if (pcap_stats(s->pcap, &now) == 0) {
		s->seen += (uint32_t)(now.ps_recv - s->seen_low);
		s->lost += (uint32_t)(now.ps_drop - s->lost_low);
		s->seen_low = now.ps_recv;
		s->lost_low = now.ps_drop;
	}
	*seen = s->seen;
	*lost = s->lost;
}
