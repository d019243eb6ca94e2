/* SPDX-License-Identifier: Apache-2.0
 *
 * The gas account's part of a round; see gas.h.  Runs in registry, which cannot
 * sign: it sends the transactions that keys signed and does not look into them.
 * Nonce, balance and base fee are read at the agreed block, so that a quorum
 * can agree on them and a transaction counts as mined only after registry-depth
 * blocks.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "gas.h"
#include "log.h"

#define VERSIONS	32	/* of one nonce, each with higher fees */
#define QUICK_ROUNDS	100	/* after each TX message */
#define GWEI		1000000000

static uint8_t account[20];
static struct {
	uint32_t	 number;	/* counts TX messages; 0: none yet */
	uint64_t	 nonce;
	uint8_t		 bytes[TX_WORDS * 32];
	size_t		 size;
	uint8_t		 hash[VERSIONS][32];
	size_t		 n_hashes;
	uint32_t	 rounds;	/* short rounds that are left */
	int		 has_passed;	/* its nonce is used at that block */
} tx;

static int
has_account(void)
{
	static const uint8_t none[20];

	return memcmp(account, none, sizeof(none)) != 0;
}

void
gas_account(const uint8_t a[20])
{
	if (memcmp(account, a, sizeof(account)) != 0)
		tx.size = tx.n_hashes = tx.rounds = 0;
	memcpy(account, a, sizeof(account));
}

void
gas_tx(const struct m_tx *m, const struct m_word *words)
{
	size_t i;

	if (m->nonce != tx.nonce || tx.n_hashes == VERSIONS)
		tx.n_hashes = 0;
	for (i = 0; i < tx.n_hashes && memcmp(tx.hash[i], m->hash, 32) != 0;
	     i++)
		;
	memcpy(tx.hash[i], m->hash, 32);
	if (i == tx.n_hashes)
		tx.n_hashes++;
	tx.number++;
	tx.nonce = m->nonce;
	tx.size = m->size;
	memcpy(tx.bytes, words, m->size);
	tx.rounds = QUICK_ROUNDS;
	tx.has_passed = 0;
}

int
gas_is_waiting(void)
{
	if (tx.size == 0 || tx.has_passed || tx.rounds == 0)
		return 0;
	tx.rounds--;
	return 1;
}

/* ---- sending ----------------------------------------------------------- */

/* True if an error means that the endpoint has this transaction, or a later
 * version of it, already. */
static int
is_known(const char *why)
{
	static const char *const texts[] = { "already known", "nonce too low",
		"already imported", "known transaction",
		"replacement transaction underpriced" };
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (strcasestr(why, texts[i]) != NULL)
			return 1;
	return 0;
}

static void
on_sent(void *arg, const json_t *result, const char *why)
{
	struct gas_asked *g = arg;

	if (result == NULL && strncmp(why, "error:", 6) != 0)
		g->sent = 0;	/* it may not have arrived: send again */
	else if (result != NULL || is_known(why))
		g->refused[0] = '\0';
	else if (strncmp(g->refused, why, sizeof(g->refused) - 1) != 0) {
		snprintf(g->refused, sizeof(g->refused), "%s", why);
		log_warn("transaction: refused by endpoint %s: %s",
		    rpc_name(g->rpc), why);
	}
	g->next(g->arg, NULL);
}

void
gas_send(struct gas_asked *g, struct rpc *rpc, gas_next next, void *arg)
{
	g->rpc = rpc;
	g->next = next;
	g->arg = arg;
	if (tx.size == 0 || g->sent == tx.number) {
		next(arg, NULL);
		return;
	}
	g->sent = tx.number;
	rpc_call(rpc, "eth_sendRawTransaction",
	    json_pack("[o]", rpc_hex(tx.bytes, tx.size)), on_sent, g);
}

/* ---- at the agreed block ----------------------------------------------- */

static void	ask_receipt(struct gas_asked *);

/* A receipt counts only if its block is not newer than the agreed block. */
static void
on_receipt(void *arg, const json_t *result, const char *why)
{
	struct gas_asked *g = arg;
	uint64_t status, number;

	if (result == NULL) {
		g->next(g->arg, why);
		return;
	}
	if (!json_is_object(result)) {
		g->version++;
		ask_receipt(g);
		return;
	}
	if (rpc_quantity(json_object_get(result, "status"), &status) != 0 ||
	    rpc_quantity(json_object_get(result, "blockNumber"), &number) !=
		0) {
		g->next(g->arg, "eth_getTransactionReceipt: not a receipt");
		return;
	}
	if (number <= g->block)
		g->answer.tx_status = status == 1 ? TX_SUCCEEDED : TX_REVERTED;
	g->next(g->arg, NULL);
}

static void
ask_receipt(struct gas_asked *g)
{
	if (g->version >= tx.n_hashes || g->answer.nonce <= tx.nonce)
		g->next(g->arg, NULL);
	else	/* latest version first */
		rpc_call(g->rpc, "eth_getTransactionReceipt",
		    json_pack("[o]",
			rpc_hex(tx.hash[tx.n_hashes - 1 - g->version], 32)),
		    on_receipt, g);
}

/* Convert wei to gwei by long division, because a balance can exceed 64 bits.
 * Returns 0, or -1 if the value is not a quantity. */
static int
read_balance(const json_t *value, uint64_t *gwei)
{
	const char *s = json_string_value(value);
	uint64_t rest = 0, q = 0;
	char digit[] = "0x0";
	uint64_t v;
	json_t *one;
	int r;

	if (s == NULL || strncmp(s, "0x", 2) != 0 || s[2] == '\0' ||
	    strlen(s) > 2 + 64)
		return -1;
	for (s += 2; *s != '\0'; s++) {
		digit[2] = *s;
		one = json_string(digit);
		r = rpc_quantity(one, &v);
		json_decref(one);
		if (r != 0)
			return -1;
		rest = rest * 16 + v;
		q = q > UINT64_MAX / 16 ? UINT64_MAX : q * 16 + rest / GWEI;
		rest %= GWEI;
	}
	*gwei = q;
	return 0;
}

static void
on_balance(void *arg, const json_t *result, const char *why)
{
	struct gas_asked *g = arg;

	if (result != NULL && read_balance(result, &g->answer.balance) != 0)
		why = "eth_getBalance: not a number";
	g->version = 0;
	if (why != NULL)
		g->next(g->arg, why);
	else
		ask_receipt(g);
}

static void
on_count(void *arg, const json_t *result, const char *why)
{
	struct gas_asked *g = arg;

	if (result != NULL && rpc_quantity(result, &g->answer.nonce) != 0)
		why = "eth_getTransactionCount: not a number";
	if (why != NULL)
		g->next(g->arg, why);
	else
		rpc_call(g->rpc, "eth_getBalance",
		    json_pack(
			"[o,o]", rpc_hex(account, 20), rpc_number(g->block)),
		    on_balance, g);
}

const char *
gas_header(struct gas_asked *g, const json_t *block)
{
	memset(&g->answer, 0, sizeof(g->answer));
	if (has_account() &&
	    rpc_quantity(json_object_get(block, "baseFeePerGas"),
		&g->answer.base_fee) != 0)
		return "the block has no baseFeePerGas";
	return NULL;
}

void
gas_ask(struct gas_asked *g, struct rpc *rpc, uint64_t block, gas_next next,
    void *arg)
{
	g->rpc = rpc;
	g->next = next;
	g->arg = arg;
	g->block = block;
	if (has_account())
		rpc_call(rpc, "eth_getTransactionCount",
		    json_pack(
			"[o,o]", rpc_hex(account, 20), rpc_number(g->block)),
		    on_count, g);
	else
		next(arg, NULL);
}

void
gas_facts(const struct gas_answer *a, struct m_facts *f)
{
	if (!has_account())
		return;
	memcpy(f->gas_account, account, sizeof(f->gas_account));
	f->gas_nonce = a->nonce;
	f->gas_balance = a->balance;
	f->base_fee = a->base_fee;
	f->tx_nonce = tx.nonce;
	f->tx_status = a->tx_status;
	tx.has_passed = a->nonce > tx.nonce;
}
