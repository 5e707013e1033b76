/*
 * The daemon as it is, but that one process dies at one message: $KILL_AT is
 * "ROLE send|take TYPE NTH", and the process is killed when it is about to
 * send its NTH message of that type, or has received it and not looked at it.
 * The file $KILL_MARK, empty at first, says that it has happened: once is
 * enough.  Without $KILL_AT the messages of all are written to $KILL_MARK.
 *
 * Linked with the functions wrapped that every message goes through.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "channel.h"
#include "command.h"
#include "process.h"

static struct {
	enum role role;
	char at[64];   /* "send job" */
	unsigned left; /* until then; 0: never */
	int mark;
	bool trace;
} plan = {.mark = -1};

static void
plan_make(enum role role)
{
	const char *at = getenv("KILL_AT"), *mark = getenv("KILL_MARK");
	char who[16], direction[8], type[24];
	unsigned nth;

	plan.role = role;
	if (mark == NULL)
		return;
	plan.mark = open(mark, O_RDWR | O_APPEND | O_CLOEXEC);
	plan.trace = at == NULL;
	if (at == NULL ||
	    sscanf(at, "%15s %7s %23s %u", who, direction, type, &nth) != 4 ||
	    strcmp(who, role_name(role)) != 0)
		return;
	snprintf(plan.at, sizeof plan.at, "%s %s", direction, type);
	plan.left = nth;
}

/* Only what every filter allows: read, write, a signal to itself. */
static void
pass(const char *direction, enum message_type type)
{
	char line[64], byte;
	int n;

	if (plan.mark < 0)
		return;
	n = snprintf(line, sizeof line, "%s %s %s\n", role_name(plan.role),
	    direction, message_name(type));
	if (plan.trace) {
		if (write(plan.mark, line, (size_t)n) != n)
			_exit(1);
		return;
	}
	snprintf(line, sizeof line, "%s %s", direction, message_name(type));
	if (plan.left == 0 || strcmp(line, plan.at) != 0 || --plan.left > 0)
		return;
	if (read(plan.mark, &byte, 1) == 0 && write(plan.mark, "x", 1) == 1)
		raise(SIGKILL);
}

void __real_channel_send(struct channel *, enum message_type, uint64_t,
    struct span);
void __wrap_channel_send(struct channel *, enum message_type, uint64_t,
    struct span);
void __real_channel_send_fd(struct channel *, enum message_type, uint64_t,
    struct span, int);
void __wrap_channel_send_fd(struct channel *, enum message_type, uint64_t,
    struct span, int);
bool __real_connection_send(struct connection *, enum message_type, uint64_t,
    struct span);
bool __wrap_connection_send(struct connection *, enum message_type, uint64_t,
    struct span);
bool __real_connection_receive(struct connection *, struct message *);
bool __wrap_connection_receive(struct connection *, struct message *);
enum assembled __real_assembler_step(struct assembler *, struct span *,
    struct message *, bool *);
enum assembled __wrap_assembler_step(struct assembler *, struct span *,
    struct message *, bool *);

void
__wrap_channel_send(struct channel *ch, enum message_type type, uint64_t id,
    struct span data)
{
	pass("send", type);
	__real_channel_send(ch, type, id, data);
}

void
__wrap_channel_send_fd(struct channel *ch, enum message_type type, uint64_t id,
    struct span data, int fd)
{
	pass("send", type);
	__real_channel_send_fd(ch, type, id, data, fd);
}

bool
__wrap_connection_send(struct connection *c, enum message_type type,
    uint64_t id, struct span data)
{
	pass("send", type);
	return __real_connection_send(c, type, id, data);
}

bool
__wrap_connection_receive(struct connection *c, struct message *m)
{
	bool ok = __real_connection_receive(c, m);

	if (ok)
		pass("take", m->type);
	return ok;
}

enum assembled
__wrap_assembler_step(struct assembler *a, struct span *in, struct message *m,
    bool *wants_fd)
{
	enum assembled got = __real_assembler_step(a, in, m, wants_fd);

	if (got == ASSEMBLED_MESSAGE)
		pass("take", m->type);
	return got;
}

/* What main.c has for the commands. */
void
command_help(const char *name, const char *help)
{
	(void)name;
	(void)help;
}

int
command_usage(const char *name)
{
	(void)name;
	return EXIT_USAGE;
}

int
main(int argc, char **argv)
{
	enum role role = ROLE_PARENT;

	if (argc == 2 && strncmp(argv[1], "--role=", 7) == 0)
		role = role_from_name(argv[1] + 7);
	plan_make(role);
	if (role != ROLE_PARENT)
		process_main(role);
	return cmd_run(argc, argv);
}
