/*
 * The least that fetches pages with libcurl on libevent: what the live
 * pipeline is measured against.  No analysis, nothing kept; every fetch has a
 * connection of its own.
 *
 *	bare_loop SECONDS CONCURRENCY ADDRESS:PORT URLS.TXT [names]
 *
 * Every host of the list is taken to be at the one address.  With "names" the
 * name servers are asked for both kinds of its addresses before each fetch,
 * as the pipeline does; what they say is not used.  Prints the number of
 * fetches, of failures, the bytes of bodies, wall and processor seconds.
 */
#include <ares.h>
#include <curl/curl.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#define URLS_MAX   100000
#define HEADER_MAX 256
#define FDS_MAX	   4096

static struct event_base *base;
static CURLM *multi;
static struct event *timer;
static char *urls[URLS_MAX];
static size_t nurls, next_url;
static unsigned long fetches, failures, bytes;
static double end_time;
static ares_channel resolver; /* NULL: names are not asked for */
static struct event *ask_timer;

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static size_t
on_body(char *data, size_t size, size_t n, void *arg)
{
	(void)data;
	(void)arg;
	bytes += size * n;
	return size * n;
}

static void
on_named(void *easy, int status, int timeouts, struct ares_addrinfo *found)
{
	(void)timeouts;
	failures += status != ARES_SUCCESS;
	ares_freeaddrinfo(found);
	curl_multi_add_handle(multi, easy);
}

static void
fetch_next(CURL *easy)
{
	const char *url = urls[next_url++ % nurls],
		   *host = strstr(url, "//") + 2;
	struct ares_addrinfo_hints hints = {.ai_flags = ARES_AI_NOSORT};
	char name[HEADER_MAX];

	curl_easy_setopt(easy, CURLOPT_URL, url);
	if (resolver == NULL) {
		curl_multi_add_handle(multi, easy);
		return;
	}
	snprintf(name, sizeof name, "%.*s", (int)strcspn(host, ":/"), host);
	ares_getaddrinfo(resolver, name, NULL, &hints, on_named, easy);
}

static void
on_answer(evutil_socket_t fd, short what, void *arg)
{
	(void)arg;
	ares_process_fd(resolver, what & EV_READ ? fd : ARES_SOCKET_BAD,
	    what & EV_WRITE ? fd : ARES_SOCKET_BAD);
}

/* Once in a while, for what got no answer. */
static void
on_ask_timer(evutil_socket_t fd, short what, void *arg)
{
	struct timeval tv = {1, 0};

	(void)fd;
	(void)what;
	(void)arg;
	ares_process_fd(resolver, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	event_add(ask_timer, &tv);
}

static void
resolver_wants_socket(void *arg, ares_socket_t fd, int in, int out)
{
	static struct event *of[FDS_MAX];
	short bits = (short)((in ? EV_READ : 0) | (out ? EV_WRITE : 0));

	(void)arg;
	if (fd >= FDS_MAX)
		abort();
	if (of[fd] != NULL)
		event_free(of[fd]);
	of[fd] = NULL;
	if (bits != 0) {
		of[fd] =
		    event_new(base, fd, bits | EV_PERSIST, on_answer, NULL);
		event_add(of[fd], NULL);
	}
}

static void
start_resolver(void)
{
	struct ares_options o = {.sock_state_cb = resolver_wants_socket};

	if (ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS ||
	    ares_init_options(&resolver, &o, ARES_OPT_SOCK_STATE_CB) !=
		ARES_SUCCESS)
		exit(2);
	ask_timer = event_new(base, -1, 0, on_ask_timer, NULL);
	on_ask_timer(-1, 0, NULL);
}

static void
drain(void)
{
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(multi, &left)) != NULL) {
		CURL *easy = m->easy_handle;

		if (m->msg != CURLMSG_DONE)
			continue;
		fetches++;
		failures += m->data.result != CURLE_OK;
		curl_multi_remove_handle(multi, easy);
		if (now() < end_time)
			fetch_next(easy);
		else
			event_base_loopbreak(base);
	}
}

static void
on_socket(evutil_socket_t fd, short what, void *arg)
{
	int running,
	    bits = (what & EV_READ ? CURL_CSELECT_IN : 0) |
	    (what & EV_WRITE ? CURL_CSELECT_OUT : 0);

	(void)arg;
	curl_multi_socket_action(multi, fd, bits, &running);
	drain();
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	int running;

	(void)fd;
	(void)what;
	(void)arg;
	curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &running);
	drain();
}

static int
curl_wants_socket(CURL *easy, curl_socket_t fd, int what, void *arg,
    void *socket)
{
	struct event *e = socket;
	short bits = (short)((what & CURL_POLL_IN ? EV_READ : 0) |
	    (what & CURL_POLL_OUT ? EV_WRITE : 0) | EV_PERSIST);

	(void)easy;
	(void)arg;
	if (e != NULL)
		event_free(e);
	e = NULL;
	if (what != CURL_POLL_REMOVE) {
		e = event_new(base, fd, bits, on_socket, NULL);
		event_add(e, NULL);
	}
	curl_multi_assign(multi, fd, e);
	return 0;
}

static int
curl_wants_timer(CURLM *m, long ms, void *arg)
{
	struct timeval tv = {ms / 1000, ms % 1000 * 1000};

	(void)m;
	(void)arg;
	if (ms < 0)
		event_del(timer);
	else
		event_add(timer, &tv);
	return 0;
}

static void
start(const char *address, unsigned concurrency, int names)
{
	char line[HEADER_MAX];
	struct curl_slist *at, *headers;

	snprintf(line, sizeof line, "::%s", address);
	at = curl_slist_append(NULL, line);
	headers = curl_slist_append(NULL, "Accept-Encoding: gzip, deflate, br");
	base = event_base_new();
	timer = event_new(base, -1, 0, on_timer, NULL);
	multi = curl_multi_init();
	if (names)
		start_resolver();
	curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, curl_wants_socket);
	curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, curl_wants_timer);
	for (unsigned i = 0; i < concurrency; i++) {
		CURL *easy = curl_easy_init();

		curl_easy_setopt(easy, CURLOPT_CONNECT_TO, at);
		curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
		curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
		curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
		curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
		curl_easy_setopt(easy, CURLOPT_TIMEOUT, 30L);
		curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
		fetch_next(easy);
	}
}

static double
seconds(struct timeval t)
{
	return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

int
main(int argc, char **argv)
{
	char line[1024];
	struct rusage used;
	double began;
	FILE *list = argc == 5 || argc == 6 ? fopen(argv[4], "r") : NULL;

	if (list == NULL)
		return 2;
	while (nurls < URLS_MAX && fgets(line, sizeof line, list) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		urls[nurls++] = strdup(line);
	}
	fclose(list);
	if (nurls == 0)
		return 2;
	curl_global_init(CURL_GLOBAL_DEFAULT);
	began = now();
	end_time = began + atof(argv[1]);
	start(argv[3], (unsigned)strtoul(argv[2], NULL, 10), argc == 6);
	event_base_dispatch(base);
	getrusage(RUSAGE_SELF, &used);
	printf("%lu %lu %lu %.3f %.3f\n", fetches, failures, bytes,
	    now() - began, seconds(used.ru_utime) + seconds(used.ru_stime));
	return 0;
}
