/* The configuration: shipped files, every kind of mistake with its place,
 * overrides, the wire form, and what 10,000 targets cost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/stat.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "config_check.h"
#include "document.h"
#include "instant.h"
#include "limit.h"
#include "schema.h"

static char folder[] = "/tmp/kpwatch-config-XXXXXX";

static const char good_settings[] = "vantage: test-1\n";
static const char good_sites[] =
    "sites:\n"
    "  - id: one\n"
    "    name: One\n"
    "    category: news\n"
    "    status: active\n"
    "    source: test\n"
    "    pages:\n"
    "      - {name: main, url: \"http://one.example/\"}\n"
    "      - {name: article, url: \"http://one.example/\", match: \"*/a/*\","
    " sample: 2}\n"
    "  - id: two\n"
    "    name: Two\n"
    "    category: portal\n"
    "    languages: [ko, en]\n"
    "    status: offline\n"
    "    source: [a, b]\n";
static const char good_accounts[] =
    "accounts:\n"
    "  - {id: tw-one, platform: twitter, account: one, site: one,\n"
    "     url: \"https://twitter.com/one\", attribution: official,\n"
    "     status: unknown, source: test}\n"
    "  - {id: yt-two, platform: youtube, name: not seen,\n"
    "     attribution: suspected, status: terminated, source: test}\n";

static char *
file_path(const char *name)
{
	return xasprintf("%s/%s", folder, name);
}

static void
put_file(const char *name, const char *text, size_t n)
{
	char *path = file_path(name);
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, 0600), 0);
	free(path);
}

static void
put_files(const char *settings, const char *sites, const char *accounts)
{
	put_file("kpwatch.yaml", settings, strlen(settings));
	put_file("sites.yaml", sites, strlen(sites));
	put_file("accounts.yaml", accounts, strlen(accounts));
}

static struct config *
load(struct config_errors *e, const char *override)
{
	char *path = file_path("kpwatch.yaml");
	char *overrides[] = {xstrdup(override)};
	struct config *c;

	c = config_load(path, overrides, override == NULL ? 0 : 1, e);
	free(overrides[0]);
	free(path);
	return c;
}

/* "FILE:LINE:COLUMN: MESSAGE", FILE without its folder. */
static bool
has_error(const struct config_errors *e, const char *file, uint32_t line,
    uint32_t column, const char *part)
{
	for (size_t i = 0; i < e->count; i++)
		if (span_ends_i(span_of(e->list[i].file), file) &&
		    e->list[i].line == line && e->list[i].column == column &&
		    strstr(e->list[i].message, part) != NULL)
			return true;
	config_errors_print(e);
	return false;
}

static void
expect_error(const char *override, const char *file, uint32_t line,
    uint32_t column, const char *part)
{
	struct config_errors e = {NULL, 0, 0};

	assert_null(load(&e, override));
	assert_true(has_error(&e, file, line, column, part));
	config_errors_release(&e);
}

static struct config *
load_good(const char *override)
{
	struct config_errors e = {NULL, 0, 0};
	struct config *c = load(&e, override);

	config_errors_print(&e);
	assert_non_null(c);
	assert_int_equal(e.count, 0);
	return c;
}

static void
reads_all_fields(void **state)
{
	const struct target *t;
	struct config *c;

	(void)state;
	put_files(good_settings, good_sites, good_accounts);
	c = load_good(NULL);
	assert_string_equal(c->vantage, "test-1");
	assert_int_equal(c->interval, 15 * 60 * 1000);
	assert_int_equal(c->body_limit, 8 * 1024 * 1024);
	assert_int_equal(c->ntargets, 4);
	t = config_target(c, "one");
	assert_int_equal(t->npages, 2);
	assert_string_equal(t->pages[1].match, "*/a/*");
	assert_int_equal(t->pages[1].sample, 2);
	assert_int_equal(config_interval(c, t), c->interval);
	t = config_target(c, "two");
	assert_string_equal(t->languages, "ko;en");
	assert_string_equal(t->source, "a ; b");
	assert_int_equal(t->npages, 0);
	assert_int_equal(config_interval(c, t), c->interval_dead);
	t = config_target(c, "tw-one");
	assert_true(t->account);
	assert_string_equal(t->pages[0].url, "https://twitter.com/one");
	assert_int_equal(config_interval(c, t), c->interval_account);
	assert_string_equal(t->name, "twitter/one");
	t = config_target(c, "yt-two");
	assert_int_equal(t->npages, 0);
	assert_int_equal(config_interval(c, t), c->interval_dead);
	assert_null(config_target(c, "three"));
	config_free(c);
}

static void
overrides_any_key(void **state)
{
	struct config *c;

	(void)state;
	put_files(good_settings, good_sites, good_accounts);
	c = load_good("intervals.active=5m");
	assert_int_equal(c->interval, 5 * 60 * 1000);
	config_free(c);
	c = load_good("network.allow=[10.0.0.0/8, \"fd00::/8\"]");
	assert_int_equal(c->nallow_networks, 2);
	assert_string_equal(c->allow_networks[1], "fd00::/8");
	config_free(c);
	c = load_good("intervals={active: 1m, dead: 2m}");
	assert_int_equal(c->interval_dead, 120000);
	config_free(c);
	c = load_good("user_agent=a: b # c");
	assert_string_equal(c->user_agent, "a: b # c");
	config_free(c);
	c = load_good("vantage=");
	assert_string_not_equal(c->vantage, "test-1");
	config_free(c);
	expect_error("intervals.active=5x", "-o intervals.active=5x", 0, 0,
	    "must be a duration");
	expect_error("intervals.nope=5x", "-o intervals.nope=5x", 0, 0,
	    "unknown key nope");
	expect_error("vantage.x=1", "-o vantage.x=1", 0, 0, "no such key");
	expect_error("nothing", "-o nothing", 0, 0, "key=value");
	expect_error("hooks=[{", "-o hooks=[{", 0, 0, "not YAML");
}

static void
overrides_inside_lists(void **state)
{
	char *tool = file_path("tool");
	char *settings =
	    xasprintf("hooks:\n  - {name: a, command: %s}\n", tool);
	struct config *c;

	(void)state;
	put_file("tool", "#!/bin/sh\n", 10);
	assert_int_equal(chmod(tool, 0755), 0);
	put_files(settings, good_sites, good_accounts);
	c = load_good("hooks.0.timeout=5s");
	assert_int_equal(c->nhooks, 1);
	assert_int_equal(c->hooks[0].timeout, 5000);
	assert_int_equal(c->hooks[0].attempts, 12);
	config_free(c);
	expect_error("hooks.1.timeout=5s", "-o hooks.1.timeout=5s", 0, 0,
	    "no such key");
	assert_int_equal(chmod(tool, 0777), 0);
	expect_error(NULL, "kpwatch.yaml", 2, 24, "chmod go-w");
	assert_int_equal(chmod(tool, 0644), 0);
	expect_error(NULL, "kpwatch.yaml", 2, 24, "may not be run");
	free(settings);
	free(tool);
}

static void
names_every_mistake(void **state)
{
	struct config_errors e = {NULL, 0, 0};

	(void)state;
	put_files("intervalls: 3\nintervals: {active: 15x}\n"
		  "limits:\n  body: 4 MB\n  concurrency: 0\n"
		  "network:\n  allow: [10.0.0.1/8]\n  controls: "
		  "[\"ftp://x/\"]\n"
		  "vantage: \"a\\nb\"\nproxy: \"a\\rb\"\nlog: \"/a\\0b\"\n",
	    "sites:\n"
	    "  - {id: x, name: X, category: nws, status: active, source: s}\n"
	    "  - {id: x, name: X, category: news, status: active, source: s}\n"
	    "  - {id: y, name: Y, category: news, status: up, source: s,\n"
	    "     pages: [{name: main, url: \"http://exa mple/\"}]}\n",
	    "accounts:\n"
	    "  - {id: x, platform: p, attribution: fan, status: unknown,\n"
	    "     source: s, site: zz}\n");
	assert_null(load(&e, NULL));
	assert_true(has_error(&e, "kpwatch.yaml", 1, 1, "unknown key"));
	assert_true(has_error(&e, "kpwatch.yaml", 2, 21, "duration"));
	assert_true(has_error(&e, "kpwatch.yaml", 4, 9, "a size such as"));
	assert_true(has_error(&e, "kpwatch.yaml", 5, 16, "between 1 and"));
	assert_true(has_error(&e, "kpwatch.yaml", 7, 11, "address bits"));
	assert_true(has_error(&e, "kpwatch.yaml", 8, 14, "http or https"));
	assert_true(has_error(&e, "kpwatch.yaml", 9, 10, "line break"));
	assert_true(has_error(&e, "kpwatch.yaml", 10, 8, "line break"));
	assert_true(has_error(&e, "kpwatch.yaml", 11, 6, "NUL"));
	assert_true(has_error(&e, "sites.yaml", 2, 32, "none of news"));
	assert_true(has_error(&e, "sites.yaml", 3, 10, "given twice"));
	assert_true(has_error(&e, "sites.yaml", 4, 46, "none of active"));
	assert_true(has_error(&e, "sites.yaml", 5, 32, "no URL may hold"));
	assert_true(has_error(&e, "accounts.yaml", 2, 10, "given twice"));
	assert_true(has_error(&e, "accounts.yaml", 3, 23, "no site 'zz'"));
	assert_int_equal(e.count, 15);
	config_errors_release(&e);
}

static void
refuses_yaml_beyond_need(void **state)
{
	char deep[200];

	(void)state;
	put_files("a: &x 1\n", good_sites, good_accounts);
	expect_error(NULL, "kpwatch.yaml", 1, 4, "anchors");
	put_files("vantage: *x\n", good_sites, good_accounts);
	expect_error(NULL, "kpwatch.yaml", 1, 10, "aliases");
	put_files("vantage: a\n---\nb: c\n", good_sites, good_accounts);
	expect_error(NULL, "kpwatch.yaml", 2, 1, "one document");
	put_files("vantage: a\nvantage: b\n", good_sites, good_accounts);
	expect_error(NULL, "kpwatch.yaml", 2, 1, "given twice");
	put_files("vantage: [\n", good_sites, good_accounts);
	expect_error(NULL, "kpwatch.yaml", 2, 1, "not YAML");
	put_files("vantage: \xff\n", good_sites, good_accounts);
	expect_error(NULL, "kpwatch.yaml", 1, 1, "not YAML");
	put_files("- a\n", good_sites, good_accounts);
	expect_error(NULL, "kpwatch.yaml", 1, 1, "must be a map");
	memset(deep, '[', sizeof deep - 1);
	deep[sizeof deep - 1] = '\0';
	put_files(deep, good_sites, good_accounts);
	expect_error(NULL, "kpwatch.yaml", 1, 17, "too deeply");
	put_files("", "", good_accounts);
	expect_error(NULL, "sites.yaml", 1, 1, "'sites' is missing");
}

static void
refuses_files_of_others(void **state)
{
	char *path = file_path("sites.yaml");

	(void)state;
	put_files(good_settings, good_sites, good_accounts);
	assert_int_equal(chmod(path, 0666), 0);
	expect_error(NULL, "sites.yaml", 0, 0, "chmod go-w");
	assert_int_equal(chmod(path, 0600), 0);
	if (geteuid() == 0) {
		assert_int_equal(chown(path, 54321, 54321), 0);
		expect_error(NULL, "sites.yaml", 0, 0, "belongs to user");
		assert_int_equal(chown(path, 0, 54321), 0);
		assert_int_equal(chmod(path, 0660), 0);
		expect_error(NULL, "sites.yaml", 0, 0, "chmod go-w");
	}
	assert_int_equal(unlink(path), 0);
	expect_error(NULL, "sites.yaml", 0, 0, "cannot open");
	assert_int_equal(mkdir(path, 0700), 0);
	expect_error(NULL, "sites.yaml", 0, 0, "not a regular file");
	assert_int_equal(rmdir(path), 0);
	free(path);
}

static void
values_are_judged(void **state)
{
	static const struct {
		text_check *check;
		const char *text;
		bool good;
	} cases[] = {
	    {check_url, "http://a.example/", true},
	    {check_url, "HTTPS://a.example:8443/x?y=z#f", true},
	    {check_url, "http://[2001:db8::1]:80/", true},
	    {check_url, "http://192.0.2.1/", true},
	    {check_url, "http://조선.example/", true},
	    {check_url, "http://a_b.example", true},
	    {check_url, "http://", false},
	    {check_url, "http:///x", false},
	    {check_url, "http://a:0/", false},
	    {check_url, "http://a:65536/", false},
	    {check_url, "http://a:/", false},
	    {check_url, "http://a@b/", false},
	    {check_url, "http://300.1.1.1/", false},
	    {check_url, "http://0x7f/", false},
	    {check_url, "http://[::1/", false},
	    {check_url, "http://[::1]x/", false},
	    {check_url, "http://-a.example/", false},
	    {check_url, "http://a..example/", false},
	    {check_url, "javascript:alert(1)", false},
	    {check_url, "http://a/<hash>", false},
	    {check_network, "10.0.0.0/8", true},
	    {check_network, "192.0.2.7", true},
	    {check_network, "fd00::/8", true},
	    {check_network, "0.0.0.0/0", true},
	    {check_network, "10.0.0.0/33", false},
	    {check_network, "10.0.0.0/", false},
	    {check_network, "fd00::1/8", false},
	    {check_name_server, "192.0.2.53", true},
	    {check_name_server, "192.0.2.53:5353", true},
	    {check_name_server, "2001:db8::53", true},
	    {check_name_server, "[2001:db8::53]:53", true},
	    {check_name_server, "[2001:db8::53]", false},
	    {check_name_server, "192.0.2.53:0", false},
	    {check_name_server, "dns.example", false},
	    {check_name_server, "[", false},
	    {check_name_server, "", false},
	    {check_listen, "127.0.0.1:9464", true},
	    {check_listen, "[::1]:9464", true},
	    {check_listen, "0.0.0.0:9464", false},
	    {check_listen, "127.0.0.1", false},
	    {check_proxy, "socks5h://127.0.0.1:9050", true},
	    {check_proxy, "direct", true},
	    {check_proxy, "socks5h://127.0.0.1", false},
	    {check_proxy, "ftp://a:1", false},
	    {check_id, "a-b.c_9", true},
	    {check_id, "A", false},
	    {check_id, "", false},
	    {check_id, "a b", false},
	    {check_glob, "*/a/?", true},
	    {check_glob, "", false},
	    {check_glob, "a**", false},
	    {check_glob, "[a]", false},
	    {check_language, "zh-hant", true},
	    {check_language, "k o", false},
	    {check_language, "ko-", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		bool good = cases[i].check(cases[i].text) == NULL;

		if (good != cases[i].good)
			fail_msg("%s judged %s", cases[i].text,
			    good ? "good" : "bad");
	}
}

static void
sizes_are_read(void **state)
{
	int64_t v;

	(void)state;
	assert_true(size_parse(SPAN("4 MiB"), &v));
	assert_int_equal(v, 4 * 1024 * 1024);
	assert_true(size_parse(SPAN("512KiB"), &v));
	assert_int_equal(v, 512 * 1024);
	assert_true(size_parse(SPAN("17"), &v));
	assert_int_equal(v, 17);
	assert_false(size_parse(SPAN("4 MB"), &v));
	assert_false(size_parse(SPAN("-1"), &v));
	assert_false(size_parse(SPAN("9999999999999 GiB"), &v));
	assert_false(size_parse(SPAN(""), &v));
}

static void
globs_match(void **state)
{
	(void)state;
	assert_true(glob_match("*", ""));
	assert_true(glob_match("channel.*", "channel.added"));
	assert_false(glob_match("channel.*", "channel"));
	assert_true(glob_match("a?c", "abc"));
	assert_true(glob_match("a?c", "a조c"));
	assert_false(glob_match("a?c", "ac"));
	assert_true(glob_match("*b*c", "abbbbc"));
	assert_false(glob_match("*b*c", "abbbbd"));
	assert_false(glob_match("", "a"));
	assert_true(glob_match("", ""));
}

static void
wire_round_trip(void **state)
{
	struct buf a = BUF_INIT(CONFIG_BYTES_MAX);
	struct buf b = BUF_INIT(CONFIG_BYTES_MAX);
	struct config *c, *d;

	(void)state;
	put_files(good_settings, good_sites, good_accounts);
	c = load_good("network.name_servers=[192.0.2.1]");
	config_encode(c, &a);
	d = config_decode(buf_span(&a));
	assert_non_null(d);
	assert_string_equal(d->vantage, "test-1");
	assert_string_equal(d->name_servers[0], "192.0.2.1");
	assert_int_equal(d->ntargets, 4);
	assert_string_equal(d->targets[0].pages[1].match, "*/a/*");
	for (size_t i = 0; i < d->ntargets; i++)
		assert_ptr_equal(config_target(d, d->targets[i].id),
		    &d->targets[i]);
	assert_null(config_target(d, ""));
	assert_null(config_target(d, "zzz"));
	config_encode(d, &b);
	assert_true(span_eq(buf_span(&a), buf_span(&b)));
	config_free(d);
	/* Cut anywhere, it is refused; changed anywhere, nothing breaks. */
	for (size_t n = 0; n < a.len; n++)
		assert_null(config_decode(span_slice(buf_span(&a), 0, n)));
	for (size_t n = 0; n < a.len; n++) {
		a.data[n] = (char)(a.data[n] ^ 0xff);
		config_free(config_decode(buf_span(&a)));
		a.data[n] = (char)(a.data[n] ^ 0xff);
	}
	config_free(c);
	buf_release(&a);
	buf_release(&b);
}

static void
loads_many_targets(void **state)
{
	struct buf sites = BUF_INIT(64 * MIB);
	struct config *c;
	int64_t start;

	(void)state;
	buf_add_str(&sites, "sites:\n");
	for (int i = 0; i < 10000; i++)
		buf_addf(&sites,
		    "  - id: site-%d\n    name: Site %d\n"
		    "    operator: Somebody with a name\n    category: news\n"
		    "    languages: [ko, en, zh]\n    status: unknown\n"
		    "    status_since: listed 2016-09\n"
		    "    note: a note of the usual length, or a bit more\n"
		    "    source:\n      - https://a.example/%d\n      - b\n"
		    "    pages:\n      - {name: main, url: "
		    "\"http://site-%d.example/\"}\n",
		    i, i, i, i);
	put_files(good_settings, buf_str(&sites), "accounts: []\n");
	start = monotonic_us();
	c = load_good(NULL);
	print_message("10,000 targets (%zu KiB) loaded in %lld ms\n",
	    sites.len / 1024, (long long)((monotonic_us() - start) / 1000));
	assert_int_equal(c->ntargets, 10000);
	for (size_t i = 0; i < c->ntargets; i++)
		assert_ptr_equal(config_target(c, c->targets[i].id),
		    &c->targets[i]);
	config_free(c);
	buf_release(&sites);
}

static void
shipped_files_are_good(void **state)
{
	struct config_errors e = {NULL, 0, 0};
	const char *path = "conf/kpwatch.yaml";
	struct config *c;

	(void)state;
	if (access(path, R_OK) != 0)
		skip();
	c = config_load(path, NULL, 0, &e);
	config_errors_print(&e);
	assert_non_null(c);
	assert_true(c->ntargets >= 263);
	assert_non_null(config_target(c, "uriminzokkiri"));
	assert_string_equal(config_target(c, "sogwang")->pages[0].url,
	    "https://sogwang.com/");
	config_free(c);
	config_errors_release(&e);
}

static int
set_up(void **state)
{
	(void)state;
	return mkdtemp(folder) == NULL ? -1 : 0;
}

static int
tear_down(void **state)
{
	static const char *const names[] = {"kpwatch.yaml", "sites.yaml",
	    "accounts.yaml", "tool"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		char *path = file_path(names[i]);

		unlink(path);
		free(path);
	}
	return rmdir(folder);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(reads_all_fields),
	    cmocka_unit_test(overrides_any_key),
	    cmocka_unit_test(overrides_inside_lists),
	    cmocka_unit_test(names_every_mistake),
	    cmocka_unit_test(refuses_yaml_beyond_need),
	    cmocka_unit_test(refuses_files_of_others),
	    cmocka_unit_test(values_are_judged),
	    cmocka_unit_test(sizes_are_read),
	    cmocka_unit_test(globs_match),
	    cmocka_unit_test(wire_round_trip),
	    cmocka_unit_test(loads_many_targets),
	    cmocka_unit_test(shipped_files_are_good),
	};

	return cmocka_run_group_tests_name("config", tests, set_up, tear_down);
}
