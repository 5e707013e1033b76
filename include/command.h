/*
 * The commands of the program.  Each takes its own argument vector (argv[0]
 * is the command's name) and returns an exit code: 0 done, 1 failed or
 * damaged input, 2 usage or configuration.
 */
#ifndef KPWATCH_COMMAND_H
#define KPWATCH_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

enum exit_code { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

struct command {
	const char *name;
	const char *arguments; /* usage after the name */
	const char *summary;   /* one line */
	int (*run)(int argc, char **argv);
};

/* Prints "usage: kpwatch NAME ARGUMENTS" and the text of `help` (may be NULL)
 * to standard output; for --help. */
void command_help(const char *name, const char *help);
/* The same usage line to standard error; returns EXIT_USAGE. */
int command_usage(const char *name);

/* Files named on the command line, with the patterns expanded that the shell
 * left alone (it does so in a service's command line). */
struct operands {
	char **names;
	size_t n;
};
/* False when a pattern matches nothing, which was said; the rest is there. */
bool operands_expand(struct operands *, const char *command, char **argv,
    int n);
void operands_release(struct operands *);

int cmd_check(int argc, char **argv);
int cmd_classify(int argc, char **argv);
int cmd_config(int argc, char **argv);
int cmd_extract(int argc, char **argv);
int cmd_hooks(int argc, char **argv);
int cmd_inspect(int argc, char **argv);
int cmd_log(int argc, char **argv);
int cmd_replay(int argc, char **argv);
int cmd_run(int argc, char **argv);
int cmd_status(int argc, char **argv);
int cmd_verify(int argc, char **argv);

#endif
