/* SPDX-License-Identifier: Apache-2.0
 *
 * Transactions of the protocol Nox v0, from NOX_TASK to NOX_ENDED.  Runs in
 * keys.  The role nox presents a transaction, which nobody has signed; all that
 * is signed for it is one request for its operands at a time, to the RSA key of
 * the worker that will compute it, and one to store its results.  If that
 * worker ends, another's key is asked for.  An answer counts if the Gateway
 * signed it with the salt of the request, which is random.
 *
 * A message that does not fit the state of its transaction is a fault of nox.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "hex.h"
#include "keys.h"
#include "log.h"
#include "nox_data.h"
#include "proc.h"

enum nox_state {
	N_ASKING,	/* waits for a worker with a key */
	N_ASKED,	/* for its operands */
	N_READY,	/* has them, waits for its worker */
	N_RUNNING,
	N_STORING,	/* has its results; nox stores them */
};

struct nox {
	enum nox_state	 state;
	struct chain	*chain;
	struct m_nox_task m;
	struct m_word	*words;		/* the program; malloc */
	size_t		 n_words;
	struct program	 program;	/* a view of it */
	const struct m_facts *facts;	/* of its admission */
	struct worker	*worker;	/* from N_ASKED to N_RUNNING */
	uint32_t	 rsa_key;	/* of that worker */
	uint32_t	 ask;		/* number of the request that is to be
					 * answered, or of the next */
	uint8_t		 salt[32];	/* of the last request */
	struct m_nox_operand *operands;	/* malloc */
	struct m_nox_result result;	/* what is known of it */
	LIST_ENTRY(nox)	 same;		/* of its chain's, by its number */
	TAILQ_ENTRY(nox) next;		/* of chain->asking or worker->own */
};

static struct tally unsigned_operands, unsigned_reports, failed[STATUS_MAX];

void
nox_init(void)
{
	uint32_t i, k;

	for (i = 0; i < WORKERS_MAX; i++)
		TAILQ_INIT(&keys.workers[i].own);
	for (i = 0; i < keys.conf.n_chains; i++) {
		TAILQ_INIT(&keys.chains[i].asking);
		for (k = 0; k < BATCH_LISTS; k++)
			LIST_INIT(&keys.chains[i].noxes[k]);
	}
}

static void *
copy_of(const void *from, size_t n, size_t size)
{
	void *p = calloc(n == 0 ? 1 : n, size);

	if (p == NULL)
		fatal("nox: out of memory");
	if (n != 0)
		memcpy(p, from, n * size);
	return p;
}

static struct nox *
find(const struct chain *ch, uint32_t id)
{
	struct nox *x;

	LIST_FOREACH(x, &ch->noxes[id % BATCH_LISTS], same)
		if (x->m.id == id)
			return x;
	return NULL;
}

/* The transaction that a message names, in the state that it needs; NULL: a
 * fault. */
static struct nox *
get(struct chan *c, enum msg_type type, uint32_t id, enum nox_state state)
{
	struct nox *x = find(chain_of(c), id);

	if (x != NULL && x->state == state)
		return x;
	chan_fault(c, type,
	    x == NULL ? "no such transaction" :
			"not in this state of the transaction");
	return NULL;
}

/* Out of every queue, and out of its worker. */
static void
forget(struct nox *x)
{
	struct worker *w = x->worker;
	uint32_t i;

	if (x->state == N_ASKING)
		TAILQ_REMOVE(&x->chain->asking, x, next);
	if (x->state == N_READY)
		TAILQ_REMOVE(&w->own, x, next);
	if (x->state == N_ASKED || x->state == N_READY)
		w->n_promised--;
	for (i = 0; x->state == N_RUNNING && i < w->n_jobs; i++)
		if (w->jobs[i].nox == x)
			w->jobs[i].nox = NULL;
	x->worker = NULL;
}

static void
end(struct nox *x)
{
	forget(x);
	LIST_REMOVE(x, same);
	x->chain->status.tasks--;
	x->chain->status.batches--;
	facts_release(x->facts);
	free(x->operands);
	free(x->words);
	free(x);
}

void
nox_drop_all(struct chain *ch)
{
	uint32_t k;

	for (k = 0; k < BATCH_LISTS; k++)
		while (!LIST_EMPTY(&ch->noxes[k]))
			end(LIST_FIRST(&ch->noxes[k]));
}

void
nox_on_drop(struct chan *c, const struct m_nox_id *m)
{
	struct nox *x = find(chain_of(c), m->id);

	if (x != NULL)	/* or it has ended meanwhile */
		end(x);
}

static void
new_salt(struct nox *x)
{
	if (getrandom(x->salt, sizeof(x->salt), 0) != sizeof(x->salt))
		fatal("getrandom: no salt");
}

/* Did the Gateway sign this in answer to the last request? */
static int
is_gateways(const struct nox *x, const uint8_t hash[32], const uint8_t sig[65])
{
	uint8_t who[20];

	return sign_recover_salted(x->chain, x->salt, hash, sig, who) == 0 &&
	    facts_gateway(x->facts, who);
}

static void
to_transaction(const struct nox *x, struct nox_transaction *t)
{
	memset(t, 0, sizeof(*t));
	t->chain_id = x->m.chain_id;
	t->block_number = x->m.block_number;
	memcpy(t->caller, x->m.caller, 20);
	memcpy(t->hash, x->m.transaction_hash, 32);
}

/* ---- results ----------------------------------------------------------- */

/* Without outputs: it has failed, and ends. */
static void
fail(struct nox *x, uint32_t status)
{
	struct m_nox_result *r = &x->result;
	char hash[17];

	r->status = status;
	if (tally_add(&failed[status], "task: failed", status_text(status)))
		log_info("%stask %s: failed: %s", x->chain->tag,
		    hex_encode(hash, x->m.transaction_hash, 8),
		    status_text(status));
	chan_send(&x->chain->net, M_NOX_RESULT, r, NULL, 0, -1);
	end(x);
}

static void
send_results(struct nox *x, const struct m_nox_value *values, size_t n)
{
	struct m_nox_result *r = &x->result;
	struct nox_transaction t;
	uint8_t hash[32];

	forget(x);
	x->state = N_STORING;
	new_salt(x);
	to_transaction(x, &t);
	nox_result_publishing(&t, hash);
	sign_typed(x->chain, hash, r->signature);
	memcpy(r->salt, x->salt, 32);
	r->status = ST_OK;
	r->signed_at = now_us();
	x->chain->status.signed_results++;
	chan_send(&x->chain->net, M_NOX_RESULT, r, values, n, -1);
}

/* The Gateway's report is signed over the text alone: what it says, nox
 * reads. */
void
nox_on_stored(struct chan *c, const struct m_nox_stored *m)
{
	struct nox *x = get(c, M_NOX_STORED, m->id, N_STORING);
	struct m_nox_ended ended = { m->id, 0 };
	uint8_t hash[32];

	if (x == NULL)
		return;
	if (m->n > NOX_REPORT) {
		chan_fault(c, M_NOX_STORED, "length of the report");
		return;
	}
	nox_result_report(m->report, m->n, hash);
	ended.is_valid = (uint32_t)is_gateways(x, hash, m->signature);
	if (!ended.is_valid &&
	    tally_add(&unsigned_reports, "report: refused", "not signed"))
		log_warn("%sreport: refused: not signed by the Gateway of the "
			 "contract",
		    x->chain->tag);
	chan_send(c, M_NOX_ENDED, &ended, NULL, 0, -1);
	end(x);
}

/* ---- jobs -------------------------------------------------------------- */

void
nox_on_rsa_key(struct chan *c, const struct m_rsa_key *m)
{
	struct worker *w = &keys.workers[c->index];

	if (m->number != w->rsa.number + 1) {
		chan_fault(c, M_RSA_KEY, "number");
		return;
	}
	w->rsa = *m;
}

/* May this worker be promised another job?  It has a key, unless none is
 * needed, and does not exit before. */
static int
is_free(const struct worker *w, int needs_key)
{
	const uint32_t index = (uint32_t)(w - keys.workers);

	return w->chan.fd != -1 && !w->chan.is_broken && w->spent == 0 &&
	    index < keys.conf.workers &&
	    w->n_given + w->n_promised < proc_worker_jobs(&keys.conf, index) &&
	    (!needs_key || w->rsa.number != 0);
}

/* The one with the fewest jobs; NULL: none. */
static struct worker *
choose_worker(int needs_key)
{
	struct worker *w, *best = NULL;

	for (w = keys.workers; w < keys.workers + WORKERS_MAX; w++)
		if (is_free(w, needs_key) &&
		    (best == NULL ||
			w->n_promised + w->n_jobs <
			    best->n_promised + best->n_jobs))
			best = w;
	return best;
}

static void
make_ready(struct nox *x)
{
	x->state = N_READY;
	x->result.verified_at = now_us();
	TAILQ_INSERT_TAIL(&x->worker->own, x, next);
}

static void
send_request(struct nox *x)
{
	const struct worker *w = x->worker;
	struct nox_transaction t;
	struct m_nox_ask m;
	uint8_t hash[32];

	memset(&m, 0, sizeof(m));
	new_salt(x);
	x->rsa_key = w->rsa.number;
	m.id = x->m.id;
	m.ask = x->ask;
	m.admitted_at = now_us();
	memcpy(m.salt, x->salt, 32);
	memcpy(m.spki, w->rsa.spki, NOX_SPKI);
	to_transaction(x, &t);
	nox_operand_access(&t, (const uint8_t(*)[32])x->program.inputs,
	    x->program.shape.n_inputs, m.spki, NOX_SPKI, hash);
	sign_typed(x->chain, hash, m.signature);
	chan_send(&x->chain->net, M_NOX_ASK, &m, NULL, 0, -1);
}

/* x is in no queue. */
static void
ask(struct nox *x)
{
	const int needs_key = x->program.shape.n_inputs != 0;

	if ((x->worker = choose_worker(needs_key)) == NULL) {
		x->state = N_ASKING;
		TAILQ_INSERT_TAIL(&x->chain->asking, x, next);
		return;
	}
	x->worker->n_promised++;
	x->state = N_ASKED;
	if (needs_key)
		send_request(x);
	else
		make_ready(x);
}

static void
ask_again(struct nox *x)
{
	forget(x);
	free(x->operands);
	x->operands = NULL;
	x->ask++;
	ask(x);
}

/* A worker has its key and the one before it. */
static int
is_key_lost(const struct nox *x)
{
	return x->rsa_key != 0 && x->worker->rsa.number > x->rsa_key + 1;
}

static int
give(struct worker *w, struct nox *x)
{
	static struct m_word rows[NOX_JOB_WORDS];
	const size_t n_inputs = x->program.shape.n_inputs;
	const uint32_t number = job_number();
	struct m_nox_job m;
	int sent;

	memset(&m, 0, sizeof(m));
	m.chain_id = x->m.chain_id;
	m.job = number;
	m.rsa_key = x->rsa_key;
	m.shape = x->program.shape;
	memcpy(m.kms_key, x->facts->kms_key, 33);
	memcpy(rows, x->words, x->n_words * sizeof(rows[0]));
	if (n_inputs != 0)
		memcpy(rows + x->n_words, x->operands,
		    n_inputs * sizeof(x->operands[0]));
	sent = chan_try(
	    &w->chan, M_NOX_JOB, &m, rows, x->n_words + n_inputs * NOX_WORDS);
	if (sent != 1)
		return job_not_taken(w, sent);
	forget(x);
	x->worker = w;
	x->state = N_RUNNING;
	x->result.worker = w->chan.index + 1;
	x->result.started_at = now_us();
	job_begin(w, NULL, x, number);
	return 1;
}

/* Does a task of another protocol wait for any worker?  Then a worker that had
 * a transaction last takes that first. */
static int
do_others_wait(void)
{
	uint32_t i;

	for (i = 0; i < keys.conf.n_chains; i++)
		if (!TAILQ_EMPTY(&keys.chains[i].ready))
			return 1;
	return 0;
}

static int
takes_one(const struct worker *w, int others_wait)
{
	return w->takers != NULL && w->n_jobs < WORKER_QUEUE &&
	    !(others_wait && w->had_nox);
}

void
nox_work(void)
{
	const int others_wait = do_others_wait();
	struct nox *x, *next;
	struct worker *w;
	uint32_t i;

	for (i = 0; i < keys.conf.n_chains; i++)
		for (x = TAILQ_FIRST(&keys.chains[i].asking);
		     x != NULL && choose_worker(1) != NULL; x = next) {
			next = TAILQ_NEXT(x, next);
			forget(x);
			ask(x);
		}
	for (w = keys.workers; w < keys.workers + WORKERS_MAX; w++)
		while (takes_one(w, others_wait) &&
		    (x = TAILQ_FIRST(&w->own)) != NULL)
			if (is_key_lost(x))
				ask_again(x);
			else if (!give(w, x))
				break;
}

void
nox_job_lost(struct nox *x)
{
	log_warn("%sworker %u: lost: its task is asked for again",
	    x->chain->tag, x->result.worker - 1);
	ask_again(x);
}

/* Those that it was promised; it takes no job any more. */
void
nox_worker_lost(struct worker *w)
{
	struct nox *x, *next;
	uint32_t i, k;

	if (w->n_promised == 0)
		return;
	for (i = 0; i < keys.conf.n_chains; i++)
		for (k = 0; k < BATCH_LISTS; k++)
			for (x = LIST_FIRST(&keys.chains[i].noxes[k]);
			     x != NULL; x = next) {
				next = LIST_NEXT(x, same);
				if (x->worker == w && x->state != N_RUNNING)
					ask_again(x);
			}
}

void
nox_row(struct m_worker *row, const struct nox *x, const struct chain *ch)
{
	if (x->chain == ch)
		row->batch = x->m.id;
}

/* Exactly the outputs of the transaction, as long as their types are: NULL, or
 * the fault. */
static const char *
outputs_fault(const struct nox *x, const struct msg *msg)
{
	const struct m_nox_value *v = msg->rows;
	const uint8_t *handle;
	size_t i;

	if (msg->n_rows != x->program.shape.n_outputs)
		return "number of outputs";
	for (i = 0; i < msg->n_rows; i++) {
		handle = x->program.outputs[i].b;
		if (memcmp(v[i].handle, handle, 32) != 0)
			return "not the transaction's output";
		if (v[i].len != type_size(handle_type(handle)) + 16)
			return "length of an output";
	}
	return NULL;
}

static const char *
answer_fault(const struct nox *x, const struct msg *msg)
{
	const struct m_job_done *m = msg->payload;

	if (m->status == ST_OK)
		return outputs_fault(x, msg);
	if (msg->n_rows != 0)
		return "outputs of a failed task";
	if (!status_by(m->status, RESULT_COMPUTE) ||
	    m->status == ST_KMS_NODE_FAULT || m->fault != FAULT_NONE)
		return "status";
	if ((m->status == ST_OPERAND_MALFORMED ||
		m->status == ST_GRANT_INVALID) &&
	    m->operand >= x->program.shape.n_inputs)
		return "operand";
	return NULL;
}

void
nox_on_done(struct chan *c, const struct msg *msg)
{
	const struct m_job_done *m = msg->payload;
	struct worker *w = &keys.workers[c->index];
	const struct job *j = job_answered(w, M_NOX_DONE, m);
	const char *wrong;
	struct nox *x;

	if (j == NULL)
		return;
	x = j->nox;
	if (x != NULL && (wrong = answer_fault(x, msg)) != NULL) {
		chan_fault(c, M_NOX_DONE, wrong);
		return;
	}
	if (x != NULL) {	/* or it was dropped meanwhile */
		x->result.computed_at = now_us();
		x->result.operand = m->operand;
		if (m->status == ST_OK)
			send_results(x, msg->rows, msg->n_rows);
		else
			fail(x, m->status);
	}
	job_ended(w);
}

/* ---- from nox ---------------------------------------------------------- */

/* ST_OK, or the reason why it is refused now. */
static uint32_t
acceptable(const struct chain *ch, const struct m_nox_task *m)
{
	if (!trust_serves(ch))
		return ST_NOT_SERVING;
	if (m->chain_id != ch->conf->chain_id)
		return ST_WRONG_CHAIN;
	return ch->status.tasks >= ch->max_tasks ? ST_BUSY : ST_OK;
}

/* View the program, which nox has checked: NULL, or what is wrong with it. */
static const char *
take_program(struct nox *x)
{
	const struct p_shape *s = &x->m.shape;
	struct program *p = &x->program;
	size_t op;

	if (s->n_inputs > NOX_INPUTS)
		return "more inputs than a request may have";
	if (program_view(p, s, x->words, x->n_words) != 0 ||
	    program_check_nox(p, x->chain->conf->chain_id, &op) != ST_OK)
		return "program that nox must have refused";
	return NULL;
}

void
nox_on_task(struct chan *c, const struct msg *msg)
{
	const struct m_nox_task *m = msg->payload;
	struct chain *ch = chain_of(c);
	struct m_nox_refused r = { m->id, acceptable(ch, m) };
	const char *wrong;
	struct nox *x;

	if (find(ch, m->id) != NULL) {
		chan_fault(c, M_NOX_TASK, "number is in use");
		return;
	}
	if (r.status != ST_OK) {
		chan_send(c, M_NOX_REFUSED, &r, NULL, 0, -1);
		return;
	}
	x = copy_of(NULL, 0, sizeof(*x));
	x->chain = ch;
	x->m = *m;
	x->n_words = msg->n_rows;
	x->words = copy_of(msg->rows, msg->n_rows, sizeof(*x->words));
	if ((wrong = take_program(x)) != NULL) {
		free(x->words);
		free(x);
		chan_fault(c, M_NOX_TASK, wrong);
		return;
	}
	x->facts = facts_hold(ch);
	x->result.id = m->id;
	x->ask = 1;
	LIST_INSERT_HEAD(&ch->noxes[m->id % BATCH_LISTS], x, same);
	ch->status.tasks++;
	ch->status.batches++;
	ask(x);
}

static int
is_signed(const struct nox *x, const struct m_nox_grant *m,
    const struct m_nox_operand *rows, size_t n)
{
	static struct nox_operand list[NOX_INPUTS];
	uint8_t hash[32];
	size_t i;

	for (i = 0; i < n; i++) {
		memcpy(list[i].handle, rows[i].handle, 32);
		memcpy(list[i].iv, rows[i].nonce, 12);
		list[i].ciphertext = rows[i].ciphertext;
		list[i].n_ciphertext = rows[i].len;
		list[i].secret = rows[i].secret;
		list[i].n_secret = NOX_RSA;
	}
	nox_compute_operands(list, n, hash);
	return is_gateways(x, hash, m->signature);
}

/* In order, each once, and none that was not asked for. */
static int
are_inputs(const struct nox *x, const struct m_nox_operand *rows, size_t n)
{
	size_t i;

	if (n != x->program.shape.n_inputs)
		return 0;
	for (i = 0; i < n; i++)
		if (memcmp(rows[i].handle, x->program.inputs[i].b, 32) != 0)
			return 0;
	return 1;
}

void
nox_on_grant(struct chan *c, const struct msg *msg)
{
	const struct m_nox_grant *m = msg->payload;
	const struct m_nox_operand *rows = msg->rows;
	struct nox *x = find(chain_of(c), m->id);
	size_t i;

	/* It answers a request that was replaced, or will be: its worker has
	 * ended. */
	if (x != NULL && m->ask < x->ask && m->ask != 0)
		return;
	if ((x = get(c, M_NOX_GRANT, m->id, N_ASKED)) == NULL)
		return;
	if (m->ask != x->ask) {
		chan_fault(c, M_NOX_GRANT, "no such request");
		return;
	}
	for (i = 0; i < msg->n_rows; i++)
		if (rows[i].len > CIPHER_MAX) {
			chan_fault(c, M_NOX_GRANT, "length of an operand");
			return;
		}
	if (!are_inputs(x, rows, msg->n_rows) ||
	    !is_signed(x, m, rows, msg->n_rows)) {
		if (tally_add(&unsigned_operands, "operands: refused",
			"not those that were asked for, or not signed"))
			log_warn("%soperands: refused: not those that were "
				 "asked for, or not signed by the Gateway of "
				 "the contract",
			    x->chain->tag);
		fail(x, ST_GRANT_INVALID);
		return;
	}
	x->operands = copy_of(rows, msg->n_rows, sizeof(*rows));
	make_ready(x);
}
