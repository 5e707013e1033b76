/* Each forbidden call from each sandbox dies or fails as documented. */
#include "cm.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox.h"

#define SURVIVED 0  /* the call worked */
#define NO_BOX	 99 /* the sandbox itself failed */

typedef bool box(void);
typedef int attempt(void); /* 0: it worked, else errno */

static const char *folder = "/tmp";

static bool
box_analyser(void)
{
	return sandbox_analyser(false);
}

static bool
box_tool(void)
{
	return sandbox_tool();
}

static bool
box_net(void)
{
	return sandbox_net(false);
}

static bool
box_reader(void)
{
	return sandbox_reader(false);
}

static bool
box_sniffer(void)
{
	return sandbox_sniffer(false);
}

static bool
box_courier(void)
{
	return sandbox_courier(false);
}

static bool
box_store(void)
{
	return sandbox_store(&folder, 1, false);
}

static int
try_socket(void)
{
	return socket(AF_INET, SOCK_STREAM, 0) >= 0 ? SURVIVED : errno;
}

static int
try_packet_socket(void)
{
	return socket(AF_PACKET, SOCK_RAW, 0) >= 0 ? SURVIVED : errno;
}

/* The way to a session bus, an agent of keys, a container daemon: Landlock
 * does not stand between a process and the sockets of a file system. */
static int
try_unix_socket(void)
{
	return socket(AF_UNIX, SOCK_STREAM, 0) >= 0 ? SURVIVED : errno;
}

/* Half of such a pair may be connected to another socket later. */
static int
try_datagram_pair(void)
{
	int pair[2];

	return socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair) == 0
	    ? SURVIVED
	    : errno;
}

static int
try_stream_pair(void)
{
	int pair[2];

	return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0
	    ? SURVIVED
	    : errno;
}

/* Keys pressed for the shell that we were started from. */
static int
try_terminal_input(void)
{
	char key = 'x';

	return ioctl(STDERR_FILENO, TIOCSTI, &key) == 0 ? SURVIVED : errno;
}

/* Root's own, or one that a service manager handed down. */
static int
try_raw_capability(void)
{
	struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct sets[2] = {{0}};

	if (syscall(SYS_capget, &head, sets) != 0)
		return errno;
	return sets[0].permitted >> CAP_NET_RAW & 1 ||
		prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_NET_RAW, 0,
		    0) == 1
	    ? SURVIVED
	    : EPERM;
}

static int
try_open(void)
{
	return open("/etc/passwd", O_RDONLY) >= 0 ? SURVIVED : errno;
}

static int
try_create(void)
{
	int fd = open("/tmp/kpwatch-sandbox-test", O_CREAT | O_RDWR, 0600);

	return fd >= 0 && unlink("/tmp/kpwatch-sandbox-test") == 0 ? SURVIVED
								   : errno;
}

static int
try_exec(void)
{
	char *argv[] = {(char *)"/bin/true", NULL};

	execv("/bin/true", argv);
	return errno;
}

static int
try_fork(void)
{
	pid_t pid = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);

	if (pid == 0)
		_exit(0);
	return pid > 0 ? SURVIVED : errno;
}

static int
try_exec_memory(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED
	    ? SURVIVED
	    : errno;
}

static int
try_ptrace(void)
{
	return ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0 ? SURVIVED : errno;
}

static int
try_kill_parent(void)
{
	return syscall(SYS_kill, getppid(), 0) == 0 ? SURVIVED : errno;
}

static int
try_tgkill_parent(void)
{
	return syscall(SYS_tgkill, getppid(), getppid(), 0) == 0 ? SURVIVED
								 : errno;
}

static int
try_memory(void)
{
	void *p = malloc(1 << 20);

	free(p);
	return p != NULL ? SURVIVED : ENOMEM;
}

/* For the kernel interfaces that are denied: with arguments that do nothing
 * should the call be let through. */
#define TRY(name, ...)                                                         \
	static int try_##name(void)                                            \
	{                                                                      \
		return syscall(SYS_##name, __VA_ARGS__) >= 0 ? SURVIVED        \
							     : errno;          \
	}

TRY(process_vm_readv, -1, NULL, 0, NULL, 0, 0)
TRY(process_vm_writev, -1, NULL, 0, NULL, 0, 0)
TRY(io_uring_setup, 0, NULL)
TRY(bpf, -1, NULL, 0)
TRY(unshare, 0)
TRY(setns, -1, 0)
TRY(mount, NULL, NULL, NULL, 0, NULL)
TRY(umount2, NULL, 0)
TRY(pivot_root, NULL, NULL)
TRY(chroot, NULL)
TRY(keyctl, -1, 0, 0, 0, 0)
TRY(add_key, NULL, NULL, NULL, 0, 0)
TRY(request_key, NULL, NULL, NULL, 0)
TRY(userfaultfd, -1)
TRY(perf_event_open, NULL, 0, -1, -1, 0)
TRY(kexec_load, 0, 0, NULL, 0)
TRY(init_module, NULL, 0, NULL)
TRY(finit_module, -1, NULL, 0)
TRY(personality, 0xffffffff)
TRY(pidfd_getfd, -1, 0, 0)
TRY(pidfd_send_signal, -1, 0, NULL, 0)
TRY(rt_sigqueueinfo, 0, 0, NULL)
TRY(rt_tgsigqueueinfo, 0, 0, 0, NULL)
TRY(tkill, 0, 0)

/* Wait status of the attempt made inside the box. */
static int
in_box(box *enter, attempt *what)
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		if (!enter())
			_exit(NO_BOX);
		_exit(what());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == NO_BOX) {
		print_message("this kernel lacks Landlock or seccomp\n");
		skip();
	}
	return status;
}

static void
dies(box *enter, attempt *what, const char *name)
{
	int status = in_box(enter, what);

	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS)
		fail_msg("%s was not killed: status %x", name, status);
}

static void
fails(box *enter, attempt *what, int error, const char *name)
{
	int status = in_box(enter, what);

	if (!WIFEXITED(status) || WEXITSTATUS(status) != error)
		fail_msg("%s: wanted errno %d, got status %x", name, error,
		    status);
}

#define DIES (-1)
#define ANY  (-2) /* not promised */

/* The table of the manual, section PROCESSES: what becomes of each call. */
enum place { ANALYSER, TOOL, SNIFFER, NET, READER, STORE, COURIER, PLACES };

static const struct {
	const char *name;
	box *enter;
} places[PLACES] = {{"analyser", box_analyser}, {"tool", box_tool},
    {"sniffer", box_sniffer}, {"net", box_net}, {"reader", box_reader},
    {"store", box_store}, {"courier", box_courier}};

#define W SURVIVED
#define EVERY                                                                  \
	{                                                                      \
		DIES, DIES, DIES, DIES, DIES, DIES, DIES                       \
	}
#define SIGNAL /* to another; hooks may */                                     \
	{                                                                      \
		DIES, DIES, DIES, DIES, DIES, DIES, ANY                        \
	}
#ifdef __SANITIZE_ADDRESS__ /* its run time forks, and asks for ptrace */
#define FORK                                                                   \
	{                                                                      \
		ANY, ANY, ANY, ANY, ANY, ANY, W                                \
	}
#define PTRACE                                                                 \
	{                                                                      \
		ANY, ANY, ANY, DIES, DIES, DIES, DIES                          \
	}
#else
#define FORK                                                                   \
	{                                                                      \
		DIES, DIES, DIES, ANY, ANY, ANY, W                             \
	}
#define PTRACE EVERY
#endif

static const struct {
	const char *name;
	attempt *what;
	int outcome[PLACES];
} calls[] = {
    {"memory", try_memory, {W, W, W, W, W, W, W}},
    {"open", try_open, {EACCES, EACCES, EACCES, EACCES, EACCES, EACCES, W}},
    {"create", try_create, {EACCES, EACCES, EACCES, EACCES, EACCES, W, W}},
    {"socket", try_socket, {DIES, DIES, DIES, W, EACCES, EACCES, W}},
    {"packet socket", try_packet_socket,
	{DIES, DIES, DIES, EACCES, EACCES, EACCES, EPERM}},
    {"unix socket", try_unix_socket,
	{DIES, DIES, DIES, EACCES, EACCES, EACCES, W}},
    {"datagram pair", try_datagram_pair,
	{DIES, DIES, DIES, EACCES, EACCES, EACCES, W}},
    {"stream pair", try_stream_pair, {DIES, DIES, DIES, W, W, W, W}},
    {"terminal input", try_terminal_input,
	{ENOTTY, ENOTTY, ENOTTY, EPERM, EPERM, EPERM, ANY}},
    {"exec", try_exec, {DIES, DIES, DIES, DIES, DIES, DIES, W}},
    {"fork", try_fork, FORK},
    {"executable memory", try_exec_memory,
	{DIES, DIES, DIES, ANY, ANY, ANY, ANY}},
    {"kill of the parent", try_kill_parent,
	{DIES, DIES, DIES, EPERM, EPERM, EPERM, ANY}},
    {"tgkill of the parent", try_tgkill_parent, SIGNAL},
    {"tkill", try_tkill, SIGNAL},
    {"pidfd_send_signal", try_pidfd_send_signal, SIGNAL},
    {"rt_sigqueueinfo", try_rt_sigqueueinfo, SIGNAL},
    {"rt_tgsigqueueinfo", try_rt_tgsigqueueinfo, SIGNAL},
    {"pidfd_getfd", try_pidfd_getfd, EVERY},
    {"raw capability", try_raw_capability,
	{ANY, ANY, ANY, EPERM, EPERM, EPERM, EPERM}},
    {"ptrace", try_ptrace, PTRACE},
    {"process_vm_readv", try_process_vm_readv, EVERY},
    {"process_vm_writev", try_process_vm_writev, EVERY},
    {"io_uring_setup", try_io_uring_setup, EVERY},
    {"bpf", try_bpf, EVERY},
    {"unshare", try_unshare, EVERY},
    {"setns", try_setns, EVERY},
    {"mount", try_mount, EVERY},
    {"umount2", try_umount2, EVERY},
    {"pivot_root", try_pivot_root, EVERY},
    {"chroot", try_chroot, EVERY},
    {"keyctl", try_keyctl, EVERY},
    {"add_key", try_add_key, EVERY},
    {"request_key", try_request_key, EVERY},
    {"userfaultfd", try_userfaultfd, EVERY},
    {"perf_event_open", try_perf_event_open, EVERY},
    {"kexec_load", try_kexec_load, EVERY},
    {"init_module", try_init_module, EVERY},
    {"finit_module", try_finit_module, EVERY},
    {"personality", try_personality, EVERY},
};

static void
try_all(enum place at)
{
	char name[80];

	for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
		int outcome = calls[i].outcome[at];

		snprintf(name, sizeof name, "%s: %s", places[at].name,
		    calls[i].name);
		if (outcome == DIES)
			dies(places[at].enter, calls[i].what, name);
		else if (outcome != ANY)
			fails(places[at].enter, calls[i].what, outcome, name);
	}
}

#define TEST(function, place)                                                  \
	static void function(void **state)                                     \
	{                                                                      \
		(void)state;                                                   \
		try_all(place);                                                \
	}

TEST(test_analyser, ANALYSER)
TEST(test_tool, TOOL)
TEST(test_sniffer, SNIFFER)
TEST(test_net, NET)
TEST(test_reader, READER)
TEST(test_store, STORE)
TEST(test_courier, COURIER)

/* What a hook runs, a set-user-id program, say, gains nothing. */
static int
try_new_privileges(void)
{
	return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? EPERM : SURVIVED;
}

static void
test_privileges(void **state)
{
	(void)state;
	/* The others may not even ask. */
	for (int at = NET; at < PLACES; at++)
		fails(places[at].enter, try_new_privileges, EPERM,
		    places[at].name);
}

static int
try_nothing(void)
{
	return SURVIVED;
}

/* Limits narrower than ours, which nobody could widen again. */
static bool
narrow_analyser(void)
{
	struct rlimit cpu = {2, 2}, files = {8, 8};

	return setrlimit(RLIMIT_CPU, &cpu) == 0 &&
	    setrlimit(RLIMIT_NOFILE, &files) == 0 && sandbox_analyser(false);
}

static void
test_narrow_limits(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	/* Is there a sandbox at all? */
	fails(places[ANALYSER].enter, try_nothing, SURVIVED, "analyser");
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(narrow_analyser() ? SURVIVED : NO_BOX);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), SURVIVED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_analyser),
	    cmocka_unit_test(test_tool),
	    cmocka_unit_test(test_net),
	    cmocka_unit_test(test_reader),
	    cmocka_unit_test(test_store),
	    cmocka_unit_test(test_sniffer),
	    cmocka_unit_test(test_courier),
	    cmocka_unit_test(test_privileges),
	    cmocka_unit_test(test_narrow_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
