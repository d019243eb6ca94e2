/* SPDX-License-Identifier: Apache-2.0
 *
 * A taken worker that does not exit after its last task, against the real keys.
 */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "rig.h"

static struct rig rig;
static struct work work;

static int
setup(void **unused)
{
	(void)unused;
	rig.isolate_task = 1;
	rig_start(&rig);
	work_new(&rig, &work);
	return 0;
}

static int
teardown(void **unused)
{
	(void)unused;
	rig_stop(&rig);
	return 0;
}

static void
a_worker_that_does_not_exit_after_its_last_task_is_ended(void **unused)
{
	struct m_value v;
	uint8_t plain[2][32];
	uint32_t job;

	(void)unused;
	work_offer(&rig, 1, &work, 1, &rig.orchestrator);
	work_asked(&rig, 1, &work, 1, NULL);
	work_delegate(&rig, &work);
	work_grant(&rig, 1, &work, 1, &rig.gateway);
	job = work_job(&rig, &work, plain);
	work_done(&rig, job, work.program.outputs[0].b, 48, &v);
	work_result(&rig, 1, &work, ST_OK, &v);
	rig_later(&rig, 6);
	rig_cuts(&rig, &rig.worker, "has not exited after its last task");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    a_worker_that_does_not_exit_after_its_last_task_is_ended,
		    setup, teardown),
	};

	return cmocka_run_group_tests_name("hostile: retire", tests, NULL,
	    NULL);
}
