/* SPDX-License-Identifier: Apache-2.0
 *
 * The gas account: a secp256k1 key from a file that pays for this Runner's own
 * transactions.  It signs nothing but the two calls of calldata.h, to the
 * Registries of the configuration.  Runs in keys.  On each chain one
 * transaction is pending at a time, with the nonce that a quorum agrees on
 * registry-depth blocks below the newest: a nonce that has passed there is
 * final to that depth, and if a reorganization drops the transaction, its nonce
 * has not passed.
 *
 * registry reports nonce, fees and balance, and may lie; net delivers the
 * registrar's verdict. transitions[] below is the only place that changes the
 * state, and so it bounds the cost of a lie: a verdict leaves V_HELD when it is
 * first sent and never returns, and a transaction that was sent keeps its
 * nonce.  So each verdict that keys requests is paid for at most once, and
 * registration.c requests them with a back-off.  A publication is given up
 * after PUBLISH_TRIES nonces.  Each transaction costs at most its gas limit at
 * gas-max-fee, and PAUSE seconds pass between two.
 *
 * Two services can have one account, during an upgrade.  keys sends the first
 * version of a transaction only while it holds the lock on the file of the key,
 * and keeps the lock until none of its transactions is pending.  The nonce is
 * from a round of registry that began after the lock was taken, so all nonces
 * that the other service used have passed in it.
 */
#include <string.h>

#include "calldata.h"
#include "hex.h"
#include "keys.h"
#include "log.h"
#include "tx.h"

#define GWEI		UINT64_C(1000000000)
/* priority fee of the first try: the base fee, at most this */
#define TIP_MAX		GWEI
#define TIP_MIN		(GWEI / 100)	/* and at least this */
#define PAUSE		5	/* seconds between two transactions */
#define STUCK_TIME	10	/* seconds before one may be replaced */
#define STUCK_BLOCKS	5	/* replaced if not mined within these */
/* seconds after which the same transaction is sent again */
#define AGAIN		60
/* seconds to wait for a receipt after the nonce was used */
#define LOST		30
/* seconds after which facts of an older block are believed */
#define BEHIND		20
/* first delay in seconds after a failed registration */
#define FAILED_FIRST	20
/* Seconds with the lock after which no transaction is begun.  A transaction
 * takes about as long on a chain with a block in 12 seconds; without a limit
 * several chains could keep the lock for ever. */
#define LOCK_TIME	30
/* seconds after which waiting for the lock is logged */
#define LOCK_LATE	30
/* Seconds after the lock was released: the other process tries each second or
 * two, see keys_loop(). */
#define LOCK_PAUSE	3

/* Gas for register() without its data: twice what a registrar's signature and
 * the storage of a new Runner take. */
#define GAS_REGISTER	600000
#define GAS_BASE	21000
/* EIP-7623: a zero; of another byte four times that */
#define GAS_BYTE	10

enum what { NOTHING, REGISTER, PUBLISH };

/* The registration's verdict. */
enum verdict {
	V_NONE		= 1 << 0,	/* none is wanted */
	V_ASKED		= 1 << 1,	/* the registrar is asked: one is
					 * taken */
	V_HELD		= 1 << 2,	/* here, and never sent */
	V_ANY		= V_NONE | V_ASKED | V_HELD,
};

/* The transaction. */
enum phase {
	P_IDLE		= 1 << 0,	/* there is none */
	P_MADE		= 1 << 1,	/* encoded; waits for funds, fees, the
					 * pause */
	P_SENT		= 1 << 2,	/* signed and sent; may be mined */
	P_PASSED	= 1 << 3,	/* its nonce was used; not known by
					 * what */
	P_ANY		= P_IDLE | P_MADE | P_SENT | P_PASSED,
};

enum event {
	REGISTRATION_SIGNED,	/* or sent again: its verdict is wanted */
	VERDICT_GOOD,
	VERDICT_BAD,
	CALL_MADE,		/* encoded */
	CALL_DROPPED,		/* not sent, and something else goes first */
	CALL_SENT,		/* for the first time, or replaced, same
				 * nonce */
	NONCE_PASSED,		/* and no receipt yet */
	NONCE_BACK,		/* it is the next one again */
	CALL_ENDED,		/* succeeded or reverted, or nobody will know */
};

/* For each event: the states in which it may happen, and the next state.  An
 * event that no row allows in the current state is a bug. */
static const struct transition {
	enum event	 event;
	uint32_t	 what;		/* mask of 1 << enum what */
	uint32_t	 phase, verdict;	/* from: masks */
	uint32_t	 to_phase, to_verdict;	/* 0: stays */
} transitions[] = {
#define FOR(what)	(1u << (what))
#define ALL		(FOR(NOTHING) | FOR(REGISTER) | FOR(PUBLISH))
	{ REGISTRATION_SIGNED, FOR(REGISTER), P_MADE, V_ANY, P_IDLE, V_ASKED },
	{ REGISTRATION_SIGNED, ALL,	P_ANY,	V_ANY,	0,	V_ASKED },
	{ VERDICT_GOOD,	ALL,		P_ANY,	V_ASKED, 0,	V_HELD },
	{ VERDICT_BAD,	ALL,		P_ANY,	V_ASKED, 0,	V_NONE },
	{ CALL_MADE,	FOR(REGISTER),	P_IDLE,	V_HELD,	P_MADE,	0 },
	{ CALL_MADE,	FOR(PUBLISH),	P_IDLE,	V_ANY,	P_MADE,	0 },
	{ CALL_DROPPED,	ALL,		P_MADE,	V_ANY,	P_IDLE,	0 },
	/* The only transition from V_HELD that costs money. */
	{ CALL_SENT,	FOR(REGISTER),	P_MADE,	V_HELD,	P_SENT,	V_NONE },
	{ CALL_SENT,	FOR(PUBLISH),	P_MADE,	V_ANY,	P_SENT,	0 },
	{ CALL_SENT,	ALL,		P_SENT,	V_ANY,	0,	0 },
	{ NONCE_PASSED,	ALL,		P_SENT,	V_ANY,	P_PASSED, 0 },
	{ NONCE_BACK,	ALL,		P_PASSED, V_ANY, P_SENT, 0 },
	{ CALL_ENDED,	ALL,		P_SENT | P_PASSED, V_ANY, P_IDLE, 0 },
};

struct gas {
	enum gas_state	 state;
	uint32_t	 phase;		/* enum phase */
	uint32_t	 wanted;	/* enum verdict */
	struct m_verdict verdict;
	uint32_t	 delay;		/* after the last that failed; 0: none
					 * did */
	uint64_t	 not_before;
	/* the transaction */
	enum what	 what;
	uint64_t	 sequence;	/* of the registration in it */
	uint64_t	 nonce, limit, tip, max_fee;
	uint64_t	 at, block;	/* when it last was sent */
	uint64_t	 replaced_at;	/* when its fees last rose, or it was
					 * made */
	uint64_t	 passed_at;	/* its nonce */
	size_t		 n;
	uint8_t		 data[CALLDATA_MAX];
	/* the facts that were last acted upon */
	uint64_t	 seen_block, seen_at;
	uint64_t	 next_at;	/* the next one, at the earliest */
	int		 needs_lock;	/* to send what is due */
};

static struct gas accounts[CONF_CHAINS];

/* The lock on the file of the key: one for all chains. */
static struct {
	int		 is_held, is_late;
	uint64_t	 since;		/* held, or wanted; 0: neither */
	uint64_t	 not_before;	/* to be taken again */
	uint32_t	 request;	/* of facts that are newer than it */
} lock;

/* ---- the start --------------------------------------------------------- */

void
gas_init(const char *path)
{
	char hex[41];
	size_t i;

	if (*path == '\0')
		return;
	gas_key_init(path);
	log_info("gas account: 0x%s", hex_encode(hex, gas_address(), 20));
	for (i = 0; i < keys.conf.n_chains; i++)
		if (keys.chains[i].conf->register_direct ||
		    keys.chains[i].conf->publish) {
			keys.chains[i].gas = &accounts[i];
			accounts[i].state = GAS_READY;
			accounts[i].phase = P_IDLE;
			accounts[i].wanted = V_NONE;
		}
}

/* ---- the state --------------------------------------------------------- */

static void
apply_event(struct gas *g, enum event event)
{
	const struct transition *t = transitions;
	const struct transition *end = t +
	    sizeof(transitions) / sizeof(transitions[0]);

	for (; t < end; t++)
		if (t->event == event && t->what & FOR(g->what) &&
		    t->phase & g->phase && t->verdict & g->wanted)
			break;
	if (t == end)
		fatal("gas account: event %d in phase %u, verdict %u",
		    (int)event, g->phase, g->wanted);
	if (t->to_phase != 0)
		g->phase = t->to_phase;
	if (t->to_verdict != 0)
		g->wanted = t->to_verdict;
	if (g->phase == P_IDLE)
		g->what = NOTHING;
}

/* ---- registration ------------------------------------------------------ */

void
gas_registration(struct chain *ch)
{
	if (ch->gas != NULL && ch->conf->register_direct)
		apply_event(ch->gas, REGISTRATION_SIGNED);
}

int
gas_holds_registration(const struct chain *ch)
{
	const struct gas *g = ch->gas;

	return g != NULL && (g->wanted == V_HELD || g->what == REGISTER);
}

/* Ignore a verdict that we did not request.  The contract decides whether it
 * came from a registrar. */
void
gas_verdict(struct chain *ch, const struct m_verdict *v)
{
	struct gas *g = ch->gas;

	if (g == NULL || g->wanted != V_ASKED ||
	    memcmp(v->registration, ch->registration_hash, 32) != 0)
		return;
	apply_event(g, v->verdict == 0 ? VERDICT_GOOD : VERDICT_BAD);
	if (v->verdict != 0)
		return;
	g->verdict = *v;
	trust_changed();
}

static int
registration_is_due(const struct chain *ch, uint64_t now)
{
	const struct gas *g = ch->gas;

	return g->wanted == V_HELD && now >= g->not_before &&
	    ch->facts->sequence < ch->registration.sequence;
}

static void
make_registration(struct chain *ch)
{
	struct gas *g = ch->gas;

	g->what = REGISTER;
	g->sequence = ch->registration.sequence;
	g->n = calldata_register(&ch->registration, &g->verdict, g->data);
	g->limit = GAS_REGISTER;
}

/* ---- fees -------------------------------------------------------------- */

/* EIP-7623's floor for the data, which is above EIP-2028's price, plus the gas
 * that the call itself takes. */
static uint64_t
limit_of(const uint8_t *data, size_t n, uint64_t call)
{
	uint64_t gas = GAS_BASE + call;
	size_t i;

	for (i = 0; i < n; i++)
		gas += data[i] == 0 ? GAS_BYTE : 4 * GAS_BYTE;
	return gas;
}

/* gas < 2^25, and fee < 2^50: gas-max-fee is at most 10^6 gwei. */
static uint64_t
cost(uint64_t gas, uint64_t fee)
{
	return gas * (fee / GWEI) + (gas * (fee % GWEI) + GWEI - 1) / GWEI;
}

/* Fees from the chain's current ones: 0, or -1 if they exceed gas-max-fee. */
static int
first_fees(const struct chain *ch, uint64_t *tip, uint64_t *max_fee)
{
	const uint64_t base = ch->facts->base_fee;
	const uint64_t cap = ch->conf->gas_max_fee * GWEI;

	if (base > cap)
		return -1;
	*tip = base > TIP_MAX ? TIP_MAX : base < TIP_MIN ? TIP_MIN : base;
	*max_fee = 2 * base + *tip;
	if (*max_fee > cap)
		*max_fee = cap;
	if (*tip > *max_fee)
		*tip = *max_fee;
	return 0;
}

/* Raise both fees by a quarter, since nodes ask for a tenth: 0, or -1 if
 * gas-max-fee forbids it. */
static int
higher_fees(const struct chain *ch, uint64_t *tip, uint64_t *max_fee)
{
	const struct gas *g = ch->gas;
	const uint64_t cap = ch->conf->gas_max_fee * GWEI;

	if (first_fees(ch, tip, max_fee) != 0)
		*max_fee = 0;
	if (*max_fee < g->max_fee + g->max_fee / 4 + 1)
		*max_fee = g->max_fee + g->max_fee / 4 + 1;
	if (*max_fee > cap)
		*max_fee = cap;
	*tip = g->tip + g->tip / 4 + 1;
	if (*tip > *max_fee)
		*tip = *max_fee;
	return *max_fee < g->max_fee + g->max_fee / 8 + 1 ||
		*tip < g->tip + g->tip / 8 + 1 ?
	    -1 :
	    0;
}

/* A state is logged when it begins. */
static void
set_state(struct chain *ch, enum gas_state state, uint64_t want)
{
	struct gas *g = ch->gas;
	char hex[41];

	hex_encode(hex, gas_address(), 20);
	if (state != g->state && state == GAS_NO_FUNDS)
		log_err("%sgas account: insufficient funds: 0x%s has %llu "
			"gwei, the next transaction may cost %llu gwei",
		    ch->tag, hex, (unsigned long long)ch->facts->gas_balance,
		    (unsigned long long)want);
	else if (state != g->state && state == GAS_FEE_TOO_HIGH)
		log_warn("%sgas account: fees exceed gas-max-fee: waiting: "
			 "base fee %llu wei",
		    ch->tag, (unsigned long long)ch->facts->base_fee);
	else if (state <= GAS_PENDING && g->state > GAS_PENDING)
		log_info("%sgas account: sending transactions again", ch->tag);
	g->state = state;
}

/* Can this be paid? */
static int
is_funded(struct chain *ch, uint64_t limit, uint64_t max_fee)
{
	const uint64_t want = cost(limit, max_fee);

	if (ch->facts->gas_balance >= want)
		return 1;
	set_state(ch, GAS_NO_FUNDS, want);
	return 0;
}

/* ---- the transaction --------------------------------------------------- */

static const char *
name_of(const struct gas *g)
{
	return g->what == REGISTER ? "registration" : "publication";
}

/* Sign the transaction and send it to registry.  The same fields give the same
 * transaction. */
static void
transmit(struct chain *ch, uint64_t now)
{
	static struct m_word words[TX_WORDS];
	struct gas *g = ch->gas;
	struct tx t = { .chain_id = ch->conf->chain_id,
		.nonce = g->nonce,
		.priority_fee = g->tip,
		.max_fee = g->max_fee,
		.gas = g->limit,
		.to = ch->conf->registry,
		.data = g->data,
		.n = g->n };
	struct m_tx m;

	memset(&m, 0, sizeof(m));
	memset(words, 0, sizeof(words));
	m.nonce = g->nonce;
	m.size = (uint32_t)tx_sign(&t, gas_key(), words[0].b, m.hash);
	if (m.size == 0)
		fatal("gas account: signing failed");
	g->at = now;
	g->next_at = now + PAUSE;
	chan_send(&ch->registry, M_TX, &m, words,
	    (m.size + sizeof(words[0]) - 1) / sizeof(words[0]), -1);
}

/* End the transaction; if it was a publication, tell publish.c how it
 * ended. */
static void
end_call(struct chain *ch, enum tx_status status)
{
	if (ch->gas->what == PUBLISH)
		publish_ended(ch, status, ch->gas->nonce);
	apply_event(ch->gas, CALL_ENDED);
}

static void
end_reverted(struct chain *ch, uint64_t now)
{
	struct gas *g = ch->gas;

	log_err("%stransaction with nonce %llu: reverted: %s", ch->tag,
	    (unsigned long long)g->nonce, name_of(g));
	ch->status.tx_failed++;
	if (g->what == REGISTER) {
		g->delay = backoff_next(g->delay, FAILED_FIRST);
		g->not_before = now + g->delay;
		registration_reverted(ch, g->sequence);
	}
	end_call(ch, TX_REVERTED);
}

/* The nonce was used: by this transaction, by another version of it, or by an
 * unknown one. */
static void
follow_used_nonce(struct chain *ch, uint64_t now)
{
	const struct m_facts *f = ch->facts;
	struct gas *g = ch->gas;
	uint32_t status = f->tx_nonce == g->nonce ? f->tx_status : TX_UNKNOWN;

	if (g->what == REGISTER && f->sequence >= g->sequence)
		status = TX_SUCCEEDED;
	if (status == TX_REVERTED)
		end_reverted(ch, now);
	else if (status == TX_SUCCEEDED) {
		log_info("%stransaction with nonce %llu: mined: %s", ch->tag,
		    (unsigned long long)g->nonce, name_of(g));
		if (g->what == REGISTER)
			g->delay = 0;
		end_call(ch, TX_SUCCEEDED);
	} else if (g->phase == P_SENT) {
		apply_event(g, NONCE_PASSED);
		g->passed_at = now;
	} else if (now >= g->passed_at + LOST) {
		log_warn("%sgas account: nonce %llu was used by an unknown "
			 "transaction: if keys was not restarted, check who "
			 "else uses the account",
		    ch->tag, (unsigned long long)g->nonce);
		end_call(ch, TX_UNKNOWN);
	}
}

/* Not mined within STUCK_BLOCKS: replace it with one of higher fees. */
static void
replace(struct chain *ch, uint64_t now)
{
	const struct m_facts *f = ch->facts;
	struct gas *g = ch->gas;
	uint64_t tip, max_fee;

	if (now < g->replaced_at + STUCK_TIME ||
	    f->block_number <
		g->block + ch->conf->registry_depth + 1 + STUCK_BLOCKS)
		return;
	if (higher_fees(ch, &tip, &max_fee) != 0) {
		set_state(ch, GAS_FEE_TOO_HIGH, 0);
		if (now >= g->at + AGAIN)
			transmit(ch, now);
		return;
	}
	if (!is_funded(ch, g->limit, max_fee)) {
		if (now >= g->at + AGAIN)
			transmit(ch, now);
		return;
	}
	g->tip = tip;
	g->max_fee = max_fee;
	g->replaced_at = now;
	g->block = f->block_number;
	log_warn("%stransaction with nonce %llu: not mined: %s: replaced, with "
		 "at most %llu wei per gas",
	    ch->tag, (unsigned long long)g->nonce, name_of(g),
	    (unsigned long long)g->max_fee);
	ch->status.tx_replaced++;
	set_state(ch, GAS_PENDING, 0);
	apply_event(g, CALL_SENT);
	transmit(ch, now);
}

static void
follow_call(struct chain *ch, uint64_t now)
{
	struct gas *g = ch->gas;

	if (ch->facts->gas_nonce > g->nonce)
		follow_used_nonce(ch, now);
	else if (ch->facts->gas_nonce < g->nonce) {
		log_warn("%stransaction with nonce %llu: removed by a chain "
			 "reorganization: %s",
		    ch->tag, (unsigned long long)g->nonce, name_of(g));
		end_call(ch, TX_UNKNOWN);
	} else {
		if (g->phase == P_PASSED)
			apply_event(g, NONCE_BACK);
		replace(ch, now);
	}
}

/* ---- the lock ---------------------------------------------------------- */

uint32_t
gas_request(void)
{
	return lock.request;
}

static void
take_lock(uint64_t now)
{
	size_t i;

	if (now < lock.not_before)
		return;
	if (lock.since == 0)
		lock.since = now;
	if (gas_key_lock() == -1) {
		if (!lock.is_late && now >= lock.since + LOCK_LATE) {
			log_warn("gas account: waiting for another process "
				 "that has locked the file of gas-key: if no "
				 "upgrade is running, check which other "
				 "service uses this account");
			lock.is_late = 1;
		}
		return;
	}
	if (lock.is_late)
		log_info("gas account: the other process has released the "
			 "file of gas-key");
	lock.is_held = 1;
	lock.is_late = 0;
	lock.since = now;
	lock.request++;
	for (i = 0; i < keys.conf.n_chains; i++)
		if (keys.chains[i].gas != NULL)
			registration_ask_facts(&keys.chains[i]);
}

/* May this chain send a transaction now? */
static int
has_lock(struct chain *ch, uint64_t now)
{
	ch->gas->needs_lock = 1;
	if (!lock.is_held)
		take_lock(now);
	return lock.is_held && now < lock.since + LOCK_TIME &&
	    ch->facts->request == lock.request;
}

static void
release_lock(uint64_t now)
{
	const struct gas *g;
	int is_needed = 0;

	for (g = accounts; g < accounts + keys.conf.n_chains; g++) {
		if (g->phase & (P_SENT | P_PASSED))
			return;
		is_needed |= g->needs_lock;
	}
	if (!lock.is_held && !is_needed)
		lock.since = 0;
	if (!lock.is_held || (is_needed && now < lock.since + LOCK_TIME))
		return;
	gas_key_unlock();
	lock.is_held = 0;
	lock.since = 0;
	lock.not_before = now + LOCK_PAUSE;
}

/* ---- the next transaction ---------------------------------------------- */

/* Encode the next call: a registration comes before publications. */
static void
make_call(struct chain *ch, uint64_t now)
{
	struct gas *g = ch->gas;

	/* The Registry has it already, or it must wait. */
	if (g->what == REGISTER && !registration_is_due(ch, now))
		apply_event(g, CALL_DROPPED);
	if (registration_is_due(ch, now)) {
		if (g->what == REGISTER)
			return;
		if (g->what == PUBLISH) {
			publish_unsent(ch);
			apply_event(g, CALL_DROPPED);
		}
		make_registration(ch);
	} else if (g->what == NOTHING &&
	    ch->facts->valid_until > facts_now(ch) &&
	    memcmp(ch->facts->runner, sign_address(ch), 20) == 0 &&
	    (g->n = publish_call(ch, g->data, &g->limit)) != 0)
		g->what = PUBLISH;
	else
		return;
	apply_event(g, CALL_MADE);
	g->limit = limit_of(g->data, g->n, g->limit);
}

static void
begin_call(struct chain *ch, uint64_t now)
{
	struct gas *g = ch->gas;
	uint64_t limit = GAS_BASE + GAS_REGISTER;	/* if nothing is due */

	g->needs_lock = 0;
	make_call(ch, now);
	if (g->what != NOTHING)
		limit = g->limit;
	if (first_fees(ch, &g->tip, &g->max_fee) != 0) {
		set_state(ch, GAS_FEE_TOO_HIGH, 0);
		return;
	}
	if (!is_funded(ch, limit, g->max_fee))
		return;
	if (g->what == NOTHING || now < g->next_at) {
		set_state(ch, GAS_READY, 0);
		return;
	}
	if (!has_lock(ch, now)) {
		set_state(ch, GAS_READY, 0);
		return;
	}
	g->needs_lock = 0;
	g->nonce = ch->facts->gas_nonce;
	g->replaced_at = now;
	g->block = ch->facts->block_number;
	ch->status.tx_sent++;
	log_info("%stransaction with nonce %llu: sent: %s", ch->tag,
	    (unsigned long long)g->nonce, name_of(g));
	set_state(ch, GAS_PENDING, 0);
	apply_event(g, CALL_SENT);
	transmit(ch, now);
}

void
gas_registry_peer(struct chain *ch)
{
	if (ch->gas != NULL && ch->gas->phase & (P_SENT | P_PASSED))
		transmit(ch, now_ms() / 1000);
}

/* Facts of now, of our account, and not of a block before the last: endpoints
 * are not always at the same one.  A chain that does go back is believed after
 * a while. */
static int
is_usable(const struct chain *ch, uint64_t now)
{
	const struct m_facts *f = ch->facts;
	struct gas *g = ch->gas;

	if (facts_why(ch) != WHY_NONE || ch->registry.fd == -1 ||
	    memcmp(f->gas_account, gas_address(), 20) != 0 ||
	    (f->block_number < g->seen_block && now < g->seen_at + BEHIND))
		return 0;
	if (f->block_number != g->seen_block)
		g->seen_at = now;
	g->seen_block = f->block_number;
	return 1;
}

void
gas_tick(struct chain *ch)
{
	const uint64_t now = now_ms() / 1000;
	struct gas *g = ch->gas;

	if (g == NULL)
		return;
	if (is_usable(ch, now)) {
		if (g->phase & (P_SENT | P_PASSED))
			follow_call(ch, now);
		if (g->phase & (P_IDLE | P_MADE))
			begin_call(ch, now);
	}
	release_lock(now);
	ch->status.gas = g->state;
	memcpy(ch->status.gas_account, gas_address(), 20);
	ch->status.gas_balance = ch->facts->gas_balance;
}
