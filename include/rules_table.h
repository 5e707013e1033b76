/*
 * The compiled rules: flat tables that refer to each other by index, so that
 * their wire form is the tables themselves.  Shared by the rules_*.c files
 * and recognise.c only; everybody else uses rules.h.
 *
 * Index 0 of `text` is the empty string.  NONE stands for "no such thing".
 */
#ifndef KPWATCH_RULES_TABLE_H
#define KPWATCH_RULES_TABLE_H

#include "rules.h"

#define RULE_NONE   UINT32_MAX
#define NEAR_LENGTH 6 /* shorter names resemble too much */

/* What a placeholder is for. */
enum rule_slot {
	SLOT_LITERAL, /* no placeholder: text */
	SLOT_ACCOUNT,
	SLOT_CONTENT,
	SLOT_URL,
	SLOT_SERVICE,
	SLOT_OTHER, /* any other name: must be there, is not the result */
	SLOT_COUNT
};

/* What may stand in its place. */
enum rule_type {
	TYPE_ANY,
	TYPE_DIGITS, /* :d */
	TYPE_SIGNED, /* :o, a leading minus allowed */
	TYPE_OWNER,  /* :oo, "-12_345" */
	TYPE_REST,   /* :rest, this segment and all after it */
	TYPE_WORD,   /* :w, ASCII letters and digits */
	TYPE_RUMV,   /* :rumv, v and four to eight letters or digits */
	TYPE_COUNT
};

struct rule_part {
	uint32_t text; /* literal, in `text` */
	uint16_t length;
	uint8_t slot;
	uint8_t type;
};

enum segment_kind {
	SEGMENT_PLAIN,
	SEGMENT_GLOB,	/* "**": any number of segments */
	SEGMENT_PREFIX, /* "http**": this beginning, then anything */
};

/* One path segment, host label, query value or fragment segment. */
struct rule_segment {
	uint32_t part;
	uint16_t parts;
	uint16_t kind;
	uint32_t key; /* of a query pair; RULE_NONE: the whole query */
};

enum host_mode {
	HOST_EXACT,  /* itself, or with www. m. mobile. ... before it */
	HOST_ANY,    /* and any subdomain that is not reserved */
	HOST_LABELS, /* exactly these labels before it */
	HOST_SCHEME, /* not a host: an address of another scheme */
};

enum pattern_flag {
	PATTERN_LOW = 1,
	PATTERN_UNVERIFIED = 2,
	PATTERN_SCRIPT = 4,   /* script or tracker of a widget */
	PATTERN_REDIRECT = 8, /* the URL slot says what it is */
	PATTERN_FRAGMENT = 16,
	PATTERN_GLOB = 32,  /* ends in "**" */
	PATTERN_EXACT = 64, /* an id, of which every letter counts */
};

struct rule_pattern {
	uint32_t platform;
	uint32_t host;	 /* index of its host entry */
	uint32_t labels; /* segments, HOST_LABELS */
	uint32_t path;
	uint32_t query;
	uint32_t fragment;
	uint32_t fragment_query;
	uint32_t name;	 /* segment that writes the name, or RULE_NONE */
	uint32_t syntax; /* what the account must look like, or RULE_NONE */
	uint16_t score;
	uint8_t kind; /* enum sighting_kind */
	uint8_t flags;
	uint8_t host_mode;
	uint8_t nlabels;
	uint8_t npath;
	uint8_t nquery;
	uint8_t nfragment;
	uint8_t nfragment_query;
	uint8_t pad[2];
};

enum host_flag {
	HOST_PLATFORM = 1, /* the platform's own: "other" when nothing fits */
	HOST_ASSET = 2,	   /* serves files: never a sighting by itself */
	HOST_SUFFIX = 4,   /* "name.*": any public suffix follows */
	HOST_KIT = 8,	   /* serves a share kit's script */
	HOST_SHORT = 16,   /* of short addresses, which may lead anywhere */
};

struct rule_host {
	uint32_t name;
	uint32_t platform; /* RULE_NONE when only patterns name it */
	uint32_t first;	   /* its patterns, best first */
	uint32_t count;
	uint32_t flags;
};

/* Permitted account names. */
struct rule_syntax {
	uint32_t bits[4]; /* ASCII characters allowed */
	uint16_t min;
	uint16_t max;
	uint32_t utf8;	 /* other characters are allowed too */
	uint32_t forbid; /* text that must not stand in it; empty: none */
};

enum platform_flag {
	PLATFORM_FOLD = 1,   /* account names ignore ASCII case */
	PLATFORM_PLAYER = 2, /* an icon of it on an own page means a player */
	PLATFORM_SHARES = 4, /* there are addresses that share to it */
};

struct rule_platform {
	uint32_t id;
	uint32_t name;
	uint32_t flags;
	uint32_t reserved; /* into `words`, sorted, lower case */
	uint32_t nreserved;
	uint32_t subdomains;
	uint32_t nsubdomains;
};

/* A word that names a platform in class names, paths and handlers. */
struct rule_word {
	uint32_t word;
	uint32_t platform;
};

struct rule_kit {
	uint32_t id;
	uint32_t name;
	uint32_t service; /* into `services` */
	uint32_t nservices;
	uint32_t host; /* into `words`: hosts of its scripts */
	uint32_t nhosts;
	uint32_t has_calls; /* derived: some are looked for in scripts */
};

/* What markup or a call means. */
struct rule_result {
	uint32_t platform; /* RULE_NONE: by the code or the address */
	uint32_t kind;	   /* enum sighting_kind */
	uint32_t url;	   /* address with an {account}, or RULE_NONE */
};

/*
 * Markup of a kit.  All conditions that are given must hold; the service's
 * code is what stands between `before` and `after` in a class token or in the
 * attribute's value (which may be a list).
 */
struct rule_markup {
	uint32_t kit;
	uint32_t attribute; /* RULE_NONE: a class token, or the tag alone */
	uint32_t before;
	uint32_t after;
	uint32_t tag;  /* RULE_NONE: any */
	uint32_t with; /* class that must be on the element, or NONE */
	uint32_t when; /* attribute that must be `is`, or RULE_NONE */
	uint32_t is;
	uint32_t own_value; /* derived: `when` is the attribute itself */
	struct rule_result found;
	uint32_t account;  /* attribute that must be there and holds the
			    * account's name; RULE_NONE */
	uint32_t has_code; /* "{service}" stands in the template */
	uint32_t inside;   /* platform whose contents the element shows, where
			    * links to them are in it; RULE_NONE */
};

#define CALL_NAME_MIN 4

/* A call in a script of the page, of a function that a kit's script has. */
struct rule_call {
	uint32_t kit;
	uint32_t name;	   /* "VK.Widgets.Group" */
	uint32_t argument; /* which one is the account, from 1; 0: none */
	uint32_t key;	   /* key whose value is the account, or RULE_NONE */
	uint32_t when;	   /* key whose value must be `is`, or RULE_NONE */
	uint32_t is;
	struct rule_result found;
};

struct rule_service {
	uint32_t code;
	uint32_t platform; /* RULE_NONE: known and on no platform of ours */
};

/* Where a test line stands and what it wants; only after rules_load(). */
struct rule_test {
	char *url;  /* NULL: see html */
	char *html; /* markup on a page of its own; one sighting is wanted */
	char *platform;
	char *name; /* NULL: none */
	enum sighting_kind kind;
	bool nothing; /* must not be recognised at all */
	uint32_t line;
	uint32_t column;
};

/* Of one part of the rules, see recognition.h; only after rules_load(). */
struct rule_digest {
	char *name;
	uint64_t hash;
};

/* First label of a platform's own host, long enough to be imitated. */
struct near_name {
	uint32_t host;
	uint32_t text; /* of the whole name; the label is its beginning */
	uint8_t length;
	uint8_t suffix; /* length of what follows the label, dot included */
	char first;
	char last;
	uint32_t letters;    /* near_letters() of the label */
	uint16_t next_first; /* the next that begins so; NEAR_NONE */
	uint16_t next_last;  /* the next that ends so */
};

/* A word that does not begin in ASCII: it is looked for anywhere in what people
 * read, as its script may not part words. */
struct script_word {
	uint32_t text;
	uint32_t platform; /* that it names, or one of the two below */
};

#define SCRIPT_SHARE UINT32_MAX
#define SCRIPT_NOT   (UINT32_MAX - 1)

#define AROUND_HEADS 16 /* beginnings of around_words that are told apart */

#define NEAR_NONE UINT16_MAX

#define SEGMENTS_ANY SIZE_MAX

/* What a path must be for the pattern to be looked at: bits of its first
 * segment's span_key() in lower case, and how many segments it has. */
struct path_shape {
	uint64_t mask;
	uint64_t key;
	size_t segments; /* or SEGMENTS_ANY */
};

struct rules {
	char *text;
	size_t ntext, text_cap;
	struct rule_platform *platforms;
	size_t nplatforms, platforms_cap;
	struct rule_host *hosts;
	size_t nhosts, hosts_cap;
	struct rule_pattern *patterns;
	size_t npatterns, patterns_cap;
	struct rule_segment *segments;
	size_t nsegments, segments_cap;
	struct rule_part *parts;
	size_t nparts, parts_cap;
	struct rule_syntax *syntaxes;
	size_t nsyntaxes, syntaxes_cap;
	uint32_t *words; /* text offsets: reserved words, script hosts */
	size_t nwords, words_cap;
	struct rule_word *names; /* platform words, sorted */
	size_t nnames, names_cap;
	struct rule_kit *kits;
	size_t nkits, kits_cap;
	struct rule_markup *markups;
	size_t nmarkups, markups_cap;
	struct rule_call *calls;
	size_t ncalls, calls_cap;
	struct rule_service *services;
	size_t nservices, services_cap;
	uint32_t *file_endings; /* a first segment that ends so is a file */
	size_t nfile_endings, file_endings_cap;
	uint32_t *redirect_keys; /* query keys of a site's own redirectors */
	size_t nredirect_keys, redirect_keys_cap;
	uint32_t *player_words; /* "player", "play": make a page a player */
	size_t nplayer_words, player_words_cap;
	uint32_t *player_not; /* words that forbid it: "css", "share" */
	size_t nplayer_not, player_not_cap;
	uint32_t *share_words; /* "share": make a button one that shares */
	size_t nshare_words, share_words_cap;
	uint32_t *share_not; /* words that forbid it: "login" */
	size_t nshare_not, share_not_cap;
	uint32_t *share_plain; /* platforms' words that mean other things */
	size_t nshare_plain, share_plain_cap;
	uint32_t *button_words; /* "btn": the same, if less certainly */
	size_t nbutton_words, button_words_cap;
	uint32_t *button_plain; /* words that then mean other things */
	size_t nbutton_plain, button_plain_cap;
	uint32_t *call_words; /* "send": a function with a platform's name */
	size_t ncall_words, call_words_cap;
	uint32_t *around_words; /* make an element one whose buttons share */
	size_t naround_words, around_words_cap;
	uint32_t *around_not; /* words that forbid it */
	size_t naround_not, around_not_cap;

	struct rule_digest *digests;
	size_t ndigests, digests_cap;
	uint64_t id;

	/* Cheap rejection, built by rules_index(): lengths of the words that
	 * begin with a character. */
	uint32_t word_lengths[128];
	uint32_t tag_lengths[128];    /* of tags that mean something alone */
	uint32_t host_lengths[128];   /* of hosts */
	uint32_t suffix_lengths[128]; /* of "name.*" hosts, without ".*" */
	uint32_t list_lengths[128];   /* of player_words and player_not */
	/* Of all words of two letters or more that are looked for, by
	 * letter_pair(). */
	uint32_t pair_lengths[1024];
	/* Markup by letter_pair() of the class and by attribute_place(); what
	 * follows is in markup_next. */
	uint32_t class_first[1024];
	uint32_t class_third[1024]; /* third letters of those, a bit each */
	uint32_t attribute_first[256];
	/* Lengths of the values that those ask for, a bit each. */
	uint32_t attribute_lengths[256];
	uint32_t *markup_next;
	uint64_t *markup_key; /* span_key() of the attribute, lower case */
	struct path_shape *pattern_shape;
	struct script_word *script_words; /* by script_head() */
	size_t nscript_words;
	uint32_t *word_table; /* hash of names */
	size_t word_table_size;
	bool player_head[1024]; /* first and last two letters of */
	bool player_tail[1024]; /* player_words, by letter_pair() */
	bool list_head[1024];	/* first two of player_words, player_not */
	bool call_first[128];	/* first letters of the calls */
	/* Words for buttons, by letter_pair() of their first two letters:
	 * lengths of all, a bit each; whether share_ or button_words begin so;
	 * and by the last two, the letters before them, a bit each. */
	uint32_t button_lengths[1024];
	bool button_head[1024];
	uint32_t button_tail[1024];
	size_t nshare_ascii; /* of share_words and share_not, those in ASCII, */
	size_t nnot_ascii;   /* which come first */
	uint32_t around_lengths[1024]; /* the same of the words around them */
	uint8_t around_heads[AROUND_HEADS][3]; /* how those words begin */
	size_t naround_heads; /* above AROUND_HEADS: a word may begin anyhow */
	uint32_t script_from[257]; /* where each head's begin in script_words */
	struct near_name *nears;   /* names that foreign hosts are */
	size_t nnears;		   /* compared with */
	uint16_t near_first[128];  /* the first of them that begins so */
	uint16_t near_last[128];   /* or ends so */
	uint32_t ids[512];    /* hash of platform ids; open addressing needs
			       * it half empty, else look-ups walk the list */
	uint8_t *host_length; /* of the host names */
	uint32_t *table;      /* hash of host names; built by rules_index() */
	size_t table_size;
	char *file; /* for messages of the self-test */
	struct rule_test *tests;
	size_t ntests, tests_cap;
};

struct doc_node;
/* Fills r->digests from the file's tree, in which every platform and kit has
 * an id. */
void rules_digest(struct rules *, const struct doc_node *root);

/* Runs one test of markup; the message of what it gives instead goes to
 * *got. */
bool rules_page_test(const struct rules *, const struct rule_test *,
    struct buf *got);
/* The text at an offset (borrows). */
static inline const char *
rules_text(const struct rules *r, uint32_t at)
{
	return at < r->ntext ? r->text + at : "";
}

struct span rules_span(const struct rules *, uint32_t);
/* Does the segment stand for itself and all that is behind it? */
static inline bool
rules_takes_rest(const struct rules *r, const struct rule_segment *s)
{
	return s->parts > 0 &&
	    r->parts[s->part + s->parts - 1u].type == TYPE_REST;
}

/* Two letters in any case as one number below 1024. */
static inline unsigned
letter_pair(const char *p)
{
	return ((unsigned char)p[0] & 31u) << 5 | ((unsigned char)p[1] & 31u);
}
/* Place of an attribute by the key of its name in lower case, below 256. */
static inline unsigned
attribute_place(uint64_t key)
{
	return (unsigned)(key * 0x9e3779b97f4a7c15ull >> 56);
}
/* Builds the hash of host names; after the tables are complete. */
void rules_index(struct rules *);
/* Entry of exactly this host name, or NULL. */
const struct rule_host *rules_host(const struct rules *, struct span name);
/* True when the address certainly lies on no host of the rules.  `rest` is
 * what follows "//"; anything unusual in it gives false. */
bool rules_foreign(const struct rules *, struct span rest);
/* Platform that a word names ("fb"), ASCII case ignored; RULE_NONE. */
uint32_t rules_word(const struct rules *, struct span word);
/* Is the word this text, ASCII case ignored?  Most differ in their first
 * letter, before a length is asked for. */
static inline bool
rules_text_is_i(const struct rules *r, uint32_t text, struct span word)
{
	const char *t = rules_text(r, text);

	if (word.n == 0)
		return false;
	for (size_t i = 0; i < word.n; i++)
		if (t[i] == '\0' || ascii_lower(t[i]) != ascii_lower(word.p[i]))
			return false;
	return t[word.n] == '\0';
}

/* Does the text begin with a letter that is not ASCII?  It is then looked for
 * anywhere in what people read, as its script may not part words. */
static inline bool
rules_text_is_script(const struct rules *r, uint32_t text)
{
	return (unsigned char)rules_text(r, text)[0] >= 0x80;
}

/* Digits that stand for letters in look-alikes. */
static inline char
near_letter(char c)
{
	switch (c) {
	case '0':
		return 'o';
	case '1':
		return 'l';
	case '3':
		return 'e';
	case '5':
		return 's';
	default:
		return ascii_lower(c);
	}
}

/* Which letters a label has, a bit each. */
static inline uint32_t
near_letters(struct span label)
{
	uint32_t letters = 0;

	for (size_t i = 0; i < label.n; i++)
		letters |= 1u << ((unsigned char)near_letter(label.p[i]) & 31);
	return letters;
}

/* The first three bytes of a text as one number below 256. */
static inline unsigned
script_head(const char *p)
{
	return ((unsigned char)p[0] * 5u + (unsigned char)p[1] * 61u +
		   (unsigned char)p[2] * 131u) &
	    255;
}

/* Is the word one of these texts? */
static inline bool
rules_listed(const struct rules *r, const uint32_t *list, size_t n,
    struct span word)
{
	for (size_t i = 0; i < n; i++)
		if (rules_text_is_i(r, list[i], word))
			return true;
	return false;
}

/* Sorted word list lookup, ASCII case ignored. */
bool rules_has_word(const struct rules *, uint32_t first, uint32_t count,
    struct span word);

/* What the placeholders of a pattern stand for; p NULL: not in it. */
struct rule_capture {
	struct span slot[SLOT_COUNT];
	bool form[SLOT_COUNT]; /* from a query: "+" is a space */
	bool decoded[SLOT_COUNT];
};

/* One template against one segment; fills *c as far as it fits. */
bool rule_segment_matches(const struct rules *, const struct rule_segment *,
    struct span, struct rule_capture *c, bool form, bool decoded);

/* Adds one pattern in the notation of platforms.yaml; false and a reason
 * (static text) when it is malformed. */
struct pattern_source {
	uint32_t platform;
	enum sighting_kind kind;
	unsigned flags;
	struct span text;
	struct span name; /* "c/{account}", or p NULL */
	uint32_t syntax;
};
bool rules_add_pattern(struct rules *, const struct pattern_source *,
    const char **reason);
uint32_t rules_add_text(struct rules *, struct span);
/* The host's entry, made when there is none. */
uint32_t rules_add_host(struct rules *, struct span name, uint32_t platform,
    unsigned flags);
/* Sorts the patterns by host and score; once, before rules_index(). */
void rules_sort(struct rules *);

#endif
