/* SPDX-License-Identifier: Apache-2.0
 *
 * tee-attest fetch-collateral.  An item is one answer of Intel's or AMD's
 * service together with the files made from it.  Each answer is written to a
 * temporary directory and checked there, with the code that `verify' uses; only
 * then are the files renamed into place.  Files that are already present pass
 * the same check before they are kept.
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <openssl/pem.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "attest.h"
#include "dcap.h"
#include "fetch.h"
#include "fetch_options.h"
#include "hex.h"
#include "https.h"
#include "snp.h"

#define DAY		86400

enum state { FETCHED, KEPT, FAILED, LATER };
static const char *const states[] = { [FETCHED] = "fetched",
	[KEPT] = "kept",
	[FAILED] = "failed",
	[LATER] = "later" };

struct item {
	const char	*what;		/* "tcb info" */
	const char	*file;
	const char	*header, *chain;	/* header of its signers */
					/* their file; NULL: none */
	/* Convert the answer to the stored form. 0, or -1 with `why'.  NULL: it
	 * is stored unchanged. */
	int		(*convert)(struct item *, uint8_t *b, size_t *n);
	/* Check that it is present and matches the request.  Sets `until' and
	 * returns 0, or sets `why' and returns -1. */
	int (*check)(struct item *, const struct collateral *,
	    const struct fetch_asked *);
	const char	*base;		/* the server */
	char		 url[1024];
	/* The result. */
	enum state	 state;
	size_t		 bytes;
	time_t		 until;
	char		 why[512];
};

#define ITEMS		5

struct job {
	const struct fetch *f;
	struct fetch_asked asked;
	struct item	 items[ITEMS];
	size_t		 n;
	struct collateral now;		/* the directory as it was */
	time_t		 again;		/* earliest time to retry; 0: none */
	struct https	 https;
};

static int
reject(struct item *it, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(it->why, sizeof(it->why), fmt, ap);
	va_end(ap);
	return -1;
}

static const char *
stamp(time_t t, char to[24])
{
	struct tm tm;

	if (gmtime_r(&t, &tm) == NULL ||
	    strftime(to, 24, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		snprintf(to, 24, "?");
	return to;
}

/* ---- checks ------------------------------------------------------------ */

static time_t
earlier(time_t a, time_t b)
{
	return a < b ? a : b;
}

static int
check_document(struct item *it, const struct signed_by *by, const char *id,
    const struct policy *p)
{
	if (by->problem[0] != '\0')
		return reject(it, "%s", by->problem);
	if (strcmp(by->id, id) != 0)
		return reject(it, "it is of %s, not %s", by->id, id);
	if (!document_trusted(by, p))
		return reject(it,
		    "it is not signed by Intel's TCB signer, or came "
		    "without its chain");
	it->until = earlier(by->next, cert_end(by->signer));
	return 0;
}

static int
check_tcb(
    struct item *it, const struct collateral *c, const struct fetch_asked *a)
{
	const struct tcb_info *t = &c->tdx->tcb;

	if (check_document(it, &t->by,
		strcmp(a->tee, "tdx") == 0 ? "TDX" : "SGX", a->policy) == -1)
		return -1;
	if (memcmp(t->fmspc, a->fmspc, sizeof(t->fmspc)) != 0)
		return reject(it,
		    "it is of another FMSPC: %02x%02x%02x%02x%02x%02x",
		    t->fmspc[0], t->fmspc[1], t->fmspc[2], t->fmspc[3],
		    t->fmspc[4], t->fmspc[5]);
	return 0;
}

static int
check_qe(
    struct item *it, const struct collateral *c, const struct fetch_asked *a)
{
	return check_document(it, &c->tdx->qe.by,
	    strcmp(a->tee, "tdx") == 0 ? "TD_QE" : "QE", a->policy);
}

static int
check_sets(
    struct item *it, const struct collateral *c, const struct fetch_asked *a)
{
	return check_document(it, &c->tdx->sets.by,
	    strcmp(a->tee, "tdx") == 0 ? "TDX" : "SGX", a->policy);
}

/* The signature is checked by `verify', which has the chain up to the root. */
static int
check_crl(struct item *it, const X509_CRL *crl, const char *issuer)
{
	if (crl == NULL)
		return reject(it, "it is no revocation list");
	if (!name_is(X509_CRL_get_issuer(crl), issuer))
		return reject(it, "it is not of the issuer %s", issuer);
	it->until = asn1_seconds(X509_CRL_get0_nextUpdate(crl));
	return 0;
}

static int
check_pck_crl(
    struct item *it, const struct collateral *c, const struct fetch_asked *a)
{
	return check_crl(it, c->tdx->pck_crl,
	    strcmp(a->ca, "platform") == 0 ? "Intel SGX PCK Platform CA" :
					     "Intel SGX PCK Processor CA");
}

static int
check_root_crl(
    struct item *it, const struct collateral *c, const struct fetch_asked *a)
{
	(void)a;
	return check_crl(it, c->tdx->root_crl, "Intel SGX Root CA");
}

static int
check_vcek(
    struct item *it, const struct collateral *c, const struct fetch_asked *a)
{
	const struct snp_signer *s = &a->signer;
	struct policy p;
	struct vek v = { 0 };

	policy_default(&p);
	vek_find(&v, c->snp, &p);
	if (v.x == NULL || v.is_vlek || !vek_read(&v))
		return reject(it, "it is no VCEK");
	if (strncmp(v.name, s->product->name, strlen(s->product->name)) != 0)
		return reject(
		    it, "it is of %s, not of %s", v.name, s->product->name);
	if (v.hwid_n != s->hwid_n || memcmp(v.hwid, s->hwid, v.hwid_n) != 0)
		return reject(it, "it is of another chip");
	if (memcmp(&v.tcb, &s->tcb, sizeof(v.tcb)) != 0)
		return reject(it, "it is of another TCB");
	it->until = cert_end(v.x);
	return 0;
}

static int
is_root(const X509 *x, const struct snp_product *product)
{
	uint8_t digest[32];

	return cert_key_digest(x, digest) == 0 &&
	    memcmp(digest, product->root, sizeof(digest)) == 0;
}

static int
check_chain(
    struct item *it, const struct collateral *c, const struct fetch_asked *a)
{
	const struct snp_product *product = a->signer.product;
	char name[32];
	X509 *x, *root;
	int i, k, n = sk_X509_num(c->snp);

	snprintf(name, sizeof(name), "SEV-%s%s",
	    a->signer.key == 1 ? "VLEK-" : "", product->name);
	for (i = 0; i < n * n; i++) {
		x = sk_X509_value(c->snp, i / n);
		root = sk_X509_value(c->snp, k = i % n);
		if (k != i / n && name_is(X509_get_subject_name(x), name) &&
		    is_root(root, product) && cert_issued_by(x, root)) {
			it->until = earlier(cert_end(x), cert_end(root));
			return 0;
		}
	}
	return reject(it, "there is no %s that AMD's root of %s signed", name,
	    product->name);
}

static int
check_snp_crl(
    struct item *it, const struct collateral *c, const struct fetch_asked *a)
{
	char name[32];

	snprintf(name, sizeof(name), "ARK-%s", a->signer.product->name);
	return check_crl(it, sk_X509_CRL_value(c->snp_crls, 0), name);
}

/* ---- forms ------------------------------------------------------------- */

/* A PCCS sends DER encoded as hex.  Anything that is not hex is left
 * unchanged. */
static int
from_hex(struct item *it, uint8_t *b, size_t *n)
{
	size_t end = *n;

	(void)it;
	while (end > 0 && (b[end - 1] == '\n' || b[end - 1] == '\r'))
		end--;
	if (hex_decode((const char *)b, end, b, end / 2) == 0)
		*n = end / 2;
	return 0;
}

/* The KDS sends a VCEK as DER, but the file is to be PEM. */
static int
to_pem(struct item *it, uint8_t *b, size_t *n)
{
	STACK_OF(X509) *certs = certs_read((struct bytes){ b, *n });
	BIO *bio = BIO_new(BIO_s_mem());
	int r = -1, size;

	if (certs != NULL && sk_X509_num(certs) == 1 && bio != NULL &&
	    PEM_write_bio_X509(bio, sk_X509_value(certs, 0)) == 1 &&
	    (size = BIO_read(bio, b, BODY_MAX)) > 0) {
		*n = (size_t)size;
		r = 0;
	}
	BIO_free(bio);
	sk_X509_pop_free(certs, X509_free);
	return r == 0 ? 0 : reject(it, "it is no certificate");
}

/* ---- files ------------------------------------------------------------- */

static int
file_write(int dir, const char *name, const void *b, size_t n)
{
	int fd = openat(
	    dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	int ok = fd != -1 && write(fd, b, n) == (ssize_t)n && fsync(fd) == 0;

	if (fd != -1 && close(fd) == -1)
		ok = 0;
	return ok ? 0 : -1;
}

/* Check the new files, then rename them into place. */
static int
install_files(struct job *j, struct item *it, const char *new, int from, int to)
{
	struct collateral c;
	char until[24];
	int r = -1;

	if (collateral_load(&c, new) == -1)
		return reject(it, "%s: %s", new, strerror(errno));
	if (it->check(it, &c, &j->asked) == -1)
		goto out;
	if (it->until <= j->f->at) {
		reject(it, "it is out of its window: valid until %s",
		    stamp(it->until, until));
		goto out;
	}
	if ((it->chain != NULL &&
		renameat(from, it->chain, to, it->chain) == -1) ||
	    renameat(from, it->file, to, it->file) == -1)
		reject(it, "%s/%s: %s", j->f->directory, it->file,
		    strerror(errno));
	else
		r = 0;
out:
	collateral_free(&c);
	return r;
}

static int
file_store(struct job *j, struct item *it)
{
	const struct https *h = &j->https;
	char new[4096];
	int from = -1, to = -1, r = -1;

	if ((size_t)snprintf(new, sizeof(new), "%s/.fetch.XXXXXX",
		j->f->directory) >= sizeof(new) ||
	    mkdtemp(new) == NULL)
		return reject(it, "%s: %s", j->f->directory, strerror(errno));
	if ((to = open(j->f->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) ==
		-1 ||
	    (from = open(new, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1 ||
	    file_write(from, it->file, h->body, h->n) == -1 ||
	    (it->chain != NULL &&
		file_write(from, it->chain, h->header, strlen(h->header)) ==
		    -1))
		reject(it, "%s: %s", new, strerror(errno));
	else
		r = install_files(j, it, new, from, to);
	if (from != -1) {
		unlinkat(from, it->file, 0);
		if (it->chain != NULL)
			unlinkat(from, it->chain, 0);
		close(from);
	}
	if (to != -1)
		close(to);
	rmdir(new);
	return r;
}

/* 1 if the file was written less than a day ago. */
static int
is_recent(const struct job *j, const struct item *it)
{
	char path[4096];
	struct stat st;

	return (size_t)snprintf(path, sizeof(path), "%s/%s", j->f->directory,
		   it->file) < sizeof(path) &&
	    stat(path, &st) == 0 && time(NULL) - st.st_mtime < DAY;
}

/* ---- one item ---------------------------------------------------------- */

static enum state
item_get(struct job *j, struct item *it)
{
	char when[24];
	enum got got;

	if (!j->f->refresh && it->check(it, &j->now, &j->asked) == 0 &&
	    it->until > j->f->at && (j->f->told == NULL || is_recent(j, it)))
		return KEPT;
	it->until = 0;
	got = https_get(&j->https, it->url, it->header);
	if (got == GOT) {
		if ((it->convert != NULL &&
			it->convert(it, j->https.body, &j->https.n) == -1) ||
		    file_store(j, it) == -1)
			return FAILED;
		it->bytes = j->https.n;
		return FETCHED;
	}
	reject(it, "%s", j->https.why);
	if (got == GOT_NOT)
		return FAILED;
	if (j->again < time(NULL) + j->https.retry)
		j->again = time(NULL) + j->https.retry;
	reject(
	    it, "%s: try again after %s", j->https.why, stamp(j->again, when));
	return LATER;
}

static void
item_say(const struct job *j, struct item *it)
{
	char until[24], *p;

	/* It may contain text of the server: remove escape sequences. */
	for (p = it->why; *p != '\0'; p++)
		if (*p < ' ' || *p > '~')
			*p = '?';
	if (j->f->told != NULL) {
		if (it->state == FAILED || it->state == LATER)
			j->f->told(j->f->arg, it->base, it->file, it->why);
		return;
	}
	stamp(it->until, until);
	if (it->state == FETCHED)
		fprintf(stderr, "fetched %s: %zu bytes, valid until %s\n",
		    it->what, it->bytes, until);
	else if (it->state == KEPT)
		fprintf(stderr, "kept %s: valid until %s\n", it->what, until);
	else
		fprintf(stderr, "tee-attest: %s: %s: %s\n", it->what, it->url,
		    it->why);
}

static json_t *
item_json(const struct item *it)
{
	json_t *o = json_pack("{s:s, s:s, s:s, s:s}", "item", it->what, "file",
	    it->file, "state", states[it->state], "url", it->url);
	char until[24];

	if (it->state == FETCHED)
		json_object_set_new(
		    o, "bytes", json_integer((json_int_t)it->bytes));
	if (it->state == FETCHED || it->state == KEPT)
		json_object_set_new(
		    o, "validUntil", json_string(stamp(it->until, until)));
	else
		json_object_set_new(o, "error", json_string(it->why));
	return o;
}

/* ---- items ------------------------------------------------------------- */

static struct item *
add(struct job *j, struct item it, const char *base, const char *fmt, ...)
{
	struct item *to = &j->items[j->n++];
	va_list ap;
	size_t n;

	*to = it;
	to->base = base;
	/* The base has at most FETCH_BASE bytes, and the rest is short. */
	n = (size_t)snprintf(to->url, sizeof(to->url), "%s", base);
	va_start(ap, fmt);
	vsnprintf(to->url + n, sizeof(to->url) - n, fmt, ap);
	va_end(ap);
	return to;
}

static void
add_intel(struct job *j)
{
	const struct fetch_asked *a = &j->asked;
	const uint8_t *f = a->fmspc;

	add(j,
	    (struct item){ .what = "tcb info",
		.file = "tcb_info.json",
		.header = "TCB-Info-Issuer-Chain",
		.chain = "tcb_info_chain.pem",
		.check = check_tcb },
	    a->base,
	    "/%s/certification/v4/tcb?fmspc=%02x%02x%02x%02x%02x%02x%s%s",
	    a->tee, f[0], f[1], f[2], f[3], f[4], f[5],
	    a->update == NULL ? "" : "&update=",
	    a->update == NULL ? "" : a->update);
	add(j,
	    (struct item){ .what = "qe identity",
		.file = "qe_identity.json",
		.header = "SGX-Enclave-Identity-Issuer-Chain",
		.chain = "qe_identity_chain.pem",
		.check = check_qe },
	    a->base, "/%s/certification/v4/qe/identity%s%s", a->tee,
	    a->update == NULL ? "" : "?update=",
	    a->update == NULL ? "" : a->update);
	if (j->f->told != NULL && strcmp(a->update, "early") == 0)
		add(j,
		    (struct item){ .what = "tcb sets",
			.file = "tcb_evaluation.json",
			.header = "TCB-Evaluation-Data-Numbers-Issuer-Chain",
			.chain = "tcb_evaluation_chain.pem",
			.check = check_sets },
		    a->base, "/%s/certification/v4/tcbevaluationdatanumbers",
		    a->tee);
	add(j,
	    (struct item){ .what = "pck crl",
		.file = "pck.crl",
		.convert = from_hex,
		.check = check_pck_crl },
	    a->base, "/sgx/certification/v4/pckcrl?ca=%s&encoding=der", a->ca);
	add(j,
	    (struct item){ .what = "root ca crl",
		.file = "root_ca.crl",
		.convert = from_hex,
		.check = check_root_crl },
	    a->root_crl, "%s",
	    a->root_crl == a->base ? "/sgx/certification/v4/rootcacrl" : "");
}

static void
add_vcek(struct job *j)
{
	const struct snp_signer *s = &j->asked.signer;
	char hwid[2 * sizeof(s->hwid) + 1], fmc[16] = "";

	hex_encode(hwid, s->hwid, s->hwid_n);
	if (s->tcb.spl[SPL_FMC] != -1)
		snprintf(fmc, sizeof(fmc), "fmcSPL=%02d&", s->tcb.spl[SPL_FMC]);
	add(j,
	    (struct item){ .what = "vcek",
		.file = "vek.pem",
		.convert = to_pem,
		.check = check_vcek },
	    j->asked.base,
	    "/vcek/v1/%s/%s?%sblSPL=%02d&teeSPL=%02d&snpSPL=%02d&ucodeSPL=%02d",
	    s->product->name, hwid, fmc, s->tcb.spl[SPL_BL],
	    s->tcb.spl[SPL_TEE], s->tcb.spl[SPL_SNP], s->tcb.spl[SPL_UCODE]);
}

static void
add_amd(struct job *j)
{
	const struct snp_signer *s = &j->asked.signer;
	const char *key = s->key == 1 ? "vlek" : "vcek";

	if (s->key != 1 && !s->is_masked)
		add_vcek(j);
	else if (j->f->told == NULL)
		fprintf(stderr,
		    "no certificate of the %s itself: %s; get "
		    "it from the host as vek.pem\n",
		    key,
		    s->key == 1 ? "AMD gives that of a VLEK only to clouds" :
				  "the report hides its chip's id");
	add(j,
	    (struct item){ .what = "certificate chain",
		.file = "cert_chain.pem",
		.check = check_chain },
	    j->asked.base, "/%s/v1/%s/cert_chain", key, s->product->name);
	add(j,
	    (struct item){
		.what = "amd crl", .file = "snp.crl", .check = check_snp_crl },
	    j->asked.base, "/%s/v1/%s/crl", key, s->product->name);
}

/* ---- the command ------------------------------------------------------- */

static int
fetch_all(struct job *j)
{
	json_t *list = json_array();
	int status = 0;
	char when[24];
	size_t i;

	for (i = 0; i < j->n; i++) {
		j->items[i].state = item_get(j, &j->items[i]);
		item_say(j, &j->items[i]);
		json_array_append_new(list, item_json(&j->items[i]));
		if (j->items[i].state == FAILED)
			status = 1;
		else if (j->items[i].state == LATER && status == 0)
			status = 3;
	}
	if (j->f->json) {
		json_t *o = json_pack("{s:s, s:o, s:i}", "directory",
		    j->f->directory, "items", list, "status", status);

		if (j->again != 0)
			json_object_set_new(
			    o, "tryAgain", json_string(stamp(j->again, when)));
		json_dumpf(o, stdout, JSON_INDENT(2));
		printf("\n");
		json_decref(o);
	} else
		json_decref(list);
	return status;
}

int
fetch_collateral(const struct fetch *f)
{
	static struct job j;
	int status;

	memset(&j, 0, sizeof(j));
	j.f = f;
	if (fetch_options(f, &j.asked) == -1)
		return 2;
	if ((mkdir(f->directory, 0777) == -1 && errno != EEXIST) ||
	    collateral_load(&j.now, f->directory) == -1) {
		fetch_usage(
		    "--collateral %s: %s", f->directory, strerror(errno));
		return 2;
	}
	if (https_open(&j.https) == -1) {
		fprintf(stderr, "tee-attest: libcurl cannot be started\n");
		collateral_free(&j.now);
		return 1;
	}
	if (f->told != NULL)
		j.https.waited = WAIT_MAX;
	if (f->text[FETCH_VCEK] != NULL)
		add_amd(&j);
	else
		add_intel(&j);
	status = fetch_all(&j);
	https_close(&j.https);
	collateral_free(&j.now);
	return status;
}
