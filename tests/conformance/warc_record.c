/* Records observations of each shape and reads them back in order; with a
 * folder as argument leaves them there for other programs to read. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "digest.h"
#include "gzip_write.h"
#include "limit.h"
#include "warc.h"

#define COUNT 60
#define START INT64_C(1547445603120)

enum shape { SHAPE_PLAIN, SHAPE_CHUNKED, SHAPE_GZIP, SHAPE_BOTH, SHAPES };

static void
add_response(struct hop *h, enum shape shape, const char *text)
{
	bool coded = shape == SHAPE_GZIP || shape == SHAPE_BOTH;
	char hex[65];

	sha256_hex(span_of(text), hex);
	if (coded)
		gzip_member(&h->body, span_of(text), GZIP_LEVEL);
	else
		buf_add_str(&h->body, text);
	buf_addf(&h->headers,
	    "HTTP/1.1 200 OK\r\nContent-Type: text/html; "
	    "charset=utf-8\r\nX-Decoded: sha256:%s\r\n",
	    hex);
	if (coded)
		buf_add_str(&h->headers, "Content-Encoding: gzip\r\n");
	if (shape == SHAPE_CHUNKED || shape == SHAPE_BOTH)
		buf_add_str(&h->headers, "Transfer-Encoding: chunked\r\n");
	else
		buf_addf(&h->headers, "Content-Length: %zu\r\n", h->body.len);
	buf_add_str(&h->headers, "\r\n");
	h->status = 200;
	h->http_version = 11;
	h->stage = STAGE_BODY;
}

static void
add_lookup(struct hop *h)
{
	h->dns.host = xstrdup("site.example");
	h->dns.rcode = 0;
	dns_record_add(&h->dns, SPAN("A"), 300, SPAN("192.0.2.1"));
	h->address = xstrdup("192.0.2.1");
}

static void
record(struct warc_writer *w, int64_t time, const char *url, enum shape shape,
    const char *text)
{
	struct observation o;
	struct hop *h;

	observation_init(&o);
	o.time = time;
	o.vantage = xstrdup("test");
	o.target = xstrdup("site");
	o.page = xstrdup("main");
	o.url = xstrdup(url);
	h = observation_add_hop(&o);
	h->url = xstrdup(url);
	add_lookup(h);
	if (text != NULL) {
		buf_addf(&h->request, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
		add_response(h, shape, text);
	} else {
		h->failure = FAILURE_CONNECTION_REFUSED;
		h->stage = STAGE_TCP;
	}
	if (!warc_writer_add(w, &o)) {
		perror("add");
		exit(1);
	}
	observation_release(&o);
}

static int
record_all(const char *folder)
{
	struct warc_writer_options options = {.rotate_bytes = 20000,
	    .deduplicate = true};
	struct warc_writer *w;
	char *why = NULL, *text, *url;
	int fd = open(folder, O_RDONLY | O_DIRECTORY);

	w = fd < 0 ? NULL : warc_writer_open(fd, &options, NULL, &why);
	if (w == NULL) {
		fprintf(stderr, "%s: %s\n", folder, why);
		exit(1);
	}
	for (int i = 0; i < COUNT; i++) {
		url = xasprintf("http://site.example/%d", i % 20);
		text =
		    xasprintf("<p>page %d as it is</p>", i < 40 ? i : i - 20);
		record(w, START + i * 1000, url, (enum shape)(i % SHAPES),
		    i % 7 == 6 ? NULL : text);
		free(text);
		free(url);
	}
	warc_writer_close(w);
	return fd;
}

/* Reads the folder's archives; returns the observations found whole. */
static int
read_all(int dirfd)
{
	struct warc_set *set = warc_set_new();
	struct observation o;
	int fds[32], n = 0, found = 0;

	for (; n < 32; n++) {
		char *name = xasprintf("kpwatch-20190114-%02d.warc.gz", n);

		fds[n] = openat(dirfd, name, O_RDONLY);
		if (fds[n] >= 0)
			warc_set_add(set, name, fds[n]);
		free(name);
		if (fds[n] < 0)
			break;
	}
	for (int i = 0; i < n; i++) {
		struct warc_source *s =
		    warc_source_new(set, (size_t)i, NULL, NULL);

		while (warc_source_next(s, &o) == 1) {
			found += o.time == START + found * 1000;
			observation_release(&o);
		}
		if (warc_source_damage(s) > 0)
			found = -1;
		warc_source_free(s);
	}
	warc_set_free(set);
	while (n-- > 0)
		close(fds[n]);
	return found;
}

static void
remove_all(const char *folder, int dirfd)
{
	for (int i = 0; i < 32; i++) {
		char *name = xasprintf("kpwatch-20190114-%02d.warc.gz", i);
		char *index = xasprintf("kpwatch-20190114-%02d.cdxj", i);

		unlinkat(dirfd, name, 0);
		unlinkat(dirfd, index, 0);
		free(name);
		free(index);
	}
	rmdir(folder);
}

int
main(int argc, char **argv)
{
	char folder[] = "/tmp/kpwatch-record-XXXXXX";
	int fd, found;

	digest_init();
	if (argc == 2) {
		close(record_all(argv[1]));
		return 0;
	}
	if (mkdtemp(folder) == NULL)
		return 1;
	fd = record_all(folder);
	found = read_all(fd);
	remove_all(folder, fd);
	close(fd);
	printf("%sok 1 - %d of %d observations read back in order\n",
	    found == COUNT ? "" : "not ", found, COUNT);
	return found != COUNT;
}
