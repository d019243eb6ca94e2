/* SPDX-License-Identifier: Apache-2.0
 *
 * `tee-devnet serve': one counterpart, as `up' starts it.
 */
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "gateway.h"
#include "kms.h"
#include "log.h"
#include "nats_server.h"
#include "nox.h"
#include "orchestrator.h"
#include "registry.h"
#include "server.h"

static int
run_registry(void)
{
	struct devnet_registry r = { 0 };
	char path[DEVNET_PATH];

	dir_path(&devnet, path, "registry.json");
	r.port = devnet.registry_port;
	r.ready_fd = -1;
	r.chain_id = devnet.chain_id;
	memcpy(r.address, devnet.registry, 20);
	memcpy(r.registrar, devnet.registrar, 20);
	if (devnet.is_nox) {
		memcpy(r.nox_compute, devnet.nox.compute, 20);
		memcpy(r.nox_gateway, devnet.nox.gateway, 20);
		memcpy(r.nox_kms_key, devnet.nox.kms_key, 33);
	}
	r.state_file = path;
	return devnet_registry_main(&r);
}

int
command_serve(const char *dir, const char *who)
{
	uint32_t node;

	log_init(who, LOG_INFO);
	dir_load(&devnet, dir);
	if (strcmp(who, "registry") == 0)
		return run_registry();
	if (devnet.is_nox && strcmp(who, "nox") == 0)
		return nox_main();
	if (devnet.is_nox && strcmp(who, "nats") == 0)
		nats_server_run(&devnet);
	if (strcmp(who, "orchestrator") == 0)
		server_run(&orchestrator_server, who, 0);
	if (strcmp(who, "gateway") == 0)
		server_run(&gateway_server, who, 0);
	if (sscanf(who, "kms-%u", &node) == 1 && node >= 1 &&
	    node <= devnet.nodes)
		server_run(&kms_server, who, node);
	fatal("%s: no such server", who);
}
