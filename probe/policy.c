#include "network.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"

struct network {
	uint8_t addr[16]; /* IPv4 as ::ffff:a.b.c.d */
	uint8_t mask[16];
};

/* Not global unicast, IANA special-purpose registries (RFC 6890). */
static const char *const refused[] = {
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
    "100::/64",
    "2001::/23",
    "2001:db8::/32",
    "3fff::/20",
    "5f00::/16",
    "fc00::/7",
    "fe80::/10",
    "fec0::/10",
    "ff00::/8",
};

struct policy {
	struct network refuse[ARRAY_LEN(refused)];
	struct network *allow;
	size_t n;
};

bool
address_parse(struct address *a, const char *text, uint16_t port)
{
	memset(a, 0, sizeof *a);
	if (inet_pton(AF_INET, text, &a->u.v4.sin_addr) == 1) {
		a->u.v4.sin_family = AF_INET;
		a->u.v4.sin_port = htons(port);
		a->len = sizeof a->u.v4;
		return true;
	}
	if (inet_pton(AF_INET6, text, &a->u.v6.sin6_addr) == 1) {
		a->u.v6.sin6_family = AF_INET6;
		a->u.v6.sin6_port = htons(port);
		a->len = sizeof a->u.v6;
		return true;
	}
	return false;
}

const char *
ipv4_text(const struct in_addr *a, char out[ADDRESS_TEXT_MAX])
{
	const uint8_t *byte = (const uint8_t *)a;
	char *to = out;

	for (unsigned i = 0; i < 4; i++) {
		if (byte[i] >= 100)
			*to++ = (char)('0' + byte[i] / 100);
		if (byte[i] >= 10)
			*to++ = (char)('0' + byte[i] / 10 % 10);
		*to++ = (char)('0' + byte[i] % 10);
		*to++ = '.';
	}
	to[-1] = '\0';
	return out;
}

const char *
address_text(const struct address *a, char out[ADDRESS_TEXT_MAX])
{
	if (a->u.sa.sa_family == AF_INET)
		return ipv4_text(&a->u.v4.sin_addr, out);
	if (inet_ntop(a->u.sa.sa_family, &a->u.v6.sin6_addr, out,
		ADDRESS_TEXT_MAX) == NULL)
		out[0] = '\0';
	return out;
}

static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static void
map_v4(uint8_t out[16], const void *v4)
{
	memcpy(out, mapped, sizeof mapped);
	memcpy(out + 12, v4, 4);
}

static bool
network_parse(struct network *n, const char *cidr)
{
	const char *slash = strchr(cidr, '/');
	struct span host = {cidr,
	    slash == NULL ? strlen(cidr) : (size_t)(slash - cidr)};
	char text[ADDRESS_TEXT_MAX];
	struct address a;
	unsigned width;
	uint64_t bits;

	if (host.n >= sizeof text)
		return false;
	memcpy(text, host.p, host.n);
	text[host.n] = '\0';
	if (!address_parse(&a, text, 0))
		return false;
	width = a.u.sa.sa_family == AF_INET ? 32 : 128;
	bits = width;
	if (slash != NULL &&
	    (!span_u64(span_of(slash + 1), &bits) || bits > width))
		return false;
	if (width == 32)
		map_v4(n->addr, &a.u.v4.sin_addr);
	else
		memcpy(n->addr, &a.u.v6.sin6_addr, 16);
	bits += 128 - width;
	for (unsigned i = 0; i < 16; i++, bits -= bits < 8 ? bits : 8)
		n->mask[i] = (uint8_t)(bits < 8 ? 0xff00u >> bits : 0xff);
	return true;
}

static bool
network_holds(const struct network *n, const uint8_t addr[16])
{
	uint8_t differs = 0;

	for (unsigned i = 0; i < 16; i++)
		differs |= (uint8_t)((n->addr[i] ^ addr[i]) & n->mask[i]);
	return differs == 0;
}

bool
policy_cidr_valid(const char *cidr)
{
	struct network n;

	return network_parse(&n, cidr);
}

struct policy *
policy_new(char *const *cidrs, size_t n)
{
	struct policy *p = xcalloc(1, sizeof *p);

	for (size_t i = 0; i < ARRAY_LEN(refused); i++)
		if (!network_parse(&p->refuse[i], refused[i]))
			bug("%s is no network", refused[i]);
	p->allow = xcalloc(n, sizeof *p->allow);
	for (size_t i = 0; i < n; i++)
		if (network_parse(&p->allow[p->n], cidrs[i]))
			p->n++;
	return p;
}

void
policy_free(struct policy *p)
{
	if (p == NULL)
		return;
	free(p->allow);
	free(p);
}

static bool
in_refused(const struct policy *p, const uint8_t addr[16])
{
	for (size_t i = 0; i < ARRAY_LEN(p->refuse); i++)
		if (network_holds(&p->refuse[i], addr))
			return true;
	return false;
}

/* The IPv4 address that an IPv6 transition form carries (RFC 4291, 3056,
 * 6052); Teredo (2001::/32) is refused whole. */
static bool
inner_v4(const uint8_t a[16], uint8_t out[16])
{
	static const uint8_t nat64[12] = {0, 0x64, 0xff, 0x9b};
	static const uint8_t compatible[12];

	if (a[0] == 0x20 && a[1] == 0x02) {
		map_v4(out, a + 2);
		return true;
	}
	if (memcmp(a, nat64, 12) == 0 || memcmp(a, compatible, 12) == 0) {
		map_v4(out, a + 12);
		return true;
	}
	return false;
}

bool
policy_allows(const struct policy *p, const struct sockaddr *sa)
{
	uint8_t addr[16], inner[16];

	if (sa->sa_family == AF_INET)
		map_v4(addr,
		    &((const struct sockaddr_in *)(const void *)sa)->sin_addr);
	else if (sa->sa_family == AF_INET6)
		memcpy(addr,
		    &((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr,
		    16);
	else
		return false;
	for (size_t i = 0; i < p->n; i++)
		if (network_holds(&p->allow[i], addr))
			return true;
	if (in_refused(p, addr))
		return false;
	if (memcmp(addr, mapped, sizeof mapped) == 0)
		return true;
	if (inner_v4(addr, inner))
		return !in_refused(p, inner);
	return (addr[0] & 0xe0) == 0x20; /* 2000::/3 is global unicast */
}
