/* SPDX-License-Identifier: Apache-2.0
 *
 * Parses DCAP quotes.  Every length is checked here, once.
 */
#include <openssl/asn1.h>
#include <openssl/objects.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "bytes.h"
#include "dcap.h"

#define HEAD		48
#define SGX_BODY	384
#define TDX_BODY	584
#define SIGNATURES	128		/* size of signature and key */
#define QE_REPORT	384

static const uint8_t intel_vendor[16] = { 0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c,
	0x4c, 0xa9, 0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07 };

/* ---- a cursor that stops at its end ------------------------------------ */

struct cursor {
	struct bytes	 all;
	size_t		 at;
	const char	*lost;		/* the part that was cut off, or NULL */
};

static const uint8_t *
take_pointer(struct cursor *c, size_t n, const char *what)
{
	const uint8_t *p = c->all.p + c->at;

	if (c->lost != NULL)
		return NULL;
	if (n > c->all.n - c->at) {
		c->lost = what;
		return NULL;
	}
	c->at += n;
	return p;
}

static uint32_t
take_number(struct cursor *c, size_t n, const char *what)
{
	const uint8_t *p = take_pointer(c, n, what);

	return p == NULL ? 0 : (uint32_t)get_le(p, n);
}

static struct bytes
take_bytes(struct cursor *c, size_t n, const char *what)
{
	struct bytes b = { take_pointer(c, n, what), n };

	if (b.p == NULL)
		b.n = 0;
	return b;
}

/* ---- the parts --------------------------------------------------------- */

/* The kinds of body. */
static const struct {
	unsigned	version, type;	/* type: used in version 5 only */
	uint32_t	tee;
	size_t		size;
} bodies[] = {
	{ 3, 0, TEE_SGX, SGX_BODY },
	{ 4, 0, TEE_SGX, SGX_BODY },
	{ 4, 0, TEE_TDX, TDX_BODY },
	{ 5, 1, TEE_SGX, SGX_BODY },
	{ 5, 2, TEE_TDX, TDX_BODY },
	{ 5, 3, TEE_TDX, 648 },
	{ 5, 4, TEE_TDX, 885 },
};

static const char *
read_body(struct quote *q, struct cursor *c)
{
	uint32_t size = 0;
	size_t i;

	if (q->version == 5) {
		q->body_type = take_number(c, 2, "the body's type");
		size = take_number(c, 4, "the body's size");
	}
	if (c->lost != NULL)
		return NULL;
	for (i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
		if (bodies[i].version == q->version &&
		    bodies[i].tee == q->tee && bodies[i].type == q->body_type)
			break;
	if (i == sizeof(bodies) / sizeof(bodies[0]))
		return "no such version, TEE and body type";
	if (q->version == 5 && size != bodies[i].size)
		return "the body's size is not that of its type";
	q->body = take_bytes(c, bodies[i].size, "the body");
	q->signed_part = (struct bytes){ c->all.p, c->at };
	return NULL;
}

/* Read the QE report, its signature and the certificates. */
static const char *
read_qe(struct quote *q, struct cursor *c)
{
	uint32_t type, n;

	q->qe_report = take_pointer(c, QE_REPORT, "the QE report");
	q->qe_signature = take_pointer(c, 64, "the QE report's signature");
	n = take_number(c, 2, "the QE's data");
	q->qe_auth = take_bytes(c, n, "the QE's data");
	type = take_number(c, 2, "the certificates' type");
	n = take_number(c, 4, "the certificates' size");
	q->certs = take_bytes(c, n, "the certificates");
	if (c->lost == NULL && type != 5)
		return "it carries no certificate chain (type 5): fetch the "
		       "PCK certificate and put it in";
	if (c->lost == NULL && c->at != c->all.n)
		return "bytes behind the certificates";
	return NULL;
}

static const char *
read_signature(struct quote *q, struct cursor *c)
{
	struct cursor s = { 0 };
	const char *why;
	uint32_t n;

	n = take_number(c, 4, "the signature's size");
	s.all = take_bytes(c, n, "the signature data");
	if (c->lost != NULL)
		return NULL;
	q->signature = take_pointer(&s, 64, "the signature");
	q->ak = take_pointer(&s, 64, "the attestation key");
	if (q->version >= 4) {
		if (take_number(&s, 2, "the QE data's type") != 6 &&
		    s.lost == NULL)
			return "the signature data is not of type 6";
		n = take_number(&s, 4, "the QE data's size");
		if (s.lost == NULL && n != s.all.n - s.at)
			return "the QE data does not fill the signature data";
	}
	why = read_qe(q, &s);
	if (s.lost != NULL)
		c->lost = s.lost;
	return why;
}

static const char *
read_head(struct quote *q, struct cursor *c)
{
	unsigned key;

	q->head = (struct bytes){ c->all.p, HEAD };
	q->version = take_number(c, 2, "the version");
	key = take_number(c, 2, "the key's type");
	q->tee = take_number(c, 4, "the TEE's type");
	(void)take_pointer(c, 4, "the header");
	if (take_pointer(c, 36, "the header") == NULL)
		return NULL;
	if (q->version < 3 || q->version > 5)
		return "not a quote of version 3, 4 or 5";
	if (key != 2)
		return "its key is not ECDSA P-256 (type 2)";
	if (memcmp(c->all.p + 12, intel_vendor, sizeof(intel_vendor)) != 0)
		return "its quoting enclave is not Intel's";
	if (q->version >= 4 && memcmp(c->all.p + 8, "\0\0\0", 4) != 0)
		return "reserved bytes of the header are not zero";
	return NULL;
}

int
quote_read(struct quote *q, struct bytes b, char *why, size_t size)
{
	struct cursor c = { .all = b };
	const char *problem;

	memset(q, 0, sizeof(*q));
	if ((problem = read_head(q, &c)) != NULL ||
	    (problem = read_body(q, &c)) != NULL ||
	    (problem = read_signature(q, &c)) != NULL) {
		snprintf(why, size, "%s", problem);
		return -1;
	}
	if (c.lost != NULL) {
		snprintf(why, size, "ends in %s: %zu bytes", c.lost, b.n);
		return -1;
	}
	q->trailing = (struct bytes){ b.p + c.at, b.n - c.at };
	return 0;
}

/* ---- the PCK certificate's extension ----------------------------------- */

/* Take one DER element of this tag from *b. */
static int
der_take(struct bytes *b, int tag, struct bytes *content)
{
	const unsigned char *p = b->p;
	long n;
	int t, class, r;

	if (b->n == 0)
		return -1;
	r = ASN1_get_object(&p, &n, &t, &class, (long)b->n);
	if (r & 0x80 || r & 1 || t != tag || class != V_ASN1_UNIVERSAL ||
	    n < 0 || (size_t)n > b->n - (size_t)(p - b->p))
		return -1;
	*content = (struct bytes){ p, (size_t)n };
	b->n -= (size_t)(p + n - b->p);
	b->p = p + n;
	return 0;
}

/* An INTEGER of 0 to 65535. */
static int
der_number(struct bytes *b, unsigned *v)
{
	struct bytes c;

	if (der_take(b, V_ASN1_INTEGER, &c) == -1 || c.n == 0 || c.n > 3 ||
	    c.p[0] & 0x80)
		return -1;
	*v = (unsigned)get_be(c.p, c.n);
	return *v <= UINT16_MAX ? 0 : -1;
}

static int
der_octets(struct bytes *b, uint8_t *to, size_t n)
{
	struct bytes c;

	if (der_take(b, V_ASN1_OCTET_STRING, &c) == -1 || c.n != n)
		return -1;
	memcpy(to, c.p, n);
	return 0;
}

/* 1.2.840.113741.1.13.1 */
static const uint8_t sgx_oid[] = { 0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x01,
	0x0d, 0x01 };

/* Read a pair { OID, value }.  Returns the arc below `oid', or 0 if the OID is
 * another. */
static unsigned
der_pair(struct bytes *b, const uint8_t *oid, size_t n, struct bytes *value)
{
	struct bytes pair, id;

	if (der_take(b, V_ASN1_SEQUENCE, &pair) == -1)
		return 0;
	if (der_take(&pair, V_ASN1_OBJECT, &id) == -1 || id.n != n + 1 ||
	    memcmp(id.p, oid, n) != 0)
		return 0;
	*value = pair;
	return id.p[n];
}

/* Each SVN must occur exactly once. */
static int
read_svns(struct pck *p, struct bytes value)
{
	uint8_t oid[sizeof(sgx_oid) + 1];
	struct bytes list, v;
	uint32_t seen = 0;
	unsigned arc, svn;

	memcpy(oid, sgx_oid, sizeof(sgx_oid));
	oid[sizeof(sgx_oid)] = 2;
	if (der_take(&value, V_ASN1_SEQUENCE, &list) == -1)
		return -1;
	while (list.n > 0) {
		arc = der_pair(&list, oid, sizeof(oid), &v);
		if (arc == 0 || arc > 18 || seen & 1u << arc)
			return -1;
		seen |= 1u << arc;
		if (arc == 18)			/* CPUSVN: a copy */
			continue;
		if (der_number(&v, &svn) == -1 || (arc <= 16 && svn > 255))
			return -1;
		if (arc <= 16)
			p->components[arc - 1] = (uint8_t)svn;
		else
			p->pcesvn = (uint16_t)svn;
	}
	return (seen & 0x3fffe) == 0x3fffe ? 0 : -1;
}

static int
read_extension(struct pck *p, struct bytes b)
{
	struct bytes list, v;
	unsigned arc, seen = 0;
	int r;

	if (der_take(&b, V_ASN1_SEQUENCE, &list) == -1 || b.n != 0)
		return -1;
	while (list.n > 0) {
		arc = der_pair(&list, sgx_oid, sizeof(sgx_oid), &v);
		if (arc == 0 || arc > 7 || seen & 1u << arc)
			return -1;
		seen |= 1u << arc;
		r = 0;
		if (arc == 1)
			r = der_octets(&v, p->ppid, sizeof(p->ppid));
		else if (arc == 2)
			r = read_svns(p, v);
		else if (arc == 3)
			r = der_octets(&v, p->pceid, sizeof(p->pceid));
		else if (arc == 4)
			r = der_octets(&v, p->fmspc, sizeof(p->fmspc));
		if (r == -1)
			return -1;
	}
	return (seen & 0x1e) == 0x1e ? 0 : -1;
}

int
pck_read(struct pck *p, X509 *x)
{
	const ASN1_OCTET_STRING *data = NULL;
	const ASN1_OBJECT *o;
	X509_EXTENSION *e;
	int i;

	memset(p, 0, sizeof(*p));
	for (i = 0; i < X509_get_ext_count(x); i++) {
		e = X509_get_ext(x, i);
		o = X509_EXTENSION_get_object(e);
		if (OBJ_length(o) != sizeof(sgx_oid) ||
		    memcmp(OBJ_get0_data(o), sgx_oid, sizeof(sgx_oid)) != 0)
			continue;
		if (data != NULL)
			return -1;
		data = X509_EXTENSION_get_data(e);
	}
	if (data == NULL)
		return -1;
	return read_extension(p,
	    (struct bytes){ ASN1_STRING_get0_data(data),
		(size_t)ASN1_STRING_length(data) });
}
