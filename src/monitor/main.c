/* SPDX-License-Identifier: Apache-2.0
 *
 * tee-runnerd: the monitor.  Reads the configuration, finds the users of the
 * roles, gives up what it does not need to start them, and supervises.
 *
 * A filter is inherited, so the monitor's is also the outer bound of every
 * child: it allows what all roles together need until each has loaded its own,
 * which then takes nearly all of that away.  A starter process without a filter
 * would be one more process with root's rights, and the one that matters.  As
 * root the monitor keeps the capabilities to make a child another user in an
 * empty directory, and no others.
 */
#include "config.h"

#include <cap-ng.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <getopt.h>
#include <libgen.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf_check.h"
#include "conf_file.h"
#include "log.h"
#include "monitor.h"
#include "policy.h"
#include "role_check.h"
#include "sandbox.h"
#include "syscalls.h"
#include "tee.h"

#define CONF_FILE	SYSCONFDIR "/tee-runner/tee-runnerd.conf"

/* Exit status: the command line or the configuration has errors, so that
 * starting again is of no use.  A service manager can tell it from 1. */
#define EXIT_CONFIGURATION	2

static const char usage_text[] =
    "usage: tee-runnerd [-dtT] [-f file] [-L directory]\n"
    "\n"
    "  -d            stay in the foreground, log to standard error\n"
    "  -f file       configuration (" CONF_FILE ")\n"
    "  -L directory  the roles' executables (" ROLEDIR ")\n"
    "  -t            test the configuration, then exit\n"
    "  -T            print the effective configuration, then exit\n"
    "  --help, --version\n";

static struct event_base *base;

/* ---- successor --------------------------------------------------------- */

static struct conf conf;
static int successor_fd = -1;

/* Until the service that runs has ended, its control sockets have other
 * names. */
static void
be_successor(void)
{
	const char *fd = getenv(SUCCESSOR);
	size_t i, n;
	char *name;

	if (fd == NULL)
		return;
	successor_fd = atoi(fd);
	unsetenv(SUCCESSOR);
	for (i = 0; i < conf.n_chains; i++) {
		name = conf.chains[i].control_socket;
		n = strlen(name);
		if (n + sizeof(SUCCESSOR_SUFFIX) > CONF_PATH)
			fatal("control-socket: too long for a successor");
		memcpy(name + n, SUCCESSOR_SUFFIX, sizeof(SUCCESSOR_SUFFIX));
	}
}

/* Tell tee-runnerctl which process this is. */
static void
tell_pid(void)
{
	const pid_t pid = getpid();

	if (successor_fd == -1)
		return;
	(void)!write(successor_fd, &pid, sizeof(pid));
	close(successor_fd);
}

/* The other service has ended, and its names are ours. */
static void
take_names(void)
{
	const size_t suffix = sizeof(SUCCESSOR_SUFFIX) - 1;
	size_t i, n;
	char *name;

	for (i = 0; i < conf.n_chains; i++) {
		name = conf.chains[i].control_socket;
		n = strlen(name);
		if (n > suffix &&
		    strcmp(name + n - suffix, SUCCESSOR_SUFFIX) == 0)
			name[n - suffix] = '\0';
	}
}

/* ---- signals ----------------------------------------------------------- */

static volatile sig_atomic_t successor;
static struct sigaction of_libevent;

/* libevent does not pass on the number that was sent with the signal. */
static void
on_replaced(int sig, siginfo_t *si, void *context)
{
	(void)context;
	if (si->si_code == SI_QUEUE)
		successor = si->si_value.sival_int;
	of_libevent.sa_handler(sig);
}

/* Until the next one, or a SIGHUP with another log-level. */
static void
set_log_level(uint32_t level)
{
	conf.log_level = level;
	log_level((int)level);
	children_log_level(level);
	log_warn("log-level: set by a signal");
}

static void
on_signal(evutil_socket_t sig, short what, void *arg)
{
	static int asked;

	(void)what;
	(void)arg;
	if (sig == SIGCHLD)
		children_reap();
	else if (sig == SIGNAL_REPLACED) {
		/* The service manager follows the successor. */
		if (successor != 0)
			notify_send("MAINPID=%d", (int)successor);
		notify_end();
		children_drain();
	} else if (sig == SIGNAL_ALONE)
		take_names();
	else if (sig >= SIGNAL_LOG_LEVEL(LOG_ERR) &&
	    sig <= SIGNAL_LOG_LEVEL(LOG_DEBUG))
		set_log_level((uint32_t)(sig - SIGNAL_LOG_LEVEL(0)));
	else if (sig == SIGHUP) {
		reload();
	} else if (asked++ == 0)
		children_drain();
	else
		children_stop();
}

static void
catch_signals(void)
{
	/* A signal that is sent to the whole control group, or by mistake, must
	 * not end the monitor without draining. */
	const int signals[] = { SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGCHLD,
		SIGNAL_REPLACED, SIGNAL_ALONE, SIGNAL_LOG_LEVEL(LOG_ERR),
		SIGNAL_LOG_LEVEL(LOG_WARNING), SIGNAL_LOG_LEVEL(LOG_INFO),
		SIGNAL_LOG_LEVEL(LOG_DEBUG) },
		  ignored[] = { SIGPIPE, SIGUSR1, SIGUSR2, SIGALRM };
	struct sigaction sa = { .sa_sigaction = on_replaced,
		.sa_flags = SA_SIGINFO | SA_RESTART };
	struct event *e;
	size_t i;

	for (i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		signal(ignored[i], SIG_IGN);
	for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		e = evsignal_new(base, signals[i], on_signal, NULL);
		if (e == NULL || event_add(e, NULL) == -1)
			fatal("libevent: cannot watch signal %d", signals[i]);
	}
	if (sigaction(SIGNAL_REPLACED, NULL, &of_libevent) == -1)
		fatal("sigaction: %s", strerror(errno));
	sa.sa_mask = of_libevent.sa_mask;
	if (sigaction(SIGNAL_REPLACED, &sa, NULL) == -1)
		fatal("sigaction: %s", strerror(errno));
}

/* ---- users ------------------------------------------------------------- */

static void
find_users(const struct conf *c, struct users *u)
{
	const struct passwd *pw;
	char name[32];
	uint32_t bit;

	memset(u, 0, sizeof(*u));
	if (geteuid() != 0) {
		log_warn("not started as root: all roles run as this user, "
			 "without chroot and namespaces");
		return;
	}
	for (bit = 0; bit < ROLE_BITS; bit++) {
		if (((1u << bit) & R_CHILDREN) == 0)
			continue;
		if (c->uid_base != 0) {
			u->uid[bit] = u->gid[bit] = c->uid_base + bit;
			continue;
		}
		snprintf(name, sizeof(name), "_tee-%s", role_name(1u << bit));
		if ((pw = getpwnam(name)) == NULL)
			fatal("no user %s", name);
		u->uid[bit] = pw->pw_uid;
		u->gid[bit] = pw->pw_gid;
	}
}

static void
find_control_group(struct conf *c)
{
	const struct group *g;

	if (c->control_group[0] == '\0')
		return;
	if ((g = getgrnam(c->control_group)) == NULL)
		fatal("control-group: no group %s", c->control_group);
	c->control_gid = g->gr_gid;
}

/* Every directory of `path', as mkdir -p. */
static void
make_directory(const char *path)
{
	char p[CONF_PATH];
	char *s;

	snprintf(p, sizeof(p), "%s", path);
	for (s = p + 1;; s++) {
		char end = *s;

		if (end != '/' && end != '\0')
			continue;
		*s = '\0';
		if (mkdir(p, 0755) == -1 && errno != EEXIST)
			fatal(
			    "chroot: cannot create %s: %s", p, strerror(errno));
		if (end == '\0')
			return;
		*s = end;
	}
}

/* ---- what the monitor itself gives up ---------------------------------- */

/* The roles get 0 to 2 from us: no terminal to read, none of the three free. */
static void
close_input(void)
{
	int fd;

	do {
		if ((fd = open("/dev/null", O_RDWR)) == -1)
			fatal("/dev/null: %s", strerror(errno));
	} while (fd <= STDERR_FILENO);
	if (dup2(fd, STDIN_FILENO) == -1 || dup2(fd, STDOUT_FILENO) == -1)
		fatal("dup2: %s", strerror(errno));
	close(fd);
}

/* keys and the workers lock all of their memory.  Only root may raise the
 * limit. */
static void
raise_memlock(void)
{
	const struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };

	if (geteuid() == 0 && setrlimit(RLIMIT_MEMLOCK, &all) == -1)
		log_warn("RLIMIT_MEMLOCK: cannot raise the limit: %s: keys and "
			 "compute lock their secrets, but not all memory",
		    strerror(errno));
}

static void
warn_limit(enum role role, const char *what, int resource, size_t wanted)
{
	struct rlimit rl;

	if (getrlimit((__rlimit_resource_t)resource, &rl) == 0 &&
	    rl.rlim_max < wanted)
		log_warn("limits: %s may need %s %zu, the hard limit is %llu: "
			 "raise it",
		    role_name(role), what, wanted,
		    (unsigned long long)rl.rlim_max);
}

/* Lower hard limits are kept, here and in the roles. */
static void
check_limits(void)
{
	const struct sandbox_role *r;
	uint32_t bit;

	for (bit = 0; bit < ROLE_BITS; bit++) {
		if (((1u << bit) & R_CHILDREN) == 0)
			continue;
		r = sandbox_role(1u << bit);
		warn_limit(
		    r->role, "RLIMIT_NOFILE", RLIMIT_NOFILE, r->max_files);
		warn_limit(r->role, "RLIMIT_AS", RLIMIT_AS, r->max_memory);
		warn_limit(r->role, "RLIMIT_FSIZE", RLIMIT_FSIZE, r->max_file);
	}
}

/* The root directory of the roles, held open: it may be removed while we
 * run. */
static int
open_empty(const char *path)
{
	int fd;

	if (geteuid() != 0)
		return -1;
	fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1)
		fatal("chroot %s: %s", path, strerror(errno));
	return fd;
}

static void
drop_capabilities(uint32_t namespaces)
{
	const struct sandbox_cap *k;

	if (geteuid() != 0)
		return;
	capng_clear(CAPNG_SELECT_BOTH);
	for (k = sandbox_caps; k < sandbox_caps + sandbox_n_caps; k++)
		if (!k->for_namespaces || namespaces != 0)
			capng_update(CAPNG_ADD,
			    CAPNG_EFFECTIVE | CAPNG_PERMITTED |
				CAPNG_BOUNDING_SET,
			    (unsigned)k->number);
	if (capng_apply(CAPNG_SELECT_BOTH) != 0)
		fatal("cannot drop capabilities");
}

/* The policy lacks a system call that this program or a newer library makes:
 * log which. */
static void
on_sigsys(int sig, siginfo_t *si, void *context)
{
	(void)sig;
	(void)context;
	log_err("system call %s (%d) is not in policy/monitor.policy",
	    syscall_name((uint32_t)si->si_syscall), si->si_syscall);
	_exit(1);
}

static int
path_fd(const char *path)
{
	return open(path, O_PATH | O_CLOEXEC);
}

/* Bound the paths that the roles may write on their way into their sandboxes.
 * The monitor itself writes none.  The filter cannot do this: it sees flags,
 * not paths. */
static void
bound_writes(const struct conf *c)
{
	struct sandbox_path paths[4 + CONF_CHAINS] = {
		{ path_fd(TSM_PATH), SANDBOX_WRITE | SANDBOX_DIRS },
		{ path_fd(RTMR_PATH), SANDBOX_WRITE },
		{ path_fd(SEV_PATH), SANDBOX_WRITE },
		{ path_fd(OPTEE_PATH), SANDBOX_WRITE },
	};
	char dir[CONF_PATH];
	size_t i, n = 4;

	for (i = 0; i < c->n_chains; i++) {
		snprintf(dir, sizeof(dir), "%s", c->chains[i].control_socket);
		paths[n++] = (struct sandbox_path){ path_fd(dirname(dir)),
			SANDBOX_SOCKETS };
	}
	if (!sandbox_bound_writes(paths, n))
		log_warn("Landlock is not available: nothing restricts the "
			 "paths that the monitor can write");
	while (n-- > 0)
		if (paths[n].fd != -1)
			close(paths[n].fd);
}

static void
enter_filter(const struct conf *c)
{
	const struct sigaction sa = { .sa_sigaction = on_sigsys,
		.sa_flags = SA_SIGINFO | (int)SA_RESETHAND };

	if (sigaction(SIGSYS, &sa, NULL) == -1)
		fatal("sigaction: %s", strerror(errno));
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == -1 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		fatal("no_new_privs: %s", strerror(errno));
	bound_writes(c);
#ifndef TEE_SANITIZERS
	if (policy_load(policy_of("monitor")) == -1)
		fatal("seccomp filter: %s", strerror(errno));
#endif
}

/* ---- main -------------------------------------------------------------- */

static int
usage(FILE *f, int status)
{
	fputs(usage_text, f);
	return status;
}

/* At a start, executables that do not work are the business of children.c. */
static int
check(struct conf *c, const char *file, const char *dir, int is_test)
{
	char why[ROLE_CHECK_WHY] = "";
	int r = conf_check(c, stderr);

	switch (role_check(c, dir, why, stderr)) {
	case ROLE_CHECK_GOOD: break;
	case ROLE_CHECK_BAD: r = -1; break;
	case ROLE_CHECK_UNKNOWN:
		if (is_test && r == 0)
			fatal("keys and certificates are not checked: %s", why);
	}
	if (r == 0)
		r = conf_hash_files(c, file, stderr);
	return r;
}

int
main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	static struct users users;
	const char *file = CONF_FILE, *dir = ROLEDIR;
	uint32_t namespaces;
	int c, foreground = 0, test = 0, print = 0;
	char *full;

	while ((c = getopt_long(argc, argv, "df:L:tT", longs, NULL)) != -1)
		switch (c) {
		case 'd': foreground = 1; break;
		case 'f': file = optarg; break;
		case 'L': dir = optarg; break;
		case 't': test = 1; break;
		case 'T': print = 1; break;
		case 'h': return usage(stdout, 0);
		case 'V': puts(PACKAGE_STRING); return 0;
		default: return usage(stderr, EXIT_CONFIGURATION);
		}
	if (optind != argc)
		return usage(stderr, EXIT_CONFIGURATION);

	log_init("tee-runnerd", LOG_INFO);
	if (conf_read(file, &conf, stderr) != 0)
		return EXIT_CONFIGURATION;
	if (print) {
		conf_print(&conf, stdout);
		return 0;
	}
	be_successor();
	if (check(&conf, file, dir, test) != 0)
		return EXIT_CONFIGURATION;
	if (test)
		return 0;
	log_level((int)conf.log_level);
	if ((full = realpath(dir, NULL)) == NULL) {
		log_err("%s: %s", dir, strerror(errno));
		return EXIT_CONFIGURATION;
	}

	/* It is read again when the working directory is another. */
	if ((file = realpath(file, NULL)) == NULL)
		fatal("configuration: %s", strerror(errno));
	find_users(&conf, &users);
	find_control_group(&conf);
	if (geteuid() == 0)
		make_directory(conf.chroot);
	if (!foreground)
		background_start();
	tell_pid();
	notify_init();
	logger_format((int)conf.log_json);
	logger_init(!foreground);
	close_input();
	log_info("version %s starting", PACKAGE_VERSION);
	namespaces = namespaces_enter();
	users.empty_fd = open_empty(conf.chroot);
	check_limits();
	raise_memlock();
	drop_capabilities(namespaces);
	enter_filter(&conf);
	if ((base = event_base_new()) == NULL)
		fatal("libevent: cannot create an event loop");
	logger_start(base);
	catch_signals();
	tls_files_start(base, &conf);
	reload_init(file, &conf);
	children_start(base, &conf, &users, namespaces, full);
	event_base_dispatch(base);
	log_info("stopped");
	logger_finish();
	return children_failed;
}
