/*
 * Differencing: what is known of a target, an observation and its finding
 * in; events and what is known now, out.
 *
 * All of it is pure: time is the observation's, state comes in and goes out
 * as the structures below (the store loads and saves them), so that a replay
 * gives the events of the run it recorded.
 */
#ifndef KPWATCH_DIFF_H
#define KPWATCH_DIFF_H

#include "event.h"
#include "finding.h"
#include "instant.h"
#include "observation.h"
#include "volatile.h"

/* ---- Verdicts ---- */

enum verdict {
	VERDICT_UNKNOWN, /* never looked at, or nothing held yet */
	VERDICT_UP,
	VERDICT_DEGRADED,
	VERDICT_BLOCKED,
	VERDICT_DOWN,
	VERDICT_MOVED,
	VERDICT_PARKED,
	VERDICT_INCONCLUSIVE, /* of one look: only we can be at fault */
	VERDICT_COUNT
};

const char *verdict_name(enum verdict);
enum verdict verdict_from_name(struct span); /* UNKNOWN if none */
/* site.up, site.down, ...; not for UNKNOWN and INCONCLUSIVE. */
enum event_type verdict_event(enum verdict);

/* What one look says by itself. */
enum verdict verdict_of(const struct observation *, const struct finding *);

/* What a look may be used for. */
enum grade {
	GRADE_NONE, /* failed, walled, parked: changes nothing */
	GRADE_MORE, /* cut: may add, may not remove, has no hash */
	GRADE_SAME, /* 304, or the same bytes: as the last good one */
	GRADE_GOOD,
};
enum grade observation_grade(const struct observation *, const struct finding *,
    enum verdict seen);

/* The verdict of a target and the one that is forming. */
struct verdict_state {
	enum verdict confirmed;
	int64_t since;		/* first look that said so; ms */
	enum verdict candidate; /* UNKNOWN: none */
	int64_t candidate_since;
	uint32_t count;	       /* looks in a row that said so */
	uint32_t bad;	       /* looks in a row that did not say up */
	uint32_t corroborated; /* of count: another target answered since */
	int64_t last;	       /* the latest of them */
	bool held;	       /* count is reached, but is it us? */
};

struct verdict_limits {
	uint32_t confirm_down;
	uint32_t confirm_up;
	bool alone;	       /* nobody could tell us that it is us */
	int64_t other_success; /* latest answer of another; INSTANT_NONE */
};

enum verdict_step {
	VERDICT_KEPT,
	VERDICT_FORMING,
	VERDICT_HELD,
	VERDICT_CHANGED
};

/* Takes one look into account; VERDICT_CHANGED when `confirmed` is new. */
enum verdict_step verdict_advance(struct verdict_state *, enum verdict seen,
    int64_t time, const struct verdict_limits *);
/* The candidate becomes the verdict (a held one that proved right). */
void verdict_confirm(struct verdict_state *);
/* Forgets the looks of the candidate from `from` on: they were our fault. */
void verdict_void(struct verdict_state *, int64_t from);

/* Is an article no longer where it was, on a site that is: not found, or sent
 * to the front page? */
bool article_gone(const struct observation *, const struct finding *,
    const struct verdict_state *);

/* ---- Is it us? ---- */

struct outage_target {
	int64_t row;
	bool alive;   /* answered when it was last asked with our line up */
	bool failing; /* failed since anybody answered */
};

/* What the targets of one vantage say together. */
struct outage {
	bool offline;
	int64_t since;	       /* of the offline state: its first failure */
	int64_t last_success;  /* INSTANT_NONE: none yet */
	int64_t last_row;      /* whose it was */
	int64_t other_success; /* latest of anybody else */
	int64_t run_start;     /* first failure since; INSTANT_NONE: none */
	struct outage_target *list;
	size_t count, cap;
	size_t alive;
	size_t failing;
	size_t controls_failing;
	uint32_t controls;	   /* configured */
	int64_t window;		   /* ms */
	uint64_t control_seen[16]; /* hashes of those failing */
};

void outage_init(struct outage *, uint32_t controls, int64_t window);
void outage_release(struct outage *);
/* The entry of a target, made (alive) when there is none (borrows). */
struct outage_target *outage_target(struct outage *, int64_t row);
void outage_set_alive(struct outage *, int64_t row, bool alive);
/* The clock was set back to `time`: nothing that is known came later. */
void outage_clock_back(struct outage *, int64_t time);
/* A look got an answer.  Returns the number of distinct targets that had
 * failed since the answer before it; sets *online when it ends an outage. */
size_t outage_success(struct outage *, int64_t row, int64_t time, bool *online);
/* A look failed below HTTP; `control` is the URL hash of a control target, 0
 * for others.  True when this makes it an outage of ours. */
bool outage_failure(struct outage *, int64_t row, uint64_t control,
    int64_t time);
/* Is there nobody whose answers could tell a lost line from a lost site?
 * `watched` are the targets of the run that looked, 0 when that is not known:
 * a capture may show a few sites of a large catalogue. */
bool outage_alone(const struct outage *, uint32_t watched);
/* Latest success of anybody but that target. */
int64_t outage_other_success(const struct outage *, int64_t row);

/* ---- What is known of a target ---- */

/* A sighting on one page of the target. */
struct known_place {
	int64_t page;	  /* row of the page */
	uint32_t missing; /* good looks in a row without it */
	uint32_t returns; /* times it was missing and came back */
	int64_t first_seen;
	int64_t last_seen; /* INSTANT_NONE: still there at last_good */
	bool sampled;	   /* of the page: a sample comes and goes */
	uint64_t turn;	   /* of the page's last good look */
	bool dirty;
	bool gone; /* to be deleted */
};

/* One element of the target's union. */
struct known_sighting {
	int64_t row;  /* 0: new */
	uint64_t key; /* of kind, platform and name */
	enum sighting_kind kind;
	char *platform;
	char *name;
	char *kit;
	char *url;
	char *element;
	char *text;
	uint32_t count;
	bool present; /* in the union now */
	int64_t first_seen;
	int64_t last_seen; /* INSTANT_NONE while present */
	struct known_place *places;
	size_t nplaces, places_cap;
	bool dirty;
};

struct known_set {
	struct known_sighting *list;
	size_t count, cap;
	bool urgent;   /* something is missing that does not come and go */
	size_t hidden; /* comings and goings that are not told */
};

void known_set_release(struct known_set *);
/* Appends an empty one and returns it (borrows until the next). */
struct known_sighting *known_set_add(struct known_set *);
struct known_place *known_place_add(struct known_sighting *);
/* Of kind, platform and name, whose ASCII case does not count. */
uint64_t sighting_key(enum sighting_kind, const char *platform,
    const char *name);
/* Hash of all sightings of a finding; order does not count. */
uint64_t sightings_hash(const struct finding *);
/* Of these kinds come events. */
bool sighting_is_news(enum sighting_kind);

/* ---- Differences ---- */

typedef void diff_emit(void *arg, struct event *);

struct diff;

/* What only the other pages of the target can tell; `hash` is a block's. */
struct diff_pages {
	bool (*stands)(const struct diff *, uint64_t hash); /* on another */
	bool (*told)(const struct diff *, uint64_t hash);   /* of another */
	void (*tell)(const struct diff *, uint64_t hash);   /* now, of this */
	bool (*again)(const struct diff *, uint64_t hash);  /* asked before? */
};

/* The surroundings of one look. */
struct diff {
	const struct observation *o;
	const struct finding *f;
	enum grade grade;
	int64_t page; /* row */
	bool sampled;
	bool silent; /* baseline: note it, do not tell */
	/* Parts of the rules (see recognition.h) that are new since the page's
	 * last good look; sorted. */
	char **renewed;
	size_t nrenewed;
	uint64_t turn;	 /* good looks at the target so far */
	uint32_t sample; /* size of the sample; 0 for fixed slots */
	uint32_t confirm_removed;
	int64_t last_good;		/* of the page before this look */
	const struct diff_pages *pages; /* NULL: there are no others */
	diff_emit *emit;
	void *arg;
};

/* Page-level facts common to all events of this look. */
void diff_event(const struct diff *, struct event *, enum event_type);

/* Is a part of the rules, but for the common one, new since then? */
bool diff_renewed(const struct diff *, const char *part);

/* Compares the sightings with the union and brings it up to date.  What only
 * new rules show, or do not show any more (count 0), is told as a baseline with
 * the cause "rules".  Returns
 * the number of elements of this page that are missing and not yet given up;
 * set->urgent asks for a look soon. */
size_t diff_sightings(const struct diff *, struct known_set *);
/* What a twin lacks comes and goes: it takes longer to be removed. */
void diff_sightings_twin(const struct diff *, struct known_set *);

/* What is known of a block beside its text. */
struct block_state {
	uint64_t since; /* good look at the page that first saw it there */
	bool changing;	/* stands in a volatile place */
	bool frame;	/* stood on another page of the target too */
};

/* A text block of the last good state. */
struct known_block {
	int64_t position;
	uint64_t hash;
	uint64_t words;	  /* hash of its text, which the hash above is not */
	const char *text; /* the pool's, once it was asked for */
	struct block_state state;
	bool flagged; /* changing, as loaded */
};

#define STRAY_LOOKS 24 /* of them in a row: it is told */

/* A block that flickers and is not as it was told last. */
struct stray {
	uint64_t hash;
	uint64_t look;	  /* good look at the page that saw it first */
	int64_t time;	  /* of that; when it is gone, of the one before; ms */
	const char *text; /* of the pool or of the finding */
	bool gone;	  /* told as being there; else it is there untold */
};

/* The text of a page as it was, and what became of the comparison.  What its
 * blocks say is asked for where it is told: nearly all stay. */
struct known_text {
	struct known_block *list;
	size_t count, cap;
	/* Puts the text of one of these into the pool; NULL without one. */
	const char *(*read)(struct known_text *, const struct known_block *);
	void *store;
	int64_t page; /* row */
	struct text_pool *texts;
	struct volatile_set slots;
	struct kept_slot *kept; /* what the store has of them; owned */
	size_t nkept;
	struct stray *strays;
	size_t nstrays, strays_cap;
	bool strayed;		 /* they are others than before */
	uint64_t look;		 /* good looks at the page, with this one */
	const char *sha256;	 /* text hash of the blocks (borrowed) */
	struct block_state *now; /* of each block of the finding; owned */
	bool reordered;		 /* the same blocks in another order */
	size_t suppressed;	 /* blocks that differ and are not told */
	bool told;
	bool later; /* another page may tell: keep the old state */
	bool wait;  /* unsettled: keep the old state, look again */
};

void known_text_release(struct known_text *);
/* content.changed, unless the blocks that are not volatile are the same
 * multiset; learns which are.  Of a sampled page: content.edited when its own
 * text changed; what changed around it is told once for all pages. */
void diff_text(const struct diff *, struct known_text *);
/* Compares the blocks with those of a twin: learns, tells nothing.  The flags
 * of the known blocks are brought up to date. */
void diff_twin(const struct diff *, struct known_text *);

/* An empty one, for the store to fill (borrows until the next). */
struct stray *stray_add(struct known_text *);
/* Tells what flickered and has now been as it is for long.  The
 * known text is that after this look. */
void diff_strays(const struct diff *, struct known_text *);

/* The same title but for a date, a clock or a count? */
bool titles_alike(const char *, const char *);

/* Lists of values known for a host, separated by spaces; owned by the caller
 * and replaced here.  True when they changed (with an event or not). */
bool diff_addresses(const struct diff *, char **known);
/* Who serves the zone, where it was asked: no event. */
bool diff_name_servers(const struct diff *, char **known);
bool diff_certificate(const struct diff *, char **known);
/* Where redirects ended, without query and fragment: returns owned, NULL when
 * they ended at the page itself or there were none. */
char *redirect_target(const struct observation *);

#endif
