#include "analysis.h"

#include <stdlib.h>
#include <string.h>

#include "bytes16.h"
#include "charset.h"
#include "decode.h"
#include "digest.h"
#include "html.h"
#include "limit.h"
#include "noise.h"
#include "recognise.h"
#include "simhash.h"
#include "url.h"

#define LINK_SEEN  1024	      /* slots that keep equal sample links apart */
#define HASH_CHUNK (16 * KIB) /* text gathered for one digest update */

struct analysis {
	const struct rules *rules;
	const struct verdict_rules *verdicts;
	struct buf body;   /* decoded */
	struct buf url;	   /* one URL, normalised */
	struct buf hashed; /* normalised blocks on their way to the digest */
	struct url page;
};

/* One page under way. */
struct job {
	struct analysis *analysis;
	struct finding *f;
	struct recogniser *recogniser;
	struct digest *text;
	struct simhash simhash;
	struct span site; /* registrable domain of the page */
	bool any_text;
	size_t blocks_bytes;
	size_t blocks_dropped;
	uint64_t seen[LINK_SEEN];
	struct page_stats stats;
};

void
analysis_init(void)
{
	(void)charset_init();
	digest_init();
}

struct analysis *
analysis_new(const struct rules *rules, const struct verdict_rules *verdicts)
{
	struct analysis *a = xcalloc(1, sizeof(*a));

	a->rules = rules;
	a->verdicts = verdicts;
	buf_init(&a->body, DECODED_BODY_MAX);
	buf_init(&a->url, URL_MAX_LEN * 2);
	buf_init(&a->hashed, HASH_CHUNK + BLOCK_TEXT_MAX * 4 + 1);
	url_init(&a->page);
	return a;
}

void
analysis_free(struct analysis *a)
{
	if (a == NULL)
		return;
	buf_release(&a->body);
	buf_release(&a->url);
	buf_release(&a->hashed);
	url_release(&a->page);
	free(a);
}

/* ---- text: blocks, their hashes, the page's two hashes ---- */

static void
hash_flush(struct job *j)
{
	digest_update(j->text, buf_span(&j->analysis->hashed));
	buf_clear(&j->analysis->hashed);
}

static void
take_text(void *arg, const struct text_run *run)
{
	struct job *j = arg;
	struct buf *hashed = &j->analysis->hashed;
	size_t before = hashed->len;
	struct span normal;
	uint64_t hash;
	bool noise;

	noise = noise_text(run->text, hashed);
	normal = span_slice(buf_span(hashed), before, hashed->len);
	hash = bytes_hash(normal);
	if (noise) {
		hashed->len = before;
	} else {
		simhash_text(&j->simhash, normal);
		(void)buf_add_char(hashed, '\n');
		j->any_text = true;
	}
	if (hashed->len >= HASH_CHUNK)
		hash_flush(j);
	if (j->f->nblocks >= BLOCKS_MAX ||
	    j->blocks_bytes + run->text.n > BLOCKS_BYTES_MAX) {
		j->blocks_dropped++;
		return;
	}
	j->blocks_bytes += run->text.n;
	(void)finding_add_block(j->f, run->text, hash, noise);
}

static void
take_title(void *arg, struct span title)
{
	struct job *j = arg;

	if (j->f->title == NULL && title.n > 0)
		j->f->title = span_dup(title);
}

/* ---- links ---- */

/* A URL without its fragment. */
static struct span
link_page(const char *url)
{
	struct span s = span_of(url);

	return span_slice(s, 0, span_find(s, '#'));
}

/* True the first time that the URL is met; a full table forgets. */
static bool
link_is_new(struct job *j, const char *url)
{
	struct buf *b = &j->analysis->url;
	uint64_t h;

	buf_clear(b);
	noise_url(link_page(url), b);
	h = bytes_hash(buf_span(b)) | 1;
	for (size_t i = 0; i < 16; i++) {
		uint64_t *slot = &j->seen[(h + i) % LINK_SEEN];

		if (*slot == h)
			return false;
		if (*slot == 0) {
			*slot = h;
			return true;
		}
	}
	return true;
}

static bool
is_page_link(const struct link *l)
{
	if (l->source == LINK_TEXT)
		return true;
	return l->element != NULL &&
	    (l->source == LINK_ATTRIBUTE || l->source == LINK_HANDLER) &&
	    !span_is(l->element->tag, "img") &&
	    !span_is(l->element->tag, "script") &&
	    !span_is(l->element->tag, "link");
}

/* Bytes of a host as it is commonly written. */
INLINE bytes16
host16(bytes16 v)
{
	return bytes16_in(v | 0x20, 'a', 'z') | bytes16_in(v, '0', '9') |
	    bytes16_is(v, '.') | bytes16_is(v, '-');
}

/* Is an absolute URL certainly on another site?  Cheaper than to parse it. */
static bool
is_foreign(const struct job *j, struct span url)
{
	size_t at = span_starts_i(url, "http://") ? 7
	    : span_starts_i(url, "https://")	  ? 8
	    : span_starts(url, "//")		  ? 2
						  : 0;
	size_t n;

	if (at == 0)
		return false;
	url = span_slice(url, at, url.n);
	n = bytes16_run(url, 0, host16);
	if (n < url.n && url.p[n] != '/')
		return false;
	return n < j->site.n ||
	    !span_eq_i(j->site, span_slice(url, n - j->site.n, j->site.n));
}

static void
take_link(void *arg, const struct link *l)
{
	struct job *j = arg;
	const char *url;

	recogniser_link(j->recogniser, l);
	if (j->f->nlinks >= SAMPLES_MAX || !is_page_link(l) ||
	    (l->url.n > 0 && l->url.p[0] == '#') || l->url.n > URL_MAX_LEN ||
	    is_foreign(j, l->url))
		return;
	url = recogniser_url(j->recogniser, l);
	if (url == NULL || strncmp(url, "http", 4) != 0 ||
	    !recogniser_same_site(j->recogniser) || !link_is_new(j, url))
		return;
	finding_add_link(j->f, link_page(url));
}

static void
take_element(void *arg, const struct element *e)
{
	recogniser_element(((struct job *)arg)->recogniser, e);
}

static void
take_base(void *arg, struct span href)
{
	recogniser_base(((struct job *)arg)->recogniser, href);
}

static void
take_script(void *arg, struct span code, uint64_t offset)
{
	recogniser_calls(((struct job *)arg)->recogniser, code, offset);
}

static void
take_input(void *arg, struct span page)
{
	recogniser_input(((struct job *)arg)->recogniser, page);
}

/* ---- the kinds of body ---- */

static void
scan_page(struct job *j, struct span body, const struct charset *charset,
    const char *url)
{
	const struct page_handler h = {.element = take_element,
	    .link = take_link,
	    .text = take_text,
	    .title = take_title,
	    .base = take_base,
	    .script = take_script,
	    .input = take_input,
	    .arg = j};

	j->recogniser = recogniser_new(j->analysis->rules, url, j->f);
	if (url != NULL && url_parse(&j->analysis->page, span_of(url), NULL))
		j->site = url_site(&j->analysis->page);
	page_scan(body, charset, &h, &j->stats);
	recogniser_finish(j->recogniser);
	recogniser_free(j->recogniser);
	j->recogniser = NULL;
}

/* Plain text: every line is a block. */
static void
scan_lines(struct job *j, struct span body, const struct charset *charset)
{
	struct buf utf8 = BUF_INIT(DECODED_BODY_MAX * 2);
	struct text_run run = {SPAN_NULL, 0, 0};
	struct span rest, line;

	(void)charset_append(charset, body, &utf8, &j->stats.bad_chars);
	rest = buf_span(&utf8);
	while (rest.p != NULL) {
		line = span_trim(span_token(&rest, '\n'));
		while (line.n > 0) {
			run.text = span_slice(line, 0,
			    utf8_clip(line, BLOCK_TEXT_MAX));
			line = span_slice(line, run.text.n, line.n);
			take_text(j, &run);
		}
	}
	buf_release(&utf8);
}

static bool
is_markup(const char *type)
{
	struct span t = span_of(type);

	return strcmp(type, "text/html") == 0 || span_ends_i(t, "+xml") ||
	    span_ends_i(t, "/xml");
}

static void
scan_body(struct job *j, const struct analysis_input *in, struct span body)
{
	struct finding *f = j->f;
	struct charset_choice choice;
	bool markup;

	f->media_type = media_type(in->content_type, body);
	markup = is_markup(f->media_type) &&
	    strcmp(f->media_type, "image/svg+xml") != 0;
	if (!markup && strncmp(f->media_type, "text/", 5) != 0)
		return;
	charset_choose(body, in->content_type, &choice);
	f->charset = xstrdup(charset_name(choice.charset));
	f->charset_from = xstrdup(choice.from);
	body = span_slice(body, choice.bom, body.n);
	if (markup)
		scan_page(j, body, choice.charset, in->url);
	else if (strcmp(f->media_type, "text/plain") == 0)
		scan_lines(j, body, choice.charset);
}

/* ---- the whole ---- */

static void
cut(struct finding *f, const char *why)
{
	f->status = ANALYSIS_CUT;
	finding_note(f, "%s", why);
}

static void
note_limits(struct job *j)
{
	struct finding *f = j->f;

	f->bad_chars = j->stats.bad_chars;
	if (j->stats.links_cut)
		cut(f, "more links than are looked at");
	if (j->stats.attrs_cut)
		cut(f, "an element has more attributes than are kept");
	if (j->stats.values_cut)
		cut(f, "an attribute, script or text is longer than is kept");
	if (j->blocks_dropped > 0) {
		f->status = ANALYSIS_CUT;
		finding_note(f, "%zu text blocks hashed but not kept",
		    j->blocks_dropped);
	}
	if (f->nsightings >= SIGHTINGS_MAX)
		cut(f, "more sightings than are kept");
}

static void
note_decoding(struct finding *f, enum decode_status status)
{
	const char *text = decode_status_text(status);

	if (text == NULL)
		return;
	if (status == DECODE_PLAIN || status == DECODE_UNKNOWN)
		finding_note(f, "%s", text);
	else
		cut(f, text);
}

static void
finish_text(struct job *j)
{
	uint8_t hash[SHA256_BYTES];

	hash_flush(j);
	digest_final(j->text, hash);
	if (j->any_text) {
		hex_encode(j->f->text_sha256, hash, sizeof(hash));
		j->f->simhash = simhash_final(&j->simhash);
	}
	digest_free(j->text);
}

/* "//host:port/" of an absolute URL: the host. */
static struct span
host_of(const char *url)
{
	struct span s = span_of(url);
	size_t at = span_search(s, "://"), n;

	if (url == NULL || at == s.n)
		return SPAN_NULL;
	s = span_slice(s, at + 3, s.n);
	for (n = 0; n < s.n && strchr("/?#", s.p[n]) == NULL;)
		n++;
	s = span_slice(s, 0, n);
	at = span_find(s, '@');
	if (at < s.n)
		s = span_slice(s, at + 1, s.n);
	return s.n > 0 && s.p[0] != '[' ? span_slice(s, 0, span_find(s, ':'))
					: s;
}

static void
classify(struct job *j, const struct analysis_input *in, struct span body)
{
	struct finding *f = j->f;
	const char *rule = NULL;
	struct verdict_input v = {.status = in->status,
	    .headers = in->headers,
	    .host = host_of(in->url),
	    .url = span_of(in->url),
	    .title = span_of(f->title),
	    .blocks = f->blocks,
	    .nblocks = f->nblocks,
	    .body = body,
	    .body_length = body.n,
	    .nlinks = j->stats.nlinks};

	if (j->analysis->verdicts == NULL)
		return;
	f->page_class = verdict_page(j->analysis->verdicts, &v, &rule);
	f->class_rule = xstrdup(rule);
}

/* The body without its codings; without any it is not copied. */
static struct span
plain_body(struct job *j, const struct analysis_input *in)
{
	struct buf *out = &j->analysis->body;
	enum decode_status status = DECODE_OK;
	struct span body = in->body;

	if (in->codings.n > 0) {
		status = content_decode(body, in->codings, out);
		body = buf_span(out);
	} else if (body.n > DECODED_BODY_MAX) {
		status = DECODE_TOO_LARGE;
		body = span_slice(body, 0, DECODED_BODY_MAX);
	}
	note_decoding(j->f, status);
	return body;
}

void
analysis_page(struct analysis *a, const struct analysis_input *in,
    struct finding *f)
{
	struct job *j = xcalloc(1, sizeof(*j));
	struct span body;

	j->analysis = a;
	j->f = f;
	j->text = digest_new(DIGEST_SHA256);
	buf_clear(&a->body);
	buf_clear(&a->hashed);
	f->rules = rules_id(a->rules);
	body = plain_body(j, in);
	f->body_length = body.n;
	if (body.n > 0)
		sha256_hex(body, f->body_sha256);
	scan_body(j, in, body);
	finish_text(j);
	note_limits(j);
	classify(j, in, body);
	if (a->body.cap > MIB)
		buf_release(&a->body);
	free(j);
}

void
analysis_run(struct analysis *a, const struct observation *o, struct finding *f)
{
	const struct hop *h = observation_last(o);
	struct analysis_input in = {0};

	if (h == NULL || h->status == 0 || h->status == 304) {
		f->status = ANALYSIS_NONE;
		return;
	}
	in.headers = buf_span(&h->headers);
	in.body = buf_span(&h->body);
	in.codings = header_value(in.headers, "content-encoding");
	in.content_type = header_value(in.headers, "content-type");
	in.url = h->url;
	in.status = h->status;
	analysis_page(a, &in, f);
	if (h->body_cut)
		cut(f, "the body ends before the message did");
}
