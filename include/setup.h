/*
 * What a command reads before it starts anything: configuration, rules,
 * trusted certificates, the system's name servers.
 */
#ifndef KPWATCH_SETUP_H
#define KPWATCH_SETUP_H

#include "config.h"
#include "key_log.h"

struct rules;

#define OVERRIDES_MAX 64

/* The arguments that several commands share. */
struct common_options {
	const char *config_path;	/* -c; NULL: config_find() */
	const char *state_dir;		/* -s */
	char *overrides[OVERRIDES_MAX]; /* -o; borrowed from argv */
	size_t noverrides;
	bool json;
	bool all_hosts;
	bool timeline;
	struct key_logs keylogs;
	bool help;
};

/* Reads options with getopt; `allowed` holds their letters ("csoj"; 'a' is
 * --all-hosts, 't' --timeline, 'k' --keylog).  --json and --help are long.
 * Returns the index of the first operand, or -1 after an error was printed. */
int common_options_parse(struct common_options *, int argc, char **argv,
    const char *allowed);

struct setup {
	char *config_path;
	struct config *config;
	struct buf rules; /* encoded */
	struct buf recognition;
	struct buf verdicts;
	struct buf ca_bundle;
};

/* Loads everything.  False when anything has an error; all of them have then
 * been printed, with their places. */
bool setup_load(struct setup *, const struct common_options *);
/* Adds what only the network needs: certificates, the system's name servers. */
bool setup_load_network(struct setup *);
void setup_release(struct setup *);
/* The rules alone, of platforms.yaml beside the configuration `given` or, if
 * that is NULL, the one that config_find() finds.  The caller frees them with
 * rules_free().  NULL after an error, which was printed with the command's
 * name. */
struct rules *setup_rules(const char *command, const char *given);
/* Makes the folder and those above it; 0700, as it holds what was fetched.
 * False when it is no folder that can be written; that has been printed. */
bool setup_folder(const char *path);

#endif
