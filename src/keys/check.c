/* SPDX-License-Identifier: Apache-2.0
 *
 * The files of tls-key, gas-key and nox-key, and the point of pin-kms-key, for
 * tee-runnerd -t and for its start.  Runs in a process of keys' executable that
 * ends after that: the monitor must not read keys.  It prints verdicts and a
 * public key, and no part of a file.
 */
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

#include "verdict.h"
#include "hex.h"
#include "keys.h"
#include "log.h"
#include "secp.h"

static void
check_tls_key(const char *path)
{
	const char *fault;
	uint8_t xy[64];
	char hex[129];

	if ((fault = tls_check(path, xy)) != NULL)
		verdict_print("tls-key", 0, VERDICT_ERROR, fault);
	else
		verdict_print("tls-key", 0, VERDICT_POINT,
		    hex_encode(hex, xy, sizeof(xy)));
}

static void
check_gas_key(const char *path)
{
	const char *fault;

	if ((fault = gas_key_check(path)) != NULL)
		verdict_print("gas-key", 0, VERDICT_ERROR, fault);
}

static void
check_nox_key(const char *path)
{
	const char *fault;

	if ((fault = sign_check_wallet(path)) != NULL)
		verdict_print("nox-key", 0, VERDICT_ERROR, fault);
}

static void
check_pin(const char *hex, unsigned chain)
{
	uint8_t point[33];

	if (hex_decode(hex, strlen(hex), point, sizeof(point)) != 0 ||
	    secp_point_check(point) != 0)
		verdict_print("pin-kms-key", chain, VERDICT_ERROR,
		    "not a point on secp256k1: copy the key again");
}

_Noreturn void
keys_check(char **args)
{
	const char *tls_key = args[0];
	const char *gas_key_path = tls_key == NULL ? NULL : args[1];
	const char *nox_key = gas_key_path == NULL ? NULL : args[2];
	unsigned chain;

	log_init("keys", LOG_INFO);
	if (nox_key == NULL)
		fatal("check: too few arguments");
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	secp_init(NULL);
	if (*tls_key != '\0')
		check_tls_key(tls_key);
	if (*gas_key_path != '\0')
		check_gas_key(gas_key_path);
	if (*nox_key != '\0')
		check_nox_key(nox_key);
	for (chain = 0; args[3 + chain] != NULL; chain++)
		if (*args[3 + chain] != '\0')
			check_pin(args[3 + chain], chain);
	verdict_finish();
}
