/* SPDX-License-Identifier: Apache-2.0
 *
 * One handler for each message that evidence receives.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "evidence.h"
#include "log.h"
#include "proc.h"

#define SELF R_EVIDENCE
#include "dispatch.h"

static struct m_quote_ask pending;
static int is_pending;		/* keys waits for an answer to it */

ON(START)
{
	chan_illegal(c, m->type, "started already");
}

ON(PEER)
{
	const struct m_peer *p = m->payload;

	if (p->role != R_KEYS)
		chan_illegal(c, m->type, "no such peer");
	if (keys.fd != -1)
		chan_close(&keys);
	is_pending = 0;
	chan_init(&keys, m->fd, R_EVIDENCE, R_KEYS, 0);
}

/* The evidence in a memfd that no one can change any more: -1 with errno. */
static int
sealed(const uint8_t *b, size_t n)
{
	int fd = memfd_create("evidence", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd == -1)
		return -1;
	if (write(fd, b, n) != (ssize_t)n ||
	    fcntl(fd, F_ADD_SEALS,
		F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) ==
		-1) {
		close(fd);
		return -1;
	}
	return fd;
}

static void
send_failure(int error)
{
	const struct m_quote_failed f = { error == 0 ? EIO : (uint32_t)error };

	is_pending = 0;
	chan_send(&keys, M_QUOTE_FAILED, &f, NULL, 0, -1);
}

static void
quote(void)
{
	static uint8_t b[QUOTE_MAX];
	struct m_quote q;
	long n;
	int fd = -1;

	errno = 0;
	n = provider->quote(pending.report_data, b, sizeof(b));
	if (n == 0)
		errno = ENODATA;
	if (n <= 0 || (fd = sealed(b, (size_t)n)) == -1) {
		send_failure(errno);
		return;
	}
	is_pending = 0;
	q.tee_type = provider->tee_type;
	q.size = (uint32_t)n;
	blob_measurement(q.tee_type, b, (size_t)n, q.measurement);
	chan_send(&keys, M_QUOTE, &q, NULL, 0, fd);
	close(fd);
}

/* The monitor asks whether we are alive. */
ON(LOG_LEVEL)
{
	const struct m_log_level *l = m->payload;

	log_level((int)l->level);
}

ON(PING)
{
	proc_pong(c);
}

ON(QUOTE_ASK)
{
	if (is_pending)
		chan_illegal(c, m->type, "the last one is not answered");
	pending = *(const struct m_quote_ask *)m->payload;
	is_pending = 1;
	if (provider == &dstack)
		chan_send(&monitor, M_AGENT_ASK, NULL, NULL, 0, -1);
	else
		quote();
}

/* For keys that have gone since, there is nothing to ask. */
ON(AGENT)
{
	agent_fd = m->fd;
	if (is_pending)
		quote();
	close(agent_fd);
	agent_fd = -1;
}

ON(AGENT_FAILED)
{
	const struct m_quote_failed *f = m->payload;

	if (is_pending)
		send_failure((int)f->error);
}
