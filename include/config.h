/*
 * The operator's configuration as one structure.
 *
 * The parent reads the YAML files and is the only one to; the other roles get
 * this structure by message (config_encode/config_decode).  Durations are in
 * milliseconds, sizes in bytes.
 */
#ifndef KPWATCH_CONFIG_H
#define KPWATCH_CONFIG_H

#include "bytes.h"

struct page_slot {
	char *name;	 /* "main", "contact", "article" */
	char *url;	 /* fixed slot: the URL; sample: the page that lists */
	char *match;	 /* sample: pattern that links must match ("*" any run
			  * of characters, "?" one); NULL for a fixed slot */
	uint32_t sample; /* sample: how many newest links are watched */
	uint32_t archive_sample; /* how many older ones are re-visited slowly */
	char *note;
};

/* An address or address pattern that a source names; a fact, not a task. */
struct known_page {
	char *url;
	char *note;
};

struct target {
	char *id;
	bool account; /* from accounts.yaml */
	char *name;
	char *name_local;
	char *operator_name;
	char *category;
	char *languages; /* "ko;en" */
	char *status;	 /* active, offline, dormant, unknown; accounts:
			  * unknown, terminated, suspended, renamed, ... */
	char *status_since;
	char *note;
	char *source;
	char *attribution;  /* accounts: official, linked, suspected, ... */
	char *evidence;	    /* accounts */
	char *platform;	    /* accounts */
	char *account_name; /* accounts */
	char *site;	    /* accounts: id of the operating site, or NULL */
	char *url;	    /* accounts: address, or NULL when not known */
	bool watch;	    /* accounts: fetch that address */
	bool enabled;
	int64_t interval;	 /* 0: by status, from the settings */
	char *proxy;		 /* NULL: the settings' */
	struct page_slot *pages; /* none: listed, not fetched */
	size_t npages;
	struct known_page *known; /* known addresses that are not fetched */
	size_t nknown;
};

struct hook_config {
	char *name;
	char *command; /* absolute path of an executable */
	char **args;
	size_t nargs;
	char **types; /* globs; none means all */
	size_t ntypes;
	char **targets; /* globs */
	size_t ntargets;
	char **platforms; /* globs */
	size_t nplatforms;
	char **categories; /* globs */
	size_t ncategories;
	int64_t timeout;
	int64_t batch;	     /* 0: one event per call */
	uint32_t rate;	     /* calls per minute; 0 no limit */
	uint32_t attempts;   /* before it goes to the dead letters */
	int64_t retry_first; /* after one failure; then doubled */
	int64_t retry_max;
};

struct config {
	char *vantage;
	char *state_dir; /* NULL: the user's state folder */
	char *log_dir;	 /* NULL: "log" in the state folder */
	char *user_agent;
	char *proxy;
	char *interface; /* sniffer; NULL any */

	/* Schedule. */
	int64_t interval;	  /* active and unknown targets */
	int64_t interval_dead;	  /* offline, terminated ... */
	int64_t interval_account; /* accounts that are not dead */
	int64_t retry_first;	  /* first confirming retry; doubles after it */
	int64_t retry_max;
	int64_t spacing; /* between two connections to one address */
	uint32_t concurrency;
	uint32_t analysers;
	uint32_t confirm_down;
	uint32_t confirm_up;
	uint32_t confirm_removed;
	bool twin_fetch; /* fetch changed pages twice */
	int64_t twin_delay;

	/* Network. */
	char **name_servers; /* "192.0.2.53" or "[2001:db8::53]:53"; none: the
			      * system's */
	size_t nname_servers;
	char *ca_file;	       /* NULL: the system's bundle */
	char **allow_networks; /* CIDR that policy may connect to */
	size_t nallow_networks;
	char **controls; /* URLs that tell whether we are online */
	size_t ncontrols;
	bool ipv4;
	bool ipv6;
	bool robots;
	int64_t dns_timeout;
	int64_t connect_timeout;
	int64_t total_timeout;
	int64_t body_limit; /* bytes of one body over the wire */
	uint32_t redirects;

	/* Recording. */
	bool record_warc;
	bool record_packets;
	int64_t record_size; /* rotate a WARC at this many bytes */

	/* Service. */
	char *metrics_listen; /* "127.0.0.1:9464"; NULL off */
	bool sandbox_best_effort;
	int64_t offline_window; /* all targets failing this long: it is us */

	struct hook_config *hooks;
	size_t nhooks;
	struct target *targets; /* sites, then accounts, each by file order */
	size_t ntargets;
	uint32_t *by_id; /* the targets in the order of ids; NULL: no index */
};

/* One complaint about a file.  line 0: about the file as a whole. */
struct config_error {
	char *file;
	uint32_t line;
	uint32_t column;
	char *message;
};

struct config_errors {
	struct config_error *list;
	size_t count;
	size_t cap;
};

void config_errors_add(struct config_errors *, const char *file, uint32_t line,
    uint32_t column, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));
/* "FILE:LINE:COLUMN: message" lines to standard error. */
void config_errors_print(const struct config_errors *);
/* By place; files stay in the order in which they came up. */
void config_errors_sort(struct config_errors *);
void config_errors_release(struct config_errors *);

/*
 * Reads kpwatch.yaml at `path` and the sites.yaml and accounts.yaml that it
 * names (default: beside it), applies the `overrides` ("key=value", later
 * wins; nested keys with dots), fills in defaults, and checks everything.
 * Returns an owned configuration, or NULL with every error in *errors.
 */
struct config *config_load(const char *path, char *const *overrides,
    size_t noverrides, struct config_errors *errors);
void config_free(struct config *);
/* The configuration file to use: `given`, or $KPWATCH_CONFIG, or
 * /etc/kpwatch/kpwatch.yaml, or conf/kpwatch.yaml beside the executable.
 * Returns owned, or NULL when none exists. */
char *config_find(const char *given);
/* Path of a file that lies beside the configuration file ("platforms.yaml").
 * Returns owned. */
char *config_beside(const char *config_path, const char *name);
/* Wire form; config_decode() returns owned, NULL on malformed bytes. */
void config_encode(const struct config *, struct buf *);
struct config *config_decode(struct span);
/* State folder in effect: `given`, the configuration's, $STATE_DIRECTORY,
 * $XDG_STATE_HOME/kpwatch or ~/.local/state/kpwatch.  Returns owned. */
char *config_state_dir(const struct config *, const char *given);
/* A sampled slot whose list is the page of an earlier slot needs no look of
 * its own: the links are taken from that slot's. */
bool target_shares_list(const struct target *, size_t slot);
/* Interval of a target: its own, or by its status.  ms. */
int64_t config_interval(const struct config *, const struct target *);
/* How many targets have pages to look at. */
uint32_t config_watched(const struct config *);
/* Makes config_target() quick; again whenever targets were added.  Loaded and
 * decoded configurations have it done. */
void config_index(struct config *);
/* NULL when there is none. */
const struct target *config_target(const struct config *, const char *id);
/* Shell-style glob over a whole string: * and ?, nothing else. */
bool glob_match(const char *pattern, const char *text);

#endif
