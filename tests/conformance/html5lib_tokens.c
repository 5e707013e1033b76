/*
 * The html5lib tokenizer tests against html_next(): every case of every file
 * in each of its initial states.  Prints what is not right.  Exit 77 without
 * the data.
 */
#include <dirent.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "html_tokens.h"

static size_t passed, failed, excused;

/*
 * Tokens as lines of text: ours, and the wanted ones.  (Trees of jansson's
 * cannot be built here: its json_array() and json_object() are names of
 * ours.)
 */
struct pair {
	char *name;
	char *value;
};

static void
put(struct buf *b, const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (s[i] == '\0')
			buf_add_str(b, "\\0");
		else
			buf_add_char(b, s[i]);
}

static void
put_raw(struct buf *b, struct span raw, unsigned how)
{
	struct buf text = BUF_INIT(MIB);

	html_decode(raw, how, NULL, &text, NULL);
	put(b, buf_str(&text), text.len);
	buf_release(&text);
}

static char *
dup_raw(struct span raw, unsigned how)
{
	struct buf b = BUF_INIT(MIB);

	put_raw(&b, raw, how);
	return buf_add_str(&b, "") ? buf_detach(&b, NULL) : NULL;
}

static int
pair_cmp(const void *a, const void *b)
{
	return strcmp(((const struct pair *)a)->name,
	    ((const struct pair *)b)->name);
}

static void
put_pairs(struct buf *b, struct pair *pairs, size_t n)
{
	qsort(pairs, n, sizeof(*pairs), pair_cmp);
	for (size_t i = 0; i < n; i++) {
		buf_addf(b, "\n  %s=%s", pairs[i].name, pairs[i].value);
		free(pairs[i].name);
		free(pairs[i].value);
	}
}

static void
put_start(struct buf *b, const struct html_token *t)
{
	struct pair pairs[ATTRS_MAX];

	buf_add_str(b, "\nStartTag ");
	put_raw(b, t->name, HTML_LOWER);
	for (size_t i = 0; i < t->nattrs; i++) {
		pairs[i].name = dup_raw(t->attrs[i].name, HTML_LOWER);
		pairs[i].value =
		    dup_raw(t->attrs[i].value, HTML_REFS | HTML_IN_ATTR);
	}
	put_pairs(b, pairs, t->nattrs);
	if (t->self_closing)
		buf_add_str(b, " /");
}

static void
put_id(struct buf *b, struct span id, unsigned how)
{
	buf_add_char(b, ' ');
	if (id.p == NULL) {
		buf_add_str(b, "null");
		return;
	}
	buf_add_char(b, '"');
	put_raw(b, id, how);
	buf_add_char(b, '"');
}

static void
put_tokens(struct buf *b, struct html_tokens *h)
{
	struct html_token t;
	bool text = false;

	while (html_next(h, &t) != HTML_EOF) {
		if (t.type == HTML_TEXT) {
			if (t.data.n > 0 && !text)
				buf_add_str(b, "\nCharacter ");
			text = text || t.data.n > 0;
			put_raw(b, t.data, html_text_decoding(&t));
			continue;
		}
		text = false;
		if (t.type == HTML_START) {
			put_start(b, &t);
		} else if (t.type == HTML_END) {
			buf_add_str(b, "\nEndTag ");
			put_raw(b, t.name, HTML_LOWER);
		} else if (t.type == HTML_COMMENT) {
			buf_add_str(b, "\nComment ");
			put_raw(b, t.data, 0);
		} else {
			buf_add_str(b, "\nDOCTYPE");
			put_id(b, t.name, HTML_LOWER);
			put_id(b, t.public_id, 0);
			put_id(b, t.system_id, 0);
			buf_add_str(b, t.quirks ? " quirks" : " correct");
		}
	}
}

static void
put_json(struct buf *b, json_t *j)
{
	put(b, json_string_value(j), json_string_length(j));
}

static void
put_wanted_start(struct buf *b, json_t *token)
{
	struct pair pairs[ATTRS_MAX];
	struct buf text = BUF_INIT(MIB);
	const char *name;
	json_t *value;
	size_t n = 0;

	json_object_foreach(json_array_get(token, 2), name, value)
	{
		buf_add_str(&text, "");
		put_json(&text, value);
		pairs[n].name = xstrdup(name);
		pairs[n++].value = xstrdup(buf_str(&text));
		buf_clear(&text);
	}
	put_pairs(b, pairs, n);
	if (json_is_true(json_array_get(token, 3)))
		buf_add_str(b, " /");
	buf_release(&text);
}

static void
put_wanted(struct buf *b, json_t *want)
{
	json_t *token, *id;
	const char *type;
	bool text = false;
	size_t i;

	json_array_foreach(want, i, token)
	{
		type = json_string_value(json_array_get(token, 0));
		if (!(text && strcmp(type, "Character") == 0))
			buf_addf(b, "\n%s", type);
		if (strcmp(type, "DOCTYPE") == 0) {
			for (size_t k = 1; k < 4; k++) {
				id = json_array_get(token, k);
				buf_add_str(b,
				    json_is_null(id) ? " null" : " \"");
				if (!json_is_null(id)) {
					put_json(b, id);
					buf_add_char(b, '"');
				}
			}
			buf_add_str(b,
			    json_is_true(json_array_get(token, 4)) ? " correct"
								   : " quirks");
			text = false;
			continue;
		}
		if (!(text && strcmp(type, "Character") == 0))
			buf_add_char(b, ' ');
		text = strcmp(type, "Character") == 0;
		put_json(b, json_array_get(token, 1));
		if (strcmp(type, "StartTag") == 0)
			put_wanted_start(b, token);
	}
}

/* "\\u0000" inside strings of doubly escaped tests; NULL when the result is
 * no text that UTF-8 can hold. */
static json_t *
unescaped(json_t *j)
{
	char *dump = json_dumps(j, JSON_ENCODE_ANY | JSON_COMPACT);
	struct buf b = BUF_INIT(MIB);
	json_t *out;

	for (char *p = dump; *p != '\0'; p++)
		if (!(p[0] == '\\' && p[1] == '\\' && p[2] == 'u'))
			buf_add_char(&b, *p);
	out = json_loads(buf_str(&b), JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	buf_release(&b);
	free(dump);
	return out;
}

static enum html_state
state_of(const char *name)
{
	static const struct {
		const char *name;
		enum html_state state;
	} states[] = {{"Data state", HTML_DATA}, {"RCDATA state", HTML_RCDATA},
	    {"RAWTEXT state", HTML_RAWTEXT}, {"Script data state", HTML_SCRIPT},
	    {"PLAINTEXT state", HTML_PLAINTEXT},
	    {"CDATA section state", HTML_CDATA}};

	for (size_t i = 0; i < ARRAY_LEN(states); i++)
		if (strcmp(name, states[i].name) == 0)
			return states[i].state;
	printf("# unknown state %s\n", name);
	exit(1);
}

static void
run_state(const char *file, json_t *test, const char *state, json_t *input,
    json_t *want)
{
	static struct html_tokens h;
	const char *last =
	    json_string_value(json_object_get(test, "lastStartTag"));
	struct buf got = BUF_INIT(4 * MIB), wanted = BUF_INIT(4 * MIB);

	html_tokens_init(&h,
	    (struct span){json_string_value(input), json_string_length(input)});
	h.steered = false;
	h.state = state_of(state);
	if (last != NULL)
		h.last = span_of(last);
	put_tokens(&got, &h);
	put_wanted(&wanted, want);
	if (span_eq(buf_span(&got), buf_span(&wanted))) {
		passed++;
	} else {
		failed++;
		printf("# %s: %s (%s)\n# want%s\n# got%s\n", file,
		    json_string_value(json_object_get(test, "description")),
		    state, buf_str(&wanted), buf_str(&got));
	}
	buf_release(&got);
	buf_release(&wanted);
}

static void
run_test(const char *file, json_t *test)
{
	json_t *input = json_incref(json_object_get(test, "input"));
	json_t *want = json_incref(json_object_get(test, "output"));
	json_t *states = json_object_get(test, "initialStates"), *state;
	size_t i;

	if (json_is_true(json_object_get(test, "doubleEscaped"))) {
		json_decref(input);
		json_decref(want);
		input = unescaped(json_object_get(test, "input"));
		want = unescaped(json_object_get(test, "output"));
	}
	if (input == NULL || want == NULL) {
		printf("# excused: %s: %s: a lone surrogate is not in any "
		       "bytes\n",
		    file,
		    json_string_value(json_object_get(test, "description")));
		excused++;
	} else if (states == NULL) {
		run_state(file, test, "Data state", input, want);
	} else {
		json_array_foreach(states, i, state) run_state(file, test,
		    json_string_value(state), input, want);
	}
	json_decref(input);
	json_decref(want);
}

static void
run_file(const char *folder, const char *name)
{
	char path[4096];
	json_t *root, *tests, *test;
	json_error_t error;
	size_t i;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	root = json_load_file(path, JSON_ALLOW_NUL, &error);
	if (root == NULL) {
		printf("# %s: %s\n", path, error.text);
		failed++;
		return;
	}
	tests = json_object_get(root, "xmlViolationTests");
	if (tests != NULL) {
		printf("# excused: %s: %zu tests of coercion to XML, which is "
		       "no part of HTML\n",
		    name, json_array_size(tests));
		excused += json_array_size(tests);
	}
	tests = json_object_get(root, "tests");
	json_array_foreach(tests, i, test) run_test(name, test);
	json_decref(root);
}

int
main(void)
{
	const char *shared = getenv("KPWATCH_SHARED");
	char folder[2048];
	struct dirent *e;
	DIR *d;

	snprintf(folder, sizeof(folder),
	    "%s/captures/data/html5lib-tests/tokenizer",
	    shared != NULL ? shared : "../shared");
	d = opendir(folder);
	if (d == NULL) {
		printf("1..0 # SKIP no %s\n", folder);
		return 77;
	}
	while ((e = readdir(d)) != NULL)
		if (span_ends_i(span_of(e->d_name), ".test"))
			run_file(folder, e->d_name);
	closedir(d);
	printf("# figure: html5lib tokenizer: %zu of %zu right, %zu excused\n",
	    passed, passed + failed, excused);
	printf("%sok 1 - html5lib tokenizer tests\n1..1\n",
	    failed == 0 && passed > 0 ? "" : "not ");
	return failed == 0 && passed > 0 ? 0 : 1;
}
