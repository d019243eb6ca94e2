/* SPDX-License-Identifier: Apache-2.0
 *
 * Does what the configuration names exist on this machine, and can it be used?
 * Runs in the monitor before anything is started.  Looks at names and modes
 * alone: it must never read a key.
 */
#include <dirent.h>
#include <errno.h>
#include <libgen.h>
#include <grp.h>
#include <pwd.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "chan.h"
#include "conf_check.h"
#include "conf_file.h"
#include "conf_text.h"
#include "keywords.h"

/* systemd gives these to services with DynamicUser. */
#define DYNAMIC_FIRST	61184
#define DYNAMIC_LAST	65519
#define FILE_LIMIT	(1024 * 1024)

/* ---- files ------------------------------------------------------------- */

const char *
file_fault(const char *path, int is_secret)
{
	const char *fault;
	struct stat st;

	if (stat(path, &st) == -1)
		return strerror(errno);
	if ((fault = text_mode_fault(st.st_mode)) != NULL)
		return fault;
	if (access(path, R_OK) == -1)
		return strerror(errno);
	if (st.st_size == 0)
		return "is empty";
	if (st.st_size >= FILE_LIMIT)
		return "is too large: expected less than 1 MB";
	/* As in gas_key.c and tls.c of keys. */
	if (is_secret && (st.st_mode & (S_IRWXO | S_IWGRP)) != 0)
		return "others can access it: set mode 600";
	return NULL;
}

/* May roles live in this directory?  NULL, or why not.  Without root there is
 * no chroot(2), and the owner does not matter. */
static const char *
chroot_fault(const char *path)
{
	const char *fault = NULL;
	const struct dirent *e;
	struct stat st;
	DIR *d;

	if ((d = opendir(path)) == NULL || fstat(dirfd(d), &st) == -1)
		fault = strerror(errno);
	else if (geteuid() == 0 && st.st_uid != 0)
		fault = "is not owned by root";
	else if (geteuid() == 0 && (st.st_mode & (S_IWGRP | S_IWOTH)))
		fault = "is writable by group or others";
	while (fault == NULL && (e = readdir(d)) != NULL)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			fault = "is not empty";
	if (d != NULL)
		closedir(d);
	return fault;
}

int
conf_check_files(const struct conf *c, FILE *err)
{
	const struct {
		size_t		 offset;
		const char	*path;
		int		 is_secret;
	} files[] = {
		{ AT(tls_ca), c->tls_ca, 0 },
		{ AT(tls_certificate), c->tls_certificate, 0 },
		{ AT(tls_key), c->tls_key, 1 },
		{ AT(gas_key), c->gas_key, 1 },
		{ AT(nox_key), c->nox_key, 1 },
		{ AT(registry_ca), c->registry_ca, 0 },
	};
	const char *fault;
	size_t i;
	int r = 0;

	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (*files[i].path != '\0' &&
		    (fault = file_fault(files[i].path, files[i].is_secret)) !=
			NULL)
			r = conf_fault(err, files[i].offset, 0, "%s: %s",
			    files[i].path, fault);
	return r;
}

/* ---- directories ------------------------------------------------------- */

/* Can this directory be made, with those above it?  NULL, or why not. */
static const char *
make_fault(const char *path)
{
	char dir[CONF_PATH];
	struct stat st;

	snprintf(dir, sizeof(dir), "%s", path);
	while (stat(dirname(dir), &st) == -1)
		if (errno != ENOENT)
			return strerror(errno);
	return S_ISDIR(st.st_mode) ? NULL : strerror(ENOTDIR);
}

static int
check_chroot(const struct conf *c, FILE *err)
{
	const char *fault;

	/* If it is missing, the monitor makes it. */
	if (access(c->chroot, F_OK) == -1 && errno == ENOENT)
		fault = make_fault(c->chroot);
	else
		fault = chroot_fault(c->chroot);
	if (fault == NULL)
		return 0;
	return conf_fault(err, AT(chroot), 0,
	    "%s: %s: expected an empty directory owned by root, or a path that "
	    "does not exist",
	    c->chroot, fault);
}

/* Is it made with the directory of chroot? */
static int
is_above_chroot(const struct conf *c, const char *dir)
{
	const size_t n = strlen(dir);

	return geteuid() == 0 && strncmp(c->chroot, dir, n) == 0 &&
	    c->chroot[n] == '/';
}

static int
check_socket(const struct conf *c, uint32_t chain, FILE *err)
{
	const char *path = c->chains[chain].control_socket;
	char buf[CONF_PATH], *dir;
	struct stat st;

	if (strlen(path) >= sizeof(((struct sockaddr_un *)0)->sun_path))
		return conf_fault(err, OF(control_socket), chain,
		    "%s: expected at most %zu characters", path,
		    sizeof(((struct sockaddr_un *)0)->sun_path) - 1);
	snprintf(buf, sizeof(buf), "%s", path);
	dir = dirname(buf);
	if (stat(dir, &st) == -1) {
		if (errno == ENOENT && is_above_chroot(c, dir))
			return 0;
		return conf_fault(err, OF(control_socket), chain,
		    "directory %s: %s: create it", dir, strerror(errno));
	}
	if (!S_ISDIR(st.st_mode))
		return conf_fault(err, OF(control_socket), chain,
		    "%s: is not a directory", dir);
	if (lstat(path, &st) == 0 && !S_ISSOCK(st.st_mode))
		return conf_fault(err, OF(control_socket), chain,
		    "%s: exists and is not a socket: remove it", path);
	return 0;
}

int
conf_check_directories(const struct conf *c, FILE *err)
{
	uint32_t i;
	int r = check_chroot(c, err);

	for (i = 0; i < c->n_chains; i++)
		r |= check_socket(c, i, err);
	return r;
}

/* ---- users ------------------------------------------------------------- */

static int
check_uid(const struct conf *c, uid_t uid, const char *role, FILE *err)
{
	const struct passwd *pw;

	if (uid >= DYNAMIC_FIRST && uid <= DYNAMIC_LAST)
		return conf_fault(err, AT(uid_base), 0,
		    "%u: the user ID of %s would be %u: systemd uses %d to %d "
		    "for dynamic users: choose another base, such as 61000",
		    c->uid_base, role, uid, DYNAMIC_FIRST, DYNAMIC_LAST);
	if ((pw = getpwuid(uid)) != NULL)
		return conf_fault(err, AT(uid_base), 0,
		    "%u: the user ID of %s would be %u: the user %s has it: "
		    "choose another base, such as 61000",
		    c->uid_base, role, uid, pw->pw_name);
	return 0;
}

static int
check_name(const char *role, FILE *err)
{
	const struct passwd *pw;
	char name[32];

	snprintf(name, sizeof(name), "_tee-%s", role);
	if ((pw = getpwnam(name)) == NULL)
		return conf_fault(err, AT(uid_base), 0,
		    "is not set, and there is no user %s: add the user, or set "
		    "uid-base",
		    name);
	if (pw->pw_uid == 0 || pw->pw_gid == 0)
		return conf_fault(err, AT(uid_base), 0,
		    "is not set, and the user %s has the user or group ID 0: "
		    "give it another",
		    name);
	return 0;
}

static int
check_group(const struct conf *c, FILE *err)
{
	const struct group *g;

	if (c->control_group[0] == '\0')
		return 0;
	if ((g = getgrnam(c->control_group)) == NULL)
		return conf_fault(err, AT(control_group), 0,
		    "%s: no such group: create it with groupadd(8)",
		    c->control_group);
	if (g->gr_gid == 0)
		return conf_fault(err, AT(control_group), 0,
		    "%s: is the group of root, who needs no permission",
		    c->control_group);
	return 0;
}

int
conf_check_users(const struct conf *c, FILE *err)
{
	const char *role;
	uint32_t bit;
	int r = check_group(c, err);

	for (bit = 0; r == 0 && bit < ROLE_BITS; bit++) {
		if (((1u << bit) & R_CHILDREN) == 0)
			continue;
		role = role_name(1u << bit);
		if (c->uid_base != 0)
			r = check_uid(c, c->uid_base + bit, role, err);
		else if (geteuid() == 0)
			r = check_name(role, err);
	}
	return r;
}

int
conf_check(const struct conf *c, FILE *err)
{
	int r = conf_check_files(c, err);

	r |= conf_check_directories(c, err);
	r |= conf_check_users(c, err);
	return r;
}
