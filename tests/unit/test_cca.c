/* SPDX-License-Identifier: Apache-2.0
 *
 * CCA tokens of both profiles (from models: none from silicon is public), and
 * each thing wrong by its own check alone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cbor.h>
#include <cmocka.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "attest.h"
#include "tests/unit/samples.h"

static struct report r;
static struct policy policy;

static int
setup(void **state)
{
	(void)state;
	policy_default(&policy);
	return 0;
}

/* By this key; NULL: none. */
static void
verify(struct bytes token, struct bytes key)
{
	struct collateral c = { 0 };

	c.cca_key = (uint8_t *)(uintptr_t)key.p;
	c.cca_key_n = key.n;
	memset(&r, 0, sizeof(r));
	format_cca.verify(token, &c, &policy, 0, &r);
}

static void
verify_file(const char *token, const char *key)
{
	struct bytes t = sample(token), k = { NULL, 0 };

	if (key != NULL)
		k = sample(key);
	verify(t, k);
	sample_free(t);
	sample_free(k);
}

/* The offset of these bytes. */
static uint8_t *
at(uint8_t *in, size_t n, const char *bytes, size_t bytes_n)
{
	uint8_t *p = memmem(in, n, bytes, bytes_n);

	assert_non_null(p);
	return p;
}

static void
samples_of_each_form_of_key_are_accepted(void **state)
{
	static const struct {
		const char *token, *key;
	} of[] = {
		{ "cca/cca-token-01.cbor", "cca/cca_platform.pem" },
		{ "cca/cca-token-01.cbor", "cca/cpak.json" },
		{ "cca/cca-example-token.cbor", "cca/cpak-pub.json" },
		{ "cca/cca-example-token.cbor", "cca/tastore.json" },
		{ "cca/cca-token-02.cbor", "cca/ta-02-ok.json" },
		{ "cca/cca-token-draft-ffm-00.cbor", "cca/ta-tfa.json" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(of) / sizeof(of[0]); i++) {
		verify_file(of[i].token, of[i].key);
		only(&r, A_FAIL, "");
		only(&r, A_MISSING, "");
		assert_int_equal(report_verdict(&r), 0);
		assert_true(r.hardware);
		assert_int_equal(r.debug, 0);
	}
	assert_string_equal(
	    fact_of(&r, "realm-profile"), "tag:arm.com,2023:realm#1.0.0");
	verify_file("cca/cca-example-token.cbor", "cca/cpak-pub.json");
	assert_string_equal(fact_of(&r, "lifecycle"), "0x3003");
	assert_non_null(fact_of(&r, "sw-component-12"));
	assert_null(fact_of(&r, "sw-component-13"));
}

static void
no_key_is_missing_and_a_wrong_key_fails(void **state)
{
	struct bytes t, k;

	(void)state;
	verify_file("cca/cca-token-02.cbor", NULL);
	only(&r, A_FAIL, "");
	only(&r, A_MISSING, "platform-signature");
	assert_int_equal(report_verdict(&r), 3);
	assert_false(r.hardware);
	verify_file("cca/cca-token-02.cbor", "cca/ta-tfa.json"); /* another's */
	only(&r, A_MISSING, "platform-signature");
	verify_file("cca/cca-token-02.cbor", "cca/pkey.json");
	only(&r, A_FAIL, "platform-signature");
	verify_file("cca/cca-token-02.cbor", "cca/ta-02-bad.json");
	only(&r, A_FAIL, "platform-signature");
	verify_file("cca/cca-token-02.cbor", "cca/cca-token-02.cbor");
	only(&r, A_FAIL, "platform-signature");
	k = sample("cca/cpak.json");
	memcpy(at((uint8_t *)(uintptr_t)k.p, k.n, "\"EC\"", 4), "\"EX\"", 4);
	t = sample("cca/cca-token-01.cbor");
	verify(t, k);
	only(&r, A_FAIL, "platform-signature");
	sample_free(t);
	sample_free(k);
}

static void
a_realm_key_that_the_platform_did_not_sign_is_refused(void **state)
{
	(void)state;
	verify_file("cca/bug-33-repro.cbor", "cca/cpak.json");
	only(&r, A_FAIL, "rak-binding");
	assert_false(r.hardware);
}

static void
the_challenge_must_be_the_report_data_asked_for(void **state)
{
	char text[200], error[200];

	(void)state;
	verify_file("cca/cca-token-01.cbor", "cca/cpak.json");
	snprintf(text, sizeof(text), "report-data %s\n",
	    fact_of(&r, "realm-challenge"));
	assert_int_equal(policy_parse(&policy, text, error, sizeof(error)), 0);
	verify_file("cca/cca-token-01.cbor", "cca/cpak.json");
	only(&r, A_FAIL, "");
	assert_int_equal(report_find(&r, "report-data")->outcome, A_PASS);
	policy.report_data[63] ^= 1;
	verify_file("cca/cca-token-01.cbor", "cca/cpak.json");
	only(&r, A_FAIL, "report-data");
}

static void
rim_and_instance_id_must_be_those_of_the_policy(void **state)
{
	char text[300], error[200];

	(void)state;
	verify_file("cca/cca-token-01.cbor", "cca/cpak.json");
	snprintf(text, sizeof(text), "accept rim %s\naccept instance-id %s\n",
	    fact_of(&r, "rim"), fact_of(&r, "instance-id"));
	assert_int_equal(policy_parse(&policy, text, error, sizeof(error)), 0);
	verify_file("cca/cca-token-01.cbor", "cca/cpak.json");
	only(&r, A_FAIL, "");
	verify_file("cca/cca-token-02.cbor", "cca/ta-02-ok.json");
	only(&r, A_FAIL, "policy-rim policy-instance-id");
	policy.values[0].value[0] ^= 1;
	verify_file("cca/cca-token-01.cbor", "cca/cpak.json");
	only(&r, A_FAIL, "policy-rim");
}

/* No byte of a token can change, neither of what is signed nor of what wraps
 * it. */
static void
a_token_with_any_byte_changed_is_refused(void **state)
{
	static const struct {
		const char *token, *key;
	} of[] = {
		{ "cca/cca-token-01.cbor", "cca/cpak.json" },
		{ "cca/cca-token-draft-ffm-00.cbor", "cca/ta-tfa.json" },
	};
	struct bytes t, k;
	uint8_t *p;
	size_t i, j;
	int bit;

	(void)state;
	for (j = 0; j < sizeof(of) / sizeof(of[0]); j++) {
		t = sample(of[j].token);
		k = sample(of[j].key);
		p = (uint8_t *)(uintptr_t)t.p;
		for (i = 0; i < t.n; i++) {
			bit = 1 << i % 8;
			p[i] ^= (uint8_t)bit;
			verify(t, k);
			assert_int_not_equal(report_verdict(&r), 0);
			p[i] ^= (uint8_t)bit;
		}
		verify(t, k);
		assert_int_equal(report_verdict(&r), 0);
		sample_free(t);
		sample_free(k);
	}
}

static void
a_token_cut_or_extended_is_not_well_formed(void **state)
{
	struct bytes t = sample("cca/cca-token-01.cbor");
	struct bytes k = sample("cca/cpak.json");
	uint8_t *p;
	size_t n;

	(void)state;
	for (n = 0; n < t.n + 4; n++) {
		if (n == t.n)
			continue;
		p = calloc(1, n + 1);
		assert_non_null(p);
		memcpy(p + 1, t.p, n < t.n ? n : t.n);
		verify((struct bytes){ p + 1, n }, k);
		only(&r, A_FAIL, "format");
		free(p);
	}
	sample_free(t);
	sample_free(k);
}

/* Sixteen thousand arrays in each other, and one of 2^40 elements: refused
 * without harm. */
static void
deep_nesting_and_huge_arrays_are_refused(void **state)
{
	uint8_t *p = malloc(20000);
	const struct bytes none = { NULL, 0 };

	(void)state;
	assert_non_null(p);
	memcpy(p, "\xd9\x01\x8f", 3);
	memset(p + 3, 0x81, 20000 - 3);
	p[16383] = 0;
	verify((struct bytes){ p, 16384 }, none);
	only(&r, A_FAIL, "format");
	verify((struct bytes){ p, 20000 }, none);
	only(&r, A_FAIL, "format");
	memcpy(p + 3, "\x9b\0\0\1\0\0\0\0\0", 9);
	verify((struct bytes){ p, 16384 }, none);
	only(&r, A_FAIL, "format");
	free(p);
}

/* ---- tokens made here: claims of a sample, edited, under test keys ------ */

#define ES384_HEADER	"\xa1\x01\x38\x22"

struct made {
	uint8_t		 platform[2048], realm[2048];
	size_t		 platform_n, realm_n;
	uint8_t		*rak, *challenge;	/* in the claims */
	size_t		 rak_n;
	struct bytes	 protected, unprotected;
};

static EVP_PKEY *cpak_pair, *rak_pair;
static struct bytes cpak_pem;

static int
setup_cpak(const char *curve)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *p;
	long n;

	cpak_pair = EVP_EC_gen(curve);
	if (cpak_pair == NULL || bio == NULL ||
	    PEM_write_bio_PUBKEY(bio, cpak_pair) != 1)
		return -1;
	n = BIO_get_mem_data(bio, &p);
	cpak_pem = (struct bytes){ memcpy(malloc((size_t)n), p, (size_t)n),
		(size_t)n };
	BIO_free(bio);
	return 0;
}

static void
teardown_cpak(void)
{
	sample_free(cpak_pem);
	EVP_PKEY_free(cpak_pair);
}

static int
setup_keys(void **state)
{
	(void)state;
	rak_pair = EVP_EC_gen("P-384");
	return rak_pair == NULL ? -1 : setup_cpak("P-384");
}

static int
teardown_keys(void **state)
{
	(void)state;
	teardown_cpak();
	EVP_PKEY_free(rak_pair);
	return 0;
}

static size_t
payload_of(cbor_item_t *token, size_t i, uint8_t to[2048])
{
	struct cbor_load_result result;
	cbor_item_t *v = cbor_map_handle(token)[i].value, *s, *payload;
	size_t n;

	/* Without the tag: see cca.c. */
	s = cbor_load(cbor_bytestring_handle(v) + 1,
	    cbor_bytestring_length(v) - 1, &result);
	assert_non_null(s);
	payload = cbor_array_handle(s)[2];
	n = cbor_bytestring_length(payload);
	assert_true(n <= 2000);
	memcpy(to, cbor_bytestring_handle(payload), n);
	cbor_decref(&s);
	return n;
}

static void
make(struct made *m, const char *name)
{
	struct bytes b = sample(name);
	struct cbor_load_result result;
	cbor_item_t *t = cbor_load(b.p, b.n, &result), *map;
	uint8_t point[97];
	size_t n;

	assert_non_null(t);
	map = cbor_move(cbor_tag_item(t));
	*m = (struct made){ 0 };
	m->platform_n = payload_of(map, 0, m->platform);
	m->realm_n = payload_of(map, 1, m->realm);
	m->protected = (struct bytes){ (const uint8_t *)ES384_HEADER, 4 };
	m->unprotected = (struct bytes){ (const uint8_t *)"\xa0", 1 };
	m->challenge = at(m->platform, m->platform_n, "\x0a\x58\x20", 3) + 3;
	m->rak = at(m->realm, m->realm_n, "\x19\xac\xcd\x58", 4) + 5;
	m->rak_n = m->rak[-1];
	assert_int_equal(EVP_PKEY_get_octet_string_param(
			     rak_pair, "pub", point, sizeof(point), &n),
	    1);
	if (m->rak_n == sizeof(point))
		memcpy(m->rak, point, sizeof(point));
	else {				/* {1: 2, -1: 2, -2: x, -3: y} */
		memcpy(
		    at(m->rak, m->rak_n, "\x21\x58\x30", 3) + 3, point + 1, 48);
		memcpy(at(m->rak, m->rak_n, "\x22\x58\x30", 3) + 3, point + 49,
		    48);
	}
	cbor_decref(&t);
	sample_free(b);
}

/* One more pair at the end of a map of claims. */
static void
append(uint8_t *claims, size_t *n, const char *pair, size_t pair_n)
{
	claims[0]++;
	memcpy(claims + *n, pair, pair_n);
	*n += pair_n;
}

static uint8_t *
put_bytes(uint8_t *to, const uint8_t *p, size_t n)
{
	if (n < 24)
		*to++ = (uint8_t)(0x40 | n);
	else if (n < 256) {
		*to++ = 0x58;
		*to++ = (uint8_t)n;
	} else {
		*to++ = 0x59;
		*to++ = (uint8_t)(n >> 8);
		*to++ = (uint8_t)n;
	}
	memcpy(to, p, n);
	return to + n;
}

static void
sign(EVP_PKEY *by, const uint8_t *p, size_t n, uint8_t rs[96])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t der[128];
	const uint8_t *d = der;
	size_t der_n = sizeof(der);
	ECDSA_SIG *sig;

	assert_int_equal(
	    EVP_DigestSignInit(ctx, NULL, EVP_sha384(), NULL, by), 1);
	assert_int_equal(EVP_DigestSign(ctx, der, &der_n, p, n), 1);
	sig = d2i_ECDSA_SIG(NULL, &d, (long)der_n);
	BN_bn2binpad(ECDSA_SIG_get0_r(sig), rs, 48);
	BN_bn2binpad(ECDSA_SIG_get0_s(sig), rs + 48, 48);
	ECDSA_SIG_free(sig);
	EVP_MD_CTX_free(ctx);
}

static size_t
put_sign1(const struct made *m, EVP_PKEY *by, const uint8_t *claims, size_t n,
    uint8_t *to)
{
	uint8_t what[4096], *p = what, rs[96], *start = to;

	memcpy(p, "\x84\x6aSignature1", 12);
	p = put_bytes(p + 12, m->protected.p, m->protected.n);
	*p++ = 0x40;
	p = put_bytes(p, claims, n);
	sign(by, what, (size_t)(p - what), rs);
	*to++ = 0xd2;
	*to++ = 0x84;
	to = put_bytes(to, m->protected.p, m->protected.n);
	memcpy(to, m->unprotected.p, m->unprotected.n);
	to = put_bytes(to + m->unprotected.n, claims, n);
	to = put_bytes(to, rs, sizeof(rs));
	return (size_t)(to - start);
}

/* Bound, signed and judged by the key of the test. */
static void
verify_made(struct made *m)
{
	uint8_t token[8192], part[4096], *p = token;

	EVP_Digest(m->rak, m->rak_n, m->challenge, NULL, EVP_sha256(), NULL);
	memcpy(p, "\xd9\x01\x8f\xa2\x19\xac\xca", 7);
	p = put_bytes(p + 7, part,
	    put_sign1(m, cpak_pair, m->platform, m->platform_n, part));
	memcpy(p, "\x19\xac\xd1", 3);
	p = put_bytes(
	    p + 3, part, put_sign1(m, rak_pair, m->realm, m->realm_n, part));
	verify((struct bytes){ token, (size_t)(p - token) }, cpak_pem);
}

#define LEGACY	"cca/cca-token-01.cbor"
#define OF_2023	"cca/cca-token-draft-ffm-00.cbor"

static void
a_token_made_here_is_accepted(void **state)
{
	struct made m;

	(void)state;
	make(&m, LEGACY);
	verify_made(&m);
	only(&r, A_FAIL, "");
	assert_int_equal(report_verdict(&r), 0);
	assert_int_equal(r.n_warnings, 1);
	assert_string_equal(fact_of(&r, "platform-alg"), "ES384");
	make(&m, OF_2023);
	verify_made(&m);
	only(&r, A_FAIL, "");
	assert_int_equal(report_verdict(&r), 0);
	assert_true(r.hardware);
}

/* Signed by both keys, but not CBOR of the one strict form. */
static void
cbor_not_of_the_one_strict_form_is_refused(void **state)
{
	static const struct {
		const char *pair;
		size_t n;
	} of[] = {
		{ "\x61x\x00\x61x\x00", 6 },		/* "x" twice, below */
		/* the challenge again */
		{ "\x0a\x00", 2 },
		{ "\x18\x63\x9f\xff", 4 },		/* indefinite array */
		{ "\x18\x63\xbf\xff", 4 },		/* indefinite map */
		{ "\x18\x63\x5f\x41x\xff", 6 },		/* indefinite bytes */
		{ "\x18\x63\x18\x05", 4 },		/* 5 in two bytes */
		{ "\x18\x63\x19\x00\x05", 5 },		/* and in three */
		{ "\x18\x63\xf8\x14", 4 },		/* false, in two */
		{ "\x18\x63\x1c", 3 },			/* reserved */
		{ "\x18\x63\x81\x81\x81\x81\x81\x81\x81\x81\x81\x81\x00", 13 },
		{ "\x18\x63\x00\x00", 4 },		/* a byte after it */
		{ "\x18\x63", 2 },			/* no value */
		/* a key that is an array */
		{ "\x80\x00", 2 },
	};
	struct made m;
	size_t i, j;

	(void)state;
	for (i = 0; i < sizeof(of) / sizeof(of[0]); i++)
		for (j = 0; j < 2; j++) {
			make(&m, LEGACY);
			append(j == 0 ? m.platform : m.realm,
			    j == 0 ? &m.platform_n : &m.realm_n, of[i].pair,
			    of[i].n);
			if (i == 0)
				(j == 0 ? m.platform : m.realm)[0]++;
			verify_made(&m);
			only(&r, A_FAIL, "format");
		}
}

static void
a_header_with_more_than_the_algorithm_is_refused(void **state)
{
	static const struct {
		const char *header;
		size_t n;
	} of[] = {
		{ "\xa2\x01\x38\x22\x02\x81\x01", 7 },	/* crit: [1] */
		{ "\xa2\x01\x38\x22\x04\x41x", 7 },	/* kid */
		{ "\xa2\x01\x38\x22\x01\x38\x22", 7 },	/* alg twice */
		{ "\xa1\x01\x38\x23", 4 },		/* ES512 */
		{ "\xa1\x01\x05", 3 },			/* HMAC */
		{ "\xa0", 1 },
		{ "", 0 },
	};
	struct made m;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(of) / sizeof(of[0]); i++) {
		make(&m, LEGACY);
		m.protected.p = (const uint8_t *)of[i].header;
		m.protected.n = of[i].n;
		verify_made(&m);
		only(&r, A_FAIL, "format");
	}
	make(&m, LEGACY);
	m.unprotected = (struct bytes){ (const uint8_t *)"\xa1\x04\x41x", 4 };
	verify_made(&m);
	only(&r, A_FAIL, "format");
	make(&m, LEGACY);			/* an algorithm of other keys */
	m.protected = (struct bytes){ (const uint8_t *)"\xa1\x01\x26", 3 };
	verify_made(&m);
	only(&r, A_FAIL, "realm-signature platform-signature");
}

static void
an_unknown_claim_is_a_warning_alone(void **state)
{
	struct made m;

	(void)state;
	make(&m, LEGACY);
	append(m.platform, &m.platform_n, "\x18\x63\x00", 3);
	append(m.realm, &m.realm_n, "\x61x\x00", 3);
	verify_made(&m);
	only(&r, A_FAIL, "");
	assert_int_equal(report_verdict(&r), 0);
	assert_int_equal(r.n_warnings, 3);
	assert_non_null(strstr(r.warnings[0], "real chip"));
}

static void
a_token_without_a_required_claim_is_refused(void **state)
{
	struct made m;

	(void)state;
	make(&m, LEGACY);			/* 2402 becomes 2559 */
	at(m.platform, m.platform_n, "\x19\x09\x62", 3)[2] = 0xff;
	verify_made(&m);
	only(&r, A_FAIL, "claims");
	assert_int_equal(r.n_warnings, 2);
	make(&m, LEGACY);			/* three REMs: they come last */
	at(m.realm, m.realm_n, "\x19\xac\xcf\x84", 4)[3] = 0x83;
	m.realm_n -= 2 + 32;
	verify_made(&m);
	only(&r, A_FAIL, "claims");
	make(&m, LEGACY);			/* a measurement by another
						 * key */
	at(m.platform, m.platform_n, "\x02\x58\x20", 3)[0] = 0x07;
	verify_made(&m);
	only(&r, A_FAIL, "claims");
}

static void
an_unknown_profile_is_refused(void **state)
{
	struct made m;

	(void)state;
	make(&m, LEGACY);
	at(m.platform, m.platform_n, "SSD", 3)[0] = 'X';
	verify_made(&m);
	only(&r, A_FAIL, "platform-profile");
	make(&m, OF_2023);
	at(m.realm, m.realm_n, "realm#", 6)[0] = 'X';
	verify_made(&m);
	only(&r, A_FAIL, "realm-profile");
	make(&m, LEGACY);			/* there, but not text */
	append(m.realm, &m.realm_n, "\x19\x01\x09\x00", 4);
	verify_made(&m);
	only(&r, A_FAIL, "realm-profile");
}

/* The key that signs is the key that is named, of the kind that is named. */
static void
a_realm_key_of_another_kind_than_named_is_refused(void **state)
{
	struct made m;

	(void)state;
	make(&m, OF_2023);
	at(m.rak, m.rak_n, "\x01\x02", 2)[1] = 1;	/* kty: OKP */
	verify_made(&m);
	only(&r, A_FAIL, "realm-signature");
	make(&m, OF_2023);
	at(m.rak, m.rak_n, "\x20\x02", 2)[1] = 1;	/* crv: P-256 */
	verify_made(&m);
	only(&r, A_FAIL, "realm-signature");
	make(&m, LEGACY);
	m.rak[96] ^= 1;					/* no point */
	verify_made(&m);
	only(&r, A_FAIL, "realm-signature");
}

/* The platform of one, the realm of another. */
static void
mix(struct made *m, const char *platform, const char *realm)
{
	struct made of;

	make(m, platform);
	make(&of, realm);
	memcpy(m->realm, of.realm, of.realm_n);
	m->realm_n = of.realm_n;
	m->rak = m->realm + (of.rak - of.realm);
	m->rak_n = of.rak_n;
}

static void
platform_and_realm_of_different_profiles_are_refused(void **state)
{
	struct made m;

	(void)state;
	mix(&m, OF_2023, LEGACY);
	verify_made(&m);
	only(&r, A_FAIL, "realm-profile");
	mix(&m, LEGACY, OF_2023);
	verify_made(&m);
	only(&r, A_FAIL, "realm-profile");
	mix(&m, OF_2023, LEGACY);		/* a point instead of a map */
	append(m.realm, &m.realm_n,
	    "\x19\x01\x09\x78\x1c"
	    "tag:arm.com,2023:realm#1.0.0",
	    33);
	verify_made(&m);
	only(&r, A_FAIL, "realm-signature");
	mix(&m, LEGACY, OF_2023);		/* and the other way round */
	at(m.realm, m.realm_n, "\x19\x01\x09", 3)[2] = 0xff;
	verify_made(&m);
	only(&r, A_FAIL, "realm-signature");
}

/* A good signature, on a curve that ES384 is not of. */
static void
a_signature_on_a_curve_that_es384_is_not_of_is_refused(void **state)
{
	EVP_PKEY *was = cpak_pair;
	struct bytes pem = cpak_pem;
	struct made m;

	assert_int_equal(setup_cpak("brainpoolP384r1"), 0);
	make(&m, LEGACY);
	verify_made(&m);
	only(&r, A_FAIL, "platform-signature");
	teardown_cpak();
	cpak_pair = was;
	cpak_pem = pem;
	(void)state;
}

static void
a_lifecycle_that_is_not_secured_is_refused(void **state)
{
	static const struct {
		uint8_t high, low;
		int debug;
		const char *fail;
	} of[] = {
		{ 0x30, 0xff, 0, "" },
		{ 0x31, 0x00, -1, "lifecycle" },
		{ 0x10, 0x00, -1, "lifecycle" },
		{ 0x20, 0x00, -1, "lifecycle" },
		{ 0x40, 0x00, 1, "lifecycle debug" },
		{ 0x50, 0x01, 1, "lifecycle debug" },
		{ 0x60, 0x00, -1, "lifecycle" },
		{ 0xff, 0xff, -1, "lifecycle" },
	};
	struct made m;
	uint8_t *p;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(of) / sizeof(of[0]); i++) {
		make(&m, LEGACY);
		p = at(m.platform, m.platform_n, "\x19\x09\x5b\x19", 4);
		p[4] = of[i].high;
		p[5] = of[i].low;
		verify_made(&m);
		only(&r, A_FAIL, of[i].fail);
		assert_int_equal(r.debug, of[i].debug);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(
		    samples_of_each_form_of_key_are_accepted, setup),
		cmocka_unit_test_setup(
		    no_key_is_missing_and_a_wrong_key_fails, setup),
		cmocka_unit_test_setup(
		    a_realm_key_that_the_platform_did_not_sign_is_refused,
		    setup),
		cmocka_unit_test_setup(
		    the_challenge_must_be_the_report_data_asked_for, setup),
		cmocka_unit_test_setup(
		    rim_and_instance_id_must_be_those_of_the_policy, setup),
		cmocka_unit_test_setup(
		    a_token_with_any_byte_changed_is_refused, setup),
		cmocka_unit_test_setup(
		    a_token_cut_or_extended_is_not_well_formed, setup),
		cmocka_unit_test_setup(
		    deep_nesting_and_huge_arrays_are_refused, setup),
		cmocka_unit_test_setup(a_token_made_here_is_accepted, setup),
		cmocka_unit_test_setup(
		    cbor_not_of_the_one_strict_form_is_refused, setup),
		cmocka_unit_test_setup(
		    a_header_with_more_than_the_algorithm_is_refused, setup),
		cmocka_unit_test_setup(
		    an_unknown_claim_is_a_warning_alone, setup),
		cmocka_unit_test_setup(
		    a_token_without_a_required_claim_is_refused, setup),
		cmocka_unit_test_setup(an_unknown_profile_is_refused, setup),
		cmocka_unit_test_setup(
		    a_realm_key_of_another_kind_than_named_is_refused, setup),
		cmocka_unit_test_setup(
		    platform_and_realm_of_different_profiles_are_refused,
		    setup),
		cmocka_unit_test_setup(
		    a_signature_on_a_curve_that_es384_is_not_of_is_refused,
		    setup),
		cmocka_unit_test_setup(
		    a_lifecycle_that_is_not_secured_is_refused, setup),
	};

	return cmocka_run_group_tests(tests, setup_keys, teardown_keys);
}
