/* Visible text: blocks with white space folded, link text, the title. */
#include "page.h"

#include <string.h>

#include "bytes16.h"

void
fold_init(struct fold *f, size_t max)
{
	buf_init(&f->out, max);
	f->space = false;
}

void
fold_clear(struct fold *f)
{
	buf_clear(&f->out);
	f->space = false;
}

INLINE bytes16
space16(bytes16 v)
{
	return bytes16_upto(v, ' ');
}

/* A NUL is none where it stands for U+FFFD. */
INLINE bytes16
space_not_nul16(bytes16 v)
{
	return bytes16_in(v, 1, ' ');
}

/* White space at s: bytes of it, else 0.  No-break and ideographic space
 * count, so that a change between them is none. */
static size_t
space_at(struct span s)
{
	unsigned char c = (unsigned char)s.p[0];

	if (c <= ' ')
		return bytes16_run(s, 0, space16);
	if (c == 0xc2 && s.n >= 2 && (unsigned char)s.p[1] == 0xa0)
		return 2;
	if (c == 0xe3 && s.n >= 3 && memcmp(s.p, "\xe3\x80\x80", 3) == 0)
		return 3;
	return 0;
}

/* Bytes that stay as they are: words and single spaces between them.  Every
 * run ends before a 0xc2 or 0xe3, and never with a space. */
static size_t
plain_run(struct span s)
{
	size_t i = 1;
	unsigned spaces, odd, carry = 0;
	bytes16 v;

	for (; i < s.n; i += 16) {
		v = bytes16_at(s, i);
		spaces = bytes16_mask(bytes16_is(v, ' '));
		odd = bytes16_mask(bytes16_upto(v, 0x1f) | bytes16_is(v, 0xc2) |
		    bytes16_is(v, 0xe3));
		odd |= spaces & (spaces << 1 | carry);
		if (odd != 0) {
			i += bytes16_first(odd);
			break;
		}
		carry = spaces >> 15;
	}
	if (i > s.n)
		i = s.n;
	return s.p[i - 1] == ' ' ? i - 1 : i;
}

void
fold_add(struct fold *f, struct span s)
{
	size_t n;

	while (s.n > 0 && !f->out.overflow) {
		n = space_at(s);
		if (n > 0) {
			f->space = true;
		} else {
			n = plain_run(s);
			if (f->space && f->out.len > 0)
				(void)buf_add_char(&f->out, ' ');
			f->space = false;
			if (!buf_add(&f->out, s.p, n)) {
				n = f->out.max - f->out.len;
				n = utf8_clip(s, n);
				f->out.overflow = false;
				(void)buf_add(&f->out, s.p, n);
				f->out.overflow = true;
			}
		}
		s = span_slice(s, n, s.n);
	}
}

struct span
page_decode(struct page *p, struct span raw, unsigned how)
{
	if (html_is_plain(raw, how, p->charset))
		return raw;
	buf_clear(&p->decoded);
	if (raw.n > TOKEN_KEEP_MAX) {
		raw.n = TOKEN_KEEP_MAX;
		p->stats->values_cut = true;
	}
	(void)html_decode(raw, how, p->charset, &p->decoded,
	    &p->stats->bad_chars);
	return buf_span(&p->decoded);
}

/* Long text is split, not cut: a change at its end must be seen too. */
static void
block_add(struct page *p, struct span text)
{
	struct span part;

	while (text.n > 0) {
		part = span_slice(text, 0, BLOCK_TEXT_MAX / 2);
		if (part.n < text.n)
			part.n = utf8_clip(text, part.n);
		if (p->block.out.len + part.n > BLOCK_TEXT_MAX)
			text_flush(p);
		if (p->block.out.len == 0)
			p->block_offset = p->token.offset;
		fold_add(&p->block, part);
		text = span_slice(text, part.n, text.n);
	}
}

/* A text in pieces, so that no text is too long to keep; a reference that is
 * cut in two is not worth more than that. */
static struct span
piece_take(struct span *raw)
{
	struct span part = *raw;
	size_t n = TOKEN_KEEP_MAX;

	if (raw->n > TOKEN_KEEP_MAX) {
		while (n > TOKEN_KEEP_MAX / 2 && !ascii_space(raw->p[n - 1]))
			n--;
		part.n = n;
	}
	*raw = span_slice(*raw, part.n, raw->n);
	return part;
}

/* The pieces of a link's text that wait.  What is wrong with them was counted
 * when the page's text was read. */
struct span
anchor_text(struct page *p)
{
	uint32_t bad = p->stats->bad_chars;
	struct text_piece *t = p->anchor_pieces;
	struct span raw;

	for (; t < p->anchor_pieces + p->nanchor_pieces; t++)
		for (raw = t->raw; raw.n > 0 && !p->anchor_text.out.overflow;)
			fold_add(&p->anchor_text,
			    page_decode(p, piece_take(&raw), t->how));
	p->nanchor_pieces = 0;
	p->stats->bad_chars = bad;
	return buf_span(&p->anchor_text.out);
}

static void
anchor_add(struct page *p, struct span raw, unsigned how)
{
	if (p->nanchor_pieces == ANCHOR_PIECES)
		(void)anchor_text(p);
	if (!p->anchor_text.out.overflow)
		p->anchor_pieces[p->nanchor_pieces++] =
		    (struct text_piece){raw, how};
}

void
text_token(struct page *p)
{
	unsigned how = html_text_decoding(&p->token);
	struct span raw = p->token.data;

	if (p->anchor_open)
		anchor_add(p, raw, how);
	if (p->h->text == NULL)
		return;
	/* nearly half of all texts are the line ends between two tags */
	if (raw.n > 0 && p->block.out.len + raw.n <= BLOCK_TEXT_MAX &&
	    (unsigned char)raw.p[0] <= ' ' &&
	    bytes16_run(html_from(&p->tokens, raw), 0, space_not_nul16) >=
		raw.n) {
		p->block.space = true;
		return;
	}
	while (raw.n > 0)
		block_add(p, page_decode(p, piece_take(&raw), how));
}

void
text_flush(struct page *p)
{
	struct text_run run;

	if (p->block.out.len > 0) {
		run = (struct text_run){buf_span(&p->block.out), p->heading,
		    p->block_offset};
		if (p->h->text != NULL)
			p->h->text(p->h->arg, &run);
		buf_clear(&p->block.out);
	}
	p->block.space = false;
}
