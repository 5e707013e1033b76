/*
 * The reader: in replay what the network process is live.  Capture files come
 * as open descriptors; observations go through the pipeline.
 */
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "process.h"
#include "pipeline.h"

#include "advice.h"
#include "config.h"
#include "crew.h"
#include "digest.h"
#include "key_log.h"
#include "limit.h"
#include "log.h"
#include "replay.h"
#include "sandbox.h"
#include "supervisor.h"
#include "tls_cipher.h"
#include "warc.h"

#define BATCH 16 /* observations between two turns of the loop */

struct reader {
	struct event_base *base;
	struct channel *parent;
	struct pipeline *pipeline;
	struct config *config;
	struct capture_stream *captures;
	struct archive_stream *archives;
	struct crew *crew;
	struct tls_keys *keys;
	struct replay_counts counts;
	struct observation from_captures;
	struct observation from_archives;
	bool has_capture;
	bool has_archive;
	bool captures_ended;
	bool archives_ended;
	bool started;
	bool ended;
	struct event *turn;
	uint64_t *seen; /* hashes of targets, open addressing; 0: free */
	size_t seen_size;
};

static void
on_note(const char *file, const char *text, void *arg)
{
	(void)arg;
	log_warn("%s: %s", log_quote_str(file), text);
}

/* The earlier of the two streams' next observations. */
static bool
next_observation(struct reader *r, struct observation *o)
{
	bool capture_first;

	if (!r->has_capture && !r->captures_ended) {
		r->has_capture =
		    capture_stream_next(r->captures, &r->from_captures);
		r->captures_ended = !r->has_capture;
	}
	if (!r->has_archive && !r->archives_ended) {
		r->has_archive =
		    archive_stream_next(r->archives, &r->from_archives);
		r->archives_ended = !r->has_archive;
	}
	if (!r->has_capture && !r->has_archive)
		return false;
	capture_first = r->has_capture &&
	    (!r->has_archive || r->from_captures.time <= r->from_archives.time);
	*o = capture_first ? r->from_captures : r->from_archives;
	*(capture_first ? &r->has_capture : &r->has_archive) = false;
	return true;
}

/* True when it is new. */
static bool
see(uint64_t *seen, size_t size, uint64_t hash)
{
	size_t i = (size_t)hash & (size - 1);

	while (seen[i] != 0 && seen[i] != hash)
		i = (i + 1) & (size - 1);
	if (seen[i] == hash)
		return false;
	seen[i] = hash;
	return true;
}

static void
grow_seen(struct reader *r)
{
	size_t size = r->seen_size == 0 ? 256 : r->seen_size * 2;
	uint64_t *seen = xcalloc(size, sizeof *seen);

	for (size_t i = 0; i < r->seen_size; i++)
		if (r->seen[i] != 0)
			see(seen, size, r->seen[i]);
	free(r->seen);
	r->seen = seen;
	r->seen_size = size;
}

/* For the summary: how many targets, and what failed how often. */
static void
tally(struct reader *r, const struct observation *o)
{
	uint64_t hash = bytes_hash(span_of(o->target));
	enum failure failure = observation_last(o)->failure;

	if (r->counts.targets * 2 >= r->seen_size)
		grow_seen(r);
	r->counts.targets += see(r->seen, r->seen_size, hash == 0 ? 1 : hash);
	if (failure > FAILURE_NONE && failure < FAILURE_COUNT)
		r->counts.failed[failure]++;
}

static void
tell_end(struct reader *r)
{
	struct buf b = BUF_INIT(4 * KIB);

	r->ended = true;
	key_log_say_dropped(r->keys);
	replay_counts_encode(&r->counts, &b);
	pipeline_send_store(r->pipeline, MSG_DONE, 0, SPAN_NULL);
	channel_send(r->parent, MSG_SUMMARY, 0, buf_span(&b));
	buf_release(&b);
}

static void
read_on(struct reader *r)
{
	struct observation o;

	for (int i = 0; i < BATCH && pipeline_ready(r->pipeline); i++) {
		if (!next_observation(r, &o)) {
			if (pipeline_pending(r->pipeline) == 0 && !r->ended)
				tell_end(r);
			return;
		}
		tally(r, &o);
		pipeline_submit(r->pipeline, &o, BODIES_NONE, false);
	}
	if (pipeline_ready(r->pipeline))
		event_active(r->turn, EV_TIMEOUT, 1);
}

static void
on_turn(evutil_socket_t fd, short what, void *arg)
{
	struct reader *r = arg;

	(void)fd;
	(void)what;
	if (r->started && !r->ended)
		read_on(r);
}

static void
on_stored(uint64_t id, struct span advice, void *arg)
{
	struct reader *r = arg;

	(void)id;
	(void)advice; /* what is in the files is all there is */
	event_active(r->turn, EV_TIMEOUT, 1);
}

static void
on_resumed(struct span known, void *arg)
{
	struct reader *r = arg;
	struct resume resume;

	if (r->started)
		return;
	if (!resume_decode(&resume, known))
		bug("malformed resume message from the store");
	pipeline_start_ids(r->pipeline, resume.last_id + 1);
	resume_release(&resume);
	r->started = true;
	event_active(r->turn, EV_TIMEOUT, 1);
}

static void
on_room(void *arg)
{
	struct reader *r = arg;

	event_active(r->turn, EV_TIMEOUT, 1);
}

static void
on_parent_message(struct channel *ch, const struct message *m, void *arg)
{
	struct reader *r = arg;
	struct peer peer;

	switch (m->type) {
	case MSG_START:
		pipeline_resume(r->pipeline);
		break;
	case MSG_PEER:
		if (!peer_decode(m->data, &peer))
			bug("malformed peer message");
		peer.fd = m->fd;
		pipeline_peer(r->pipeline, &peer);
		break;
	case MSG_WORKER_LOST:
		pipeline_worker_lost(r->pipeline, (uint32_t)m->id, m->data);
		break;
	case MSG_PING:
		channel_send(ch, MSG_PONG, m->id, SPAN_NULL);
		break;
	case MSG_STOP:
		event_base_loopbreak(r->base);
		break;
	default:
		break;
	}
}

/* By its first bytes: an archive or a capture, plain or gzipped. */
static bool
is_archive(int fd)
{
	char head[512];
	ssize_t n = pread(fd, head, sizeof head, 0);

	return n > 0 && warc_recognise((struct span){head, (size_t)n});
}

static void
open_streams(struct reader *r, struct startup *s)
{
	struct settings set;

	if (!settings_decode(&set, buf_span(&s->settings)))
		bug("malformed settings");
	r->captures = capture_stream_new(r->config, set.all_hosts, &r->counts,
	    on_note, r);
	r->archives = archive_stream_new(r->config, set.all_hosts, r->crew,
	    &r->counts, on_note, r);
	r->keys = tls_keys_new();
	capture_stream_keys(r->captures, r->keys);
	for (size_t i = 0; i < s->nfiles; i++) {
		if (s->files[i].kind == FILE_KEY_LOG)
			key_log_read(r->keys, s->files[i].fd, s->files[i].name);
		else if (is_archive(s->files[i].fd))
			archive_stream_add(r->archives, s->files[i].name,
			    s->files[i].fd);
		else
			capture_stream_add(r->captures, s->files[i].name,
			    s->files[i].fd);
	}
	settings_release(&set);
}

static bool
shut_in(void *arg)
{
	const struct config *config = arg;

	return sandbox_reader(config->sandbox_best_effort);
}

int
reader_main(struct connection *parent, struct startup *s)
{
	struct reader *r = xcalloc(1, sizeof *r);
	struct channel_handler from_parent = {on_parent_message,
	    process_parent_closed, NULL, r};
	struct pipeline_handler from_pipeline = {on_stored, on_resumed, on_room,
	    r};
	bool ok;

	digest_init();
	tls_cipher_init();
	r->config = s->config;
	r->base = event_base_new();
	if (r->base == NULL)
		fatal("cannot make an event loop");
	r->turn = event_new(r->base, -1, 0, on_turn, r);
	r->crew = crew_new(crew_size(), shut_in, s->config, &ok);
	if (!ok || !sandbox_reader(s->config->sandbox_best_effort))
		return 1;
	open_streams(r, s); /* reads, so behind the sandbox */
	if (!connection_send(parent, MSG_READY, 0, SPAN_NULL))
		return 1;
	r->parent = channel_adopt(r->base, parent, &from_parent);
	process_log_to_channel(r->parent);
	r->pipeline =
	    pipeline_new(r->base, ROLE_READER, r->parent, NULL, &from_pipeline);
	for (size_t i = 0; i < s->npeers; i++)
		pipeline_peer(r->pipeline, &s->peers[i]);
	event_base_dispatch(r->base);
	channel_flush(r->parent, 500);
	log_to(NULL, NULL);
	pipeline_free(r->pipeline);
	capture_stream_free(r->captures);
	archive_stream_free(r->archives);
	tls_keys_free(r->keys);
	crew_free(r->crew);
	free(r->seen);
	channel_free(r->parent);
	event_free(r->turn);
	event_base_free(r->base);
	config_free(r->config);
	free(r);
	return 0;
}
