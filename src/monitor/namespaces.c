/* SPDX-License-Identifier: Apache-2.0
 *
 * Namespaces, if the monitor is root and the kernel has them: a network with
 * only a loopback that is down, and mounts that nobody outside sees.  All
 * children inherit both; net and registry go back to the host's network.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "log.h"
#include "monitor.h"
#include "sandbox.h"

static int host = -1;		/* the network that there was before */

uint32_t
namespaces_enter(void)
{
	if (geteuid() != 0)
		return 0;
	host = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (host == -1 ||
	    unshare(CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWIPC) == -1 ||
	    mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) == -1) {
		log_warn("cannot create namespaces: %s: all roles can access "
			 "the network of the host",
		    strerror(errno));
		if (host != -1)
			close(host);
		host = -1;
		return 0;
	}
	return SANDBOX_NETNS | SANDBOX_MOUNTNS;
}

uint32_t
namespaces_of(enum role role, uint32_t namespaces)
{
	return role & (R_FRONT | R_REGISTRY) ? namespaces & ~SANDBOX_NETNS :
					       namespaces;
}

int
namespaces_leave(enum role role)
{
	if (host == -1 || !(role & (R_FRONT | R_REGISTRY)))
		return 0;
	return setns(host, CLONE_NEWNET);
}
