/*
 * Links in real pages: every link to a social host that an independent
 * parser found (href and src, scripting off) must be given by page_scan(),
 * as often as it was found.  Prints each miss, and links beyond those by
 * their class.  The charsets of the pages are compared too.  Exit 77 without
 * the data.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "charset.h"
#include "decode.h"
#include "html.h"
#include "limit.h"
#include "url.h"

#define FILE_MAX (64 * MIB)
#define SLOTS	 65536

struct slot {
	char *url;
	int found; /* href and src only */
	int wanted;
};

static struct slot slots[SLOTS];
static size_t in_use[SLOTS], nin_use;
static struct buf hosts = BUF_INIT(MIB);
static struct url base, link_url;
static bool base_done;
static size_t rows, misses, clones, by_source[16], pages;
static size_t charsets, charsets_wrong;
static const char *const sources[] = {"attribute", "srcset", "data", "handler",
    "script", "meta", "handle", "json-ld", "style", "feed"};

static struct buf
load(const char *shared, const char *name)
{
	struct buf b = BUF_INIT(FILE_MAX), path = BUF_INIT(4096);
	ssize_t n;
	char *to;
	int fd;

	buf_addf(&path, "%s/captures/%s", shared, name);
	fd = open(buf_str(&path), O_RDONLY | O_CLOEXEC);
	buf_release(&path);
	while (fd >= 0 && (to = buf_reserve(&b, 65536)) != NULL &&
	    (n = read(fd, to, 65536)) > 0)
		b.len += (size_t)n;
	if (fd >= 0)
		close(fd);
	return b;
}

static struct slot *
slot_of(struct span url)
{
	size_t i = bytes_hash(url) % SLOTS;

	while (slots[i].url != NULL && !span_eq(span_of(slots[i].url), url))
		i = (i + 1) % SLOTS;
	if (slots[i].url == NULL) {
		slots[i].url = span_dup(url);
		in_use[nin_use++] = i;
	}
	return &slots[i];
}

static bool
social(struct span host)
{
	struct span rest = buf_span(&hosts), line, one;

	while (rest.p != NULL) {
		line = span_token(&rest, '\n');
		(void)span_token(&line, '\t');
		while (line.p != NULL) {
			one = span_token(&line, ' ');
			if (one.n == 0 || host.n < one.n)
				continue;
			if (span_eq(span_slice(host, host.n - one.n, one.n),
				one) &&
			    (host.n == one.n ||
				host.p[host.n - one.n - 1] == '.'))
				return true;
		}
	}
	return false;
}

static void
take_base(void *arg, struct span href)
{
	struct url u;

	(void)arg;
	if (base_done)
		return;
	url_init(&u);
	base_done = url_parse(&u, href, &base);
	if (base_done)
		(void)url_parse(&base, buf_span(&u.href), NULL);
	url_release(&u);
}

static void
take_link(void *arg, const struct link *l)
{
	struct slot *s;

	(void)arg;
	if (!url_parse(&link_url, l->url, &base) || !social(link_url.host))
		return;
	s = slot_of(buf_span(&link_url.href));
	if (l->source == LINK_ATTRIBUTE &&
	    (span_is(l->attr, "href") || span_is(l->attr, "src") ||
		span_is(l->attr, "xlink:href")))
		s->found++;
	else if (s->found == 0)
		by_source[l->source]++;
}

static void
clear_slots(void)
{
	for (size_t i = 0; i < nin_use; i++) {
		free(slots[in_use[i]].url);
		memset(&slots[in_use[i]], 0, sizeof(*slots));
	}
	nin_use = 0;
}

/* Where the independent parser takes another charset, and why. */
static const struct {
	const char *page;
	const char *reason;
} other_charsets[] =
    {{"chardet__iso-8859-6-arabic__chromium_ISO-8859-6_with_no_encoding_"
      "specified.html",
	 "nothing declared: we detect, a parser has a default"},
	{"chardet__windows-1255-hebrew__chromium_windows-1255_with_no_encoding_"
	 "specified.html",
	    "nothing declared: we detect, a parser has a default"},
	{"derived__htmldate_test_set_1523806243.windows-1256.html",
	    "declared behind the first KiB: browsers obey it there too"},
	{"jsoup__bomtests_bom_utf32le.html",
	    "UTF-32 mark: UTF-16 to the standard"},
	{"jsoup__htmltests_meta-charset-2.html",
	    "declares what does not exist; two words are all there is to "
	    "detect by"},
	{"postlight__www.itmedia.co.jp.html",
	    "meta without a content attribute; the bytes are UTF-8"}};

static size_t
occurrences(struct span body, struct span needle)
{
	char *text = span_dup(needle);
	size_t n = 0, at;

	while (needle.n > 0 && (at = span_search(body, text)) < body.n) {
		n++;
		body = span_slice(body, at + needle.n, body.n);
	}
	free(text);
	return n;
}

static void
expect_rows(struct span page, struct span table, struct span body)
{
	struct span line, url, raw;
	struct slot *s;

	while (table.p != NULL) {
		line = span_token(&table, '\n');
		if (!span_eq(span_token(&line, '\t'), page))
			continue;
		(void)span_token(&line, '\t');
		(void)span_token(&line, '\t');
		url = span_token(&line, '\t');
		for (int i = 0; i < 3; i++)
			(void)span_token(&line, '\t');
		raw = line;
		s = slot_of(url);
		s->wanted++;
		rows++;
		if (s->wanted <= s->found)
			continue;
		/* a tree builder clones an <a> that is left open; we give
		 * it as often as it stands in the bytes */
		if (s->found > 0 &&
		    (size_t)s->found >= occurrences(body, raw)) {
			clones++;
		} else {
			misses++;
			printf("# miss %.*s: %.*s (%.*s)\n", SPAN_ARG(page),
			    SPAN_ARG(url), SPAN_ARG(raw));
		}
	}
}

static void
compare_charset(struct span page, struct span want, const char *got)
{
	const struct charset *cs = charset_find(want);
	const char *name = span_is(want, "us-ascii") ? got : charset_name(cs);

	charsets++;
	for (size_t i = 0; i < ARRAY_LEN(other_charsets); i++)
		if (span_is(page, other_charsets[i].page)) {
			printf("# charset %.*s: %s, not %.*s: %s\n",
			    SPAN_ARG(page), got, SPAN_ARG(want),
			    other_charsets[i].reason);
			return;
		}
	if (strcmp(name, got) != 0) {
		charsets_wrong++;
		printf("# charset %.*s: %s, expected %.*s\n", SPAN_ARG(page),
		    got, SPAN_ARG(want));
	}
}

static void
run_page(const char *shared, struct span row, struct span table)
{
	struct span page = span_token(&row, '\t'), url = span_token(&row, '\t');
	struct buf name = BUF_INIT(4096), file, body = BUF_INIT(FILE_MAX);
	struct page_handler h = {.link = take_link, .base = take_base};
	struct page_stats stats = {0};
	struct charset_choice c;

	(void)span_token(&row, '\t');
	buf_addf(&name, "html/%.*s.gz", SPAN_ARG(page));
	file = load(shared, buf_str(&name));
	(void)content_decode(buf_span(&file), SPAN("gzip"), &body);
	if (body.len == 0)
		printf("# no bytes: %.*s\n", SPAN_ARG(page));
	url_parse(&base, url, NULL);
	base_done = false;
	charset_choose(buf_span(&body), SPAN_NULL, &c);
	compare_charset(page, span_token(&row, '\t'), charset_name(c.charset));
	page_scan(span_slice(buf_span(&body), c.bom, body.len), c.charset, &h,
	    &stats);
	expect_rows(page, table, buf_span(&body));
	clear_slots();
	pages++;
	buf_release(&name);
	buf_release(&file);
	buf_release(&body);
}

int
main(void)
{
	const char *shared = getenv("KPWATCH_SHARED");
	struct buf list, table;
	struct span rest;

	if (shared == NULL)
		shared = "../shared";
	list = load(shared, "expected/html_pages.tsv");
	table = load(shared, "expected/html_links.tsv");
	hosts = load(shared, "social_hosts.tsv");
	if (list.len == 0 || table.len == 0) {
		printf("1..0 # SKIP no %s/captures\n", shared);
		return 77;
	}
	charset_init();
	url_init(&base);
	url_init(&link_url);
	rest = buf_span(&list);
	(void)span_token(&rest, '\n');
	while (rest.n > 0)
		run_page(shared, span_token(&rest, '\n'), buf_span(&table));
	printf("# figure: links in %zu real pages: %zu of %zu found (%zu of "
	       "them clones by the tree builder)\n",
	    pages, rows - misses, rows, clones);
	printf("# figure: charset as the independent parser has it: %zu of "
	       "%zu, or better with a reason\n",
	    charsets - charsets_wrong, charsets);
	for (size_t i = 0; i < ARRAY_LEN(sources); i++)
		if (by_source[i] > 0)
			printf("# figure: links beyond href and src, %s: "
			       "%zu\n",
			    sources[i], by_source[i]);
	buf_release(&list);
	buf_release(&table);
	buf_release(&hosts);
	url_release(&base);
	url_release(&link_url);
	printf("%sok 1 - every expected link is found\n",
	    misses == 0 && rows > 0 ? "" : "not ");
	printf("%sok 2 - charsets are right\n1..2\n",
	    charsets_wrong == 0 ? "" : "not ");
	return misses == 0 && rows > 0 && charsets_wrong == 0 ? 0 : 1;
}
