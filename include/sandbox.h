/*
 * What each role gives up once it has started, for good.
 *
 * Every call sets no-new-privileges, gives up capabilities that the service
 * manager handed down, clears the dumpable flag, and applies
 * resource limits, Landlock (where the kernel has it) and a seccomp filter.
 * Without seccomp, or without Landlock, the call fails unless best_effort.
 * They return false with a logged reason; the caller must then exit.
 */
#ifndef KPWATCH_SANDBOX_H
#define KPWATCH_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>

/* Allow list, default kill: read, write, poll, memory, time, exit.  No files,
 * no sockets, no processes.  512 MiB of address space. */
bool sandbox_analyser(bool best_effort);
/* The same for a command that parses hostile files it has already opened
 * (extract, inspect, classify): also lseek and pread, no memory limit. */
bool sandbox_tool(void);
/* No file system at all, no exec, no signals to others, nothing typed into a
 * terminal; new sockets of IPv4 and IPv6 only. */
bool sandbox_net(bool best_effort);
/* Capture files come as descriptors: no files, no sockets, no exec; the rest
 * as above. */
bool sandbox_reader(bool best_effort);
/* Read and write below the given folders only; no sockets, no exec; the rest
 * as above. */
bool sandbox_store(const char *const *folders, size_t n, bool best_effort);
/* Allow list, default kill: as the analyser, and its sockets and event loop
 * that are open already.  The packet socket must be one of them. */
bool sandbox_sniffer(bool best_effort);
/* Spawns hooks, so little can be taken: no new privileges, no debugging of
 * others, no kernel interfaces. */
bool sandbox_courier(bool best_effort);

/* Name of a system call number for a log line, or NULL. */
const char *sandbox_syscall_name(long number);

#endif
