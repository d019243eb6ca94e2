/* SPDX-License-Identifier: Apache-2.0
 *
 * Results that wait to be committed to on the chain: a queue for each chain
 * that has `publish yes'.  Runs in keys.  Each result was signed and sent to
 * the Orchestrator before.  Here results are grouped again and signed as one
 * TaskResultBatch: this signature is all that the contract needs to know which
 * Runner they come from.
 */
#include <string.h>

#include "calldata.h"
#include "keccak.h"
#include "keys.h"
#include "log.h"
#include "typed_data.h"

#define PUBLISH_TRIES	3
#define QUEUE		1024	/* outputs; more than that are not published */
/* Gas for a publication without its data, with a third to spare: two words of
 * storage and an event for each task. */
#define GAS		80000
#define GAS_TASK	80000
#define GAS_OUTPUT	8000

struct publish {
	uint64_t	 since;		/* of the first that waits;
					 * milliseconds */
	size_t		 n_tasks, n_outputs;
	size_t		 sent;		/* of the first tasks: in a
					 * transaction */
	unsigned	 tries;		/* of those: nonces whose end nobody
					 * knows */
	int		 is_full;
	struct call_task tasks[QUEUE];
	uint8_t		 hashes[QUEUE][32];
	uint64_t	 epochs[QUEUE];
	struct call_output outputs[QUEUE];
};

void
publish_init(void)
{
	static struct publish queues[CONF_CHAINS];
	size_t i;

	for (i = 0; i < keys.conf.n_chains; i++)
		if (keys.chains[i].conf->publish)
			keys.chains[i].publish = &queues[i];
}

static void
publish_full(struct chain *ch)
{
	ch->status.publish_dropped++;
	if (!ch->publish->is_full)
		log_warn("%spublish: queue is full (%d outputs): new results "
			 "are not published",
		    ch->tag, QUEUE);
	ch->publish->is_full = 1;
}

/* Take out n tasks from the i-th on. */
static void
publish_remove(struct chain *ch, size_t i, size_t n)
{
	struct publish *p = ch->publish;
	size_t j, before = 0, outputs = 0;

	for (j = 0; j < i + n; j++)
		*(j < i ? &before : &outputs) += p->tasks[j].n_outputs;
	p->n_tasks -= n;
	p->n_outputs -= outputs;
	memmove(p->tasks + i, p->tasks + i + n,
	    (p->n_tasks - i) * sizeof(p->tasks[0]));
	memmove(p->hashes + i, p->hashes + i + n,
	    (p->n_tasks - i) * sizeof(p->hashes[0]));
	memmove(p->epochs + i, p->epochs + i + n,
	    (p->n_tasks - i) * sizeof(p->epochs[0]));
	memmove(p->outputs + before, p->outputs + before + outputs,
	    (p->n_outputs - before) * sizeof(p->outputs[0]));
	ch->status.publish_waiting = p->n_tasks;
}

/* An earlier attempt at this task that waits: its result was not stored, or
 * there would be no other attempt. */
static void
publish_forget_attempt(struct chain *ch, const uint8_t id[32])
{
	struct publish *p = ch->publish;
	size_t i;

	for (i = p->sent; i < p->n_tasks; i++)
		if (memcmp(p->tasks[i].id, id, 32) == 0) {
			publish_remove(ch, i, 1);
			return;
		}
}

void
publish_add(struct chain *ch, const struct task *t, const uint8_t hash[32])
{
	struct publish *p = ch->publish;
	const size_t n = t->program.shape.n_outputs;
	struct call_output *o;
	size_t i;

	if (p == NULL || t->status != ST_OK)
		return;
	publish_forget_attempt(ch, t->m.id);
	if (p->n_tasks == QUEUE || n > QUEUE - p->n_outputs) {
		publish_full(ch);
		return;
	}
	if (p->n_tasks == 0)
		p->since = now_ms();
	for (i = 0; i < n; i++) {
		o = &p->outputs[p->n_outputs++];
		memcpy(o->handle, t->outputs[i].handle, 32);
		memcpy(o->key, t->outputs[i].key, 33);
		memcpy(o->nonce, t->outputs[i].nonce, 12);
		keccak256(t->outputs[i].ciphertext, t->outputs[i].len, o->hash);
	}
	memcpy(p->hashes[p->n_tasks], hash, 32);
	p->epochs[p->n_tasks] = t->batch->facts->kms_epoch;
	memcpy(p->tasks[p->n_tasks].id, t->m.id, 32);
	p->tasks[p->n_tasks].attempt = t->m.attempt;
	p->tasks[p->n_tasks++].n_outputs = (uint32_t)n;
	ch->status.publish_waiting = p->n_tasks;
	/* net must know before the last batch ends, while it drains. */
	ch->status_due = 1;
}

/* How many of the first tasks go into one transaction, which is of one epoch;
 * *outputs of them. */
static size_t
publish_first(const struct publish *p, size_t *outputs)
{
	size_t n;

	*outputs = 0;
	for (n = 0; n < p->n_tasks && n < BATCH_TASKS &&
	     p->epochs[n] == p->epochs[0] &&
	     p->tasks[n].n_outputs <= TASK_OUTPUTS - *outputs;
	     n++)
		*outputs += p->tasks[n].n_outputs;
	return n;
}

size_t
publish_call(struct chain *ch, uint8_t *out, uint64_t *gas)
{
	struct publish *p = ch->publish;
	uint8_t hash[32], signature[65];
	size_t n, outputs;

	if (p == NULL || p->n_tasks == 0)
		return 0;
	n = publish_first(p, &outputs);
	/* A transaction's worth, or some that have waited, or the last. */
	if (n == p->n_tasks && n < BATCH_TASKS && !trust_is_draining() &&
	    now_ms() < p->since + 1000 * ch->conf->publish_interval)
		return 0;
	p->sent = n;
	td_task_result_batch(
	    p->epochs[0], (const uint8_t(*)[32])p->hashes, n, hash);
	sign_typed(ch, hash, signature);
	*gas = GAS + n * GAS_TASK + outputs * GAS_OUTPUT;
	return calldata_publish(
	    p->epochs[0], p->tasks, n, p->outputs, signature, out);
}

/* Not known to be on the chain, but it may have been paid for: after
 * PUBLISH_TRIES it is given up. */
static int
publish_again(struct chain *ch, enum tx_status status)
{
	struct publish *p = ch->publish;

	if (status != TX_UNKNOWN || ++p->tries < PUBLISH_TRIES)
		return status == TX_UNKNOWN;
	log_err("%spublish: %zu results: gave up after %u transactions: none "
		"is known to be mined",
	    ch->tag, p->sent, p->tries);
	return 0;
}

void
publish_unsent(struct chain *ch)
{
	ch->publish->sent = 0;
}

/* For net's timelines. */
static void
publish_tell(struct chain *ch, size_t n, uint64_t nonce)
{
	const struct m_published m = { nonce };
	struct m_task_id rows[BATCH_TASKS];
	size_t i;

	for (i = 0; i < n; i++) {
		memcpy(rows[i].id, ch->publish->tasks[i].id, 32);
		rows[i].attempt = ch->publish->tasks[i].attempt;
	}
	if (ch->net.fd != -1)
		chan_send(&ch->net, M_PUBLISHED, &m, rows, n, -1);
}

void
publish_ended(struct chain *ch, enum tx_status status, uint64_t nonce)
{
	struct publish *p = ch->publish;
	const int is_again = publish_again(ch, status);
	const size_t n = is_again ? 0 : p->sent;

	p->sent = 0;
	if (is_again)
		return;
	p->tries = 0;
	if (status == TX_SUCCEEDED) {
		ch->status.published += n;
		publish_tell(ch, n, nonce);
	} else
		ch->status.publish_dropped += n;
	publish_remove(ch, 0, n);
	p->since = now_ms();
	p->is_full = 0;
}
