#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "capture.h"
#include "command.h"
#include "crew.h"
#include "decode.h"
#include "digest.h"
#include "inspect.h"
#include "log.h"
#include "sandbox.h"

/* Enough of a file to tell what it is, compressed or not. */
enum { HEAD_BYTES = 4096, MAGIC_BYTES = 32 };

struct input {
	struct inspect_input in;
	char head[HEAD_BYTES];
};

static bool
read_head(struct input *f)
{
	size_t have = 0;
	ssize_t n;

	while (have < HEAD_BYTES) {
		n = read(f->in.fd, f->head + have, HEAD_BYTES - have);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			log_error("%s: %s", log_quote_str(f->in.name),
			    strerror(errno));
			return false;
		}
		if (n == 0)
			break;
		have += (size_t)n;
	}
	f->in.head = (struct span){f->head, have};
	return true;
}

static bool
is_capture(struct span head)
{
	struct inflater *z;
	char magic[MAGIC_BYTES];
	size_t n = 0;

	if (!gzip_looks(head))
		return capture_is(head);
	z = inflater_new(INFLATE_GZIP);
	inflater_step(z, &head, magic, sizeof magic, &n);
	inflater_free(z);
	return capture_is((struct span){magic, n});
}

static int
inspect_one(const char *name, int fd, const struct inspect_output *out)
{
	struct input f = {.in = {.name = name, .fd = fd}};

	if (!read_head(&f))
		return EXIT_FAILED;
	if (f.in.head.n == 0) {
		fprintf(stderr, "%s: empty file\n", log_quote_str(name));
		return EXIT_FAILED;
	}
	return is_capture(f.in.head) ? inspect_pcap(&f.in, out)
				     : inspect_warc(&f.in, out);
}

static void
allow_many_files(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

/* -1 and a message for what cannot be opened. */
static int
open_input(const char *name)
{
	int fd = strcmp(name, "-") == 0 ? STDIN_FILENO
					: open(name, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		log_error("%s: %s", log_quote_str(name), strerror(errno));
	return fd;
}

static bool
shut_in(void *arg)
{
	(void)arg;
	return sandbox_tool();
}

static int
inspect_all(const struct operands *in, struct inspect_output *out)
{
	int *fds = xcalloc(in->n, sizeof *fds);
	int code = EXIT_DONE;
	bool ok;

	allow_many_files();
	for (size_t i = 0; i < in->n; i++)
		fds[i] = open_input(in->names[i]);
	digest_init();
	out->crew = crew_new(crew_size(), shut_in, NULL, &ok);
	if (!ok || !sandbox_tool()) {
		crew_free(out->crew);
		free(fds);
		return EXIT_FAILED;
	}
	for (size_t i = 0; i < in->n; i++) {
		if (fds[i] < 0 ||
		    inspect_one(in->names[i], fds[i], out) != EXIT_DONE)
			code = EXIT_FAILED;
		if (fds[i] >= 0)
			close(fds[i]);
	}
	free(fds);
	crew_free(out->crew);
	if (fflush(out->to) != 0 || ferror(out->to)) {
		log_error("standard output: %s", strerror(errno));
		code = EXIT_FAILED;
	}
	return code;
}

static const char help_text[] =
    "Prints one line per HTTP exchange of a packet capture (pcap, pcapng) and\n"
    "one per record of a web archive (WARC, ARC), each plain or in gzip.\n"
    "\"-\" reads standard input.  What is damaged is read up to the damage,\n"
    "with a note on standard error, and the exit code is 1.\n\n"
    "  --json    one JSON object a line; length and sha256 are those of the\n"
    "            body after transfer and content decoding\n";

int
cmd_inspect(int argc, char **argv)
{
	static const struct option options[] = {{"json", no_argument, NULL,
						    'j'},
	    {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
	struct inspect_output out = {.to = stdout};
	struct operands in;
	int c, code;
	bool ok;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1)
		switch (c) {
		case 'j':
			out.json = true;
			break;
		case 'h':
			command_help("inspect", help_text);
			return EXIT_DONE;
		default:
			return command_usage("inspect");
		}
	if (optind >= argc)
		return command_usage("inspect");
	ok = operands_expand(&in, "inspect", argv + optind, argc - optind);
	code = in.n == 0 ? EXIT_FAILED : inspect_all(&in, &out);
	operands_release(&in);
	return ok ? code : EXIT_FAILED;
}
