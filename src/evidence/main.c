/* SPDX-License-Identifier: Apache-2.0
 *
 * evidence: asks the TEE for quotes, so that keys need not wait for one.  It
 * holds no key and has no peer but keys.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "evidence.h"
#include "log.h"
#include "proc.h"

struct chan keys = { .fd = -1 };
const struct provider *provider;
static const enum state state = S_IDLE;

/* What a machine with a TEE would have. */
static const char *const interfaces[] = {
	"/sys/kernel/config/tsm/report", "/dev/sev-guest", "/dev/tee0",
};

static void
provider_choose(uint32_t choice)
{
	size_t i;

	if (choice == TEE_CHOICE_INSECURE) {
		provider = &insecure;
		log_warn("tee: INSECURE: this Runner proves nothing: for "
		    "development alone");
		return;
	}
	for (i = 0; i < sizeof(interfaces) / sizeof(interfaces[0]); i++)
		if (access(interfaces[i], F_OK) == 0)
			fatal("tee: %s is there, but this version has no "
			    "provider for it; `tee insecure' is for "
			    "development", interfaces[i]);
	fatal("tee: none found: looked for %s, %s, %s; `tee insecure' is for "
	    "development", interfaces[0], interfaces[1], interfaces[2]);
}

static void
serve(struct chan *c)
{
	if (c->fd == -1)
		return;
	if (chan_flush(c) != -1 && chan_dispatch(c, &state) != -1)
		return;
	if (c == &monitor)
		log_exit(0);
	chan_close(c);
}

int
main(void)
{
	static struct m_start start;
	struct pollfd p[2];
	int i;

	proc_start(R_EVIDENCE, &start);
	provider_choose(start.conf.tee);
	proc_sandbox(R_EVIDENCE, &start);
	for (;;) {
		const struct chan *list[2] = { &monitor, &keys };

		for (i = 0; i < 2; i++) {
			p[i].fd = list[i]->fd;
			p[i].events = POLLIN;
			if (list[i]->queued != 0)
				p[i].events |= POLLOUT;
		}
		if (poll(p, 2, -1) == -1 && errno != EINTR)
			fatal("poll: %s", strerror(errno));
		serve(&monitor);
		serve(&keys);
	}
}
