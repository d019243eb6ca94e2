/* SPDX-License-Identifier: Apache-2.0
 *
 * tee-runnerctl config: the configuration that a Runner with this file attests,
 * and its hash, as its keys makes them.  Asks no running tee-runnerd.
 */
#include <stdio.h>
#include <stdlib.h>

#include "conf_file.h"
#include "attested.h"
#include "ctl.h"
#include "hex.h"
#include "log.h"

int
command_config(const struct options *o)
{
	static struct conf conf;
	uint8_t hash[32];
	char hex[65];

	/* The directory of systemd's credentials.  The key's name is not
	 * hashed, its file not read. */
	setenv(
	    "CREDENTIALS_DIRECTORY", "/run/credentials/tee-runnerd.service", 0);
	if (conf_read(o->file, &conf, stderr) != 0 ||
	    conf_hash_files(&conf, o->file, stderr) != 0)
		return 1;
	attested_hash(&conf, hash);
	hex_encode(hex, hash, sizeof(hash));
	if (o->hash)
		printf("0x%s\n", hex);
	else {
		attested_text(&conf, stdout);
		printf("# not in the hash:\n");
		attested_rest(&conf, stdout);
		printf("# hash 0x%s\n", hex);
	}
	return 0;
}
