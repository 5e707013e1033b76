/*
 * Files of a state folder held against their seals.
 */
#ifndef KPWATCH_SEAL_CHECK_H
#define KPWATCH_SEAL_CHECK_H

#include "fault.h"
#include "seal.h"

struct seal_check {
	struct seal *list; /* by file and place */
	size_t n;
	bool *met;   /* for each: its file was looked at */
	size_t lost; /* the first of what starts found gone */
	size_t nlost;
	size_t next;	  /* those before it were */
	uint64_t agree;	  /* files, every byte of them */
	uint64_t without; /* files with bytes that have no digest */
	uint64_t without_bytes;
	uint64_t found_bytes; /* with one that was taken at a start */
	uint64_t gone;	      /* files that are not there */
};

enum seal_state {
	SEAL_AGREES,  /* every byte is the one that was written */
	SEAL_LACKING, /* as far as there are digests of what was written */
	SEAL_BROKEN,  /* said why */
};

void seal_check_init(struct seal_check *, const char *state_dir);
void seal_check_release(struct seal_check *);
/*
 * One open file, by its name in the state folder ("log/NAME").  `whole`: its
 * records can be read to the end, none of them cut short.  Faults are told with
 * their offset.
 */
enum seal_state seal_check_file(struct seal_check *, const char *file, int fd,
    bool whole, fault_fn *, void *arg);
/* Was it being written when the seals were last saved? */
bool seal_check_open(const struct seal_check *, const char *file);
/* What a start found gone, of n: that entry, and the file's name in the state
 * folder (borrows; it need not be there). */
const struct seal *seal_check_lost(const struct seal_check *, size_t n,
    const char **file);
/* The next file with seals that was not looked at; NULL when there is none.
 * Its last seal says what it was. */
const struct seal *seal_check_rest(struct seal_check *);

#endif
