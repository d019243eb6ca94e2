/* SPDX-License-Identifier: Apache-2.0
 *
 * The contents of keys and certificates.  Runs in the monitor before anything
 * is started.  The monitor reads none of these files and links no library for
 * them: it runs the executables of the roles that do, and compares the public
 * keys that they print.
 */
#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "conf_check.h"
#include "conf_file.h"
#include "hex.h"
#include "keywords.h"
#include "log.h"
#include "role_check.h"
#include "verdict.h"

#define TIMEOUT		20		/* seconds, for each executable */
#define POINT		128		/* hex digits */

struct check {
	const struct conf	*c;
	FILE			*err;
	char			 key[POINT + 1], certificate[POINT + 1];
	int			 is_bad, is_done;
	char			*why;
};

/* ---- verdicts ---------------------------------------------------------- */

static int
is_keyword(const struct keyword *k, const char *name, unsigned chain)
{
	return strcmp(k->name, name) == 0 &&
	    (chain == 0 || (chain < CONF_CHAINS && keyword_is_of_chain(k)));
}

static void
write_verdict(struct check *k, const struct keyword *word, unsigned chain,
    const char *verdict, const char *text)
{
	const int is_warning = strcmp(verdict, VERDICT_WARNING) == 0;
	const char *value = "";
	char safe[256];

	if (word->kind == CA || word->kind == PATH || word->kind == SECRET)
		value = keyword_field(k->c, word, word->offset, chain);
	conf_fault(k->err, word->offset, chain, "%s%s%s%s", value,
	    *value == '\0' ? "" : ": ", is_warning ? "warning: " : "",
	    log_escape(safe, sizeof(safe), text, strlen(text)));
	k->is_bad |= !is_warning;
}

/* A line `keyword chain verdict text'. */
static void
take_line(struct check *k, char *line)
{
	const struct keyword *word;
	char name[32], verdict[16];
	unsigned chain;
	int at = 0;

	if (strcmp(line, VERDICT_DONE) == 0) {
		k->is_done = 1;
		return;
	}
	if (sscanf(line, "%31s %u %15s %n", name, &chain, verdict, &at) != 3 ||
	    at == 0)
		return;
	for (word = keywords; word < keywords + n_keywords; word++)
		if (is_keyword(word, name, chain))
			break;
	if (word == keywords + n_keywords)
		return;
	if (strcmp(verdict, VERDICT_POINT) != 0) {
		line += at;
		line[strcspn(line, "\n")] = '\0';
		write_verdict(k, word, chain, verdict, line);
	} else if (word->offset == AT(tls_key))
		snprintf(k->key, sizeof(k->key), "%s", line + at);
	else
		snprintf(
		    k->certificate, sizeof(k->certificate), "%s", line + at);
}

/* ---- executables ------------------------------------------------------- */

/* In the child.  A role opens its files as root, without capabilities. */
static _Noreturn void
execute(const char *path, int out, char *const argv[])
{
	char *const envp[] = { NULL };

	alarm(TIMEOUT);
	if (geteuid() == 0) {
		capng_clear(CAPNG_SELECT_BOTH);
		if (capng_apply(CAPNG_SELECT_BOTH) != 0)
			_exit(125);
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1 ||
	    prctl(PR_SET_PDEATHSIG, SIGKILL) == -1 ||
	    dup2(out, STDOUT_FILENO) == -1 ||
	    close_range(STDERR_FILENO + 1, ~0U, 0) == -1)
		_exit(126);
	execve(path, argv, envp);
	_exit(127);
}

static void
explain(struct check *k, const char *path, int status)
{
	if (WIFSIGNALED(status))
		snprintf(k->why, ROLE_CHECK_WHY, "%s: killed by signal %d",
		    path, WTERMSIG(status));
	else
		snprintf(k->why, ROLE_CHECK_WHY, "%s: exit status %d", path,
		    WEXITSTATUS(status));
}

/* Run it and take its verdicts: 0, or -1 and the reason in k->why. */
static int
run(struct check *k, const char *dir, char *const argv[])
{
	char path[4096], line[512];
	int fd[2], status = 0;
	FILE *f;
	pid_t pid;

	snprintf(path, sizeof(path), "%s/%s", dir, argv[0]);
	k->is_done = 0;
	if (access(path, X_OK) == -1) {
		snprintf(
		    k->why, ROLE_CHECK_WHY, "%s: %s", path, strerror(errno));
		return -1;
	}
	if (pipe2(fd, O_CLOEXEC) == -1 || (pid = fork()) == -1)
		fatal("check: %s", strerror(errno));
	if (pid == 0)
		execute(path, fd[1], argv);
	close(fd[1]);
	if ((f = fdopen(fd[0], "r")) == NULL)
		fatal("check: %s", strerror(errno));
	while (fgets(line, sizeof(line), f) != NULL)
		take_line(k, line);
	fclose(f);
	while (waitpid(pid, &status, 0) == -1)
		if (errno != EINTR)
			fatal("waitpid: %s", strerror(errno));
	if (k->is_done && status == 0)
		return 0;
	explain(k, path, status);
	return -1;
}

/* The path as an argument: empty if the file has a fault that conf_check() has
 * told. */
static char *
argument(const char *path, int is_secret)
{
	static char none[] = "";

	if (*path == '\0' || file_fault(path, is_secret) != NULL)
		return none;
	return (char *)(uintptr_t)path;
}

static int
run_keys(struct check *k, const char *dir)
{
	static char pins[CONF_CHAINS][67];
	char *argv[6 + CONF_CHAINS] = { (char *)(uintptr_t) "keys",
		(char *)(uintptr_t) "-t", argument(k->c->tls_key, 1),
		argument(k->c->gas_key, 1), argument(k->c->nox_key, 1) };
	int has_any = *argv[2] != '\0' || *argv[3] != '\0' || *argv[4] != '\0';
	uint32_t i;

	for (i = 0; i < k->c->n_chains; i++) {
		argv[5 + i] = pins[i];
		if (!k->c->chains[i].has_pin_kms_key)
			continue;
		hex_encode(pins[i], k->c->chains[i].pin_kms_key, 33);
		has_any = 1;
	}
	return has_any ? run(k, dir, argv) : 0;
}

static int
run_net(struct check *k, const char *dir)
{
	char *argv[6] = { (char *)(uintptr_t) "net", (char *)(uintptr_t) "-t",
		argument(k->c->tls_ca, 0), argument(k->c->tls_certificate, 0),
		argument(k->c->registry_ca, 0) };

	if (*argv[2] == '\0' && *argv[3] == '\0' && *argv[4] == '\0')
		return 0;
	return run(k, dir, argv);
}

enum role_check
role_check(
    const struct conf *c, const char *dir, char why[ROLE_CHECK_WHY], FILE *err)
{
	struct check k = { .c = c, .err = err, .why = why };
	const int is_unknown = run_keys(&k, dir) == -1 ||
	    run_net(&k, dir) == -1;

	if (k.key[0] != '\0' && k.certificate[0] != '\0' &&
	    strcmp(k.key, k.certificate) != 0) {
		conf_fault(err, AT(tls_certificate), 0,
		    "%s: the first certificate is for another key than tls-key "
		    "%s: install the two that belong together",
		    c->tls_certificate, c->tls_key);
		k.is_bad = 1;
	}
	return k.is_bad	   ? ROLE_CHECK_BAD :
	    is_unknown ? ROLE_CHECK_UNKNOWN :
			  ROLE_CHECK_GOOD;
}
