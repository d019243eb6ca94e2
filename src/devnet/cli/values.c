/* SPDX-License-Identifier: Apache-2.0
 *
 * put and get: commands for a single value.
 */
#include <stdio.h>
#include <string.h>

#include "client.h"
#include "command.h"
#include "hex.h"
#include "log.h"

int
command_put(const struct options *o, int argc, char **argv)
{
	uint8_t handle[1][32];
	struct client c;
	struct plain p;
	const char *why;
	char hex[65];

	(void)argc;
	if (value_parse(argv[0], argv[1], &p, &why) != 0)
		return usage("put: %s %s: %s", argv[0], argv[1], why);
	client_open(&c, o->dir, o->user);
	if (client_put(&c, &p, 1, handle) != 0)
		return 1;
	printf("0x%s\n", hex_encode(hex, handle[0], 32));
	return 0;
}

int
command_get(const struct options *o, int argc, char **argv)
{
	char text[VALUE_TEXT], hex[65], cipher[2 * CIPHER_MAX + 1];
	uint8_t handle[1][32];
	struct client c;
	struct plain p;

	(void)argc;
	if (hex_read(argv[0], handle[0], 32) != 0 || !handle_ok(handle[0]))
		return usage(
		    "get: %s: expected a handle, 32 bytes of hex", argv[0]);
	client_open(&c, o->dir, o->user);
	if (client_get(&c, (const uint8_t(*)[32])handle, 1, &p) != 0)
		return 1;
	if (o->json)
		printf("{\"handle\": \"0x%s\", \"ciphertext\": \"0x%s\", "
		       "\"value\": \"%s:%s\"}\n",
		    hex_encode(hex, handle[0], 32),
		    hex_encode(cipher, p.ciphertext, p.n_ciphertext),
		    type_name(p.type), value_print(&p, text));
	else
		printf("%s:%s\n", type_name(p.type), value_print(&p, text));
	return 0;
}
