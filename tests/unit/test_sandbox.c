/* Each forbidden call from each sandbox dies or fails as documented. */
#include "cm.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
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

#ifndef __SANITIZE_ADDRESS__
static int
try_fork(void)
{
	pid_t pid = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);

	if (pid == 0)
		_exit(0);
	return pid > 0 ? SURVIVED : errno;
}
#endif

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
try_memory(void)
{
	void *p = malloc(1 << 20);

	free(p);
	return p != NULL ? SURVIVED : ENOMEM;
}

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

static void
works(box *enter, attempt *what, const char *name)
{
	fails(enter, what, SURVIVED, name);
}

static void
test_analyser(void **state)
{
	(void)state;
	works(box_analyser, try_memory, "memory");
	dies(box_analyser, try_socket, "socket");
	dies(box_analyser, try_exec, "exec");
	dies(box_analyser, try_kill_parent, "kill");
	dies(box_analyser, try_exec_memory, "executable memory");
#ifndef __SANITIZE_ADDRESS__
	dies(box_analyser, try_fork, "fork");
	dies(box_analyser, try_ptrace, "ptrace");
#endif
	fails(box_analyser, try_open, EACCES, "open");
}

static void
test_tool(void **state)
{
	(void)state;
	works(box_tool, try_memory, "memory");
	dies(box_tool, try_socket, "socket");
	dies(box_tool, try_exec, "exec");
	fails(box_tool, try_open, EACCES, "open");
}

static void
test_net(void **state)
{
	(void)state;
	works(box_net, try_socket, "socket");
	fails(box_net, try_open, EACCES, "open");
	fails(box_net, try_packet_socket, EACCES, "packet socket");
	dies(box_net, try_exec, "exec");
	dies(box_net, try_ptrace, "ptrace");
}

static void
test_reader(void **state)
{
	(void)state;
	fails(box_reader, try_socket, EACCES, "socket");
	fails(box_reader, try_open, EACCES, "open");
	dies(box_reader, try_exec, "exec");
}

static void
test_sniffer(void **state)
{
	(void)state;
	works(box_sniffer, try_memory, "memory");
	dies(box_sniffer, try_socket, "socket");
	dies(box_sniffer, try_packet_socket, "packet socket");
	dies(box_sniffer, try_exec, "exec");
	dies(box_sniffer, try_kill_parent, "kill");
	dies(box_sniffer, try_exec_memory, "executable memory");
#ifndef __SANITIZE_ADDRESS__
	dies(box_sniffer, try_fork, "fork");
#endif
	fails(box_sniffer, try_open, EACCES, "open");
}

/* What the packet socket needed is nobody's once it is open. */
static void
test_capability(void **state)
{
	(void)state;
	fails(box_net, try_raw_capability, EPERM, "capability of net");
	fails(box_store, try_raw_capability, EPERM, "capability of store");
	fails(box_courier, try_raw_capability, EPERM, "capability of courier");
}

static void
test_store(void **state)
{
	(void)state;
	works(box_store, try_create, "create below the folder");
	fails(box_store, try_open, EACCES, "open elsewhere");
	fails(box_store, try_socket, EACCES, "socket");
	dies(box_store, try_exec, "exec");
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
	    cmocka_unit_test(test_capability),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
