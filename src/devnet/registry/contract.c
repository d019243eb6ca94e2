/* SPDX-License-Identifier: Apache-2.0
 *
 * Calls of the Registry's contract in the Solidity ABI: a head of words,
 * followed by the tails of arguments of variable size.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bytes.h"
#include "calldata.h"
#include "contract.h"
#include "contract_code.h"
#include "jsonrpc.h"
#include "keccak.h"
#include "log.h"
#include "secp.h"
#include "tx.h"

#define WORD		32
#define HEADS		12		/* words per head */
#define CALL_MAX	32768
#define MINED		200		/* polls, at 50 ms */
#define PRIORITY_FEE	1000000000ull	/* wei */

/* ---- encoding ---------------------------------------------------------- */

/* The arguments of a call. */
struct tuple {
	uint8_t	head[HEADS][WORD];
	int	is_tail[HEADS];		/* the word is an offset into `tail' */
	size_t	n;
	uint8_t	tail[CALL_MAX];
	size_t	n_tail;
};

static void
big_endian(uint64_t v, uint8_t word[WORD])
{
	memset(word, 0, WORD);
	put_be(word + WORD - 8, 8, v);
}

/* Append a word that ends with these n bytes. */
static void
put_word(struct tuple *t, const uint8_t *b, size_t n)
{
	if (t->n == HEADS)
		fatal("contract: too many arguments");
	memset(t->head[t->n], 0, WORD);
	memcpy(t->head[t->n++] + WORD - n, b, n);
}

static void
put_number(struct tuple *t, uint64_t v)
{
	uint8_t word[WORD];

	big_endian(v, word);
	put_word(t, word, WORD);
}

/* Append to the tail, padded to whole words. */
static void
put_tail(struct tuple *t, const void *b, size_t n)
{
	const size_t padded = (n + WORD - 1) / WORD * WORD;

	if (padded > CALL_MAX - t->n_tail)
		fatal("contract: a call is too large");
	memset(t->tail + t->n_tail, 0, padded);
	memcpy(t->tail + t->n_tail, b, n);
	t->n_tail += padded;
}

static void
begin_tail(struct tuple *t)
{
	t->is_tail[t->n] = 1;
	put_number(t, t->n_tail);
}

static void
put_bytes(struct tuple *t, const void *b, size_t n)
{
	uint8_t word[WORD];

	begin_tail(t);
	big_endian(n, word);
	put_tail(t, word, WORD);
	put_tail(t, b, n);
}

static void
put_address_list(struct tuple *t, const uint8_t address[20])
{
	uint8_t words[2][WORD] = { { 0 } };

	begin_tail(t);
	words[0][WORD - 1] = 1;
	memcpy(words[1] + WORD - 20, address, 20);
	put_tail(t, words, sizeof(words));
}

/* Concatenate head and tail.  Returns the size. */
static size_t
write_tuple(const struct tuple *t, uint8_t *to)
{
	uint64_t at;
	size_t i;

	for (i = 0; i < t->n; i++, to += WORD) {
		memcpy(to, t->head[i], WORD);
		if (!t->is_tail[i])
			continue;
		at = get_be(t->head[i] + WORD - 8, 8);
		big_endian(at + t->n * WORD, to);
	}
	memcpy(to, t->tail, t->n_tail);
	return t->n * WORD + t->n_tail;
}

/* ---- transactions ------------------------------------------------------ */

/* The account that owns the contracts and pays.  Returns 1 if we have its key,
 * 0 if the node signs for it, -1 if there is none. */
static int
get_owner(const struct devnet *d, uint8_t key[32], uint8_t address[20])
{
	uint8_t pub[33];
	json_t *list;
	int r;

	if (dir_find_secret(d, "owner", key) == 0)
		return secp_public(key, pub) == 0 &&
			secp_address(pub, address) == 0 ?
		    1 :
		    -1;
	list = jsonrpc_call(d, "eth_accounts", json_array());
	r = json_to_bytes(json_array_get(list, 0), address, 20);
	json_decref(list);
	if (r == -1)
		log_err(
		    "contract: the node has no account of its own: give "
		    "--owner-key, or take one for development, such as anvil");
	return r;
}

/* Wait for the receipt.  NULL if the transaction reverted or was not mined. */
static json_t *
wait_for_receipt(const struct devnet *d, json_t *hash)
{
	const char *status;
	json_t *r = NULL;
	int i;

	for (i = 0; i < MINED && (r == NULL || json_is_null(r)); i++) {
		if (r != NULL)
			usleep(50 * 1000);
		json_decref(r);
		r = jsonrpc_call(
		    d, "eth_getTransactionReceipt", json_pack("[O]", hash));
	}
	status = json_string_value(json_object_get(r, "status"));
	if (status != NULL && strcmp(status, "0x1") == 0)
		return r;
	log_warn("contract: %s",
	    status == NULL ? "the transaction is not mined" : "it reverts");
	json_decref(r);
	return NULL;
}

static uint64_t
number_of(const json_t *quantity)
{
	uint64_t v = 0;

	(void)json_to_number(quantity, &v);
	return v;
}

static uint64_t
ask_number(const struct devnet *d, const char *method, json_t *params)
{
	json_t *r = jsonrpc_call(d, method, params);
	const uint64_t v = number_of(r);

	json_decref(r);
	return v;
}

static json_t *
call_json(
    const uint8_t from[20], const uint8_t *to, const uint8_t *data, size_t n)
{
	json_t *tx = json_pack(
	    "{s:o,s:o}", "from", json_hex(from, 20), "data", json_hex(data, n));

	if (to != NULL)
		json_object_set_new(tx, "to", json_hex(to, 20));
	return tx;
}

/* Sign the transaction here; its gas limit is the node's estimate plus a
 * tenth. */
static json_t *
send_signed(const struct devnet *d, const uint8_t key[32],
    const uint8_t from[20], const uint8_t *to, const uint8_t *data, size_t n)
{
	static uint8_t raw[CALL_MAX + HEADS * WORD + 4 + TX_ROOM];
	struct tx t = { .chain_id = d->chain_id,
		.to = to,
		.data = data,
		.n = n,
		.priority_fee = PRIORITY_FEE };
	json_t *block = jsonrpc_call(
	    d, "eth_getBlockByNumber", json_pack("[s,b]", "latest", 0));
	uint8_t hash[32];
	size_t size;

	t.max_fee = 2 * number_of(json_object_get(block, "baseFeePerGas")) +
	    PRIORITY_FEE;
	json_decref(block);
	t.nonce = ask_number(d, "eth_getTransactionCount",
	    json_pack("[o,s]", json_hex(from, 20), "pending"));
	t.gas = ask_number(d, "eth_estimateGas",
	    json_pack("[o]", call_json(from, to, data, n)));
	t.gas += t.gas / 10;
	if (t.gas == 0 || (size = tx_sign(&t, key, raw, hash)) == 0)
		return NULL;
	return jsonrpc_call(
	    d, "eth_sendRawTransaction", json_pack("[o]", json_hex(raw, size)));
}

/* to: NULL to create a contract. */
static json_t *
transact(
    const struct devnet *d, const uint8_t *to, const uint8_t *data, size_t n)
{
	uint8_t key[32], from[20];
	json_t *hash, *r = NULL;

	switch (get_owner(d, key, from)) {
	case 1:
		hash = send_signed(d, key, from, to, data, n);
		explicit_bzero(key, sizeof(key));
		break;
	case 0:
		hash = jsonrpc_call(d, "eth_sendTransaction",
		    json_pack("[o]", call_json(from, to, data, n)));
		break;
	default: return NULL;
	}
	if (hash != NULL)
		r = wait_for_receipt(d, hash);
	json_decref(hash);
	return r;
}

/* Create a contract from code and constructor arguments. */
static int
create_contract(const struct devnet *d, const uint8_t *code, size_t n,
    const struct tuple *arguments, uint8_t address[20])
{
	static uint8_t b[CALL_MAX];
	json_t *r;
	int failed;

	if (n + HEADS * WORD > sizeof(b))
		fatal("contract: the code is too large");
	memcpy(b, code, n);
	r = transact(d, NULL, b, n + write_tuple(arguments, b + n));
	failed = json_to_bytes(
	    json_object_get(r, "contractAddress"), address, 20);
	json_decref(r);
	return failed;
}

/* signature: the function's, such as "setPaused(bool)". */
static size_t
encode_call(const char *signature, const struct tuple *arguments, uint8_t *to)
{
	uint8_t hash[32];

	keccak256(signature, strlen(signature), hash);
	memcpy(to, hash, 4);
	return 4 + write_tuple(arguments, to + 4);
}

static int
send_call(const struct devnet *d, const uint8_t to[20], const uint8_t *data,
    size_t n, const char *what)
{
	json_t *r = transact(d, to, data, n);
	const int ok = r != NULL;

	json_decref(r);
	if (!ok)
		log_warn("contract: %s fails", what);
	return ok ? 0 : -1;
}

static int
call(const struct devnet *d, const uint8_t to[20], const char *signature,
    const struct tuple *arguments)
{
	static uint8_t b[CALL_MAX + HEADS * WORD + 4];

	return send_call(
	    d, to, b, encode_call(signature, arguments, b), signature);
}

/* Call a view function without arguments that returns one word.  -1 if it
 * fails. */
static int
call_view(const struct devnet *d, const char *signature, uint8_t word[WORD])
{
	const struct tuple none = { .n = 0 };
	uint8_t b[4];
	json_t *r;
	int failed;

	r = jsonrpc_call(d, "eth_call",
	    json_pack("[{s:o,s:o},s]", "to", json_hex(d->registry, 20), "data",
		json_hex(b, encode_call(signature, &none, b)), "latest"));
	failed = json_to_bytes(r, word, WORD);
	json_decref(r);
	return failed;
}

/* ---- interface --------------------------------------------------------- */

int
contract_deploy(struct devnet *d)
{
	static struct tuple t;
	uint8_t key[32], us[20], registrars[20];

	if (get_owner(d, key, us) == -1)
		return -1;
	explicit_bzero(key, sizeof(key));
	d->chain_id = ask_number(d, "eth_chainId", json_array());
	put_word(&t, us, 20);
	if (create_contract(d, registrars_code, sizeof(registrars_code), &t,
		registrars) == -1)
		return -1;
	put_word(&t, registrars, 20);
	return create_contract(
	    d, registry_code, sizeof(registry_code), &t, d->registry);
}

int
contract_announce(
    const struct devnet *d, uint32_t blocks, uint64_t former_until)
{
	static struct tuple t;

	memset(&t, 0, sizeof(t));
	/* The transaction is mined in the next block at the earliest. */
	put_number(
	    &t, ask_number(d, "eth_blockNumber", json_array()) + 1 + blocks);
	put_number(&t, former_until);
	put_number(&t, d->threshold);
	put_bytes(&t, d->kms_key, 33);
	put_bytes(&t, d->kms_shares, d->nodes * 33);
	return call(d, d->registry,
	    "announceEpoch(uint64,uint64,uint8,bytes,bytes)", &t);
}

static int
set_list(
    const struct devnet *d, const char *signature, const uint8_t address[20])
{
	static struct tuple t;

	memset(&t, 0, sizeof(t));
	put_address_list(&t, address);
	return call(d, d->registry, signature, &t);
}

/* Called as the owner, who also approves registrars. */
static int
approve_registrar(const struct devnet *d)
{
	static struct tuple t;
	uint8_t verifier[WORD];

	put_word(&t, d->registrar, 20);
	put_number(&t, 1);
	return call_view(d, "verifier()", verifier) == -1 ?
	    -1 :
	    call(d, verifier + WORD - 20, "setRegistrar(address,bool)", &t);
}

static int
accept_insecure(const struct devnet *d)
{
	static struct tuple t;

	put_number(&t, TEE_INSECURE);
	put_number(&t, 0);
	put_number(&t, UINT64_MAX);
	return call(d, d->registry, "setMeasurement(uint8,bytes32,uint64)", &t);
}

int
contract_set_up(const struct devnet *d)
{
	static const uint8_t none[WORD];
	uint8_t last[WORD];

	if (call_view(d, "lastEpoch()", last) == -1) {
		log_err("contract: no Registry at its address: if the chain "
			"was reset, create a new devnet");
		return -1;
	}
	if (memcmp(last, none, WORD) != 0)
		return 0;
	return contract_announce(d, 1, 0) == -1 || approve_registrar(d) == -1 ||
		set_list(d, "setOrchestrators(address[])", d->orchestrator) ==
		    -1 ||
		set_list(d, "setGateways(address[])", d->gateway) == -1 ||
		(d->is_insecure && accept_insecure(d) == -1) ?
	    -1 :
	    0;
}

int
contract_register(const struct devnet *d, const struct m_register *r,
    const struct m_verdict *v)
{
	static uint8_t data[CALLDATA_MAX];

	return send_call(
	    d, d->registry, data, calldata_register(r, v, data), "register");
}
