#include "wire.h"

void
wire_text(struct wire *w, char **s, size_t max)
{
	if (w->out != NULL)
		buf_put_str(w->out, *s);
	else
		*s = cursor_str(w->in, max);
}

void
wire_flag(struct wire *w, bool *v)
{
	uint8_t byte;

	if (w->out != NULL) {
		buf_put_u8(w->out, *v);
		return;
	}
	byte = cursor_u8(w->in);
	if (byte > 1)
		w->in->bad = true;
	*v = byte == 1;
}

void
wire_number(struct wire *w, uint32_t *v)
{
	if (w->out != NULL)
		buf_put_u32(w->out, *v);
	else
		*v = cursor_u32le(w->in);
}

void
wire_amount(struct wire *w, int64_t *v)
{
	if (w->out != NULL)
		buf_put_i64(w->out, *v);
	else
		*v = cursor_i64le(w->in);
}

void *
wire_array(struct wire *w, size_t *n, void *array, size_t max, size_t least,
    size_t size)
{
	uint32_t v;

	if (w->out != NULL) {
		buf_put_u32(w->out, (uint32_t)*n);
		return array;
	}
	v = cursor_u32le(w->in);
	if (w->in->bad || v > max || v > cursor_left(w->in) / least) {
		w->in->bad = true;
		*n = 0;
		return NULL;
	}
	*n = v;
	return v == 0 ? NULL : xcalloc(v, size);
}

void
wire_texts(struct wire *w, char ***list, size_t *n, size_t max_count,
    size_t max_length)
{
	*list = wire_array(w, n, *list, max_count, 4, sizeof **list);
	for (size_t i = 0; i < *n; i++) {
		wire_text(w, &(*list)[i], max_length);
		wire_need(w, (*list)[i]);
	}
}

void
wire_need(struct wire *w, const void *p)
{
	if (w->in != NULL && p == NULL)
		w->in->bad = true;
}
