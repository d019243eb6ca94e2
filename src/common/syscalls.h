/* SPDX-License-Identifier: Apache-2.0
 *
 * The names of system calls, for the monitor's report of a call that a filter
 * refused.  policyc makes the table at build time (libsyscalls.a).
 */
#ifndef SYSCALLS_H
#define SYSCALLS_H

#include <stddef.h>
#include <stdint.h>

const char *syscall_name(uint32_t nr);	/* "openat"; "?" when unknown */

#endif
