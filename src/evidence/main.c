/* SPDX-License-Identifier: Apache-2.0
 *
 * evidence: asks the TEE for quotes, so that keys need not wait for one.  It
 * holds no key and has no peer but keys.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "evidence.h"
#include "log.h"
#include "proc.h"

struct chan keys = { .fd = -1 };
int agent_fd = -1;
const struct provider *provider;
static const enum state state = S_IDLE;

#define OR_INSECURE	"`tee insecure' is for development"

/* By the mark that Azure gives to all of its guests. */
static int
is_azure(void)
{
	static const char mark[] = "7783-7084-3265-9085-8269-3286-77";
	char b[sizeof(mark)];
	const int fd = open(
	    "/sys/class/dmi/id/chassis_asset_tag", O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd == -1)
		return 0;
	n = read(fd, b, sizeof(b));
	close(fd);
	return n >= (ssize_t)sizeof(mark) - 1 &&
	    memcmp(b, mark, sizeof(mark) - 1) == 0;
}

/* `auto' takes what is there; no choice falls back to `insecure'. */
static void
provider_choose(const struct m_start *start)
{
	const uint32_t choice = start->conf.tee;

	if (choice == TEE_CHOICE_INSECURE) {
		provider = &insecure;
		log_warn("tee: INSECURE: no attestation: for development only");
		return;
	}
	if (start->conf.dstack_socket[0] != '\0') {
		provider = &dstack;
		return;
	}
	if (choice != TEE_CHOICE_OPTEE)
		provider = tsm_open(TSM_PATH, choice, start->gid);
	if (provider == NULL &&
	    (choice == TEE_CHOICE_AUTO || choice == TEE_CHOICE_SEV_SNP))
		provider = sev_open(SEV_PATH);
	if (provider == NULL &&
	    (choice == TEE_CHOICE_AUTO || choice == TEE_CHOICE_OPTEE))
		provider = optee_open(OPTEE_PATH);
	if (provider != NULL)
		return;
	if (choice == TEE_CHOICE_OPTEE)
		fatal("tee: optee not found: looked for " OPTEE_PATH
		      "; " OR_INSECURE);
	if (choice == TEE_CHOICE_SEV_SNP)
		fatal("tee: sev-snp not found: looked for " TSM_PATH
		      " or " SEV_PATH "; " OR_INSECURE);
	if (choice != TEE_CHOICE_AUTO)
		fatal("tee: %s not found: looked for " TSM_PATH ", which "
		      "needs Linux 6.7 or later and configfs; " OR_INSECURE,
		    choice == TEE_CHOICE_TDX ? "tdx" : "cca");
	if (is_azure())
		fatal("tee: confidential VM of Azure: its evidence comes from "
		      "a vTPM, which is not supported; " OR_INSECURE);
	fatal("tee: none found: looked for " TSM_PATH ", " SEV_PATH
	      ", " OPTEE_PATH "; " OR_INSECURE);
}

/* A request to a TEE that is cut short stays with the host, and none is taken
 * before it is done; SNP's may even cost the guest's key. */
static void
signals_ignore(void)
{
	static const int all[] = { SIGHUP, SIGINT, SIGTERM, SIGALRM, SIGUSR1,
		SIGUSR2 };
	size_t i;

	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (signal(all[i], SIG_IGN) == SIG_ERR)
			fatal("signal: %s", strerror(errno));
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
	signals_ignore();
	provider_choose(&start);
	if (start.conf.rtmr_extend != 0)
		rtmr_extend(RTMR_PATH, &start.conf);
	proc_sandbox_with(R_EVIDENCE, &start, tsm_dir());
	log_info("tee: %s", provider->name);
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
