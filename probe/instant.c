#include "instant.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define DAY_MS 86400000

/* Days since 1970-01-01 of a proleptic Gregorian date. */
static int64_t
days_from_civil(int64_t y, int64_t m, int64_t d)
{
	int64_t era, yoe, doy;

	y -= m <= 2;
	era = (y >= 0 ? y : y - 399) / 400;
	yoe = y - era * 400;
	doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static void
split(int64_t t, struct tm *tm, int *ms)
{
	static const int64_t last = INT64_C(253402300799999);
	time_t s;

	if (t < INT64_C(-62167219200000))
		t = INT64_C(-62167219200000);
	if (t > last)
		t = last;
	*ms = (int)(((t % 1000) + 1000) % 1000);
	s = (time_t)((t - *ms) / 1000);
	gmtime_r(&s, tm);
}

const char *
instant_text(int64_t t, char out[INSTANT_TEXT_MAX])
{
	struct tm tm;
	int ms;

	split(t, &tm, &ms);
	snprintf(out, INSTANT_TEXT_MAX, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ",
	    (tm.tm_year + 1900) % 10000, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
	    tm.tm_min, tm.tm_sec, ms);
	return out;
}

const char *
instant_day(int64_t t, char out[INSTANT_TEXT_MAX])
{
	instant_stamp(t, out);
	out[8] = '\0';
	return out;
}

const char *
instant_stamp(int64_t t, char out[INSTANT_TEXT_MAX])
{
	struct tm tm;
	int ms;

	split(t, &tm, &ms);
	snprintf(out, INSTANT_TEXT_MAX, "%04d%02d%02d%02d%02d%02d",
	    (tm.tm_year + 1900) % 10000, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
	    tm.tm_min, tm.tm_sec);
	return out;
}

/* Takes exactly n digits off s. */
static bool
digits(struct span *s, size_t n, int64_t *out)
{
	uint64_t v;

	if (s->n < n || !span_u64(span_slice(*s, 0, n), &v))
		return false;
	*out = (int64_t)v;
	*s = span_slice(*s, n, s->n);
	return true;
}

static bool
literal(struct span *s, const char *any)
{
	if (s->n == 0 || strchr(any, s->p[0]) == NULL)
		return false;
	*s = span_slice(*s, 1, s->n);
	return true;
}

static bool
assemble(int64_t y, int64_t mo, int64_t d, int64_t h, int64_t mi, int64_t se,
    int64_t *out)
{
	static const int month_days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31,
	    30, 31};

	if (mo < 1 || mo > 12 || d < 1 || d > month_days[mo - 1] || h > 23 ||
	    mi > 59 || se > 60)
		return false;
	*out = (days_from_civil(y, mo, d) * 86400 + h * 3600 + mi * 60 + se) *
	    1000;
	return true;
}

static bool
parse_fraction(struct span *s, int64_t *ms)
{
	int64_t scale = 100;

	*ms = 0;
	if (!literal(s, ".,"))
		return true;
	if (s->n == 0 || !ascii_digit(s->p[0]))
		return false;
	while (s->n > 0 && ascii_digit(s->p[0])) {
		*ms += (s->p[0] - '0') * scale;
		scale /= 10;
		*s = span_slice(*s, 1, s->n);
	}
	return true;
}

static bool
parse_zone(struct span *s, int64_t *ms)
{
	int64_t h, m;
	bool west;

	*ms = 0;
	if (s->n == 0 || literal(s, "Zz"))
		return true;
	west = s->p[0] == '-';
	if (!literal(s, "+-") || !digits(s, 2, &h))
		return false;
	literal(s, ":");
	if (!digits(s, 2, &m) || h > 23 || m > 59)
		return false;
	*ms = (h * 60 + m) * 60000 * (west ? 1 : -1);
	return true;
}

bool
instant_parse(struct span s, int64_t *out)
{
	int64_t y, mo, d, h = 0, mi = 0, se = 0, frac = 0, zone = 0, t;

	s = span_trim(s);
	if (!digits(&s, 4, &y))
		return false;
	if (s.n == 10) {
		if (!digits(&s, 2, &mo) || !digits(&s, 2, &d) ||
		    !digits(&s, 2, &h) || !digits(&s, 2, &mi) ||
		    !digits(&s, 2, &se))
			return false;
		return assemble(y, mo, d, h, mi, se, out);
	}
	if (!literal(&s, "-") || !digits(&s, 2, &mo) || !literal(&s, "-") ||
	    !digits(&s, 2, &d))
		return false;
	if (s.n > 0) {
		if (!literal(&s, "Tt ") || !digits(&s, 2, &h) ||
		    !literal(&s, ":") || !digits(&s, 2, &mi))
			return false;
		if (literal(&s, ":") &&
		    (!digits(&s, 2, &se) || !parse_fraction(&s, &frac)))
			return false;
		if (!parse_zone(&s, &zone))
			return false;
	}
	if (s.n != 0 || !assemble(y, mo, d, h, mi, se, &t))
		return false;
	*out = t + frac + zone;
	return true;
}

static int64_t
month_number(struct span s)
{
	static const char names[] = "janfebmaraprmayjunjulaugsepoctnovdec";

	for (int i = 0; s.n >= 3 && i < 12; i++)
		if (span_eq_i(span_slice(s, 0, 3),
			(struct span){names + 3 * i, 3}))
			return i + 1;
	return 0;
}

/* One or two digits, as asctime() pads with a space. */
static bool
day_digits(struct span *s, int64_t *out)
{
	if (literal(s, " "))
		return digits(s, 1, out);
	return digits(s, 2, out) || digits(s, 1, out);
}

static bool
clock_digits(struct span *s, int64_t *h, int64_t *m, int64_t *sec)
{
	return digits(s, 2, h) && literal(s, ":") && digits(s, 2, m) &&
	    literal(s, ":") && digits(s, 2, sec);
}

bool
instant_parse_http(struct span s, int64_t *out)
{
	int64_t y, mo, d, h, mi, se;
	size_t comma;

	s = span_trim(s);
	comma = span_find(s, ',');
	if (comma == s.n) {
		/* asctime: "Sun Nov  6 08:49:37 1994" */
		s = span_slice(s, 4, s.n);
		mo = month_number(s);
		s = span_slice(s, 4, s.n);
		if (!day_digits(&s, &d) || !literal(&s, " ") ||
		    !clock_digits(&s, &h, &mi, &se) || !literal(&s, " ") ||
		    !digits(&s, 4, &y))
			return false;
		return assemble(y, mo, d, h, mi, se, out);
	}
	s = span_trim(span_slice(s, comma + 1, s.n));
	if (!day_digits(&s, &d) || !literal(&s, " -"))
		return false;
	mo = month_number(s);
	s = span_slice(s, 3, s.n);
	if (!literal(&s, " -"))
		return false;
	if (!digits(&s, 4, &y)) {
		if (!digits(&s, 2, &y))
			return false;
		y += y < 70 ? 2000 : 1900;
	}
	if (!literal(&s, " ") || !clock_digits(&s, &h, &mi, &se))
		return false;
	return assemble(y, mo, d, h, mi, se, out);
}

bool
duration_parse(struct span s, int64_t *ms)
{
	static const struct {
		const char *unit;
		int64_t ms;
	} units[] = {{"", 1000}, {"ms", 1}, {"s", 1000}, {"m", 60000},
	    {"min", 60000}, {"h", 3600000}, {"d", DAY_MS}, {"w", 7 * DAY_MS}};
	size_t n = 0;
	uint64_t v;
	struct span unit;

	s = span_trim(s);
	while (n < s.n && ascii_digit(s.p[n]))
		n++;
	unit = span_trim(span_slice(s, n, s.n));
	if (!span_u64(span_slice(s, 0, n), &v) || v > INT64_C(1000000000000))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		if (!span_is(unit, units[i].unit))
			continue;
		return !__builtin_mul_overflow((int64_t)v, units[i].ms, ms);
	}
	return false;
}

const char *
duration_text(int64_t ms, char out[INSTANT_TEXT_MAX])
{
	int64_t s = ms / 1000;

	if (ms < 1000)
		snprintf(out, INSTANT_TEXT_MAX, "%" PRId64 " ms", ms);
	else if (s < 60)
		snprintf(out, INSTANT_TEXT_MAX, "%" PRId64 ".%" PRId64 " s", s,
		    ms % 1000 / 100);
	else if (s < 3600)
		snprintf(out, INSTANT_TEXT_MAX, "%" PRId64 " min %02d s",
		    s / 60, (int)(s % 60));
	else if (s < 86400)
		snprintf(out, INSTANT_TEXT_MAX, "%" PRId64 " h %02d min",
		    s / 3600, (int)(s % 3600 / 60));
	else
		snprintf(out, INSTANT_TEXT_MAX, "%" PRId64 " d %02d h",
		    s / 86400, (int)(s % 86400 / 3600));
	return out;
}

int64_t
instant_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t
monotonic_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}
