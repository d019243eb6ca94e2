/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads collateral.  Intel signs the exact bytes of its JSON.  They are
 * therefore cut out of the text unchanged, verified, and parsed only after
 * that.
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collateral.h"
#include "hex.h"
#include "passphrase.h"

#define FILE_MAX	(4 << 20)
#define CRLS_MAX	16

const uint8_t intel_root[32] = { 0xa0, 0xaf, 0x03, 0x12, 0x89, 0xf5, 0xd5, 0xd4,
	0x13, 0x2f, 0x91, 0x86, 0x06, 0x8a, 0x7f, 0xc1, 0x36, 0x28, 0x63, 0x3b,
	0xa2, 0x35, 0x77, 0x74, 0x72, 0xe2, 0x9b, 0x6b, 0x6c, 0x67, 0xa4,
	0x9e };

/* ---- files ------------------------------------------------------------- */

/* Read a file of the directory and append a NUL.  NULL if it does not exist. */
static uint8_t *
file_read(int dir, const char *name, size_t *n)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	struct stat st;
	uint8_t *b = NULL;

	*n = 0;
	if (fd == -1)
		return NULL;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    st.st_size <= FILE_MAX &&
	    (b = calloc(1, (size_t)st.st_size + 1)) != NULL) {
		*n = (size_t)st.st_size;
		if (read(fd, b, *n) != (ssize_t)*n) {
			free(b);
			b = NULL;
		}
	}
	close(fd);
	return b;
}

/* Add the CRL in DER, or all CRLs in PEM. */
static void
crls_add(int dir, const char *name, STACK_OF(X509_CRL) *to)
{
	size_t n;
	uint8_t *b = file_read(dir, name, &n);
	const uint8_t *p = b;
	X509_CRL *crl;
	BIO *bio;

	if (b != NULL && n > 0 && b[0] == 0x30) {
		crl = d2i_X509_CRL(NULL, &p, (long)n);
		if (crl != NULL &&
		    (p != b + n || sk_X509_CRL_push(to, crl) == 0))
			X509_CRL_free(crl);
	} else if (b != NULL && n > 0 &&
	    (bio = BIO_new_mem_buf(b, (int)n)) != NULL) {
		while (sk_X509_CRL_num(to) < CRLS_MAX &&
		    (crl = PEM_read_bio_X509_CRL(
			 bio, NULL, no_passphrase, NULL)) != NULL)
			if (sk_X509_CRL_push(to, crl) == 0)
				X509_CRL_free(crl);
		BIO_free(bio);
	}
	ERR_clear_error();
	free(b);
}

/* The first CRL of a file, or NULL. */
static X509_CRL *
crl_read(int dir, const char *name)
{
	STACK_OF(X509_CRL) *list = sk_X509_CRL_new_null();
	X509_CRL *crl;

	if (list == NULL)
		return NULL;
	crls_add(dir, name, list);
	crl = sk_X509_CRL_shift(list);
	sk_X509_CRL_pop_free(list, X509_CRL_free);
	return crl;
}

/* ---- JSON: every reader returns 0, or -1 ------------------------------- */

static int
read_hex(const json_t *o, const char *name, uint8_t *to, size_t n)
{
	const char *text = json_string_value(json_object_get(o, name));

	return text == NULL ? -1 : hex_decode(text, strlen(text), to, n);
}

static int
read_number(const json_t *o, const char *name, unsigned max, unsigned *to)
{
	const json_t *v = json_object_get(o, name);

	if (!json_is_integer(v) || json_integer_value(v) < 0 ||
	    json_integer_value(v) > max)
		return -1;
	*to = (unsigned)json_integer_value(v);
	return 0;
}

static int
read_text(const json_t *o, const char *name, char *to, size_t size)
{
	const char *text = json_string_value(json_object_get(o, name));

	if (text == NULL || strlen(text) >= size)
		return -1;
	memcpy(to, text, strlen(text) + 1);
	return 0;
}

/* "2026-02-01T14:49:26Z" */
static int
read_time(const json_t *o, const char *name, time_t *to)
{
	const char *text = json_string_value(json_object_get(o, name));
	struct tm tm = { 0 };
	int n = 0;

	if (text == NULL || strlen(text) != 20 ||
	    sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2dZ%n", &tm.tm_year, &tm.tm_mon,
		&tm.tm_mday, &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &n) != 6 ||
	    n != 20)
		return -1;
	tm.tm_year -= 1900;
	tm.tm_mon--;
	*to = timegm(&tm);
	return 0;
}

static int
read_components(const json_t *tcb, const char *name, uint8_t to[COMPONENTS])
{
	const json_t *a = json_object_get(tcb, name);
	unsigned v;
	size_t i;

	if (json_array_size(a) != COMPONENTS)
		return -1;
	for (i = 0; i < COMPONENTS; i++) {
		if (read_number(json_array_get(a, i), "svn", 255, &v) == -1)
			return -1;
		to[i] = (uint8_t)v;
	}
	return 0;
}

static int
is_status(const char *s)
{
	static const char *const known[] = {
		"UpToDate",
		"SWHardeningNeeded",
		"ConfigurationNeeded",
		"ConfigurationAndSWHardeningNeeded",
		"OutOfDate",
		"OutOfDateConfigurationNeeded",
		"Revoked",
	};
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(known[i], s) == 0)
			return 1;
	return 0;
}

static int
read_advisories(const json_t *o, struct advisories *to)
{
	const json_t *a = json_object_get(o, "advisoryIDs");
	const char *id;
	size_t i;

	if (a == NULL)
		return 0;
	if (!json_is_array(a) || json_array_size(a) > ADVISORIES)
		return -1;
	for (i = 0; i < json_array_size(a); i++) {
		id = json_string_value(json_array_get(a, i));
		if (id == NULL || strlen(id) >= sizeof(to->id[0]))
			return -1;
		memcpy(to->id[to->n++], id, strlen(id) + 1);
	}
	return 0;
}

enum kind { PLATFORM_SGX, PLATFORM_TDX, ENCLAVE };

static int
read_level(const json_t *o, enum kind kind, struct level *l)
{
	const json_t *tcb = json_object_get(o, "tcb");
	unsigned svn;

	if (read_number(tcb, kind == ENCLAVE ? "isvsvn" : "pcesvn", UINT16_MAX,
		&svn) == -1 ||
	    (kind != ENCLAVE &&
		read_components(tcb, "sgxtcbcomponents", l->sgx) == -1) ||
	    (kind == PLATFORM_TDX &&
		read_components(tcb, "tdxtcbcomponents", l->tdx) == -1) ||
	    read_text(o, "tcbStatus", l->status, sizeof(l->status)) == -1 ||
	    !is_status(l->status) || read_time(o, "tcbDate", &l->date) == -1)
		return -1;
	l->svn = (uint16_t)svn;
	return read_advisories(o, &l->advisories);
}

static int
read_levels(const json_t *o, enum kind kind, struct levels *to)
{
	const json_t *a = json_object_get(o, "tcbLevels");

	if (!json_is_array(a) || json_array_size(a) > LEVELS)
		return -1;
	for (to->n = 0; to->n < json_array_size(a); to->n++)
		if (read_level(
			json_array_get(a, to->n), kind, &to->list[to->n]) == -1)
			return -1;
	return 0;
}

/* The category and type of each component of the highest level.  They only name
 * it for a reader, so that they may be absent. */
static void
read_names(const json_t *o, const char *which, char to[COMPONENTS][64])
{
	const json_t *l = json_array_get(json_object_get(o, "tcbLevels"), 0);
	const json_t *a = json_object_get(json_object_get(l, "tcb"), which), *e;
	const char *category, *type;
	size_t i;
	char *p;

	for (i = 0; i < COMPONENTS; i++) {
		e = json_array_get(a, i);
		category = json_string_value(json_object_get(e, "category"));
		type = json_string_value(json_object_get(e, "type"));
		snprintf(to[i], sizeof(to[i]), "%s%s%s",
		    category == NULL ? "" : category,
		    category == NULL || type == NULL ? "" : ": ",
		    type == NULL ? "" : type);
		for (p = to[i]; *p != '\0'; p++)
			if (*p < ' ' || *p > '~')
				*p = '?';
	}
}

static int
read_module(const json_t *o, struct module *m)
{
	return read_hex(o, "mrsigner", m->mrsigner, 48) == -1 ||
		read_hex(o, "attributes", m->attributes, 8) == -1 ||
		read_hex(o, "attributesMask", m->mask, 8) == -1 ?
	    -1 :
	    0;
}

static int
read_modules(const json_t *o, struct tcb_info *t)
{
	const json_t *a = json_object_get(o, "tdxModuleIdentities"), *e;
	char id[16], more;

	if (read_module(json_object_get(o, "tdxModule"), &t->module) == -1)
		return -1;
	if (a != NULL && (!json_is_array(a) || json_array_size(a) > MODULES))
		return -1;
	for (; t->n_modules < json_array_size(a); t->n_modules++) {
		struct module *m = &t->modules[t->n_modules];

		e = json_array_get(a, t->n_modules);
		if (read_text(e, "id", id, sizeof(id)) == -1 ||
		    sscanf(id, "TDX_%2x%c", &m->major, &more) != 1 ||
		    read_module(e, m) == -1 ||
		    read_levels(e, ENCLAVE, &m->levels) == -1)
			return -1;
	}
	return 0;
}

static int
read_head(const json_t *o, struct signed_by *by)
{
	return read_text(o, "id", by->id, sizeof(by->id)) == -1 ||
		read_number(o, "version", 99, &by->version) == -1 ||
		read_time(o, "issueDate", &by->issued) == -1 ||
		read_time(o, "nextUpdate", &by->next) == -1 ?
	    -1 :
	    0;
}

static int
read_evaluation(const json_t *o, unsigned *to)
{
	return read_number(o, "tcbEvaluationDataNumber", INT_MAX, to);
}

static int
read_tcb_info(const json_t *o, void *to)
{
	struct tcb_info *t = to;
	int is_tdx;

	if (read_head(o, &t->by) == -1 || t->by.version != 3 ||
	    read_evaluation(o, &t->by.evaluation) == -1 ||
	    read_hex(o, "fmspc", t->fmspc, 6) == -1 ||
	    read_hex(o, "pceId", t->pceid, 2) == -1 ||
	    read_number(o, "tcbType", 255, &t->type) == -1 || t->type != 0)
		return -1;
	is_tdx = strcmp(t->by.id, "TDX") == 0;
	if (is_tdx && read_modules(o, t) == -1)
		return -1;
	read_names(o, "sgxtcbcomponents", t->sgx_names);
	read_names(o, "tdxtcbcomponents", t->tdx_names);
	return read_levels(o, is_tdx ? PLATFORM_TDX : PLATFORM_SGX, &t->levels);
}

static int
read_qe_identity(const json_t *o, void *to)
{
	struct qe_identity *q = to;

	if (read_head(o, &q->by) == -1 || q->by.version != 2 ||
	    read_evaluation(o, &q->by.evaluation) == -1 ||
	    read_hex(o, "miscselect", q->miscselect, 4) == -1 ||
	    read_hex(o, "miscselectMask", q->miscselect_mask, 4) == -1 ||
	    read_hex(o, "attributes", q->attributes, 16) == -1 ||
	    read_hex(o, "attributesMask", q->attributes_mask, 16) == -1 ||
	    read_hex(o, "mrsigner", q->mrsigner, 32) == -1 ||
	    read_number(o, "isvprodid", UINT16_MAX, &q->isvprodid) == -1)
		return -1;
	return read_levels(o, ENCLAVE, &q->levels);
}

static int
read_sets(const json_t *o, void *to)
{
	const json_t *a = json_object_get(o, "tcbEvalNumbers"), *e;
	struct tcb_sets *s = to;

	if (read_head(o, &s->by) == -1 || s->by.version != 1 ||
	    !json_is_array(a) || json_array_size(a) > TCB_SETS)
		return -1;
	for (; s->n < json_array_size(a); s->n++) {
		e = json_array_get(a, s->n);
		if (read_evaluation(e, &s->list[s->n].evaluation) == -1 ||
		    read_time(e, "tcbRecoveryEventDate",
			&s->list[s->n].event) == -1 ||
		    read_time(e, "tcbDate", &s->list[s->n].date) == -1)
			return -1;
	}
	return 0;
}

/* ---- the signed bytes -------------------------------------------------- */

/* The end of a JSON value that is a string or an object; NULL if it has
 * none. */
static const char *
value_end(const char *p)
{
	size_t depth = 0;
	int quoted = 0;

	for (; *p != '\0'; p++) {
		if (quoted) {
			if (*p == '\\' && p[1] != '\0')
				p++;
			else if (*p == '"')
				quoted = 0;
		} else if (*p == '"')
			quoted = 1;
		else if (*p == '{' || *p == '[')
			depth++;
		else if (*p == '}' || *p == ']')
			depth--;
		if (!quoted && depth == 0)
			return p + 1;
	}
	return NULL;
}

static const char *
blank(const char *p)
{
	return p + strspn(p, " \t\r\n");
}

/* The unchanged bytes of a member of the outermost object. */
static struct bytes
json_member(const char *text, const char *name)
{
	const struct bytes none = { NULL, 0 };
	const char *p = blank(text), *end, *key;
	size_t n = strlen(name);

	if (*p++ != '{')
		return none;
	for (;;) {
		key = blank(p);
		if (*key != '"' || (end = value_end(key)) == NULL ||
		    *(p = blank(end)) != ':')
			return none;
		p = blank(p + 1);
		if ((*p != '"' && *p != '{') || value_end(p) == NULL)
			return none;
		if ((size_t)(end - key) == n + 2 &&
		    memcmp(key + 1, name, n) == 0)
			return (struct bytes){ (const uint8_t *)p,
				(size_t)(value_end(p) - p) };
		p = blank(value_end(p));
		if (*p++ != ',')
			return none;
	}
}

/* Decode 64 bytes of hex, optionally in quotes. */
static int
read_signature(struct bytes text, uint8_t to[64])
{
	size_t i, n = 0;
	unsigned v = 0;
	int c;

	for (i = 0; i < text.n; i++) {
		c = text.p[i];
		if (c == '"' || c == '\n' || c == '\r')
			continue;
		if (strchr("0123456789abcdefABCDEF", c) == NULL || n == 128)
			return -1;
		v = v << 4 |
		    (unsigned)(c <= '9' ? c - '0' : (c | 32) - 'a' + 10);
		if (n++ % 2 == 1)
			to[n / 2 - 1] = (uint8_t)v;
	}
	return n == 128 ? 0 : -1;
}

/* Read the chain: a signer, and the root that signed its certificate. */
static X509 *
signer_of(int dir, const char *name, uint8_t digest[32])
{
	size_t i, n;
	uint8_t *b = file_read(dir, name, &n);
	STACK_OF(X509) *chain = certs_read((struct bytes){ b, n });
	X509 *x, *root = NULL, *leaf = NULL;

	free(b);
	for (i = 0; chain != NULL && i < (size_t)sk_X509_num(chain); i++) {
		x = sk_X509_value(chain, (int)i);
		if (cert_issued_by(x, x))
			root = x;
		else
			leaf = x;
	}
	if (root != NULL && leaf != NULL && cert_issued_by(leaf, root) &&
	    cert_key_digest(root, digest) == 0)
		X509_up_ref(leaf);
	else
		leaf = NULL;
	sk_X509_pop_free(chain, X509_free);
	return leaf;
}

/* The files of a document, and its parser. */
struct document {
	const char	*file, *signature, *chain, *member;
	int		(*read)(const json_t *, void *);
};

static const struct document tcb_info = { "tcb_info.json", "tcb_info.sig.hex",
	"tcb_info_chain.pem", "tcbInfo", read_tcb_info };
static const struct document qe_identity = { "qe_identity.json",
	"qe_identity.sig.hex", "qe_identity_chain.pem", "enclaveIdentity",
	read_qe_identity };
static const struct document tcb_sets = { "tcb_evaluation.json",
	"tcb_evaluation.sig.hex", "tcb_evaluation_chain.pem",
	"tcbEvaluationDataNumbers", read_sets };

static int
is_signed(int dir, const struct document *d, struct bytes body,
    struct bytes sig, struct signed_by *by)
{
	uint8_t rs[64], digest[SHA256_DIGEST_LENGTH];
	char name[24];

	if (read_signature(sig, rs) == -1 ||
	    (by->signer = signer_of(dir, d->chain, by->root)) == NULL ||
	    X509_NAME_get_text_by_NID(X509_get_subject_name(by->signer),
		NID_commonName, name, sizeof(name)) == -1 ||
	    strcmp(name, "Intel SGX TCB Signing") != 0)
		return 0;
	SHA256(body.p, body.n, digest);
	return ecdsa_verify(
	    X509_get0_pubkey(by->signer), digest, sizeof(digest), rs, 32);
}

/* `by' is the first member of *to. */
static void
document_load(int dir, const struct document *d, struct signed_by *by, void *to)
{
	size_t n, sig_n;
	uint8_t *b = file_read(dir, d->file, &n), *s = NULL;
	struct bytes body, sig;
	json_error_t error;
	json_t *o;

	if (b == NULL) {
		snprintf(by->problem, sizeof(by->problem), "no %s", d->file);
		return;
	}
	body = json_member((const char *)b, d->member);
	sig = json_member((const char *)b, "signature");
	if (body.p == NULL) {			/* only the value */
		s = file_read(dir, d->signature, &sig_n);
		body = (struct bytes){ b, n };
		sig = (struct bytes){ s, s == NULL ? 0 : sig_n };
	}
	by->is_signed = is_signed(dir, d, body, sig, by);
	o = json_loadb(
	    (const char *)body.p, body.n, JSON_REJECT_DUPLICATES, &error);
	if (o == NULL)
		snprintf(by->problem, sizeof(by->problem),
		    "%s: line %d: %.100s", d->file, error.line, error.text);
	else if (d->read(o, to) == -1)
		snprintf(by->problem, sizeof(by->problem),
		    "%s: a member is "
		    "missing, or not as version 3 (TCB), 2 (QE) or 1 (list) "
		    "has it",
		    d->file);
	json_decref(o);
	free(s);
	free(b);
}

int
document_trusted(const struct signed_by *by, const struct policy *p)
{
	return by->problem[0] == '\0' && by->is_signed &&
	    (memcmp(by->root, intel_root, sizeof(by->root)) == 0 ||
		(p != NULL && p->has_test_root &&
		    memcmp(by->root, p->test_root, sizeof(by->root)) == 0));
}

/* ---- all of it --------------------------------------------------------- */

static void
certs_add(int dir, const char *name, STACK_OF(X509) *to)
{
	size_t n;
	uint8_t *b = file_read(dir, name, &n);
	STACK_OF(X509) *from = certs_read((struct bytes){ b, n });
	X509 *x;

	while (from != NULL && (x = sk_X509_shift(from)) != NULL)
		if (sk_X509_push(to, x) == 0)
			X509_free(x);
	sk_X509_free(from);
	free(b);
}

int
collateral_load(struct collateral *c, const char *directory)
{
	static const char *const amd[] = { "vek.pem", "vek.der", "vcek.der",
		"ask.pem", "ark.pem", "cert_chain.pem" };
	int dir = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	size_t i;

	memset(c, 0, sizeof(*c));
	if (dir == -1)
		return -1;
	if ((c->tdx = calloc(1, sizeof(*c->tdx))) == NULL ||
	    (c->snp = sk_X509_new_null()) == NULL ||
	    (c->snp_crls = sk_X509_CRL_new_null()) == NULL) {
		close(dir);
		collateral_free(c);
		errno = ENOMEM;
		return -1;
	}
	document_load(dir, &tcb_info, &c->tdx->tcb.by, &c->tdx->tcb);
	document_load(dir, &qe_identity, &c->tdx->qe.by, &c->tdx->qe);
	document_load(dir, &tcb_sets, &c->tdx->sets.by, &c->tdx->sets);
	c->tdx->root_crl = crl_read(dir, "root_ca.crl");
	c->tdx->pck_crl = crl_read(dir, "pck.crl");
	for (i = 0; i < sizeof(amd) / sizeof(amd[0]); i++)
		certs_add(dir, amd[i], c->snp);
	crls_add(dir, "snp.crl", c->snp_crls);
	if ((c->cca_key = file_read(dir, "cpak.json", &c->cca_key_n)) == NULL)
		c->cca_key = file_read(dir, "cpak.pem", &c->cca_key_n);
	c->optee_key = file_read(dir, "optee.pem", &c->optee_key_n);
	close(dir);
	return 0;
}

void
collateral_free(struct collateral *c)
{
	if (c->tdx != NULL) {
		X509_free(c->tdx->tcb.by.signer);
		X509_free(c->tdx->qe.by.signer);
		X509_free(c->tdx->sets.by.signer);
		X509_CRL_free(c->tdx->root_crl);
		X509_CRL_free(c->tdx->pck_crl);
		free(c->tdx);
	}
	sk_X509_pop_free(c->snp, X509_free);
	sk_X509_CRL_pop_free(c->snp_crls, X509_CRL_free);
	free(c->cca_key);
	free(c->optee_key);
	memset(c, 0, sizeof(*c));
}
