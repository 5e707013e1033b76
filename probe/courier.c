#include "courier.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "document.h"
#include "file_write.h"
#include "instant.h"
#include "limit.h"
#include "log.h"

#define GRACE_MS	 1000 /* between SIGTERM and SIGKILL */
#define OUTPUT_LINES_MAX 20   /* of one call, in the log */
#define VARIABLES_MAX	 20

struct call {
	struct call *next;
	struct courier *courier;
	uint64_t id;
	char *name;
	pid_t pid;
	int pidfd;
	int output_fd;
	struct event *exited;
	struct event *readable;
	struct event *timer;
	struct buf output;
	int64_t started_us;
	int64_t limit_ms;
	bool timed_out;
	char *reason; /* of a call that did not start */
};

struct courier {
	struct event_base *base;
	courier_done *done;
	void *arg;
	struct call *calls;
	size_t running;
};

/* Argument and environment vectors, made before the fork. */
struct program {
	char **argv;
	char *env[VARIABLES_MAX + 1];
	size_t nenv;
};

static void
call_free(struct call *c)
{
	if (c->exited != NULL)
		event_free(c->exited);
	if (c->readable != NULL)
		event_free(c->readable);
	if (c->timer != NULL)
		event_free(c->timer);
	if (c->pidfd >= 0)
		close(c->pidfd);
	if (c->output_fd >= 0)
		close(c->output_fd);
	buf_release(&c->output);
	free(c->reason);
	free(c->name);
	free(c);
}

static void
call_unlink(struct call *c)
{
	struct call **at = &c->courier->calls;

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	c->courier->running--;
}

struct courier *
courier_new(struct event_base *base, courier_done *done, void *arg)
{
	struct courier *co = xcalloc(1, sizeof *co);

	co->base = base;
	co->done = done;
	co->arg = arg;
	return co;
}

void
courier_free(struct courier *co)
{
	struct call *c;

	if (co == NULL)
		return;
	while ((c = co->calls) != NULL) {
		if (c->pid > 0) {
			kill(-c->pid, SIGKILL);
			waitpid(c->pid, NULL, 0);
		}
		call_unlink(c);
		call_free(c);
	}
	free(co);
}

size_t
courier_running(const struct courier *co)
{
	return co->running;
}

static void
env_add(struct program *p, const char *name, const char *value)
{
	if (p->nenv < VARIABLES_MAX)
		p->env[p->nenv++] =
		    xasprintf("%s=%s", name, value == NULL ? "" : value);
}

static void
env_add_u64(struct program *p, const char *name, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof text, "%" PRIu64, value);
	env_add(p, name, text);
}

/* Settings of the service that a hook may need and that tell it nothing
 * about us.  Secrets come by the credentials folder. */
static void
env_pass(struct program *p, const char *name)
{
	const char *value = getenv(name);

	if (value != NULL)
		env_add(p, name, value);
}

static void
program_init(struct program *p, const struct hook_config *h, struct span lines)
{
	struct hook_facts f;

	memset(p, 0, sizeof *p);
	p->argv = xcalloc(h->nargs + 2, sizeof *p->argv);
	p->argv[0] = h->command;
	for (size_t i = 0; i < h->nargs; i++)
		p->argv[1 + i] = h->args[i];
	hook_facts_read(&f, lines);
	env_add(p, "PATH", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin");
	env_add(p, "LC_ALL", "C.UTF-8");
	env_add(p, "KPWATCH_HOOK", h->name);
	env_add(p, "KPWATCH_TYPE", f.type);
	env_add(p, "KPWATCH_TARGET", f.target);
	env_add(p, "KPWATCH_PLATFORM", f.platform);
	env_add(p, "KPWATCH_NAME", f.name);
	env_add(p, "KPWATCH_URL", f.url);
	env_add(p, "KPWATCH_PAGE", f.page);
	env_add(p, "KPWATCH_TIME", f.time);
	env_add(p, "KPWATCH_VANTAGE", f.vantage);
	env_add_u64(p, "KPWATCH_SEQ", f.first);
	env_add_u64(p, "KPWATCH_LAST_SEQ", f.last);
	env_add_u64(p, "KPWATCH_COUNT", f.count);
	env_pass(p, "CREDENTIALS_DIRECTORY");
	env_pass(p, "STATE_DIRECTORY");
	env_pass(p, "TMPDIR");
	hook_facts_release(&f);
}

static void
program_release(struct program *p)
{
	for (size_t i = 0; i < p->nenv; i++)
		free(p->env[i]);
	free(p->argv);
}

/* Between fork and exec: system calls only. */
static _Noreturn void
become(const struct program *p, pid_t parent, int in, int out)
{
	static const int reset[] = {SIGPIPE, SIGINT, SIGHUP, SIGTERM, SIGUSR1,
	    SIGCHLD};
	sigset_t none;

	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(126);
	for (size_t i = 0; i < ARRAY_LEN(reset); i++)
		signal(reset[i], SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0)
		_exit(126);
	close_range(3, ~0u, 0);
	if (chdir("/") == 0)
		execve(p->argv[0], p->argv, p->env);
	_exit(errno == ENOENT ? 127 : 126);
}

/* The lines as a file of their own: a hook that does not read them, or reads
 * them twice, hurts nobody. */
static int
input_open(struct span lines)
{
	int fd = memfd_create("events", MFD_CLOEXEC);

	if (fd >= 0 &&
	    (!file_write(fd, lines) || lseek(fd, 0, SEEK_SET) != 0)) {
		close(fd);
		return -1;
	}
	return fd;
}

/* The configuration was checked when it was read; the file may have changed
 * since. */
static char *
program_complaint(const char *path)
{
	char *complaint;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0 && errno == EACCES && access(path, X_OK) == 0)
		return NULL; /* may be run, not read */
	if (fd < 0)
		return xasprintf("cannot open %s: %s", path, strerror(errno));
	complaint = file_complaint(fd, path);
	close(fd);
	return complaint;
}

/* Forks; false with c->reason set. */
static bool
call_spawn(struct call *c, const struct program *p, struct span lines)
{
	int in = -1, out[2] = {-1, -1}, saved;
	pid_t self = getpid();

	c->reason = program_complaint(p->argv[0]);
	if (c->reason != NULL)
		return false;
	in = input_open(lines);
	if (in < 0 || pipe2(out, O_CLOEXEC) != 0)
		goto fail;
	c->pid = fork();
	if (c->pid == 0)
		become(p, self, in, out[1]);
	if (c->pid < 0)
		goto fail;
	setpgid(c->pid, c->pid); /* whoever is first */
	close(in);
	close(out[1]);
	c->output_fd = out[0];
	fcntl(c->output_fd, F_SETFL, O_NONBLOCK);
	c->pidfd = pidfd_open(c->pid, 0);
	if (c->pidfd >= 0)
		return true;
	saved = errno;
	in = out[1] = out[0] = -1;
	kill(-c->pid, SIGKILL);
	waitpid(c->pid, NULL, 0);
	errno = saved;
fail:
	c->reason = xasprintf("cannot be started: %s", strerror(errno));
	c->pid = 0;
	if (in >= 0)
		close(in);
	if (out[0] >= 0)
		close(out[0]);
	if (out[1] >= 0)
		close(out[1]);
	return false;
}

static char *
status_reason(const struct call *c, int status)
{
	if (c->timed_out)
		return xasprintf("time limit of %" PRId64 " ms", c->limit_ms);
	if (WIFSIGNALED(status))
		return xasprintf("killed by signal %d", WTERMSIG(status));
	if (WEXITSTATUS(status) == 127)
		return xstrdup("exit 127: no such program or interpreter");
	if (WEXITSTATUS(status) == 126)
		return xstrdup("exit 126: the program cannot be run");
	if (WEXITSTATUS(status) != 0)
		return xasprintf("exit %d", WEXITSTATUS(status));
	return NULL;
}

/* False at the end of the output. */
static bool
read_output(struct call *c)
{
	char bytes[4096];
	ssize_t n = read(c->output_fd, bytes, sizeof bytes);
	size_t room = c->output.max - c->output.len;

	if (n < 0)
		return errno == EINTR || errno == EAGAIN;
	if (n > 0)
		buf_add(&c->output, bytes, (size_t)n < room ? (size_t)n : room);
	return n > 0;
}

/* What is in the pipe now, and no more: somebody may hold its other end. */
static void
drain_output(struct call *c)
{
	for (int i = 0; i < 32; i++) {
		size_t before = c->output.len;

		if (!read_output(c) || c->output.len == before)
			return;
	}
}

static void
call_finish(struct call *c)
{
	struct courier *co = c->courier;
	struct call_result r = {c->reason, buf_span(&c->output),
	    (monotonic_us() - c->started_us) / 1000};

	call_unlink(c);
	co->done(c->id, c->name, &r, co->arg);
	call_free(c);
}

static void
on_exited(evutil_socket_t fd, short what, void *arg)
{
	struct call *c = arg;
	int status = 0;

	(void)fd;
	(void)what;
	/* What it left behind in its group goes too, while the number of the
	 * group is still ours. */
	kill(-c->pid, SIGKILL);
	if (waitpid(c->pid, &status, 0) != c->pid)
		bug("hook %s: process %d is not ours", c->name, (int)c->pid);
	drain_output(c);
	c->reason = status_reason(c, status);
	call_finish(c);
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct call *c = arg;

	(void)fd;
	(void)what;
	if (!read_output(c))
		event_del(c->readable);
}

static void
timer_set(struct call *c, int64_t ms)
{
	struct timeval tv = {ms / 1000, (ms % 1000) * 1000};

	event_add(c->timer, &tv);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct call *c = arg;

	(void)fd;
	(void)what;
	if (c->pid == 0) { /* never started */
		call_finish(c);
		return;
	}
	kill(-c->pid, c->timed_out ? SIGKILL : SIGTERM);
	c->timed_out = true;
	timer_set(c, GRACE_MS);
}

void
courier_run_hook(struct courier *co, const struct hook_config *h, uint64_t id,
    struct span lines)
{
	struct call *c = xcalloc(1, sizeof *c);
	struct program p;

	c->courier = co;
	c->id = id;
	c->name = xstrdup(h->name);
	c->pidfd = c->output_fd = -1;
	c->limit_ms = h->timeout;
	c->started_us = monotonic_us();
	buf_init(&c->output, HOOK_OUTPUT_MAX);
	c->next = co->calls;
	co->calls = c;
	co->running++;
	c->timer = event_new(co->base, -1, 0, on_timer, c);
	program_init(&p, h, lines);
	if (call_spawn(c, &p, lines)) {
		c->exited =
		    event_new(co->base, c->pidfd, EV_READ, on_exited, c);
		c->readable = event_new(co->base, c->output_fd,
		    EV_READ | EV_PERSIST, on_readable, c);
		event_add(c->exited, NULL);
		event_add(c->readable, NULL);
		timer_set(c, c->limit_ms);
	} else {
		timer_set(c, 0);
	}
	program_release(&p);
}

void
courier_log_output(const char *name, const struct call_result *r)
{
	struct span rest = r->output, line;
	enum log_level level =
	    r->reason == NULL ? LOG_LEVEL_DEBUG : LOG_LEVEL_WARN;
	int lines = 0;

	if (r->reason == NULL && !log_wants(LOG_LEVEL_DEBUG))
		return;
	while (rest.n > 0 && lines < OUTPUT_LINES_MAX) {
		line = span_trim(span_token(&rest, '\n'));
		if (line.n == 0)
			continue;
		lines++;
		if (level == LOG_LEVEL_DEBUG)
			log_debug("hook %s says: %s", name, log_quote(line));
		else
			log_warn("hook %s says: %s", name, log_quote(line));
	}
	if (rest.n > 0)
		log_warn("hook %s says more", name);
}
