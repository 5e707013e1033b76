#include "cdxj.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file_write.h"
#include "instant.h"
#include "json.h"
#include "limit.h"
#include "url.h"

static void
add_lower(struct buf *out, struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		buf_add_char(out, ascii_lower(s.p[i]));
}

/* "www.", "www2." */
static struct span
strip_www(struct span host)
{
	size_t i = 3;

	if (!span_starts_i(host, "www"))
		return host;
	while (i < host.n && ascii_digit(host.p[i]))
		i++;
	if (i + 1 < host.n && host.p[i] == '.')
		return span_slice(host, i + 1, host.n);
	return host;
}

static void
add_host(struct buf *out, const struct url *u)
{
	struct span host = u->host;

	if (u->host_kind != URL_HOST_DOMAIN) {
		add_lower(out, host);
		return;
	}
	host = strip_www(host);
	while (host.n > 0) {
		size_t dot = host.n;

		while (dot > 0 && host.p[dot - 1] != '.')
			dot--;
		add_lower(out, span_slice(host, dot, host.n));
		if (dot == 0)
			break;
		buf_add_char(out, ',');
		host.n = dot - 1;
	}
}

static int
span_order(const void *a, const void *b)
{
	return span_cmp(*(const struct span *)a, *(const struct span *)b);
}

static void
add_query(struct buf *out, struct span query)
{
	struct buf lower = BUF_INIT(URL_MAX_LEN);
	struct span *args, rest;
	size_t n = 0;

	add_lower(&lower, query);
	rest = buf_span(&lower);
	args = xcalloc(lower.len + 1, sizeof *args);
	while (rest.p != NULL)
		args[n++] = span_token(&rest, '&');
	qsort(args, n, sizeof *args, span_order);
	for (size_t i = 0; i < n; i++) {
		buf_add_char(out, i == 0 ? '?' : '&');
		buf_add_span(out, args[i]);
	}
	free(args);
	buf_release(&lower);
}

static void
add_raw(struct buf *out, struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		if ((unsigned char)s.p[i] <= ' ')
			buf_addf(out, "%%%02X", (unsigned char)s.p[i]);
		else
			buf_add_char(out, s.p[i]);
	}
}

void
cdxj_key(struct span uri, struct buf *out)
{
	struct url u;
	struct span path;

	url_init(&u);
	if (!url_parse(&u, uri, NULL) || u.opaque_path || u.host.n == 0) {
		add_raw(out, uri);
		url_release(&u);
		return;
	}
	add_host(out, &u);
	if (u.port >= 0)
		buf_addf(out, ":%d", (int)u.port);
	buf_add_char(out, ')');
	path = u.path;
	while (path.n > 1 && path.p[path.n - 1] == '/')
		path.n--;
	if (path.n == 0)
		path = SPAN("/");
	add_lower(out, path);
	if (u.query.n > 0)
		add_query(out, u.query);
	url_release(&u);
}

static void
key_number(struct json *j, const char *key, uint64_t v)
{
	char text[24];

	snprintf(text, sizeof text, "%llu", (unsigned long long)v);
	json_key_str(j, key, text);
}

/* Read by cdxj_parse(). */
void
cdxj_line(const struct cdxj_entry *e, struct buf *out)
{
	char text[INSTANT_TEXT_MAX];
	struct json j;

	cdxj_key(e->uri, out);
	buf_addf(out, " %s ", instant_stamp(e->date, text));
	json_init(&j, out);
	json_object(&j);
	json_key_span(&j, "url", e->uri);
	json_key_span(&j, "mime", e->mime);
	if (e->status != 0)
		key_number(&j, "status", (uint64_t)e->status);
	if (e->digest.n > 0)
		json_key_span(&j, "digest", e->digest);
	key_number(&j, "length", e->length);
	key_number(&j, "offset", e->offset);
	json_key_span(&j, "filename", e->file);
	json_key_str(&j, "date", instant_text(e->date, text));
	json_object_end(&j);
	buf_add_char(out, '\n');
}

/* The string value of a key: `"key":"` cannot stand inside a JSON string
 * unescaped, so that a search finds it.  p NULL when absent or escaped. */
static struct span
member(struct span json, const char *key)
{
	char pattern[32];
	size_t at, end;
	struct span v;

	snprintf(pattern, sizeof pattern, "\"%s\":\"", key);
	at = span_search(json, pattern);
	if (at == json.n)
		return SPAN_NULL;
	v = span_slice(json, at + strlen(pattern), json.n);
	end = span_find(v, '"');
	if (end == v.n)
		return SPAN_NULL;
	v.n = end;
	return span_find(v, '\\') == v.n ? v : SPAN_NULL;
}

/* Written by cdxj_line(). */
bool
cdxj_parse(struct span line, struct cdxj_entry *e)
{
	uint64_t status = 0;
	struct span json = line, text;

	span_token(&json, ' ');
	span_token(&json, ' ');
	if (json.p == NULL || json.n < 2 || json.p[0] != '{')
		return false;
	memset(e, 0, sizeof *e);
	e->uri = member(json, "url");
	e->mime = member(json, "mime");
	e->digest = member(json, "digest");
	e->file = member(json, "filename");
	text = member(json, "status");
	if (text.n > 0 && (!span_u64(text, &status) || status > 999))
		return false;
	e->status = (int)status;
	return instant_parse(member(json, "date"), &e->date) &&
	    span_u64(member(json, "offset"), &e->offset) &&
	    span_u64(member(json, "length"), &e->length);
}

bool
cdxj_load(int dirfd, const char *name, struct buf *out)
{
	int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	ssize_t n = 0;
	char *at;

	if (fd < 0)
		return false;
	while ((at = buf_reserve(out, 64 * KIB)) != NULL &&
	    (n = read(fd, at, 64 * KIB)) > 0)
		out->len += (size_t)n;
	close(fd);
	if (at == NULL)
		errno = EFBIG;
	return at != NULL && n == 0;
}

static void
sort_lines(struct span text, struct buf *out)
{
	struct span *lines = NULL, line;
	size_t n = 0, cap = 0;

	while (text.p != NULL) {
		line = span_token(&text, '\n');
		if (line.n == 0)
			continue;
		lines = xgrow(lines, &cap, n + 1, sizeof *lines);
		lines[n++] = line;
	}
	if (n > 0)
		qsort(lines, n, sizeof *lines, span_order);
	for (size_t i = 0; i < n; i++) {
		if (i > 0 && span_eq(lines[i], lines[i - 1]))
			continue;
		buf_add_span(out, lines[i]);
		buf_add_char(out, '\n');
	}
	free(lines);
}

bool
cdxj_replace(int dirfd, const char *name, struct span bytes)
{
	char *temp = xasprintf("%s.new", name);
	int fd = openat(dirfd, temp,
	    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
	bool ok = fd >= 0 && file_write(fd, bytes) && fdatasync(fd) == 0;
	int saved;

	if (ok)
		ok = renameat(dirfd, temp, dirfd, name) == 0;
	saved = errno;
	if (fd >= 0)
		close(fd);
	if (!ok)
		unlinkat(dirfd, temp, 0);
	free(temp);
	errno = saved;
	return ok;
}

bool
cdxj_sort(int dirfd, const char *name)
{
	struct buf text = BUF_INIT(CDXJ_BYTES_MAX);
	struct buf sorted = BUF_INIT(CDXJ_BYTES_MAX);
	bool ok = cdxj_load(dirfd, name, &text);

	if (ok) {
		sort_lines(buf_span(&text), &sorted);
		ok = !span_eq(buf_span(&text), buf_span(&sorted))
		    ? cdxj_replace(dirfd, name, buf_span(&sorted))
		    : true;
	}
	buf_release(&text);
	buf_release(&sorted);
	return ok;
}
