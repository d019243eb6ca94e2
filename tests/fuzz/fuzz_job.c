/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzzer of the records that a worker takes from keys: a JOB with its words,
 * then its operands, of fixed size and with any content.  The answer of job_run
 * must fit its record.  Build it with clang
 * -fsanitize=fuzzer,address,undefined.
 */
#include <stdlib.h>
#include <string.h>

#include "chan.h"
#include "ecies.h"
#include "job.h"
#include "secp.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

const msg_handler handlers[M_TYPES];

static void
init(void)
{
	static int done;

	if (done)
		return;
	done = 1;
	secp_init(NULL);
	ecies_init();
	job_init();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct m_operand operands[TASK_INPUTS];
	struct m_job_done done;
	struct m_word *words;
	struct m_job job;
	size_t n, n_words, n_operands;

	init();
	if (size < sizeof(job) + 2)
		return 0;
	memcpy(&job, data, sizeof(job));
	n_words = data[sizeof(job)];
	n_operands = data[sizeof(job) + 1];
	data += sizeof(job) + 2;
	size -= sizeof(job) + 2;
	if (n_words > size / sizeof(*words))
		n_words = size / sizeof(*words);
	/* Exactly as large as stated, so that a read past the end shows. */
	if ((words = malloc(n_words * sizeof(*words) + 1)) == NULL)
		return 0;
	memcpy(words, data, n_words * sizeof(*words));
	data += n_words * sizeof(*words);
	size -= n_words * sizeof(*words);
	memset(operands, 0, sizeof(operands));
	memcpy(
	    operands, data, size < sizeof(operands) ? size : sizeof(operands));
	if (n_words <= PROGRAM_WORDS &&
	    job_start(&job, words, n_words) == NULL &&
	    job_run(operands, n_operands, &done, &n) == NULL &&
	    n > TASK_OUTPUTS)
		abort();
	free(words);
	return 0;
}
