#include "failure.h"

static const char *const failure_names[FAILURE_COUNT] = {
#define X(name, text) [name] = text,
    FAILURE_TABLE(X)
#undef X
};

static const char *const stage_names[STAGE_COUNT] = {
    [STAGE_DNS] = "dns",
    [STAGE_TCP] = "tcp",
    [STAGE_TLS] = "tls",
    [STAGE_HTTP_REQUEST] = "http_request",
    [STAGE_HTTP_RESPONSE] = "http_response",
    [STAGE_BODY] = "body",
};

static const char *const outcome_names[OUTCOME_COUNT] = {
    [OUTCOME_BLOCKED_BY_POLICY] = "blocked_by_policy",
    [OUTCOME_TOO_LARGE] = "too_large",
    [OUTCOME_HEADERS_TOO_LARGE] = "headers_too_large",
    [OUTCOME_TOO_MANY_REDIRECTS] = "too_many_redirects",
    [OUTCOME_REDIRECT_LOOP] = "redirect_loop",
    [OUTCOME_TRUNCATED] = "truncated",
    [OUTCOME_LOCAL_ERROR] = "local_error",
    [OUTCOME_INTERNAL_ERROR] = "internal_error",
    [OUTCOME_SELF_INFLICTED] = "self_inflicted",
    [OUTCOME_INCOMPLETE] = "incomplete",
};

const char *
failure_name(enum failure f)
{
	return failure_names[f];
}

enum failure
failure_from_name(struct span s)
{
	for (size_t i = 1; i < FAILURE_COUNT; i++)
		if (span_is(s, failure_names[i]))
			return (enum failure)i;
	return FAILURE_UNKNOWN;
}

const char *
stage_name(enum stage stage)
{
	return stage_names[stage];
}

enum stage
stage_from_name(struct span s)
{
	for (size_t i = 1; i < STAGE_COUNT; i++)
		if (span_is(s, stage_names[i]))
			return (enum stage)i;
	return STAGE_NONE;
}

const char *
outcome_name(enum outcome outcome)
{
	return outcome_names[outcome];
}

enum outcome
outcome_from_name(struct span s)
{
	for (size_t i = 1; i < OUTCOME_COUNT; i++)
		if (span_is(s, outcome_names[i]))
			return (enum outcome)i;
	return OUTCOME_NONE;
}
