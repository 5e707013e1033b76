/*
 * What the store keeps of an observation beside its database: the archive and
 * the packets, with their seals.
 */
#ifndef KPWATCH_RECORDER_H
#define KPWATCH_RECORDER_H

#include "observation.h"
#include "store.h"

struct warc_writer;

struct recorder {
	struct store *store;   /* borrowed */
	const char *state_dir; /* borrowed; NULL: nothing is kept */
	struct warc_writer *warc;
	bool settled; /* the archive is sealed as it was found */
	int warc_dir;
	int packet_dir; /* -1: none are kept so far */
	uint64_t kept;	/* captures since the start */
};

void recorder_init(struct recorder *, struct store *, const char *state_dir);
/* Goes on with the newest archive or begins one, of this many bytes at most;
 * ends the process with what to do when the folder cannot be used. */
void recorder_open_archive(struct recorder *, uint64_t rotate_bytes);
/* One record more, where there is an archive; the observation learns its
 * place.  False, and logged: the disk refuses. */
bool recorder_archive(struct recorder *, struct observation *);
/* Makes the folder for packets when they first come: a reload may begin to
 * record them. */
void recorder_open_packets(struct recorder *);
/* Gives the observation the name under which its packets will be: events name
 * the file before it is known whether there will be one. */
void recorder_name_packets(struct recorder *, struct observation *);
/* Writes the packets of an observation that has such a name.  False, and
 * logged: the disk refuses. */
bool recorder_keep_packets(struct recorder *, const struct observation *);
/* The archive to disk. */
bool recorder_sync(struct recorder *);
void recorder_close(struct recorder *);

#endif
