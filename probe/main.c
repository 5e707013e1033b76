#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bytes.h"
#include "command.h"
#include "log.h"
#include "process.h"

static const struct command commands[] = {
    {"run", "[-c FILE] [-s STATE] [-o KEY=VALUE]...",
	"watch the catalogue, in the foreground", cmd_run},
    {"check", "[-c FILE] [-o KEY=VALUE]... [--json] [TARGET|URL]...",
	"one look now, a table of what was found", cmd_check},
    {"replay",
	"[-c FILE] [-s STATE] [-o KEY=VALUE]... [--all-hosts] "
	"[--timeline [--json]] [--keylog FILE]... FILE...",
	"captures through the same pipeline", cmd_replay},
    {"classify", "[-c FILE] [--json] [URL]...", "what the rules make of URLs",
	cmd_classify},
    {"config", "[-c FILE] [-o KEY=VALUE]... [--self-test]",
	"check the configuration", cmd_config},
    {"extract", "[-c FILE] [--json] [--base URL] FILE...",
	"sightings of saved pages", cmd_extract},
    {"hooks", "[--list] [--test NAME] [--retry] [-c FILE] [-s STATE]",
	"hooks, what waits for them, and dead letters", cmd_hooks},
    {"inspect", "[--json] [--keylog FILE]... FILE...",
	"what a capture or web archive holds", cmd_inspect},
    {"log",
	"[-c FILE] [-s STATE] [--since T] [--until T] [--type GLOB]"
	" [--target ID] [--follow] [--json] [FILE...]",
	"the change log", cmd_log},
    {"status", "[-c FILE] [-s STATE] [--json] [TARGET]",
	"targets, verdicts, counts, open hook deliveries", cmd_status},
    {"verify", "[-c FILE] [-s STATE] [FILE...]",
	"check change logs and their evidence", cmd_verify},
    {NULL, NULL, NULL, NULL},
};

static const struct command *
find(const char *name)
{
	for (const struct command *c = commands; c->name != NULL; c++)
		if (strcmp(c->name, name) == 0)
			return c;
	return NULL;
}

static void
print_overview(FILE *to)
{
	fprintf(to, "usage: kpwatch COMMAND [ARGUMENT]...\n\n");
	for (const struct command *c = commands; c->name != NULL; c++)
		fprintf(to, "  %-9s %s\n", c->name, c->summary);
	fprintf(to, "\n`kpwatch COMMAND --help` explains one command.\n");
}

void
command_help(const char *name, const char *help)
{
	const struct command *c = find(name);

	printf("usage: kpwatch %s %s\n\n%s.\n", name,
	    c == NULL ? "" : c->arguments, c == NULL ? "" : c->summary);
	if (help != NULL)
		printf("\n%s", help);
}

int
command_usage(const char *name)
{
	const struct command *c = find(name);

	fprintf(stderr, "usage: kpwatch %s %s\n", name,
	    c == NULL ? "" : c->arguments);
	return EXIT_USAGE;
}

/* Where one of the three is closed, the next file or socket would get its
 * place, and then what is meant for a person.  Reading from a closed input and
 * writing to a closed output go on to fail, hence the modes. */
static void
hold_places(void)
{
	static const int mode[] = {O_WRONLY, O_RDONLY, O_RDWR};
	int fd;

	for (int i = STDIN_FILENO; i <= STDERR_FILENO; i++) {
		if (fcntl(i, F_GETFD) >= 0)
			continue;
		/* The lowest that is free, so this one. */
		fd = open("/dev/null", mode[i]);
		if (fd != i)
			fatal("/dev/null: %s", strerror(errno));
	}
}

/* Output waits in a buffer, so that only now all of it is known to be out. */
static int
finish_output(int code)
{
	errno = 0;
	if (fflush(stdout) == 0 && !ferror(stdout))
		return code;
	log_error("standard output: %s",
	    errno == 0 ? "it took not all of it" : strerror(errno));
	return code == EXIT_DONE ? EXIT_FAILED : code;
}

static int
main_command(int argc, char **argv)
{
	const struct command *c;

	if (argc < 2) {
		print_overview(stderr);
		return EXIT_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0 ||
	    strcmp(argv[1], "-h") == 0) {
		print_overview(stdout);
		return EXIT_DONE;
	}
	if (strcmp(argv[1], "--version") == 0) {
		puts("kpwatch " KPWATCH_VERSION);
		return EXIT_DONE;
	}
	c = find(argv[1]);
	if (c == NULL) {
		fprintf(stderr,
		    "kpwatch: no command '%s'; "
		    "`kpwatch --help` lists them\n",
		    argv[1]);
		return EXIT_USAGE;
	}
	return c->run(argc - 1, argv + 1);
}

int
main(int argc, char **argv)
{
	hold_places();
	if (argc > 1 && strncmp(argv[1], "--role=", 7) == 0) {
		enum role role = role_from_name(argv[1] + 7);

		if (role != ROLE_COUNT)
			process_main(role);
	}
	return finish_output(main_command(argc, argv));
}
