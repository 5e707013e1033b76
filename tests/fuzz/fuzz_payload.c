/* What messages between processes carry: the first byte names the form, the
 * rest is taken for one.  What is read and written again reads the same. */
#include <stdlib.h>

#include "advice.h"
#include "digest.h"
#include "finding.h"
#include "hook.h"
#include "limit.h"
#include "metrics.h"
#include "observation.h"
#include "process.h"
#include "recognition.h"
#include "replay.h"
#include "stats.h"
#include "supervisor.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* Reads one and writes it to *out; false when it is malformed. */
typedef bool copy(struct span, struct buf *out);

static bool
copy_observation(struct span s, struct buf *out)
{
	struct observation o;
	bool ok = observation_decode(&o, s);

	if (ok)
		observation_encode(&o, out, BODIES_ALL);
	observation_release(&o);
	return ok;
}

static bool
copy_finding(struct span s, struct buf *out)
{
	struct finding f;

	if (!finding_decode(&f, s))
		return false;
	finding_encode(&f, out);
	finding_release(&f);
	return true;
}

static bool
copy_advice(struct span s, struct buf *out)
{
	struct advice a;

	if (!advice_decode(&a, s))
		return false;
	advice_encode(&a, out);
	advice_release(&a);
	return true;
}

static bool
copy_resume(struct span s, struct buf *out)
{
	struct resume r;

	if (!resume_decode(&r, s))
		return false;
	resume_encode(&r, out);
	resume_release(&r);
	return true;
}

static bool
copy_delivery(struct span s, struct buf *out)
{
	struct delivery d;
	char *name;

	if (!delivery_decode(s, &d, &name))
		return false;
	delivery_encode(out, &d);
	buf_release(&d.lines);
	free(name);
	return true;
}

static bool
copy_delivered(struct span s, struct buf *out)
{
	char *reason;

	if (!delivered_decode(s, &reason))
		return false;
	delivered_encode(out, reason);
	free(reason);
	return true;
}

static bool
copy_net_stats(struct span s, struct buf *out)
{
	struct net_stats n;

	if (!net_stats_decode(&n, s))
		return false;
	net_stats_encode(&n, out);
	return true;
}

static bool
copy_metrics_page(struct span s, struct buf *out)
{
	struct metrics_page p;
	struct cursor c;

	cursor_init(&c, s.p, s.n);
	if (!metrics_page_decode(&c, &p))
		return false;
	metrics_page_encode(&p, out);
	metrics_page_release(&p);
	return true;
}

/* All of the store's and the sniffer's MSG_STATS; nothing is written. */
static bool
copy_metrics(struct span s, struct buf *out)
{
	struct metrics *m = metrics_new();
	struct buf text = BUF_INIT(METRICS_BYTES_MAX);

	(void)out;
	metrics_take(m, s);
	metrics_render(m, &text);
	if (text.len == 0)
		abort();
	buf_release(&text);
	metrics_free(m);
	return false;
}

static bool
copy_replay_counts(struct span s, struct buf *out)
{
	struct replay_counts c;

	if (!replay_counts_decode(&c, s))
		return false;
	replay_counts_encode(&c, out);
	return true;
}

static bool
copy_settings(struct span s, struct buf *out)
{
	struct settings set;

	if (!settings_decode(&set, s))
		return false;
	settings_encode(&set, out);
	settings_release(&set);
	return true;
}

static bool
copy_peer(struct span s, struct buf *out)
{
	struct peer p;

	if (!peer_decode(s, &p))
		return false;
	peer_encode(out, p.role, p.index);
	return true;
}

/* Only read by the store; nothing is written. */
static bool
copy_recognition(struct span s, struct buf *out)
{
	struct recognition r;

	(void)out;
	if (recognition_decode(&r, s))
		recognition_release(&r);
	return false;
}

static copy *const copies[] = {copy_observation, copy_finding, copy_advice,
    copy_resume, copy_delivery, copy_delivered, copy_net_stats,
    copy_metrics_page, copy_metrics, copy_replay_counts, copy_settings,
    copy_peer, copy_recognition};

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct buf once = BUF_INIT(JOB_BYTES_MAX),
		   twice = BUF_INIT(JOB_BYTES_MAX);
	copy *one;

	if (n == 0)
		return 0;
	digest_init();
	one = copies[data[0] % ARRAY_LEN(copies)];
	if (one((struct span){(const char *)data + 1, n - 1}, &once) &&
	    (!one(buf_span(&once), &twice) ||
		!span_eq(buf_span(&once), buf_span(&twice))))
		abort();
	buf_release(&once);
	buf_release(&twice);
	return 0;
}
