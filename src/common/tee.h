/* SPDX-License-Identifier: Apache-2.0
 *
 * Paths of the TEE interfaces: evidence uses them, and the monitor lets no
 * other path be written.
 */
#ifndef TEE_H
#define TEE_H

#define TSM_PATH	"/sys/kernel/config/tsm/report"
#define SEV_PATH	"/dev/sev-guest"
#define OPTEE_PATH	"/dev/tee0"
#define RTMR_PATH	"/sys/devices/virtual/misc/tdx_guest/measurements"

#endif
