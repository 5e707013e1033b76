/*
 * Texts by charset of two detectors' own test sets: the folder (or the file
 * name) tells the charset.  Each text must decode without a bad character in
 * the charset that it is said to be in, and detection is counted.  Exit 77
 * without the data.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "charset.h"
#include "limit.h"

static size_t files, detected, clean;

/* What a detector cannot know, with the reason. */
static const struct {
	const char *file;
	const char *reason;
} exceptions[] = {{"_mozilla_bug431054_text.html", "three characters in all"},
    {"iso-8859-7-greek/_ude_2.txt", "windows-1253 differs in two letters"},
    {"hlpro-readme.txt", "the detector does not know Johab"},
    {"iyagi-readme.txt", "the detector does not know Johab"}};

static size_t excused;

static bool
is_excused(const char *path)
{
	for (size_t i = 0; i < ARRAY_LEN(exceptions); i++)
		if (span_ends_i(span_of(path), exceptions[i].file)) {
			printf("# excused: %s: %s\n", path,
			    exceptions[i].reason);
			excused++;
			return true;
		}
	return false;
}

static size_t
bad_in(const struct charset *cs, struct span body)
{
	struct buf out = BUF_INIT(64 * MIB);
	uint32_t bad = 0;

	(void)charset_append(cs, body, &out, &bad);
	buf_release(&out);
	return bad;
}

static struct buf
load(const char *path)
{
	struct buf b = BUF_INIT(64 * MIB);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;
	char *to;

	while (fd >= 0 && (to = buf_reserve(&b, 65536)) != NULL &&
	    (n = read(fd, to, 65536)) > 0)
		b.len += (size_t)n;
	if (fd >= 0)
		close(fd);
	return b;
}

/* The text is right when it reads the same as in the expected charset. */
static bool
reads_alike(struct span body, const struct charset_choice *c,
    const struct charset *want)
{
	struct buf a = BUF_INIT(64 * MIB), b = BUF_INIT(64 * MIB);
	bool same;

	(void)charset_append(c->charset, span_slice(body, c->bom, body.n), &a,
	    NULL);
	(void)charset_append(want, span_slice(body, c->bom, body.n), &b, NULL);
	same = span_eq(buf_span(&a), buf_span(&b));
	buf_release(&a);
	buf_release(&b);
	return same;
}

static void
run_file(const char *path, struct span label)
{
	const struct charset *want = charset_find(label);
	struct buf body = load(path);
	struct charset_choice c;
	size_t bad;

	files++;
	if (want == NULL) {
		printf("# no charset %.*s: %s\n", SPAN_ARG(label), path);
		buf_release(&body);
		return;
	}
	charset_choose(buf_span(&body), SPAN_NULL, &c);
	bad = bad_in(want, span_slice(buf_span(&body), c.bom, body.len));
	if (bad == 0)
		clean++;
	else
		printf("# %zu bad in %.*s: %s\n", bad, SPAN_ARG(label), path);
	if (strcmp(c.from, "bom") == 0 ||
	    reads_alike(buf_span(&body), &c, want))
		detected++;
	else if (!is_excused(path))
		printf("# read as %s (%s): %s\n", charset_name(c.charset),
		    c.from, path);
	buf_release(&body);
}

/* "iso-8859-7-greek", "utf-8-sig": the label in front. */
static struct span
label_of(struct span name)
{
	while (name.n > 0 && charset_find(name) == NULL) {
		while (name.n > 0 && name.p[name.n - 1] != '-')
			name.n--;
		if (name.n > 0)
			name.n--;
	}
	return name;
}

static void
run_folder(const char *folder, struct span label)
{
	struct dirent *e;
	char path[4096];
	struct span own;
	DIR *d = opendir(folder);

	while (d != NULL && (e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, e->d_name);
		own = label;
		if (own.p == NULL) { /* "ko_euc-kr.smi" */
			own = span_of(e->d_name);
			own = span_slice(own, span_find(own, '_') + 1, own.n);
			own = span_slice(own, 0, span_find(own, '.'));
			if (span_ends_i(span_of(e->d_name), "utf-32.be"))
				own = SPAN("utf-32be");
		}
		run_file(path, own);
	}
	if (d != NULL)
		closedir(d);
}

int
main(void)
{
	const char *shared = getenv("KPWATCH_SHARED");
	char folder[2048], path[4096];
	struct dirent *e;
	DIR *d;

	if (shared == NULL)
		shared = "../shared";
	charset_init();
	snprintf(folder, sizeof(folder), "%s/captures/data/chardet", shared);
	d = opendir(folder);
	if (d == NULL) {
		printf("1..0 # SKIP no %s\n", folder);
		return 77;
	}
	while ((e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, e->d_name);
		run_folder(path, label_of(span_of(e->d_name)));
	}
	closedir(d);
	snprintf(folder, sizeof(folder), "%s/captures/data/uchardet", shared);
	run_folder(folder, SPAN_NULL);
	printf("# figure: texts by charset: %zu, without a bad character %zu, "
	       "detected right %zu, excused %zu\n",
	    files, clean, detected, excused);
	printf("%sok 1 - every text decodes in its charset\n",
	    clean == files && files > 0 ? "" : "not ");
	printf("%sok 2 - every charset is detected\n1..2\n",
	    detected + excused == files ? "" : "not ");
	return clean == files && files > 0 && detected + excused == files ? 0
									  : 1;
}
