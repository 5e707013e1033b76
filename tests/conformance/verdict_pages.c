/*
 * Every saved page of $KPWATCH_SHARED/captures/html and pages against
 * conf/verdicts.yaml.  None of them is a wall, block, parking or placeholder
 * page, so none may be called one.  Exit 77 without the data.
 *
 * Text and links are taken by a plain reader of this file's own: it errs on
 * the side of less text, which makes it the harder test for the bounds.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decode.h"
#include "instant.h"
#include "limit.h"
#include "verdict.h"

struct page {
	struct buf title;
	struct buf text;
	size_t links;
};

struct tally {
	size_t pages, wrong;
	int64_t us;
};

static bool
inline_tag(struct span name)
{
	static const char *const names[] = {"a", "b", "i", "em", "strong",
	    "span", "font", "u", "small", "sup", "sub", "abbr", "code"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (span_is_i(name, names[i]))
			return true;
	return false;
}

static struct span
tag_name(struct span tag)
{
	size_t from = tag.n > 0 && tag.p[0] == '/';
	size_t n = from;

	while (n < tag.n && ascii_alnum(tag.p[n]))
		n++;
	return span_slice(tag, from, n - from);
}

/* Bytes up to the end tag of an element whose content is no text. */
static size_t
skip_to_end(struct span rest, const char *end)
{
	return span_search_i(rest, end);
}

static void
add_text(struct buf *out, struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (!ascii_space(s.p[i]))
			buf_add_char(out, s.p[i]);
		else if (out->len > 0 && out->data[out->len - 1] != ' ' &&
		    out->data[out->len - 1] != '\n')
			buf_add_char(out, ' ');
	}
}

static size_t
read_tag(struct page *p, struct span body, size_t at)
{
	struct span rest = span_slice(body, at, body.n);
	size_t n = span_find(rest, '>');
	struct span tag = span_slice(rest, 1, n - 1);
	struct span name = tag_name(tag);

	if (span_starts(rest, "<!--"))
		return at + span_search(rest, "-->") + 3;
	if (span_is_i(name, "script") && tag.p[0] != '/')
		return at + n + 1 + skip_to_end(span_slice(rest, n + 1,
		    rest.n), "</script");
	if (span_is_i(name, "style") && tag.p[0] != '/')
		return at + n + 1 + skip_to_end(span_slice(rest, n + 1,
		    rest.n), "</style");
	if (span_is_i(name, "title") && tag.p[0] != '/' && p->title.len == 0) {
		rest = span_slice(rest, n + 1, rest.n);
		add_text(&p->title, span_slice(rest, 0,
		    skip_to_end(rest, "</title")));
		return at + n + 1 + skip_to_end(rest, "</title");
	}
	p->links += span_is_i(name, "a") && tag.p[0] != '/';
	if (!inline_tag(name) && p->text.len > 0)
		buf_add_char(&p->text, '\n');
	return at + n + 1;
}

static void
read_page(struct page *p, struct span body)
{
	size_t at = 0;
	size_t n;

	while (at < body.n) {
		n = span_find(span_slice(body, at, body.n), '<');
		add_text(&p->text, span_slice(body, at, n));
		at += n;
		if (at < body.n)
			at = read_tag(p, body, at);
	}
}

static struct text_block *
split_blocks(struct buf *text, size_t *n)
{
	struct span rest = buf_span(text);
	struct text_block *blocks = NULL;
	size_t cap = 0;
	struct span line;

	*n = 0;
	while (rest.p != NULL && *n < BLOCKS_MAX) {
		line = span_trim(span_token(&rest, '\n'));
		if (line.n == 0)
			continue;
		blocks = xgrow(blocks, &cap, *n + 1, sizeof *blocks);
		blocks[*n] = (struct text_block){.text = span_dup(line)};
		++*n;
	}
	return blocks;
}

static void
judge(const struct verdict_rules *rules, const char *name, struct span body,
    struct tally *t)
{
	struct page p = {BUF_INIT(TITLE_MAX), BUF_INIT(BLOCKS_BYTES_MAX), 0};
	struct verdict_input in = {.status = 200, .host = SPAN("a.example"),
	    .url = SPAN("http://a.example/"), .body = body,
	    .body_length = body.n};
	struct text_block *blocks;
	const char *rule;
	enum page_class class;
	int64_t start;

	read_page(&p, body);
	blocks = split_blocks(&p.text, &in.nblocks);
	in.blocks = blocks;
	in.nlinks = p.links;
	in.title = p.title.len > 0 ? buf_span(&p.title) : SPAN_NULL;
	start = monotonic_us();
	class = verdict_page(rules, &in, &rule);
	t->us += monotonic_us() - start;
	t->pages++;
	if (class != PAGE_NORMAL) {
		t->wrong++;
		printf("# %s by %s: %zu bytes, %zu of text, %zu links: %s\n",
		    page_class_name(class), rule, body.n, p.text.len, p.links,
		    name);
	}
	for (size_t i = 0; i < in.nblocks; i++)
		free(blocks[i].text);
	free(blocks);
	buf_release(&p.title);
	buf_release(&p.text);
}

static void
judge_file(const struct verdict_rules *rules, const char *path,
    struct tally *t)
{
	struct buf raw = BUF_INIT(64 * MIB);
	struct buf body = BUF_INIT(DECODED_BODY_MAX);
	FILE *f = fopen(path, "rb");
	char *at;
	size_t n;

	if (f == NULL) {
		printf("Bail out! %s: %s\n", path, strerror(errno));
		exit(1);
	}
	while ((at = buf_reserve(&raw, 64 * KIB)) != NULL &&
	    (n = fread(at, 1, 64 * KIB, f)) > 0)
		raw.len += n;
	fclose(f);
	if (gzip_looks(buf_span(&raw)))
		content_decode(buf_span(&raw), SPAN("gzip"), &body);
	else
		buf_add_span(&body, buf_span(&raw));
	judge(rules, path, buf_span(&body), t);
	buf_release(&raw);
	buf_release(&body);
}

static void
judge_folder(const struct verdict_rules *rules, const char *folder,
    struct tally *t)
{
	struct dirent **names;
	int n = scandir(folder, &names, NULL, alphasort);
	char *path;

	for (int i = 0; i < n; i++) {
		if (strstr(names[i]->d_name, ".html") != NULL) {
			path = xasprintf("%s/%s", folder, names[i]->d_name);
			judge_file(rules, path, t);
			free(path);
		}
		free(names[i]);
	}
	if (n >= 0)
		free(names);
}

int
main(void)
{
	const char *shared = getenv("KPWATCH_SHARED");
	struct config_errors errors = {NULL, 0, 0};
	struct verdict_rules *rules = verdict_load("conf/verdicts.yaml",
	    &errors);
	struct tally t = {0, 0, 0};
	char *html, *pages;

	config_errors_print(&errors);
	if (rules == NULL)
		return 1;
	html = xasprintf("%s/captures/html", shared == NULL ? "../shared" :
	    shared);
	pages = xasprintf("%s/pages", shared == NULL ? "../shared" : shared);
	judge_folder(rules, html, &t);
	judge_folder(rules, pages, &t);
	free(html);
	free(pages);
	verdict_free(rules);
	if (t.pages == 0) {
		printf("1..0 # SKIP no saved pages\n");
		return 77;
	}
	printf("# %zu pages, %zu called what they are not; %lld us a page\n",
	    t.pages, t.wrong,
	    (long long)(t.us / (int64_t)t.pages));
	printf("%sok 1 - real pages are normal pages\n1..1\n",
	    t.wrong == 0 ? "" : "not ");
	return t.wrong == 0 ? 0 : 1;
}
