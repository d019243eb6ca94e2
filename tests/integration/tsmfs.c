/* SPDX-License-Identifier: Apache-2.0
 *
 * tsmfs DIR MOUNTPOINT: the kernel's configfs-tsm report directory as a FUSE file
 * system, of an SEV-SNP guest whose processor is DIR: vek.key signs the reports,
 * vek.der, ask.der and ark.der are the host's certificates, `tcb' is the reported
 * TCB as eight bytes of hex, `chip' the chip's id.  It behaves as Linux does:
 * inblob is buffered and committed by close(2), which never fails; outblob is
 * made at the first read behind that.  DIR/fault makes it misbehave:
 *
 *	busy	close(2) takes nothing and reading says EBUSY
 *	empty	outblob has no bytes
 *	lost	what was written is not committed
 *	race	someone else writes behind us
 *	wrong	a report over other report data
 */
#define FUSE_USE_VERSION 31
#include <errno.h>
#include <fuse.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REPORT		1184
#define SIGNED		0x2a0
#define INSTANCES	8
#define AUX_MAX		16384

enum file { PROVIDER, GENERATION, INBLOB, OUTBLOB, AUXBLOB, FILES };
static const char *const names[FILES] = { "provider", "generation", "inblob",
    "outblob", "auxblob" };

static struct instance {
	char		name[64];
	uint64_t	generation;
	uint8_t		buffer[64], data[64];
	size_t		n;			/* in the buffer */
	uint8_t		report[REPORT];
	size_t		report_n;		/* 0: to be made */
	mode_t		mode;			/* of inblob */
	gid_t		gid;
} instances[INSTANCES];

static const char *dir;

/* ---- DIR ---- */

static size_t
slurp(const char *name, void *to, size_t size)
{
	char path[512];
	size_t n = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	if ((f = fopen(path, "rb")) != NULL) {
		n = fread(to, 1, size, f);
		fclose(f);
	}
	return n;
}

static int
fault_is(const char *name)
{
	char text[32] = "";

	slurp("fault", text, sizeof(text) - 1);
	text[strcspn(text, "\n")] = '\0';
	return strcmp(text, name) == 0;
}

static void
slurp_hex(const char *name, uint8_t *to, size_t n)
{
	char text[200] = "";
	unsigned v;
	size_t i;

	slurp(name, text, sizeof(text) - 1);
	for (i = 0; i < n; i++)
		if (sscanf(text + 2 * i, "%2x", &v) == 1)
			to[i] = (uint8_t)v;
}

/* ---- the processor ---- */

static void
little(const BIGNUM *v, uint8_t to[72])
{
	uint8_t big[48];
	size_t i;

	BN_bn2binpad(v, big, sizeof(big));
	for (i = 0; i < sizeof(big); i++)
		to[i] = big[sizeof(big) - 1 - i];
}

static void
sign(uint8_t b[REPORT])
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	uint8_t der[200];
	const uint8_t *p = der;
	size_t n = sizeof(der);
	char path[512];
	ECDSA_SIG *sig;
	EVP_PKEY *key;
	FILE *f;

	snprintf(path, sizeof(path), "%s/vek.key", dir);
	if ((f = fopen(path, "r")) == NULL ||
	    (key = PEM_read_PrivateKey(f, NULL, NULL, NULL)) == NULL)
		abort();
	fclose(f);
	if (EVP_DigestSignInit(md, NULL, EVP_sha384(), NULL, key) != 1 ||
	    EVP_DigestSign(md, der, &n, b, SIGNED) != 1 ||
	    (sig = d2i_ECDSA_SIG(NULL, &p, (long)n)) == NULL)
		abort();
	little(ECDSA_SIG_get0_r(sig), b + SIGNED);
	little(ECDSA_SIG_get0_s(sig), b + SIGNED + 72);
	ECDSA_SIG_free(sig);
	EVP_PKEY_free(key);
	EVP_MD_CTX_free(md);
}

static void
report_make(struct instance *i)
{
	static const size_t tcbs[] = { 0x38, 0x180, 0x1e0, 0x1f0 };
	uint8_t *b = i->report;
	size_t k;

	memset(b, 0, REPORT);
	b[0] = 3;				/* version */
	b[0x0a] = 3;				/* policy: SMT, and bit 17 */
	b[0x34] = 1;				/* ECDSA P-384 */
	b[0x40] = 0x27;				/* platform info */
	memcpy(b + 0x50, i->data, 64);
	if (fault_is("wrong"))
		b[0x50] ^= 1;
	memset(b + 0x90, 0x4d, 48);		/* the measurement */
	memset(b + 0x160, 0xff, 32);		/* no migration agent */
	for (k = 0; k < sizeof(tcbs) / sizeof(tcbs[0]); k++)
		slurp_hex("tcb", b + tcbs[k], 8);
	memcpy(b + 0x188, "\x19\x01\x01", 3);	/* Milan */
	slurp_hex("chip", b + 0x1a0, 64);
	sign(b);
	i->report_n = REPORT;
}

/* The table of certificates: GHCB specification. */
static size_t
aux_make(uint8_t to[AUX_MAX])
{
	static const struct { const char *file; uint8_t guid; } of[] = {
		{ "vek.der", 0x63 }, { "ask.der", 0x4a }, { "ark.der", 0xc0 },
	};
	size_t k, n, at = 24 * 4;

	memset(to, 0, AUX_MAX);
	for (k = 0; k < 3; k++) {
		n = slurp(of[k].file, to + at, AUX_MAX - at);
		to[24 * k] = of[k].guid;
		memcpy(to + 24 * k + 16, &(uint32_t){ (uint32_t)at }, 4);
		memcpy(to + 24 * k + 20, &(uint32_t){ (uint32_t)n }, 4);
		at += n;
	}
	return at;
}

/* ---- paths: /, /NAME, /NAME/FILE ---- */

/* The instance, and which file of it (FILES: itself): NULL, there is none. */
static struct instance *
lookup(const char *path, enum file *file)
{
	const char *slash = strchr(path + 1, '/');
	size_t i, n = slash == NULL ? strlen(path + 1) :
	    (size_t)(slash - path - 1);

	*file = FILES;
	if (slash != NULL) {
		for (i = 0; i < FILES; i++)
			if (strcmp(slash + 1, names[i]) == 0)
				*file = (enum file)i;
		if (*file == FILES)
			return NULL;
	}
	for (i = 0; n > 0 && i < INSTANCES; i++)
		if (strlen(instances[i].name) == n &&
		    memcmp(instances[i].name, path + 1, n) == 0)
			return &instances[i];
	return NULL;
}

static int
on_getattr(const char *path, struct stat *st, struct fuse_file_info *fi)
{
	enum file file;
	struct instance *i = lookup(path, &file);

	(void)fi;
	memset(st, 0, sizeof(*st));
	st->st_nlink = 1;
	if (strcmp(path, "/") == 0 || (i != NULL && file == FILES)) {
		st->st_mode = S_IFDIR | 0755;
		return 0;
	}
	if (i == NULL)
		return -ENOENT;
	st->st_mode = S_IFREG | (file == INBLOB ? i->mode : 0444);
	st->st_gid = file == INBLOB ? i->gid : 0;
	return 0;
}

static int
on_readdir(const char *path, void *to, fuse_fill_dir_t fill, off_t at,
    struct fuse_file_info *fi, enum fuse_readdir_flags flags)
{
	size_t i;

	(void)at;
	(void)fi;
	(void)flags;
	fill(to, ".", NULL, 0, 0);
	fill(to, "..", NULL, 0, 0);
	if (strcmp(path, "/") == 0) {
		for (i = 0; i < INSTANCES; i++)
			if (instances[i].name[0] != '\0')
				fill(to, instances[i].name, NULL, 0, 0);
	} else
		for (i = 0; i < FILES; i++)
			fill(to, names[i], NULL, 0, 0);
	return 0;
}

static int
on_mkdir(const char *path, mode_t mode)
{
	size_t i;

	(void)mode;
	for (i = 0; i < INSTANCES; i++)
		if (instances[i].name[0] == '\0') {
			memset(&instances[i], 0, sizeof(instances[i]));
			snprintf(instances[i].name, sizeof(instances[i].name),
			    "%s", path + 1);
			instances[i].mode = 0200;
			return 0;
		}
	return -ENOSPC;
}

static int
on_rmdir(const char *path)
{
	enum file file;
	struct instance *i = lookup(path, &file);

	if (i == NULL)
		return -ENOENT;
	i->name[0] = '\0';
	return 0;
}

static int
on_chmod(const char *path, mode_t mode, struct fuse_file_info *fi)
{
	enum file file;
	struct instance *i = lookup(path, &file);

	(void)fi;
	if (i == NULL || file != INBLOB)
		return -EPERM;
	i->mode = mode & 0777;
	return 0;
}

static int
on_chown(const char *path, uid_t uid, gid_t gid, struct fuse_file_info *fi)
{
	enum file file;
	struct instance *i = lookup(path, &file);

	(void)fi;
	if (i == NULL || file != INBLOB || uid != (uid_t)-1)
		return -EPERM;
	i->gid = gid;
	return 0;
}

static int
on_truncate(const char *path, off_t n, struct fuse_file_info *fi)
{
	(void)path;
	(void)n;
	(void)fi;
	return 0;
}

/* ---- files ---- */

static int
on_open(const char *path, struct fuse_file_info *fi)
{
	enum file file;
	struct instance *i = lookup(path, &file);

	if (i == NULL || file == FILES)
		return -ENOENT;
	fi->direct_io = 1;		/* sizes are not known before */
	if (file == INBLOB)
		i->n = 0;
	return 0;
}

static int
on_write(const char *path, const char *b, size_t n, off_t at,
    struct fuse_file_info *fi)
{
	enum file file;
	struct instance *i = lookup(path, &file);

	(void)fi;
	if (i == NULL || file != INBLOB)
		return -EACCES;
	if (at < 0 || (size_t)at + n > sizeof(i->buffer))
		return -EFBIG;
	memcpy(i->buffer + at, b, n);
	i->n = (size_t)at + n;
	return (int)n;
}

/* close(2): what it says, nobody hears. */
static int
on_flush(const char *path, struct fuse_file_info *fi)
{
	enum file file;
	struct instance *i = lookup(path, &file);

	(void)fi;
	if (i == NULL || file != INBLOB || i->n == 0)
		return 0;
	if (i->n == 64 && !fault_is("lost")) {
		memcpy(i->data, i->buffer, 64);
		i->generation++;
		i->report_n = 0;
	}
	i->n = 0;
	return 0;
}

static int
on_read(const char *path, char *to, size_t n, off_t at,
    struct fuse_file_info *fi)
{
	static uint8_t aux[AUX_MAX];
	char text[32];
	const void *from = text;
	size_t size = 0;
	enum file file;
	struct instance *i = lookup(path, &file);

	(void)fi;
	if (i == NULL)
		return -ENOENT;
	switch (file) {
	case PROVIDER:
		size = (size_t)snprintf(text, sizeof(text), "sev_guest\n");
		break;
	case GENERATION:
		size = (size_t)snprintf(text, sizeof(text), "%llu\n",
		    (unsigned long long)i->generation);
		break;
	case OUTBLOB:
		if (fault_is("busy"))
			return -EBUSY;
		if (i->generation == 0)
			return -EINVAL;
		if (i->report_n == 0)
			report_make(i);
		if (fault_is("race") && at == 0)
			i->generation++;
		from = i->report;
		size = fault_is("empty") ? 0 : i->report_n;
		break;
	case AUXBLOB:
		size = aux_make(aux);
		from = aux;
		break;
	default:
		return -EACCES;
	}
	if (at < 0 || (size_t)at >= size)
		return 0;
	if (n > size - (size_t)at)
		n = size - (size_t)at;
	memcpy(to, (const uint8_t *)from + at, n);
	return (int)n;
}

int
main(int argc, char **argv)
{
	static const struct fuse_operations operations = {
		.getattr = on_getattr, .readdir = on_readdir,
		.mkdir = on_mkdir, .rmdir = on_rmdir, .chmod = on_chmod,
		.chown = on_chown, .truncate = on_truncate, .open = on_open,
		.read = on_read, .write = on_write, .flush = on_flush,
	};
	char foreground[] = "-f", single[] = "-s", with[] = "-o";
	char options[] = "allow_other,default_permissions,attr_timeout=0,"
	    "entry_timeout=0";

	if (argc != 3) {
		fprintf(stderr, "usage: tsmfs dir mountpoint\n");
		return 2;
	}
	dir = argv[1];
	char *args[] = { argv[0], foreground, single, with, options, argv[2] };

	return fuse_main(6, args, &operations, NULL);
}
