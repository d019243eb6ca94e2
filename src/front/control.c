/* SPDX-License-Identifier: Apache-2.0
 *
 * The control socket: one line asks, JSON answers.  The members of
 * control-group may ask everything that changes nothing; the rest is for root,
 * or for the user who started a tee-runnerd that is not root.  No question
 * reaches beyond this chain, and log-level is not among them: a role that is
 * taken over must not silence the log.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "front.h"
#include "jsonw.h"
#include "log.h"
#include "service.h"
#include "timeline.h"

#define QUESTION_MAX	128

static uid_t owner;		/* may change something, as root may */

/* {"NAME":"text"} */
static void
answer_text(struct evbuffer *out, const char *name, const char *text)
{
	struct jsonw j;

	front_json(&j, out);
	jsonw_object(&j, NULL);
	jsonw_string(&j, name, "%s", text);
	jsonw_end(&j);
}

/* ---- questions: NULL, or what is wrong with them ------------------------ */

static const char *
ask_status(const char *arg, struct evbuffer *out)
{
	(void)arg;
	status_json(out);
	return NULL;
}

static const char *
ask_tasks(const char *arg, struct evbuffer *out)
{
	return timeline_list(out, arg) == 0 ? NULL : "no such state of a task";
}

static const char *
ask_task(const char *arg, struct evbuffer *out)
{
	return timeline_show(out, arg) == 0 ?
	    NULL :
	    "a task is named by the first hexadecimal digits of its id";
}

static const char *
ask_stages(const char *arg, struct evbuffer *out)
{
	(void)arg;
	timeline_stages(out);
	return NULL;
}

/* As it is, without JSON: nothing if there is none yet. */
static const char *
ask_evidence(const char *arg, struct evbuffer *out)
{
	(void)arg;
	front_evidence(out);
	return NULL;
}

static const char *
do_drain(const char *arg, struct evbuffer *out)
{
	(void)arg;
	front_pause();
	answer_text(out, "done",
	    "the Runner finishes its tasks of this chain "
	    "and takes no new ones");
	return NULL;
}

static const char *
do_resume(const char *arg, struct evbuffer *out)
{
	(void)arg;
	front_resume();
	answer_text(out, "done", "the Runner takes tasks of this chain again");
	return NULL;
}

static const char *
do_renew(const char *arg, struct evbuffer *out)
{
	(void)arg;
	if (front.keys.fd == -1)
		return "keys is not ready";
	front_to_keys(M_RENEW, NULL, NULL, 0);
	answer_text(out, "done",
	    "keys was asked for new evidence and a new "
	    "registration");
	return NULL;
}

/* "UNTIL ISSUED ACCEPTED NEXT STATUS": numbers, and a word of letters. */
static const char *
do_forecast(const char *arg, struct evbuffer *out)
{
	struct forecast f = { .at = now_unix() };
	int end = 0;

	if (strchr(arg, '-') != NULL ||
	    sscanf(arg, "%12" SCNu64 " %12" SCNu64 " %1u %1u %47[A-Za-z]%n",
		&f.until, &f.issued, &f.accepted, &f.accepted_next, f.status,
		&end) != 5 ||
	    arg[end] != '\0' || f.accepted > 1 || f.accepted_next > 1)
		return "malformed forecast";
	front.forecast = f;
	answer_text(out, "done", "the forecast is in status and metrics");
	return NULL;
}

static const struct question {
	const char	*name;
	const char	*(*answer)(const char *arg, struct evbuffer *out);
	int		 has_arg;
	int		 is_change;	/* for the owner alone */
} questions[] = {
	{ "status", ask_status, 0, 0 },
	{ "tasks", ask_tasks, 1, 0 },
	{ "task", ask_task, 1, 0 },
	{ "evidence", ask_evidence, 0, 0 },
	{ "stages", ask_stages, 0, 0 },
	{ "drain", do_drain, 0, 1 },
	{ "resume", do_resume, 0, 1 },
	{ "renew", do_renew, 0, 1 },
	{ "forecast", do_forecast, 1, 1 },
};
#define QUESTIONS	(sizeof(questions) / sizeof(questions[0]))

static const char *
answer(const char *name, const char *arg, uid_t peer, struct evbuffer *out)
{
	const struct question *q = questions;

	while (q < questions + QUESTIONS && strcmp(q->name, name) != 0)
		q++;
	if (q == questions + QUESTIONS || (*arg != '\0' && !q->has_arg))
		return "no such question: is this tee-runnerctl of the same "
		       "version?";
	if (q->is_change && peer != 0 && peer != owner)
		return "not permitted: only root may change something";
	if (q->is_change)
		log_info("control: %s: asked by uid %u", name, (unsigned)peer);
	return q->answer(arg, out);
}

/* "NAME\n" or "NAME ARGUMENT\n" */
static int
control_answer(const char *question, uid_t peer, struct evbuffer *out)
{
	char line[QUESTION_MAX + 1], *arg;
	const char *wrong;

	strcpy(line, question);
	line[strcspn(line, "\n")] = '\0';
	if ((arg = strchr(line, ' ')) != NULL)
		*arg++ = '\0';
	else
		arg = line + strlen(line);
	front_lock();
	wrong = answer(line, arg, peer, out);
	front_unlock();
	if (wrong != NULL)
		answer_text(out, "error", wrong);
	return 0;
}

static struct service control = {
	.max = QUESTION_MAX, .end = "\n", .answer = control_answer
};

/* ---- the socket -------------------------------------------------------- */

/* Remove a socket that a dead process has left, and nothing else. connect(2)
 * fails with ECONNREFUSED for a regular file, too: check the type first. */
static void
control_clear(int fd, const struct sockaddr_un *sun)
{
	const char *path = sun->sun_path;
	struct stat st;

	if (lstat(path, &st) == -1) {
		if (errno != ENOENT)
			fatal("control-socket %s: %s", path, strerror(errno));
		return;
	}
	if (!S_ISSOCK(st.st_mode))
		fatal("control-socket %s: exists and is not a socket: "
		      "remove it, or configure another path",
		    path);
	/* EAGAIN: somebody listens, and the queue is full. */
	if (connect(fd, (const struct sockaddr *)sun, sizeof(*sun)) == 0 ||
	    errno == EAGAIN)
		fatal("control-socket %s: another process listens there: "
		      "stop it, or configure another path",
		    path);
	if (errno != ECONNREFUSED)
		fatal("control-socket %s: connect: %s: remove it, or "
		      "configure another path",
		    path, strerror(errno));
	if (unlink(path) == -1)
		fatal("control-socket %s: unlink: %s", path, strerror(errno));
}

void
control_listen(const char *path, gid_t group)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	mode_t mask;

	if (strlen(path) >= sizeof(sun.sun_path))
		fatal("control-socket %s: too long", path);
	strcpy(sun.sun_path, path);
	if (fd == -1)
		fatal("control-socket: socket: %s", strerror(errno));
	control_clear(fd, &sun);
	/* chown(2) would take a capability that the monitor does not keep. */
	if (group != 0 && setegid(group) == -1)
		fatal("control-group: group %u: %s: this user is not in it",
		    (unsigned)group, strerror(errno));
	mask = umask(0117);
	if (bind(fd, (struct sockaddr *)&sun, sizeof(sun)) == -1 ||
	    listen(fd, SERVICE_QUEUE) == -1)
		fatal("control-socket %s: %s", path, strerror(errno));
	umask(mask);
	if (group != 0 && setegid(getgid()) == -1)
		fatal("control-group: setegid: %s", strerror(errno));
	owner = getuid();
	service_start(&control, fd);
}
