/* SPDX-License-Identifier: Apache-2.0
 *
 * The verdicts of a role's executable that checks files for the monitor.  Runs
 * in keys and net, which then end.
 */
#include <stdio.h>

#include "log.h"
#include "verdict.h"

void
verdict_print(
    const char *keyword, unsigned chain, const char *verdict, const char *text)
{
	printf("%s %u %s %s\n", keyword, chain, verdict, text);
}

_Noreturn void
verdict_finish(void)
{
	printf(VERDICT_DONE);
	log_exit(fflush(stdout) == 0 ? 0 : 1);
}
