/* Hosts that look like a platform's and are not. */

#include <string.h>

#include "limit.h"
#include "recognise_state.h"

/* What a name that somebody can have registered has beside letters and digits;
 * URLs know more, which only slips of the pen bring into a host. */
#define NAME_MARKS "-._"

/* Exactly one letter added, left out, changed, or two swapped; or equal but
 * for digits in the place of letters. */
static bool
one_edit(struct span a, struct span b)
{
	size_t i = 0, j = 0;

	if (a.n > b.n + 1 || b.n > a.n + 1)
		return false;
	while (i < a.n && i < b.n && near_letter(a.p[i]) == b.p[i])
		i++;
	while (j < a.n - i && j < b.n - i &&
	    near_letter(a.p[a.n - 1 - j]) == b.p[b.n - 1 - j])
		j++;
	if (i + j >= (a.n < b.n ? a.n : b.n))
		return true;
	if (a.n != b.n)
		return false;
	return i + j + 1 == a.n ||
	    (i + j + 2 == a.n && near_letter(a.p[i]) == b.p[i + 1] &&
		near_letter(a.p[i + 1]) == b.p[i]);
}

static bool
is_suspectable(const struct rules *r, const struct rule_host *h)
{
	return h->platform != RULE_NONE && (h->flags & HOST_PLATFORM) != 0 &&
	    h->platform < r->nplatforms;
}

/* "twitter.com.example.net": a platform's whole name among the labels. */
static uint32_t
name_inside(const struct rules *r, struct span host)
{
	struct span tail = host;

	while (tail.p != NULL) {
		struct span head = tail;
		size_t dots = 0;

		for (size_t n = 0; n < tail.n; n++) {
			if (tail.p[n] != '.' || ++dots < 2)
				continue;
			head.n = n;
			const struct rule_host *h = rules_host(r, head);
			/* "google.com.tw" is somebody's registered name. */
			if (h != NULL && is_suspectable(r, h) &&
			    tail.n > host_site(host).n)
				return (uint32_t)(h - r->hosts);
			if (dots > 4)
				break;
		}
		span_token(&tail, '.');
	}
	return RULE_NONE;
}

/* The label resembles this one; `suffix` is what follows it in its host. */
static bool
resembles(const struct rules *r, const struct near_name *n, struct span label,
    struct span suffix)
{
	struct span own = {r->text + n->text, n->length};
	struct span own_suffix = {own.p + own.n, n->suffix};

	if (suffix.n != own_suffix.n) /* one letter off? */
		return span_eq(label, own) && one_edit(suffix, own_suffix);
	return span_eq(suffix, own_suffix) && !span_eq(label, own) &&
	    one_edit(label, own);
}

/* One edit takes a letter away and brings another, at most. */
static bool
near_fits(const struct rules *r, uint16_t i, struct span label,
    uint32_t letters, struct span suffix)
{
	const struct near_name *n = &r->nears[i];
	uint32_t other = n->letters ^ letters;

	other &= other - 1;
	other &= other - 1;
	return other == 0 && n->length <= label.n + 1 &&
	    n->length + 1u >= label.n && resembles(r, n, label, suffix);
}

static uint32_t
one_letter_off(const struct rules *r, struct span host)
{
	struct span tail = host;

	while (tail.p != NULL) {
		struct span name = tail, label = span_token(&tail, '.');
		struct span suffix = span_slice(name, label.n, name.n);
		uint32_t letters;
		char first, last;
		uint16_t i, k;

		if (tail.p == NULL || label.n + 1 < NEAR_LENGTH || label.n > 62)
			continue;
		letters = near_letters(label);
		first = near_letter(label.p[0]);
		last = near_letter(label.p[label.n - 1]);
		/* One edit leaves the first or the last letter. */
		for (i = r->near_first[first & 127]; i != NEAR_NONE &&
		     !near_fits(r, i, label, letters, suffix);)
			i = r->nears[i].next_first;
		for (k = r->near_last[last & 127];
		     k < i && !near_fits(r, k, label, letters, suffix);)
			k = r->nears[k].next_last;
		if (k < i)
			i = k;
		if (i != NEAR_NONE && host_site(host).n == name.n)
			return r->nears[i].host;
	}
	return RULE_NONE;
}

uint32_t
near_miss(struct recogniser *r, struct span host)
{
	struct near_host *slot;
	char lower[HOST_MAX_LEN + 1];
	uint64_t hash;

	if (host.n == 0 || host.n > HOST_MAX_LEN)
		return RULE_NONE;
	for (size_t i = 0; i < host.n; i++) {
		if (!ascii_alnum(host.p[i]) && !strchr(NAME_MARKS, host.p[i]))
			return RULE_NONE;
		lower[i] = ascii_lower(host.p[i]);
	}
	host = (struct span){lower, host.n};
	hash = bytes_hash(host) | 1;
	slot = &r->near[hash >> 8 & (NEAR_CACHE - 1)];
	if (slot->hash == hash)
		return slot->host;
	slot->hash = hash;
	slot->host = name_inside(r->rules, host);
	if (slot->host == RULE_NONE &&
	    rules_host(r->rules, host) != NULL) /* a user name that is one */
		slot->host =
		    is_suspectable(r->rules, rules_host(r->rules, host))
		    ? (uint32_t)(rules_host(r->rules, host) - r->rules->hosts)
		    : RULE_NONE;
	if (slot->host == RULE_NONE && r->near_checks++ < NEAR_CHECKS_MAX)
		slot->host = one_letter_off(r->rules, host);
	return slot->host;
}
