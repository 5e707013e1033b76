/* What is remembered of answers and failures when the clock is set back. */
#include "cm.h"

#include "diff.h"

#define T   INT64_C(1547445600000)
#define DAY INT64_C(86400000)

static void
fail_all(struct outage *o, int64_t time)
{
	for (int64_t row = 1; row <= 3; row++)
		outage_failure(o, row, 0, time + row);
}

static void
begin(struct outage *o)
{
	bool online;

	outage_init(o, 0, 600000);
	for (int64_t row = 1; row <= 3; row++)
		outage_success(o, row, T + row, &online);
}

/* Else the line would seem to have been good until then. */
static void
no_answer_came_later(void **state)
{
	struct outage o;

	(void)state;
	begin(&o);
	assert_true(outage_other_success(&o, 3) == T + 2);
	outage_clock_back(&o, T - DAY);
	assert_true(outage_other_success(&o, 1) < T - DAY);
	assert_true(outage_other_success(&o, 3) < T - DAY);
	fail_all(&o, T - DAY);
	assert_true(o.offline);
	assert_true(o.since == T - DAY + 1);
	outage_release(&o);
}

/* An outage that began then has not begun after its end. */
static void
outage_began_before(void **state)
{
	struct outage o;
	bool online = false;

	(void)state;
	begin(&o);
	fail_all(&o, T + DAY);
	assert_true(o.offline);
	outage_clock_back(&o, T);
	assert_true(o.since <= T);
	outage_success(&o, 1, T + 60000, &online);
	assert_true(online);
	outage_release(&o);
}

/* Neither has a run of failures that is no outage yet. */
static void
failures_began_before(void **state)
{
	struct outage o;

	(void)state;
	begin(&o);
	outage_failure(&o, 1, 0, T + DAY);
	outage_clock_back(&o, T);
	fail_all(&o, T);
	assert_true(o.offline);
	assert_true(o.since <= T + 1);
	outage_release(&o);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(no_answer_came_later),
	    cmocka_unit_test(outage_began_before),
	    cmocka_unit_test(failures_began_before),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
