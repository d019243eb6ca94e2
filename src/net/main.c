/* SPDX-License-Identifier: Apache-2.0
 *
 * The net role: start-up as a checklist, and what it does when keys has ended
 * or the certificate was renewed.  It must never open a file or execute
 * anything once it is in its sandbox.
 */
#include <event2/thread.h>
#include <malloc.h>
#include <string.h>

#include "log.h"
#include "net.h"
#include "proc.h"

void
front_keys_lost(void)
{
	/* The remaining batches belong to an identity that is gone. */
	batch_forget_all();
	session_stop("keys has ended");
}

void
front_renewed(int has_expired)
{
	gateway_start();
	gateway_connect();
	session_renewed(has_expired);
}

void
front_matched(void)
{
	session_renewed(0);
}

/* ---- start ------------------------------------------------------------- */

int
main(int argc, char **argv)
{
	static struct m_start start;

	if (argc > 1 && strcmp(argv[1], "-t") == 0)
		net_check(argv + 2);
	proc_start(R_NET, &start);

	/* Arenas for each of gRPC's threads would only cost address space; and
	 * when glibc shrinks one, it opens /proc/sys/vm/overcommit_memory. */
	mallopt(M_ARENA_MAX, 1);
	if (evthread_use_pthreads() == -1)
		fatal("libevent: cannot start");
	front_init(&start);
	session_init();
	gateway_init();
	front_listen();
	rpc_warm();
	proc_sandbox(R_NET, &start);

	rpc_start();
	front_start();
	front_lock();
	gateway_start();
	front_unlock();
	event_base_dispatch(front.base);
	fatal("libevent: the loop has ended");
}
