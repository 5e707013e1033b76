/* Looks that bring the same bytes, and those that only nearly do. */
#include "cm.h"

#include "likeness.h"

static struct observation o;

static struct likeness
look(const char *headers, const char *body, int status)
{
	struct likeness l;
	struct hop *h;

	observation_release(&o);
	o.variant = VARIANT_NORMAL;
	h = observation_add_hop(&o);
	h->url = xstrdup("http://a.example/");
	h->status = status;
	buf_add_span(&h->headers, span_of(headers));
	buf_add_span(&h->body, span_of(body));
	likeness_of(&o, &l);
	return l;
}

#define HEAD "HTTP/1.1 200 OK\r\nDate: Mon, 14 Jan 2019 06:00:0"

static void
test_same(void **state)
{
	struct likeness a =
	    look(HEAD "1 GMT\r\nSet-Cookie: id=1\r\n\r\n", "x", 200);
	struct likeness b =
	    look(HEAD "2 GMT\r\nSet-Cookie: id=2\r\n\r\n", "x", 200);

	(void)state;
	assert_true(likeness_same(&a, &b));
}

static void
test_other(void **state)
{
	struct likeness a = look("HTTP/1.1 200 OK\r\n\r\n", "xy", 200);
	struct likeness other[] = {
	    look("HTTP/1.1 200 OK\r\n\r\n", "xz", 200),
	    look("HTTP/1.1 200 OK\r\n\r\nx", "y", 200),
	    look("HTTP/1.1 200 OK\r\nServer: b\r\n\r\n", "xy", 200),
	    look("HTTP/1.1 200 OK\r\nSet-Cookie: b=1\r\n\r\n", "xy", 200),
	};

	(void)state;
	assert_true(a.known);
	for (size_t i = 0; i < ARRAY_LEN(other); i++)
		assert_false(likeness_same(&a, &other[i]));
}

static void
test_unknown(void **state)
{
	struct likeness a = look("HTTP/1.1 404 No\r\n\r\n", "x", 404), b = a;

	(void)state;
	assert_false(a.known);
	assert_false(likeness_same(&a, &b));
	b = look("HTTP/1.1 200 OK\r\n\r\n", "x", 200);
	assert_true(b.known);
	observation_last(&o)->body_cut = true;
	likeness_of(&o, &b);
	assert_false(b.known);
	observation_last(&o)->body_cut = false;
	o.variant = VARIANT_TWIN;
	likeness_of(&o, &b);
	assert_false(b.known);
	observation_release(&o);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_same),
	    cmocka_unit_test(test_other),
	    cmocka_unit_test(test_unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
