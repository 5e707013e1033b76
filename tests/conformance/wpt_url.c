/*
 * The URL standard's own test data (urltestdata.json of web-platform-tests)
 * against url_parse().  Every case whose input or base is http or https must
 * be right; the rest is counted and must be right too.  Prints each miss.
 * Exit 77 without the data.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "limit.h"
#include "url.h"

#define HYPHENS "libidn2 always checks hyphens (CheckHyphens)"
#define LENGTH	"libidn2 always checks lengths (VerifyDnsLength)"
#define TABLE	"libidn2's mapping table is of an older Unicode"

/* Cases that cannot be right, each with its reason. */
static const struct exception {
	const char *input;
	const char *reason;
} exceptions[] = {
    {"a\u2020--", HYPHENS},
    {"-\u2020", HYPHENS},
    {"-x.\u00df", HYPHENS},
    {"x-.\u00df", HYPHENS},
    {"ab--c.\u00df", HYPHENS},
    {"x01234567890123456789012345678901234567890123456789012345678901\u2020",
	LENGTH},
    {"01234567890123456789012345678901234567890123456789."
     "01234567890123456789012345678901234567890123456789."
     "01234567890123456789012345678901234567890123456789."
     "01234567890123456789012345678901234567890123456789."
     "0123456789012345678901234567890123456789012345678.\u00df",
	LENGTH},
    {"www.lookout\u2027net", TABLE},
    {"look\u180eout.net", TABLE},
    {"look\u206bout.net", TABLE},
    {"\U0002f868.com", TABLE},
    {"\u2183.com", TABLE},
    {"\u1e9e.com", TABLE},
    {"\u1e9e.foo.com", TABLE},
    {NULL, NULL},
};

static const char *
exception_for(const char *input)
{
	for (const struct exception *e = exceptions; e->input != NULL; e++)
		if (strcmp(e->input, input) == 0)
			return e->reason;
	return NULL;
}

/* A lone surrogate is not UTF-8; a decoder would have made it U+FFFD. */
static char *
read_data(const char *path)
{
	FILE *f = fopen(path, "rb");
	struct buf b = BUF_INIT(16 * MIB);
	char chunk[4096];
	size_t n;

	if (f == NULL)
		return NULL;
	while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0)
		buf_add(&b, chunk, n);
	fclose(f);
	for (size_t i = 0; i + 6 <= b.len; i++) {
		char *e = b.data + i;
		bool high = strncasecmp(e, "\\ud8", 4) == 0 ||
		    strncasecmp(e, "\\ud9", 4) == 0 ||
		    strncasecmp(e, "\\uda", 4) == 0 ||
		    strncasecmp(e, "\\udb", 4) == 0;
		bool low = strncasecmp(e, "\\udc", 4) == 0 ||
		    strncasecmp(e, "\\udd", 4) == 0 ||
		    strncasecmp(e, "\\ude", 4) == 0 ||
		    strncasecmp(e, "\\udf", 4) == 0;

		if (high && strncasecmp(e + 6, "\\ud", 3) == 0 &&
		    strchr("cdefCDEF", e[9]) != NULL) {
			i += 11;
			continue;
		}
		if (high || low)
			memcpy(e, "\\ufffd", 6);
	}
	return buf_detach(&b, NULL);
}

static bool
is_web(const char *s)
{
	return s != NULL &&
	    (strncasecmp(s, "http:", 5) == 0 ||
		strncasecmp(s, "https:", 6) == 0);
}

static bool
same(const struct url *u, const json_t *t, const char *key, struct span got)
{
	const char *want = json_string_value(json_object_get(t, key));

	(void)u;
	return want == NULL || span_is(got, want);
}

static bool
components_right(const struct url *u, const json_t *t)
{
	char port[16] = "";
	struct buf proto = BUF_INIT(64), search = BUF_INIT(URL_MAX_LEN),
		   hash = BUF_INIT(URL_MAX_LEN);
	bool good;

	if (u->port >= 0)
		snprintf(port, sizeof(port), "%d", (int)u->port);
	buf_add_span(&proto, u->scheme);
	buf_add_char(&proto, ':');
	if (u->query.n > 0) {
		buf_add_char(&search, '?');
		buf_add_span(&search, u->query);
	}
	if (u->fragment.n > 0) {
		buf_add_char(&hash, '#');
		buf_add_span(&hash, u->fragment);
	}
	good = same(u, t, "href", buf_span(&u->href)) &&
	    same(u, t, "protocol", buf_span(&proto)) &&
	    same(u, t, "username", u->username) &&
	    same(u, t, "password", u->password) &&
	    same(u, t, "hostname", u->host) &&
	    same(u, t, "port", span_of(port)) &&
	    same(u, t, "pathname", u->path) &&
	    same(u, t, "search", buf_span(&search)) &&
	    same(u, t, "hash", buf_span(&hash));
	buf_release(&proto);
	buf_release(&search);
	buf_release(&hash);
	return good;
}

static bool
case_right(const json_t *t, const char **got)
{
	static struct url base, url;
	const json_t *in = json_object_get(t, "input");
	const json_t *against = json_object_get(t, "base");
	bool parsed, fails = json_is_true(json_object_get(t, "failure"));
	struct span input = {json_string_value(in), json_string_length(in)};
	bool has_base = json_is_string(against);

	url_release(&base);
	url_release(&url);
	parsed = !has_base ||
	    url_parse(&base,
		(struct span){json_string_value(against),
		    json_string_length(against)},
		NULL);
	parsed = parsed && url_parse(&url, input, has_base ? &base : NULL);
	*got = parsed ? buf_str(&url.href) : "failure";
	if (!parsed || fails)
		return fails && !parsed;
	return components_right(&url, t);
}

/* toascii.json: host parsing alone. */
static size_t
check_hosts(const char *shared, size_t *right)
{
	char *path = xasprintf("%s/captures/data/wpt-url/toascii.json", shared);
	char *text = read_data(path);
	json_t *root =
		   text == NULL ? NULL : json_loads(text, JSON_ALLOW_NUL, NULL),
	       *t;
	size_t i, all = 0;

	json_array_foreach(root, i, t)
	{
		const char *input =
		    json_string_value(json_object_get(t, "input"));
		const char *want =
		    json_string_value(json_object_get(t, "output"));
		struct buf got = BUF_INIT(64 * KIB);
		bool good;

		if (input == NULL || exception_for(input) != NULL)
			continue;
		good = host_parse((struct span){input,
				      json_string_length(
					  json_object_get(t, "input"))},
			   true, &got) != URL_HOST_NONE;
		all++;
		if (good ? want != NULL && strcmp(buf_str(&got), want) == 0
			 : want == NULL)
			(*right)++;
		else
			printf("# miss host \"%s\": want %s, got %s\n", input,
			    want == NULL ? "failure" : want,
			    good ? buf_str(&got) : "failure");
		buf_release(&got);
	}
	json_decref(root);
	free(text);
	free(path);
	return all;
}

int
main(void)
{
	const char *shared = getenv("KPWATCH_SHARED");
	char *path = xasprintf("%s/captures/data/wpt-url/urltestdata.json",
	    shared == NULL ? "../shared" : shared);
	char *text = read_data(path);
	size_t web = 0, web_right = 0, all = 0, all_right = 0, excused = 0;
	size_t hosts, hosts_right = 0;
	json_error_t error;
	json_t *root, *t;
	size_t i;

	if (text == NULL) {
		printf("1..0 # SKIP no %s\n", path);
		return 77;
	}
	root = json_loads(text, JSON_ALLOW_NUL, &error);
	if (root == NULL) {
		fprintf(stderr, "%s: %s\n", path, error.text);
		return 1;
	}
	json_array_foreach(root, i, t)
	{
		const char *got, *reason;
		const char *input =
		    json_string_value(json_object_get(t, "input"));
		bool right, is_http;

		if (!json_is_object(t))
			continue;
		right = case_right(t, &got);
		is_http = is_web(input) ||
		    is_web(json_string_value(json_object_get(t, "base")));
		reason = right ? NULL : exception_for(input);
		all++;
		web += is_http;
		if (reason != NULL) {
			printf("# excused \"%s\": %s\n", input, reason);
			excused++;
			all--;
			web -= is_http;
			continue;
		}
		all_right += right;
		web_right += is_http && right;
		if (!right)
			printf("# miss%s \"%s\" against %s\n#   want %s\n"
			       "#   got  %s\n",
			    is_http ? "" : " (other scheme)", input,
			    json_is_string(json_object_get(t, "base"))
				? json_string_value(json_object_get(t, "base"))
				: "nothing",
			    json_is_true(json_object_get(t, "failure"))
				? "failure"
				: json_string_value(json_object_get(t, "href")),
			    got);
	}
	hosts =
	    check_hosts(shared == NULL ? "../shared" : shared, &hosts_right);
	printf("1..3\n%sok 1 - http and https: %zu of %zu right, %zu excused\n",
	    web == web_right ? "" : "not ", web_right, web, excused);
	printf("%sok 2 - all schemes: %zu of %zu right\n",
	    all == all_right ? "" : "not ", all_right, all);
	printf("%sok 3 - host names: %zu of %zu right\n",
	    hosts == hosts_right ? "" : "not ", hosts_right, hosts);
	json_decref(root);
	free(text);
	free(path);
	return all == all_right && hosts == hosts_right ? 0 : 1;
}
