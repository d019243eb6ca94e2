/* SPDX-License-Identifier: Apache-2.0
 *
 * The job at hand, in compute: its program, its secrets, its execution.
 */
#include <string.h>

#include "ecies.h"
#include "exec.h"
#include "keypool.h"
#include "secret.h"
#include "work.h"

/* More stack than any function that a job calls uses. */
#define SCRUB		(24 * 1024)

struct work *work;
struct program work_program;

/* Public data: anyone may read the program. */
static struct m_word words[PROGRAM_WORDS];	/* work_program points here */

void
work_init(void)
{
	work = secret_alloc(sizeof(*work));
	keypool_init();
}

const char *
work_load(const struct work_kind *kind, const uint8_t kms_key[33],
    const struct p_shape *shape, const struct m_word *rows, size_t n)
{
	const size_t n_operands = shape->n_inputs;
	const size_t n_words = kind->size / sizeof(*rows);
	const uint8_t *operand = kind->operands;
	size_t i;

	if (keypool_use(kms_key) != 0)
		return "the KMS key is no point";
	if (n_operands > kind->max || n < n_operands * n_words)
		return "not an operand for each input";
	n -= n_operands * n_words;
	if (n > PROGRAM_WORDS)
		return "program is too long";
	memcpy(words, rows, n * sizeof(*rows));
	if (program_view(&work_program, shape, words, n) != 0)
		return "not a program";
	memcpy(kind->operands, rows + n, n_operands * kind->size);
	for (i = 0; i < n_operands; i++, operand += kind->size)
		if (memcmp(operand, work_program.inputs[i].b, 32) != 0)
			return "an operand of another handle";
	return NULL;
}

uint32_t
work_run(const struct work_kind *kind, struct m_job_done *done)
{
	const struct program *p = &work_program;
	uint32_t i, st = ST_OK;

	for (i = 0; i < p->shape.n_inputs && st == ST_OK; i++)
		st = kind->open(i, done);
	if (st != ST_OK)
		return st;
	exec_program(p, work->inputs, work->outputs);
	for (i = 0; i < p->shape.n_outputs && st == ST_OK; i++)
		st = kind->seal(i, p->outputs[i].b);
	return st;
}

uint32_t
work_seal(size_t i, const uint8_t handle[32], size_t aad_len,
    const struct work_sealed *to)
{
	const uint8_t type = handle_type(handle);
	const size_t n = type_size(type);
	uint8_t *plain = work->plain + VALUE_MAX - n;

	memset(work->plain, 0, sizeof(work->plain));
	value_store(type, work->outputs[i], plain);
	*to->len = (uint8_t)(n + GCM_TAG);
	if (keypool_take(to->key, work->key) != 0 ||
	    ecies_seal_with(work->key, handle, aad_len, plain, n, to->nonce,
		to->ciphertext) != 0)
		return ST_INTERNAL;
	return ST_OK;
}

/* Overwrite the stack that the functions called before have used. */
static __attribute__((noinline)) void
scrub_stack(void)
{
	uint8_t below[SCRUB];

	secret_wipe(below, sizeof(below));
}

void
work_wipe(void)
{
	secret_wipe(work, sizeof(*work));
	scrub_stack();
}
