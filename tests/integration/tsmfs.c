/* SPDX-License-Identifier: Apache-2.0
 *
 * tsmfs DIR MOUNTPOINT: the kernel's configfs-tsm report directory as a FUSE
 * file system, of the guest that DIR holds: SEV-SNP's or TDX's (guest.h).  It
 * behaves as Linux does: inblob is buffered and committed by close(2), which
 * never fails; outblob is made at the first read behind that.  DIR/fault makes
 * it misbehave:
 *
 *	busy	close(2) takes nothing and reading says EBUSY
 *	empty	outblob has no bytes
 *	lost	what was written is not committed
 *	race	someone else writes behind us
 *	slow	a quote takes eight seconds
 *	wrong	a report over other report data
 */
#define FUSE_USE_VERSION 31
#include <errno.h>
#include <fuse.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "guest.h"

#define INSTANCES	8

enum file { PROVIDER, GENERATION, INBLOB, OUTBLOB, AUXBLOB, FILES };
static const char *const names[FILES] = { "provider", "generation", "inblob",
	"outblob", "auxblob" };

static struct instance {
	char		name[64];
	uint64_t	generation;
	uint8_t		buffer[64], data[64];
	size_t		n;			/* in the buffer */
	uint8_t		report[EVIDENCE_MAX];
	size_t		report_n;		/* 0: to be made */
	mode_t		mode;			/* of inblob */
	gid_t		gid;
} instances[INSTANCES];

/* Which guest DIR is. */
static const struct guest *guest;

/* ---- paths: /, /NAME, /NAME/FILE --------------------------------------- */

/* The instance, and which file of it (FILES: itself): NULL, there is none. */
static struct instance *
lookup(const char *path, enum file *file)
{
	const char *slash = strchr(path + 1, '/');
	size_t i,
	    n = slash == NULL ? strlen(path + 1) : (size_t)(slash - path - 1);

	*file = FILES;
	if (slash != NULL) {
		for (i = 0; i < FILES; i++)
			if (strcmp(slash + 1, names[i]) == 0 &&
			    (i != AUXBLOB || guest->certificates != NULL))
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
		for (i = 0;
		     i < FILES && (i != AUXBLOB || guest->certificates != NULL);
		     i++)
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

/* ---- files ------------------------------------------------------------- */

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
	if (i->n == 64 && !guest_fault("lost")) {
		memcpy(i->data, i->buffer, 64);
		i->generation++;
		i->report_n = 0;
	}
	i->n = 0;
	return 0;
}

static int
on_read(
    const char *path, char *to, size_t n, off_t at, struct fuse_file_info *fi)
{
	static uint8_t aux[EVIDENCE_MAX];
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
		size = (size_t)snprintf(
		    text, sizeof(text), "%s\n", guest->provider);
		break;
	case GENERATION:
		size = (size_t)snprintf(text, sizeof(text), "%llu\n",
		    (unsigned long long)i->generation);
		break;
	case OUTBLOB:
		if (guest_fault("busy"))
			return -EBUSY;
		if (i->generation == 0)
			return -EINVAL;
		if (i->report_n == 0) {
			if (guest_fault("slow"))
				sleep(8);
			i->report_n = guest->evidence(i->data, i->report);
		}
		if (guest_fault("race") && at == 0)
			i->generation++;
		from = i->report;
		size = guest_fault("empty") ? 0 : i->report_n;
		break;
	case AUXBLOB:
		size = guest->certificates(aux);
		from = aux;
		break;
	default: return -EACCES;
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
		.getattr = on_getattr,
		.readdir = on_readdir,
		.mkdir = on_mkdir,
		.rmdir = on_rmdir,
		.chmod = on_chmod,
		.chown = on_chown,
		.truncate = on_truncate,
		.open = on_open,
		.read = on_read,
		.write = on_write,
		.flush = on_flush,
	};
	char foreground[] = "-f", single[] = "-s", with[] = "-o";
	char options[] = "allow_other,default_permissions,attr_timeout=0,"
			 "entry_timeout=0";

	if (argc != 3) {
		fprintf(stderr, "usage: tsmfs dir mountpoint\n");
		return 2;
	}
	guest_dir = argv[1];
	guest = guest_file(guest_tdx.has, &(char){ 0 }, 1) == 1 ? &guest_tdx :
								  &guest_snp;
	char *args[] = { argv[0], foreground, single, with, options, argv[2] };

	return fuse_main(6, args, &operations, NULL);
}
