#include "recognise.h"

#include <stdlib.h>
#include <string.h>

#include "bytes16.h"
#include "limit.h"
#include "recognise_state.h"

#define HANDLES_MAX 16 /* names in one meta element */

struct recogniser *
recogniser_new(const struct rules *rules, const char *page_url,
    struct finding *finding)
{
	struct recogniser *r = xcalloc(1, sizeof(*r));

	r->rules = rules;
	r->finding = finding;
	url_init(&r->page);
	url_init(&r->base);
	url_init(&r->url);
	match_init(&r->match);
	buf_init(&r->element, ELEMENT_TEXT_MAX * 4);
	if (page_url != NULL)
		url_parse(&r->page, span_of(page_url), NULL);
	r->site = url_site(&r->page);
	r->widget.platform = RULE_NONE;
	r->share_bar = r->said_share = NOWHERE;
	recogniser_table(r);
	return r;
}

void
recogniser_free(struct recogniser *r)
{
	if (r == NULL)
		return;
	url_release(&r->page);
	url_release(&r->base);
	url_release(&r->url);
	match_release(&r->match);
	buf_release(&r->element);
	around_release(r);
	free(r->table);
	free(r);
}

struct page_handler
recogniser_handler(struct recogniser *r)
{
	return (struct page_handler){.element = recogniser_element,
	    .link = recogniser_link,
	    .base = recogniser_base,
	    .script = recogniser_calls,
	    .input = recogniser_input,
	    .arg = r};
}

void
recogniser_base(void *arg, struct span href)
{
	struct recogniser *r = arg;

	if (r->has_base)
		return;
	r->has_base =
	    url_parse(&r->base, href, r->page.scheme.n > 0 ? &r->page : NULL);
	r->elsewhere = r->has_base && !url_same_site(&r->base, &r->page);
}

static const struct url *
base_of(const struct recogniser *r)
{
	if (r->has_base)
		return &r->base;
	return r->page.scheme.n > 0 ? &r->page : NULL;
}

/* Parses the link once, however often it is asked for. */
static bool
resolve(struct recogniser *r, struct span text)
{
	if (r->url_of == text.p && r->url_of_n == text.n && text.p != NULL)
		return r->url_good;
	r->url_of = text.p;
	r->url_of_n = text.n;
	r->url_good = url_parse(&r->url, text, base_of(r));
	return r->url_good;
}

const char *
recogniser_url(struct recogniser *r, const struct link *link)
{
	return resolve(r, link->url) ? buf_str(&r->url.href) : NULL;
}

bool
recogniser_same_site(const struct recogniser *r)
{
	struct span host = r->url.host, site = r->site;

	if (!r->url_good || host.n == 0)
		return false;
	if (span_eq(host, r->page.host) || span_eq(host, site))
		return true;
	/* a name under a registrable domain has that one, which saves the
	 * look into the public suffix list; under an address there is none */
	if (host.n <= site.n || host.p[host.n - site.n - 1] != '.' ||
	    !span_eq(span_slice(host, host.n - site.n, site.n), site))
		return false;
	return url_same_site(&r->url, &r->page);
}

/* Where a link may carry a sighting at all. */
enum place {
	PLACE_NONE,
	PLACE_LINK,   /* <a>, <area>, handlers, scripts, metas, feeds */
	PLACE_FRAME,  /* shown inside the page */
	PLACE_SCRIPT, /* <script src> */
	PLACE_IMAGE,
};

static bool
rel_has(const struct element *e, const char *word)
{
	struct span rel = element_attr(e, "rel");

	while (rel.p != NULL)
		if (span_is_i(span_trim(span_token(&rel, ' ')), word))
			return true;
	return false;
}

static enum place
place_of(const struct link *l)
{
	const struct element *e = l->element;

	if (l->source == LINK_STYLE)
		return PLACE_NONE;
	if (e == NULL ||
	    (l->source != LINK_ATTRIBUTE && l->source != LINK_SRCSET &&
		l->source != LINK_DATA))
		return PLACE_LINK;
	if (element_is(e, "a") || element_is(e, "area"))
		return PLACE_LINK;
	if (element_is(e, "img") || l->source == LINK_SRCSET)
		return PLACE_IMAGE;
	if (element_is(e, "script"))
		return PLACE_SCRIPT;
	if (element_is(e, "link"))
		return rel_has(e, "me") || rel_has(e, "publisher") ||
			rel_has(e, "author") || rel_has(e, "alternate")
		    ? PLACE_LINK
		    : PLACE_NONE;
	if (element_is(e, "iframe") || element_is(e, "frame") ||
	    element_is(e, "embed") || element_is(e, "object") ||
	    element_is(e, "video") || element_is(e, "audio") ||
	    element_is(e, "source") || element_is(e, "param"))
		return IS(l->attr, "poster") ? PLACE_IMAGE : PLACE_FRAME;
	if (element_is(e, "blockquote"))
		return PLACE_FRAME;
	return PLACE_LINK;
}

static struct seen
seen_at(const struct recogniser *r, const struct link *l)
{
	return (struct seen){.kind = SIGHTING_KIND_COUNT,
	    .at = l->element,
	    .url = r->url_good ? buf_span(&r->url.href) : l->url,
	    .link = l,
	    .offset = l->offset};
}

/* Kind of the rules, seen in its place on the page. */
static enum sighting_kind
kind_in_place(enum sighting_kind kind, enum place place,
    enum link_source source, const char *platform)
{
	if (strcmp(platform, "email") == 0 || strcmp(platform, "sms_tel") == 0)
		return kind == SIGHTING_CHANNEL ? SIGHTING_OTHER : kind;
	if (place == PLACE_FRAME && kind == SIGHTING_CONTENT)
		return SIGHTING_EMBED;
	if (place == PLACE_LINK && kind == SIGHTING_EMBED &&
	    source == LINK_ATTRIBUTE)
		return SIGHTING_CONTENT;
	return kind;
}

/* The rules know the address: a sighting, unless it is only plumbing. */
RARELY void
take_match(struct recogniser *r, const struct link *l, enum place place)
{
	const struct match *m = &r->match;
	uint32_t noted = recogniser_noted(r, l->offset);
	struct seen s = seen_at(r, l);

	if (m->script || place == PLACE_SCRIPT)
		return;
	if (place == PLACE_IMAGE && m->kind != SIGHTING_SHARE)
		return;
	s.kind = kind_in_place(m->kind, place, l->source, m->platform);
	if (s.kind == SIGHTING_CONTENT && place == PLACE_LINK &&
	    in_widget(r, m->platform, l->offset))
		s.kind = SIGHTING_EMBED;
	s.platform = m->platform;
	s.fold = m->fold && s.kind == SIGHTING_CHANNEL;
	if (m->has_name)
		s.name = buf_span(&m->name);
	if (s.kind == SIGHTING_OTHER && l->source == LINK_SCRIPT)
		return;
	if (s.kind == SIGHTING_SHARE && noted != RULE_NONE) {
		recogniser_add_url(r, noted, s.url);
		return;
	}
	recogniser_add(r, &s);
}

/* ---- the page's own site: redirectors, feeds, players ---- */

static bool
is_redirect_key(const struct rules *rules, struct span key)
{
	return rules_listed(rules, rules->redirect_keys, rules->nredirect_keys,
	    key);
}

INLINE bytes16
no_address16(bytes16 v)
{
	return ~(bytes16_is(v, '/') | bytes16_is(v, '%'));
}

/* Could there be an address in a query?  Most have no byte of one. */
static bool
holds_address(struct span query)
{
	return bytes16_run(query, 0, no_address16) < query.n &&
	    (span_search_i(query, "%2f%2f") < query.n ||
		span_search_i(query, "%3a") < query.n ||
		span_search(query, "//") < query.n);
}

/* "out.php?url=http%3A%2F%2F…", "?to=//…": the target counts, not the
 * redirector. */
RARELY bool
own_redirect(struct recogniser *r, const struct link *l, enum place place)
{
	size_t mark = span_find(l->url, '?');
	struct span rest = span_slice(l->url, mark + 1, l->url.n), key, value;
	struct buf target = BUF_INIT(URL_MAX_LEN);
	bool found = false;

	if (mark == l->url.n || !holds_address(rest))
		return false;
	while (!found && query_next(&rest, &key, &value)) {
		if (!is_redirect_key(r->rules, key))
			continue;
		buf_clear(&target);
		form_decode(value, &target);
		struct span t = buf_span(&target);
		if (!span_starts_i(t, "http://") &&
		    !span_starts_i(t, "https://") && !span_starts(t, "//"))
			continue;
		found = rules_classify(r->rules, t, &r->match) &&
		    r->match.kind != SIGHTING_SHARE;
	}
	if (found)
		take_match(r, l, place);
	buf_release(&target);
	return found;
}

static bool
is_page_link(const struct link *l)
{
	return l->element != NULL &&
	    (element_is(l->element, "a") || element_is(l->element, "area") ||
		element_is(l->element, "iframe"));
}

RARELY void
add_plain(struct recogniser *r, const struct link *l, enum sighting_kind kind,
    const char *platform)
{
	struct seen s;

	resolve(r, l->url);
	s = seen_at(r, l);
	s.kind = kind;
	s.platform = platform;
	recogniser_add(r, &s);
}

static bool
feed_type(const struct element *e)
{
	struct span type = element_attr(e, "type");

	return span_search_i(type, "rss+xml") < type.n ||
	    span_search_i(type, "atom+xml") < type.n ||
	    span_search_i(type, "feed+json") < type.n;
}

/* The path without the host of an absolute address, query included. */
static struct span
local_part(struct span url)
{
	size_t at = span_find(url, ':');

	while (at < url.n && !span_starts(span_slice(url, at, 3), "://"))
		at += 1 + span_find(span_slice(url, at + 1, url.n), ':');
	if (at < url.n) {
		url = span_slice(url, at + 3, url.n);
		url = span_slice(url, span_find(url, '/'), url.n);
	}
	return span_slice(url, 0, span_find(url, '#'));
}

static void
own_page(struct recogniser *r, const struct link *l)
{
	struct words path = {.rules = r->rules,
			 .platform = RULE_NONE,
			 .player = RULE_NONE},
		     icon = path;
	const struct rules *rules = r->rules;
	uint32_t player = RULE_NONE;

	words_look(&path, local_part(l->url));
	words_look(&icon, element_attr(l->element, "class"));
	words_look(&icon, element_attr(l->element, "id"));
	words_look(&icon, l->inner);
	if (path.player != RULE_NONE)
		player = path.player;
	else if (path.platform != RULE_NONE && path.player_word)
		player = path.platform;
	else if (icon.player != RULE_NONE)
		player = icon.player;
	else if (icon.platform != RULE_NONE)
		player = icon.platform;
	if (path.forbidden && share_link(r, l, local_part(l->url)))
		return;
	if (player != RULE_NONE && !path.forbidden && !icon.forbidden)
		add_plain(r, l, SIGHTING_PLAYER,
		    rules_text(rules, rules->platforms[player].id));
	else if (path.feed || icon.feed)
		add_plain(r, l, SIGHTING_FEED, "rss");
}

static void
own_site(struct recogniser *r, const struct link *l, enum place place)
{
	if (place != PLACE_LINK && place != PLACE_FRAME)
		return;
	if (own_redirect(r, l, place))
		return;
	if (is_page_link(l))
		own_page(r, l);
}

/* ---- links ---- */

/* The address after "scheme://" or "//"; p NULL when it is relative or of
 * another scheme, which *scheme then tells. */
static struct span
after_slashes(struct span url, bool *other_scheme)
{
	size_t i = 0;

	*other_scheme = false;
	if (url.n > 1 && (url.p[0] == '/' || url.p[0] == '\\') &&
	    (url.p[1] == '/' || url.p[1] == '\\'))
		return span_slice(url, 2, url.n);
	if (url.n == 0 || !ascii_alpha(url.p[0]))
		return SPAN_NULL;
	while (i < url.n &&
	    (ascii_alnum(url.p[i]) || url.p[i] == '+' || url.p[i] == '-' ||
		url.p[i] == '.'))
		i++;
	if (i == url.n || url.p[i] != ':')
		return SPAN_NULL;
	if (!span_is_i(span_slice(url, 0, i), "http") &&
	    !span_is_i(span_slice(url, 0, i), "https")) {
		*other_scheme = true;
		return SPAN_NULL;
	}
	i++;
	while (i < url.n && (url.p[i] == '/' || url.p[i] == '\\'))
		i++;
	return span_slice(url, i, url.n);
}

static struct span
authority_of(struct span rest)
{
	size_t n = 0;

	while (n < rest.n && rest.p[n] != '/' && rest.p[n] != '?' &&
	    rest.p[n] != '#' && rest.p[n] != ':')
		n++;
	return span_slice(rest, 0, n);
}

/* A host that only looks like a platform's is said as such, with the name
 * that the platform's own address would give. */
RARELY void
take_suspect(struct recogniser *r, const struct link *l, uint32_t host)
{
	const struct rules *rules = r->rules;
	const struct rule_host *h = &rules->hosts[host];
	struct buf same = BUF_INIT(URL_MAX_LEN);
	struct seen s = seen_at(r, l);

	buf_addf(&same, "http://%s", rules_text(rules, h->name));
	buf_add_span(&same, r->url.path);
	if (r->url.query.p != NULL) {
		buf_add_char(&same, '?');
		buf_add_span(&same, r->url.query);
	}
	s.kind = SIGHTING_SUSPECT;
	s.platform = rules_text(rules, rules->platforms[h->platform].id);
	if (!same.overflow &&
	    rules_classify(rules, buf_span(&same), &r->match) &&
	    r->match.has_name)
		s.name = buf_span(&r->match.name);
	recogniser_add(r, &s);
	buf_release(&same);
}

static void
take_absolute(struct recogniser *r, const struct link *l, struct span rest,
    enum place place)
{
	struct host_seen *h = host_look(r, rest);
	uint32_t near;

	if (place == PLACE_SCRIPT) {
		if (h->kind == HOST_OF_RULES)
			recogniser_script(r, rest, KIT_PRESENT);
		return;
	}
	if (l->source == LINK_SCRIPT && h->kind == HOST_OF_RULES)
		recogniser_script(r, rest, KIT_LOADED);
	if (h->kind == HOST_OWN) {
		own_site(r, l, place);
		return;
	}
	if (h->kind == HOST_FOREIGN) {
		if (place == PLACE_IMAGE || l->source == LINK_SCRIPT)
			return;
		near = host_near(r, h, authority_of(rest));
		if (near != RULE_NONE && resolve(r, l->url))
			take_suspect(r, l, near);
		return;
	}
	if (!resolve(r, l->url))
		return;
	if (rules_match_url(r->rules, &r->url, &r->match)) {
		if (on_page_site(r, r->url.host) &&
		    r->match.kind == SIGHTING_OTHER)
			return;
		take_match(r, l, place);
		return;
	}
	near =
	    near_miss(r, r->url.username.n > 0 ? r->url.username : r->url.host);
	if (on_page_site(r, r->url.host))
		own_site(r, l, place);
	else if (near != RULE_NONE && place == PLACE_LINK)
		take_suspect(r, l, near);
}

/* A name alone, as an address of the platform. */
static void
add_handle(struct recogniser *r, const struct link *l, const char *before,
    struct span name)
{
	struct buf url = BUF_INIT(NAME_MAX_LEN);

	if (name.n > 0 && name.p[0] == '@')
		name = span_slice(name, 1, name.n);
	buf_add_str(&url, before);
	buf_add_span(&url, name);
	if (name.n > 0 && span_find(name, '/') == name.n &&
	    rules_classify(r->rules, buf_span(&url), &r->match) &&
	    r->match.kind == SIGHTING_CHANNEL) {
		struct seen s = seen_at(r, l);

		s.url = buf_span(&url);
		s.kind = SIGHTING_CHANNEL;
		s.platform = r->match.platform;
		s.name = buf_span(&r->match.name);
		s.fold = r->match.fold;
		recogniser_add(r, &s);
	}
	buf_release(&url);
}

/* "twitter:site": "@name"; "fb:pages": "123,456".  The ids of applications
 * and of who may see their figures (fb:app_id, fb:admins) are no accounts. */
RARELY void
take_handle(struct recogniser *r, const struct link *l)
{
	struct span names = span_trim(l->url);
	struct span what = element_attr(l->element, "property");

	if (what.p == NULL)
		what = element_attr(l->element, "name");
	if (!span_starts_i(what, "fb:")) {
		add_handle(r, l, "https://twitter.com/", names);
		return;
	}
	if (!span_is_i(what, "fb:page_id") && !span_is_i(what, "fb:pages") &&
	    !span_is_i(what, "fb:profile_id"))
		return;
	for (unsigned i = 0; names.p != NULL && i < HANDLES_MAX; i++)
		add_handle(r, l, "https://www.facebook.com/",
		    span_trim(span_token(&names, ',')));
}

static void
take_button(struct recogniser *r, const struct link *l)
{
	if (l->source == LINK_ATTRIBUTE && l->element != NULL &&
	    (element_is(l->element, "a") || element_is(l->element, "area")))
		recogniser_button(r, l->element, l, l->offset);
}

void
recogniser_link(void *arg, const struct link *l)
{
	struct recogniser *r = arg;
	enum place place = place_of(l);
	struct link trimmed = *l;
	struct span rest;
	bool other;

	r->url_of = NULL;
	r->url_good = false;
	trimmed.url = span_trim(l->url);
	if (place == PLACE_NONE || trimmed.url.n == 0 ||
	    trimmed.url.n > URL_MAX_LEN)
		return;
	if (trimmed.url.p[0] == '#') {
		take_button(r, &trimmed);
		return;
	}
	if (l->source == LINK_META_HANDLE) {
		take_handle(r, l);
		return;
	}
	if (l->element != NULL && element_is(l->element, "link") &&
	    rel_has(l->element, "alternate")) {
		if (!feed_type(l->element))
			return;
		if (!resolve(r, trimmed.url) ||
		    !rules_match_url(r->rules, &r->url, &r->match) ||
		    r->match.kind != SIGHTING_FEED)
			add_plain(r, &trimmed, SIGHTING_FEED, "rss");
		else
			take_match(r, &trimmed, place);
		return;
	}
	rest = after_slashes(trimmed.url, &other);
	if (rest.p != NULL) {
		take_absolute(r, &trimmed, rest, place);
	} else if (other) {
		if (span_starts_i(trimmed.url, "javascript:")) {
			recogniser_code(r, trimmed.url, l->element, l->offset);
			take_button(r, &trimmed);
		} else if (rules_classify(r->rules, trimmed.url, &r->match))
			take_match(r, &trimmed, place);
	} else if (r->elsewhere) {
		if (resolve(r, trimmed.url) &&
		    rules_match_url(r->rules, &r->url, &r->match))
			take_match(r, &trimmed, place);
	} else if (place == PLACE_LINK || place == PLACE_FRAME) {
		own_site(r, &trimmed, place);
	}
}
