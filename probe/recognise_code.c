/* Calls in handlers and scripts that share, or name an account. */

#include <string.h>

#include "limit.h"
#include "recognise_state.h"

/* Code is read up to a limit for the page as a whole, which is then said. */
static bool
may_read(struct recogniser *r, size_t n)
{
	if (r->code_bytes > CODE_BYTES_MAX)
		return false;
	r->code_bytes += n;
	if (r->code_bytes > CODE_BYTES_MAX)
		finding_note(r->finding,
		    "code of the page was looked at in part only");
	return true;
}

static bool
ident_char(char c)
{
	return ascii_alnum(c) || c == '_' || c == '$' || c == '.';
}

/* Does a name hold one of these words, if it is long enough? */
static bool
holds_listed(const uint32_t *list, size_t n, const struct rules *r,
    struct span name, size_t min)
{
	for (size_t i = 0; i < n; i++) {
		struct span w = rules_span(r, list[i]);

		if (w.n >= min && span_search_i(name, w.p) < name.n)
			return true;
	}
	return false;
}

/* A function name that says it shares: "shareFacebook", "sendLinkNaver",
 * "toSNS". */
static bool
says_share(const struct rules *r, struct span name)
{
	return holds_listed(r->share_words, r->nshare_ascii, r, name, 1);
}

/* "snsLogin": words of three letters are parts of too many others. */
static bool
says_other(const struct rules *r, struct span name)
{
	return holds_listed(r->share_not, r->nnot_ascii, r, name, 5);
}

/* "sendTwitter": it begins with one of the words. */
static bool
says_send(const struct rules *r, struct span name)
{
	for (size_t i = 0; i < r->ncall_words; i++) {
		struct span w = rules_span(r, r->call_words[i]);

		if (span_eq_i(span_slice(name, 0, w.n), w))
			return true;
	}
	return false;
}

/* A platform's word inside a name, between case changes and punctuation. */
static uint32_t
word_inside(const struct rules *r, struct span name)
{
	for (size_t i = 0; i < name.n; i++) {
		bool start = i == 0 || !ascii_alnum(name.p[i - 1]) ||
		    (name.p[i] >= 'A' && name.p[i] <= 'Z') ||
		    span_ends_i(span_slice(name, 0, i), "share") ||
		    span_ends_i(span_slice(name, 0, i), "link");

		if (!start)
			continue;
		for (size_t n = name.n - i; n >= 2; n--) {
			struct span w = span_slice(name, i, n);
			bool end = i + n == name.n ||
			    !ascii_alnum(name.p[i + n]) ||
			    (name.p[i + n] >= 'A' && name.p[i + n] <= 'Z') ||
			    span_starts_i(span_slice(name, i + n, name.n),
				"share");
			uint32_t at =
			    end && n < 24 ? rules_word(r, w) : RULE_NONE;

			if (at != RULE_NONE)
				return at;
		}
	}
	return RULE_NONE;
}

/* First string literal after an opening parenthesis, quotes taken off. */
static struct span
first_literal(struct span args)
{
	struct span s = span_trim(args);
	char quote;

	if (s.n < 2 || (s.p[0] != '\'' && s.p[0] != '"'))
		return SPAN_NULL;
	quote = s.p[0];
	s = span_slice(s, 1, s.n);
	return span_slice(s, 0, span_find(s, quote));
}

/* ---- calls that the rules name ---- */

#define CALL_BYTES_MAX (2 * KIB) /* arguments that are looked at */

/* From inside a call's parentheses: the place behind a string whose quote is
 * at `at`. */
static size_t
string_end(struct span s, size_t at)
{
	char quote = s.p[at++];

	while (at < s.n && s.p[at] != quote)
		at += s.p[at] == '\\' ? 2 : 1;
	return at < s.n ? at + 1 : s.n;
}

/* The place of the next `stop` that is outside strings and brackets, or of the
 * bracket that closes what is around. */
static size_t
top_level(struct span s, size_t at, char stop)
{
	unsigned depth = 0;

	while (at < s.n) {
		char c = s.p[at];

		if (c == '"' || c == '\'' || c == '`') {
			at = string_end(s, at);
			continue;
		}
		if (depth == 0 &&
		    (c == stop || c == ')' || c == '}' || c == ']'))
			return at;
		if (c == '(' || c == '{' || c == '[')
			depth++;
		else if (c == ')' || c == '}' || c == ']')
			depth--;
		at++;
	}
	return s.n;
}

/* What stands for itself: a string without its quotes, or a number. */
static struct span
literal_of(struct span s)
{
	size_t n = 0;

	s = span_trim(s);
	if (s.n > 1 && (s.p[0] == '"' || s.p[0] == '\''))
		return span_find(span_slice(s, 1, s.n), s.p[0]) == s.n - 2
		    ? span_slice(s, 1, s.n - 2)
		    : SPAN_NULL;
	while (n < s.n && (ascii_digit(s.p[n]) || (n == 0 && s.p[n] == '-')))
		n++;
	return n == s.n ? s : SPAN_NULL;
}

static struct span
nth_argument(struct span args, uint32_t n)
{
	size_t from = 0, to;

	for (;;) {
		to = top_level(args, from, ',');
		if (--n == 0)
			return literal_of(span_slice(args, from, to - from));
		if (to == args.n || args.p[to] != ',')
			return SPAN_NULL;
		from = to + 1;
	}
}

/* The value of a key of an object, whatever it is an argument of. */
static struct span
key_value(struct span args, struct span key)
{
	size_t at = 0, end;

	while (at < args.n) {
		char c = args.p[at];
		struct span word;

		if (c == '"' || c == '\'' || c == '`')
			end = string_end(args, at);
		else if (ident_char(c))
			for (end = at; end < args.n && ident_char(args.p[end]);)
				end++;
		else
			end = at + 1;
		word = span_slice(args, at, end - at);
		if (word.n == key.n + 2 && (c == '"' || c == '\''))
			word = span_slice(word, 1, key.n);
		at = end;
		if (!span_eq(word, key))
			continue;
		while (at < args.n && ascii_space(args.p[at]))
			at++;
		if (at < args.n && args.p[at] == ':') {
			at++;
			return literal_of(span_slice(args, at,
			    top_level(args, at, ',') - at));
		}
	}
	return SPAN_NULL;
}

/* A call of the rule's function, `args` from behind its parenthesis. */
static void
take_call(struct recogniser *r, const struct rule_call *c, struct span args,
    const struct element *e, uint64_t offset)
{
	const struct rules *rules = r->rules;
	struct span account = SPAN_NULL;
	size_t end;

	args = span_slice(args, 0, CALL_BYTES_MAX);
	if (!may_read(r, args.n))
		return;
	end = top_level(args, 0, ')');
	if (end == args.n) /* more than is looked at, or cut off */
		return;
	args.n = end;
	if (c->when != RULE_NONE &&
	    !rules_text_is_i(rules, c->is,
		key_value(args, rules_span(rules, c->when))))
		return;
	if (c->argument != 0)
		account = nth_argument(args, c->argument);
	else if (c->key != RULE_NONE)
		account = key_value(args, rules_span(rules, c->key));
	recogniser_found(r, c->kit, &c->found, c->found.platform, account, e,
	    offset);
}

/* "Kakao.Link.": every function that begins so. */
static bool
is_prefix(struct span name)
{
	return name.p[name.n - 1] == '.';
}

/* Every call of it in a script. */
static void
find_calls(struct recogniser *r, const struct rule_call *c, struct span code,
    uint64_t offset)
{
	struct span name = rules_span(r->rules, c->name);
	size_t at = 0, end;
	const char *hit;

	for (;;) {
		hit = memmem(code.p + at, code.n - at, name.p, name.n);
		if (hit == NULL)
			return;
		at = (size_t)(hit - code.p);
		end = at + name.n;
		while (
		    is_prefix(name) && end < code.n && ident_char(code.p[end]))
			end++;
		while (end < code.n && ascii_space(code.p[end]))
			end++;
		if (end < code.n && code.p[end] == '(' &&
		    (at == 0 || !ident_char(code.p[at - 1]) ||
			code.p[at - 1] == '.'))
			take_call(r, c, span_slice(code, end + 1, code.n), NULL,
			    offset);
		at = end;
	}
}

void
recogniser_calls(void *arg, struct span code, uint64_t offset)
{
	struct recogniser *r = arg;
	const struct rule_call *c;

	for (size_t i = 0; i < r->rules->ncalls; i++) {
		c = &r->rules->calls[i];
		if (code.n > 0 && c->kit < KITS_MAX &&
		    (r->kit_seen[c->kit] & (KIT_PRESENT | KIT_LOADED)) != 0)
			find_calls(r, c, code, offset);
	}
}

/* ---- calls in handlers ---- */

/* Does a rule name this very function? */
static bool
known_call(struct recogniser *r, struct span name, struct span args,
    const struct element *e, uint64_t offset)
{
	bool known = false;

	for (size_t i = 0; i < r->rules->ncalls; i++) {
		const struct rule_call *c = &r->rules->calls[i];
		struct span rule = rules_span(r->rules, c->name);

		if (!span_eq(is_prefix(rule) ? span_slice(name, 0, rule.n)
					     : name,
			rule))
			continue;
		take_call(r, c, args, e, offset);
		known = true;
	}
	return known;
}

static void
one_call(struct recogniser *r, struct span name, struct span args,
    const struct element *e, uint64_t offset)
{
	const struct rules *rules = r->rules;
	uint32_t at;
	struct seen s = {.kind = SIGHTING_SHARE,
	    .at = e,
	    .offset = offset,
	    .kit = "script"};
	struct span literal;
	bool share;

	if (name.n > 64 ||
	    (rules->call_first[name.p[0] & 127] &&
		known_call(r, name, args, e, offset)))
		return;
	share = says_share(rules, name);
	if ((!share && !says_send(rules, name)) || says_other(rules, name))
		return;
	at = word_inside(rules, name);
	literal = first_literal(args);
	if (share && at == RULE_NONE && literal.n > 1 && literal.n < 24)
		at = rules_word(rules, literal);
	if (at == RULE_NONE && share)
		r->said_share = offset;
	if (at == RULE_NONE ||
	    (!share && (rules->platforms[at].flags & PLATFORM_SHARES) == 0))
		return;
	s.platform = rules_text(rules, rules->platforms[at].id);
	at = recogniser_add(r, &s);
	if (at != RULE_NONE)
		recogniser_note(r, offset, at);
}

void
recogniser_code(struct recogniser *r, struct span code, const struct element *e,
    uint64_t offset)
{
	size_t i = 0;

	code = span_slice(code, 0, 2 * KIB);
	if (recogniser_noted(r, offset) != RULE_NONE || !may_read(r, code.n))
		return;
	while (i < code.n) {
		size_t open = i + span_find(span_slice(code, i, code.n), '(');
		size_t from = open;

		if (open >= code.n)
			return;
		while (from > i && ident_char(code.p[from - 1]))
			from--;
		if (from < open)
			one_call(r, span_slice(code, from, open - from),
			    span_slice(code, open + 1, code.n), e, offset);
		i = open + 1;
	}
}
