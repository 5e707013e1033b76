#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analysis.h"
#include "command.h"
#include "decode.h"
#include "json.h"
#include "limit.h"
#include "log.h"
#include "render.h"
#include "sandbox.h"
#include "setup.h"

/* a byte more than is looked at, so that the analysis sees what was cut */
#define SAVED_MAX	  (DECODED_BODY_MAX + 1)
#define SIGHTING_LINE_MAX (64 * KIB) /* one sighting as JSON */

static const char help[] =
    "  -c FILE     configuration; platforms.yaml is read beside it\n"
    "  --base URL  address of the page, for relative links and for what is\n"
    "              the site's own; without it a saved page has no site\n"
    "  --json      one object a line: file, kind, platform, name, url,\n"
    "              element, text, kit, count\n"
    "\n"
    "Saved pages may be compressed with gzip; \"-\" is standard input.\n"
    "Equal sightings of a page are one line; count says how many there are.\n";

struct extractor {
	struct rules *rules;
	struct analysis *analysis;
	const char *base;
	bool json;
	struct table *table;
	int code;
};

/* As much of the file as can count. */
static bool
read_all(int fd, const char *name, struct buf *out)
{
	size_t room;
	ssize_t n;

	while (out->len < SAVED_MAX) {
		room = SAVED_MAX - out->len;
		if (room > 64 * KIB)
			room = 64 * KIB;
		n = read(fd, buf_reserve(out, room), room);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			log_error("%s: %s", log_quote_str(name),
			    strerror(errno));
		if (n <= 0)
			return n == 0;
		out->len += (size_t)n;
	}
	return true;
}

static void
print_json(const char *file, const struct sighting *s)
{
	struct buf line = BUF_INIT(SIGHTING_LINE_MAX);
	struct json j;

	json_init(&j, &line);
	json_object(&j);
	json_key_str(&j, "file", file);
	json_key_str(&j, "kind", sighting_kind_name(s->kind));
	json_key_str(&j, "platform", s->platform);
	json_key_str(&j, "name", s->name);
	json_key_str(&j, "url", s->url);
	json_key_str(&j, "element", s->element);
	json_key_str(&j, "text", s->text);
	json_key_str(&j, "kit", s->kit);
	json_key_int(&j, "count", (int64_t)s->count);
	json_object_end(&j);
	buf_add_char(&line, '\n');
	fwrite(line.data, 1, line.len, stdout);
	buf_release(&line);
}

static void
print_row(struct table *t, const char *file, const struct sighting *s)
{
	enum paint paint = s->kind == SIGHTING_SUSPECT ? PAINT_BAD
	    : s->kind == SIGHTING_CHANNEL	       ? PAINT_GOOD
						       : PAINT_NONE;

	table_row(t);
	table_cell(t, file);
	table_cell_paint(t, paint, sighting_kind_name(s->kind));
	table_cell(t, s->platform);
	table_cell(t, s->name);
	table_cellf(t, "%u", s->count);
	table_cell(t, s->url != NULL ? s->url : s->element);
}

static void
extract(struct extractor *x, int fd, const char *name)
{
	struct buf raw = BUF_INIT(SAVED_MAX);
	struct analysis_input in = {.url = x->base,
	    .status = 200,
	    .content_type = SPAN("text/html")};
	struct finding f;

	finding_init(&f);
	if (!read_all(fd, name, &raw))
		x->code = EXIT_FAILED;
	in.body = buf_span(&raw);
	if (gzip_looks(in.body))
		in.codings = SPAN("gzip");
	analysis_page(x->analysis, &in, &f);
	for (size_t i = 0; i < f.nsightings; i++) {
		if (x->json)
			print_json(name, &f.sightings[i]);
		else
			print_row(x->table, name, &f.sightings[i]);
	}
	for (size_t i = 0; i < f.nnotes; i++)
		log_warn("%s: %s", log_quote_str(name), f.notes[i]);
	if (f.status == ANALYSIS_CUT)
		x->code = EXIT_FAILED;
	finding_release(&f);
	buf_release(&raw);
}

/* Opens every file; -1 for one that cannot be opened, which is said. */
static int *
open_all(char **names, int n, int *code)
{
	int *fds = xcalloc((size_t)n, sizeof(*fds));

	for (int i = 0; i < n; i++) {
		fds[i] = strcmp(names[i], "-") == 0
		    ? STDIN_FILENO
		    : open(names[i], O_RDONLY | O_CLOEXEC);
		if (fds[i] < 0) {
			log_error("%s: %s", log_quote_str(names[i]),
			    strerror(errno));
			*code = EXIT_FAILED;
		}
	}
	return fds;
}

static struct table *
new_table(void)
{
	struct table *t = table_new();

	table_column(t, "FILE", ALIGN_LEFT, true);
	table_column(t, "KIND", ALIGN_LEFT, false);
	table_column(t, "PLATFORM", ALIGN_LEFT, false);
	table_column(t, "NAME", ALIGN_LEFT, true);
	table_column(t, "COUNT", ALIGN_RIGHT, false);
	table_column(t, "URL OR ELEMENT", ALIGN_LEFT, true);
	return t;
}

static int
run(struct extractor *x, char **names, int n)
{
	int *fds = open_all(names, n, &x->code);

	analysis_init();
	/* from here on nothing that a page does can reach anything */
	if (!sandbox_tool()) {
		free(fds);
		return EXIT_FAILED;
	}
	x->analysis = analysis_new(x->rules, NULL);
	x->table = new_table();
	for (int i = 0; i < n; i++)
		if (fds[i] >= 0)
			extract(x, fds[i], names[i]);
	if (!x->json)
		table_print(x->table, stdout);
	table_free(x->table);
	analysis_free(x->analysis);
	free(fds);
	return x->code;
}

int
cmd_extract(int argc, char **argv)
{
	static const struct option options[] = {
	    {"base", required_argument, NULL, 'b'},
	    {"json", no_argument, NULL, 'j'},
	    {"help", no_argument, NULL, 'h'},
	    {NULL, 0, NULL, 0},
	};
	struct extractor x = {.code = EXIT_DONE};
	const char *config = NULL;
	int o, code;

	optind = 1;
	while ((o = getopt_long(argc, argv, "c:", options, NULL)) != -1) {
		if (o == 'h') {
			command_help("extract", help);
			return EXIT_DONE;
		}
		if (o == 'c')
			config = optarg;
		else if (o == 'b')
			x.base = optarg;
		else if (o == 'j')
			x.json = true;
		else
			return command_usage("extract");
	}
	if (optind == argc)
		return command_usage("extract");
	x.rules = setup_rules(argv[0], config);
	if (x.rules == NULL)
		return EXIT_USAGE;
	code = run(&x, argv + optind, argc - optind);
	rules_free(x.rules);
	return code;
}
