/* SPDX-License-Identifier: Apache-2.0
 *
 * proto/status.def as text: names and classes of the ways in which a task ends,
 * and the reasons why a Runner does not serve.  Linked into every process that
 * handles programs (libprogram.a).
 */
#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <string.h>

#include "payload.h"
#include "status.h"

static const struct row {
	uint32_t		 number;
	enum status_class	 class;
	uint32_t		 who;	/* enum status_who */
	const char		*name, *text;
} rows[] = {
#define STATUS(number, name, class, who, text)				\
	{ number, CLASS_##class, who, #name, text },
#include "status.def"
#undef STATUS
};

static const struct row *
find(uint32_t number)
{
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].number == number)
			return &rows[i];
	return NULL;
}

const char *
status_name(uint32_t number)
{
	const struct row *r = find(number);

	return r == NULL ? NULL : r->name;
}

const char *
status_text(uint32_t number)
{
	const struct row *r = find(number);

	return r == NULL ? NULL : r->text;
}

enum status_class
status_class(uint32_t number)
{
	const struct row *r = find(number);

	return r == NULL ? CLASS_TERMINAL : r->class;
}

int
status_by(uint32_t number, uint32_t who)
{
	const struct row *r = find(number);

	return r != NULL && (r->who & who) != 0;
}

const char *
status_class_name(uint32_t number)
{
	static const char *const names[] = {
		[CLASS_DONE] = "done",
		[CLASS_RETRYABLE] = "retryable",
		[CLASS_WAITING] = "waiting",
		[CLASS_TERMINAL] = "terminal",
	};

	return names[status_class(number)];
}

static const struct {
	const char *name, *text;
} whys[WHYS] = {
	[WHY_NONE] = { "none", "" },
	[WHY_NO_FACTS] = { "no-facts", "the Registry has not been read yet" },
	[WHY_FACTS_OLD] = { "facts-old",
	    "the Registry was not read within registry-max-age" },
	[WHY_BLOCK_OLD] = { "block-old",
	    "the newest block is older than registry-max-age: the chain or its "
	    "endpoints have stopped, or the system's clock is ahead" },
	[WHY_PIN] = { "pin", "the Registry's KMS key is not pin-kms-key" },
	[WHY_FORGED] = { "forged",
	    "the Registry shows a registration that this Runner did not sign" },
	[WHY_CLOCK] = { "clock",
	    "the system's clock disagrees with the chain or the Orchestrator" },
	[WHY_NO_EVIDENCE] = { "no-evidence",
	    "the TEE has not provided evidence yet" },
	[WHY_NOT_REGISTERED] = { "not-registered",
	    "registration pending, expired or revoked" },
	[WHY_NO_WORKER] = { "no-worker", "no compute process is ready" },
	[WHY_NO_KEYS] = { "no-keys", "keys is not ready" },
	[WHY_STOPPING] = { "stopping", "shutting down" },
	[WHY_DRAINED] = { "drained",
	    "drained by an operator: tee-runnerctl resume ends this" },
	[WHY_NO_STREAM] = { "no-stream", "not connected to the Orchestrator" },
};

const char *
why_name(uint32_t why)
{
	return why < WHYS ? whys[why].name : "?";
}

const char *
why_text(uint32_t why)
{
	return why < WHYS ? whys[why].text : "?";
}

const char *
gas_text(uint32_t state)
{
	static const char *const texts[] = {
		[GAS_NONE] = "no gas account",
		[GAS_READY] = "ready",
		[GAS_PENDING] = "transaction pending",
		[GAS_NO_FUNDS] = "gas account: insufficient funds",
		[GAS_FEE_TOO_HIGH] = "gas account: fees exceed gas-max-fee",
	};

	return state < sizeof(texts) / sizeof(texts[0]) ? texts[state] : "?";
}

const char *
quote_text(uint32_t error)
{
	switch (error) {
	case ENODATA: return "empty quote";
	case ESTALE: return "quote over other report data";
	case EBADMSG: return "malformed quote";
	default: return error <= INT_MAX ? strerror((int)error) : "?";
	}
}

const char *
refusal_text(uint32_t verdict)
{
	switch (verdict) {
	case VERDICT_REFUSED: return "the registrar refused the evidence";
	case VERDICT_UNDECIDED:
		return "the registrar could not decide: it lacks collateral";
	case VERDICT_REVERTED: return "the Registry reverted it";
	default: return "the registrar refused it";
	}
}
