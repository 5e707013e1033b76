#include "tls_keys.h"

#include <stdlib.h>
#include <string.h>

#include "limit.h"

/* A slot is looked for in this many places: hashes that someone made collide
 * cost no more than that. */
enum { PROBES_MAX = 64, SLOTS_FIRST = 256 };

struct entry {
	uint8_t random[TLS_RANDOM_BYTES];
	uint8_t secret[TLS_SECRET_MAX];
	uint8_t n; /* bytes of the secret */
	uint8_t label;
};

struct tls_keys {
	struct entry *entries;
	size_t n, cap;
	uint32_t *slots; /* index of an entry plus one; 0: free */
	size_t nslots;	 /* a power of two, over twice the entries */
	uint64_t dropped;
	char line[TLS_KEY_LINE_MAX];
	size_t line_n;
	bool too_long; /* the line under way */
};

struct tls_keys *
tls_keys_new(void)
{
	return xcalloc(1, sizeof(struct tls_keys));
}

void
tls_keys_free(struct tls_keys *k)
{
	if (k == NULL)
		return;
	free(k->entries);
	free(k->slots);
	free(k);
}

size_t
tls_keys_count(const struct tls_keys *k)
{
	return k->n;
}

uint64_t
tls_keys_dropped(const struct tls_keys *k)
{
	return k->dropped;
}

/* The slot of that secret, or a free one; NULL when there is neither. */
static uint32_t *
find_slot(const struct tls_keys *k, unsigned label, const uint8_t *random)
{
	struct span s = {(const char *)random, TLS_RANDOM_BYTES};
	size_t at = (size_t)bytes_hash(s) + label * 7919u;

	for (size_t i = 0; i < PROBES_MAX && i < k->nslots; i++) {
		uint32_t *slot = &k->slots[(at + i) & (k->nslots - 1)];
		const struct entry *e;

		if (*slot == 0)
			return slot;
		e = &k->entries[*slot - 1];
		if (e->label == label &&
		    memcmp(e->random, random, TLS_RANDOM_BYTES) == 0)
			return slot;
	}
	return NULL;
}

/* Twice the slots; an entry without a place in them stays unfound. */
static void
grow_slots(struct tls_keys *k)
{
	uint32_t *slot;

	free(k->slots);
	k->nslots = k->nslots == 0 ? SLOTS_FIRST : k->nslots * 2;
	k->slots = xcalloc(k->nslots, sizeof *k->slots);
	for (size_t i = 0; i < k->n; i++) {
		slot = find_slot(k, k->entries[i].label, k->entries[i].random);
		if (slot == NULL)
			k->dropped++;
		else
			*slot = (uint32_t)(i + 1);
	}
}

static void
keep(struct tls_keys *k, const struct entry *e)
{
	uint32_t *slot;

	if (k->n * 2 >= k->nslots)
		grow_slots(k);
	slot = find_slot(k, e->label, e->random);
	if (slot != NULL && *slot != 0) {
		k->entries[*slot - 1] = *e;
		return;
	}
	if (slot == NULL || k->n >= TLS_SECRETS_MAX) {
		k->dropped++;
		return;
	}
	k->entries = xgrow(k->entries, &k->cap, k->n + 1, sizeof *k->entries);
	k->entries[k->n++] = *e;
	*slot = (uint32_t)k->n;
}

struct span
tls_keys_find(const struct tls_keys *k, enum tls_secret label,
    const uint8_t random[TLS_RANDOM_BYTES])
{
	const uint32_t *slot = find_slot(k, label, random);
	const struct entry *e;

	if (slot == NULL || *slot == 0)
		return SPAN_NULL;
	e = &k->entries[*slot - 1];
	return (struct span){(const char *)e->secret, e->n};
}

/* The next word of a line, white space around it left out. */
static struct span
word(struct span *line)
{
	struct span w;
	size_t n = 0;

	*line = span_trim(*line);
	while (n < line->n && !ascii_space(line->p[n]))
		n++;
	w = span_slice(*line, 0, n);
	*line = span_slice(*line, n, line->n);
	return w;
}

static void
take_line(struct tls_keys *k, struct span line)
{
	static const char *const labels[] = {[TLS_SECRET_MASTER] =
						 "CLIENT_RANDOM",
	    [TLS_SECRET_CLIENT_HANDSHAKE] = "CLIENT_HANDSHAKE_TRAFFIC_SECRET",
	    [TLS_SECRET_SERVER_HANDSHAKE] = "SERVER_HANDSHAKE_TRAFFIC_SECRET",
	    [TLS_SECRET_CLIENT_TRAFFIC] = "CLIENT_TRAFFIC_SECRET_0",
	    [TLS_SECRET_SERVER_TRAFFIC] = "SERVER_TRAFFIC_SECRET_0"};
	struct span label = word(&line), random = word(&line);
	struct span secret = word(&line);
	struct entry e = {.n = (uint8_t)(secret.n / 2)};

	while (e.label < ARRAY_LEN(labels) && !span_is(label, labels[e.label]))
		e.label++;
	if (e.label == ARRAY_LEN(labels) || secret.n == 0 ||
	    secret.n > 2 * TLS_SECRET_MAX || secret.n % 2 != 0 ||
	    random.n != 2 * sizeof e.random)
		return;
	if (hex_decode(e.random, sizeof e.random, random) &&
	    hex_decode(e.secret, e.n, secret))
		keep(k, &e);
}

void
tls_keys_end(struct tls_keys *k)
{
	if (!k->too_long)
		take_line(k, (struct span){k->line, k->line_n});
	k->too_long = false;
	k->line_n = 0;
}

void
tls_keys_feed(struct tls_keys *k, struct span s)
{
	while (s.n > 0) {
		size_t end = span_find(s, '\n');

		if (end > sizeof k->line - k->line_n) {
			k->too_long = true;
		} else if (!k->too_long && end > 0) {
			memcpy(k->line + k->line_n, s.p, end);
			k->line_n += end;
		}
		if (end < s.n)
			tls_keys_end(k);
		s = span_slice(s, end + 1, s.n);
	}
}
