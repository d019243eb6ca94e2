/* SPDX-License-Identifier: Apache-2.0
 *
 * proto/status.def as text: names and classes of the ways in which a task
 * ends; and why a Runner does not serve.  Linked into every process that handles programs (libprogram.a).
 */
#include <stddef.h>

#include "program.h"

static const struct row {
	uint32_t		 number;
	enum status_class	 class;
	const char		*name, *text;
} rows[] = {
#define STATUS(number, name, class, text)				\
	{ number, CLASS_##class, #name, text },
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

const char *
status_class_name(uint32_t number)
{
	static const char *const names[] = {
		[CLASS_DONE] = "done", [CLASS_RETRYABLE] = "retryable",
		[CLASS_WAITING] = "waiting", [CLASS_TERMINAL] = "terminal",
	};

	return names[status_class(number)];
}

const char *
why_text(uint32_t why)
{
	static const char *const texts[] = {
		[WHY_NONE] = "",
		[WHY_NO_FACTS] = "the Registry has not been read yet",
		[WHY_FACTS_OLD] =
		    "the Registry could not be read for too long",
		[WHY_BLOCK_OLD] =
		    "the chain stands still, or its endpoints are held back",
		[WHY_PIN] = "the Registry differs from a pin",
		[WHY_NO_EVIDENCE] = "no evidence yet",
		[WHY_NOT_REGISTERED] = "not registered, expired or revoked",
		[WHY_NO_WORKER] = "no worker is up",
	};

	return why < sizeof(texts) / sizeof(texts[0]) ? texts[why] : "?";
}
