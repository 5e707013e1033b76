/* Share kits: markup that names a service without an address. */

#include <string.h>

#include "bytes16.h"
#include "limit.h"
#include "recognise_state.h"

bool
recogniser_spend(struct recogniser *r, size_t checks)
{
	if (r->checks > CHECKS_MAX)
		return false;
	r->checks += checks;
	if (r->checks > CHECKS_MAX)
		finding_note(r->finding,
		    "share-kit markup was looked at in part only");
	return true;
}

static uint32_t
find_service(const struct rules *r, const struct rule_kit *k, struct span code)
{
	for (uint32_t i = 0; i < k->nservices; i++)
		if (rules_text_is_i(r, r->services[k->service + i].code, code))
			return k->service + i;
	return RULE_NONE;
}

static void
mark_kit(struct recogniser *r, uint32_t kit, uint8_t how)
{
	if (kit < KITS_MAX)
		r->kit_seen[kit] |= how;
}

/* A name is put into an address, where it must stay what it is. */
static bool
is_plain_name(struct span name)
{
	for (size_t i = 0; i < name.n; i++)
		if ((unsigned char)name.p[i] <= ' ' ||
		    strchr("?#%&\\\"'<>", name.p[i]) != NULL)
			return false;
	return name.n > 0 && name.p[0] != '/' &&
	    span_search(name, "..") == name.n;
}

/* The account stands in the address of a rule, which tells the rest. */
static bool
look_up(struct recogniser *r, const struct rule_result *f, struct span account,
    struct buf *url, struct seen *s)
{
	struct span rest = rules_span(r->rules, f->url);
	size_t slot = span_search(rest, "{account}");

	buf_add_span(url, span_slice(rest, 0, slot));
	buf_add_span(url, account);
	buf_add_span(url, span_slice(rest, slot + 9, rest.n));
	if (!is_plain_name(account) || url->overflow ||
	    !rules_classify(r->rules, buf_span(url), &r->match) ||
	    r->match.kind == SIGHTING_OTHER)
		return false;
	s->platform = r->match.platform;
	s->name = r->match.has_name ? buf_span(&r->match.name) : SPAN_NULL;
	s->url = buf_span(url);
	return s->name.n > 0;
}

void
recogniser_found(struct recogniser *r, uint32_t kit,
    const struct rule_result *f, uint32_t platform, struct span account,
    const struct element *e, uint64_t offset)
{
	const struct rules *rules = r->rules;
	struct buf url = BUF_INIT(URL_MAX_LEN);
	struct seen s = {
	    .kind = (enum sighting_kind)f->kind,
	    .name = account,
	    .at = e,
	    .offset = offset,
	};
	uint32_t at;

	if (f->url == RULE_NONE) {
		s.platform = rules_text(rules, rules->platforms[platform].id);
	} else if (!look_up(r, f, account, &url, &s)) {
		buf_release(&url);
		return;
	}
	if (s.kind == SIGHTING_SHARE)
		s.kit = rules_text(rules, rules->kits[kit].id);
	s.fold =
	    s.kind == SIGHTING_CHANNEL && rules_folds_case(rules, s.platform);
	at = recogniser_add(r, &s);
	/* One button is one share, though class and attribute both say it. */
	if (at != RULE_NONE && recogniser_noted_is(r, offset, at))
		r->finding->sightings[at].count--;
	else if (at != RULE_NONE && s.kind == SIGHTING_SHARE)
		recogniser_note(r, offset, at);
	mark_kit(r, kit, KIT_PRESENT | KIT_SERVICES);
	buf_release(&url);
}

static void
add_service(struct recogniser *r, const struct element *e,
    const struct rule_markup *m, uint32_t platform, struct span account)
{
	recogniser_found(r, m->kit, &m->found, platform, account, e, e->offset);
}

/* One code of the kit: a share, unless the service is none of ours. */
static void
add_code(struct recogniser *r, const struct element *e,
    const struct rule_markup *m, struct span code, struct span account)
{
	const struct rules *rules = r->rules;
	const struct rule_kit *k = &rules->kits[m->kit];
	uint32_t at;

	if (!recogniser_spend(r, k->nservices))
		return;
	at = find_service(rules, k, code);
	mark_kit(r, m->kit, KIT_PRESENT);
	if (at != RULE_NONE && rules->services[at].platform != RULE_NONE)
		add_service(r, e, m, rules->services[at].platform, account);
}

static bool
has_class(const struct element *e, const char *want)
{
	struct span classes = element_attr(e, "class");

	while (classes.p != NULL) {
		struct span one = classes;
		size_t n = 0;

		while (n < classes.n && !ascii_space(classes.p[n]))
			n++;
		one.n = n;
		classes = n == classes.n
		    ? SPAN_NULL
		    : span_slice(classes, n + 1, classes.n);
		if (span_is(one, want))
			return true;
	}
	return false;
}

/* Does it say by itself what it means? */
static bool
has_result(const struct rule_markup *m)
{
	return m->found.platform != RULE_NONE || m->found.url != RULE_NONE;
}

/* Has the attribute itself another value than the rule wants? */
static bool
is_other(const struct rules *r, const struct rule_markup *m,
    const struct attribute *a)
{
	return m->own_value && !rules_text_is_i(r, m->is, a->value);
}

static bool
conditions_hold(const struct rules *r, const struct rule_markup *m,
    const struct element *e, struct span *account)
{
	*account = SPAN_NULL;
	if (m->tag != RULE_NONE && !span_is(e->tag, rules_text(r, m->tag)))
		return false;
	if (m->with != RULE_NONE && !has_class(e, rules_text(r, m->with)))
		return false;
	if (m->when != RULE_NONE &&
	    !rules_text_is_i(r, m->is, element_attr(e, rules_text(r, m->when))))
		return false;
	if (m->account == RULE_NONE)
		return true;
	*account = span_trim(element_attr(e, rules_text(r, m->account)));
	return account->n > 0;
}

/* The code in a class token: between the template's ends. */
static bool
cut_code(const struct rules *r, const struct rule_markup *m, struct span t,
    struct span *code)
{
	struct span before = rules_span(r, m->before);
	struct span after = rules_span(r, m->after);

	if (t.n < before.n + after.n ||
	    !span_eq(span_slice(t, 0, before.n), before) ||
	    !span_eq(span_slice(t, t.n - after.n, after.n), after))
		return false;
	*code = span_slice(t, before.n, t.n - before.n - after.n);
	return m->has_code ? code->n > 0 : code->n == 0;
}

static void
open_widget(struct recogniser *r, const struct rule_markup *m,
    const struct element *e)
{
	r->widget.platform = m->inside;
	r->widget.offset = e->offset;
}

/* A longer template ("a_{service}_follow") stands before a shorter one in
 * the file, so the first that holds and whose code is known is the one. */
RARELY void
class_token(struct recogniser *r, const struct element *e, struct span t)
{
	const struct rules *rules = r->rules;

	if (!recogniser_spend(r, rules->nmarkups))
		return;
	for (uint32_t i = rules->class_first[letter_pair(t.p)]; i != RULE_NONE;
	     i = rules->markup_next[i]) {
		const struct rule_markup *m = &rules->markups[i];
		struct span code, account;

		if (rules_text(rules, m->before)[1] != t.p[1] ||
		    !cut_code(rules, m, t, &code) ||
		    !conditions_hold(rules, m, e, &account))
			continue;
		if (m->inside != RULE_NONE)
			open_widget(r, m, e);
		else if (has_result(m))
			add_service(r, e, m, m->found.platform, account);
		else if (!m->has_code)
			mark_kit(r, m->kit, KIT_PRESENT);
		else if (find_service(rules, &rules->kits[m->kit], code) ==
		    RULE_NONE)
			continue;
		else
			add_code(r, e, m, code, account);
		return;
	}
}

/* Does a rule's class begin with these three letters, or so it seems? */
static bool
class_known(const struct rules *r, const char *p)
{
	return (r->class_third[letter_pair(p)] >> (p[2] & 31) & 1) != 0;
}

/* Classes that begin in the sixteen bytes from `at`; *inside: the byte before
 * them was of a class. */
static void
classes_at(struct recogniser *r, const struct element *e, struct span classes,
    size_t at, unsigned *inside)
{
	bytes16 v = bytes16_at(classes, at);
	unsigned spaces = bytes16_mask(bytes16_upto(v, 0) | bytes16_is(v, ' ') |
	    bytes16_in(v, '\t', '\n') | bytes16_in(v, '\f', '\r'));
	unsigned starts = ~spaces & ~(~spaces << 1 | *inside) & 0xffff, ends;
	size_t from, to;

	*inside = ~spaces >> 15 & 1;
	for (; starts != 0; starts &= starts - 1) {
		from = at + bytes16_first(starts);
		if (classes.n - from < 3 ||
		    !class_known(r->rules, classes.p + from))
			continue;
		ends = spaces >> (from - at);
		to = ends != 0 ? from + bytes16_first(ends) : at + 16;
		while (to < classes.n && !ascii_space(classes.p[to]))
			to++;
		if (to - from >= 3)
			class_token(r, e,
			    (struct span){classes.p + from, to - from});
	}
}

static void
scan_classes(struct recogniser *r, const struct element *e, struct span classes)
{
	unsigned inside = 0;

	for (size_t i = 0; i < classes.n; i += 16)
		classes_at(r, e, classes, i, &inside);
}

static bool
code_char(char c)
{
	return ascii_alnum(c) || c == '_' || c == '-';
}

/* "vkontakte,facebook", "['a','b']", "fb.tw.vk." */
static void
scan_list(struct recogniser *r, const struct element *e,
    const struct rule_markup *m, struct span list, struct span account)
{
	size_t i = 0, found = 0;

	while (i < list.n && found < 200) {
		size_t from;

		while (i < list.n && !code_char(list.p[i]))
			i++;
		from = i;
		while (i < list.n && code_char(list.p[i]))
			i++;
		if (i > from) {
			add_code(r, e, m, span_slice(list, from, i - from),
			    account);
			found++;
		}
	}
}

RARELY void
attribute_value(struct recogniser *r, const struct element *e,
    const struct attribute *a)
{
	const struct rules *rules = r->rules;

	for (uint32_t i = rules->attribute_first[attribute_place(a->key)];
	     i != RULE_NONE; i = rules->markup_next[i]) {
		const struct rule_markup *m = &rules->markups[i];
		struct span account;

		if (rules->markup_key[i] != a->key || is_other(rules, m, a) ||
		    !rules_text_is_i(rules, m->attribute, a->name) ||
		    !conditions_hold(rules, m, e, &account))
			continue;
		if (!recogniser_spend(r, rules->nmarkups))
			return;
		if (m->inside != RULE_NONE)
			open_widget(r, m, e);
		else if (has_result(m))
			add_service(r, e, m, m->found.platform,
			    m->found.kind == SIGHTING_SHARE ? SPAN_NULL
				: m->account != RULE_NONE
				? account
				: span_trim(a->value));
		else
			scan_list(r, e, m, a->value, account);
		return;
	}
}

/* Does a tag that begins so, and as long, mean something by itself? */
static bool
tag_known(const struct rules *r, struct span tag)
{
	return tag.n > 0 &&
	    (r->tag_lengths[tag.p[0] & 127] >> (tag.n % 32) & 1) != 0;
}

RARELY void
tag_rules(struct recogniser *r, const struct element *e)
{
	const struct rules *rules = r->rules;

	if (!recogniser_spend(r, rules->nmarkups))
		return;
	for (size_t i = 0; i < rules->nmarkups; i++) {
		const struct rule_markup *m = &rules->markups[i];
		struct span account;

		if (m->tag != RULE_NONE && m->attribute == RULE_NONE &&
		    m->before == 0 && has_result(m) &&
		    conditions_hold(rules, m, e, &account)) {
			add_service(r, e, m, m->found.platform, account);
			return;
		}
	}
}

/* Is there a rule for such an attribute, and with a value so long? */
static bool
may_have_value(const struct rules *r, const struct attribute *a)
{
	unsigned place = attribute_place(a->key);

	return r->attribute_first[place] != RULE_NONE &&
	    (r->attribute_lengths[place] >> (a->value.n & 31) & 1) != 0;
}

/* A button, or a link that has no address at all. */
static bool
is_button(const struct element *e)
{
	return element_is(e, "button") ||
	    (element_is(e, "a") && element_attr(e, "href").n == 0);
}

/* Its link is a button, or none, when it is given. */
static bool
is_link(const struct element *e)
{
	return element_is(e, "a") || element_is(e, "area");
}

static bool
is_handler(struct span name)
{
	return name.n > 4 && name.p[0] == 'o' && name.p[1] == 'n';
}

void
recogniser_element(void *arg, const struct element *e)
{
	struct recogniser *r = arg;
	bool clicked = false;

	if (r->rules->nmarkups == 0)
		return;
	if (tag_known(r->rules, e->tag))
		tag_rules(r, e);
	for (size_t i = 0; i < e->nattrs; i++) {
		const struct attribute *a = &e->attrs[i];

		if (a->name.n == 0)
			continue;
		if (attribute_is(a, "class"))
			scan_classes(r, e, a->value);
		else if (is_handler(a->name)) {
			recogniser_code(r, a->value, e, e->offset);
			clicked |= attribute_is(a, "onclick");
		} else if (may_have_value(r->rules, a))
			attribute_value(r, e, a);
	}
	if (is_button(e) || (clicked && !is_link(e)))
		recogniser_button(r, e, NULL, e->offset);
}

/* ---- scripts ---- */

static bool
host_under(struct span host, struct span of)
{
	return host.n >= of.n && of.n > 0 &&
	    span_eq_i(span_slice(host, host.n - of.n, of.n), of) &&
	    (host.n == of.n || host.p[host.n - of.n - 1] == '.');
}

/* A script host may carry the beginning of a path: "yastatic.net/share". */
static bool
script_is(struct span rest, struct span rule)
{
	size_t slash = span_find(rule, '/');
	size_t end = 0;
	struct span path;

	while (end < rest.n && rest.p[end] != '/' && rest.p[end] != '?' &&
	    rest.p[end] != ':')
		end++;
	path = span_slice(rest, end, rest.n);
	if (!host_under(span_slice(rest, 0, end), span_slice(rule, 0, slash)))
		return false;
	rule = span_slice(rule, slash, rule.n);
	return rule.n == 0 || span_eq_i(span_slice(path, 0, rule.n), rule);
}

/* Most scripts are no kit's: their hosts are in no table. */
static bool
kit_host(const struct rules *rules, struct span rest)
{
	char lower[HOST_MAX_LEN];
	struct span tail;
	size_t n = 0;

	while (n < rest.n && n < sizeof(lower) && rest.p[n] != '/' &&
	    rest.p[n] != '?' && rest.p[n] != ':') {
		lower[n] = ascii_lower(rest.p[n]);
		n++;
	}
	tail = (struct span){lower, n};
	while (tail.p != NULL) {
		const struct rule_host *h = rules_host(rules, tail);

		if (h != NULL && (h->flags & HOST_KIT) != 0)
			return true;
		span_token(&tail, '.');
	}
	return false;
}

void
recogniser_script(struct recogniser *r, struct span rest, uint8_t how)
{
	const struct rules *rules = r->rules;

	if (!kit_host(rules, rest))
		return;
	for (uint32_t k = 0; k < rules->nkits; k++) {
		const struct rule_kit *kit = &rules->kits[k];

		if (how == KIT_LOADED && !kit->has_calls)
			continue;
		for (uint32_t i = 0; i < kit->nhosts; i++)
			if (script_is(rest,
				rules_span(rules, rules->words[kit->host + i])))
				mark_kit(r, k, how);
	}
}

/* A kit of which no service could be seen is itself said, where it is a
 * platform: its services come from its own servers. */
void
recogniser_finish(struct recogniser *r)
{
	const struct rules *rules = r->rules;

	for (uint32_t k = 0; k < rules->nkits && k < KITS_MAX; k++) {
		const char *id = rules_text(rules, rules->kits[k].id);
		struct seen s = {.kind = SIGHTING_OTHER,
		    .platform = id,
		    .kit = id};

		if ((r->kit_seen[k] & (KIT_PRESENT | KIT_SERVICES)) ==
			KIT_PRESENT &&
		    rules_platform_name(rules, id) != NULL)
			recogniser_add(r, &s);
	}
}
