/* SPDX-License-Identifier: Apache-2.0
 *
 * Computes a platform's TCB status from its security versions, as defined by
 * Intel's quote verification library and the PCS documentation.  No I/O.
 */
#include <stdio.h>
#include <string.h>

#include "dcap.h"

/* The combined status if a component, module or enclave is out of date. */
static const struct {
	const char *platform, *then;
} outdated_status[] = {
	{ "UpToDate", "OutOfDate" },
	{ "SWHardeningNeeded", "OutOfDate" },
	{ "ConfigurationNeeded", "OutOfDateConfigurationNeeded" },
	{ "ConfigurationAndSWHardeningNeeded", "OutOfDateConfigurationNeeded" },
};

static void
converge(char status[48], const char *other)
{
	size_t i;

	if (strcmp(other, "Revoked") == 0 || strcmp(other, "NotSupported") == 0)
		snprintf(status, 48, "%s", other);
	else if (strcmp(other, "OutOfDate") == 0)
		for (i = 0;
		     i < sizeof(outdated_status) / sizeof(outdated_status[0]);
		     i++)
			if (strcmp(outdated_status[i].platform, status) == 0) {
				snprintf(
				    status, 48, "%s", outdated_status[i].then);
				return;
			}
}

static void
advise(struct tcb_result *r, const struct level *l)
{
	size_t i, j;

	if (r->date == 0 || l->date < r->date)
		r->date = l->date;
	for (i = 0; i < l->advisories.n; i++) {
		for (j = 0; j < r->advisories.n; j++)
			if (strcmp(r->advisories.id[j], l->advisories.id[i]) ==
			    0)
				break;
		if (j == r->advisories.n && j < ADVISORIES)
			memcpy(r->advisories.id[r->advisories.n++],
			    l->advisories.id[i], sizeof(l->advisories.id[i]));
	}
}

static const struct level *
enclave_level(const struct levels *l, unsigned svn)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		if (l->list[i].svn <= svn)
			return &l->list[i];
	return NULL;
}

/* Module version 0 has no identity, so its SVNs are compared with those of the
 * platform. */
static size_t
first_tdx(const uint8_t *svn)
{
	return svn[1] > 0 ? 2 : 0;
}

static int
covers(const struct pck *pck, const uint8_t *svn, const struct level *l)
{
	size_t i;

	if (pck->pcesvn < l->svn)
		return 0;
	for (i = 0; i < COMPONENTS; i++)
		if (pck->components[i] < l->sgx[i])
			return 0;
	if (svn != NULL)
		for (i = first_tdx(svn); i < COMPONENTS; i++)
			if (svn[i] < l->tdx[i])
				return 0;
	return 1;
}

/* Append to a list of `n' what is below the level.  Returns the new length. */
static size_t
lack(struct tcb_lack *to, size_t n, const struct level *l, enum tcb_part part,
    size_t i, unsigned has, unsigned needs)
{
	if (has >= needs)
		return n;
	to[n] = (struct tcb_lack){ part, (unsigned)i + 1, has, needs, l->date };
	return n + 1;
}

static size_t
platform_lacks(const struct pck *pck, const uint8_t *svn, const struct level *l,
    struct tcb_lack *to)
{
	size_t i, n = 0;

	for (i = 0; i < COMPONENTS; i++)
		n = lack(to, n, l, TCB_SGX, i, pck->components[i], l->sgx[i]);
	n = lack(to, n, l, TCB_PCE, COMPONENTS, pck->pcesvn, l->svn);
	if (svn != NULL)
		for (i = first_tdx(svn); i < COMPONENTS; i++)
			n = lack(to, n, l, TCB_TDX, i, svn[i], l->tdx[i]);
	return n;
}

/* List the components that are below the newest level. */
static void
list_outdated(const struct pck *pck, const uint8_t *svn, const struct level *l,
    char to[120])
{
	struct tcb_lack lacks[TCB_LACKS];
	size_t i, at, n = platform_lacks(pck, svn, l, lacks);

	to[0] = '\0';
	for (i = 0; i < n; i++) {
		at = strlen(to);
		snprintf(to + at, 120 - at, "%s%scomponent %u: %u of %u",
		    i == 0 ? "" : ", ", lacks[i].part == TCB_TDX ? "TDX " : "",
		    lacks[i].number, lacks[i].has, lacks[i].needs);
	}
}

/* The lowest level that is UpToDate.  Intel calls none so for some platforms:
 * then the highest.  NULL if there is no level. */
static const struct level *
wanted_level(const struct levels *l)
{
	size_t i = l->n;

	while (i-- > 0)
		if (strcmp(l->list[i].status, "UpToDate") == 0)
			return &l->list[i];
	return l->n == 0 ? NULL : &l->list[0];
}

size_t
tcb_lacks(const struct tdx_collateral *c, const struct pck *pck,
    const uint8_t *svn, unsigned qe_svn, struct tcb_lack to[TCB_LACKS])
{
	const struct module *m = NULL;
	const struct level *l;
	size_t n = 0;

	if ((l = wanted_level(&c->tcb.levels)) != NULL)
		n = platform_lacks(pck, svn, l, to);
	if (svn != NULL && svn[1] > 0)
		m = tcb_module(&c->tcb, svn);
	if (m != NULL && (l = wanted_level(&m->levels)) != NULL)
		n = lack(to, n, l, TCB_MODULE, 0, svn[0], l->svn);
	if ((l = wanted_level(&c->qe.levels)) != NULL)
		n = lack(to, n, l, TCB_QE, 0, qe_svn, l->svn);
	return n;
}

const struct module *
tcb_module(const struct tcb_info *t, const uint8_t *svn)
{
	size_t i;

	if (svn[1] == 0)
		return &t->module;
	for (i = 0; i < t->n_modules; i++)
		if (t->modules[i].major == svn[1])
			return &t->modules[i];
	return NULL;
}

/* Copy the status of a level; NotSupported if there is none. */
static const char *
take_level(struct tcb_result *r, const struct level *l)
{
	if (l == NULL) {
		snprintf(r->status, sizeof(r->status), "NotSupported");
		return "NotSupported";
	}
	advise(r, l);
	converge(r->status, l->status);
	return l->status;
}

void
tcb_evaluate(const struct tdx_collateral *c, const struct pck *pck,
    const uint8_t *svn, unsigned qe_svn, struct tcb_result *r)
{
	const struct levels *l = &c->tcb.levels;
	const struct module *m;
	size_t i;

	memset(r, 0, sizeof(*r));
	r->module = "";
	for (i = 0; i < l->n; i++)
		if (covers(pck, svn, &l->list[i]))
			break;
	if (i < l->n)
		snprintf(r->status, sizeof(r->status), "%s", l->list[i].status);
	r->platform = take_level(r, i < l->n ? &l->list[i] : NULL);
	if (l->n > 0)
		list_outdated(pck, svn, &l->list[0], r->lacks);
	if (svn != NULL && svn[1] > 0) {
		m = tcb_module(&c->tcb, svn);
		r->module = take_level(
		    r, m == NULL ? NULL : enclave_level(&m->levels, svn[0]));
	}
	r->qe = take_level(r, enclave_level(&c->qe.levels, qe_svn));
}

void
tcb_relaunch(struct tcb_result *launch, const struct tcb_result *now)
{
	int configure;

	if (strncmp(launch->status, "OutOfDate", 9) != 0 ||
	    strncmp(now->status, "OutOfDate", 9) == 0 ||
	    strcmp(now->status, "Revoked") == 0 ||
	    strcmp(now->status, "NotSupported") == 0)
		return;
	configure = strstr(launch->status, "Configuration") != NULL ||
	    strstr(now->status, "Configuration") != NULL;
	snprintf(launch->status, sizeof(launch->status), "TDRelaunchAdvised%s",
	    configure ? "ConfigurationNeeded" : "");
}
