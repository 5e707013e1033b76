/*
 * The analyser: one job in, one finding out, nothing else.  It blocks on its
 * two sockets and has no event loop, which is what keeps its list of system
 * calls short.
 */
#include "process.h"

#include <poll.h>
#include <stdlib.h>

#include "analysis.h"
#include "config.h"
#include "finding.h"
#include "limit.h"
#include "log.h"
#include "rules.h"
#include "sandbox.h"
#include "verdict.h"

static void
analyse(struct analysis *a, struct connection *source, const struct message *m)
{
	struct observation o;
	struct finding f;
	struct buf out = BUF_INIT(FINDING_BYTES_MAX);

	finding_init(&f);
	if (!observation_decode(&o, m->data))
		fatal("job %llu is malformed", (unsigned long long)m->id);
	assembler_trim(&source->in);
	analysis_run(a, &o, &f);
	finding_encode(&f, &out);
	if (out.overflow) {
		finding_release(&f);
		f.status = ANALYSIS_FAILED;
		finding_note(&f, "finding larger than %u bytes",
		    FINDING_BYTES_MAX);
		buf_clear(&out);
		finding_encode(&f, &out);
	}
	if (!connection_send(source, MSG_RESULT, m->id, buf_span(&out)))
		exit(0);
	buf_release(&out);
	finding_release(&f);
	observation_release(&o);
}

/* The parent speaks only to stop us, or is gone: both end the process. */
static void
wait_for_job(const struct connection *parent, const struct connection *source)
{
	struct pollfd p[2] = {{parent->fd, POLLIN, 0}, {source->fd, POLLIN, 0}};

	if (source->pending.len > source->used)
		return;
	while (poll(p, 2, -1) < 0)
		;
	if (p[0].revents != 0)
		exit(0);
}

int
analyser_main(struct connection *parent, struct startup *s)
{
	struct rules *rules = rules_decode(buf_span(&s->rules));
	struct verdict_rules *verdicts = verdict_decode(buf_span(&s->verdicts));
	struct connection source;
	struct analysis *a;
	struct message m;
	enum role peer;

	if (rules == NULL || verdicts == NULL || s->npeers != 1)
		fatal("start-up messages are malformed");
	peer = s->peers[0].role;
	connection_init(&source, s->peers[0].fd, ROLE_ANALYSER, peer);
	analysis_init();
	a = analysis_new(rules, verdicts);
	buf_release(&s->rules);
	buf_release(&s->verdicts);
	if (!sandbox_analyser(s->config->sandbox_best_effort))
		return 1;
	if (!connection_send(parent, MSG_READY, 0, SPAN_NULL))
		return 0;
	for (;;) {
		wait_for_job(parent, &source);
		if (!connection_receive(&source, &m))
			return 0;
		if (m.type != MSG_JOB)
			fatal("unexpected %s message", message_name(m.type));
		analyse(a, &source, &m);
	}
}
