/* The rules that are shipped, for a group of tests. */
#ifndef KPWATCH_SHIPPED_RULES_H
#define KPWATCH_SHIPPED_RULES_H

#include "cm.h"

#include "rules.h"

static struct rules *rules;

static int
rules_setup(void **state)
{
	struct config_errors errors = {NULL, 0, 0};

	(void)state;
	rules = rules_load("conf/platforms.yaml", &errors);
	config_errors_print(&errors);
	config_errors_release(&errors);
	return rules == NULL;
}

static int
rules_teardown(void **state)
{
	(void)state;
	rules_free(rules);
	return 0;
}

#endif
