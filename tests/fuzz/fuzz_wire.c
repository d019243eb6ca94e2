/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzzer of the messages that net takes from the network: the first byte
 * chooses OrchestratorMessage or OperandGrantBatch, the rest is its protobuf.
 * A task that wire_task accepts must be a program that keys accepts.  Build it
 * with clang -fsanitize=fuzzer,address,undefined.
 */
#include <stdlib.h>

#include "builder.h"
#include "wire.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
fuzz_batch(const uint8_t *data, size_t size)
{
	static struct m_word words[PROGRAM_WORDS];
	static struct builder b;
	Teerunner__V1__OrchestratorMessage *m;
	struct program p;
	struct m_task t;
	size_t i, n, op;

	m = teerunner__v1__orchestrator_message__unpack(NULL, size, data);
	if (m == NULL)
		return;
	if (m->body_case == TEERUNNER__V1__ORCHESTRATOR_MESSAGE__BODY_BATCH)
		for (i = 0; i < m->batch->n_tasks; i++) {
			if (wire_task(m->batch->tasks[i], &t, &b, &op) != ST_OK)
				continue;
			n = builder_words(&b, words);
			if (program_view(&p, &t.shape, words, n) != 0 ||
			    program_check_flow(&p) != ST_OK)
				abort();
		}
	teerunner__v1__orchestrator_message__free_unpacked(m, NULL);
}

static void
fuzz_grant(const uint8_t *data, size_t size)
{
	static struct m_value operands[TASK_INPUTS];
	static struct m_partial partials[TASK_INPUTS];
	Teerunner__V1__OperandGrantBatch *m;
	Teerunner__V1__OperandGrant *g;
	struct m_grant_task t;
	struct m_grant_seal s;
	size_t i, j;

	m = teerunner__v1__operand_grant_batch__unpack(NULL, size, data);
	if (m == NULL)
		return;
	for (i = 0; i < m->n_grants; i++) {
		g = m->grants[i];
		if (wire_grant(g, &t, operands) != 0)
			continue;
		for (j = 0; j < g->n_seals; j++)
			(void)wire_seal(
			    g->seals[j], g->n_operands, &s, partials);
	}
	teerunner__v1__operand_grant_batch__free_unpacked(m, NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	if (data[0] & 1)
		fuzz_grant(data + 1, size - 1);
	else
		fuzz_batch(data + 1, size - 1);
	return 0;
}
