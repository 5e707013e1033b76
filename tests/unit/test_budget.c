/* Who may take how much of a budget, and when who waits goes on. */
#include "cm.h"

#include "budget.h"

struct holder {
	struct budget_waiter waiter;
	size_t held;
	size_t wants;
	unsigned granted;
};

static void
on_granted(void *arg)
{
	struct holder *h = arg;

	h->held += h->wants;
	h->granted++;
}

static bool
take(struct budget *b, struct holder *h, size_t n)
{
	h->waiter.granted = on_granted;
	h->waiter.arg = h;
	h->wants = n;
	if (!budget_take(b, &h->waiter, h->held, n))
		return false;
	h->held += n;
	return true;
}

static void
give(struct budget *b, struct holder *h)
{
	size_t held = h->held;

	h->held = 0;
	budget_give(b, held);
}

static void
test_in_turn(void **state)
{
	struct holder a = {0}, c = {0}, d = {0};
	struct budget b;

	(void)state;
	budget_init(&b, 100);
	assert_true(take(&b, &a, 60));
	assert_false(take(&b, &c, 50));
	/* There would be room, but it came later. */
	assert_false(take(&b, &d, 10));
	assert_int_equal(b.used, 60);
	give(&b, &a);
	assert_int_equal(c.granted + d.granted, 2);
	assert_int_equal(c.held, 50);
	assert_int_equal(d.held, 10);
	assert_int_equal(b.used, 60);
	give(&b, &c);
	give(&b, &d);
	assert_int_equal(b.used, 0);
}

/* All wait: the last to come goes on, and the others when it is done. */
static void
test_all_wait(void **state)
{
	struct holder a = {0}, c = {0};
	struct budget b;

	(void)state;
	budget_init(&b, 100);
	assert_true(take(&b, &a, 50));
	assert_true(take(&b, &c, 50));
	assert_false(take(&b, &a, 10));
	assert_true(take(&b, &c, 10));
	assert_true(take(&b, &c, 200));
	assert_int_equal(a.granted, 0);
	assert_int_equal(b.used, 310);
	give(&b, &c);
	assert_int_equal(a.granted, 1);
	assert_int_equal(a.held, 60);
	give(&b, &a);
	assert_int_equal(b.used, 0);
}

/* What is larger than all of it is taken by one who is alone. */
static void
test_alone(void **state)
{
	struct holder a = {0}, c = {0};
	struct budget b;

	(void)state;
	budget_init(&b, 100);
	assert_true(take(&b, &a, 500));
	budget_add(&b, 7);
	assert_false(take(&b, &c, 1));
	budget_give(&b, 7);
	assert_int_equal(c.granted, 0);
	give(&b, &a);
	assert_int_equal(c.granted, 1);
	give(&b, &c);
	assert_int_equal(b.used, 0);
}

static void
test_leave(void **state)
{
	struct holder a = {0}, c = {0}, d = {0};
	struct budget b;

	(void)state;
	budget_init(&b, 100);
	assert_true(take(&b, &a, 90));
	assert_false(take(&b, &c, 50));
	assert_false(take(&b, &d, 10));
	budget_leave(&b, &c.waiter);
	assert_int_equal(c.granted, 0);
	assert_int_equal(d.granted, 1);
	budget_leave(&b, &c.waiter);
	budget_leave(&b, &d.waiter);
	give(&b, &a);
	give(&b, &d);
	assert_int_equal(b.used, 0);
	assert_true(TAILQ_EMPTY(&b.waiters));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_in_turn),
	    cmocka_unit_test(test_all_wait),
	    cmocka_unit_test(test_alone),
	    cmocka_unit_test(test_leave),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
