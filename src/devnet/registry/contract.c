/* SPDX-License-Identifier: Apache-2.0
 *
 * See contract.h.
 */
#include <string.h>
#include <unistd.h>

#include "abi_encode.h"
#include "calldata.h"
#include "contract.h"
#include "contract_code.h"
#include "facts.h"
#include "jsonrpc.h"
#include "log.h"
#include "secp.h"
#include "tx.h"

#define WORD		32
#define MINED		200		/* polls, at 50 ms */
#define PRIORITY_FEE	1000000000ull	/* wei */

/* The transaction that is encoded. */
static uint8_t data[CALLDATA_MAX];
static struct abi abi;
static const char *function;	/* its signature, such as "setPaused(bool)" */

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
		    "contract: the node has no account: give --owner-key, or "
		    "use a development node such as anvil");
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
call_json(const uint8_t from[20], const uint8_t *to)
{
	json_t *tx = json_pack("{s:o,s:o}", "from", json_hex(from, 20), "data",
	    json_hex(data, abi.n));

	if (to != NULL)
		json_object_set_new(tx, "to", json_hex(to, 20));
	return tx;
}

/* Sign the transaction here; its gas limit is the node's estimate plus a
 * tenth. */
static json_t *
send_signed(const struct devnet *d, const uint8_t key[32],
    const uint8_t from[20], const uint8_t *to)
{
	static uint8_t raw[CALLDATA_MAX + TX_ROOM];
	struct tx t = { .chain_id = d->chain_id,
		.to = to,
		.data = data,
		.n = abi.n,
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
	t.gas = ask_number(
	    d, "eth_estimateGas", json_pack("[o]", call_json(from, to)));
	t.gas += t.gas / 10;
	if (t.gas == 0 || (size = tx_sign(&t, key, raw, hash)) == 0)
		return NULL;
	return jsonrpc_call(
	    d, "eth_sendRawTransaction", json_pack("[o]", json_hex(raw, size)));
}

/* to: NULL to create a contract. */
static json_t *
transact(const struct devnet *d, const uint8_t *to)
{
	uint8_t key[32], from[20];
	json_t *hash, *r = NULL;

	switch (get_owner(d, key, from)) {
	case 1:
		hash = send_signed(d, key, from, to);
		explicit_bzero(key, sizeof(key));
		break;
	case 0:
		hash = jsonrpc_call(d, "eth_sendTransaction",
		    json_pack("[o]", call_json(from, to)));
		break;
	default: return NULL;
	}
	if (hash != NULL)
		r = wait_for_receipt(d, hash);
	json_decref(hash);
	return r;
}

/* Create a contract whose constructor takes these addresses. */
static int
create_contract(const struct devnet *d, const uint8_t *code, size_t n,
    const uint8_t (*arguments)[20], size_t n_arguments, uint8_t address[20])
{
	struct abi_tuple t;
	json_t *r;
	size_t i;
	int failed;

	if (n > sizeof(data))
		fatal("contract: the code is too large");
	memcpy(data, code, n);
	abi = (struct abi){ data, n, sizeof(data) };
	abi_begin(&t, &abi, n_arguments);
	for (i = 0; i < n_arguments; i++)
		abi_address(&t, arguments[i]);
	r = transact(d, NULL);
	failed = json_to_bytes(
	    json_object_get(r, "contractAddress"), address, 20);
	json_decref(r);
	return failed;
}

static void
begin_call(struct abi_tuple *t, const char *signature, size_t n)
{
	function = signature;
	abi = (struct abi){ data, 0, sizeof(data) };
	abi_call(t, &abi, signature, n);
}

static int
send_call(const struct devnet *d, const uint8_t to[20])
{
	json_t *r = transact(d, to);
	const int ok = r != NULL;

	json_decref(r);
	if (!ok)
		log_warn("contract: %s fails", function);
	return ok ? 0 : -1;
}

/* Call a view function without arguments that returns one word.  -1 if it
 * fails. */
static int
call_view(const struct devnet *d, const char *signature, uint8_t word[WORD])
{
	json_t *r = facts_view(d, signature, NULL);
	const int failed = json_to_bytes(r, word, WORD);

	json_decref(r);
	return failed;
}

/* ---- interface --------------------------------------------------------- */

int
contract_deploy(struct devnet *d)
{
	uint8_t key[32], addresses[2][20];	/* ours, the registrars' */

	if (get_owner(d, key, addresses[0]) == -1)
		return -1;
	explicit_bzero(key, sizeof(key));
	d->chain_id = ask_number(d, "eth_chainId", json_array());
	if (create_contract(d, registrars_code, sizeof(registrars_code),
		addresses, 1, addresses[1]) == -1)
		return -1;
	return create_contract(
	    d, registry_code, sizeof(registry_code), addresses, 2, d->registry);
}

int
contract_announce(
    const struct devnet *d, uint32_t blocks, uint64_t former_until)
{
	/* The transaction is mined in the next block at the earliest. */
	const uint64_t from = ask_number(d, "eth_blockNumber", json_array()) +
	    1 + blocks;
	struct abi_tuple t;

	begin_call(&t, "announceEpoch(uint64,uint64,uint8,bytes,bytes)", 5);
	abi_number(&t, from);
	abi_number(&t, former_until);
	abi_number(&t, d->threshold);
	abi_bytes(&t, d->kms_key, 33);
	abi_bytes(&t, d->kms_shares, d->nodes * 33);
	return send_call(d, d->registry);
}

static int
set_list(
    const struct devnet *d, const char *signature, const uint8_t address[20])
{
	struct abi_tuple t, list;

	begin_call(&t, signature, 1);
	abi_array(&t, &list, 1);
	abi_address(&list, address);
	return send_call(d, d->registry);
}

/* Called as the owner, who also approves registrars. */
static int
approve_registrar(const struct devnet *d)
{
	struct abi_tuple t;
	uint8_t verifier[WORD];

	if (call_view(d, "verifier()", verifier) == -1)
		return -1;
	begin_call(&t, "setRegistrar(address,bool)", 2);
	abi_address(&t, d->registrar);
	abi_number(&t, 1);
	return send_call(d, verifier + WORD - 20);
}

static int
accept_insecure(const struct devnet *d)
{
	struct abi_tuple t;

	begin_call(&t, "setMeasurement(uint8,bytes32,uint64)", 3);
	abi_number(&t, TEE_INSECURE);
	abi_number(&t, 0);
	abi_number(&t, UINT64_MAX);
	return send_call(d, d->registry);
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
	function = "register";
	abi.n = calldata_register(r, v, data);
	return send_call(d, d->registry);
}
