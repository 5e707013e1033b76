/*
 * Starting and being one of our processes.
 *
 * The program executes itself once per role with one end of a socketpair on
 * descriptor 3, so that no role inherits another's memory.  A child says
 * HELLO, takes its configuration and peers until MSG_SETTINGS, gives up what
 * it does not need, and says READY.
 */
#ifndef KPWATCH_PROCESS_H
#define KPWATCH_PROCESS_H

#include <sys/types.h>

#include "message.h"

#define PROCESS_FD   3
#define PEERS_MAX    64
#define BUILD_ID_MAX 64

struct peer {
	enum role role;
	uint32_t index;
	int fd;
};

/* What a child was given before MSG_SETTINGS. */
struct startup {
	struct config *config;
	struct buf rules;
	struct buf recognition;
	struct buf verdicts;
	struct buf ca_bundle;
	struct buf settings;
	struct peer peers[PEERS_MAX];
	size_t npeers;
	struct file_arg {
		char *name;
		int fd;
		enum file_kind kind;
	} * files;
	size_t nfiles;
};

/* Forks and executes this program as `role`.  Returns the pid and our end of
 * its socket (close-on-exec) in *fd, or -1 with errno. */
pid_t process_spawn(enum role, int *fd);
/* A close-on-exec socketpair between two children.  False with errno. */
bool process_pair(int fds[2]);
/* Identifies this very binary; both ends must be equal. */
const char *process_build_id(void);

/* The child's side: never returns.  Called by main() for --role=NAME. */
_Noreturn void process_main(enum role);
enum role role_from_name(const char *); /* ROLE_COUNT if unknown */

/* Log lines of this process go to the parent through a channel from now on
 * (instead of the blocking connection of start-up). */
struct channel;
void process_log_to_channel(struct channel *);
/* For a channel_handler of the channel to the parent, where nothing can be
 * kept or said any more without it: ends this process with 0. */
void process_parent_closed(struct channel *, void *arg);
/* Payload of MSG_PEER. */
void peer_encode(struct buf *, enum role, uint32_t index);
bool peer_decode(struct span, struct peer *);

/* One body per role.  They own everything and return an exit code. */
int net_main(struct connection *, struct startup *);
int reader_main(struct connection *, struct startup *);
int analyser_main(struct connection *, struct startup *);
int store_main(struct connection *, struct startup *);
int courier_main(struct connection *, struct startup *);
int sniffer_main(struct connection *, struct startup *);

#endif
