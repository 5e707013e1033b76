/*
 * The store process: records in, events out, everything on disk before it is
 * acknowledged.  Files below the state and log folders, nothing else.
 *
 * Records are committed in groups: the first of a group waits at most
 * COMMIT_WAIT_MS for others.  When the disk refuses, the records stay here,
 * unacknowledged, and are tried again; the source then starts nothing new.
 */
#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include "process.h"

#include "advice.h"
#include "channel.h"
#include "config.h"
#include "deliveries.h"
#include "digest.h"
#include "finding.h"
#include "instant.h"
#include "limit.h"
#include "log.h"
#include "metrics.h"
#include "observation.h"
#include "recorder.h"
#include "sandbox.h"
#include "store.h"
#include "store_hooks.h"
#include "supervisor.h"

#define COMMIT_WAIT_MS 50
#define COMMIT_MAX     256	 /* records in one group */
#define COMMIT_BYTES   (4 * MIB) /* or of them: what waits is held twice */
#define RETRY_MS       5000	 /* after the disk refused */
#define TOTALS_SECONDS 10
#define HOOK_END_MS    1500 /* at the end, for calls under way */

struct record {
	TAILQ_ENTRY(record) next;
	uint64_t id;
	struct observation observation;
	struct finding finding;
	struct advice advice;
	size_t bytes;
	bool archived; /* is in the WARC file */
	bool keep;     /* its packets are to be kept */
	bool kept;     /* and are on disk */
	bool observed; /* in the transaction under way */
};

struct keeper {
	struct event_base *base;
	struct config *config;
	struct settings settings;
	struct channel *parent;
	struct channel *source;
	struct store *store;
	struct recorder recorder;
	TAILQ_HEAD(records, record) records;
	struct records spare; /* empty ones, whose memory is used again */
	size_t nspare;
	size_t nrecords;
	size_t bytes; /* of them */
	struct event *commit_timer;
	struct event *flush_timer;
	struct event *totals_timer;
	struct deliveries *deliveries; /* NULL in replay */
	bool refused; /* the disk refuses; waiting to try again */
};

static struct record *
record_new(struct keeper *k)
{
	struct record *r = TAILQ_FIRST(&k->spare);

	if (r == NULL)
		return xcalloc(1, sizeof *r);
	TAILQ_REMOVE(&k->spare, r, next);
	k->nspare--;
	return r;
}

static void
record_free(struct keeper *k, struct record *r)
{
	TAILQ_REMOVE(&k->records, r, next);
	k->nrecords--;
	k->bytes -= r->bytes;
	observation_empty(&r->observation);
	finding_release(&r->finding);
	advice_release(&r->advice);
	r->archived = r->keep = r->kept = r->observed = false;
	if (k->nspare < COMMIT_MAX) {
		TAILQ_INSERT_HEAD(&k->spare, r, next);
		k->nspare++;
	} else {
		observation_release(&r->observation);
		free(r);
	}
}

static void
spare_free(struct keeper *k)
{
	struct record *r;

	while ((r = TAILQ_FIRST(&k->spare)) != NULL) {
		TAILQ_REMOVE(&k->spare, r, next);
		observation_release(&r->observation);
		free(r);
	}
}

static void
timer_ms(struct event *timer, int64_t ms)
{
	struct timeval tv = {ms / 1000, ms % 1000 * 1000};

	event_add(timer, &tv);
}

/* ---- committing ---- */

static void
arm_flush(struct keeper *k)
{
	int64_t ms = store_flush_due(k->store, monotonic_us());

	if (ms >= 0)
		timer_ms(k->flush_timer, ms);
}

/* A damaged database is never mended by waiting, and what it still takes may
 * be lost: the log gets the lines that can be read, and then it is over. */
static void
stop_if_damaged(struct keeper *k)
{
	char *damage = store_damage(k->store);

	if (damage == NULL)
		return;
	store_flush(k->store);
	fatal("%s", damage);
}

static bool
has_metrics(const struct keeper *k)
{
	return k->config->metrics_listen != NULL && k->parent != NULL &&
	    !k->settings.replay;
}

static void
send_metrics(struct keeper *k, const struct record *r)
{
	const struct observation *o = &r->observation;
	struct buf b = BUF_INIT(8 * KIB);
	struct metrics_page p;

	if (!has_metrics(k) || o->target == NULL)
		return;
	metrics_observe(&p, o, r->finding.body_length,
	    store_verdict(k->store, o->target));
	if (r->finding.status == ANALYSIS_SAME)
		p.body_bytes = METRICS_BODY_SAME;
	buf_put_u8(&b, METRICS_PAGE);
	metrics_page_encode(&p, &b);
	channel_send(k->parent, MSG_STATS, 0, buf_span(&b));
	metrics_page_release(&p);
	buf_release(&b);
}

static void
on_totals_timer(evutil_socket_t fd, short what, void *arg)
{
	struct keeper *k = arg;
	struct store_totals t;
	struct buf b = BUF_INIT(KIB);

	(void)fd;
	(void)what;
	stop_if_damaged(k);
	if (has_metrics(k)) {
		store_totals(k->store, &t);
		buf_put_u8(&b, METRICS_TOTALS);
		buf_put_u64(&b, t.events);
		buf_put_u64(&b, t.hooks_waiting);
		buf_put_u64(&b, t.hooks_dead);
		buf_put_u64(&b, t.log_bytes);
		buf_put_u64(&b, k->recorder.kept);
		buf_put_u64(&b, t.volatile_places);
		buf_put_u64(&b, t.suppressed);
		channel_send(k->parent, MSG_STATS, 0, buf_span(&b));
	}
	buf_release(&b);
}

static void
acknowledge(struct keeper *k, struct record *r)
{
	struct buf b = BUF_INIT(4 * MIB);

	send_metrics(k, r);
	if (k->source != NULL) {
		advice_encode(&r->advice, &b);
		channel_send(k->source, MSG_STORED, r->id, buf_span(&b));
	}
	buf_release(&b);
	record_free(k, r);
}

static bool
archive(struct keeper *k, struct record *r)
{
	r->archived =
	    r->archived || recorder_archive(&k->recorder, &r->observation);
	return r->archived;
}

static bool
observe_all(struct keeper *k)
{
	struct record *r;

	TAILQ_FOREACH (r, &k->records, next) {
		if (r->observed)
			continue;
		advice_release(&r->advice);
		recorder_name_packets(&k->recorder, &r->observation);
		if (!archive(k, r) ||
		    !store_observe(k->store, &r->observation, &r->finding,
			&r->advice))
			return false;
		r->observed = true;
		r->keep = r->keep || r->advice.keep;
	}
	return true;
}

static bool
keep_packets(struct keeper *k)
{
	struct record *r;

	TAILQ_FOREACH (r, &k->records, next) {
		if (!r->keep || r->kept || r->observation.pcap == NULL)
			continue;
		if (!recorder_keep_packets(&k->recorder, &r->observation))
			return false;
		r->kept = true;
	}
	return true;
}

static void
refuse(struct keeper *k)
{
	struct record *r;

	stop_if_damaged(k);
	/* Else an answer of the courier would commit a part of the group, and
	 * what the store made of that part would be lost. */
	store_undo(k->store);
	if (!k->refused)
		log_error("the disk refuses (%zu observations wait); nothing "
			  "is lost, trying again every %d s",
		    k->nrecords, RETRY_MS / 1000);
	k->refused = true;
	TAILQ_FOREACH (r, &k->records, next)
		r->observed = false;
	timer_ms(k->commit_timer, RETRY_MS);
}

static void
commit(struct keeper *k)
{
	event_del(k->commit_timer);
	if (!observe_all(k) || !keep_packets(k) ||
	    !recorder_sync(&k->recorder) || !store_commit(k->store)) {
		refuse(k);
		return;
	}
	if (k->refused)
		log_info("the disk takes data again");
	k->refused = false;
	while (!TAILQ_EMPTY(&k->records))
		acknowledge(k, TAILQ_FIRST(&k->records));
	if (k->deliveries != NULL)
		deliveries_step(k->deliveries);
	arm_flush(k);
}

static void
on_commit_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	commit(arg);
}

static void
on_flush_timer(evutil_socket_t fd, short what, void *arg)
{
	struct keeper *k = arg;

	(void)fd;
	(void)what;
	if (store_flush_due(k->store, monotonic_us()) == 0 &&
	    !store_flush(k->store))
		timer_ms(k->flush_timer, RETRY_MS);
	else
		arm_flush(k);
}

/* ---- messages ---- */

static void
take_record(struct keeper *k, const struct message *m)
{
	struct record *r = record_new(k);
	struct span observation, finding, packets;
	struct cursor c;

	cursor_init(&c, m->data.p, m->data.n);
	observation = cursor_bytes(&c, JOB_BYTES_MAX);
	packets = cursor_bytes(&c, PACKETS_KEEP_MAX);
	finding = cursor_bytes(&c, FINDING_BYTES_MAX);
	if (!cursor_done(&c) ||
	    !observation_decode_again(&r->observation, observation))
		fatal("malformed record from the source");
	if (!finding_decode(&r->finding, finding)) {
		/* The analyser made it: it may lie, and it costs the page. */
		finding_init(&r->finding);
		r->finding.status = ANALYSIS_FAILED;
		finding_note(&r->finding,
		    "the analyser's answer was malformed");
	}
	if (packets.n > 0) {
		recorder_open_packets(&k->recorder);
		buf_init(&r->observation.packets, PACKETS_KEEP_MAX);
		buf_add_span(&r->observation.packets, packets);
	}
	r->id = m->id;
	TAILQ_INSERT_TAIL(&k->records, r, next);
	r->bytes = m->data.n;
	k->bytes += r->bytes;
	if (++k->nrecords == 1 && !k->refused)
		timer_ms(k->commit_timer, COMMIT_WAIT_MS);
	/* From the loop, when the message's own memory is free again. */
	if (k->bytes >= COMMIT_BYTES && !k->refused)
		timer_ms(k->commit_timer, 0);
	if (k->nrecords >= COMMIT_MAX && !k->refused)
		commit(k);
}

static void
answer_resume(struct keeper *k)
{
	struct resume resume;
	struct buf b = BUF_INIT(CONFIG_BYTES_MAX);

	store_resume(k->store, &resume);
	resume_encode(&resume, &b);
	channel_send(k->source, MSG_RESUME, 0, buf_span(&b));
	resume_release(&resume);
	buf_release(&b);
}

static void
on_source_message(struct channel *ch, const struct message *m, void *arg)
{
	struct keeper *k = arg;

	(void)ch;
	if (m->type == MSG_RECORD)
		take_record(k, m);
	else if (m->type == MSG_RESUME_ASK)
		answer_resume(k);
}

static void
on_source_closed(struct channel *ch, void *arg)
{
	struct keeper *k = arg;

	channel_free(ch);
	if (k->source == ch)
		k->source = NULL;
}

/* A new source knows nothing of what the old one sent: it is stored, and
 * nobody waits for the answer. */
static void
set_source(struct keeper *k, const struct peer *peer)
{
	struct channel_handler h = {on_source_message, on_source_closed, NULL,
	    k};

	if (!k->refused && k->nrecords > 0)
		commit(k);
	channel_free(k->source);
	k->source = channel_new(k->base, peer->fd, ROLE_STORE, peer->role, &h);
}

static void
set_peer(struct keeper *k, const struct peer *peer)
{
	if (peer->role == ROLE_NET || peer->role == ROLE_READER)
		set_source(k, peer);
	else if (peer->role == ROLE_COURIER && k->deliveries != NULL)
		deliveries_courier(k->deliveries, peer);
	else
		close(peer->fd);
}

static void
take_recognition(struct keeper *k, struct span encoded)
{
	struct recognition r;

	if (!recognition_decode(&r, encoded))
		bug("malformed digests of the rules from the parent");
	store_recognition(k->store, &r);
}

static void
reload(struct keeper *k, struct span encoded)
{
	struct config *config = config_decode(encoded);

	if (config == NULL)
		bug("malformed configuration from the parent");
	store_configure(k->store, config);
	if (k->deliveries != NULL)
		deliveries_configure(k->deliveries, config);
	config_free(k->config);
	k->config = config;
}

static void
on_parent_message(struct channel *ch, const struct message *m, void *arg)
{
	struct keeper *k = arg;
	struct peer peer;

	switch (m->type) {
	case MSG_PEER:
		if (!peer_decode(m->data, &peer))
			bug("malformed peer message");
		peer.fd = m->fd;
		set_peer(k, &peer);
		break;
	case MSG_CONFIG:
		reload(k, m->data);
		break;
	case MSG_RECOGNITION:
		take_recognition(k, m->data);
		commit(k);
		break;
	case MSG_FLUSH:
		commit(k);
		if (!k->refused && store_flush(k->store))
			channel_send(ch, MSG_FLUSHED, 0, SPAN_NULL);
		break;
	case MSG_PING:
		channel_send(ch, MSG_PONG, m->id, SPAN_NULL);
		break;
	case MSG_STOP:
		event_base_loopbreak(k->base);
		break;
	default:
		break;
	}
}

static void
on_parent_closed(struct channel *ch, void *arg)
{
	struct keeper *k = arg;

	/* Without the parent nothing more comes: keep what is here. */
	log_to(NULL, NULL);
	channel_free(ch);
	k->parent = NULL;
	event_base_loopbreak(k->base);
}

static void
on_event(const struct event *e, struct span line, void *arg)
{
	struct keeper *k = arg;

	(void)e;
	if (k->parent != NULL)
		channel_send(k->parent, MSG_EVENT, e->seq, line);
}

/* ---- start and end ---- */

static void
open_store(struct keeper *k)
{
	struct store_options options = {
	    .state_dir = k->settings.state_dir,
	    .log_dir = k->settings.log_dir,
	    .config = k->config,
	    .event = on_event,
	    .arg = k,
	};
	char *why = NULL;

	k->store = store_open(&options, &why);
	if (k->store == NULL)
		fatal("%s", why);
	recorder_init(&k->recorder, k->store, k->settings.state_dir);
	if (k->config->record_warc && !k->settings.replay)
		recorder_open_archive(&k->recorder,
		    (uint64_t)k->config->record_size);
}

static void
confine(const struct keeper *k)
{
	const char *folders[2];
	size_t n = 0;

	if (k->settings.state_dir != NULL)
		folders[n++] = k->settings.state_dir;
	if (k->settings.log_dir != NULL)
		folders[n++] = k->settings.log_dir;
	if (!sandbox_store(folders, n, k->config->sandbox_best_effort))
		exit(1);
}

static void
close_all(struct keeper *k)
{
	commit(k);
	if (!k->settings.replay)
		store_monitor_stopped(k->store, instant_now());
	store_commit(k->store);
	deliveries_free(k->deliveries, HOOK_END_MS);
	if (k->refused)
		log_error("%zu observations could not be stored and will be "
			  "made again",
		    k->nrecords);
	store_close(k->store);
	recorder_close(&k->recorder);
	if (k->parent != NULL)
		channel_flush(k->parent, 500);
	log_to(NULL, NULL);
	while (!TAILQ_EMPTY(&k->records))
		record_free(k, TAILQ_FIRST(&k->records));
	spare_free(k);
	channel_free(k->source);
	channel_free(k->parent);
	event_free(k->commit_timer);
	event_free(k->flush_timer);
	event_free(k->totals_timer);
	event_base_free(k->base);
	config_free(k->config);
	settings_release(&k->settings);
}

int
store_main(struct connection *parent, struct startup *s)
{
	struct keeper *k = xcalloc(1, sizeof *k);
	struct channel_handler from_parent = {on_parent_message,
	    on_parent_closed, NULL, k};

	digest_init();
	k->config = s->config;
	TAILQ_INIT(&k->records);
	TAILQ_INIT(&k->spare);
	if (!settings_decode(&k->settings, buf_span(&s->settings)))
		bug("malformed settings");
	k->base = event_base_new();
	if (k->base == NULL)
		fatal("cannot make an event loop");
	k->commit_timer = evtimer_new(k->base, on_commit_timer, k);
	k->flush_timer = evtimer_new(k->base, on_flush_timer, k);
	k->totals_timer =
	    event_new(k->base, -1, EV_PERSIST, on_totals_timer, k);
	event_add(k->totals_timer, &(struct timeval){TOTALS_SECONDS, 0});
	confine(k);
	open_store(k);
	take_recognition(k, buf_span(&s->recognition));
	buf_release(&s->recognition);
	if (!k->settings.replay)
		k->deliveries = deliveries_new(k->base, k->store, k->config);
	if (!connection_send(parent, MSG_READY, 0, SPAN_NULL))
		return 1;
	k->parent = channel_adopt(k->base, parent, &from_parent);
	process_log_to_channel(k->parent);
	for (size_t i = 0; i < s->npeers; i++)
		set_peer(k, &s->peers[i]);
	if (!k->settings.replay) {
		store_monitor_started(k->store, instant_now());
		commit(k);
	}
	event_base_dispatch(k->base);
	close_all(k);
	free(k);
	return 0;
}
