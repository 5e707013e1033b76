/* The similarity hash is kept with findings: it is compared with one made the
 * plain way, a feature and a bit at a time. */
#include "cm.h"

#include "simhash.h"

struct plain {
	uint32_t votes[SIMHASH_BITS];
	uint32_t features;
};

static void
plain_word(struct plain *p, struct span word)
{
	uint64_t h = bytes_hash(word);

	for (int i = 0; i < SIMHASH_BITS; i++)
		p->votes[i] += (uint32_t)(h >> i & 1);
	p->features++;
}

static void
plain_text(struct plain *p, struct span text)
{
	struct span word;

	while (text.p != NULL) {
		word = span_token(&text, ' ');
		for (; word.n > 36; word = span_slice(word, 6, word.n))
			plain_word(p, span_slice(word, 0, 12));
		if (word.n > 0)
			plain_word(p, word);
	}
}

static uint64_t
plain_final(const struct plain *p)
{
	uint64_t h = 0;

	for (int i = 0; i < SIMHASH_BITS; i++)
		if (p->votes[i] > p->features / 2)
			h |= (uint64_t)1 << i;
	return h;
}

/* Letters with spaces among them, about one in `often`. */
static void
fill(char *text, size_t n, unsigned often, uint32_t *seed)
{
	for (size_t i = 0; i < n; i++) {
		*seed = *seed * 1664525 + 1013904223;
		text[i] = (char)('a' + (*seed >> 24) % 26);
		if ((*seed >> 16) % often == 0)
			text[i] = ' ';
	}
}

static void
test_hash_in(void **state)
{
	char text[64];
	uint32_t seed = 7;

	(void)state;
	fill(text, sizeof(text), 9, &seed);
	for (size_t i = 0; i < sizeof(text); i += 3)
		text[i] = (char)(text[i] | 0x80);
	for (size_t from = 0; from < 24; from++)
		for (size_t n = 0; n <= 40; n++)
			assert_int_equal(bytes_hash_in((struct span){text,
							   from + n},
					     from, n),
			    bytes_hash((struct span){text + from, n}));
}

/* The bytes are behind nothing else, so that a sanitiser sees a look past
 * either end. */
static void
compare(size_t n, unsigned often, size_t times, uint32_t *seed)
{
	struct simhash s = {.nwaiting = 0};
	struct plain p = {.features = 0};
	char *text = malloc(n == 0 ? 1 : n);

	assert_non_null(text);
	for (size_t i = 0; i < times; i++) {
		fill(text, n, often, seed);
		simhash_text(&s, (struct span){text, n});
		plain_text(&p, (struct span){text, n});
	}
	assert_int_equal(s.features, p.features);
	assert_int_equal(simhash_final(&s), plain_final(&p));
	free(text);
}

static void
test_lengths(void **state)
{
	uint32_t seed = 1;

	(void)state;
	for (size_t n = 0; n < 300; n++)
		for (unsigned often = 1; often < 60; often = often * 2 + 1)
			compare(n, often, 3, &seed);
}

/* More votes than the planes can count. */
static void
test_many(void **state)
{
	uint32_t seed = 2;

	(void)state;
	compare(4001, 6, 300, &seed);
}

/* Names that differ in their last letters are spread over a table. */
static void
test_hash_places(void **state)
{
	static const char *const shapes[] = {"site%04u", "s%u", "tw-user%05u",
	    "192.0.%u.1", "http://www.site%04u.example/"};
	unsigned taken[4096], most;
	char name[64];
	size_t at;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(shapes); i++) {
		memset(taken, 0, sizeof taken);
		most = 0;
		for (unsigned n = 0; n < 2048; n++) {
			snprintf(name, sizeof name, shapes[i], n);
			at = hash_place(bytes_hash(span_of(name)), 4096);
			if (++taken[at] > most)
				most = taken[at];
		}
		assert_in_range(most, 1, 8);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_hash_in),
	    cmocka_unit_test(test_hash_places), cmocka_unit_test(test_lengths),
	    cmocka_unit_test(test_many)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
