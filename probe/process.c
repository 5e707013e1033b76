#include "process.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "channel.h"
#include "config.h"
#include "limit.h"
#include "log.h"

#define LOG_FLUSH_MS 100
#ifdef __SANITIZE_ADDRESS__ /* its reports go to standard error */
#define LAST_STANDARD STDOUT_FILENO
#else
#define LAST_STANDARD STDERR_FILENO
#endif

bool
process_pair(int fds[2])
{
	return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0;
}

/* Size and time of the running file: enough to see that it was replaced. */
const char *
process_build_id(void)
{
	static char id[BUILD_ID_MAX];
	struct stat st;

	if (id[0] != '\0')
		return id;
	if (stat("/proc/self/exe", &st) != 0)
		memset(&st, 0, sizeof st);
	snprintf(id, sizeof id, "%s-%llx-%llx", KPWATCH_VERSION,
	    (unsigned long long)st.st_size, (unsigned long long)st.st_mtime);
	return id;
}

static _Noreturn void
exec_role(enum role role, int fd)
{
	char arg[32];
	char *argv[] = {(char *)"kpwatch", arg, NULL};
	sigset_t none;

	snprintf(arg, sizeof arg, "--role=%s", role_name(role));
	if (dup2(fd, PROCESS_FD) < 0)
		_exit(1);
	syscall(__NR_close_range, PROCESS_FD + 1, ~0u, 0);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execv("/proc/self/exe", argv);
	_exit(1);
}

pid_t
process_spawn(enum role role, int *fd)
{
	int pair[2];
	pid_t pid;

	if (!process_pair(pair))
		return -1;
	pid = fork();
	if (pid == 0) {
		/* dup2 onto itself would keep close-on-exec. */
		if (pair[1] == PROCESS_FD)
			pair[1] = dup(pair[1]);
		exec_role(role, pair[1]);
	}
	close(pair[1]);
	if (pid < 0) {
		int saved = errno;

		close(pair[0]);
		errno = saved;
		return -1;
	}
	*fd = pair[0];
	return pid;
}

enum role
role_from_name(const char *name)
{
	for (unsigned i = 1; i < ROLE_COUNT; i++)
		if (strcmp(name, role_name((enum role)i)) == 0)
			return (enum role)i;
	return ROLE_COUNT;
}

void
peer_encode(struct buf *b, enum role role, uint32_t index)
{
	buf_put_u8(b, (uint8_t)role);
	buf_put_u32(b, index);
}

bool
peer_decode(struct span s, struct peer *p)
{
	struct cursor c;
	uint8_t role;

	cursor_init(&c, s.p, s.n);
	role = cursor_u8(&c);
	p->index = cursor_u32le(&c);
	if (!cursor_done(&c) || role >= ROLE_COUNT)
		return false;
	p->role = (enum role)role;
	return true;
}

static void
encode_line(struct buf *b, enum log_level level, const char *line)
{
	struct span text = span_of(line);

	text.n = utf8_clip(text, 2000);
	buf_put_u8(b, (uint8_t)level);
	buf_add_span(b, text);
}

static void
log_by_connection(enum log_level level, const char *line, void *arg)
{
	struct buf b = BUF_INIT(4 * KIB);

	encode_line(&b, level, line);
	/* There is nobody left to tell when the parent is gone. */
	(void)connection_send(arg, MSG_LOG, 0, buf_span(&b));
	buf_release(&b);
}

static void
log_by_channel(enum log_level level, const char *line, void *arg)
{
	struct buf b = BUF_INIT(4 * KIB);

	encode_line(&b, level, line);
	channel_send(arg, MSG_LOG, 0, buf_span(&b));
	buf_release(&b);
	/* It may be the last that this process says. */
	if (level <= LOG_LEVEL_ERROR)
		(void)channel_flush(arg, LOG_FLUSH_MS);
}

void
process_log_to_channel(struct channel *ch)
{
	log_to(log_by_channel, ch);
}

void
process_parent_closed(struct channel *ch, void *arg)
{
	(void)ch;
	(void)arg;
	exit(0);
}

static void
keep(struct buf *b, struct span data)
{
	buf_init(b, CONFIG_BYTES_MAX);
	buf_add_span(b, data);
}

static void
startup_peer(struct startup *s, const struct message *m)
{
	struct peer *p = &s->peers[s->npeers];

	if (s->npeers == PEERS_MAX || !peer_decode(m->data, p))
		fatal("bad peer message at start-up");
	p->fd = m->fd;
	s->npeers++;
}

static void
startup_file(struct startup *s, const struct message *m)
{
	s->files = xreallocarray(s->files, s->nfiles + 1, sizeof *s->files);
	s->files[s->nfiles].name = span_dup(m->data);
	s->files[s->nfiles].kind = (enum file_kind)m->id;
	s->files[s->nfiles++].fd = m->fd;
}

/* Gathers everything up to and including MSG_SETTINGS. */
static void
startup_receive(struct connection *c, struct startup *s)
{
	struct message m;

	memset(s, 0, sizeof *s);
	for (;;) {
		if (!connection_receive(c, &m))
			exit(0); /* the parent gave up before we began */
		switch (m.type) {
		case MSG_CONFIG:
			s->config = config_decode(m.data);
			if (s->config == NULL)
				fatal("configuration message is malformed");
			break;
		case MSG_RULES:
			keep(&s->rules, m.data);
			break;
		case MSG_RECOGNITION:
			keep(&s->recognition, m.data);
			break;
		case MSG_VERDICTS:
			keep(&s->verdicts, m.data);
			break;
		case MSG_CA_BUNDLE:
			keep(&s->ca_bundle, m.data);
			break;
		case MSG_PEER:
			startup_peer(s, &m);
			break;
		case MSG_FILE:
			startup_file(s, &m);
			break;
		case MSG_SETTINGS:
			keep(&s->settings, m.data);
			return;
		case MSG_STOP:
			exit(0);
		default:
			fatal("unexpected %s message at start-up",
			    message_name(m.type));
		}
	}
}

/* A large body's memory goes back to the kernel when it is freed: the C
 * library would keep more of it with each one that it meets. */
static void
return_memory(void)
{
	mallopt(M_MMAP_THRESHOLD, HEAP_PIECE_MAX);
	mallopt(M_TRIM_THRESHOLD, 2 * HEAP_PIECE_MAX);
}

/* What they say comes through the parent, which does not believe it to be fit
 * for a terminal; one that a page has taken over would write to it, and read
 * the keys, without asking. */
static void
leave_terminal(void)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		fatal("cannot open /dev/null: %s", strerror(errno));
	for (int i = STDIN_FILENO; i <= LAST_STANDARD; i++)
		if (dup2(fd, i) < 0)
			fatal("cannot leave the terminal: %s", strerror(errno));
	if (fd > STDERR_FILENO)
		close(fd);
}

_Noreturn void
process_main(enum role role)
{
	static int (*const body[ROLE_COUNT])(struct connection *,
	    struct startup *) = {
	    [ROLE_NET] = net_main,
	    [ROLE_READER] = reader_main,
	    [ROLE_ANALYSER] = analyser_main,
	    [ROLE_STORE] = store_main,
	    [ROLE_COURIER] = courier_main,
	    [ROLE_SNIFFER] = sniffer_main,
	};
	struct connection parent;
	struct startup startup;
	struct stat st;

	if (fstat(PROCESS_FD, &st) != 0 || !S_ISSOCK(st.st_mode)) {
		fprintf(stderr,
		    "kpwatch: --role is for the program itself; "
		    "use `kpwatch run`\n");
		exit(2);
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, role_name(role));
	signal(SIGPIPE, SIG_IGN);
	umask(077);
	/* A terminal's interrupt, and a service manager's stop, go to all of
	 * us; the parent stops us in order. */
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	log_role(role_name(role));
	return_memory();
	connection_init(&parent, PROCESS_FD, role, ROLE_PARENT);
	log_to(log_by_connection, &parent);
	leave_terminal();
	if (!connection_send(&parent, MSG_HELLO, 0,
		span_of(process_build_id())))
		exit(0);
	startup_receive(&parent, &startup);
	exit(body[role](&parent, &startup));
}
