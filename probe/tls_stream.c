#include "tls_stream.h"

#include <stdlib.h>
#include <string.h>

#include "limit.h"
#include "tls_cipher.h"

enum record_type {
	RECORD_CCS = 20,
	RECORD_ALERT = 21,
	RECORD_HANDSHAKE = 22,
	RECORD_DATA = 23,
	RECORD_HEARTBEAT = 24
};

enum message_type {
	CLIENT_HELLO = 1,
	SERVER_HELLO = 2,
	ENCRYPTED_EXTENSIONS = 8,
	FINISHED = 20,
	KEY_UPDATE = 24
};

enum extension {
	EXTENSION_ALPN = 16,
	EXTENSION_ENCRYPT_THEN_MAC = 22,
	EXTENSION_VERSIONS = 43
};

enum { MESSAGE_HEADER = 4, CLOSE_NOTIFY = 0 };

struct tls_side {
	/* The record under way. */
	uint8_t head[TLS_HEADER_BYTES];
	uint8_t head_n;
	size_t body_n;	 /* its whole body */
	struct buf body; /* empty while nothing of it came */
	uint32_t seq;
	/* The handshake message under way. */
	uint8_t message_head[MESSAGE_HEADER];
	uint8_t message_head_n;
	size_t message_n;    /* its whole body */
	size_t message_left; /* still to come */
	struct buf message;  /* when it is one that counts */
	/* Records that came before the other side's hello. */
	struct buf waiting;
	struct tls_key key;
	bool finished;	  /* TLS 1.3: its handshake is over */
	bool opened;	  /* the key has opened a record */
	unsigned skipped; /* records that it did not open before */
	bool lost;
};

struct tls_stream {
	struct tls_decrypter *all;
	struct tls_sink sink;
	struct tls_side side[2];
	unsigned client;
	bool have_client, have_server; /* their hellos */
	uint8_t client_random[TLS_RANDOM_BYTES];
	uint8_t server_random[TLS_RANDOM_BYTES];
	uint16_t version;
	bool encrypt_then_mac;
	const struct tls_suite *suite;
	bool over;
	enum tls_outcome outcome;
	int64_t now;
	uint32_t ack;
};

struct tls_decrypter {
	const struct tls_keys *keys;
	struct tls_cipher *cipher;
	size_t streams;
	size_t held; /* bytes of records and messages under way */
	uint8_t plain[TLS_RECORD_MAX];
};

struct tls_decrypter *
tls_decrypter_new(const struct tls_keys *keys)
{
	struct tls_decrypter *all = xcalloc(1, sizeof *all);

	all->keys = keys;
	all->cipher = tls_cipher_new();
	return all;
}

void
tls_decrypter_free(struct tls_decrypter *all)
{
	if (all == NULL)
		return;
	tls_cipher_free(all->cipher);
	free(all);
}

struct tls_stream *
tls_stream_new(struct tls_decrypter *all, const struct tls_sink *sink)
{
	struct tls_stream *s;

	if (all->streams >= TLS_STREAMS_MAX)
		return NULL;
	s = xcalloc(1, sizeof *s);
	all->streams++;
	s->all = all;
	s->sink = *sink;
	for (unsigned i = 0; i < 2; i++) {
		buf_init(&s->side[i].body, TLS_RECORD_MAX);
		buf_init(&s->side[i].message, TLS_HELLO_MAX);
		buf_init(&s->side[i].waiting, TLS_WAITING_MAX);
	}
	return s;
}

/* Buffers are counted by their length, and keep no memory without any. */
static void
let_go(struct tls_stream *s, struct buf *b)
{
	s->all->held -= b->len;
	buf_release(b);
}

static bool
hold(struct tls_stream *s, struct buf *b, struct span bytes)
{
	if (bytes.n > TLS_HELD_MAX - s->all->held || !buf_add_span(b, bytes))
		return false;
	s->all->held += bytes.n;
	return true;
}

static void
release_side(struct tls_stream *s, struct tls_side *d)
{
	let_go(s, &d->body);
	let_go(s, &d->message);
	let_go(s, &d->waiting);
}

void
tls_stream_free(struct tls_stream *s)
{
	if (s == NULL)
		return;
	release_side(s, &s->side[0]);
	release_side(s, &s->side[1]);
	s->all->streams--;
	free(s);
}

enum tls_outcome
tls_stream_outcome(const struct tls_stream *s)
{
	return s->outcome;
}

/* What was decrypted stays so, whatever comes later. */
static void
give_up(struct tls_stream *s, enum tls_outcome why)
{
	s->over = true;
	if (s->outcome != TLS_DECRYPTED)
		s->outcome = why;
}

static void
lose(struct tls_stream *s, struct tls_side *d, enum tls_outcome why)
{
	if (d->lost)
		return;
	d->lost = true;
	release_side(s, d);
	if (s->sink.lost != NULL)
		s->sink.lost(s->sink.arg, (unsigned)(d - s->side), s->now);
	if (s->outcome != TLS_DECRYPTED)
		s->outcome = why;
	if ((s->side[0].lost && s->side[1].lost) || !s->have_client ||
	    !s->have_server)
		s->over = true;
}

static bool
is_client(const struct tls_stream *s, const struct tls_side *d)
{
	return d == &s->side[s->client];
}

static struct span
secret_of(const struct tls_stream *s, enum tls_secret which)
{
	return tls_keys_find(s->all->keys, which, s->client_random);
}

static bool
set_key(struct tls_side *d, const struct tls_key *k)
{
	d->key = *k;
	d->opened = false;
	d->skipped = 0;
	return true;
}

/* TLS 1.3: for the first record that needs it.  Without the handshake's
 * secret its records are passed over. */
static bool
set_traffic_key(struct tls_stream *s, struct tls_side *d)
{
	bool client = is_client(s, d);
	struct span handshake = secret_of(s,
	    client ? TLS_SECRET_CLIENT_HANDSHAKE : TLS_SECRET_SERVER_HANDSHAKE);
	struct span traffic = secret_of(s,
	    client ? TLS_SECRET_CLIENT_TRAFFIC : TLS_SECRET_SERVER_TRAFFIC);
	struct tls_key k;

	if (!d->finished && tls_key_traffic(&k, s->suite, handshake))
		return set_key(d, &k);
	return tls_key_traffic(&k, s->suite, traffic) && set_key(d, &k);
}

/* TLS 1.0 to 1.2: at ChangeCipherSpec, in a renegotiation too. */
static bool
set_derived_key(struct tls_stream *s, struct tls_side *d)
{
	struct tls_key keys[2];

	if (!tls_key_derive(keys, s->suite, s->version,
		secret_of(s, TLS_SECRET_MASTER), s->client_random,
		s->server_random))
		return false;
	keys[0].encrypt_then_mac = keys[1].encrypt_then_mac =
	    s->encrypt_then_mac;
	return set_key(d, &keys[is_client(s, d) ? 0 : 1]);
}

/* ---- handshake ---- */

static void
take_alpn(struct tls_stream *s, struct span data)
{
	struct cursor c;
	struct span name;

	cursor_init(&c, data.p, data.n);
	cursor_skip(&c, 2); /* length of the list */
	name = cursor_take(&c, cursor_u8(&c));
	if (!c.bad && !span_starts(name, "http/1."))
		give_up(s, TLS_OTHER_PROTOCOL);
}

static void
take_extensions(struct tls_stream *s, struct cursor *c, bool hello)
{
	size_t n = cursor_u16be(c);
	struct span all = cursor_take(c, n);
	struct cursor e;

	cursor_init(&e, all.p, all.n);
	while (cursor_left(&e) >= 4) {
		unsigned type = cursor_u16be(&e);
		struct span data = cursor_take(&e, cursor_u16be(&e));

		if (e.bad)
			return;
		if (type == EXTENSION_ALPN)
			take_alpn(s, data);
		else if (!hello)
			continue;
		else if (type == EXTENSION_ENCRYPT_THEN_MAC)
			s->encrypt_then_mac = true;
		else if (type == EXTENSION_VERSIONS && data.n == 2)
			s->version = (uint16_t)((uint8_t)data.p[0] << 8 |
			    (uint8_t)data.p[1]);
	}
}

static void
client_hello(struct tls_stream *s, struct tls_side *d, struct span body)
{
	if (body.n < 2 + TLS_RANDOM_BYTES ||
	    (s->have_client && !is_client(s, d)))
		return;
	s->client = (unsigned)(d - s->side);
	s->have_client = true;
	memcpy(s->client_random, body.p + 2, TLS_RANDOM_BYTES);
}

/* RFC 8446 section 4.1.3: a ServerHello that asks for another ClientHello. */
static bool
is_retry(const uint8_t *random)
{
	static const uint8_t retry[TLS_RANDOM_BYTES] = {0xcf, 0x21, 0xad, 0x74,
	    0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8,
	    0x91, 0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e,
	    0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c};

	return memcmp(random, retry, sizeof retry) == 0;
}

static void
server_hello(struct tls_stream *s, struct tls_side *d, struct span body)
{
	struct cursor c;
	struct span random;
	uint16_t suite;
	uint8_t compression;

	if (s->have_client && is_client(s, d))
		return;
	cursor_init(&c, body.p, body.n);
	s->version = cursor_u16be(&c);
	random = cursor_take(&c, TLS_RANDOM_BYTES);
	cursor_skip(&c, cursor_u8(&c));
	suite = cursor_u16be(&c);
	compression = cursor_u8(&c);
	if (c.bad)
		return;
	s->encrypt_then_mac = false;
	if (cursor_left(&c) > 0)
		take_extensions(s, &c, true);
	memcpy(s->server_random, random.p, TLS_RANDOM_BYTES);
	if (is_retry(s->server_random))
		return;
	if (!s->have_client)
		s->client = d == &s->side[0];
	s->have_server = true;
	s->suite = compression == 0 ? tls_suite_find(suite, s->version) : NULL;
}

static void process_waiting(struct tls_stream *);

static void
take_message(struct tls_stream *s, struct tls_side *d, struct span body)
{
	bool ready = s->have_client && s->have_server;
	uint16_t version = s->version;
	bool sealed13 = d->key.suite != NULL && s->version == TLS_1_3;

	switch (d->message_head[0]) {
	/* A second one is of a renegotiation, which TLS 1.3 has not. */
	case CLIENT_HELLO:
		if (!ready || version != TLS_1_3)
			client_hello(s, d, body);
		break;
	case SERVER_HELLO:
		if (!ready || version != TLS_1_3)
			server_hello(s, d, body);
		if (ready && version != s->version)
			give_up(s, TLS_UNREADABLE);
		break;
	case ENCRYPTED_EXTENSIONS:
		if (sealed13 && !is_client(s, d)) {
			struct cursor c;

			cursor_init(&c, body.p, body.n);
			take_extensions(s, &c, false);
		}
		break;
	case FINISHED:
		if (sealed13) {
			d->finished = true;
			d->key.suite = NULL;
		}
		break;
	case KEY_UPDATE:
		if (sealed13)
			tls_key_update(&d->key);
		break;
	}
	if (!ready && s->have_client && s->have_server) {
		if (s->suite == NULL)
			give_up(s, TLS_UNKNOWN_CIPHER);
		process_waiting(s);
	}
}

static bool
message_counts(uint8_t type)
{
	return type == CLIENT_HELLO || type == SERVER_HELLO ||
	    type == ENCRYPTED_EXTENSIONS || type == FINISHED ||
	    type == KEY_UPDATE;
}

/* The header of the next message; returns how many bytes were used. */
static size_t
take_message_head(struct tls_side *d, struct span in)
{
	size_t n = 0;
	const uint8_t *h = d->message_head;

	while (n < in.n && d->message_head_n < MESSAGE_HEADER)
		d->message_head[d->message_head_n++] = (uint8_t)in.p[n++];
	if (d->message_head_n == MESSAGE_HEADER) {
		d->message_n =
		    (size_t)h[1] << 16 | (size_t)h[2] << 8 | (size_t)h[3];
		d->message_left = d->message_n;
	}
	return n;
}

/* Messages over any number of records, several in one. */
static void
take_handshake(struct tls_stream *s, struct tls_side *d, struct span in)
{
	while (in.n > 0 && !d->lost && !s->over) {
		struct span part;
		bool counts;

		if (d->message_head_n < MESSAGE_HEADER) {
			size_t used = take_message_head(d, in);

			in = span_slice(in, used, in.n);
			if (d->message_head_n < MESSAGE_HEADER)
				return;
		}
		counts = message_counts(d->message_head[0]) &&
		    d->message_n <= TLS_HELLO_MAX;
		part = span_slice(in, 0, d->message_left);
		in = span_slice(in, part.n, in.n);
		d->message_left -= part.n;
		if (counts && part.n < d->message_n &&
		    !hold(s, &d->message, part)) {
			lose(s, d, TLS_UNREADABLE);
			return;
		}
		if (d->message_left > 0)
			return;
		d->message_head_n = 0;
		if (counts) {
			struct buf whole = d->message;

			/* What it sets off must find the place free. */
			buf_init(&d->message, TLS_HELLO_MAX);
			take_message(s, d,
			    whole.len > 0 ? buf_span(&whole) : part);
			let_go(s, &whole);
		}
	}
}

/* ---- records ---- */

static void
take_alert(struct tls_stream *s, struct tls_side *d, struct span in)
{
	if (in.n >= 2 && in.p[1] == CLOSE_NOTIFY && s->sink.close != NULL)
		s->sink.close(s->sink.arg, (unsigned)(d - s->side), s->now);
}

static void
take_text(struct tls_stream *s, struct tls_side *d, struct span in)
{
	struct tcp_piece p = {.side = (unsigned)(d - s->side),
	    .seq = d->seq,
	    .ack = s->ack,
	    .time_ns = s->now,
	    .data = in};

	if (in.n == 0)
		return;
	if (s->outcome != TLS_DECRYPTED && is_client(s, d) &&
	    span_starts(in, "PRI * HTTP/2")) {
		give_up(s, TLS_OTHER_PROTOCOL);
		return;
	}
	s->outcome = TLS_DECRYPTED;
	s->sink.text(s->sink.arg, &p);
}

static void
take_content(struct tls_stream *s, struct tls_side *d, uint8_t type,
    struct span in)
{
	switch (type) {
	case RECORD_HANDSHAKE:
		take_handshake(s, d, in);
		break;
	case RECORD_ALERT:
		take_alert(s, d, in);
		break;
	case RECORD_DATA:
		if (d->key.suite != NULL)
			take_text(s, d, in);
		break;
	}
}

/* Records before the key's first may be under another key that is not known:
 * early data, or the handshake's. */
static void
open_record(struct tls_stream *s, struct tls_side *d, const uint8_t *head,
    struct span body)
{
	uint8_t type;
	int n;

	if (d->key.suite == NULL && !set_traffic_key(s, d)) {
		lose(s, d, TLS_NO_KEYS);
		return;
	}
	n = tls_open(s->all->cipher, &d->key, head, body, s->all->plain, &type);
	if (n < 0) {
		if (s->version != TLS_1_3 || d->opened ||
		    ++d->skipped > TLS_SKIPPED_MAX)
			lose(s, d, TLS_UNREADABLE);
		return;
	}
	d->opened = true;
	take_content(s, d, type,
	    (struct span){(const char *)s->all->plain, (size_t)n});
}

static void
change_cipher(struct tls_stream *s, struct tls_side *d)
{
	if (s->version == TLS_1_3)
		return; /* for the sake of middleboxes */
	if (s->suite == NULL)
		give_up(s, TLS_UNKNOWN_CIPHER);
	else if (!set_derived_key(s, d))
		give_up(s, TLS_NO_KEYS);
}

static void
take_record(struct tls_stream *s, struct tls_side *d, const uint8_t *head,
    struct span body)
{
	bool sealed = s->version == TLS_1_3 ? head[0] == RECORD_DATA
					    : d->key.suite != NULL;

	if (head[0] == RECORD_CCS)
		change_cipher(s, d);
	else if (!sealed)
		take_content(s, d, head[0], body);
	else
		open_record(s, d, head, body);
}

/* Must this record wait for the hello of the other side? */
static bool
must_wait(const struct tls_stream *s, const struct tls_side *d, uint8_t type)
{
	if (d->waiting.len > 0)
		return true;
	if (s->have_client && s->have_server)
		return false;
	return type == RECORD_DATA ||
	    (type == RECORD_CCS && s->version != TLS_1_3);
}

static void
whole_record(struct tls_stream *s, struct tls_side *d, struct span body)
{
	struct span head = {(const char *)d->head, TLS_HEADER_BYTES};

	if (!must_wait(s, d, d->head[0])) {
		take_record(s, d, d->head, body);
		return;
	}
	/* From the middle of a connection: the hellos are not to come. */
	if (!s->have_client && !s->have_server) {
		give_up(s, TLS_UNREADABLE);
		return;
	}
	if (!hold(s, &d->waiting, head) || !hold(s, &d->waiting, body))
		lose(s, d, TLS_UNREADABLE);
}

/* The client's first: what it says is answered by what the server says. */
static void
process_waiting(struct tls_stream *s)
{
	for (unsigned i = 0; i < 2; i++) {
		struct tls_side *d = &s->side[i == 0 ? s->client : !s->client];
		struct buf records = d->waiting;
		struct span in = buf_span(&records);

		buf_init(&d->waiting, TLS_WAITING_MAX);
		while (in.n >= TLS_HEADER_BYTES && !d->lost && !s->over) {
			const uint8_t *h = (const uint8_t *)in.p;
			size_t n = (size_t)h[3] << 8 | h[4];

			take_record(s, d, h,
			    span_slice(in, TLS_HEADER_BYTES, n));
			in = span_slice(in, TLS_HEADER_BYTES + n, in.n);
		}
		let_go(s, &records);
	}
}

static bool
record_head_good(const uint8_t *h)
{
	return h[0] >= RECORD_CCS && h[0] <= RECORD_HEARTBEAT && h[1] == 3 &&
	    h[2] <= 4 && ((size_t)h[3] << 8 | h[4]) <= TLS_RECORD_MAX;
}

/* Some bytes of a record; returns how many were used. */
static size_t
feed_some(struct tls_stream *s, struct tls_side *d, struct span in,
    uint32_t seq)
{
	struct span part;
	size_t missing;

	if (d->head_n < TLS_HEADER_BYTES) {
		if (d->head_n == 0)
			d->seq = seq;
		d->head[d->head_n++] = (uint8_t)in.p[0];
		if (d->head_n == TLS_HEADER_BYTES) {
			if (!record_head_good(d->head))
				lose(s, d, TLS_UNREADABLE);
			d->body_n = (size_t)d->head[3] << 8 | d->head[4];
		}
		return 1;
	}
	missing = d->body_n - d->body.len;
	part = span_slice(in, 0, missing);
	if (d->body.len == 0 && part.n == missing) {
		d->head_n = 0;
		whole_record(s, d, part);
	} else if (!hold(s, &d->body, part)) {
		lose(s, d, TLS_UNREADABLE);
	} else if (part.n == missing) {
		struct buf whole = d->body;

		d->head_n = 0;
		buf_init(&d->body, TLS_RECORD_MAX);
		whole_record(s, d, buf_span(&whole));
		let_go(s, &whole);
	}
	return part.n;
}

bool
tls_stream_data(struct tls_stream *s, const struct tcp_piece *p)
{
	struct tls_side *d = &s->side[p->side];
	size_t at = 0;

	s->now = p->time_ns;
	s->ack = p->ack;
	while (at < p->data.n && !d->lost && !s->over)
		at += feed_some(s, d, span_slice(p->data, at, p->data.n),
		    p->seq + (uint32_t)at);
	return !s->over;
}

bool
tls_stream_gap(struct tls_stream *s, unsigned side, int64_t time_ns)
{
	s->now = time_ns;
	lose(s, &s->side[side], TLS_UNREADABLE);
	return !s->over;
}
