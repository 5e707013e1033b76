#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bytes.h"
#include "command.h"
#include "log.h"

static void
add(struct operands *o, const char *name)
{
	o->names = xreallocarray(o->names, o->n + 1, sizeof *o->names);
	o->names[o->n++] = xstrdup(name);
}

static bool
expand_one(struct operands *o, const char *command, const char *operand)
{
	glob_t g;

	if (strpbrk(operand, "*?[") == NULL || access(operand, F_OK) == 0) {
		add(o, operand);
		return true;
	}
	if (glob(operand, 0, NULL, &g) != 0) {
		fprintf(stderr, "kpwatch %s: no file matches %s\n", command,
		    log_quote_str(operand));
		return false;
	}
	for (size_t i = 0; i < g.gl_pathc; i++)
		add(o, g.gl_pathv[i]);
	globfree(&g);
	return true;
}

bool
operands_expand(struct operands *o, const char *command, char **argv, int n)
{
	bool ok = true;

	memset(o, 0, sizeof *o);
	for (int i = 0; i < n; i++)
		ok = expand_one(o, command, argv[i]) && ok;
	return ok;
}

void
operands_release(struct operands *o)
{
	for (size_t i = 0; i < o->n; i++)
		free(o->names[i]);
	free(o->names);
	memset(o, 0, sizeof *o);
}
