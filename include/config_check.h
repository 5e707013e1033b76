/*
 * What makes a value of the configuration good.  The text checks return NULL,
 * or the end of a sentence that begins with the value.
 */
#ifndef KPWATCH_CONFIG_CHECK_H
#define KPWATCH_CONFIG_CHECK_H

#include "config.h"
#include "document.h"

/* Absolute http or https URL without credentials, spaces or characters that
 * RFC 3986 does not allow unescaped. */
const char *check_url(const char *);
/* http, https, socks5 or socks5h with a host and a port; or "direct". */
const char *check_proxy(const char *);
const char *check_id(const char *);	  /* a-z 0-9 - . _ */
const char *check_filled(const char *);	  /* not empty */
const char *check_absolute(const char *); /* path that begins with / */
const char *check_glob(const char *);
const char *check_network(const char *);     /* CIDR, host bits clear */
const char *check_name_server(const char *); /* address, or [address]:port */
const char *check_listen(const char *);	     /* address:port on loopback */
const char *check_language(const char *);    /* BCP 47 shape: "ko", "zh-hant" */
const char *check_category(const char *);
const char *check_site_status(const char *);
const char *check_account_status(const char *);
const char *check_attribution(const char *);

/* The lists behind the last four, NULL-terminated. */
extern const char *const site_statuses[];
extern const char *const account_statuses[];
extern const char *const attributions[];
extern const char *const categories[];

/*
 * What only the whole can tell: ids given twice, accounts of sites that are
 * not there, hooks that no event can reach, intervals that contradict each
 * other.  `settings` is the root of kpwatch.yaml; sites and accounts are the
 * lists that the targets came from (either may be NULL).
 */
void config_check(const struct config *, const struct doc_node *settings,
    const struct doc_node *sites, const struct doc_node *accounts,
    struct config_errors *errors);

#endif
