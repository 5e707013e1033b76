#include "advice.h"

#include <stdlib.h>
#include <string.h>

#include "limit.h"

#define RESUME_PAGES_MAX (TARGETS_MAX * 4)

void
advice_release(struct advice *a)
{
	for (size_t i = 0; i < a->nsamples; i++) {
		free(a->samples[i].page);
		free(a->samples[i].url);
	}
	free(a->samples);
	free(a->sample_slot);
	free(a->etag);
	free(a->last_modified);
	memset(a, 0, sizeof *a);
}

/* Read by advice_decode(). */
void
advice_encode(const struct advice *a, struct buf *b)
{
	buf_put_u8(b, a->confirm_soon);
	buf_put_u8(b, a->twin);
	buf_put_u8(b, a->plain);
	buf_put_str(b, a->etag);
	buf_put_str(b, a->last_modified);
	buf_put_str(b, a->sample_slot);
	buf_put_u32(b, (uint32_t)a->nsamples);
	for (size_t i = 0; i < a->nsamples; i++) {
		buf_put_str(b, a->samples[i].page);
		buf_put_str(b, a->samples[i].url);
		buf_put_u8(b, a->samples[i].archive);
	}
}

/* Written by advice_encode(). */
bool
advice_decode(struct advice *a, struct span s)
{
	struct cursor c;
	uint32_t n;

	memset(a, 0, sizeof *a);
	cursor_init(&c, s.p, s.n);
	a->confirm_soon = cursor_u8(&c) != 0;
	a->twin = cursor_u8(&c) != 0;
	a->plain = cursor_u8(&c) != 0;
	a->etag = cursor_str(&c, HEADER_BYTES_MAX);
	a->last_modified = cursor_str(&c, HEADER_BYTES_MAX);
	a->sample_slot = cursor_str(&c, NAME_MAX_LEN);
	n = cursor_u32le(&c);
	if (n > SAMPLES_MAX)
		c.bad = true;
	a->samples = xcalloc(c.bad ? 0 : n, sizeof *a->samples);
	for (uint32_t i = 0; i < n && !c.bad; i++) {
		a->samples[i].page = cursor_str(&c, NAME_MAX_LEN);
		a->samples[i].url = cursor_str(&c, URL_MAX_LEN);
		a->samples[i].archive = cursor_u8(&c) != 0;
		a->nsamples = i + 1;
		if (a->samples[i].page == NULL || a->samples[i].url == NULL)
			c.bad = true;
	}
	if (cursor_done(&c))
		return true;
	advice_release(a);
	return false;
}

static void
page_free(struct resume_page *p)
{
	free(p->target);
	free(p->page);
	free(p->url);
	free(p->etag);
	free(p->last_modified);
}

void
resume_release(struct resume *r)
{
	for (size_t i = 0; i < r->npages; i++)
		page_free(&r->pages[i]);
	free(r->pages);
	memset(r, 0, sizeof *r);
}

/* Read by resume_decode(). */
void
resume_encode(const struct resume *r, struct buf *b)
{
	buf_put_u64(b, r->last_id);
	buf_put_u32(b, (uint32_t)r->npages);
	for (size_t i = 0; i < r->npages; i++) {
		const struct resume_page *p = &r->pages[i];

		buf_put_str(b, p->target);
		buf_put_str(b, p->page);
		buf_put_str(b, p->url);
		buf_put_i64(b, p->last);
		buf_put_u8(b, p->confirm_soon);
		buf_put_u8(b, p->sample);
		buf_put_str(b, p->etag);
		buf_put_str(b, p->last_modified);
	}
}

static void
page_decode(struct resume_page *p, struct cursor *c)
{
	p->target = cursor_str(c, NAME_MAX_LEN);
	p->page = cursor_str(c, NAME_MAX_LEN);
	p->url = cursor_str(c, URL_MAX_LEN);
	p->last = cursor_i64le(c);
	p->confirm_soon = cursor_u8(c) != 0;
	p->sample = cursor_u8(c) != 0;
	p->etag = cursor_str(c, HEADER_BYTES_MAX);
	p->last_modified = cursor_str(c, HEADER_BYTES_MAX);
	if (p->target == NULL || p->page == NULL || p->url == NULL)
		c->bad = true;
}

/* Written by resume_encode(). */
bool
resume_decode(struct resume *r, struct span s)
{
	struct cursor c;
	uint32_t n;
	size_t cap = 0;

	memset(r, 0, sizeof *r);
	cursor_init(&c, s.p, s.n);
	r->last_id = cursor_u64le(&c);
	n = cursor_u32le(&c);
	if (n > RESUME_PAGES_MAX)
		c.bad = true;
	for (uint32_t i = 0; i < n && !c.bad; i++) {
		r->pages =
		    xgrow(r->pages, &cap, r->npages + 1, sizeof *r->pages);
		memset(&r->pages[r->npages], 0, sizeof *r->pages);
		page_decode(&r->pages[r->npages++], &c);
	}
	if (cursor_done(&c))
		return true;
	resume_release(r);
	return false;
}
