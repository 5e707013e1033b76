#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "capture_input.h"
#include "command.h"
#include "exchange.h"
#include "inspect.h"
#include "inspect_rows.h"
#include "limit.h"
#include "log.h"
#include "tls_http.h"

struct inspection {
	const struct inspect_input *in;
	struct rows *rows;
	uint64_t tls[TLS_OUTCOMES];
	struct buf names; /* TLS server names, for the note */
	uint64_t failed[CONNECTION_RESET + 1];
};

static void
on_start(void *arg, struct exchange *x)
{
	struct inspection *i = arg;

	x->user = row_body_new(i->rows, &x->response);
}

static void
on_body(void *arg, struct exchange *x, struct span s)
{
	struct inspection *i = arg;

	row_body_add(i->rows, x->user, s);
}

static void
on_done(void *arg, struct exchange *x)
{
	struct inspection *i = arg;

	rows_add(i->rows, x, x->user);
	x->user = NULL;
}

static void
on_connection(void *arg, const struct connection_seen *c)
{
	struct inspection *i = arg;
	struct span name = span_of(c->server_name);

	i->failed[c->fate]++;
	if (!c->tls)
		return;
	i->tls[c->tls_outcome]++;
	if (name.n == 0 || i->names.len + name.n > 300)
		return;
	if (i->names.len > 0)
		buf_add_str(&i->names, ", ");
	quote_bytes(&i->names, name);
}

static void
say(const struct inspection *i, const char *text)
{
	fprintf(stderr, "%s: %s\n", log_quote_str(i->in->name), text);
}

static void
say_count(const struct inspection *i, uint64_t n, const char *what)
{
	if (n > 0)
		fprintf(stderr, "%s: %" PRIu64 " %s\n",
		    log_quote_str(i->in->name), n, what);
}

static void
summarise(const struct inspection *i, const struct exchanges *e,
    const struct capture *c)
{
	struct exchanges_count n = exchanges_counts(e);
	struct buf tls = BUF_INIT(8 * KIB);

	tls_outcomes_text(i->tls, &tls);
	if (tls.len > 0 && i->names.len > 0)
		buf_addf(&tls, "; names: %s", buf_str(&i->names));
	if (tls.len > 0)
		say(i, buf_str(&tls));
	buf_release(&tls);
	say_count(i, capture_secrets_unused(c), "blocks of secrets, not used");
	say_count(i, n.unknown_link, "packets of unknown link types");
	say_count(i, n.snapped, "packets cut by the snapshot length");
	say_count(i, n.fragments_lost, "fragmented datagrams incomplete");
	say_count(i, n.evicted, "holes or streams given up to bound memory");
	say_count(i, i->failed[CONNECTION_UNANSWERED],
	    "connections unanswered");
	say_count(i, i->failed[CONNECTION_REFUSED], "connections refused");
	say_count(i, i->failed[CONNECTION_UNREACHABLE],
	    "connections unreachable");
}

int
inspect_pcap(const struct inspect_input *in, const struct inspect_output *to)
{
	struct inspection *i = xcalloc(1, sizeof *i);
	struct exchange_sink sink = {.arg = i,
	    .start = on_start,
	    .body = on_body,
	    .done = on_done,
	    .connection = on_connection};
	struct exchanges *e = exchanges_new(&sink);
	struct capture_input *input = capture_input_new(in->fd, in->head);
	struct capture *c = capture_new(capture_input_read, input);
	struct capture_packet p;
	enum capture_result r;

	i->in = in;
	i->rows = rows_new(in, to);
	buf_init(&i->names, 4 * KIB);
	capture_keys(c, to->keys);
	exchanges_keys(e, to->keys);
	while ((r = capture_next(c, &p)) == CAPTURE_PACKET)
		exchanges_packet(e, &p);
	exchanges_finish(e);
	rows_free(i->rows);
	summarise(i, e, c);
	if (r == CAPTURE_DAMAGED)
		say(i, capture_note(c));
	exchanges_free(e);
	capture_free(c);
	capture_input_free(input);
	buf_release(&i->names);
	free(i);
	return r == CAPTURE_DAMAGED ? EXIT_FAILED : EXIT_DONE;
}
