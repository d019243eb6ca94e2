/* SPDX-License-Identifier: Apache-2.0
 *
 * What a process gives up for good: root directory, user, capabilities, limits,
 * files and sockets (Landlock), dumps, and every system call that
 * policy/ROLE.policy does not list.
 */
#ifndef SANDBOX_H
#define SANDBOX_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "states.h"

/* The features that hold on this system: m_ready.features, for status. */
#define SANDBOX_CHROOT		(1u << 0)
#define SANDBOX_USER		(1u << 1)
#define SANDBOX_LANDLOCK	(1u << 2)
#define SANDBOX_SECCOMP		(1u << 3)
/* no memory becomes executable */
#define SANDBOX_MDWE		(1u << 4)
#define SANDBOX_NODUMP		(1u << 5)
/* keys, compute: memfd_secret */
#define SANDBOX_SECRETMEM	(1u << 6)
/* a network without interfaces */
#define SANDBOX_NETNS		(1u << 7)
#define SANDBOX_MOUNTNS		(1u << 8)
/* keys, compute: nothing is swapped */
#define SANDBOX_MEMLOCK		(1u << 9)
#define SANDBOX_PORTS		(1u << 10)	/* TCP to listed ports alone */
#define SANDBOX_FEATURES	11
/* "chroot" ... for bit i of them. */
extern const char *const sandbox_feature[SANDBOX_FEATURES];
/* The features of a role if the system has all of them. */
uint32_t sandbox_of(enum role);

/* The limits of each role; tee-runnerctl policy ROLE prints them. */
struct sandbox_role {
	enum role	 role;
	size_t		 max_files;	/* RLIMIT_NOFILE */
	size_t		 max_memory;	/* RLIMIT_AS, bytes */
	size_t		 max_file;	/* RLIMIT_FSIZE, bytes */
	int		 allow_fork;	/* 0: RLIMIT_NPROC 0; threads count */
	int		 is_secret;	/* its memory is locked */
	const char	*ports;		/* whose it connects to; NULL:
					 * nobody's */
	const char	*files;		/* which it opens; NULL: none */
};
/* Fatal for the monitor, which has none. */
const struct sandbox_role *sandbox_role(enum role);

/* The capabilities that the monitor keeps as root. */
extern const struct sandbox_cap {
	int		 number;	/* CAP_SETUID */
	const char	*name;		/* "setuid" */
	int		 for_namespaces; /* only if there are any */
} sandbox_caps[];
extern const size_t sandbox_n_caps;

struct sandbox {
	const char	*role;		/* whose policy */
	const char	*empty_dir;	/* chroot target; ignored when uid is
					 * 0 */
					/* for messages: it is the working
					 * directory */
	uid_t		 uid;		/* 0: stay as we are */
	gid_t		 gid;
	size_t		 max_files;	/* RLIMIT_NOFILE */
	size_t		 max_memory;	/* RLIMIT_AS, bytes; 0: leave alone */
	size_t		 max_file;	/* RLIMIT_FSIZE, bytes; 0: writes no
					 * file */
	int		 allow_fork;	/* 0: RLIMIT_NPROC 0; threads count */
	int		 death_signal;	/* when the parent dies; 0: none */
	int		 allow_ports;	/* 0: sandbox_allow_port() is an
					 * error */
	int		 files_fd;	/* files in this directory stay open to
					 * read and write; 0: none at all */
};

/* Before sandbox_enter(): this TCP port may be connected to, at any address.
 * No other port can be, and none can be bound, if the kernel has Landlock's
 * rules for ports (ABI 4, Linux 6.7).  Names are looked up before: a resolver
 * that needed TCP to port 53, which UDP is not, would not get it. */
void sandbox_allow_port(uint16_t port);

/* For the monitor and all that it starts: no path is written, made, removed or
 * renamed but below these, in the way that is allowed there.  After
 * no_new_privs; 1, or 0 if the kernel has no Landlock. */
#define SANDBOX_WRITE	(1u << 0)	/* to files that exist */
#define SANDBOX_DIRS	(1u << 1)	/* make and remove directories */
#define SANDBOX_SOCKETS	(1u << 2)	/* make sockets, remove files */
struct sandbox_path {
	int		 fd;		/* O_PATH; -1: left out */
	uint32_t	 may;
};
int sandbox_bound_writes(const struct sandbox_path *, size_t n);

/* A system call that a filter refuses is told to the monitor from now on: its
 * own filter, which is inherited, holds before sandbox_enter() too. */
void sandbox_catch(void);

/* Enter the sandbox, in this order: chroot, uid, limits, dumps, no_new_privs,
 * Landlock, filter.  The process must have one thread, since Landlock and
 * capabilities belong to a thread.  Fatal if the kernel refuses a feature that
 * it has.  Returns the SANDBOX_* that hold. */
uint32_t sandbox_enter(const struct sandbox *);

#endif
