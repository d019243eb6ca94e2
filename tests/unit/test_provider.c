/* SPDX-License-Identifier: Apache-2.0
 *
 * The providers of evidence against a kernel of the test's own: what
 * configfs-tsm and /dev/sev-guest do on good days and on bad ones.  The linker
 * sends the providers' system calls here (--wrap).  The instance's directory is
 * real; the files in it are not, for they count, commit at close(2) and fail as
 * no file does.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/sev-guest.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "evidence.h"
#include "log.h"
#include "payload.h"
#include "proc.h"
#include "sandbox.h"
#include "tests/unit/dies.h"

#define FAKE_FD	1000		/* and more: of files that are ours */
#define BLOB_MAX 131072

/* In the order of names[]. */
enum file {
	PROVIDER,
	GENERATION,
	INBLOB,
	OUTBLOB,
	AUXBLOB,
	FLOOR,
	LEVEL,
	FILES
};
static const char *const names[FILES] = {
	"provider",
	"generation",
	"inblob",
	"outblob",
	"auxblob",
	"privlevel_floor",
	"privlevel",
};

enum race { NO_RACE, BEFORE_QUOTE, BEHIND_QUOTE };

static struct {
	/* how it is to behave */
	const char	*driver;
	uint8_t		 blob[BLOB_MAX], aux[BLOB_MAX];
	size_t		 n, n_aux, data;	/* data: the place of the report
						 * data */
	enum race	 race;
	int		 is_lost;	/* a write is not taken */
	int		 is_wrong;	/* over other report data */
	int		 no_aux;	/* no such file */
	const char	*floor;		/* of the privilege level; NULL: none */
	int		 level_error;
	int		 busy;		/* so many reads of outblob: EBUSY */
	int		 busy_error;	/* or this */
	int		 races;		/* so many times, then no race; 0: for
					 * ever */
	int		 error;		/* of outblob */
	useconds_t	 slow;		/* microseconds that outblob takes */
	int		 write_error, mkdir_error;
	int		 is_short;	/* writes */
	const char	*count;		/* what generation says; NULL: right */
	/* its state */
	uint64_t	 written, made;
	uint8_t		 inblob[64], pending[128];
	size_t		 n_pending, at[FILES];
	int		 writes, reads, requests;
	int		 slept;		/* milliseconds, in all */
	char		 level[8];	/* as written */
	int		 is_open[FILES];
	/* the calls are made too, on plain files: a filter sees them */
	int		 is_plain, fd[FILES];
} fake;

static char said[8192], root[64], empty[64];
static uint8_t data[64], out[QUOTE_MAX];

int	__real_openat(int, const char *, int, ...);
int	__wrap_openat(int, const char *, int, ...);
ssize_t	__real_read(int, void *, size_t);
ssize_t	__wrap_read(int, void *, size_t);
ssize_t	__real_write(int, const void *, size_t);
ssize_t	__wrap_write(int, const void *, size_t);
int	__real_close(int);
int	__wrap_close(int);
int	__real_poll(struct pollfd *, nfds_t, int);
int	__wrap_poll(struct pollfd *, nfds_t, int);
int	__real_mkdirat(int, const char *, mode_t);
int	__wrap_mkdirat(int, const char *, mode_t);
int	__real_ioctl(int, unsigned long, ...);
int	__wrap_ioctl(int, unsigned long, ...);

/* ---- the kernel's side ------------------------------------------------- */

int
__wrap_openat(int fd, const char *name, int flags, ...)
{
	int i;

	for (i = 0; i < FILES; i++)
		if (strcmp(name, names[i]) == 0) {
			if ((i == AUXBLOB && fake.no_aux) ||
			    (i == FLOOR && fake.floor == NULL)) {
				errno = ENOENT;
				return -1;
			}
			assert_int_equal(flags & O_ACCMODE,
			    i == INBLOB || i == LEVEL ? O_WRONLY : O_RDONLY);
			fake.is_open[i]++;
			fake.at[i] = fake.n_pending = 0;
			if (!fake.is_plain)
				return FAKE_FD + i;
			return fake.fd[i] = __real_openat(fd, name, flags);
		}
	return __real_openat(fd, name, flags);
}

/* Which of the files this is; FILES: none. */
static int
file_of(int fd)
{
	int i;

	for (i = 0; i < FILES; i++)
		if (fd == FAKE_FD + i || (fd > 0 && fd == fake.fd[i]))
			break;
	return i;
}

static ssize_t
serve(enum file f, const void *from, size_t n, void *b, size_t size)
{
	size_t left = n - fake.at[f];

	/* In parts, as a file may. */
	if (left > 4096)
		left = 4096;
	if (left > size)
		left = size;
	memcpy(b, (const uint8_t *)from + fake.at[f], left);
	fake.at[f] += left;
	return (ssize_t)left;
}

/* Made at the first read after a write; -1 with errno. */
static int
make_blob(void)
{
	fake.reads++;
	if (fake.slow != 0)
		usleep(fake.slow);
	if (fake.busy > 0) {
		fake.busy--;
		errno = fake.busy_error != 0 ? fake.busy_error : EBUSY;
		return -1;
	}
	if (fake.error != 0) {
		errno = fake.error;
		return -1;
	}
	if (fake.made == fake.written)
		return 0;
	fake.made = fake.written;
	if (fake.n >= fake.data + 64)
		memcpy(fake.blob + fake.data, fake.inblob, 64);
	if (fake.is_wrong)
		fake.blob[fake.data + 63] ^= 1;
	if (fake.race == BEHIND_QUOTE)
		fake.written++;
	if (fake.races > 0 && --fake.races == 0)
		fake.race = NO_RACE;
	return 0;
}

ssize_t
__wrap_read(int fd, void *b, size_t size)
{
	char text[64];

	if (fd < FAKE_FD &&
	    (file_of(fd) == FILES || __real_read(fd, b, size) == -1))
		return __real_read(fd, b, size);
	switch (file_of(fd)) {
	case PROVIDER:
		snprintf(text, sizeof(text), "%s\n", fake.driver);
		return serve(PROVIDER, text, strlen(text), b, size);
	case GENERATION:
		snprintf(text, sizeof(text), "%llu\n",
		    (unsigned long long)fake.written);
		if (fake.count != NULL)
			snprintf(text, sizeof(text), "%s", fake.count);
		return serve(GENERATION, text, strlen(text), b, size);
	case OUTBLOB:
		if (fake.at[OUTBLOB] == 0 && make_blob() == -1)
			return -1;
		return serve(OUTBLOB, fake.blob, fake.n, b, size);
	case FLOOR:
		return serve(FLOOR, fake.floor, strlen(fake.floor), b, size);
	case AUXBLOB: return serve(AUXBLOB, fake.aux, fake.n_aux, b, size);
	}
	fail_msg("%d is read", fd);
	return -1;
}

ssize_t
__wrap_write(int fd, const void *b, size_t n)
{
	if (file_of(fd) == LEVEL && fake.level_error == 0) {
		assert_true(n < sizeof(fake.level));
		memcpy(fake.level, b, n);
		fake.written++;		/* as the kernel counts */
		return (ssize_t)n;
	}
	if (file_of(fd) == LEVEL) {
		errno = fake.level_error;
		return -1;
	}
	if (file_of(fd) != INBLOB ||
	    (fd < FAKE_FD && __real_write(fd, b, n) == -1))
		return __real_write(fd, b, n);
	if (fake.write_error != 0) {
		errno = fake.write_error;
		return -1;
	}
	if (fake.is_short)
		n = 32;
	assert_true(n <= sizeof(fake.pending) - fake.n_pending);
	memcpy(fake.pending + fake.n_pending, b, n);
	fake.n_pending += n;
	fake.writes++;
	return (ssize_t)n;
}

int
__wrap_close(int fd)
{
	const int f = file_of(fd);

	if (fd < FAKE_FD && (__real_close(fd) == -1 || f == FILES))
		return 0;
	fake.fd[f] = 0;
	fake.is_open[f]--;
	if (f == INBLOB && fake.n_pending == 64 && !fake.is_lost) {
		memcpy(fake.inblob, fake.pending, 64);
		fake.written += fake.race == BEFORE_QUOTE ? 2 : 1;
		fake.n_pending = 0;
	}
	return 0;	/* whatever became of it */
}

int
__wrap_poll(struct pollfd *p, nfds_t n, int ms)
{
	if (n != 0 || fake.is_plain)
		return __real_poll(p, n, ms);
	fake.slept += ms;
	return 0;
}

static void
plain_file(int dir, const char *name, mode_t mode, const char *text)
{
	int fd = __real_openat(dir, name, O_CREAT | O_WRONLY, mode);

	assert_true(fd != -1);
	assert_int_equal(fchmod(fd, mode), 0);
	assert_int_equal(__real_write(fd, text, strlen(text)), strlen(text));
	__real_close(fd);
}

int
__wrap_mkdirat(int fd, const char *name, mode_t mode)
{
	int dir;

	if (fake.mkdir_error != 0) {
		errno = fake.mkdir_error;
		return -1;
	}
	if (__real_mkdirat(fd, name, mode) == -1 || !fake.is_plain)
		return fake.is_plain ? -1 : 0;
	dir = __real_openat(fd, name, O_RDONLY | O_DIRECTORY);
	plain_file(dir, "provider", 0444, "");
	plain_file(dir, "generation", 0444, "");
	plain_file(dir, "inblob", 0200, "");
	plain_file(dir, "outblob", 0444, "");
	plain_file(dir, "auxblob", 0444, "");
	__real_close(dir);
	return 0;
}

/* /dev/sev-guest: what fake.blob and fake.aux are. */
int
__wrap_ioctl(int fd, unsigned long command, ...)
{
	struct snp_guest_request_ioctl *io;
	struct snp_ext_report_req *req;
	uint8_t *resp;
	uint32_t size = (uint32_t)fake.n;
	va_list ap;

	(void)fd;
	va_start(ap, command);
	io = va_arg(ap, struct snp_guest_request_ioctl *);
	va_end(ap);
	assert_true(command == SNP_GET_EXT_REPORT);
	assert_int_equal(io->msg_version, 1);
	req = (struct snp_ext_report_req *)(uintptr_t)io->req_data;
	resp = (uint8_t *)(uintptr_t)io->resp_data;
	assert_int_equal(req->certs_address % 4096, 0);
	assert_int_equal(req->certs_len, 0x4000);
	fake.requests++;
	if (fake.error != 0) {
		if (fake.error == EIO)
			io->exitinfo2 = 1ull << 32;
		errno = fake.error;
		return -1;
	}
	memcpy(fake.blob + fake.data, req->data.user_data, 64);
	if (fake.is_wrong)
		fake.blob[fake.data] ^= 1;
	memcpy(resp + 4, &size, 4);
	memcpy(resp + 32, fake.blob, fake.n);
	memcpy((uint8_t *)(uintptr_t)req->certs_address, fake.aux, fake.n_aux);
	return 0;
}

/* ---- helpers ----------------------------------------------------------- */

static void
hear(int level, const char *line)
{
	(void)level;
	strncat(said, line, sizeof(said) - strlen(said) - 1);
	strncat(said, "\n", sizeof(said) - strlen(said) - 1);
}

/* How many instances there are. */
static int
instances(void)
{
	struct dirent *e;
	DIR *d = opendir(root);
	int n = 0;

	assert_non_null(d);
	while ((e = readdir(d)) != NULL)
		n += strncmp(e->d_name, "tee-runner-", 11) == 0;
	closedir(d);
	return n;
}

static int
setup(void **unused)
{
	size_t i;

	(void)unused;
	memset(&fake, 0, sizeof(fake));
	said[0] = '\0';
	for (i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(0xc0 + i);
	strcpy(root, "/tmp/test_provider.XXXXXX");
	assert_non_null(mkdtemp(root));
	assert_int_equal(chmod(root, 0755), 0);
	log_sink(hear);
	log_level(LOG_INFO);
	return 0;
}

static int
teardown(void **unused)
{
	char command[128];
	int i;

	(void)unused;
	for (i = 0; i < FILES; i++)
		assert_int_equal(fake.is_open[i], 0);
	if (tsm_dir() != 0)
		(void)__real_close(tsm_dir());
	snprintf(command, sizeof(command), "rm -rf %s", root);
	return system(command);
}

static void
load(const char *driver, const char *name, size_t at)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), VECTORS "/evidence/%s", name);
	f = fopen(path, "r");
	assert_non_null(f);
	fake.driver = driver;
	fake.n = fread(fake.blob, 1, sizeof(fake.blob), f);
	fake.data = at;
	fclose(f);
}

/* A table with one certificate of 100 bytes, as a host would give it. */
static void
one_certificate(uint32_t offset, uint32_t length)
{
	memset(fake.aux, 0, sizeof(fake.aux));
	memset(fake.aux, 0x63, 16);
	memcpy(fake.aux + 16, &offset, 4);
	memcpy(fake.aux + 20, &length, 4);
	memset(fake.aux + 48, 0x77, 100);
	fake.n_aux = 0x4000;
}

static void
tdx4(void)
{
	load("tdx_guest", "tdx/sets/tdx-v4-emr-uptodate/quote.bin", 48 + 520);
}
static void
tdx5(void)
{
	load("tdx_guest", "tdx/sets/tdx-v5-uptodate/quote.bin", 54 + 520);
}
static void
snp(void)
{
	load("sev_guest", "snp/snp-genoa-v3-azure/report.bin", 0x50);
}
static void
cca(void)
{
	load("arm_cca_guest", "cca/cca-token-01.cbor", 687 + 3);
}

static const struct provider *
opened(void)
{
	const struct provider *p = tsm_open(root, TEE_CHOICE_AUTO, 0);

	assert_non_null(p);
	return p;
}

/* A quote fails with this errno, and this is said. */
static void
fails(const struct provider *p, int error, const char *text)
{
	errno = 0;
	assert_int_equal(p->quote(data, out, sizeof(out)), -1);
	assert_int_equal(errno, error);
	if (strstr(said, text) == NULL)
		fail_msg("`%s' not in: %s", text, said);
}

/* A quote is the sample's first `n' bytes, over our data. */
static void
gives(const struct provider *p, size_t n)
{
	assert_int_equal(p->quote(data, out, sizeof(out)), n);
	assert_memory_equal(out + fake.data, data, 64);
	assert_memory_equal(out, fake.blob, n < fake.n ? n : fake.n);
}

/* tsm_open() ends the process and says this. */
static void
open_tsm(const void *choice)
{
	tsm_open(root, *(const uint32_t *)choice, 0);
}

static void
open_is_fatal(uint32_t choice, const char *text)
{
	dies(open_tsm, &choice, text);
}

/* ---- opening ----------------------------------------------------------- */

static void
what_the_driver_is_tells_the_tee(void **unused)
{
	(void)unused;
	tdx4();
	assert_int_equal(opened()->tee_type, TEE_TDX);
	__real_close(tsm_dir());
	snp();
	assert_int_equal(opened()->tee_type, TEE_SEV_SNP);
	__real_close(tsm_dir());
	cca();
	assert_int_equal(opened()->tee_type, TEE_CCA);
}

static void
another_tee_than_the_configured_is_refused(void **unused)
{
	(void)unused;
	snp();
	open_is_fatal(TEE_CHOICE_TDX, "this machine has sev-snp");
	assert_int_equal(instances(), 0);
	open_is_fatal(TEE_CHOICE_CCA, "this machine has sev-snp");
	fake.driver = "vtpm";
	open_is_fatal(TEE_CHOICE_AUTO, "driver is not supported");
	assert_int_equal(instances(), 0);
}

static void
the_configured_tee_is_taken(void **unused)
{
	(void)unused;
	tdx4();
	assert_string_equal(tsm_open(root, TEE_CHOICE_TDX, 0)->name, "tdx");
}

static void
no_directory_is_no_tee(void **unused)
{
	(void)unused;
	assert_null(tsm_open("/nonexistent", TEE_CHOICE_AUTO, 0));
}

static void
no_driver_is_no_tee_and_says_what_to_load(void **unused)
{
	(void)unused;
	fake.mkdir_error = ENXIO;
	assert_null(tsm_open(root, TEE_CHOICE_AUTO, 0));
	assert_non_null(strstr(said, "load tdx-guest"));
}

static void
an_instance_that_cannot_be_made_is_fatal(void **unused)
{
	(void)unused;
	fake.mkdir_error = EACCES;
	open_is_fatal(TEE_CHOICE_AUTO, "cannot make an instance: Permission");
}

static void
instances_of_the_dead_go_those_of_the_living_and_others_stay(void **unused)
{
	char path[128];
	int fd;

	(void)unused;
	tdx4();
	snprintf(path, sizeof(path), "%s/tee-runner-1-dead", root);
	assert_int_equal(mkdir(path, 0755), 0);
	snprintf(path, sizeof(path), "%s/tee-runner-2-lives", root);
	assert_int_equal(mkdir(path, 0755), 0);
	fd = open(path, O_RDONLY);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	snprintf(path, sizeof(path), "%s/of-another", root);
	assert_int_equal(mkdir(path, 0755), 0);
	opened();
	assert_int_equal(instances(), 2);	/* the one that lives, ours */
	assert_int_equal(access(path, F_OK), 0);
	snprintf(path, sizeof(path), "%s/tee-runner-2-lives", root);
	assert_int_equal(access(path, F_OK), 0);
	__real_close(fd);
}

static void
below_an_svsm_the_level_is_our_own(void **unused)
{
	(void)unused;
	snp();
	fake.floor = "2\n";
	gives(opened(), SNP_REPORT);
	assert_string_equal(fake.level, "2\n");
	assert_non_null(strstr(said, "below an SVSM, at privilege level 2"));
	__real_close(tsm_dir());
	fake.level_error = EINVAL;
	open_is_fatal(TEE_CHOICE_AUTO, "privilege level: Invalid argument");
}

/* ---- good days --------------------------------------------------------- */

static void
a_tdx_quote_of_version_4_is_taken(void **unused)
{
	(void)unused;
	tdx4();
	gives(opened(), 48 + 584 + 4 + 4300);
	assert_int_equal(fake.writes, 1);
	assert_int_equal(fake.written, 1);
}

static void
a_tdx_quote_of_version_5_is_taken(void **unused)
{
	uint32_t signature;
	(void)unused;
	tdx5();
	memcpy(&signature, fake.blob + 54 + 648, 4);
	gives(opened(), 54 + 648 + 4 + signature);
}

static void
zero_padding_is_stripped(void **unused)
{
	(void)unused;
	tdx4();
	fake.n = 8000;
	gives(opened(), 48 + 584 + 4 + 4300);
	fake.n = 8192;
	gives(opened(), 48 + 584 + 4 + 4300);
}

static void
an_snp_report_without_certificates_is_taken(void **unused)
{
	(void)unused;
	snp();
	gives(opened(), SNP_REPORT);
	fake.no_aux = 1;
	gives(opened(), SNP_REPORT);
}

static void
an_snp_report_is_taken_with_its_certificates(void **unused)
{
	(void)unused;
	snp();
	one_certificate(48, 100);
	gives(opened(), SNP_REPORT + 148);
	assert_memory_equal(out + SNP_REPORT, fake.aux, 148);
	one_certificate(0x4000, 1);
	fails(opened(), EBADMSG, "table of certificates is broken");
}

static void
an_snp_host_is_left_two_seconds(void **unused)
{
	const struct provider *p;

	(void)unused;
	snp();
	p = opened();
	gives(p, SNP_REPORT);
	assert_int_equal(fake.slept, 0);
	gives(p, SNP_REPORT);
	assert_int_equal(fake.slept, 2000);
}

static void
a_cca_token_is_taken_as_it_is(void **unused)
{
	(void)unused;
	cca();
	gives(opened(), 1222);
}

static void
one_quote_after_the_other(void **unused)
{
	const struct provider *p;
	int i;

	(void)unused;
	tdx4();
	p = opened();
	for (i = 0; i < 10; i++) {
		data[0] = (uint8_t)i;
		gives(p, 48 + 584 + 4 + 4300);
	}
	assert_int_equal(fake.written, 10);
	assert_int_equal(fake.slept, 0);
}

/* ---- bad days ---------------------------------------------------------- */

static void
a_write_that_is_lost_is_noticed(void **unused)
{
	(void)unused;
	tdx4();
	fake.is_lost = 1;
	fails(opened(), EIO, "did not take the report data");
	assert_int_equal(fake.reads, 0);
}

static void
a_second_writer_before_the_quote_is_noticed(void **unused)
{
	(void)unused;
	tdx4();
	fake.race = BEFORE_QUOTE;
	fails(opened(), ESTALE, "another process wrote");
	assert_int_equal(fake.reads, 0);
}

static void
a_second_writer_after_the_quote_is_noticed(void **unused)
{
	(void)unused;
	tdx4();
	fake.race = BEHIND_QUOTE;
	fails(opened(), ESTALE, "after the quote");
	assert_int_equal(fake.writes, 2);
}

static void
a_second_writer_who_comes_once_costs_one_more_request(void **unused)
{
	(void)unused;
	tdx4();
	fake.race = BEHIND_QUOTE;
	fake.races = 1;
	gives(opened(), 48 + 584 + 4 + 4300);
	assert_int_equal(fake.writes, 2);
	assert_int_equal(fake.slept, 0);
}

static void
snp_leaves_the_pause_before_it_asks_again(void **unused)
{
	(void)unused;
	snp();
	fake.no_aux = 1;
	fake.race = BEHIND_QUOTE;
	fake.races = 1;
	gives(opened(), SNP_REPORT);
	assert_int_equal(fake.slept, 2000);
}

static void
a_write_that_fails_or_is_short_fails(void **unused)
{
	(void)unused;
	tdx4();
	fake.is_short = 1;
	fails(opened(), EIO, "");
	fake.is_short = 0;
	fake.write_error = EFBIG;
	fails(opened(), EFBIG, "");
	assert_int_equal(fake.reads, 0);
}

static void
a_generation_that_is_no_number_fails(void **unused)
{
	static const char *const bad[] = { "", "\n", "x\n", "-1\n", "1 \n", "1",
		"99999999999999999999\n" };
	const struct provider *p;
	size_t i;

	(void)unused;
	tdx4();
	p = opened();
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		fake.count = bad[i];
		fails(p, EBADMSG, "");
	}
	assert_int_equal(fake.writes, 0);
}

static void
busy_is_tried_again(void **unused)
{
	(void)unused;
	tdx4();
	fake.busy = 3;
	gives(opened(), 48 + 584 + 4 + 4300);
	assert_int_equal(fake.slept, 3000);
	assert_int_equal(fake.reads, 4);
	fake.busy = 1;
	fake.busy_error = EAGAIN;
	gives(opened(), 48 + 584 + 4 + 4300);
	assert_int_equal(fake.slept, 4000);
}

static void
busy_for_ever_is_given_up(void **unused)
{
	(void)unused;
	tdx4();
	fake.busy = 1000;
	fails(opened(), EBUSY, "still holds an earlier request");
	assert_int_equal(fake.reads, 5);
	assert_int_equal(fake.slept, 4000);
}

static void
an_empty_quote_is_an_error(void **unused)
{
	(void)unused;
	tdx4();
	fake.n = 0;
	fails(opened(), ENODATA, "the host's quoting service gave nothing");
}

static void
a_timeout_is_said_and_not_tried_again(void **unused)
{
	(void)unused;
	tdx4();
	fake.error = ETIMEDOUT;
	fails(opened(), ETIMEDOUT, "did not answer in time");
	assert_int_equal(fake.reads, 1);
}

static void
a_slow_quote_is_waited_for_once(void **unused)
{
	(void)unused;
	tdx4();
	fake.slow = 300000;
	gives(opened(), 48 + 584 + 4 + 4300);
	assert_int_equal(fake.reads, 1);
	assert_int_equal(fake.slept, 0);
}

static void
an_interruption_is_said_and_not_tried_again(void **unused)
{
	(void)unused;
	tdx4();
	fake.error = EINTR;
	fails(opened(), EINTR, "interrupted");
	assert_int_equal(fake.reads, 1);
}

static void
a_destroyed_key_a_lost_driver_are_said(void **unused)
{
	(void)unused;
	snp();
	fake.error = ENOTTY;
	fails(opened(), ENOTTY, "reboot");
	fake.error = ENXIO;
	fails(opened(), ENXIO, "driver has gone");
}

static void
other_report_data_is_refused(void **unused)
{
	(void)unused;
	fake.is_wrong = 1;
	tdx4();
	fails(opened(), ESTALE, "tdx: refused: a quote over other");
	tdx5();
	said[0] = '\0';
	fails(opened(), ESTALE, "tdx: refused: a quote over other");
	snp();
	fails(opened(), ESTALE, "sev-snp: refused: a report over other");
	cca();
	fails(opened(), ESTALE, "cca: refused: a token without the challenge");
}

static void
the_newer_form_of_tdx_is_refused_by_name(void **unused)
{
	const struct provider *p;

	(void)unused;
	tdx4();
	p = opened();
	fake.n = 8193;		/* padding, but DCAP quotes are never so
				 * large */
	fails(p, EBADMSG, "DICE/CWT");
	fake.n = 100000;
	said[0] = '\0';
	fails(p, EBADMSG, "DICE/CWT");
	memset(fake.blob, 0, sizeof(fake.blob));
	memcpy(fake.blob, "\xd9\x01\x8f", 3);
	fake.n = 4000;
	said[0] = '\0';
	fails(p, EBADMSG, "DICE/CWT");
}

static void
sgx_quotes_and_other_versions_are_refused(void **unused)
{
	const struct provider *p;

	(void)unused;
	tdx4();
	p = opened();
	fake.blob[0] = 3;
	fails(p, EBADMSG, "not a DCAP quote of version 4 or 5");
	fake.blob[0] = 4;
	fake.blob[4] = 0;
	fails(p, EBADMSG, "not a DCAP quote");
	fake.blob[4] = 0x81;
	gives(p, 48 + 584 + 4 + 4300);
	tdx5();
	fake.blob[48] = 1;	/* an SGX body */
	fails(p, EBADMSG, "not a DCAP quote");
}

static void
padding_that_is_not_zero_is_refused(void **unused)
{
	(void)unused;
	tdx4();
	fake.n = 8000;
	fake.blob[7999] = 1;
	fails(opened(), EBADMSG, "not zero after the quote");
}

static void
a_quote_cut_anywhere_is_refused(void **unused)
{
	uint8_t *b;
	size_t n;

	(void)unused;
	tdx4();
	memcpy(fake.blob + fake.data, data, 64);
	/* On the heap, so that a sanitizer sees a read past the end. */
	for (n = 0; n < 48 + 584 + 4 + 4300; n += n < 700 ? 1 : 97) {
		b = malloc(n + 1);
		memcpy(b + 1, fake.blob, n);
		assert_int_equal(blob_check(TEE_TDX, b + 1, n, data), -1);
		free(b);
	}
	for (n = 48 + 584; n < 48 + 584 + 4; n++)
		fake.blob[n] = 0xff;
	assert_int_equal(blob_check(TEE_TDX, fake.blob, fake.n, data), -1);
	assert_int_equal(blob_check(TEE_SEV_SNP, fake.blob, 0, data), -1);
	assert_int_equal(blob_check(TEE_CCA, fake.blob, 0, data), -1);
	assert_int_equal(blob_check(TEE_OPTEE, fake.blob, 100, data), -1);
}

static void
too_much_for_the_buffer_is_refused(void **unused)
{
	const struct provider *p;

	(void)unused;
	snp();
	p = opened();
	fake.n = SNP_REPORT + 16;
	fails(p, EBADMSG, "a report has 1184 bytes");
	fake.n = SNP_REPORT;
	fake.n_aux = QUOTE_MAX;
	fails(p, EBADMSG, "auxblob: the host's table");
	cca();
	p = opened();
	fake.n = QUOTE_MAX + 1;
	fails(p, EFBIG, "outblob: too large");
}

static void
says(uint32_t tee, const char *first_bytes)
{
	uint8_t m[48];
	char hex[9];

	blob_measurement(tee, fake.blob, fake.n, m);
	snprintf(hex, sizeof(hex), "%02x%02x%02x%02x", m[0], m[1], m[2], m[3]);
	assert_string_equal(hex, first_bytes);
}

/* MRTD and measurement as the samples' EXPECT.json have them; this realm's RIM
 * is all zero. */
static void
what_was_started_is_told(void **unused)
{
	(void)unused;
	tdx5();
	says(TEE_TDX, "7348651a");
	snp();
	says(TEE_SEV_SNP, "f57dc09a");
	cca();
	says(TEE_CCA, "00000000");
	fake.n = 10;
	says(TEE_CCA, "00000000");
}

/* ---- /dev/sev-guest ---------------------------------------------------- */

static const struct provider *
device(void)
{
	const struct provider *p;

	snp();
	p = sev_open("/dev/null");
	assert_non_null(p);
	assert_int_equal(p->tee_type, TEE_SEV_SNP);
	return p;
}

static void
sev_gives_a_report(void **unused)
{
	(void)unused;
	gives(device(), SNP_REPORT);
	assert_int_equal(fake.requests, 1);
}

static void
sev_gives_certificates_without_the_rest_of_the_buffer(void **unused)
{
	const struct provider *p = device();

	(void)unused;
	one_certificate(48, 100);
	gives(p, SNP_REPORT + 148);
	assert_memory_equal(out + SNP_REPORT, fake.aux, 148);
}

static void
sev_waits_between_requests(void **unused)
{
	const struct provider *p = device();

	(void)unused;
	gives(p, SNP_REPORT);
	fake.error = ETIMEDOUT;
	fails(p, ETIMEDOUT, "did not answer in time");
	assert_int_equal(fake.slept, 2000);
	assert_int_equal(fake.requests, 2);	/* no second try by itself */
}

static void
sev_tells_what_failed(void **unused)
{
	const struct provider *p = device();

	(void)unused;
	fake.error = EIO;
	fails(p, EIO, "certificates exceed 16384 bytes");
	fake.error = ENOTTY;
	fails(p, ENOTTY, "reboot");
	fake.error = EAGAIN;
	fails(p, EBUSY, "the host is busy");
	fake.error = EBADF;
	fails(p, EBADF, "host error 0, firmware error 0");
}

static void
sev_refuses_other_data_sizes_and_tables(void **unused)
{
	const struct provider *p = device();

	(void)unused;
	fake.is_wrong = 1;
	fails(p, ESTALE, "over other report data");
	fake.is_wrong = 0;
	fake.n = 1000;
	fails(p, EIO, "1000 bytes");
	fake.n = 0;
	fails(p, ENODATA, "0 bytes");
	fake.n = SNP_REPORT;
	one_certificate(0x4000, 1);
	fails(p, EBADMSG, "table of certificates is broken");
	one_certificate(0xffffffff, 0xffffffff);
	fails(p, EBADMSG, "broken");
	memset(fake.aux, 1, fake.n_aux);
	fails(p, EBADMSG, "broken");
}

static void
without_the_device_there_is_no_sev(void **unused)
{
	(void)unused;
	assert_null(sev_open("/nonexistent"));
}

/* ---- the sandbox: with the real filter, by the real calls -------------- */

/* Root with no more capabilities than the monitor keeps. */
static void
as_the_monitor(void)
{
	const uint32_t keep = 1u << CAP_SETUID | 1u << CAP_SETGID |
	    1u << CAP_SETPCAP | 1u << CAP_SYS_CHROOT | 1u << CAP_KILL |
	    1u << CAP_IPC_LOCK;
	struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
	const struct __user_cap_data_struct d[2] = { { keep, keep, 0 } };

	if (geteuid() == 0 && syscall(SYS_capset, &h, d) == -1)
		_exit(1);
}

static int
in_the_sandbox(int device)
{
	const struct sandbox s = { .role = "evidence",
		.empty_dir = empty,
		.max_files = 64,
		.max_file = 1024 * 1024,
		.uid = geteuid() == 0 ? 65534 : 0,
		.gid = 65534,
		.files_fd = tsm_dir() };
	const uint32_t has = sandbox_enter(&s);

	fake.busy = 1;		/* once, so that it waits too */
	if (provider->quote(data, out, sizeof(out)) != SNP_REPORT + 148)
		return 2;
	if (__real_ioctl(device, SNP_GET_EXT_REPORT, NULL) != -1 ||
	    errno != ENOTTY)
		return 6;
	if ((has & SANDBOX_LANDLOCK) == 0)
		return 43;
	if (openat(tsm_dir(), "../outside", O_RDONLY) != -1 || errno != EACCES)
		return 3;
	if (openat(AT_FDCWD, "/outside", O_RDONLY) != -1 ||
	    (errno != EACCES && errno != ENOENT))
		return 4;
	if (openat(tsm_dir(), ".", O_RDONLY) != -1 || errno != EACCES)
		return 5;
	return 42;
}

static void
in_its_sandbox_it_reaches_its_files_and_no_other(void **unused)
{
	int dir, status;
	pid_t pid;

	(void)unused;
	snp();
	one_certificate(48, 100);
	fake.is_plain = 1;
	dir = open(root, O_RDONLY | O_DIRECTORY);
	plain_file(dir, "outside", 0644, "secret");
	__real_close(dir);
	strcpy(empty, "/tmp/test_provider.XXXXXX");
	assert_non_null(mkdtemp(empty));
	if ((pid = fork()) == 0) {
		assert_int_equal(chdir(empty), 0);
		as_the_monitor();
		provider = tsm_open(
		    root, TEE_CHOICE_SEV_SNP, geteuid() == 0 ? 65534 : 0);
		_exit(in_the_sandbox(open("/dev/null", O_RDWR)));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	rmdir(empty);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 43) {
		print_message("no Landlock here: what it refuses is not "
			      "tested\n");
		return;
	}
	assert_int_equal(WEXITSTATUS(status), 42);
}

const struct provider *provider;

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(what_the_driver_is_tells_the_tee),
		T(another_tee_than_the_configured_is_refused),
		T(the_configured_tee_is_taken),
		T(no_directory_is_no_tee),
		T(no_driver_is_no_tee_and_says_what_to_load),
		T(an_instance_that_cannot_be_made_is_fatal),
		T(instances_of_the_dead_go_those_of_the_living_and_others_stay),
		T(below_an_svsm_the_level_is_our_own),
		T(a_tdx_quote_of_version_4_is_taken),
		T(a_tdx_quote_of_version_5_is_taken),
		T(zero_padding_is_stripped),
		T(an_snp_report_without_certificates_is_taken),
		T(an_snp_report_is_taken_with_its_certificates),
		T(an_snp_host_is_left_two_seconds),
		T(a_cca_token_is_taken_as_it_is),
		T(one_quote_after_the_other),
		T(a_write_that_is_lost_is_noticed),
		T(a_second_writer_before_the_quote_is_noticed),
		T(a_second_writer_after_the_quote_is_noticed),
		T(a_write_that_fails_or_is_short_fails),
		T(a_generation_that_is_no_number_fails),
		T(a_second_writer_who_comes_once_costs_one_more_request),
		T(snp_leaves_the_pause_before_it_asks_again),
		T(busy_is_tried_again),
		T(busy_for_ever_is_given_up),
		T(an_empty_quote_is_an_error),
		T(a_timeout_is_said_and_not_tried_again),
		T(a_slow_quote_is_waited_for_once),
		T(an_interruption_is_said_and_not_tried_again),
		T(a_destroyed_key_a_lost_driver_are_said),
		T(other_report_data_is_refused),
		T(the_newer_form_of_tdx_is_refused_by_name),
		T(sgx_quotes_and_other_versions_are_refused),
		T(padding_that_is_not_zero_is_refused),
		T(a_quote_cut_anywhere_is_refused),
		T(too_much_for_the_buffer_is_refused),
		T(sev_gives_a_report),
		T(sev_gives_certificates_without_the_rest_of_the_buffer),
		T(sev_waits_between_requests),
		T(sev_tells_what_failed),
		T(sev_refuses_other_data_sizes_and_tables),
		T(without_the_device_there_is_no_sev),
		T(what_was_started_is_told),
		T(in_its_sandbox_it_reaches_its_files_and_no_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
