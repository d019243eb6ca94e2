/* SPDX-License-Identifier: Apache-2.0
 *
 * What a role's executable prints when the monitor has it check files (-t as
 * its first argument): lines on standard output, `keyword chain verdict text',
 * and at the end `done'.  Only keys and net have this mode.
 */
#ifndef VERDICT_H
#define VERDICT_H

#define VERDICT_ERROR	"error"
#define VERDICT_WARNING	"warning"
#define VERDICT_POINT	"point"	/* of a key on P-256: x and y in hex */
#define VERDICT_DONE	"done\n"

void verdict_print(
    const char *keyword, unsigned chain, const char *verdict, const char *text);
/* End the process. */
_Noreturn void verdict_finish(void);

#endif
