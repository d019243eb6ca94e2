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

#define SELF R_EVIDENCE
#include "dispatch.h"

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
	chan_init(&keys, m->fd, R_EVIDENCE, R_KEYS, 0);
}

/* The evidence in a memfd that no one can change any more: -1 with errno. */
static int
sealed(const uint8_t *b, size_t n)
{
	int fd = memfd_create("evidence", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd == -1)
		return -1;
	if (write(fd, b, n) != (ssize_t)n || fcntl(fd, F_ADD_SEALS,
	    F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) == -1) {
		close(fd);
		return -1;
	}
	return fd;
}

ON(QUOTE_ASK)
{
	static uint8_t quote[QUOTE_MAX];
	const struct m_quote_ask *ask = m->payload;
	struct m_quote_failed failed;
	struct m_quote q;
	long n;
	int fd = -1;

	errno = 0;
	n = provider->quote(ask->report_data, quote, sizeof(quote));
	if (n <= 0 || (fd = sealed(quote, (size_t)n)) == -1) {
		failed.error = errno == 0 ? EIO : (uint32_t)errno;
		chan_send(c, M_QUOTE_FAILED, &failed, NULL, 0, -1);
		return;
	}
	q.tee_type = provider->tee_type;
	q.size = (uint32_t)n;
	blob_measurement(q.tee_type, quote, (size_t)n, q.measurement);
	chan_send(c, M_QUOTE, &q, NULL, 0, fd);
	close(fd);
}
