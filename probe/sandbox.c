#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bytes.h"
#include "log.h"

#if defined(__x86_64__)
#define ARCH	AUDIT_ARCH_X86_64
#define X32_BIT 0x40000000u
#elif defined(__aarch64__)
#define ARCH AUDIT_ARCH_AARCH64
#else
#error "the seccomp filter knows x86-64 and arm64"
#endif

#if defined(__SANITIZE_ADDRESS__)
#define WITH_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ASAN 1
#endif
#endif
#ifndef WITH_ASAN
#define WITH_ASAN 0
#endif

/* One line of a filter table: a system call and what becomes of it. */
struct verdict_line {
	long nr;
	uint32_t action;
};

#define ALLOW	   SECCOMP_RET_ALLOW
#define FAIL(e)	   (SECCOMP_RET_ERRNO | (e))
#define KILL	   SECCOMP_RET_KILL_PROCESS
#define FILTER_MAX 256

struct filter {
	struct sock_filter code[FILTER_MAX];
	unsigned short n;
};

static void
put(struct filter *f, uint16_t code, uint32_t k, uint8_t jt, uint8_t jf)
{
	if (f->n == FILTER_MAX)
		bug("seccomp filter too long");
	f->code[f->n++] = (struct sock_filter){code, jt, jf, k};
}

#define LOAD(f, field)                                                         \
	put((f), BPF_LD | BPF_W | BPF_ABS,                                     \
	    offsetof(struct seccomp_data, field), 0, 0)
#define LOAD_ARG(f, i)                                                         \
	put((f), BPF_LD | BPF_W | BPF_ABS,                                     \
	    offsetof(struct seccomp_data, args) + 8 * (i), 0, 0)
#define RETURN(f, action) put((f), BPF_RET | BPF_K, (action), 0, 0)

/* Foreign architectures and x32 numbers die first. */
static void
filter_begin(struct filter *f)
{
	f->n = 0;
	LOAD(f, arch);
	put(f, BPF_JMP | BPF_JEQ | BPF_K, ARCH, 1, 0);
	RETURN(f, KILL);
	LOAD(f, nr);
#ifdef X32_BIT
	put(f, BPF_JMP | BPF_JGE | BPF_K, X32_BIT, 0, 1);
	RETURN(f, KILL);
#endif
}

static void
filter_table(struct filter *f, const struct verdict_line *lines, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		put(f, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)lines[i].nr, 0, 1);
		RETURN(f, lines[i].action);
	}
}

/* mmap: anonymous and not executable, else die. */
static void
filter_mmap(struct filter *f)
{
	put(f, BPF_JMP | BPF_JEQ | BPF_K, __NR_mmap, 0, 7);
	LOAD_ARG(f, 2);
	put(f, BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, 3, 0);
	LOAD_ARG(f, 3);
	put(f, BPF_JMP | BPF_JSET | BPF_K, MAP_ANONYMOUS, 0, 1);
	RETURN(f, ALLOW);
	RETURN(f, KILL);
	LOAD(f, nr);
}

/* tgkill: itself only, so that abort() still says SIGABRT. */
static void
filter_tgkill(struct filter *f)
{
	put(f, BPF_JMP | BPF_JEQ | BPF_K, __NR_tgkill, 0, 5);
	LOAD_ARG(f, 0);
	put(f, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)getpid(), 0, 1);
	RETURN(f, ALLOW);
	RETURN(f, KILL);
	LOAD(f, nr);
}

/* socketpair: of streams only.  A half of any other kind may be connected to
 * a socket of somebody else later. */
static void
filter_socketpair(struct filter *f)
{
	put(f, BPF_JMP | BPF_JEQ | BPF_K, __NR_socketpair, 0, 6);
	LOAD_ARG(f, 1);
	put(f, BPF_ALU | BPF_AND | BPF_K, 0xf, 0, 0);
	put(f, BPF_JMP | BPF_JEQ | BPF_K, SOCK_STREAM, 0, 1);
	RETURN(f, ALLOW);
	RETURN(f, FAIL(EACCES));
	LOAD(f, nr);
}

/* ioctl: nothing that types into the terminal that standard error may be. */
static void
filter_ioctl(struct filter *f)
{
	put(f, BPF_JMP | BPF_JEQ | BPF_K, __NR_ioctl, 0, 6);
	LOAD_ARG(f, 1);
	put(f, BPF_JMP | BPF_JEQ | BPF_K, TIOCSTI, 1, 0);
	put(f, BPF_JMP | BPF_JEQ | BPF_K, TIOCLINUX, 0, 1);
	RETURN(f, FAIL(EPERM));
	RETURN(f, ALLOW);
	LOAD(f, nr);
}

/* socket: the listed families, else EACCES. */
static void
filter_socket(struct filter *f, const int *families, size_t n)
{
	put(f, BPF_JMP | BPF_JEQ | BPF_K, __NR_socket, 0,
	    (uint8_t)(2 * n + 2 + 1));
	LOAD_ARG(f, 0);
	for (size_t i = 0; i < n; i++) {
		put(f, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)families[i], 0, 1);
		RETURN(f, ALLOW);
	}
	RETURN(f, FAIL(EACCES));
	LOAD(f, nr);
}

static bool
filter_install(const struct filter *f, bool best_effort)
{
	struct sock_fprog program = {f->n, (struct sock_filter *)f->code};

	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0)
		return true;
	log_error("cannot install the seccomp filter: %s%s", strerror(errno),
	    best_effort ? "; going on without it"
			: " (sandbox: best-effort would go on without it)");
	return best_effort;
}

static const struct verdict_line analyser_lines[] = {
    {__NR_read, ALLOW},
    {__NR_write, ALLOW},
    {__NR_close, ALLOW},
#ifdef __NR_poll
    {__NR_poll, ALLOW},
#endif
    {__NR_ppoll, ALLOW},
    {__NR_brk, ALLOW},
    {__NR_munmap, ALLOW},
    {__NR_mremap, ALLOW},
    {__NR_madvise, ALLOW},
    {__NR_futex, ALLOW},
    {__NR_getrandom, ALLOW},
    {__NR_clock_gettime, ALLOW},
    {__NR_restart_syscall, ALLOW},
    {__NR_rt_sigreturn, ALLOW},
    {__NR_exit, ALLOW},
    {__NR_exit_group, ALLOW},
    {__NR_rt_sigprocmask, ALLOW},
    {__NR_getpid, ALLOW},
    {__NR_gettid, ALLOW},
    /* What libc tries and can do without. */
    {__NR_openat, FAIL(EACCES)},
#ifdef __NR_open
    {__NR_open, FAIL(EACCES)},
#endif
    {__NR_fstat, FAIL(EACCES)},
    {__NR_newfstatat, FAIL(EACCES)},
    {__NR_ioctl, FAIL(ENOTTY)},
    {__NR_clone3, FAIL(ENOSYS)},
};

/* Its event loop, its sockets, and the counters of the packet socket. */
static const struct verdict_line sniffer_lines[] = {
    {__NR_epoll_ctl, ALLOW},
#ifdef __NR_epoll_wait
    {__NR_epoll_wait, ALLOW},
#endif
    {__NR_epoll_pwait, ALLOW},
    {__NR_recvmsg, ALLOW},
    {__NR_sendmsg, ALLOW},
    {__NR_getsockopt, ALLOW},
    {__NR_setsockopt, FAIL(EPERM)},
    {__NR_shutdown, ALLOW},
    {__NR_fcntl, ALLOW},
};

static const struct verdict_line tool_lines[] = {
    {__NR_lseek, ALLOW},
    {__NR_pread64, ALLOW},
    {__NR_writev, ALLOW},
};

#if WITH_ASAN
/* What the sanitizer's own run time needs. */
static const struct verdict_line asan_lines[] = {
    {__NR_sigaltstack, ALLOW},
    {__NR_mprotect, ALLOW},
    {__NR_rt_sigaction, ALLOW},
    {__NR_sched_yield, ALLOW},
    {__NR_readlink, FAIL(EACCES)},
    {__NR_prctl, ALLOW},
    {__NR_clone, ALLOW},
    {__NR_ptrace, FAIL(EPERM)},
    {__NR_wait4, ALLOW},
    {__NR_sched_getaffinity, ALLOW},
    {__NR_getrlimit, ALLOW},
    {__NR_prlimit64, ALLOW},
};
#endif

/* Kernel interfaces that no role needs once it runs. */
static const struct verdict_line denied_lines[] = {
    {__NR_ptrace, KILL},
    {__NR_process_vm_readv, KILL},
    {__NR_process_vm_writev, KILL},
    {__NR_io_uring_setup, KILL},
    {__NR_bpf, KILL},
    {__NR_unshare, KILL},
    {__NR_setns, KILL},
    {__NR_mount, KILL},
    {__NR_umount2, KILL},
    {__NR_pivot_root, KILL},
    {__NR_chroot, KILL},
    {__NR_keyctl, KILL},
    {__NR_add_key, KILL},
    {__NR_request_key, KILL},
    {__NR_userfaultfd, KILL},
    {__NR_perf_event_open, KILL},
    {__NR_kexec_load, KILL},
    {__NR_init_module, KILL},
    {__NR_finit_module, KILL},
    {__NR_personality, KILL},
    {__NR_pidfd_getfd, KILL},
};

/* What only the parent of hooks may do: start programs, and signal others.
 * Landlock keeps signals in since its sixth version alone. */
static const struct verdict_line no_exec_lines[] = {
    {__NR_execve, KILL},
    {__NR_execveat, KILL},
#ifdef __NR_fork
    {__NR_fork, KILL},
    {__NR_vfork, KILL},
#endif
    {__NR_kill, FAIL(EPERM)},
    {__NR_tkill, KILL},
    {__NR_pidfd_send_signal, KILL},
    {__NR_rt_sigqueueinfo, KILL},
    {__NR_rt_tgsigqueueinfo, KILL},
};

/* Capabilities that a service manager handed down for the packet socket are
 * for the sniffer's start alone; and root needs no raw sockets either. */
static bool
drop_capabilities(void)
{
	struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct sets[2] = {{0}};
	const uint32_t raw = 1u << CAP_NET_RAW | 1u << CAP_NET_ADMIN;

	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (syscall(__NR_capget, &head, sets) != 0 ||
	    (sets[0].permitted & raw) == 0)
		return true;
	sets[0].effective &= ~raw;
	sets[0].permitted &= ~raw;
	sets[0].inheritable &= ~raw;
	if (syscall(__NR_capset, &head, sets) == 0)
		return true;
	log_error("cannot give up capabilities: %s", strerror(errno));
	return false;
}

static bool
no_new_privileges(void)
{
	if (!drop_capabilities())
		return false;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
		log_error("cannot give up new privileges: %s", strerror(errno));
		return false;
	}
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) {
		log_error("cannot clear the dumpable flag: %s",
		    strerror(errno));
		return false;
	}
	return true;
}

static bool
limit(int what, rlim_t soft, rlim_t hard)
{
	struct rlimit r;

	/* A narrower one that is in force already cannot be raised. */
	if (getrlimit((__rlimit_resource_t)what, &r) == 0 && r.rlim_max < hard)
		hard = r.rlim_max;
	r = (struct rlimit){soft < hard ? soft : hard, hard};
	if (setrlimit((__rlimit_resource_t)what, &r) == 0)
		return true;
	log_error("cannot set resource limit %d: %s", what, strerror(errno));
	return false;
}

/* Landlock, by system call: Debian 12's headers know an older version than
 * kernels do, so later fields and bits are spelt out here. */
struct ruleset_attr {
	uint64_t fs;
	uint64_t net;
	uint64_t scope;
};

#define FS_BITS(abi)                                                           \
	((abi) >= 5	     ? 0xffffu                                         \
		: (abi) >= 3 ? 0x7fffu                                         \
		: (abi) == 2 ? 0x3fffu                                         \
			     : 0x1fffu)
#define FS_READ_WRITE                                                          \
	(LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR |          \
	    LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_FILE |   \
	    LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_DIR |        \
	    0x4000u /* truncate */)
#define NET_BIND_CONNECT 0x3u
#define SCOPE_ALL	 0x3u

static bool
landlock_missing(const char *what, bool best_effort)
{
	log_error("%s: %s%s", what, strerror(errno),
	    best_effort ? "; going on without Landlock"
			: " (sandbox: best-effort would go on without it)");
	return best_effort;
}

static bool
allow_folder(int ruleset, const char *path, uint64_t access)
{
	struct landlock_path_beneath_attr rule = {.allowed_access = access};
	bool ok;

	rule.parent_fd = open(path, O_PATH | O_CLOEXEC);
	if (rule.parent_fd < 0) {
		log_error("cannot open %s: %s", path, strerror(errno));
		return false;
	}
	ok = syscall(__NR_landlock_add_rule, ruleset,
		 LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0;
	if (!ok)
		log_error("cannot allow %s: %s", path, strerror(errno));
	close(rule.parent_fd);
	return ok;
}

/* No file access but below `folders`; no TCP unless `tcp`. */
static bool
landlock(const char *const *folders, size_t n, bool tcp, bool best_effort)
{
	struct ruleset_attr attr = {0};
	size_t size = sizeof attr;
	int ruleset;
	bool ok = true;
	long abi = syscall(__NR_landlock_create_ruleset, NULL, 0,
	    LANDLOCK_CREATE_RULESET_VERSION);

	if (abi < 1)
		return landlock_missing("the kernel has no Landlock",
		    best_effort);
	attr.fs = FS_BITS(abi);
	if (abi >= 4 && !tcp)
		attr.net = NET_BIND_CONNECT;
	if (abi >= 6)
		attr.scope = SCOPE_ALL;
	if (abi < 6)
		size = abi >= 4 ? 16 : 8;
	ruleset = (int)syscall(__NR_landlock_create_ruleset, &attr, size, 0);
	if (ruleset < 0)
		return landlock_missing("cannot make a Landlock ruleset",
		    best_effort);
	for (size_t i = 0; i < n && ok; i++)
		ok = allow_folder(ruleset, folders[i],
		    FS_READ_WRITE & FS_BITS(abi));
	if (ok && syscall(__NR_landlock_restrict_self, ruleset, 0) != 0)
		ok = landlock_missing("cannot apply Landlock", best_effort);
	close(ruleset);
	return ok;
}

static bool
allow_list(const struct verdict_line *more, size_t n, bool best_effort)
{
	struct filter f;

	filter_begin(&f);
	filter_table(&f, more, n);
	filter_mmap(&f);
	filter_tgkill(&f);
	/* The first line that fits counts. */
	filter_table(&f, analyser_lines, ARRAY_LEN(analyser_lines));
#if WITH_ASAN
	filter_table(&f, asan_lines, ARRAY_LEN(asan_lines));
#endif
	RETURN(&f, KILL);
	return filter_install(&f, best_effort);
}

/* Everything but the listed calls, and sockets of the listed families. */
static bool
deny_list(const int *families, size_t n, bool best_effort)
{
	struct filter f;

	filter_begin(&f);
	filter_table(&f, denied_lines, ARRAY_LEN(denied_lines));
	filter_table(&f, no_exec_lines, ARRAY_LEN(no_exec_lines));
	filter_tgkill(&f);
	filter_ioctl(&f);
	filter_socketpair(&f);
	filter_socket(&f, families, n);
	RETURN(&f, ALLOW);
	return filter_install(&f, best_effort);
}

/* The parent of hooks, and the hooks. */
static bool
deny_few(bool best_effort)
{
	struct filter f;

	filter_begin(&f);
	filter_table(&f, denied_lines, ARRAY_LEN(denied_lines));
	RETURN(&f, ALLOW);
	return filter_install(&f, best_effort);
}

#define ANALYSER_MEMORY (512ul * 1024 * 1024)
#define ANALYSER_FILES	8
#define ANALYSER_CPU	120 /* seconds over all jobs of one worker */

bool
sandbox_analyser(bool best_effort)
{
	if (!no_new_privileges() || !limit(RLIMIT_CORE, 0, 0) ||
	    !limit(RLIMIT_NOFILE, ANALYSER_FILES, ANALYSER_FILES) ||
	    !limit(RLIMIT_NPROC, 0, 0) ||
	    !limit(RLIMIT_CPU, ANALYSER_CPU, ANALYSER_CPU + 2))
		return false;
	if (!WITH_ASAN && !limit(RLIMIT_AS, ANALYSER_MEMORY, ANALYSER_MEMORY))
		return false;
	return landlock(NULL, 0, false, best_effort) &&
	    allow_list(NULL, 0, best_effort);
}

#define SNIFFER_MEMORY (512ul * 1024 * 1024)
#define SNIFFER_FILES  32

bool
sandbox_sniffer(bool best_effort)
{
	if (!no_new_privileges() || !limit(RLIMIT_CORE, 0, 0) ||
	    !limit(RLIMIT_NOFILE, SNIFFER_FILES, SNIFFER_FILES) ||
	    !limit(RLIMIT_NPROC, 0, 0))
		return false;
	if (!WITH_ASAN && !limit(RLIMIT_AS, SNIFFER_MEMORY, SNIFFER_MEMORY))
		return false;
	return landlock(NULL, 0, false, best_effort) &&
	    allow_list(sniffer_lines, ARRAY_LEN(sniffer_lines), best_effort);
}

bool
sandbox_tool(void)
{
	return no_new_privileges() && limit(RLIMIT_CORE, 0, 0) &&
	    allow_list(tool_lines, ARRAY_LEN(tool_lines), false);
}

bool
sandbox_net(bool best_effort)
{
	/* Not AF_UNIX: behind such sockets are session buses, agents of keys
	 * and daemons that run what they are told, and Landlock lets a process
	 * connect to them. */
	static const int families[] = {AF_INET, AF_INET6};

	return no_new_privileges() && limit(RLIMIT_CORE, 0, 0) &&
	    landlock(NULL, 0, true, best_effort) &&
	    deny_list(families, ARRAY_LEN(families), best_effort);
}

bool
sandbox_reader(bool best_effort)
{
	return no_new_privileges() && limit(RLIMIT_CORE, 0, 0) &&
	    landlock(NULL, 0, false, best_effort) &&
	    deny_list(NULL, 0, best_effort);
}

bool
sandbox_store(const char *const *folders, size_t n, bool best_effort)
{
	return no_new_privileges() && limit(RLIMIT_CORE, 0, 0) &&
	    landlock(folders, n, false, best_effort) &&
	    deny_list(NULL, 0, best_effort);
}

bool
sandbox_courier(bool best_effort)
{
	return no_new_privileges() && deny_few(best_effort);
}

const char *
sandbox_syscall_name(long number)
{
	static const struct {
		long nr;
		const char *name;
	} names[] = {{__NR_socket, "socket"}, {__NR_connect, "connect"},
	    {__NR_openat, "openat"}, {__NR_execve, "execve"},
	    {__NR_clone, "clone"}, {__NR_mmap, "mmap"}, {__NR_kill, "kill"},
	    {__NR_ptrace, "ptrace"}, {__NR_mprotect, "mprotect"},
	    {__NR_ioctl, "ioctl"}, {__NR_fcntl, "fcntl"}};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (names[i].nr == number)
			return names[i].name;
	return NULL;
}
