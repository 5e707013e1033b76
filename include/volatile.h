/*
 * What of a page's text changes by itself: places between two blocks that
 * differ between two looks a moment apart, or in most of the last looks.
 * Such a place is known by the blocks around it, whatever stands in it.
 */
#ifndef KPWATCH_VOLATILE_H
#define KPWATCH_VOLATILE_H

#include "bytes.h"

enum slot_state {
	SLOT_CANDIDATE, /* changed before; its changes are told */
	SLOT_SUSPECT,	/* differed between twins: the next look decides */
	SLOT_VOLATILE,	/* its changes are counted, not told */
	SLOT_BUSY,	/* likewise: changed in most of the last looks */
	SLOT_BLOCK,	/* no place: a block that came or went (content) */
	SLOT_BLINK,	/* likewise: only a twin has it, or lacks it */
	SLOT_GONE,	/* likewise: one look lacks it, the next decides */
	SLOT_STATE_COUNT
};

struct volatile_slot {
	uint64_t before; /* keys of the blocks around it; 0: the page's end */
	uint64_t after;
	uint64_t content; /* what stood there when it last changed */
	uint64_t changes; /* bits: changed in that look, the latest lowest */
	uint64_t look;	  /* good look at the page of the last change */
	uint32_t width;	  /* most blocks that changed there by themselves */
	uint32_t lasted;  /* looks that the longest of them stood */
	uint32_t same;	  /* suspect: looks in a row with that content */
	enum slot_state state;
	/* A block that only comes and goes: the last things that stood there,
	 * and how many changes in a row brought one of them or nothing. */
	uint64_t usual[2];
	uint32_t usual_run;
	bool empties; /* nothing stood there, before or after one of them */
	bool touched; /* changed in the comparison under way; not kept */
};

struct volatile_set {
	struct volatile_slot *list;
	size_t count, cap;
	bool dirty;
};

/* Blocks in a row of which none is a fixed point of the page. */
struct block_run {
	size_t first, count; /* in the list of the page's blocks */
	size_t unpaired;     /* of them, without a partner on the other side */
	uint32_t stood;	     /* looks that the longest of these has stood ... */
	uint32_t fixed;	     /* ... and the longest that was a fixed point */
	uint64_t before, after;
	uint64_t content; /* hash; order does not count */
};

enum volatile_step {
	VOLATILE_TELL,
	VOLATILE_HIDE,
	VOLATILE_WAIT, /* it looks settled: another look decides */
};

/* A block came or went, wherever it stands: hidden when it does so too often
 * to be told, or did between twins. */
enum volatile_step volatile_block(struct volatile_set *, uint64_t hash,
    uint64_t look);
/* It does so no more: it is a block as any other. */
void volatile_forget(struct volatile_set *, uint64_t hash);
/* Has anything else come to that place since it is known? */
bool volatile_is_shared(const struct volatile_set *, const struct block_run *);
/* Has but one thing ever come to that place and gone again? */
bool volatile_is_alone(const struct volatile_set *, const struct block_run *);
/* May a block that volatile_block() just told to be gone be back in the next
 * look?  Not when this one is the second that lacks it. */
bool volatile_may_return(const struct volatile_set *, uint64_t hash);
/* It is not told before the next look lacks it too. */
void volatile_await(struct volatile_set *, uint64_t hash);
/* The same between twins. */
void volatile_blinks(struct volatile_set *, uint64_t hash, uint64_t look);
/* Twins of that look were compared: what an earlier one showed and this one
 * does not comes and goes. */
void volatile_twin_end(struct volatile_set *, uint64_t look);
/* Is that a place that is known already? */
bool volatile_knows(const struct volatile_set *, const struct block_run *);
/* The place that changes by itself and is that run's, NULL when there is none
 * (borrows until the set changes). */
struct volatile_slot *volatile_place(struct volatile_set *,
    const struct block_run *);
/* Has a block that stood there for so many looks outlasted what changes
 * there?  Then it is no part of it. */
bool volatile_outlasts(const struct volatile_slot *, uint64_t stood);
/* So many blocks are no part of it any more. */
void volatile_narrow(struct volatile_set *, struct volatile_slot *, size_t);

void volatile_set_release(struct volatile_set *);
/* Forgets places that have been quiet up to that good look. */
void volatile_expire(struct volatile_set *, uint64_t look);
/* Is a slot in this state quiet for so long at that look? */
bool volatile_quiet(const struct volatile_slot *, uint64_t look);
/* Takes a change into account: what stood there (NULL: nothing) and what
 * does now (NULL likewise; not both).  Of twins VOLATILE_TELL means that it
 * is for an ordinary look to tell. */
enum volatile_step volatile_changed(struct volatile_set *,
    const struct block_run *gone, const struct block_run *come, uint64_t look,
    bool twin);

#endif
