/*
 * Speed of reading pages, in MB of page per second of one core, beside what
 * libxml2 and Gumbo need to find the links of the same pages.
 *
 *	bench_analysis PLATFORMS.YAML FILE...	(pages, gzip or not)
 *
 * $CANDIDATE: the number of the one to run, from 0, for a profiler.
 * $PAGES: what the pages are, for the figures, when the bars are not for them.
 *
 * Rounds of all candidates alternate; each figure is the median of them.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#ifdef WITH_PEERS
#include <gumbo.h>
#include <libxml/HTMLparser.h>
#endif

#include "analysis.h"
#include "charset.h"
#include "decode.h"
#include "html.h"
#include "limit.h"
#include "recognise.h"

#define LINKS_BAR 800.0 /* MB/s */
#define WHOLE_BAR 300.0
#define ROUNDS	  7
#define ROUND_MIN 20e6 /* bytes: small sets are read more than once */

struct page {
	struct buf body;
	struct charset_choice choice;
};

static struct page *pages;
static size_t npages, bytes, links;
static struct rules *rules;
static struct analysis *analysis;

static void
load(const char *path)
{
	struct buf raw = BUF_INIT(64 * MIB);
	struct page *p = &pages[npages];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;
	char *to;

	while (fd >= 0 && (to = buf_reserve(&raw, 65536)) != NULL &&
	    (n = read(fd, to, 65536)) > 0)
		raw.len += (size_t)n;
	if (fd >= 0)
		close(fd);
	buf_init(&p->body, DECODED_BODY_MAX);
	(void)content_decode(buf_span(&raw),
	    gzip_looks(buf_span(&raw)) ? SPAN("gzip") : SPAN_NULL, &p->body);
	buf_release(&raw);
	if (p->body.len == 0)
		return;
	charset_choose(buf_span(&p->body), SPAN_NULL, &p->choice);
	bytes += p->body.len;
	npages++;
}

static void
scan_with(struct page *p, struct page_handler *h)
{
	struct page_stats stats = {0};

	page_scan(span_slice(buf_span(&p->body), p->choice.bom, p->body.len),
	    p->choice.charset, h, &stats);
	links += stats.nlinks;
}

static void
count_link(void *arg, const struct link *l)
{
	(void)arg;
	links += l->url.n > 0;
}

static void
run_links(struct page *p)
{
	struct page_handler h = {.link = count_link};

	scan_with(p, &h);
}

static void
run_recognise(struct page *p)
{
	struct finding f;
	struct recogniser *r;
	struct page_handler h;

	finding_init(&f);
	r = recogniser_new(rules, "http://www.example.com/", &f);
	h = recogniser_handler(r);
	scan_with(p, &h);
	recogniser_finish(r);
	recogniser_free(r);
	finding_release(&f);
}

static void
run_analysis(struct page *p)
{
	struct analysis_input in = {.body = buf_span(&p->body),
	    .content_type = SPAN("text/html"),
	    .url = "http://www.example.com/",
	    .status = 200};
	struct finding f;

	finding_init(&f);
	analysis_page(analysis, &in, &f);
	links += f.nsightings;
	finding_release(&f);
}

#ifdef WITH_PEERS
static void __attribute__((format(printf, 2, 3)))
xml_error(void *arg, const char *fmt, ...)
{
	(void)arg;
	(void)fmt;
}

static void
xml_start(void *arg, const xmlChar *name, const xmlChar **attrs)
{
	(void)arg;
	(void)name;
	for (; attrs != NULL && attrs[0] != NULL; attrs += 2)
		if (strcmp((const char *)attrs[0], "href") == 0 ||
		    strcmp((const char *)attrs[0], "src") == 0)
			links++;
}

static void
run_libxml2(struct page *p)
{
	htmlSAXHandler sax = {.startElement = xml_start};
	htmlParserCtxtPtr c = htmlCreatePushParserCtxt(&sax, NULL, NULL, 0,
	    NULL, XML_CHAR_ENCODING_NONE);
	size_t n;

	xmlSetGenericErrorFunc(NULL, xml_error); /* pages are full of errors */
	for (size_t at = 0; at < p->body.len; at += n) {
		n = p->body.len - at < 16384 ? p->body.len - at : 16384;
		htmlParseChunk(c, p->body.data + at, (int)n, 0);
	}
	htmlParseChunk(c, NULL, 0, 1);
	htmlFreeParserCtxt(c);
}

static void
run_gumbo(struct page *p)
{
	GumboOutput *o = gumbo_parse_with_options(&kGumboDefaultOptions,
	    p->body.data, p->body.len);

	gumbo_destroy_output(&kGumboDefaultOptions, o);
}
#endif

static const struct candidate {
	const char *name;
	void (*run)(struct page *);
} candidates[] = {
    {"links alone", run_links},
    {"links with recognition", run_recognise},
    {"whole analysis", run_analysis},
#ifdef WITH_PEERS
    {"libxml2 (SAX, links)", run_libxml2},
    {"Gumbo (tree, no walk)", run_gumbo},
#endif
};

#define COUNT ARRAY_LEN(candidates)

static double
cpu_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int
double_cmp(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* A line for the table of figures. */
static void
figure(const char *name, double rate, double peer_rate, const char *peer,
    const char *limit)
{
	printf("# bench:\t%s\t%.4g\tMB/s\t%.3g\t%s\t%s\n", name, rate,
	    rate / peer_rate, peer, limit);
}

static void
figures(double rate[COUNT], const char *set)
{
	char links_name[96], whole_name[96];

	snprintf(links_name, sizeof(links_name),
	    "analysis%s%s, links and recognition", set == NULL ? "" : " of ",
	    set == NULL ? "" : set);
	snprintf(whole_name, sizeof(whole_name), "analysis%s%s, whole",
	    set == NULL ? "" : " of ", set == NULL ? "" : set);
	if (set == NULL) {
		figure(links_name, rate[1], LINKS_BAR, "bar of 800 MB/s",
		    ">=1");
		figure(whole_name, rate[2], WHOLE_BAR, "bar of 300 MB/s",
		    ">=1");
	}
	for (size_t c = 3; c < COUNT; c++) {
		figure(links_name, rate[1], rate[c], candidates[c].name, "-");
		figure(whole_name, rate[2], rate[c], candidates[c].name, "-");
	}
}

/* Seconds of one candidate for all pages, each read so many times. */
static double
timed(const struct candidate *c, size_t turns)
{
	double start = cpu_seconds();

	for (size_t t = 0; t < turns; t++)
		for (size_t i = 0; i < npages; i++)
			c->run(&pages[i]);
	return cpu_seconds() - start;
}

int
main(int argc, char **argv)
{
	double times[COUNT][ROUNDS], rate[COUNT];
	struct config_errors errors = {NULL, 0, 0};
	const char *only = getenv("CANDIDATE");
	size_t turns;

	if (argc < 3)
		return 2;
	analysis_init();
	rules = rules_load(argv[1], &errors);
	config_errors_print(&errors);
	if (rules == NULL)
		return 1;
	analysis = analysis_new(rules, NULL);
	pages = xcalloc((size_t)argc, sizeof(*pages));
	for (int i = 2; i < argc; i++)
		load(argv[i]);
	if (npages == 0)
		return 1;
	turns = (size_t)(ROUND_MIN / (double)bytes) + 1;
	for (size_t r = 0; r < ROUNDS; r++)
		for (size_t c = 0; c < COUNT; c++)
			if (only == NULL || (size_t)(only[0] - '0') == c)
				times[c][r] = timed(&candidates[c], turns);
	printf("%zu pages, %.1f MB, median of %d rounds\n", npages,
	    (double)bytes / 1e6, ROUNDS);
	for (size_t c = 0; c < COUNT; c++) {
		if (only != NULL && (size_t)(only[0] - '0') != c)
			continue;
		qsort(times[c], ROUNDS, sizeof(double), double_cmp);
		rate[c] = (double)(bytes * turns) / 1e6 / times[c][ROUNDS / 2];
		printf("%-24s %8.1f MB/s", candidates[c].name, rate[c]);
		if (c > 2 && only == NULL)
			printf("   links with recognition is %.1f times as "
			       "fast",
			    rate[1] / rate[c]);
		printf("\n");
	}
	if (only == NULL)
		figures(rate, getenv("PAGES"));
	return links == 0;
}
