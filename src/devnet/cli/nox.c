/* SPDX-License-Identifier: Apache-2.0
 *
 * nox put and nox get: commands for a single value, with Nox v0.
 */
#include <stdio.h>

#include "command.h"
#include "hex.h"
#include "noxclient.h"
#include "program.h"

int
command_nox_put(const struct options *o, int argc, char **argv)
{
	struct noxclient c;
	uint8_t handle[32];
	struct plain p;
	const char *why;
	char hex[65];

	(void)argc;
	if (value_parse(argv[0], argv[1], &p, &why) != 0)
		return usage("nox put: %s %s: %s", argv[0], argv[1], why);
	noxclient_open(&c, o->dir, o->user);
	if (noxclient_put(&c, &p, handle) != 0)
		return 1;
	printf("0x%s\n", hex_encode(hex, handle, 32));
	return 0;
}

int
command_nox_get(const struct options *o, int argc, char **argv)
{
	char text[VALUE_TEXT];
	struct noxclient c;
	uint8_t handle[32];
	struct plain p;

	(void)argc;
	if (hex_read(argv[0], handle, 32) != 0 || !handle_ok(handle))
		return usage(
		    "nox get: %s: expected a handle, 32 bytes of hex", argv[0]);
	noxclient_open(&c, o->dir, o->user);
	if (noxclient_get(&c, handle, &p) != 0)
		return 1;
	printf("%s:%s\n", type_name(p.type), value_print(&p, text));
	return 0;
}
