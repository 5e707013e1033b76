/*
 * The least that fetches pages with libcurl on libevent: what the live
 * pipeline is measured against.  No names, no analysis, nothing kept; every
 * fetch has a connection of its own.
 *
 *	bare_loop SECONDS CONCURRENCY ADDRESS:PORT URLS.TXT
 *
 * Every host of the list is taken to be at the one address.  Prints the
 * number of fetches, the bytes of bodies, wall and processor seconds.
 */
#include <curl/curl.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#define URLS_MAX   100000
#define HEADER_MAX 256

static struct event_base *base;
static CURLM *multi;
static struct event *timer;
static char *urls[URLS_MAX];
static size_t nurls, next_url;
static unsigned long fetches, failures, bytes;
static double end_time;

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
fetch_next(CURL *easy)
{
	curl_easy_setopt(easy, CURLOPT_URL, urls[next_url++ % nurls]);
	curl_multi_add_handle(multi, easy);
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
start(const char *address, unsigned concurrency)
{
	char line[HEADER_MAX];
	struct curl_slist *at, *headers;

	snprintf(line, sizeof line, "::%s", address);
	at = curl_slist_append(NULL, line);
	headers = curl_slist_append(NULL, "Accept-Encoding: gzip, deflate, br");
	base = event_base_new();
	timer = event_new(base, -1, 0, on_timer, NULL);
	multi = curl_multi_init();
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
	FILE *list = argc == 5 ? fopen(argv[4], "r") : NULL;

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
	start(argv[3], (unsigned)strtoul(argv[2], NULL, 10));
	event_base_dispatch(base);
	getrusage(RUSAGE_SELF, &used);
	printf("%lu %lu %lu %.3f %.3f\n", fetches, failures, bytes,
	    now() - began, seconds(used.ru_utime) + seconds(used.ru_stime));
	return 0;
}
