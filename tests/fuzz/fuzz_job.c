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

/* The next n bytes; fewer if there are no more, and zeros for them. */
static void
take(const uint8_t **data, size_t *size, void *to, size_t n)
{
	const size_t has = n < *size ? n : *size;

	memset(to, 0, n);
	memcpy(to, *data, has);
	*data += has;
	*size -= has;
}

/* Seals; the partials exactly as many as stated, so that a read past the end
 * shows. */
static void
feed(const uint8_t *data, size_t size, size_t n)
{
	struct m_partial *partials = malloc(n * sizeof(*partials) + 1);
	const char *why = NULL;
	struct m_job_seal seal;
	struct m_job_done done;
	size_t n_values;

	while (partials != NULL && why == NULL && !job_is_complete()) {
		take(&data, &size, &seal, sizeof(seal));
		take(&data, &size, partials, n * sizeof(*partials));
		why = job_seal(&seal, partials, n);
	}
	if (partials != NULL && why == NULL) {
		job_run(&done, &n_values);
		if (n_values > TASK_OUTPUTS || done.job == 0)
			abort();
	}
	free(partials);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct m_word *words;
	struct m_job job;
	uint8_t n[2];

	init();
	take(&data, &size, &job, sizeof(job));
	take(&data, &size, n, sizeof(n));
	job.job |= 1;
	if ((words = malloc(n[0] * sizeof(*words) + 1)) == NULL)
		return 0;
	take(&data, &size, words, n[0] * sizeof(*words));
	if (job_start(&job, words, n[0]) == NULL)
		feed(data, size, n[1]);
	free(words);
	return 0;
}
