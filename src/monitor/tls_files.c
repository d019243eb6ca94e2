/* SPDX-License-Identifier: Apache-2.0
 *
 * The files of tls-key and tls-certificate: when one has changed it is opened
 * and its descriptor goes to the roles that read it.  Runs in the monitor,
 * which must never read these files itself.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"
#include "monitor.h"

#define INTERVAL	10		/* seconds */

static struct event *timer;

static struct tls_file {
	const char	*keyword, *path;
	enum role	 role;		/* or several */
	enum msg_type	 type;
	struct stat	 st;		/* of what the role has; st_mode 0:
					 * none */
	int		 is_failing;	/* as the log says */
} files[] = {
	{ .keyword = "tls-key", .role = R_KEYS, .type = M_TLS_KEY },
	{ .keyword = "tls-certificate",
	    .role = R_FRONT,
	    .type = M_TLS_CERTIFICATE },
};

static int
is_same(const struct stat *a, const struct stat *b)
{
	return a->st_mode != 0 && a->st_dev == b->st_dev &&
	    a->st_ino == b->st_ino && a->st_size == b->st_size &&
	    a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	    a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
	    a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
	    a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

/* NULL, or why it cannot be handed over.  It may be a symbolic link. */
static const char *
hand_over(struct tls_file *f)
{
	const char *fault = NULL;
	struct stat st;
	int fd;

	if (stat(f->path, &st) == -1)
		return strerror(errno);
	if (is_same(&f->st, &st))
		return NULL;
	if ((fd = open(f->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)) == -1)
		return strerror(errno);
	if (fstat(fd, &st) == -1)
		fault = strerror(errno);
	else if (!S_ISREG(st.st_mode))
		fault = "not a regular file";
	else {
		children_send(f->role, f->type, fd);
		f->st = st;
	}
	close(fd);
	return fault;
}

void
tls_files_check(void)
{
	struct tls_file *f;
	const char *fault;

	for (f = files; f < files + sizeof(files) / sizeof(files[0]); f++) {
		fault = hand_over(f);
		if (fault != NULL && !f->is_failing)
			log_warn("%s %s: not renewed: %s", f->keyword, f->path,
			    fault);
		f->is_failing = fault != NULL;
	}
}

static void
on_interval(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	tls_files_check();
}

void
tls_files_start(struct event_base *base, const struct conf *conf)
{
	static const struct timeval tv = { INTERVAL, 0 };
	size_t i;

	timer = event_new(base, -1, EV_PERSIST, on_interval, NULL);
	files[0].path = conf->tls_key;
	files[1].path = conf->tls_certificate;
	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (stat(files[i].path, &files[i].st) == -1)
			memset(&files[i].st, 0, sizeof(files[i].st));
	if (timer == NULL || event_add(timer, &tv) == -1)
		fatal("libevent: cannot create a timer");
}
