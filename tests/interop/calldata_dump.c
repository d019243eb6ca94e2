/* SPDX-License-Identifier: Apache-2.0
 *
 * Calls of the Registry's contract, encoded by src/crypto, with the fields that
 * they were made of: a JSON object a line, for calldata.mjs.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "calldata.h"

static uint64_t seed = 0x9e3779b97f4a7c15;
static uint8_t data[CALLDATA_MAX];

static uint64_t
number(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static void
fill(void *b, size_t n)
{
	uint8_t *p = b;

	while (n-- > 0)
		*p++ = (uint8_t)number();
}

static void
hex(const char *before, const void *b, size_t n, const char *behind)
{
	const uint8_t *p = b;

	printf("%s\"0x", before);
	while (n-- > 0)
		printf("%02x", *p++);
	printf("\"%s", behind);
}

static void
dump_register(size_t verifier)
{
	struct m_register r;
	struct m_verdict v;
	size_t i;

	fill(&r, sizeof(r));
	fill(&v, sizeof(v));
	r.tee_type &= 0xff;
	v.verdict &= 0xff;
	v.n_verifier = (uint8_t)verifier;
	for (i = 0; i < verifier; i++)
		v.verifier[i] = (char)('a' + i % 26);
	hex("{\"call\":\"register\",\"arguments\":[[", r.runner, 20, ",");
	hex("", r.public_key, 33, ",");
	printf("%u,", r.tee_type);
	hex("", r.evidence_hash, 32, ",");
	hex("", r.configuration_hash, 32, ",");
	printf("\"%llu\",\"%llu\"],", (unsigned long long)r.sequence,
	    (unsigned long long)r.valid_until);
	hex("", r.signature, 65, ",[");
	hex("", v.measurement, 32, ",");
	printf("%u,\"%.*s\",", v.verdict, (int)verifier, v.verifier);
	hex("", v.signature, 65, "]],");
	hex("\"data\":", data, calldata_register(&r, &v, data), "}\n");
}

/* tasks with so many outputs each; `last' of the last. */
static void
dump_publish(size_t n, uint32_t each, uint32_t last)
{
	static struct call_output outputs[TASK_OUTPUTS], *o = outputs;
	struct call_task tasks[BATCH_TASKS];
	uint8_t signature[65];
	size_t i, k;

	fill(tasks, sizeof(tasks));
	fill(outputs, sizeof(outputs));
	fill(signature, sizeof(signature));
	printf(
	    "{\"call\":\"publish\",\"arguments\":[\"%zu\",[", UINT64_MAX - n);
	for (i = 0, o = outputs; i < n; i++) {
		tasks[i].n_outputs = i + 1 == n ? last : each;
		hex(i == 0 ? "[" : ",[", tasks[i].id, 32, ",");
		printf("%u,0,[", tasks[i].attempt);
		for (k = 0; k < tasks[i].n_outputs; k++, o++) {
			hex(k == 0 ? "[" : ",[", o->handle, 32, ",");
			hex("", o->key, 33, ",");
			hex("", o->nonce, 12, ",");
			hex("", o->hash, 32, "]");
		}
		printf("]]");
	}
	hex("],", signature, 65, "],");
	hex("\"data\":", data,
	    calldata_publish(
		UINT64_MAX - n, tasks, n, outputs, signature, data),
	    "}\n");
}

int
main(void)
{
	size_t i;

	for (i = 0; i <= VERIFIER_MAX; i++)
		dump_register(i);
	for (i = 1; i <= BATCH_TASKS; i++)
		dump_publish(i, 1, 1);
	for (i = 0; i <= TASK_OUTPUTS; i += 8)
		dump_publish(1, 0, (uint32_t)i);
	dump_publish(BATCH_TASKS, 4, 4);	/* all that fits */
	dump_publish(BATCH_TASKS, 1, TASK_OUTPUTS - BATCH_TASKS + 1);
	dump_publish(7, 3, 0);
	return 0;
}
