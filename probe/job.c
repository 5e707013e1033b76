#include "job.h"

#include <string.h>

#include "digest.h"
#include "finding.h"
#include "limit.h"
#include "log.h"

#define RECORD_USUAL 2048      /* of an observation without bodies */
#define HEADERS_ROOM (8 * MIB) /* of a message, for all but bodies */

static const size_t record_max =
    JOB_BYTES_MAX + FINDING_BYTES_MAX + PACKETS_KEEP_MAX + 64;

/* Bodies that no message has room for are cut: of the hops before the last
 * first, then what came before a coding was removed, then the last one. */
static void
fit(struct observation *o)
{
	size_t room = JOB_BYTES_MAX - HEADERS_ROOM,
	       held = observation_body_bytes(o);

	for (size_t i = 0; i < o->nhops && held > room; i++) {
		struct hop *h = &o->hops[i];

		held -= h->wire.len;
		buf_release(&h->wire);
		if (i + 1 == o->nhops && h->body.len > room)
			h->body.len = room;
		else if (i + 1 < o->nhops) {
			held -= h->body.len;
			buf_release(&h->body);
		}
		h->body_cut = true;
	}
}

/* The record begins with the observation; the analyser gets the same bytes
 * where it needs no others.  Nothing is appended to the record before the
 * analyser is done. */
void
job_encode(struct job *j, struct observation *o, enum bodies bodies,
    bool analyse)
{
	size_t start, end;
	bool chunked;

	fit(o);
	chunked = observation_last(o)->wire.len > 0;
	buf_init(&j->without, JOB_BYTES_MAX);
	buf_init(&j->record, record_max);
	buf_reserve(&j->record,
	    RECORD_USUAL +
		(bodies == BODIES_ALL ? observation_body_bytes(o) : 0));
	start = buf_open_bytes(&j->record);
	observation_encode(o, &j->record, bodies);
	buf_close_bytes(&j->record, start);
	end = j->record.len;
	buf_put_bytes(&j->record, buf_span(&o->packets));
	if (!analyse)
		return;
	if (bodies == BODIES_ALL && !chunked) {
		j->analyse =
		    span_slice(buf_span(&j->record), start, end - start);
		return;
	}
	buf_reserve(&j->without, RECORD_USUAL + observation_body_bytes(o));
	observation_encode(o, &j->without, BODIES_DECODED);
	j->analyse = buf_span(&j->without);
}

/* The record is the observation and its packets as already encoded, then the
 * finding. */
void
job_add_finding(struct job *j, struct span finding)
{
	buf_put_bytes(&j->record, finding);
	if (j->record.overflow)
		bug("record of observation %llu over its maximum",
		    (unsigned long long)j->id);
	j->analyse = SPAN_NULL;
	buf_release(&j->without);
}

void
job_release(struct job *j)
{
	buf_release(&j->without);
	buf_release(&j->record);
}

const char *
job_sha256(struct job *j)
{
	struct observation o;

	if (j->body_sha256[0] != '\0')
		return j->body_sha256;
	observation_init(&o);
	if (!observation_decode(&o, j->analyse))
		bug("malformed job %llu", (unsigned long long)j->id);
	sha256_hex(buf_span(&observation_last(&o)->body), j->body_sha256);
	observation_release(&o);
	return j->body_sha256;
}

/* An analyser fails so rarely that nearly always there is nothing to compare
 * with. */
bool
poison_has(const struct poison_list *l, struct job *j)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->list[i].until > j->time &&
		    strcmp(l->list[i].body_sha256, job_sha256(j)) == 0)
			return true;
	return false;
}

void
poison_add(struct poison_list *l, struct job *j)
{
	struct poison *slot = NULL;

	for (size_t i = 0; i < l->n && slot == NULL; i++)
		if (strcmp(l->list[i].body_sha256, job_sha256(j)) == 0)
			slot = &l->list[i];
	if (slot == NULL)
		slot = l->n < POISON_MAX ? &l->list[l->n++]
					 : &l->list[j->id % POISON_MAX];
	memcpy(slot->body_sha256, job_sha256(j), sizeof slot->body_sha256);
	slot->until = j->time + POISON_TIME_MS;
}
