/* Texts and arrays that go all at once. */
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "limit.h"
#include "log.h"

#define POOL_FIRST (4 * KIB)
#define POOL_MOST  (256 * KIB)
#define POOL_ALIGN sizeof(int64_t)

struct text_pool {
	struct text_pool *next;
	size_t used;
	size_t size;
	char data[];
};

static size_t
pool_aligned(size_t n)
{
	return (n + POOL_ALIGN - 1) / POOL_ALIGN * POOL_ALIGN;
}

static struct text_pool *
pool_piece(struct text_pool *next, size_t size)
{
	struct text_pool *t;

	/* So that no place in it, aligned, lies behind its end. */
	size = pool_aligned(size);
	t = xmalloc(sizeof *t + size);
	*t = (struct text_pool){.next = next, .size = size};
	return t;
}

struct text_pool *
text_pool_new(size_t size)
{
	return pool_piece(NULL, size);
}

/* The next n bytes. */
static char *
pool_take(struct text_pool **pool, size_t n)
{
	struct text_pool *t = *pool;
	size_t size = t == NULL ? POOL_FIRST : t->size * 2;

	if (t == NULL || n > t->size - t->used) {
		if (size > POOL_MOST)
			size = POOL_MOST;
		t = *pool = pool_piece(t, size < n ? n : size);
	}
	t->used += n;
	return t->data + t->used - n;
}

char *
text_pool_add(struct text_pool **pool, struct span s)
{
	char *text = pool_take(pool, s.n + 1);

	if (s.n > 0)
		memcpy(text, s.p, s.n);
	text[s.n] = '\0';
	return text;
}

void *
text_pool_array(struct text_pool **pool, size_t n, size_t size)
{
	size_t bytes;

	if (n == 0)
		return NULL;
	if (__builtin_mul_overflow(n, size, &bytes))
		bug("an array of %zu times %zu bytes", n, size);
	if (*pool != NULL)
		(*pool)->used = pool_aligned((*pool)->used);
	return memset(pool_take(pool, bytes), 0, bytes);
}

void
text_pool_clear(struct text_pool **pool)
{
	struct text_pool *t = *pool, *last = t;

	/* The first that was made, which is the smallest. */
	while (last != NULL && last->next != NULL)
		last = last->next;
	for (; t != last; t = *pool) {
		*pool = t->next;
		free(t);
	}
	if (last != NULL)
		last->used = 0;
}

void
text_pool_free(struct text_pool *t)
{
	struct text_pool *next;

	for (; t != NULL; t = next) {
		next = t->next;
		free(t);
	}
}
