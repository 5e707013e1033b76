/*
 * A walk over the files of a state folder, or over some that were named: what
 * the files of `kpwatch verify` share.
 */
#ifndef KPWATCH_VERIFY_H
#define KPWATCH_VERIFY_H

#include "seal_check.h"

/* The chain goes on from file to file. */
struct verify {
	const char *config_path;
	const char *state_dir;
	int warcfd;	/* folder with the evidence; -1 none */
	int packetfd;	/* with that of packets; -1 none */
	bool whole_log; /* the first line must begin the chain */
	bool started;
	uint64_t seq; /* of the line before */
	char prev[65];
	uint64_t lines, members, files;
	uint64_t evidence, evidence_gone;
	uint64_t records; /* in the archives */
	uint64_t indexes; /* of them */
	uint64_t faults;
	struct seal_check seals; /* of the state folder; or none */
};

/* Prints a fault of a line, record or byte of a file, and counts it. */
void verify_fault(struct verify *, const char *path, uint64_t at,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* A file under way, for those who find faults in it. */
struct verify_file {
	struct verify *v;
	const char *path;
	int fd;
};

/* A fault_fn, with such a file. */
void verify_file_fault(void *file, uint64_t at, const char *text);
/* Behind the last slash; borrows. */
const char *verify_base_name(const char *path);
/* A file of this folder of the state folder against its seals. */
enum seal_state verify_seal(struct verify *, const char *folder,
    const char *path, int fd, bool whole);
/* What the checksums do not cover, where there is no digest either. */
void verify_exact(struct verify *, const char *path, int fd);

/* Files of the change log, in order. */
void verify_log_files(struct verify *, char *const *paths, size_t n);
/* All archives of the state folder, and their indexes. */
void verify_archives(struct verify *, const char *state);

#endif
