/*
 * Messages between our processes.
 *
 * A frame is a 16-byte header {u32 length with header, u16 type, u16 flags,
 * u64 id} in native order (same host, same binary) and at most FRAME_MAX
 * bytes in all.  A message is one frame or several of the same type and id,
 * all but the last with FRAME_MORE.  One table says who may send what to whom
 * and how large it may be; anything else makes the peer bad, and a bad peer
 * is dropped, never answered.
 */
#ifndef KPWATCH_MESSAGE_H
#define KPWATCH_MESSAGE_H

#include "bytes.h"
#include "fd_queue.h"

#define FRAME_HEADER 16
#define FRAME_MORE   0x1u /* the message goes on in the next frame */
#define FRAME_FD     0x2u /* one descriptor rides with this frame */

enum role {
	ROLE_PARENT,
	ROLE_NET,
	ROLE_READER,
	ROLE_ANALYSER,
	ROLE_STORE,
	ROLE_COURIER,
	ROLE_SNIFFER,
	ROLE_COUNT
};

/* What an open file is for the reader; the id of its MSG_FILE. */
enum file_kind { FILE_CAPTURE, FILE_KEY_LOG };

enum message_type {
	MSG_HELLO,     /* child -> parent: build id */
	MSG_CONFIG,    /* parent -> child: encoded configuration */
	MSG_RULES,     /* parent -> analyser: encoded platform rules */
	MSG_VERDICTS,  /* parent -> analyser: encoded page-class rules */
	MSG_CA_BUNDLE, /* parent -> net: PEM */
	MSG_SETTINGS,  /* parent -> child: role's own start-up values */
	MSG_PEER,      /* parent -> child: descriptor, u8 role, u32 index */
	MSG_FILE,      /* parent -> reader: descriptor, name; enum file_kind */
	MSG_READY,     /* child -> parent */
	MSG_START,     /* parent -> net, reader: begin */
	MSG_STOP,      /* parent -> child: finish and exit 0 */
	MSG_PING,      /* parent -> child, answered from its loop */
	MSG_PONG,
	MSG_LOG,	 /* child -> parent: u8 level, text */
	MSG_STATS,	 /* child -> parent: counters */
	MSG_KILL_WORKER, /* source -> parent: id is the worker */
	MSG_WORKER_LOST, /* parent -> source: id is the worker */
	MSG_JOB,	 /* source -> analyser: observation with bodies */
	MSG_RESULT,	 /* analyser -> source: finding, not opened there */
	MSG_RESUME_ASK,	 /* source -> store */
	MSG_RESUME,	 /* store -> source: what was known, see store.h */
	MSG_RECORD,	 /* source -> store: observation, packets, finding */
	MSG_STORED,	 /* store -> source: advice; id is the observation */
	MSG_DONE,	 /* reader -> parent, store: the input has ended */
	MSG_FLUSH, /* parent -> store: write all out, answer MSG_FLUSHED */
	MSG_FLUSHED,
	MSG_EVENT,	  /* store -> parent: one event line (replay, status) */
	MSG_DELIVER,	  /* store -> courier: hook name, event lines */
	MSG_DELIVERED,	  /* courier -> store: how the hook ended */
	MSG_HOOK_CONTROL, /* parent -> store: retry, test */
	MSG_SUMMARY,	  /* reader -> parent: counts of a replay */
	MSG_CLAIM,	  /* net -> sniffer: whose packets; id is net's own */
	MSG_PACKETS,	  /* sniffer -> net: them, and what they show */
	MSG_RECOGNITION,  /* parent -> store: digests of the rules */
	MSG_TYPE_COUNT
};

struct message_rule {
	const char *name;
	unsigned from; /* bits 1 << role */
	unsigned to;
	size_t max; /* payload bytes of the whole message */
	bool fd;
};

struct message {
	enum message_type type;
	uint64_t id;
	struct span data; /* borrows; valid during the callback */
	int fd;		  /* -1 none; the receiver owns it */
};

const char *role_name(enum role);
const char *message_name(unsigned type); /* "?" when unknown */
const struct message_rule *message_rule(enum message_type);
/* May `from` send this type to `to`? */
bool message_allowed(enum message_type, enum role from, enum role to);

/*
 * Puts frames together again.  One per direction of a socket.
 */
struct assembler {
	enum role self;
	enum role peer;
	struct buf message; /* payload gathered so far */
	unsigned type;
	uint64_t id;
	bool open; /* a message with FRAME_MORE is under way */
};

enum assembled { ASSEMBLED_NONE, ASSEMBLED_MESSAGE, ASSEMBLED_BAD };

void assembler_init(struct assembler *, enum role self, enum role peer);
void assembler_release(struct assembler *);
/*
 * Takes one whole frame off the front of *in when there is one (advancing
 * it).  MESSAGE: *out holds a message whose data is valid until the next
 * call.  NONE: more bytes are needed (a frame of an unfinished message may
 * have been taken: call again while bytes are left).  BAD: the peer broke the
 * rules.  out->fd is left to the caller.
 */
enum assembled assembler_step(struct assembler *, struct span *in,
    struct message *out, bool *wants_fd);

/* Frees the memory of a large message that was handed out. */
void assembler_trim(struct assembler *);

/* Appends the next frame of a message, taking it off the front of *data; the
 * first call is with all of it, the last leaves nothing. */
void message_frame_next(struct buf *out, enum message_type, uint64_t id,
    struct span *data, bool with_fd);
/* Appends the frames of one message to *out. */
void message_frame(struct buf *out, enum message_type, uint64_t id,
    struct span data, bool with_fd);

/* Blocking forms for the analyser and for start-up.  False on end of file, on
 * error, or (receive) on a bad peer.  message_receive keeps left-over bytes
 * in the connection. */
struct connection {
	int fd;
	struct assembler in;
	struct buf pending; /* bytes read and not yet used */
	size_t used;	    /* of pending, taken by the last message */
	struct fd_queue fds;
};

void connection_init(struct connection *, int fd, enum role self,
    enum role peer);
void connection_release(struct connection *); /* closes fd */
bool connection_send(struct connection *, enum message_type, uint64_t id,
    struct span data);
bool connection_receive(struct connection *, struct message *out);
/* Takes what is buffered out of the connection (for handing the socket to a
 * channel); returns owned bytes in *rest. */
void connection_detach(struct connection *, struct buf *rest);

#endif
