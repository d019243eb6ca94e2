/* SPDX-License-Identifier: Apache-2.0
 *
 * The configuration measured into a TD: one of its run-time registers is
 * extended by the configuration's hash, once in the life of the guest (Linux
 * 6.16).  Runs before the sandbox.
 *
 * The digest that the register is extended by is the hash of 32 bytes and 16
 * zeros, so a verifier expects SHA-384(48 zeros || hash || 16 zeros).  A
 * register that is not empty is left unchanged: a register that is extended
 * twice no longer has the value that a verifier expects.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "attested.h"
#include "evidence.h"
#include "log.h"

#define RTMR	48

static int
is_empty(const char *path)
{
	uint8_t b[RTMR + 1], zero[RTMR] = { 0 };
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd == -1)
		fatal("rtmr-extend: %s: %s: needs Linux 6.16 or later in a "
		      "TDX guest",
		    path, strerror(errno));
	n = read(fd, b, sizeof(b));
	close(fd);
	if (n != RTMR)
		fatal(
		    "rtmr-extend: %s: not a register of %d bytes", path, RTMR);
	return memcmp(b, zero, RTMR) == 0;
}

void
rtmr_extend(const char *dir, const struct conf *conf)
{
	const uint32_t index = conf->rtmr_extend;
	uint8_t digest[RTMR] = { 0 };
	char path[128];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s/rtmr%u:sha384", dir, index);
	if (!is_empty(path)) {
		log_warn("rtmr-extend: register %u is not empty: left "
			 "unchanged: if the configuration has changed, reboot "
			 "the guest",
		    index);
		return;
	}
	attested_hash(conf, digest);
	if ((fd = open(path, O_WRONLY | O_CLOEXEC)) == -1)
		fatal("rtmr-extend: %s: %s", path, strerror(errno));
	n = write(fd, digest, sizeof(digest));
	if (n != RTMR)
		fatal("rtmr-extend: %s: %s", path, strerror(errno));
	close(fd);
	log_info("rtmr-extend: extended register %u with the configuration "
		 "hash",
	    index);
}
