/* SPDX-License-Identifier: Apache-2.0
 *
 * Arm CCA attestation tokens: "Realm Management Monitor specification", A7, and
 * draft-ffm-rats-cca-token.  The platform token is signed by a key that the
 * chip's vendor endorses, and it endorses the key that signs the realm token.
 *
 * The envelope of the two tokens is not signed.  All CBOR must therefore have
 * the shortest form, so that a token has only one encoding.
 */
#include <jansson.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "hex.h"
#include "passphrase.h"
#include "strict_cbor.h"

enum {				/* claims */
	CHALLENGE = 10,
	INSTANCE = 256,
	PROFILE = 265,
	LIFECYCLE = 2395,
	IMPLEMENTATION = 2396,
	COMPONENTS = 2399,
	SERVICE = 2400,
	CONFIG = 2401,
	HASH = 2402,
	PLATFORM_TOKEN = 44234,
	PERSONALIZATION = 44235,
	REALM_HASH = 44236,
	RAK = 44237,
	RIM = 44238,
	REM = 44239,
	RAK_HASH = 44240,
	REALM_TOKEN = 44241
};

#define TOKEN_MAX	ITEM_MAX	/* the RMM returns a few KiB */
#define ES256		(-7)
#define ES384		(-35)

/* A signed token; all members point into the CBOR that was read. */
struct sign1 {
	cbor_item_t	*item, *claims;		/* references we own */
	struct bytes	 protected, payload, signature;
	long		 alg;
};

struct token {
	cbor_item_t	*item;
	struct sign1	 platform, realm;
};

/* ---- reading ----------------------------------------------------------- */

/* The protected header must be { 1: alg }. */
static int
read_protected(struct sign1 *s)
{
	cbor_item_t *m = item_decode(s->protected), *v;
	int ok = 0;

	if (item_is_map(m) && cbor_map_size(m) == 1 &&
	    (v = item_claim(m, 1)) != NULL && cbor_isa_negint(v) &&
	    cbor_get_int(v) < 1000) {
		s->alg = -1 - (long)cbor_get_int(v);
		ok = s->alg == ES256 || s->alg == ES384;
	}
	if (m != NULL)
		cbor_decref(&m);
	return ok ? 0 : -1;
}

/* COSE_Sign1 (RFC 9052): [ protected, {}, payload, signature ]. */
static const char *
read_sign1(struct sign1 *s, struct bytes b)
{
	cbor_item_t **e;

	/* libcbor before 0.11 treats tag 18 as an error. */
	if (b.n == 0 || *b.p != (0xc0 | 18))
		return "is not tagged as COSE_Sign1";
	b = (struct bytes){ b.p + 1, b.n - 1 };
	if ((s->item = item_decode(b)) == NULL)
		return "is not one item of strict CBOR";
	if (!cbor_isa_array(s->item) || cbor_array_size(s->item) != 4)
		return "is not an array of four";
	e = cbor_array_handle(s->item);
	s->protected = item_bytes(e[0]);
	s->payload = item_bytes(e[2]);
	s->signature = item_bytes(e[3]);
	if (!item_is_map(e[1]) || cbor_map_size(e[1]) != 0)
		return "has unprotected headers, which nobody signed";
	if (s->protected.p == NULL || s->payload.p == NULL ||
	    s->signature.p == NULL)
		return "lacks a byte string";
	if (read_protected(s) == -1)
		return "is signed by an algorithm other than ES256 and ES384, "
		       "or has other headers";
	s->claims = item_decode(s->payload);
	return item_is_map(s->claims) ? NULL :
					"has claims that are no map of "
					"strict CBOR, or one twice";
}

static const char *
read_token(struct token *t, struct bytes b)
{
	cbor_item_t *m;

	if (b.n > TOKEN_MAX)
		return "is larger than one ever is";
	if ((t->item = item_decode(b)) == NULL)
		return "is not one item of strict CBOR";
	if (!cbor_isa_tag(t->item) || cbor_tag_value(t->item) != 399)
		return "is not tagged as one of CCA";
	m = cbor_move(cbor_tag_item(t->item));
	if (!item_is_map(m) || cbor_map_size(m) != 2 ||
	    item_bytes(item_claim(m, PLATFORM_TOKEN)).p == NULL ||
	    item_bytes(item_claim(m, REALM_TOKEN)).p == NULL)
		return "is not a map of a platform token and a realm token";
	return NULL;
}

static void
token_free(struct token *t)
{
	cbor_item_t *all[] = { t->item, t->platform.item, t->platform.claims,
		t->realm.item, t->realm.claims };
	size_t i;

	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (all[i] != NULL)
			cbor_decref(&all[i]);
}

/* Parse both tokens; on failure record a failed check "format". */
static int
token_open(struct token *t, struct bytes b, struct report *r)
{
	const char *why = read_token(t, b), *which = "the token";
	cbor_item_t *m;

	if (why == NULL) {
		m = cbor_move(cbor_tag_item(t->item));
		which = "the platform token";
		why = read_sign1(
		    &t->platform, item_bytes(item_claim(m, PLATFORM_TOKEN)));
		if (why == NULL) {
			which = "the realm token";
			why = read_sign1(
			    &t->realm, item_bytes(item_claim(m, REALM_TOKEN)));
		}
	}
	report_that(r, "format", why == NULL, "%s %s", which,
	    why == NULL ? "is well formed" : why);
	return why == NULL ? 0 : -1;
}

/* ---- show -------------------------------------------------------------- */

static int
cca_is(struct bytes b)
{
	return b.n > 3 && memcmp(b.p, "\xd9\x01\x8f", 3) == 0;
}

static void
fact_text(struct report *r, const char *name, const cbor_item_t *i)
{
	struct bytes s = item_text(i);
	char to[128];
	size_t k;

	if (s.p == NULL)
		return;
	for (k = 0; k < s.n && k < sizeof(to) - 1; k++)
		to[k] = s.p[k] >= ' ' && s.p[k] < 0x7f ? (char)s.p[k] : '?';
	to[k] = '\0';
	report_fact(r, name, "%s", to);
}

static void
fact_bytes(struct report *r, const char *name, const cbor_item_t *i)
{
	struct bytes b = item_bytes(i);

	if (b.p != NULL)
		report_hex(r, name, b.p, b.n);
}

static void
show_components(struct report *r, const cbor_item_t *a)
{
	static const char *const names[] = { "sw-component-0", "sw-component-1",
		"sw-component-2", "sw-component-3", "sw-component-4",
		"sw-component-5", "sw-component-6", "sw-component-7",
		"sw-component-8", "sw-component-9", "sw-component-10",
		"sw-component-11", "sw-component-12", "sw-component-13",
		"sw-component-14", "sw-component-15" };
	size_t i;

	for (i = 0;
	     i < cbor_array_size(a) && i < sizeof(names) / sizeof(names[0]);
	     i++)
		if (item_is_map(cbor_array_handle(a)[i]))
			fact_bytes(r, names[i],
			    item_claim(cbor_array_handle(a)[i], 2));
}

static const char *
alg_name(const struct sign1 *s)
{
	return s->alg == ES256 ? "ES256" : "ES384";
}

static void
show_claims(const struct token *t, struct report *r)
{
	static const char *const rems[] = { "rem0", "rem1", "rem2", "rem3" };
	const cbor_item_t *p = t->platform.claims, *q = t->realm.claims, *a;
	size_t i;

	report_fact(r, "platform-alg", "%s", alg_name(&t->platform));
	report_fact(r, "realm-alg", "%s", alg_name(&t->realm));
	fact_text(r, "platform-profile", item_claim(p, PROFILE));
	fact_bytes(r, "platform-challenge", item_claim(p, CHALLENGE));
	fact_bytes(r, "implementation-id", item_claim(p, IMPLEMENTATION));
	fact_bytes(r, "instance-id", item_claim(p, INSTANCE));
	fact_bytes(r, "config", item_claim(p, CONFIG));
	fact_text(r, "platform-hash", item_claim(p, HASH));
	fact_text(r, "verification-service", item_claim(p, SERVICE));
	a = item_claim(p, LIFECYCLE);
	if (a != NULL && cbor_isa_uint(a))
		report_fact(r, "lifecycle", "0x%04llx",
		    (unsigned long long)cbor_get_int(a));
	a = item_claim(p, COMPONENTS);
	if (a != NULL && cbor_isa_array(a))
		show_components(r, a);
	fact_text(r, "realm-profile", item_claim(q, PROFILE));
	fact_bytes(r, "realm-challenge", item_claim(q, CHALLENGE));
	fact_bytes(r, "personalization", item_claim(q, PERSONALIZATION));
	fact_text(r, "realm-hash", item_claim(q, REALM_HASH));
	fact_text(r, "rak-hash", item_claim(q, RAK_HASH));
	fact_bytes(r, "rak", item_claim(q, RAK));
	fact_bytes(r, "rim", item_claim(q, RIM));
	a = item_claim(q, REM);
	for (i = 0;
	     a != NULL && cbor_isa_array(a) && i < 4 && i < cbor_array_size(a);
	     i++)
		fact_bytes(r, rems[i], cbor_array_handle(a)[i]);
}

static int
cca_show(struct bytes b, struct report *r)
{
	struct token t = { 0 };
	int result;

	r->format = "Arm CCA token";
	r->debug = -1;
	if ((result = token_open(&t, b, r)) == 0)
		show_claims(&t, r);
	token_free(&t);
	return result;
}

/* ---- claims ------------------------------------------------------------ */

struct wanted {
	unsigned long	key;
	char		type;		/* b bytes, t text, u number, a array */
	size_t		min, max;	/* bytes */
};

static const struct wanted platform_claims[] = {
	{ PROFILE, 't', 0, 0 }, { CHALLENGE, 'b', 32, 64 },
	{ IMPLEMENTATION, 'b', 32, 32 }, { INSTANCE, 'b', 33, 33 },
	{ CONFIG, 'b', 0, SIZE_MAX }, { LIFECYCLE, 'u', 0, 0 },
	{ COMPONENTS, 'a', 0, 0 }, { HASH, 't', 0, 0 },
}, realm_claims[] = {
	{ CHALLENGE, 'b', 64, 64 }, { PERSONALIZATION, 'b', 64, 64 },
	{ REALM_HASH, 't', 0, 0 }, { RAK, 'b', 1, SIZE_MAX },
	{ RIM, 'b', 32, 64 }, { REM, 'a', 0, 0 }, { RAK_HASH, 't', 0, 0 },
};

static int
is_wanted(const cbor_item_t *v, const struct wanted *w)
{
	struct bytes b;

	switch (w->type) {
	case 'b':
		b = item_bytes(v);
		return b.p != NULL && b.n >= w->min && b.n <= w->max;
	case 't': return item_text(v).p != NULL;
	case 'u': return v != NULL && cbor_isa_uint(v);
	default: return v != NULL && cbor_isa_array(v);
	}
}

/* Unknown claims are only warned about: a later version may define them. */
static void
warn_unknown(const cbor_item_t *claims, const char *whose,
    const unsigned long *known, size_t n_known, struct report *r)
{
	const struct cbor_pair *p = cbor_map_handle(claims);
	size_t i, k;

	for (i = 0; i < cbor_map_size(claims); i++) {
		for (k = 0; k < n_known; k++)
			if (cbor_isa_uint(p[i].key) &&
			    cbor_get_int(p[i].key) == known[k])
				break;
		if (k < n_known)
			continue;
		if (cbor_isa_uint(p[i].key))
			report_warn(r,
			    "claim %llu of the %s is unknown: it is "
			    "not read",
			    (unsigned long long)cbor_get_int(p[i].key), whose);
		else
			report_warn(r,
			    "a claim of the %s has no number: it is "
			    "not read",
			    whose);
	}
}

static void
check_unknown(const struct token *t, struct report *r)
{
	static const unsigned long platform[] = { CHALLENGE, INSTANCE, PROFILE,
		LIFECYCLE, IMPLEMENTATION, COMPONENTS, SERVICE, CONFIG, HASH },
				   realm[] = { CHALLENGE, PROFILE,
					   PERSONALIZATION, REALM_HASH, RAK,
					   RIM, REM, RAK_HASH };

	warn_unknown(t->platform.claims, "platform", platform,
	    sizeof(platform) / sizeof(platform[0]), r);
	warn_unknown(t->realm.claims, "realm", realm,
	    sizeof(realm) / sizeof(realm[0]), r);
}

/* Each component must have a measurement and a signer. */
static int
components_ok(const cbor_item_t *a)
{
	const cbor_item_t *c;
	size_t i;

	if (a == NULL || !cbor_isa_array(a) || cbor_array_size(a) == 0)
		return 0;
	for (i = 0; i < cbor_array_size(a); i++) {
		c = cbor_array_handle(a)[i];
		if (!item_is_map(c) || item_bytes(item_claim(c, 2)).n == 0 ||
		    item_bytes(item_claim(c, 5)).n == 0)
			return 0;
	}
	return 1;
}

static int
rems_ok(const cbor_item_t *a)
{
	size_t i, n;

	if (a == NULL || !cbor_isa_array(a) || cbor_array_size(a) != 4)
		return 0;
	for (i = 0; i < 4; i++) {
		n = item_bytes(cbor_array_handle(a)[i]).n;
		if (n < 32 || n > 64)
			return 0;
	}
	return 1;
}

static void
check_claims(const struct token *t, struct report *r)
{
	const size_t n_p = sizeof(platform_claims) / sizeof(platform_claims[0]);
	const size_t n_r = sizeof(realm_claims) / sizeof(realm_claims[0]);
	size_t i;

	for (i = 0; i < n_p; i++)
		if (!is_wanted(
			item_claim(t->platform.claims, platform_claims[i].key),
			&platform_claims[i]))
			report_check(r, "claims", A_FAIL,
			    "claim %lu of the "
			    "platform is missing, or of another type or size",
			    platform_claims[i].key);
	for (i = 0; i < n_r; i++)
		if (!is_wanted(item_claim(t->realm.claims, realm_claims[i].key),
			&realm_claims[i]))
			report_check(r, "claims", A_FAIL,
			    "claim %lu of the "
			    "realm is missing, or of another type or size",
			    realm_claims[i].key);
	if (!components_ok(item_claim(t->platform.claims, COMPONENTS)))
		report_check(r, "claims", A_FAIL,
		    "software components are "
		    "not each a map with a measurement and a signer");
	if (!rems_ok(item_claim(t->realm.claims, REM)))
		report_check(r, "claims", A_FAIL,
		    "the realm's extensible "
		    "measurements are not four of 32 to 64 bytes");
	if (report_find(r, "claims") == NULL)
		report_check(
		    r, "claims", A_PASS, "all required claims are present");
}

/* The profile of a token: 1 that of 2023, 0 the older one, -1 unknown.  The
 * older realm token names no profile. */
static int
read_profile(const cbor_item_t *claims, const char *legacy, const char *tagged)
{
	const cbor_item_t *i = item_claim(claims, PROFILE);
	struct bytes s = item_text(i);

	if (i == NULL)
		return legacy == NULL ? 0 : -1;
	if (s.p == NULL)
		return -1;
	if (s.n == strlen(tagged) && memcmp(s.p, tagged, s.n) == 0)
		return 1;
	return legacy != NULL && s.n == strlen(legacy) &&
		memcmp(s.p, legacy, s.n) == 0 ?
	    0 :
	    -1;
}

static int
platform_profile(const struct token *t)
{
	return read_profile(t->platform.claims, "http://arm.com/CCA-SSD/1.0.0",
	    "tag:arm.com,2023:cca_platform#1.0.0");
}

static int
realm_profile(const struct token *t)
{
	return read_profile(
	    t->realm.claims, NULL, "tag:arm.com,2023:realm#1.0.0");
}

static void
check_profiles(const struct token *t, struct report *r)
{
	int platform = platform_profile(t), realm = realm_profile(t);

	report_that(r, "platform-profile", platform != -1,
	    "CCA-SSD 1.0.0, or the platform of 2023");
	report_that(r, "realm-profile",
	    realm != -1 && (platform == -1 || realm == platform),
	    "none with CCA-SSD 1.0.0, that of 2023 with a "
	    "platform of 2023");
}

static void
check_lifecycle(const struct token *t, const struct policy *p, struct report *r)
{
	static const struct {
		unsigned from;
		int debug;
		const char *name;
	} stages[] = {
		{ 0x0000, -1, "unknown" },
		{ 0x1000, -1, "assembly and test" },
		{ 0x2000, -1, "provisioning" },
		{ 0x3000, 0, "secured" },
		{ 0x4000, 1, "debug outside the root of trust" },
		{ 0x5000, 1, "recoverable debug of the root of trust" },
		{ 0x6000, -1, "decommissioned" },
	};
	const cbor_item_t *v = item_claim(t->platform.claims, LIFECYCLE);
	uint64_t n = v != NULL && cbor_isa_uint(v) ? cbor_get_int(v) : 0;
	const char *name = "of no known stage";
	size_t i;

	for (i = 0; i < sizeof(stages) / sizeof(stages[0]); i++)
		if (n >= stages[i].from && n <= stages[i].from + 0xff) {
			name = stages[i].name;
			r->debug = stages[i].debug;
		}
	report_that(r, "lifecycle", n >= 0x3000 && n <= 0x30ff,
	    "0x%04llx: %s; only `secured' (0x3000 to 0x30ff) will do",
	    (unsigned long long)n, name);
	if (r->debug == -1)
		report_check(r, "debug", A_NONE, "the lifecycle does not say");
	else
		report_that(r, "debug", !r->debug || p->allow_debug,
		    "the lifecycle is %sone of debug", r->debug ? "" : "not ");
}

/* ---- signatures -------------------------------------------------------- */

/* PEM can name other 256-bit curves than those a JWK allows. */
static int
is_on(EVP_PKEY *key, const char *group)
{
	char name[32];
	size_t n;

	return key != NULL &&
	    EVP_PKEY_get_group_name(key, name, sizeof(name), &n) == 1 &&
	    strcmp(name, group) == 0;
}

/* RFC 9052, 4.4: the signature is over ["Signature1", protected, '',
 * payload]. */
static int
sign1_verify(const struct sign1 *s, EVP_PKEY *key)
{
	const EVP_MD *md = s->alg == ES256 ? EVP_sha256() : EVP_sha384();
	size_t half = s->alg == ES256 ? 32 : 48, n = 0, size;
	cbor_item_t *a = cbor_new_definite_array(4);
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned char *p = NULL;
	unsigned digest_n;
	int ok = 0;

	if (a != NULL &&
	    cbor_array_push(a, cbor_move(cbor_build_string("Signature1"))) &&
	    cbor_array_push(a,
		cbor_move(
		    cbor_build_bytestring(s->protected.p, s->protected.n))) &&
	    cbor_array_push(a, cbor_move(cbor_build_bytestring(NULL, 0))) &&
	    cbor_array_push(a,
		cbor_move(cbor_build_bytestring(s->payload.p, s->payload.n))))
		n = cbor_serialize_alloc(a, &p, &size);
	if (n != 0 && s->signature.n == 2 * half &&
	    is_on(key, half == 32 ? "prime256v1" : "secp384r1") &&
	    EVP_Digest(p, n, digest, &digest_n, md, NULL) == 1)
		ok = ecdsa_verify(key, digest, digest_n, s->signature.p, half);
	free(p);
	if (a != NULL)
		cbor_decref(&a);
	return ok;
}

static int
is_uint(const cbor_item_t *i, unsigned long n)
{
	return i != NULL && cbor_isa_uint(i) && cbor_get_int(i) == n;
}

/* The member of a COSE_Key with label -1 - n. */
static const cbor_item_t *
cose_member(const cbor_item_t *map, unsigned long n)
{
	const struct cbor_pair *p = cbor_map_handle(map);
	size_t i;

	for (i = 0; i < cbor_map_size(map); i++)
		if (cbor_isa_negint(p[i].key) && cbor_get_int(p[i].key) == n)
			return p[i].value;
	return NULL;
}

/* RFC 9053, 7.1.1: { 1: 2, -1: curve, -2: x, -3: y }. */
static EVP_PKEY *
cose_key(struct bytes b)
{
	cbor_item_t *m = item_decode(b);
	struct bytes x, y;
	EVP_PKEY *key = NULL;
	uint8_t xy[96];
	size_t n = 0;

	if (item_is_map(m) && is_uint(item_claim(m, 1), 2))
		n = is_uint(cose_member(m, 0), 1) ? 32 :
		    is_uint(cose_member(m, 0), 2) ? 48 :
						    0;
	if (n != 0) {
		x = item_bytes(cose_member(m, 1));
		y = item_bytes(cose_member(m, 2));
		if (x.n == n && y.n == n) {
			memcpy(xy, x.p, n);
			memcpy(xy + n, y.p, n);
			key = ec_key(n == 48 ? "P-384" : "P-256", xy, 2 * n);
		}
	}
	if (m != NULL)
		cbor_decref(&m);
	return key;
}

/* The realm's key: a point, or since 2023 a COSE_Key.  If the profile is
 * unknown, its own check fails; this one is made anyway. */
static EVP_PKEY *
rak_key(const struct token *t)
{
	struct bytes b = item_bytes(item_claim(t->realm.claims, RAK));
	int of = realm_profile(t);

	if (b.n == 97 && b.p[0] == 4)
		return of == 1 ? NULL : ec_key("P-384", b.p + 1, 96);
	return of == 0 ? NULL : cose_key(b);
}

static void
check_binding(const struct token *t, struct report *r)
{
	struct bytes name = item_text(item_claim(t->realm.claims, RAK_HASH));
	struct bytes rak = item_bytes(item_claim(t->realm.claims, RAK));
	struct bytes c = item_bytes(item_claim(t->platform.claims, CHALLENGE));
	static const struct {
		const char *name;
		const EVP_MD *(*md)(void);
	} hashes[] = { { "sha-256", EVP_sha256 }, { "sha-384", EVP_sha384 },
		{ "sha-512", EVP_sha512 } };
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	size_t i;

	for (i = 0; i < sizeof(hashes) / sizeof(hashes[0]); i++)
		if (name.n == strlen(hashes[i].name) &&
		    memcmp(name.p, hashes[i].name, name.n) == 0 &&
		    rak.p != NULL)
			EVP_Digest(
			    rak.p, rak.n, digest, &n, hashes[i].md(), NULL);
	report_that(r, "rak-binding",
	    n != 0 && c.n == n && memcmp(c.p, digest, n) == 0,
	    "the platform's challenge is the hash of the realm's key");
}

/* ---- the platform's key, endorsed by its vendor ------------------------ */

static int
base64url(const char *from, uint8_t *to, size_t n)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789-_";
	uint32_t bits = 0;
	unsigned have = 0;
	const char *d;
	size_t i = 0;

	for (; from != NULL && *from != '\0'; from++) {
		if ((d = strchr(digits, *from)) == NULL)
			return -1;
		bits = bits << 6 | (uint32_t)(d - digits);
		have += 6;
		if (have >= 8) {
			if (i == n)
				return -1;
			have -= 8;
			to[i++] = (uint8_t)(bits >> have);
		}
	}
	return i == n ? 0 : -1;
}

static EVP_PKEY *
jwk_key(const json_t *o)
{
	const char *type = json_string_value(json_object_get(o, "kty"));
	const char *curve = json_string_value(json_object_get(o, "crv"));
	size_t n = curve == NULL	? 0 :
	    strcmp(curve, "P-384") == 0 ? 48 :
	    strcmp(curve, "P-256") == 0 ? 32 :
					  0;
	uint8_t xy[96];

	if (type == NULL || strcmp(type, "EC") != 0 || n == 0 ||
	    base64url(json_string_value(json_object_get(o, "x")), xy, n) ==
		-1 ||
	    base64url(json_string_value(json_object_get(o, "y")), xy + n, n) ==
		-1)
		return NULL;
	return ec_key(curve, xy, 2 * n);
}

/* True if an entry of a trust anchor store is for this platform. */
static int
entry_matches(const json_t *entry, const char *member, struct bytes id)
{
	const char *hex = json_string_value(json_object_get(entry, member));
	size_t i;

	if (hex == NULL || id.p == NULL || strlen(hex) != 2 * id.n)
		return 0;
	for (i = 0; i < id.n; i++)
		if (hex_digit(hex[2 * i]) * 16 + hex_digit(hex[2 * i + 1]) !=
		    id.p[i])
			return 0;
	return 1;
}

/* Read the key from a JWK, a list of { implementation-id, instance-id, pkey },
 * or PEM.  Sets *found and returns NULL if there is an entry for this platform
 * without a valid key. */
static EVP_PKEY *
cpak(const struct token *t, const struct collateral *c, int *found)
{
	json_t *o = json_loadb((const char *)c->cca_key, c->cca_key_n,
		   JSON_REJECT_DUPLICATES, NULL),
	       *e;
	const cbor_item_t *p = t->platform.claims;
	EVP_PKEY *key = NULL;
	size_t i;
	BIO *bio;

	*found = !json_is_array(o);
	if (json_is_object(o))
		key = jwk_key(o);
	json_array_foreach(o, i, e)
		if (!*found &&
		    entry_matches(e, "implementation-id",
			item_bytes(item_claim(p, IMPLEMENTATION))) &&
		    entry_matches(e, "instance-id",
			item_bytes(item_claim(p, INSTANCE)))) {
			*found = 1;
			key = jwk_key(json_object_get(e, "pkey"));
		}
	if (o == NULL &&
	    (bio = BIO_new_mem_buf(c->cca_key, (int)c->cca_key_n)) != NULL) {
		key = PEM_read_bio_PUBKEY(bio, NULL, no_passphrase, NULL);
		BIO_free(bio);
		ERR_clear_error();
	}
	json_decref(o);
	return key;
}

static void
check_platform_signature(
    const struct token *t, const struct collateral *c, struct report *r)
{
	EVP_PKEY *key = NULL;
	int found = 0;

	if (c != NULL && c->cca_key != NULL)
		key = cpak(t, c, &found);
	if (found && key == NULL)
		report_check(r, "platform-signature", A_FAIL,
		    "the key given for the platform is not valid");
	else if (key == NULL)
		report_check(r, "platform-signature", A_MISSING,
		    "needs the "
		    "key of this platform, as its maker endorses it: cpak.json "
		    "or cpak.pem");
	else
		report_that(r, "platform-signature",
		    sign1_verify(&t->platform, key),
		    "the platform token, by the platform's key");
	EVP_PKEY_free(key);
}

/* ---- verify ------------------------------------------------------------ */

static void
check_values(const struct token *t, const struct policy *p, struct report *r)
{
	static const struct {
		const char *check, *field;
		unsigned long key;
		int realm;
	} of[] = {
		{ "policy-rim", "rim", RIM, 1 },
		{ "policy-personalization", "personalization", PERSONALIZATION,
		    1 },
		{ "policy-implementation-id", "implementation-id",
		    IMPLEMENTATION, 0 },
		{ "policy-instance-id", "instance-id", INSTANCE, 0 },
	};
	struct bytes b = item_bytes(item_claim(t->realm.claims, CHALLENGE));
	size_t i;

	policy_report_data(r, p, b);
	for (i = 0; i < sizeof(of) / sizeof(of[0]); i++) {
		b = item_bytes(item_claim(
		    of[i].realm ? t->realm.claims : t->platform.claims,
		    of[i].key));
		policy_check(r, p, of[i].check, of[i].field, b.p, b.n);
	}
}

static void
cca_verify(struct bytes b, const struct collateral *c, const struct policy *p,
    time_t at, struct report *r)
{
	struct token t = { 0 };
	EVP_PKEY *rak;

	(void)at;
	r->format = "Arm CCA token";
	r->debug = -1;
	if (token_open(&t, b, r) == 0) {
		show_claims(&t, r);
		/* Warn first: warnings of unknown claims may use up the
		 * lines. */
		report_warn(r,
		    "no token of a real chip is public yet: this "
		    "was tested only with tokens of models and emulators");
		check_claims(&t, r);
		check_unknown(&t, r);
		check_profiles(&t, r);
		rak = rak_key(&t);
		report_that(r, "realm-signature",
		    rak != NULL && sign1_verify(&t.realm, rak),
		    "the realm token, by the key that it names");
		EVP_PKEY_free(rak);
		check_binding(&t, r);
		check_platform_signature(&t, c, r);
		check_lifecycle(&t, p, r);
		check_values(&t, p, r);
		if (report_passed(r, "platform-signature") &&
		    report_passed(r, "rak-binding") &&
		    report_passed(r, "realm-signature"))
			r->hardware = 2;	/* no vendor's root is public */
	}
	token_free(&t);
}

const struct format format_cca = { "cca", cca_is, cca_show, cca_verify };
