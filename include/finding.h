/*
 * A finding: what analysis makes of one observation.  Facts only; whether
 * they are news is for the differ to say.
 */
#ifndef KPWATCH_FINDING_H
#define KPWATCH_FINDING_H

#include "bytes.h"

enum sighting_kind {
	SIGHTING_CHANNEL, /* link to an account */
	SIGHTING_SHARE,	  /* button or link that shares to a platform */
	SIGHTING_EMBED,	  /* player or widget shown inside the page */
	SIGHTING_CONTENT, /* link to a single post or video */
	SIGHTING_PLAYER,  /* the site's own page around a platform's player */
	SIGHTING_FEED,
	SIGHTING_OTHER,	  /* on a platform, none of these */
	SIGHTING_SUSPECT, /* resembles a platform and is not */
	SIGHTING_KIND_COUNT
};

/* One recognised element.  Equal sightings of one page (kind, platform, name,
 * kit; for share and player: kind, platform, kit) are one entry with a count;
 * the other fields are those of the first occurrence. */
struct sighting {
	enum sighting_kind kind;
	char *platform;	 /* id of conf/platforms.yaml */
	char *name;	 /* account or content id; NULL where kind has none */
	char *url;	 /* resolved; NULL for markup without a URL */
	char *element;	 /* "a.block_right_sns.brc_twiter" */
	char *text;	 /* visible text, may be NULL */
	char *kit;	 /* share kit ("jiathis"); NULL for plain links */
	uint64_t offset; /* in the decoded body, of the element's '<' */
	uint32_t count;
	bool fold; /* names that differ in ASCII case are one account */
};

/* One visible text block, white space folded. */
struct text_block {
	char *text;    /* the finding's, as long as it is */
	uint64_t hash; /* bytes_hash of the normalised text (noise replaced) */
	bool noise;    /* nothing but noise: not in the text hash */
};

/* What kind of page the bytes are. */
enum page_class {
	PAGE_NORMAL,
	PAGE_EMPTY, /* no visible text, no links */
	PAGE_BOT_WALL,
	PAGE_BLOCK, /* a state's or network's block page */
	PAGE_PARKED,
	PAGE_PLACEHOLDER, /* a server's default page */
	PAGE_LOGIN_WALL,
	PAGE_GEO, /* refused for our country */
	PAGE_SOFT_404,
	PAGE_MAINTENANCE,
	PAGE_CLASS_COUNT
};

enum analysis_status {
	ANALYSIS_OK,
	ANALYSIS_CUT,	 /* a limit was hit; notes say which */
	ANALYSIS_NONE,	 /* nothing to analyse: no response, or 304 */
	ANALYSIS_FAILED, /* the analyser died or was killed on it */
	ANALYSIS_SAME,	 /* not made: the same bytes as the look before */
	ANALYSIS_STATUS_COUNT
};

struct finding {
	enum analysis_status status;
	enum page_class page_class;
	char *class_rule;   /* id of the rule in verdicts.yaml that said so */
	char *media_type;   /* "text/html", from the header or sniffed */
	char *charset;	    /* WHATWG name in lower case, "euc-kr" */
	char *charset_from; /* "bom", "header", "meta", "detected", "default" */
	uint32_t bad_chars; /* undecodable sequences made U+FFFD */
	char *title;	    /* NULL when there is none */
	uint64_t body_length; /* decoded */
	char body_sha256[65]; /* of the decoded body; "" when there is none */
	char text_sha256[65]; /* of the blocks without noise; "" likewise */
	uint64_t simhash;     /* similarity hash of the same text */
	uint64_t rules;	      /* rules_id() of those that it was made with */
	struct text_block *blocks;
	size_t nblocks;
	struct text_pool *texts; /* private: what they say, links, notes */
	struct sighting *sightings;
	size_t nsightings;
	const char **links; /* same-site links in page order, absolute, for
			     * sampled slots; at most SAMPLES_MAX kept */
	size_t nlinks;
	const char **notes; /* "body cut at 16777216 bytes", ... */
	size_t nnotes;
};

void finding_init(struct finding *);
void finding_release(struct finding *);
/* Appends (takes the strings of *s) unless an equal one is there, whose count
 * is then raised and the strings of *s freed.  False at SIGHTINGS_MAX. */
bool finding_add_sighting(struct finding *, struct sighting *s);
/* Appends a copy of the text; false at BLOCKS_MAX. */
bool finding_add_block(struct finding *, struct span text, uint64_t hash,
    bool noise);
/* Appends a copy, unless there are SAMPLES_MAX. */
void finding_add_link(struct finding *, struct span url);
void finding_note(struct finding *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Wire form, read by finding_decode(), which is for hostile bytes: false on
 * any malformed byte, and the finding is empty then. */
void finding_encode(const struct finding *, struct buf *);
bool finding_decode(struct finding *, struct span);

void sighting_release(struct sighting *);
const char *sighting_kind_name(enum sighting_kind);	 /* "channel", ... */
enum sighting_kind sighting_kind_from_name(struct span); /* COUNT if none */
const char *page_class_name(enum page_class);		 /* "bot_wall", ... */
enum page_class page_class_from_name(struct span);	 /* COUNT if none */
const char *analysis_status_name(enum analysis_status);

#endif
