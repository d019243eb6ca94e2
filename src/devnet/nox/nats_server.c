/* SPDX-License-Identifier: Apache-2.0
 *
 * See nats_server.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "nats_server.h"

int
nats_server_find(char path[DEVNET_PATH])
{
	const char *dirs = getenv("PATH"), *at;
	char list[4096];
	size_t n;

	snprintf(list, sizeof(list), "%s:/usr/sbin", dirs == NULL ? "" : dirs);
	for (at = list; *at != '\0'; at += n + (at[n] == ':')) {
		n = strcspn(at, ":");
		if (n > 0 && n < DEVNET_PATH - 16) {
			snprintf(
			    path, DEVNET_PATH, "%.*s/nats-server", (int)n, at);
			if (access(path, X_OK) == 0)
				return 0;
		}
	}
	return -1;
}

void
nats_server_run(const struct devnet *d)
{
	char path[DEVNET_PATH], conf[DEVNET_PATH];

	dir_path(d, conf, "nats.conf");
	if (nats_server_find(path) != 0)
		fatal("nats-server is not in PATH or /usr/sbin: install the "
		      "package nats-server");
	execl(path, "nats-server", "-c", conf, (char *)NULL);
	fatal("%s: %m", path);
}
