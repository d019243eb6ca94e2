/* SPDX-License-Identifier: Apache-2.0
 *
 * A job of Nox v0 as compute runs it: operands encrypted as its Gateway does,
 * results decrypted as its KMS does.  Every operation on edge values, golden
 * vectors, what is refused and how, and that no secret stays in memory.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "builder.h"
#include "ecies.h"
#include "hex.h"
#include "log.h"
#include "nox.h"
#include "nox_data.h"
#include "rsa.h"
#include "secp.h"
#include "work.h"

#define CHAIN	31337
#define U16	TYPE_UINT(16)
#define U256	TYPE_UINT(256)
#define I16	TYPE_INT(16)
#define I256	TYPE_INT(256)

static const char *srcdir;
static uint8_t kms_private[32], kms_public[33];

static struct builder b;
static struct m_nox_job job;
static struct m_word rows[NOX_JOB_WORDS];
static struct m_nox_operand operands[NOX_INPUTS];
static size_t n_operands, n_rows;
static struct m_job_done done;
static size_t n_values;

/* ---- the Gateway and the KMS ------------------------------------------- */

static const uint8_t *
handle(uint8_t type, unsigned n)
{
	static uint8_t h[32];

	memset(h, 0, sizeof(h));
	h[3] = CHAIN >> 8;
	h[4] = CHAIN & 0xff;
	h[5] = type;
	h[31] = (uint8_t)n;
	return h;
}

/* A shared secret to the worker's newest key, by OpenSSL. */
static void
delegate_secret(const uint8_t s[32], uint8_t cipher[NOX_RSA])
{
	struct m_rsa_key m;
	const uint8_t *at = m.spki;
	size_t n = NOX_RSA;
	EVP_PKEY_CTX *c;
	EVP_PKEY *key;

	rsa_public(&m);
	assert_non_null(key = d2i_PUBKEY(NULL, &at, sizeof(m.spki)));
	assert_non_null(c = EVP_PKEY_CTX_new(key, NULL));
	assert_int_equal(EVP_PKEY_encrypt_init(c), 1);
	assert_int_equal(
	    EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_OAEP_PADDING), 1);
	assert_int_equal(
	    EVP_PKEY_CTX_set_rsa_oaep_md_name(c, "SHA256", NULL), 1);
	assert_int_equal(EVP_PKEY_encrypt(c, cipher, &n, s, 32), 1);
	EVP_PKEY_CTX_free(c);
	EVP_PKEY_free(key);
}

static void
encrypt(struct m_nox_operand *v, const uint8_t h[32], const uint8_t *plain,
    size_t n)
{
	uint8_t k[32], s[32], key[32];

	memset(v, 0, sizeof(*v));
	memcpy(v->handle, h, 32);
	secp_key_new(k);
	assert_int_equal(secp_mul_x(k, kms_public, s), 0);
	delegate_secret(s, v->secret);
	assert_int_equal(ecies_key(s, key), 0);
	v->len = (uint8_t)(n + GCM_TAG);
	assert_int_equal(
	    ecies_seal_with(key, NULL, 0, plain, n, v->nonce, v->ciphertext),
	    0);
}

/* Plaintext of result i, after its tag was compared. */
static void
decrypt(size_t i, uint8_t *plain, size_t n)
{
	const struct m_nox_value *v = &nox_values()[i];
	uint8_t s[32], key[32], padded[32] = { 0 }, tag[32];

	assert_true(i < n_values);
	assert_int_equal(v->len, n + GCM_TAG);
	assert_int_equal(secp_mul_x(kms_private, v->key, s), 0);
	assert_int_equal(ecies_key(s, key), 0);
	assert_int_equal(gcm_open(key, v->nonce, NULL, 0, v->ciphertext, v->len,
			     padded + 32 - n),
	    0);
	memcpy(plain, padded + 32 - n, n);
	nox_value_tag(v->handle, padded, tag);
	assert_memory_equal(v->tag, tag, 32);
}

/* ---- a job ------------------------------------------------------------- */

static int
setup(void **state)
{
	(void)state;
	builder_init(&b);
	n_operands = 0;
	return 0;
}

static void
op(const char *name)
{
	assert_int_equal(
	    builder_op(&b, primitive_by_name(name)->opcode, 0), ST_OK);
}

/* An operand, encrypted if it is an input that is new. */
static void
in(const uint8_t h[32], const uint8_t *plain, size_t n)
{
	const uint16_t before = b.shape.n_inputs;

	assert_int_equal(builder_handle(&b, h), ST_OK);
	if (b.shape.n_inputs > before)
		encrypt(&operands[n_operands++], h, plain, n);
}

static void
in_number(uint8_t type, unsigned n, uint64_t x)
{
	const size_t size = type_size(type);
	uint8_t plain[32] = { 0 };
	size_t i;

	for (i = 0; i < size && i < 8; i++)
		plain[size - 1 - i] = (uint8_t)(x >> 8 * i);
	in(handle(type, n), plain, size);
}

static void
out(uint8_t type, unsigned n)
{
	assert_int_equal(builder_output(&b, handle(type, n)), ST_OK);
}

static const char *
start_with(uint32_t rsa_key)
{
	memset(&job, 0, sizeof(job));
	job.chain_id = CHAIN;
	job.job = 7;
	job.rsa_key = rsa_key;
	job.shape = b.shape;
	memcpy(job.kms_key, kms_public, 33);
	n_rows = builder_words(&b, rows);
	memcpy(rows + n_rows, operands, n_operands * sizeof(operands[0]));
	n_rows += n_operands * NOX_WORDS;
	return nox_start(&job, rows, n_rows);
}

static const char *
start(void)
{
	struct m_rsa_key m;

	rsa_public(&m);
	return start_with(n_operands == 0 ? 0 : m.number);
}

static void
assert_wiped(void)
{
	static const struct work zero;

	assert_memory_equal(work, &zero, sizeof(zero));
}

static void
run(uint32_t status)
{
	nox_run(&done, &n_values);
	assert_int_equal(done.job, 7);
	assert_int_equal(done.status, status);
	assert_int_equal(n_values, status == ST_OK ? b.shape.n_outputs : 0);
	assert_wiped();
}

static void
start_and_run(uint32_t status)
{
	assert_null(start());
	run(status);
}

static uint64_t
result(size_t i, size_t size)
{
	uint8_t plain[32];
	uint64_t x = 0;
	size_t j;

	decrypt(i, plain, size);
	for (j = 0; j < size; j++)
		x = x << 8 | plain[j];
	return x;
}

/* ---- every operation --------------------------------------------------- */

#define MOST	3		/* operands, or results, of a line */
struct side {
	uint8_t	types[MOST], plain[MOST][32];
	size_t	n;
};

static void
read_types(char *text, struct side *s)
{
	char *save, *t;

	s->n = 0;
	for (t = strtok_r(text, ",", &save); t != NULL;
	     t = strtok_r(NULL, ",", &save)) {
		assert_true(s->n < MOST);
		assert_int_not_equal(type_parse(t), -1);
		s->types[s->n++] = (uint8_t)type_parse(t);
	}
}

static void
read_values(char **save, struct side *s)
{
	size_t i, n;
	char *t;

	for (i = 0; i < s->n; i++) {
		n = type_size(s->types[i]);
		assert_non_null(t = strtok_r(NULL, " \n", save));
		assert_int_equal(strlen(t), 2 + 2 * n);
		assert_int_equal(hex_decode(t + 2, 2 * n, s->plain[i], n), 0);
	}
}

static void
run_line(char *line)
{
	char *save, *name, *ins, *outs;
	struct side given, want;
	uint8_t got[32];
	size_t i;

	name = strtok_r(line, " ", &save);
	ins = strtok_r(NULL, " ", &save);
	outs = strtok_r(NULL, " ", &save);
	assert_string_equal(strtok_r(NULL, " ", &save), ":");
	read_types(ins, &given);
	read_types(outs, &want);
	read_values(&save, &given);
	assert_string_equal(strtok_r(NULL, " ", &save), "=");
	read_values(&save, &want);

	setup(NULL);
	op(name);
	for (i = 0; i < given.n; i++)
		in(handle(given.types[i], (unsigned)i + 1), given.plain[i],
		    type_size(given.types[i]));
	for (i = 0; i < want.n; i++)
		out(want.types[i], (unsigned)i + 10);
	start_and_run(ST_OK);
	for (i = 0; i < want.n; i++) {
		decrypt(i, got, type_size(want.types[i]));
		if (memcmp(got, want.plain[i], type_size(want.types[i])) != 0)
			fail_msg("%s %s: result %zu", name, ins, i);
	}
}

static void
every_operation_is_right_on_edge_values(void **state)
{
	char path[512], line[1024];
	size_t n = 0;
	FILE *f;

	(void)state;
	snprintf(path, sizeof(path), "%s/tests/vectors/nox-v0-operators.txt",
	    srcdir);
	assert_non_null(f = fopen(path, "r"));
	while (fgets(line, sizeof(line), f) != NULL)
		if (line[0] != '#') {
			run_line(line);
			n++;
		}
	fclose(f);
	assert_true(n > 1800);
}

/* In this protocol a transfer to the same balance makes two, which differ. */
static void
transfer_to_itself_is_not_special(void **state)
{
	(void)state;
	op("transfer");
	in_number(U256, 1, 100);
	in_number(U256, 1, 100);
	in_number(U256, 2, 30);
	out(TYPE_BOOL, 3);
	out(U256, 4);
	out(U256, 5);
	start_and_run(ST_OK);
	assert_int_equal(result(0, 1), 1);
	assert_int_equal(result(1, 32), 70);
	assert_int_equal(result(2, 32), 130);
}

static void
wrap_takes_a_constant_of_its_type(void **state)
{
	static const uint8_t types[] = { TYPE_BOOL, U16, U256, I16, I256 };
	uint8_t word[32] = { [31] = 1 };
	unsigned i;

	(void)state;
	for (i = 0; i < sizeof(types); i++) {
		op("wrap");
		assert_int_equal(builder_const(&b, types[i], word), ST_OK);
		out(types[i], i);
	}
	op("wrap");
	memset(word, 0xff, sizeof(word));
	word[31] = 0xfe;
	assert_int_equal(builder_const(&b, I16, word), ST_OK);
	out(I16, 9);
	start_and_run(ST_OK);
	for (i = 0; i < sizeof(types); i++)
		assert_int_equal(result(i, type_size(types[i])), 1);
	assert_int_equal(result(5, 2), 0xfffe);
}

static void
results_are_operands_of_later_operations(void **state)
{
	(void)state;
	op("sub");
	in_number(I16, 1, 3);
	in_number(I16, 2, 5);
	out(I16, 3);
	op("lt");
	in_number(I16, 3, 0);
	in_number(I16, 1, 0);
	out(TYPE_BOOL, 4);
	op("select");
	in_number(TYPE_BOOL, 4, 0);
	in_number(I16, 3, 0);
	in_number(U256, 5, 9);
	out(U256, 6);
	op("add");
	in_number(U256, 6, 0);
	in_number(U256, 5, 9);
	out(U256, 7);
	start_and_run(ST_OK);
	assert_int_equal(result(0, 2), 0xfffe);
	assert_int_equal(result(1, 1), 1);
	assert_int_equal(result(2, 32), 0xfffe);
	assert_int_equal(result(3, 32), 0xfffe + 9);
}

/* ---- plaintexts -------------------------------------------------------- */

/* The number that an operand of these bytes is. */
static uint64_t
value_of(uint8_t type, const void *plain, size_t n)
{
	setup(NULL);
	op("select");
	in_number(TYPE_BOOL, 1, 1);
	in(handle(type, 2), plain, n);
	in_number(U16, 3, 0);
	out(U256, 4);
	start_and_run(ST_OK);
	return result(0, 32);
}

static int
is_negative(uint8_t type, const void *plain, size_t n)
{
	setup(NULL);
	op("lt");
	in(handle(type, 2), plain, n);
	in_number(type, 3, 0);
	out(TYPE_BOOL, 4);
	start_and_run(ST_OK);
	return (int)result(0, 1);
}

static void
plaintexts_are_padded_with_zeros_or_cut(void **state)
{
	static const uint8_t ff[32] = { [30] = 0xff, [31] = 0xff };
	static const uint8_t large[32] = { 1, [30] = 0x12, [31] = 0x34 };
	static const uint8_t bit[2] = { 1, 0 };

	(void)state;
	assert_int_equal(value_of(U16, "\xff", 1), 0xff);
	assert_int_equal(value_of(U16, large, 32), 0x1234);
	assert_int_equal(value_of(U256, "\x12\x34\x56", 3), 0x123456);
	assert_int_equal(value_of(TYPE_BOOL, "\x00", 1), 0);
	assert_int_equal(value_of(TYPE_BOOL, "\x01", 1), 1);
	assert_int_equal(value_of(TYPE_BOOL, "\xf0", 1), 1);
	assert_int_equal(value_of(TYPE_BOOL, bit, 2), 1);
	assert_int_equal(is_negative(I16, "\xff\xff", 2), 1);
	assert_int_equal(is_negative(I16, ff, 32), 1);
	assert_int_equal(is_negative(I16, "\xff", 1), 0);
	assert_int_equal(is_negative(I256, "\xff\xff", 2), 0);
}

static void
a_selected_bool_of_any_byte_is_true(void **state)
{
	(void)state;
	op("select");
	in(handle(TYPE_BOOL, 1), (const uint8_t *)"\x80", 1);
	in_number(U16, 2, 11);
	in_number(U16, 3, 22);
	out(U16, 4);
	start_and_run(ST_OK);
	assert_int_equal(result(0, 2), 11);
}

/* ---- golden vectors ---------------------------------------------------- */

static size_t
bytes(const json_t *o, const char *name, uint8_t *to, size_t max)
{
	const char *text = json_string_value(json_object_get(o, name));
	const size_t n = text == NULL ? 0 : (strlen(text) - 2) / 2;

	assert_true(n > 0 && n <= max);
	assert_int_equal(hex_decode(text + 2, 2 * n, to, n), 0);
	return n;
}

/* The operand is the golden ciphertext of 1234, and 1234 / 1 under the golden
 * handle has the golden tag. */
static void
golden_vectors_open_and_get_their_tag(void **state)
{
	struct m_nox_operand *v = &operands[0];
	uint8_t s[32], h[32], tag[32];
	json_t *golden, *e, *t;
	char path[512];

	(void)state;
	snprintf(
	    path, sizeof(path), "%s/tests/vectors/nox-v0-golden.json", srcdir);
	assert_non_null(golden = json_load_file(path, 0, NULL));
	e = json_object_get(golden, "ecies");
	t = json_object_get(golden, "handleValueTag");
	op("div");
	in_number(U256, 1, 0);
	in_number(U256, 2, 1);
	bytes(t, "handle", h, 32);
	assert_int_equal(builder_output(&b, h), ST_OK);
	v->len = (uint8_t)bytes(e, "ciphertextAndTag", v->ciphertext, 48);
	assert_int_equal(bytes(e, "iv", v->nonce, 12), 12);
	bytes(e, "sharedX", s, 32);
	delegate_secret(s, v->secret);
	start_and_run(ST_OK);
	assert_int_equal(result(0, 32), 1234);
	bytes(t, "runner_uint256_1234", tag, 32);
	assert_memory_equal(nox_values()[0].tag, tag, 32);
	json_decref(golden);
}

/* ---- what is refused --------------------------------------------------- */

/* x + y, two operands. */
static void
addition(void)
{
	setup(NULL);
	op("add");
	in_number(U256, 1, 20);
	in_number(U256, 2, 30);
	out(U256, 3);
}

static void
fails_with(uint32_t status, uint32_t operand)
{
	start_and_run(status);
	assert_int_equal(done.operand, operand);
	assert_int_equal(done.fault, 0);
}

static void
an_operand_that_does_not_decrypt_is_malformed(void **state)
{
	static const uint8_t lens[] = { 0, 1, 16, 47, 49, 255 };
	size_t i;

	(void)state;
	addition();
	operands[1].ciphertext[3] ^= 1;
	fails_with(ST_OPERAND_MALFORMED, 1);
	operands[1].ciphertext[3] ^= 1;
	operands[0].ciphertext[47] ^= 1;	/* the tag */
	fails_with(ST_OPERAND_MALFORMED, 0);
	operands[0].ciphertext[47] ^= 1;
	operands[1].nonce[0] ^= 1;
	fails_with(ST_OPERAND_MALFORMED, 1);
	operands[1].nonce[0] ^= 1;
	for (i = 0; i < sizeof(lens); i++) {
		operands[1].len = lens[i];
		fails_with(ST_OPERAND_MALFORMED, 1);
	}
	operands[1].len = 48;
	start_and_run(ST_OK);
	assert_int_equal(result(0, 32), 50);
}

static void
an_empty_plaintext_is_malformed(void **state)
{
	(void)state;
	addition();
	encrypt(&operands[1], handle(U256, 2), NULL, 0);
	fails_with(ST_OPERAND_MALFORMED, 1);
}

static void
a_secret_that_does_not_open_is_an_invalid_grant(void **state)
{
	uint8_t other[32] = { 1 };

	(void)state;
	addition();
	operands[1].secret[100] ^= 1;
	fails_with(ST_GRANT_INVALID, 1);
	memset(operands[0].secret, 0xff, NOX_RSA);
	fails_with(ST_GRANT_INVALID, 0);
	/* It opens, but is that of another value. */
	delegate_secret(other, operands[0].secret);
	fails_with(ST_OPERAND_MALFORMED, 0);
}

static void
the_former_key_opens_until_the_next_renewal(void **state)
{
	struct m_rsa_key m;

	(void)state;
	rsa_public(&m);
	addition();
	rsa_key_new(0);
	assert_null(start_with(m.number));
	run(ST_OK);
	assert_int_equal(result(0, 32), 50);
	assert_null(start_with(m.number + 1));
	run(ST_GRANT_INVALID);
	rsa_key_new(0);
	assert_null(start_with(m.number));
	run(ST_GRANT_INVALID);
	assert_int_equal(done.operand, 0);
}

static void
what_keys_must_have_checked_is_illegal(void **state)
{
	struct m_nox_operand swap;

	(void)state;
	addition();
	assert_null(start());
	assert_non_null(nox_start(&job, rows, n_rows - 1));
	assert_non_null(nox_start(&job, rows, NOX_WORDS));
	assert_non_null(nox_start(&job, rows, 0));
	job.shape.n_inputs = NOX_INPUTS + 1;
	assert_non_null(nox_start(&job, rows, n_rows));
	assert_non_null(start_with(0));
	memset(job.kms_key, 0, 33);
	job.rsa_key = 1;
	assert_non_null(nox_start(&job, rows, n_rows));

	swap = operands[0];
	operands[0] = operands[1];
	operands[1] = swap;
	assert_string_equal(start(), "an operand of another handle");
	operands[1] = operands[0];
	assert_string_equal(start(), "an operand of another handle");
	addition();
	operands[0].handle[31] ^= 1;
	assert_string_equal(start(), "an operand of another handle");
}

static void
an_invalid_program_has_its_status(void **state)
{
	(void)state;
	op("eq");
	in_number(TYPE_BOOL, 1, 1);
	in_number(TYPE_BOOL, 2, 1);
	out(TYPE_BOOL, 3);
	start_and_run(ST_TYPE_MISMATCH);
}

/* ---- memory ------------------------------------------------------------ */

/* What must not be found, each byte changed: this is no copy. */
#define MASK		0x5a
struct needle {
	uint8_t	b[32];
};
static struct shared {
	struct needle		secret[2], key[2], plain[2], result;
	struct m_nox_operand	operands[2];
	uint64_t		zero;
} *shared;

static void
mask(struct needle *to, const uint8_t from[32])
{
	size_t i;

	for (i = 0; i < 32; i++)
		to->b[i] = from[i] ^ MASK;
}

/* Encrypt random operands in a child, so that no copy stays here. */
static void
encrypt_elsewhere(void)
{
	uint8_t s[32], key[32], plain[2][32], sum[32];
	struct m_nox_operand *v;
	unsigned carry = 0;
	size_t i;
	int status;
	pid_t pid;

	if ((pid = fork()) == 0) {
		for (i = 0; i < 2; i++) {
			v = &shared->operands[i];
			memset(v, 0, sizeof(*v));
			memcpy(v->handle, handle(U256, (unsigned)i + 1), 32);
			(void)!getrandom(s, 32, 0);
			(void)!getrandom(plain[i], 32, 0);
			delegate_secret(s, v->secret);
			(void)ecies_key(s, key);
			(void)ecies_seal_with(key, NULL, 0, plain[i], 32,
			    v->nonce, v->ciphertext);
			v->len = 48;
			mask(&shared->secret[i], s);
			mask(&shared->key[i], key);
			mask(&shared->plain[i], plain[i]);
		}
		for (i = 32; i-- > 0; carry >>= 8) {
			carry += (unsigned)plain[0][i] + plain[1][i];
			sum[i] = (uint8_t)carry;
		}
		mask(&shared->result, sum);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* Are 8 bytes of the needle, in either byte order, in this memory? */
static size_t
is_at(const uint8_t *m, const uint8_t *masked)
{
	size_t i, same = 0, reversed = 0;

	for (i = 0; i < 8; i++) {
		same += m[i] == (masked[i] ^ MASK);
		reversed += m[i] == (masked[7 - i] ^ MASK);
	}
	return same == 8 || reversed == 8;
}

static size_t
count_in(const uint8_t *from, const uint8_t *to, const struct needle *n)
{
	size_t found = 0, part;

	for (; to - from >= 8; from++)
		for (part = 0; part < 32; part += 8)
			found += is_at(from, n->b + part);
	return found;
}

/* In all that this process can write. */
static size_t
count_everywhere(const struct needle *n)
{
	unsigned long from, to;
	char line[512], perms[8];
	size_t found = 0;
	FILE *f;

	assert_non_null(f = fopen("/proc/self/maps", "r"));
	while (fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "%lx-%lx %7s", &from, &to, perms) == 3 &&
		    perms[0] == 'r' && perms[1] == 'w' &&
		    strstr(line, "[v") == NULL)
			found += count_in(
			    (const uint8_t *)from, (const uint8_t *)to, n);
	fclose(f);
	return found;
}

static void
no_secret_stays_in_memory(void **state)
{
	static uint8_t control[32];
	const struct needle *n;
	size_t i;

	(void)state;
#ifdef TEE_SANITIZERS
	skip();		/* their shadow memory is too large to read */
#endif
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(shared, MAP_FAILED);
	encrypt_elsewhere();
	addition();
	memcpy(operands, shared->operands, sizeof(shared->operands));
	start_and_run(ST_OK);
	n = shared->secret;
	for (i = 0; i < offsetof(struct shared, operands) / sizeof(*n); i++)
		if (count_everywhere(&n[i]) != 0)
			fail_msg("needle %zu is in memory", i);
	/* It would be found. */
	for (i = 0; i < 32; i++)
		control[i] = shared->result.b[i] ^ MASK;
	assert_true(count_everywhere(&shared->result) >= 4);
	explicit_bzero(control, sizeof(control));
	munmap(shared, sizeof(*shared));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f)	cmocka_unit_test_setup(f, setup)
		T(no_secret_stays_in_memory),
		T(every_operation_is_right_on_edge_values),
		T(transfer_to_itself_is_not_special),
		T(wrap_takes_a_constant_of_its_type),
		T(results_are_operands_of_later_operations),
		T(plaintexts_are_padded_with_zeros_or_cut),
		T(a_selected_bool_of_any_byte_is_true),
		T(golden_vectors_open_and_get_their_tag),
		T(an_operand_that_does_not_decrypt_is_malformed),
		T(an_empty_plaintext_is_malformed),
		T(a_secret_that_does_not_open_is_an_invalid_grant),
		T(the_former_key_opens_until_the_next_renewal),
		T(what_keys_must_have_checked_is_illegal),
		T(an_invalid_program_has_its_status),
	};

	if ((srcdir = getenv("srcdir")) == NULL)
		srcdir = ".";
	log_init("test", LOG_ERR);
	secp_init(NULL);
	ecies_init();
	work_init();
	nox_init(0);
	secp_key_new(kms_private);
	if (secp_public(kms_private, kms_public) != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
