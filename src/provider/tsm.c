/* SPDX-License-Identifier: Apache-2.0
 *
 * The provider for TDX, SEV-SNP and Arm CCA: an instance below configfs-tsm's
 * report directory (Linux 6.7).  tsm_open() creates it while the role is still
 * root and gives inblob to the role's group.  Afterwards only this directory is
 * used, by its descriptor.
 *
 * The kernel commits inblob in close(2), which does not report errors.  Read
 * `generation' to verify it: the kernel counts writes there, so a lost write or
 * a write by another process shows.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "provider.h"
#include "log.h"
#include "payload.h"

#define PREFIX	"tee-runner-"
#define TRIES	5		/* while the host serves an earlier request */
#define RETRY	1000		/* milliseconds */

static long tsm_quote(const uint8_t report_data[64], uint8_t *out, size_t size);

static const struct kind {
	const char	*driver;	/* content of the file `provider' */
	uint32_t	 choice;	/* enum tee_choice */
	size_t		 max;		/* of outblob */
	struct provider	 provider;
} kinds[] = {
	/* One byte more than allowed, so that blob_check() can report the
	 * excess. */
	{ "tdx_guest", TEE_CHOICE_TDX, TDX_MAX + 1,
	    { "tdx", TEE_TDX, tsm_quote } },
	{ "sev_guest", TEE_CHOICE_SEV_SNP, SNP_REPORT + 1,
	    { "sev-snp", TEE_SEV_SNP, tsm_quote } },
	{ "arm_cca_guest", TEE_CHOICE_CCA, QUOTE_MAX,
	    { "cca", TEE_CCA, tsm_quote } },
};
#define N_KINDS	(sizeof(kinds) / sizeof(kinds[0]))

static int dir = -1;		/* the instance's directory */
static const struct kind *kind;
static int has_asked;

/* ---- before the sandbox ------------------------------------------------ */

/* A running Runner holds a lock on its instance.  Its process ID would not do,
 * as it may belong to another process in another container. */
static int
is_stale(int report, const char *name)
{
	int fd, r;

	if (strncmp(name, PREFIX, strlen(PREFIX)) != 0 ||
	    (fd = openat(report, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) ==
		-1)
		return 0;
	r = flock(fd, LOCK_EX | LOCK_NB) == 0;
	close(fd);
	return r;
}

static void
remove_stale(const char *path, int report)
{
	struct dirent *e;
	DIR *d;

	if ((d = opendir(path)) == NULL)
		fatal("tee: %s: %s", path, strerror(errno));
	while ((e = readdir(d)) != NULL)
		if (is_stale(report, e->d_name) &&
		    unlinkat(report, e->d_name, AT_REMOVEDIR) == -1)
			log_warn("tee: %s/%s: cannot remove: %s", path,
			    e->d_name, strerror(errno));
	closedir(d);
}

/* Let the role's group write the report data; gid 0 changes nothing.  The
 * monitor has no CAP_CHOWN, but an owner may give a file to a group
 * that it is a member of. */
static int
give_inblob(int fd, gid_t gid)
{
	int r;

	if (gid == 0)
		return 0;
	if (setegid(gid) == -1)
		return -1;
	r = fchownat(fd, "inblob", (uid_t)-1, gid, 0);
	if (setegid(0) == -1)
		fatal("tee: setegid: %s", strerror(errno));
	return r == -1 ? -1 : fchmodat(fd, "inblob", 0220, 0);
}

/* Create and lock an instance.  Returns its descriptor, or -1 with errno. */
static int
make_instance(int report, char *name, size_t size, gid_t gid)
{
	uint32_t r;
	int fd;

	if (getrandom(&r, sizeof(r), 0) != sizeof(r))
		return -1;
	snprintf(name, size, PREFIX "%d-%08" PRIx32, (int)getpid(), r);
	if (mkdirat(report, name, 0755) == -1)
		return -1;
	fd = openat(report, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1 || flock(fd, LOCK_EX | LOCK_NB) == -1 ||
	    give_inblob(fd, gid) == -1) {
		const int e = errno;

		if (fd != -1)
			close(fd);
		unlinkat(report, name, AT_REMOVEDIR);
		errno = e;
		return -1;
	}
	return fd;
}

/* Read a whole file of the instance.  Returns its size, or -1 with errno. */
static long
read_attribute(const char *name, uint8_t *b, size_t size)
{
	size_t n = 0;
	ssize_t r = 0;
	int e, fd;

	if ((fd = openat(dir, name, O_RDONLY | O_CLOEXEC)) == -1)
		return -1;
	while (n < size && (r = read(fd, b + n, size - n)) > 0)
		n += (size_t)r;
	e = errno;
	close(fd);
	errno = e;
	return r == -1 ? -1 : (long)n;
}

static const struct kind *
kind_find(void)
{
	uint8_t b[64];
	long i, n = read_attribute("provider", b, sizeof(b) - 1);

	if (n <= 0)
		return NULL;
	b[n] = '\0';
	b[strcspn((char *)b, "\n")] = '\0';
	for (i = 0; i < (long)N_KINDS; i++)
		if (strcmp((char *)b, kinds[i].driver) == 0)
			return &kinds[i];
	return NULL;
}

/* A guest under an SVSM may request reports only for its own privilege level
 * and those above.  The kernel's default is 0, whatever the guest's level
 * is. */
static int
privilege_level(void)
{
	uint8_t floor[8];
	const long n = read_attribute("privlevel_floor", floor, sizeof(floor));
	int fd, r;

	if (n == -1)
		return errno == ENOENT ? 0 : -1;	/* not SEV-SNP */
	if ((fd = openat(dir, "privlevel", O_WRONLY | O_CLOEXEC)) == -1)
		return -1;
	r = write(fd, floor, (size_t)n) == n ? 0 : -1;
	close(fd);
	if (floor[0] != '0')
		log_info("tee: sev-snp: below an SVSM, at privilege level %c",
		    floor[0]);
	return r;
}

const struct provider *
tsm_open(const char *path, uint32_t choice, gid_t gid)
{
	char name[64];
	int report;

	if ((report = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1) {
		if (errno == ENOENT)
			return NULL;
		fatal("tee: %s: %s", path, strerror(errno));
	}
	remove_stale(path, report);
	if ((dir = make_instance(report, name, sizeof(name), gid)) == -1) {
		if (errno != ENXIO)
			fatal("tee: %s: cannot make an instance: %s", path,
			    strerror(errno));
		log_warn("tee: %s: exists, but no driver serves it: load "
			 "tdx-guest, sev-guest or arm-cca-guest",
		    path);
		close(report);
		return NULL;
	}
	kind = kind_find();
	if (kind == NULL ||
	    (choice != TEE_CHOICE_AUTO && choice != kind->choice)) {
		unlinkat(report, name, AT_REMOVEDIR);
		if (kind == NULL)
			fatal("tee: %s: the driver is not supported", path);
		fatal("tee: %s: this machine has %s, the configuration wants "
		      "another",
		    path, kind->provider.name);
	}
	if (privilege_level() == -1)
		fatal("tee: %s: privilege level: %s", path, strerror(errno));
	/* Only root may write to report/, so this instance cannot be removed at
	 * exit.  The next start removes it. */
	close(report);
	has_asked = 0;
	return &kind->provider;
}

void
tsm_remove(const char *path)
{
	int report;

	if (dir == -1)
		return;
	close(dir);		/* releases the lock */
	dir = -1;
	if ((report = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1)
		return;
	remove_stale(path, report);
	close(report);
}

int
tsm_dir(void)
{
	return dir == -1 ? 0 : dir;
}

/* ---- requests ---------------------------------------------------------- */

static int
generation(uint64_t *g)
{
	char b[24], *end;
	const long n = read_attribute(
	    "generation", (uint8_t *)b, sizeof(b) - 1);

	if (n == -1)
		return -1;
	b[n] = '\0';
	errno = 0;
	*g = strtoull(b, &end, 10);
	if (n == 0 || b[0] < '0' || b[0] > '9' || *end != '\n' || errno != 0) {
		errno = EBADMSG;
		return -1;
	}
	return 0;
}

/* 1 if the generation is still that of our write, 0 if not; -1 with errno. */
static int
generation_is(uint64_t want, const char *when)
{
	uint64_t g;

	if (generation(&g) == -1)
		return -1;
	if (g == want)
		return 0;
	if (g < want) {
		log_err("tee: inblob: the kernel did not take the report data");
		errno = EIO;
	} else {
		log_err("tee: another process wrote to our instance: seen %s",
		    when);
		errno = ESTALE;
	}
	return -1;
}

static int
ask(const uint8_t report_data[64])
{
	const int fd = openat(dir, "inblob", O_WRONLY | O_CLOEXEC);
	ssize_t n;
	int e;

	if (fd == -1)
		return -1;
	n = write(fd, report_data, 64);
	e = n == -1 ? errno : EIO;
	(void)close(fd);	/* commits; does not report errors */
	errno = e;
	return n == 64 ? 0 : -1;
}

/* Read the certificates that SNP's host may supply, without padding. */
static long
read_certificates(uint8_t *out, size_t size)
{
	long n = read_attribute("auxblob", out, size);

	if (n == -1)
		return errno == ENOENT ? 0 : -1;
	if (n < (long)size && (n = blob_table(out, (size_t)n)) != -1)
		return n;
	log_err("tee: auxblob: the host's table of certificates is broken");
	errno = EBADMSG;
	return -1;
}

static long
try_quote(const uint8_t report_data[64], uint8_t *out, size_t size)
{
	long n, more = 0;
	uint64_t g;

	if (generation(&g) == -1 || ask(report_data) == -1 ||
	    generation_is(g + 1, "before the quote") == -1)
		return -1;
	n = read_attribute("outblob", out, size < kind->max ? size : kind->max);
	if (n == -1)
		return -1;
	if (n == 0) {
		/* Some drivers ignore the host's status. */
		log_err("tee: outblob: the host's quoting service gave "
			"nothing");
		errno = ENODATA;
		return -1;
	}
	if (n == (long)size) {
		log_err("tee: outblob: too large");
		errno = EFBIG;
		return -1;
	}
	if (kind->provider.tee_type == TEE_SEV_SNP &&
	    (more = read_certificates(out + n, size - (size_t)n)) == -1)
		return -1;
	if (generation_is(g + 1, "after the quote") == -1)
		return -1;
	n = blob_check(kind->provider.tee_type, out, (size_t)n, report_data);
	return n == -1 ? -1 : n + more;
}

static void
explain(int e)
{
	static const struct {
		int		 error;
		const char	*text;
	} why[] = {
		{ EBUSY, "the host still holds an earlier request" },
		{ EAGAIN, "busy with the request of another process" },
		{ ETIMEDOUT, "the host did not answer in time" },
		{ EINTR, "interrupted; the host may hold the request yet" },
		{ ENOENT, "our instance is gone: restart" },
		{ ENXIO, "the TEE's driver has gone" },
		{ ENOTTY, "the guest's key is destroyed: reboot" },
		{ EINVAL, "report data or privilege level not accepted" },
	};
	size_t i;

	for (i = 0; i < sizeof(why) / sizeof(why[0]); i++)
		if (why[i].error == e)
			log_err(
			    "tee: %s: %s", kind->provider.name, why[i].text);
}

static void
leave_pause(void)
{
	if (has_asked && kind->provider.tee_type == TEE_SEV_SNP)
		(void)poll(NULL, 0, SNP_PAUSE);
	has_asked = 1;
}

static long
tsm_quote(const uint8_t report_data[64], uint8_t *out, size_t size)
{
	int e, i, is_stale = 0;
	long n;

	leave_pause();
	for (i = 1; (n = try_quote(report_data, out, size)) == -1; i++) {
		e = errno;
		if (e == ESTALE && !is_stale) {
			/* Another process came between; it is done. */
			is_stale = 1;
			leave_pause();
		} else if ((e == EBUSY || e == EAGAIN) && i < TRIES)
			(void)poll(NULL, 0, RETRY);
		else {
			explain(e);
			errno = e;
			break;
		}
	}
	return n;
}
