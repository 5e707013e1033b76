#include <string.h>

#include "diff.h"
#include "url.h"

static const char *const names[VERDICT_COUNT] = {"unknown", "up", "degraded",
    "blocked", "down", "moved", "parked", "inconclusive"};

const char *
verdict_name(enum verdict v)
{
	return names[v];
}

enum verdict
verdict_from_name(struct span s)
{
	for (size_t i = 0; i < VERDICT_COUNT; i++)
		if (span_is(s, names[i]))
			return (enum verdict)i;
	return VERDICT_UNKNOWN;
}

enum event_type
verdict_event(enum verdict v)
{
	static const enum event_type types[VERDICT_COUNT] = {
	    [VERDICT_UNKNOWN] = EVENT_TYPE_COUNT,
	    [VERDICT_UP] = EVENT_SITE_UP,
	    [VERDICT_DEGRADED] = EVENT_SITE_DEGRADED,
	    [VERDICT_BLOCKED] = EVENT_SITE_BLOCKED,
	    [VERDICT_DOWN] = EVENT_SITE_DOWN,
	    [VERDICT_MOVED] = EVENT_SITE_MOVED,
	    [VERDICT_PARKED] = EVENT_SITE_PARKED,
	    [VERDICT_INCONCLUSIVE] = EVENT_TYPE_COUNT,
	};

	return types[v];
}

/* What we did to ourselves says nothing about the site. */
static bool
our_doing(enum outcome o)
{
	return o == OUTCOME_LOCAL_ERROR || o == OUTCOME_INTERNAL_ERROR ||
	    o == OUTCOME_SELF_INFLICTED;
}

static bool
certificate_failure(enum failure f)
{
	return f == FAILURE_SSL_HOSTNAME || f == FAILURE_SSL_AUTHORITY ||
	    f == FAILURE_SSL_CERTIFICATE;
}

/* A permanent redirect that leaves the registrable domain. */
static bool
moved(const struct observation *o)
{
	struct url from, to;
	bool away = false;

	url_init(&from);
	url_init(&to);
	for (size_t i = 0; i + 1 < o->nhops && !away; i++) {
		if (o->hops[i].status != 301 && o->hops[i].status != 308)
			continue;
		away = url_parse(&from, span_of(o->hops[i].url), NULL) &&
		    url_parse(&to, span_of(o->hops[i + 1].url), NULL) &&
		    !url_same_site(&from, &to);
	}
	url_release(&from);
	url_release(&to);
	return away;
}

static enum verdict
verdict_of_class(const struct finding *f)
{
	switch (f->page_class) {
	case PAGE_BLOCK:
		return VERDICT_BLOCKED;
	case PAGE_PARKED:
		return VERDICT_PARKED;
	case PAGE_EMPTY:
	case PAGE_BOT_WALL:
	case PAGE_PLACEHOLDER:
	case PAGE_LOGIN_WALL:
	case PAGE_GEO:
	case PAGE_SOFT_404:
	case PAGE_MAINTENANCE:
		return VERDICT_DEGRADED;
	case PAGE_NORMAL:
	case PAGE_CLASS_COUNT:
		break;
	}
	return VERDICT_UP;
}

/* The last hop did not end in a whole answer. */
static enum verdict
verdict_of_failure(const struct observation *o, const struct hop *h)
{
	if (h->reset_injected || h->failure == FAILURE_DNS_WRONG_ID)
		return VERDICT_BLOCKED;
	if (certificate_failure(h->failure) || h->status != 0)
		return VERDICT_DEGRADED;
	/* The site itself answered and sent us somewhere that does not. */
	if (o->nhops > 1)
		return VERDICT_DEGRADED;
	return VERDICT_DOWN;
}

enum verdict
verdict_of(const struct observation *o, const struct finding *f)
{
	const struct hop *h = o->nhops == 0 ? NULL : &o->hops[o->nhops - 1];
	enum verdict v;

	if (h == NULL || our_doing(h->outcome))
		return VERDICT_INCONCLUSIVE;
	/* It may have been answered, or not be empty. */
	if (h->outcome == OUTCOME_INCOMPLETE &&
	    (h->status == 0 || f->page_class == PAGE_EMPTY))
		return VERDICT_INCONCLUSIVE;
	v = verdict_of_class(f);
	if (v == VERDICT_BLOCKED || v == VERDICT_PARKED)
		return v;
	if (h->failure != FAILURE_NONE && h->failure != FAILURE_HTTP_STATUS)
		return verdict_of_failure(o, h);
	switch (h->outcome) {
	case OUTCOME_BLOCKED_BY_POLICY:
		/* We did not even ask: of the site that says nothing. */
		return o->nhops > 1 ? VERDICT_DEGRADED : VERDICT_INCONCLUSIVE;
	case OUTCOME_TOO_MANY_REDIRECTS:
	case OUTCOME_REDIRECT_LOOP:
		return o->nhops > 1 || h->status != 0 ? VERDICT_DEGRADED
						      : VERDICT_DOWN;
	case OUTCOME_HEADERS_TOO_LARGE:
	case OUTCOME_TRUNCATED:
		return VERDICT_DEGRADED;
	default:
		break;
	}
	if (h->status == 304)
		return VERDICT_UP;
	if (h->status == 0)
		return VERDICT_DOWN;
	if (h->status >= 300 || v == VERDICT_DEGRADED)
		return VERDICT_DEGRADED;
	return moved(o) ? VERDICT_MOVED : VERDICT_UP;
}

enum grade
observation_grade(const struct observation *o, const struct finding *f,
    enum verdict seen)
{
	const struct hop *h = o->nhops == 0 ? NULL : &o->hops[o->nhops - 1];

	if (h == NULL || f->page_class != PAGE_NORMAL)
		return GRADE_NONE;
	if (h->status == 304 || f->status == ANALYSIS_SAME)
		return seen == VERDICT_UP ? GRADE_SAME : GRADE_NONE;
	if (f->status != ANALYSIS_OK && f->status != ANALYSIS_CUT)
		return GRADE_NONE;
	if (h->status < 200 || h->status > 299)
		return GRADE_NONE;
	/* 206: sent in part, asked for so or not. */
	if (f->status == ANALYSIS_CUT || h->body_cut || h->status == 206 ||
	    h->failure != FAILURE_NONE || h->outcome != OUTCOME_NONE)
		return GRADE_MORE;
	return GRADE_GOOD;
}

void
verdict_confirm(struct verdict_state *s)
{
	s->confirmed = s->candidate;
	s->since = s->candidate_since;
	s->candidate = VERDICT_UNKNOWN;
	s->count = s->corroborated = 0;
	s->held = false;
}

void
verdict_void(struct verdict_state *s, int64_t from)
{
	if (s->candidate != VERDICT_DOWN || s->last < from)
		return;
	if (s->candidate_since >= from) {
		s->candidate = VERDICT_UNKNOWN;
		s->count = s->bad = s->corroborated = 0;
	} else if (s->count > s->corroborated) {
		s->count = s->corroborated;
	}
	s->held = false;
}

static void
forget_candidate(struct verdict_state *s)
{
	s->candidate = VERDICT_UNKNOWN;
	s->count = s->corroborated = 0;
	s->held = false;
}

/* One more look that says `seen`, which is not the verdict. */
static void
count_look(struct verdict_state *s, enum verdict seen, int64_t time,
    int64_t other_success)
{
	if (s->candidate != seen) {
		forget_candidate(s);
		s->candidate = seen;
		s->candidate_since = time;
	}
	/* Somebody else answered after the look before this one: so far it
	 * was not us. */
	if (s->count > 0 && other_success != INSTANT_NONE &&
	    other_success > s->last)
		s->corroborated = s->count;
	s->count++;
	s->last = time;
}

enum verdict_step
verdict_advance(struct verdict_state *s, enum verdict seen, int64_t time,
    const struct verdict_limits *r)
{
	uint32_t need = seen == VERDICT_UP ? r->confirm_up : r->confirm_down;

	if (seen == VERDICT_INCONCLUSIVE)
		return s->candidate == VERDICT_UNKNOWN ? VERDICT_KEPT
						       : VERDICT_FORMING;
	s->bad = seen == VERDICT_UP ? 0 : s->bad + 1;
	if (seen == s->confirmed) {
		s->bad = 0;
		forget_candidate(s);
		return VERDICT_KEPT;
	}
	count_look(s, seen, time, r->other_success);
	/* There is nothing yet that a first answer could contradict. */
	if (s->confirmed == VERDICT_UNKNOWN && seen == VERDICT_UP)
		need = 1;
	/* Now this, now that, but never up: the latest stands for all. */
	if (s->count < need && (s->count < 2 || s->bad < 2 * need))
		return VERDICT_FORMING;
	if (seen == VERDICT_DOWN && !r->alone && s->corroborated + 1 < need) {
		s->held = true;
		return VERDICT_HELD;
	}
	verdict_confirm(s);
	return VERDICT_CHANGED;
}

bool
article_gone(const struct observation *o, const struct finding *f,
    const struct verdict_state *v)
{
	const struct hop *h = observation_last(o);
	struct span rest;

	if (v->confirmed != VERDICT_UP || v->candidate != VERDICT_UNKNOWN)
		return false;
	if (h->status == 404 || h->status == 410 ||
	    f->page_class == PAGE_SOFT_404)
		return true;
	/* Sent to the front page instead. */
	rest = span_of(h->url);
	rest = span_slice(rest, span_search(rest, "://") + 3, rest.n);
	rest = span_slice(rest, span_find(rest, '/'), rest.n);
	return o->nhops > 1 && h->status == 200 && rest.n <= 1;
}
