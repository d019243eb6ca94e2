/* SPDX-License-Identifier: Apache-2.0
 *
 * Questions to a control socket.  The answer is net's, which may be taken over:
 * none of its bytes reaches a terminal as it is.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "ctl.h"
#include "log.h"

#define PATIENCE	5		/* seconds */
#define ANSWER_MAX	(8 * 1024 * 1024)

int
control_connect(const char *path, const char **why)
{
	const struct timeval tv = { PATIENCE, 0 };
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd;

	*why = "path is too long for a socket";
	if (strlen(path) >= sizeof(sun.sun_path))
		return -1;
	strcpy(sun.sun_path, path);
	if ((fd = socket(AF_UNIX, SOCK_STREAM, 0)) != -1 &&
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)) == 0 &&
	    connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == 0)
		return fd;
	*why = errno == ENOENT || errno == ECONNREFUSED ?
	    "no tee-runnerd is there" :
	    errno == EACCES ?
	    "permission denied: see control-group in tee-runnerd.conf(5)" :
	    strerror(errno);
	if (fd != -1)
		close(fd);
	return -1;
}

char *
ask(const char *path, const char *question, size_t *n, const char **why)
{
	const int fd = control_connect(path, why);
	char *answer = NULL;
	ssize_t r = -1;

	*n = 0;
	if (fd == -1)
		return NULL;
	if ((answer = malloc(ANSWER_MAX + 1)) != NULL &&
	    write(fd, question, strlen(question)) != -1)
		while (*n < ANSWER_MAX &&
		    (r = read(fd, answer + *n, ANSWER_MAX - *n)) > 0)
			*n += (size_t)r;
	close(fd);
	if (answer != NULL && r == 0) {
		answer[*n] = '\0';
		return answer;
	}
	*why = "no answer";
	free(answer);
	return NULL;
}

json_t *
ask_json(const char *path, const char *question, const char **why)
{
	static char error[256];
	size_t n;
	char *answer = ask(path, question, &n, why);
	json_t *o = NULL;
	const json_t *e;

	if (answer == NULL)
		return NULL;
	if (n == 0)
		*why = "no answer";
	else if ((o = json_loadb(answer, n, JSON_REJECT_DUPLICATES, NULL)) ==
	    NULL)
		*why = "its answer is not JSON";
	free(answer);
	if ((e = json_object_get(o, "error")) != NULL) {
		snprintf(error, sizeof(error), "%s", value_text(e));
		*why = error;
		json_decref(o);
		o = NULL;
	}
	return o;
}

void
print_json(const json_t *o)
{
	json_dumpf(o, stdout,
	    JSON_INDENT(2) | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(16));
	printf("\n");
}

/* ---- values ------------------------------------------------------------ */

const char *
safe(const char *s)
{
	static char b[8][512];
	static unsigned next;

	next = (next + 1) % 8;
	return log_escape(b[next], sizeof(b[next]), s, strlen(s));
}

const char *
value_text(const json_t *v)
{
	char b[32];

	if (json_is_string(v))
		return safe(json_string_value(v));
	snprintf(b, sizeof(b), "%" JSON_INTEGER_FORMAT, json_integer_value(v));
	return json_is_integer(v) ? safe(b) : "-";
}

const char *
member_text(const json_t *o, const char *name)
{
	return value_text(json_object_get(o, name));
}

uint64_t
member_number(const json_t *o, const char *name)
{
	const json_int_t v = json_integer_value(json_object_get(o, name));

	return v < 0 ? 0 : (uint64_t)v;
}

const char *
date_text(uint64_t at)
{
	const time_t t = (time_t)at;
	struct tm tm;
	char b[32];

	if (at == 0)
		return "never";
	if (gmtime_r(&t, &tm) == NULL ||
	    strftime(b, sizeof(b), "%FT%TZ", &tm) == 0)
		return "-";
	return safe(b);
}

const char *
duration_text(uint64_t seconds)
{
	static const struct {
		uint64_t	 seconds;
		const char	*unit;
	} units[] = { { 2 * 86400, "d" }, { 2 * 3600, "h" }, { 120, "min" } };
	static const uint64_t sizes[] = { 86400, 3600, 60 };
	char b[32];
	size_t i;

	for (i = 0; i < 3; i++)
		if (seconds >= units[i].seconds) {
			snprintf(b, sizeof(b), "%llu %s",
			    (unsigned long long)(seconds / sizes[i]),
			    units[i].unit);
			return safe(b);
		}
	snprintf(b, sizeof(b), "%llu s", (unsigned long long)seconds);
	return safe(b);
}

const char *
when_text(uint64_t at)
{
	const uint64_t now = (uint64_t)time(NULL);
	char b[96];

	if (at == 0)
		return "never";
	snprintf(b, sizeof(b), at > now ? "%s (in %s)" : "%s (%s ago)",
	    date_text(at), duration_text(at > now ? at - now : now - at));
	return safe(b);
}
