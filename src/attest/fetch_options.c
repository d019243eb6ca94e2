/* SPDX-License-Identifier: Apache-2.0
 *
 * The command line of tee-attest fetch-collateral: which platform is asked for,
 * by FMSPC, by a quote or by a report, and from which server.
 */
#include <stdio.h>
#include <string.h>

#include "attest.h"
#include "dcap.h"
#include "fetch_options.h"
#include "hex.h"
#include "https.h"

#define INTEL		"https://api.trustedservices.intel.com"
#define INTEL_ROOT_CRL	\
	"https://certificates.trustedservices.intel.com/IntelSGXRootCA.der"
#define AMD		"https://kdsintf.amd.com"

int
fetch_usage(const char *fmt, const char *a, const char *b)
{
	fputs("tee-attest: ", stderr);
	fprintf(stderr, fmt, a, b);
	fputs("; see tee-attest --help\n", stderr);
	return -1;
}

/* The input that each option belongs to, and its possible words. */
enum { FMSPC = 1, QUOTE = 2, VCEK = 4 };
static const struct {
	const char	*name;
	unsigned	 of;
	const char	*words[3];
} texts[FETCH_TEXTS] = {
	[FETCH_FMSPC] = { "--fmspc", FMSPC, { NULL } },
	[FETCH_QUOTE] = { "--quote", QUOTE, { NULL } },
	[FETCH_VCEK] = { "--vcek", VCEK, { NULL } },
	[FETCH_CA] = { "--ca", FMSPC, { "platform", "processor" } },
	[FETCH_TEE] = { "--tee", FMSPC, { "tdx", "sgx" } },
	[FETCH_UPDATE] = { "--update", FMSPC | QUOTE, { "standard", "early" } },
	[FETCH_PRODUCT] = { "--product", VCEK, { "Milan", "Genoa", "Turin" } },
	[FETCH_URL] = { "--url", FMSPC | QUOTE | VCEK, { NULL } },
};

static int
take_text(const struct fetch *f, size_t i, unsigned form)
{
	size_t k;

	if (f->text[i] == NULL)
		return 0;
	if ((texts[i].of & form) == 0)
		return fetch_usage(
		    "%s is not of this form%s", texts[i].name, "");
	for (k = 0; k < 3 && texts[i].words[k] != NULL; k++)
		if (strcmp(texts[i].words[k], f->text[i]) == 0)
			return 0;
	return k == 0 ?
	    0 :
	    fetch_usage("%s: no such: %s", texts[i].name, f->text[i]);
}

static int
take_url(struct fetch_asked *a, const char *url)
{
	const char *problem;
	size_t n;

	if (url == NULL)
		return 0;
	if ((n = strlen(url)) >= FETCH_BASE)
		return fetch_usage("--url: too long%s%s", "", "");
	if ((problem = https_problem(url)) != NULL)
		return fetch_usage("--url %s: %s", url, problem);
	while (n > 0 && url[n - 1] == '/')
		n--;
	memcpy(a->url, url, n);
	a->url[n] = '\0';
	a->base = a->url;
	/* Intel's own service has the root CA's list elsewhere. */
	if (strcmp(a->url, INTEL) != 0)
		a->root_crl = a->url;
	return 0;
}

static int
take_fmspc(struct fetch_asked *a, const char *hex)
{
	if (hex_decode(hex, strlen(hex), a->fmspc, sizeof(a->fmspc)) == -1)
		return fetch_usage("--fmspc %s: not 6 bytes as hex%s", hex, "");
	return 0;
}

/* Get FMSPC, CA and TEE from a quote.  They need no verification: they only
 * decide what to download. */
static int
take_quote(struct fetch_asked *a, struct bytes b)
{
	STACK_OF(X509) *certs = NULL;
	struct quote q;
	struct pck pck;
	char why[160] = "it holds no PCK certificate";
	X509 *x;
	int r = -1;

	if (quote_read(&q, b, why, sizeof(why)) == 0 &&
	    (certs = certs_read(q.certs)) != NULL &&
	    (x = sk_X509_value(certs, 0)) != NULL && pck_read(&pck, x) == 0) {
		memcpy(a->fmspc, pck.fmspc, sizeof(a->fmspc));
		a->tee = q.tee == TEE_TDX ? "tdx" : "sgx";
		a->ca = name_is(X509_get_issuer_name(x),
			    "Intel SGX PCK Processor CA") ?
		    "processor" :
		    "platform";
		r = 0;
	}
	sk_X509_pop_free(certs, X509_free);
	return r == 0 ?
	    0 :
	    fetch_usage("--quote: no TDX or SGX quote: %s%s", why, "");
}

static int
take_report(struct fetch_asked *a, struct bytes b, const char *product)
{
	const struct snp_product *named = NULL;
	size_t i;

	for (i = 0; product != NULL && i < SNP_PRODUCTS; i++)
		if (strcmp(snp_products[i].name, product) == 0)
			named = &snp_products[i];
	if (snp_signer(&a->signer, b, named) == -1)
		return fetch_usage("--vcek: no SEV-SNP report%s%s", "", "");
	if (a->signer.product == NULL)
		return fetch_usage(
		    "the report does not say of which product "
		    "it is: give --product Milan, Genoa or Turin%s%s",
		    "", "");
	if (named != NULL && named != a->signer.product)
		return fetch_usage("--product %s: the report is of %s", product,
		    a->signer.product->name);
	if (a->signer.key > 1)
		return fetch_usage("--vcek: the report is signed by no key of "
				   "AMD's%s%s",
		    "", "");
	return 0;
}

int
fetch_options(const struct fetch *f, struct fetch_asked *a)
{
	unsigned form = (f->text[FETCH_FMSPC] != NULL ? FMSPC : 0) |
	    (f->text[FETCH_QUOTE] != NULL ? QUOTE : 0) |
	    (f->text[FETCH_VCEK] != NULL ? VCEK : 0);
	size_t i;

	if (form != FMSPC && form != QUOTE && form != VCEK)
		return fetch_usage(
		    "one of --fmspc HEX, --quote FILE and --vcek "
		    "FILE%s%s",
		    "", "");
	for (i = 0; i < FETCH_TEXTS; i++)
		if (take_text(f, i, form) == -1)
			return -1;
	a->policy = f->policy;
	a->base = form == VCEK ? AMD : INTEL;
	a->root_crl = INTEL_ROOT_CRL;
	a->update = f->text[FETCH_UPDATE];
	a->ca = f->text[FETCH_CA] == NULL ? "platform" : f->text[FETCH_CA];
	a->tee = f->text[FETCH_TEE] == NULL ? "tdx" : f->text[FETCH_TEE];
	if (take_url(a, f->text[FETCH_URL]) == -1)
		return -1;
	if (form == FMSPC)
		return take_fmspc(a, f->text[FETCH_FMSPC]);
	if (form == QUOTE)
		return take_quote(a, f->evidence);
	return take_report(a, f->evidence, f->text[FETCH_PRODUCT]);
}
