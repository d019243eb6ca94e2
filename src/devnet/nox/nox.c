/* SPDX-License-Identifier: Apache-2.0
 *
 * See nox.h: start, routes, and the control of this server, which is HTTP, too:
 * POST /devnet/fault and GET /devnet/status.
 */
#include <event2/event.h>
#include <signal.h>
#include <string.h>

#include "json.h"
#include "log.h"
#include "nox.h"
#include "nox_kms.h"
#include "nox_store.h"
#include "server.h"

#define BODY_MAX	(8 * 1024 * 1024)
#define HEADERS_MAX	(1024 * 1024)

static void
control_fault(struct rest *r, const char *argument)
{
	json_t *body = rest_body(r);
	const char *what = json_string_value(json_object_get(body, "what"));

	(void)argument;
	if (body == NULL)
		return;
	if (what == NULL || server_set_fault("nox", what) != 0)
		rest_error(r, 400, "bad_request", "no such fault");
	else
		rest_send(r, 200, json_object());
	json_decref(body);
}

static void
control_status(struct rest *r, const char *argument)
{
	(void)argument;
	rest_send(r, 200,
	    json_pack("{s:I}", "values", (json_int_t)nox_store_count()));
}

/* ---- routes -------------------------------------------------------------- */

static const struct route {
	enum evhttp_cmd_type method;
	const char	*path;		/* if it ends with '/': the start */
	void		(*handle)(struct rest *, const char *argument);
	int		 is_control;	/* not subject to faults */
} routes[] = {
	{ EVHTTP_REQ_POST, "/v0/secrets", secrets_post, 0 },
	{ EVHTTP_REQ_GET, "/v0/secrets/", secrets_get, 0 },
	{ EVHTTP_REQ_POST, "/v0/public/handles/status", secrets_status, 0 },
	{ EVHTTP_REQ_GET, "/v0/compute/operands", runner_operands, 0 },
	{ EVHTTP_REQ_POST, "/v0/compute/results", runner_results, 0 },
	{ EVHTTP_REQ_POST, "/devnet/fault", control_fault, 1 },
	{ EVHTTP_REQ_GET, "/devnet/status", control_status, 1 },
};

static const struct route *
find_route(enum evhttp_cmd_type method, const char *path, const char **argument)
{
	size_t i, n;

	for (i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		n = strlen(routes[i].path);
		if (routes[i].method != method ||
		    strncmp(path, routes[i].path, n) != 0)
			continue;
		*argument = path + n;
		if ((routes[i].path[n - 1] == '/') == (path[n] != '\0') &&
		    strchr(*argument, '/') == NULL)
			return &routes[i];
	}
	return NULL;
}

static void
on_request(struct evhttp_request *http, void *arg)
{
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(http);
	const char *path = evhttp_uri_get_path(uri), *argument = "";
	const char *query = evhttp_uri_get_query(uri);
	struct rest r = { .http = http };
	const struct route *route;

	(void)arg;
	if (path == NULL)
		path = "";
	route = find_route(evhttp_request_get_command(http), path, &argument);
	if (fault == FAULT_NOX_silent && (route == NULL || !route->is_control))
		return;		/* freed when the client disconnects */
	if (route == NULL) {
		rest_send(&r, 404,
		    json_pack("{s:o}", "error",
			json_sprintf("Route not found %s", path)));
		return;
	}
	if (evhttp_parse_query_str(query == NULL ? "" : query, &r.query) != 0) {
		rest_error(&r, 400, "bad_request", "malformed query");
		return;
	}
	if (fault == FAULT_NOX_down && !route->is_control)
		rest_error(&r, 500, "storage", "fault: down");
	else if (rest_salt(&r) == 0)
		route->handle(&r, argument);
	evhttp_clear_headers(&r.query);
}

/* ---- start --------------------------------------------------------------- */

int
nox_main(void)
{
	struct event_base *base = event_base_new();
	struct evhttp *http = base == NULL ? NULL : evhttp_new(base);
	char path[DEVNET_PATH];

	if (http == NULL)
		fatal("nox: out of memory");
	signal(SIGPIPE, SIG_IGN);
	rest_init();
	nox_kms_init();
	dir_path(&devnet, path, "nox.db");
	nox_store_open(path);
	evhttp_set_max_body_size(http, BODY_MAX);
	evhttp_set_max_headers_size(http, HEADERS_MAX);
	evhttp_set_gencb(http, on_request, NULL);
	if (evhttp_bind_socket(http, "127.0.0.1", devnet.nox.port) != 0)
		fatal("nox: cannot listen on port %u: %m", devnet.nox.port);
	event_base_dispatch(base);
	return 1;
}
