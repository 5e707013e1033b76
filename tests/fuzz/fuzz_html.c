/* Tokeniser and page scan, in any charset.  Input: charset number, page. */
#include "charset.h"
#include "html.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static const char *const names[] = {"utf-8", "euc-kr", "gb18030", "big5",
    "shift_jis", "euc-jp", "windows-1252", "iso-2022-jp", "utf-16le",
    "utf-32be"};

static volatile uint64_t sum;

/* Reads every byte that is given, so that a bad one is caught. */
static void
touch(struct span s)
{
	sum += bytes_hash(s);
}

static void
on_element(void *arg, const struct element *e)
{
	struct buf b = BUF_INIT(4096);

	(void)arg;
	touch(e->tag);
	for (size_t i = 0; i < e->nattrs; i++) {
		touch(e->attrs[i].name);
		touch(e->attrs[i].value);
	}
	element_describe(e, &b);
	touch(buf_span(&b));
	buf_release(&b);
}

static void
on_link(void *arg, const struct link *l)
{
	(void)arg;
	touch(l->url);
	touch(l->attr);
	touch(l->inner);
	touch(link_text(l));
	if (l->element != NULL)
		on_element(NULL, l->element);
}

static void
on_text(void *arg, const struct text_run *t)
{
	(void)arg;
	touch(t->text);
}

static void
on_span(void *arg, struct span s)
{
	(void)arg;
	touch(s);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct page_handler h = {on_element, on_link, on_text,
	    on_span, on_span, NULL};
	struct page_stats stats = {0};

	if (size == 0)
		return 0;
	page_scan((struct span){(const char *)data + 1, size - 1},
	    charset_find(span_of(names[data[0] % ARRAY_LEN(names)])), &h,
	    &stats);
	return 0;
}
