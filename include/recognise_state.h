/*
 * Inside a recogniser; shared by the recognise_*.c files only.
 */
#ifndef KPWATCH_RECOGNISE_STATE_H
#define KPWATCH_RECOGNISE_STATE_H

#include <string.h>

#include "bytes16.h"
#include "limit.h"
#include "outline.h"
#include "recognise.h"
#include "rules_table.h"
#include "url.h"

#define RECENT_MAX	8    /* elements whose share was seen in their markup */
#define NEAR_CACHE	256  /* foreign hosts remembered */
#define HOSTS_SEEN	128  /* hosts as they are written, remembered */
#define HOST_SEEN_LEN	52   /* longest of them */
#define NEAR_CHECKS_MAX 4096 /* foreign hosts compared on one page */
#define CODE_BYTES_MAX	MIB  /* handler code read on one page */
#define CHECKS_MAX	2000000	   /* comparisons with markup on one page */
#define KITS_MAX	128	   /* kits told apart on one page */
#define AROUND_MAX	(8 * KIB)  /* of page from a share bar to its button */
#define WIDGET_MAX	(32 * KIB) /* of page from a widget to its contents */
#define NOWHERE		UINT64_MAX /* an offset that is none */

/* What of a kit is on the page. */
#define KIT_PRESENT  1
#define KIT_SERVICES 2
#define KIT_LOADED   4 /* a script of the page has the address of one of its */

struct near_host {
	uint64_t hash;
	uint32_t host; /* entry of the platform's host, or RULE_NONE */
};

enum host_kind {
	HOST_OF_RULES, /* in the rules, or written in an unusual way */
	HOST_OWN,      /* certainly on the page's site and not in the rules */
	HOST_FOREIGN   /* certainly neither */
};

struct host_seen {
	enum host_kind kind;
	uint32_t near; /* near_miss() of it, when known */
	bool near_known;
	uint8_t length; /* 0: free */
	char text[HOST_SEEN_LEN];
};

struct recogniser {
	const struct rules *rules;
	struct finding *finding;
	struct url page;
	struct span site; /* registrable domain of the page */
	struct url base;
	bool has_base;	/* a <base> was seen: links resolve against it */
	bool elsewhere; /* it is on another site than the page */
	struct match match;
	struct url url;	    /* the current link, when parsed */
	const char *url_of; /* its text as written, to know it again */
	size_t url_of_n;
	bool url_good;
	struct buf element; /* description of the current element */
	uint32_t *table;    /* hash of sightings, RULE_NONE free */
	size_t table_size;
	struct {
		uint64_t offset;
		uint32_t sighting;
	} recent[RECENT_MAX];
	size_t nrecent;		    /* ever; the place is its remainder */
	uint8_t kit_seen[KITS_MAX]; /* KIT_ bits */
	struct near_host near[NEAR_CACHE];
	struct host_seen hosts[HOSTS_SEEN];
	struct host_seen unusual; /* of a host that is not remembered */
	size_t code_bytes;	  /* read so far */
	size_t checks;
	size_t near_checks;	 /* foreign hosts compared letter by letter */
	struct span input;	 /* the page, while it is read */
	struct outline *outline; /* of it; NULL: nothing was looked at yet */
	uint64_t said_share; /* the element whose code shares, no more said */
	size_t searched;     /* for words of share bars, up to here */
	uint64_t last_word;  /* the last of them; NOWHERE */
	/* The last share bar in which a platform was named for sure. */
	uint64_t share_bar;
	struct {
		uint32_t platform; /* RULE_NONE: none was met */
		uint64_t offset;
	} widget; /* the last element in which contents are shown */
};

/* span_is() of a literal, without a call. */
#define IS(s, lit)                                                             \
	((s).n == sizeof(lit) - 1 && memcmp((s).p, lit, sizeof(lit) - 1) == 0)

/* What a sighting is made of; strings are borrowed and copied. */
struct seen {
	enum sighting_kind kind;
	const char *platform;
	struct span name; /* p NULL: none */
	struct span url;  /* p NULL: none */
	const struct element *at;
	const struct link *link; /* whose text it has; NULL: none */
	const char *kit;	 /* NULL: none */
	uint64_t offset;
	bool fold; /* case of the name does not count */
};

/* An empty table. */
void recogniser_table(struct recogniser *);
/* Adds or counts; returns the sighting's index, or RULE_NONE when full. */
uint32_t recogniser_add(struct recogniser *, const struct seen *);
/* The address of a sighting that was added without one. */
void recogniser_add_url(struct recogniser *, uint32_t sighting, struct span);
/* Remembers that the element at this offset was a kit's button. */
void recogniser_note(struct recogniser *, uint64_t offset, uint32_t sighting);
uint32_t recogniser_noted(const struct recogniser *, uint64_t offset);
bool recogniser_noted_is(const struct recogniser *, uint64_t offset,
    uint32_t sighting);
/* A kit's script by the address in rest ("host/path"). */
void recogniser_script(struct recogniser *, struct span rest, uint8_t how);
/* Work on kit markup and buttons is bounded for the page as a whole; false:
 * it is spent, which a note then says. */
bool recogniser_spend(struct recogniser *, size_t checks);
/* A button without an address of its own; `l`: a link to "#" or to nothing,
 * else NULL. */
void recogniser_button(struct recogniser *, const struct element *,
    const struct link *l, uint64_t offset);
/* The element around an offset that says what is in it shares; NOWHERE. */
uint64_t share_bar_around(struct recogniser *, uint64_t offset);
void around_release(struct recogniser *);
/* Is the offset in a widget that shows contents of the platform? */
bool in_widget(struct recogniser *, const char *platform, uint64_t offset);
/* Adds what a rule of a kit means, with the account of its address or of a
 * channel; `platform` is for rules without an address. */
void recogniser_found(struct recogniser *, uint32_t kit,
    const struct rule_result *, uint32_t platform, struct span account,
    const struct element *, uint64_t offset);
/* Code of a handler: functions that share to a platform. */
void recogniser_code(struct recogniser *, struct span code,
    const struct element *, uint64_t offset);
/* The host that an address begins with whose "http://" is cut off; good until
 * the next call. */
struct host_seen *host_look(struct recogniser *, struct span rest);
/* near_miss() of it; `host` is its text. */
uint32_t host_near(struct recogniser *, struct host_seen *, struct span host);
/* Is it on the page's site, as far as its text tells? */
bool on_page_site(const struct recogniser *, struct span host);
/* A foreign host that resembles a platform's: its host entry, or RULE_NONE. */
uint32_t near_miss(struct recogniser *, struct span host);

/* What words of a path, class or icon say. */
struct words {
	const struct rules *rules;
	uint32_t platform; /* named by a word of its own */
	uint32_t player;   /* named together with a player word */
	bool player_word;
	bool forbidden;
	bool feed;
};

INLINE bytes16
alnum16(bytes16 v)
{
	return bytes16_in(v, '0', '9') | bytes16_in(v | 0x20, 'a', 'z');
}

/* A link on the page's own site that hands the page on to a platform. */
bool share_link(struct recogniser *, const struct link *, struct span path);

/* Calls `word` with every run of ASCII letters and digits of s. */
INLINE void
words_each(struct span s, void (*word)(void *, struct span), void *arg)
{
	unsigned in, edges, open = 0; /* is a word under way? */
	size_t from = 0, at;

	for (size_t i = 0; i < s.n; i += 16) {
		in = bytes16_mask(alnum16(bytes16_at(s, i)));
		edges = (in ^ (in << 1 | open)) & 0xffff;
		for (; edges != 0; edges &= edges - 1, open ^= 1) {
			at = i + bytes16_first(edges);
			if (open)
				word(arg, (struct span){s.p + from, at - from});
			from = at;
		}
	}
	if (open)
		word(arg, (struct span){s.p + from, s.n - from});
}

/* Adds what every run of letters and digits of s says. */
void words_look(struct words *, struct span s);

#endif
