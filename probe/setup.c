#include "setup.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command.h"
#include "limit.h"
#include "log.h"
#include "network.h"
#include "recognition.h"
#include "rules.h"
#include "verdict.h"

#define CA_BUNDLE_MAX	(16 * MIB)
#define RESOLV_CONF_MAX (64 * KIB)
#define SYSTEM_CA	"/etc/ssl/certs/ca-certificates.crt"
#define RESOLV_CONF	"/etc/resolv.conf"

static const struct option long_options[] = {
    {"json", no_argument, NULL, 'j'},
    {"help", no_argument, NULL, 'h'},
    {"all-hosts", no_argument, NULL, 'a'},
    {"timeline", no_argument, NULL, 't'},
    {"keylog", required_argument, NULL, 'k'},
    {NULL, 0, NULL, 0},
};

static bool
take_option(struct common_options *o, int letter)
{
	switch (letter) {
	case 'c':
		o->config_path = optarg;
		return true;
	case 's':
		o->state_dir = optarg;
		return true;
	case 'o':
		if (o->noverrides == OVERRIDES_MAX) {
			fprintf(stderr, "kpwatch: more than %d -o\n",
			    OVERRIDES_MAX);
			return false;
		}
		o->overrides[o->noverrides++] = optarg;
		return true;
	case 'j':
		o->json = true;
		return true;
	case 'a':
		o->all_hosts = true;
		return true;
	case 't':
		o->timeline = true;
		return true;
	case 'k':
		return key_logs_add(&o->keylogs, optarg);
	default:
		o->help = true;
		return true;
	}
}

int
common_options_parse(struct common_options *o, int argc, char **argv,
    const char *allowed)
{
	int letter;

	memset(o, 0, sizeof *o);
	optind = 1;
	while ((letter = getopt_long(argc, argv, "c:s:o:h", long_options,
		    NULL)) != -1) {
		if (letter == '?' ||
		    (letter != 'h' && strchr(allowed, letter) == NULL)) {
			if (letter != '?')
				fprintf(stderr,
				    "kpwatch %s: option '%c' is not for this "
				    "command\n",
				    argv[0], letter);
			command_usage(argv[0]);
			return -1;
		}
		if (!take_option(o, letter))
			return -1;
	}
	return optind;
}

/* Reads a whole file; false with errno. */
static bool
read_file(const char *path, struct buf *out, size_t max)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = -1;
	char *at;

	buf_init(out, max);
	if (fd < 0)
		return false;
	while ((at = buf_reserve(out, 64 * KIB)) != NULL &&
	    (n = read(fd, at, 64 * KIB)) > 0)
		out->len += (size_t)n;
	if (at == NULL)
		errno = EFBIG;
	close(fd);
	return at != NULL && n == 0;
}

static bool
load_rules(struct setup *s, struct config_errors *errors)
{
	char *path = config_beside(s->config_path, "platforms.yaml");
	struct rules *rules = rules_load(path, errors);

	free(path);
	if (rules == NULL)
		return false;
	buf_init(&s->rules, CONFIG_BYTES_MAX);
	rules_encode(rules, &s->rules);
	buf_init(&s->recognition, CONFIG_BYTES_MAX);
	recognition_encode(rules, buf_span(&s->rules), &s->recognition);
	rules_free(rules);
	return !s->rules.overflow && !s->recognition.overflow;
}

static bool
load_verdicts(struct setup *s, struct config_errors *errors)
{
	char *path = config_beside(s->config_path, "verdicts.yaml");
	struct verdict_rules *rules = verdict_load(path, errors);

	free(path);
	if (rules == NULL)
		return false;
	buf_init(&s->verdicts, CONFIG_BYTES_MAX);
	verdict_encode(rules, &s->verdicts);
	verdict_free(rules);
	return !s->verdicts.overflow;
}

struct rules *
setup_rules(const char *command, const char *given)
{
	struct config_errors errors = {NULL, 0, 0};
	char *config = config_find(given), *path;
	struct rules *rules;

	if (config == NULL) {
		fprintf(stderr,
		    "kpwatch %s: no configuration found; "
		    "name one with -c\n",
		    command);
		return NULL;
	}
	path = config_beside(config, "platforms.yaml");
	rules = rules_load(path, &errors);
	config_errors_print(&errors);
	config_errors_release(&errors);
	free(config);
	free(path);
	return rules;
}

bool
setup_load(struct setup *s, const struct common_options *o)
{
	struct config_errors errors = {0};
	bool ok = true;

	memset(s, 0, sizeof *s);
	s->config_path = config_find(o->config_path);
	if (s->config_path == NULL) {
		fprintf(stderr,
		    "kpwatch: no configuration file found; name "
		    "one with -c FILE\n");
		return false;
	}
	s->config =
	    config_load(s->config_path, o->overrides, o->noverrides, &errors);
	ok = s->config != NULL;
	/* The rules too, so that every error is told at once. */
	ok = load_rules(s, &errors) && ok;
	ok = load_verdicts(s, &errors) && ok;
	config_errors_print(&errors);
	config_errors_release(&errors);
	if (!ok)
		setup_release(s);
	return ok;
}

static void
add_system_name_servers(struct config *c)
{
	struct buf text;
	struct span rest;

	if (!read_file(RESOLV_CONF, &text, RESOLV_CONF_MAX)) {
		buf_release(&text);
		return;
	}
	rest = buf_span(&text);
	while (rest.p != NULL) {
		struct span line = span_trim(span_token(&rest, '\n'));
		size_t n = 0;

		if (!span_starts(line, "nameserver"))
			continue;
		line = span_trim(span_slice(line, 10, line.n));
		while (n < line.n && !ascii_space(line.p[n]))
			n++;
		c->name_servers = xreallocarray(c->name_servers,
		    c->nname_servers + 1, sizeof *c->name_servers);
		c->name_servers[c->nname_servers++] =
		    span_dup(span_slice(line, 0, n));
	}
	buf_release(&text);
}

static bool
holds_certificates(const char *path, struct span pem)
{
	size_t count;
	struct trust *trust = trust_new(pem, &count);

	trust_free(trust);
	if (trust == NULL)
		fprintf(stderr,
		    "kpwatch: there is no valid certificate in %s; install "
		    "ca-certificates or set network.ca_file\n",
		    path);
	return trust != NULL;
}

bool
setup_load_network(struct setup *s)
{
	const char *path =
	    s->config->ca_file != NULL ? s->config->ca_file : SYSTEM_CA;

	if (s->config->nname_servers == 0)
		add_system_name_servers(s->config);
	if (read_file(path, &s->ca_bundle, CA_BUNDLE_MAX))
		return holds_certificates(path, buf_span(&s->ca_bundle));
	fprintf(stderr,
	    "kpwatch: cannot read the certificate authorities in "
	    "%s: %s; install ca-certificates or set "
	    "network.ca_file\n",
	    path, strerror(errno));
	return false;
}

void
setup_release(struct setup *s)
{
	free(s->config_path);
	config_free(s->config);
	buf_release(&s->rules);
	buf_release(&s->recognition);
	buf_release(&s->verdicts);
	buf_release(&s->ca_bundle);
	memset(s, 0, sizeof *s);
}

bool
setup_folder(const char *path)
{
	char *copy = xstrdup(path);
	struct stat st;
	bool ok = true;

	for (char *p = copy + 1; ok && *p != '\0'; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		ok = mkdir(copy, 0755) == 0 || errno == EEXIST;
		*p = '/';
	}
	ok = ok && (mkdir(copy, 0700) == 0 || errno == EEXIST);
	free(copy);
	if (ok && stat(path, &st) == 0 && !S_ISDIR(st.st_mode)) {
		errno = ENOTDIR;
		ok = false;
	}
	if (ok && access(path, R_OK | W_OK | X_OK) == 0)
		return true;
	fprintf(stderr,
	    "kpwatch: cannot use the folder %s: %s; name another "
	    "one with -s STATE, or make it writable\n",
	    path, strerror(errno));
	return false;
}
