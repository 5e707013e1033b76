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
#include "key_log.h"
#include "log.h"
#include "sandbox.h"
#include "tls_cipher.h"

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

/* An open key log. */
struct secrets {
	char *name; /* owned */
	int fd;
};

/* What --keylog names and what lies beside the captures. */
struct all_secrets {
	struct secrets *files;
	size_t n, cap;
};

static void
add_secrets(struct all_secrets *all, char *name, int fd)
{
	all->files =
	    xgrow(all->files, &all->cap, all->n + 1, sizeof *all->files);
	all->files[all->n++] = (struct secrets){name, fd};
}

static bool
open_secrets(struct all_secrets *all, const struct key_logs *logs,
    const struct operands *in)
{
	char *name;
	bool ok = true;
	int fd;

	for (size_t i = 0; i < logs->n; i++) {
		fd = key_log_open(logs->names[i]);
		if (fd >= 0)
			add_secrets(all, xstrdup(logs->names[i]), fd);
		ok = ok && fd >= 0;
	}
	for (size_t i = 0; i < in->n; i++) {
		fd = key_log_beside(in->names[i], &name);
		if (fd >= 0)
			add_secrets(all, name, fd);
	}
	return ok;
}

/* Returns owned. */
static struct tls_keys *
read_secrets(struct all_secrets *all)
{
	struct tls_keys *keys = tls_keys_new();

	for (size_t i = 0; i < all->n; i++) {
		key_log_read(keys, all->files[i].fd, all->files[i].name);
		close(all->files[i].fd);
		free(all->files[i].name);
	}
	free(all->files);
	return keys;
}

static int
inspect_all(const struct operands *in, const struct key_logs *logs,
    struct inspect_output *out)
{
	int *fds = xcalloc(in->n, sizeof *fds);
	struct all_secrets secrets = {0};
	int code = EXIT_DONE;
	bool ok;

	allow_many_files();
	for (size_t i = 0; i < in->n; i++)
		fds[i] = open_input(in->names[i]);
	if (!open_secrets(&secrets, logs, in))
		code = EXIT_FAILED;
	digest_init();
	tls_cipher_init();
	out->crew = crew_new(crew_size(), shut_in, NULL, &ok);
	if (!ok || !sandbox_tool()) {
		crew_free(out->crew);
		free(fds);
		return EXIT_FAILED;
	}
	out->keys = read_secrets(&secrets);
	for (size_t i = 0; i < in->n; i++) {
		if (fds[i] < 0 ||
		    inspect_one(in->names[i], fds[i], out) != EXIT_DONE)
			code = EXIT_FAILED;
		if (fds[i] >= 0)
			close(fds[i]);
	}
	free(fds);
	key_log_say_dropped(out->keys);
	tls_keys_free(out->keys);
	crew_free(out->crew);
	return code;
}

static const char help_text[] =
    "Prints one line per HTTP exchange of a packet capture (pcap, pcapng) and\n"
    "one per record of a web archive (WARC, ARC), each plain or in gzip.\n"
    "\"-\" reads standard input.  What is damaged is read up to the damage,\n"
    "with a note on standard error, and the exit code is 1.\n\n"
    "  --json         one JSON object a line; length and sha256 are those of\n"
    "                 the body after transfer and content decoding\n"
    "  --keylog FILE  TLS secrets as SSLKEYLOGFILE has them; may be repeated.\n"
    "                 CAPTURE.keylog beside a CAPTURE and the secrets inside "
    "a\n"
    "                 pcapng file are used without it\n";

int
cmd_inspect(int argc, char **argv)
{
	static const struct option options[] = {{"json", no_argument, NULL,
						    'j'},
	    {"keylog", required_argument, NULL, 'k'},
	    {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
	struct inspect_output out = {.to = stdout};
	struct key_logs logs = {.n = 0};
	struct operands in;
	int c, code;
	bool ok;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1)
		switch (c) {
		case 'j':
			out.json = true;
			break;
		case 'k':
			if (!key_logs_add(&logs, optarg))
				return EXIT_USAGE;
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
	code = in.n == 0 ? EXIT_FAILED : inspect_all(&in, &logs, &out);
	operands_release(&in);
	return ok ? code : EXIT_FAILED;
}
