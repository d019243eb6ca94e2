/* SPDX-License-Identifier: Apache-2.0
 *
 * See facts.h.  Used by Gateway, KMS nodes and `rekey', one thread at a time.
 */
#include <string.h>

#include "abi_encode.h"
#include "bytes.h"
#include "clock.h"
#include "facts.h"
#include "hex.h"
#include "jsonrpc.h"

#define REMEMBERED	DEVNET_RUNNERS
#define RUNNER_FRESH	2000		/* ms an answer counts as new */
#define EPOCH_FRESH	1000
#define GOOD		10000		/* ms an answer may be used */

json_t *
facts_view(
    const struct devnet *d, const char *signature, const uint8_t *address)
{
	uint8_t data[4 + 32];
	struct abi abi = { data, 0, sizeof(data) };
	struct abi_tuple call;

	abi_call(&call, &abi, signature, address != NULL);
	if (address != NULL)
		abi_address(&call, address);
	return jsonrpc_call(d, "eth_call",
	    json_pack("[{s:o,s:o},s]", "to", json_hex(d->registry, 20), "data",
		json_hex(data, abi.n), "latest"));
}

/* Returns 1 or 0, or -1 if the Registry does not answer. */
static int
ask_is_runner(const struct devnet *d, const uint8_t runner[20])
{
	static const uint8_t no[31];
	json_t *result = facts_view(d, "isRunner(address)", runner);
	uint8_t word[32];
	int is_runner = -1;

	if (json_to_bytes(result, word, 32) == 0)
		is_runner = memcmp(word, no, 31) == 0 && word[31] == 1;
	json_decref(result);
	return is_runner;
}

int
facts_is_runner(const struct devnet *d, const uint8_t runner[20])
{
	static struct {
		uint8_t		runner[20];
		uint64_t	fresh_until, good_until;
	} known[REMEMBERED], *k = NULL;
	static size_t next;
	uint64_t now = now_ms();
	size_t i;
	int r;

	for (i = 0; i < REMEMBERED && k == NULL; i++)
		if (known[i].good_until > now &&
		    memcmp(known[i].runner, runner, 20) == 0)
			k = &known[i];
	if (k != NULL && k->fresh_until > now)
		return 1;
	if ((r = ask_is_runner(d, runner)) == 1) {
		if (k == NULL)
			k = &known[next++ % REMEMBERED];
		memcpy(k->runner, runner, 20);
		k->good_until = now + GOOD;
	} else if (k == NULL)
		return r;
	else if (r == 0) {
		k->good_until = 0;
		return 0;
	}
	k->fresh_until = now + RUNNER_FRESH;
	return 1;
}

/* Read the i-th word of a view's result as a number.  Returns 0, or -1 if there
 * is none. */
static int
word_at(const json_t *result, uint64_t i, uint64_t *v)
{
	const char *text = json_string_value(result);
	uint8_t word[32];

	if (text == NULL || i >= json_string_length(result) / 64 ||
	    hex_decode(text + 2 + 64 * i, 64, word, 32) != 0)
		return -1;
	*v = get_be(word + 24, 8);
	return 0;
}

static struct {
	uint64_t	current, n_former;
	uint64_t	fresh_until, good_until;
	int		is_answered;		/* the last request succeeded */
} epochs;

static void
ask_epochs(const struct devnet *d)
{
	static const uint8_t nobody[20];
	json_t *result = facts_view(d, "facts(address)", nobody);
	uint64_t current, offset, n_former;

	/* Read the length of formerShares, whose offset is in word 6. */
	epochs.is_answered = word_at(result, 2, &current) == 0 &&
	    word_at(result, 6, &offset) == 0 &&
	    word_at(result, offset / 32, &n_former) == 0;
	epochs.fresh_until = now_ms() + EPOCH_FRESH;
	if (epochs.is_answered) {
		epochs.current = current;
		epochs.n_former = n_former;
		epochs.good_until = now_ms() + GOOD;
	}
	json_decref(result);
}

int
facts_is_epoch(const struct devnet *d, uint64_t epoch)
{
	/* An epoch later than the known one: ask at once. */
	if (epochs.fresh_until <= now_ms() ||
	    (epoch > epochs.current && epochs.is_answered))
		ask_epochs(d);
	if (!epochs.is_answered &&
	    (epoch > epochs.current || epochs.good_until <= now_ms()))
		return -1;
	return epoch != 0 &&
	    (epoch == epochs.current ||
		(epochs.n_former != 0 && epoch + 1 == epochs.current));
}

uint64_t
facts_epoch(const struct devnet *d)
{
	ask_epochs(d);
	return epochs.is_answered ? epochs.current : 0;
}
