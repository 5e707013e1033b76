#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "limit.h"
#include "log.h"

void
config_errors_add(struct config_errors *e, const char *file, uint32_t line,
    uint32_t column, const char *fmt, ...)
{
	struct config_error *one;
	va_list ap;
	char *text;
	int n;

	if (e->count >= CONFIG_ERRORS_MAX)
		return;
	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0)
		fatal("out of memory");
	e->list = xgrow(e->list, &e->cap, e->count + 1, sizeof *e->list);
	one = &e->list[e->count++];
	*one = (struct config_error){xstrdup(file), line, column, text};
}

void
config_errors_print(const struct config_errors *e)
{
	for (size_t i = 0; i < e->count; i++) {
		const struct config_error *one = &e->list[i];

		if (one->line == 0)
			fprintf(stderr, "%s: %s\n", log_quote_str(one->file),
			    one->message);
		else
			fprintf(stderr, "%s:%u:%u: %s\n",
			    log_quote_str(one->file), one->line, one->column,
			    one->message);
	}
	if (e->count >= CONFIG_ERRORS_MAX)
		fprintf(stderr, "(more errors are not shown)\n");
}

void
config_errors_release(struct config_errors *e)
{
	for (size_t i = 0; i < e->count; i++) {
		free(e->list[i].file);
		free(e->list[i].message);
	}
	free(e->list);
	*e = (struct config_errors){NULL, 0, 0};
}

static int
compare_errors(const void *a, const void *b)
{
	const struct config_error *x = a, *y = b;

	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	return x->column < y->column ? -1 : x->column > y->column;
}

void
config_errors_sort(struct config_errors *e)
{
	struct config_error *list = e->list;
	struct config_error one;
	size_t from, end, i;

	for (from = 0; from < e->count; from = end) {
		end = from + 1;
		for (i = end; i < e->count; i++) {
			if (strcmp(list[i].file, list[from].file) != 0)
				continue;
			one = list[i];
			memmove(&list[end + 1], &list[end],
			    (i - end) * sizeof *list);
			list[end++] = one;
		}
		qsort(&list[from], end - from, sizeof *list, compare_errors);
	}
}
