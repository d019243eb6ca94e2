/* SPDX-License-Identifier: Apache-2.0
 *
 * Decodes the result of the Registry contract's facts(); registry runs it on
 * bytes that an endpoint sent.  Only the canonical encoding, which Solidity
 * produces, is accepted: tails in order, without gaps, padded with zeros, and
 * no bytes after them.  Two answers therefore mean the same only if they are
 * equal byte for byte.  Must never read past its input.
 */
#include <string.h>

#include "abi.h"
#include "bytes.h"

#define WORD	32
#define HEAD	9	/* words before the tails */

struct cursor {
	const uint8_t	*data;
	size_t		 size, pos;	/* pos <= size */
};

void
abi_facts_call(const uint8_t runner[20], uint8_t call[ABI_CALL])
{
	static const uint8_t selector[4] = ABI_FACTS;

	memset(call, 0, ABI_CALL);
	memcpy(call, selector, sizeof(selector));
	memcpy(call + ABI_CALL - 20, runner, 20);
}

static int
is_zero(const uint8_t *p, size_t n)
{
	while (n > 0)
		if (p[--n] != 0)
			return 0;
	return 1;
}

static int
get_u64(struct cursor *c, uint64_t *v)
{
	const uint8_t *p = c->data + c->pos;

	if (c->size - c->pos < WORD || !is_zero(p, WORD - 8))
		return -1;
	*v = get_be(p + WORD - 8, 8);
	c->pos += WORD;
	return 0;
}

/* Read a length field; -1 if it exceeds `max'. */
static int
get_length(struct cursor *c, uint64_t max, size_t *n)
{
	uint64_t v;

	if (get_u64(c, &v) != 0 || v > max)
		return -1;
	*n = (size_t)v;
	return 0;
}

/* Read a value of type `bytes', which is padded with zeros to a whole word. */
static int
get_bytes(struct cursor *c, size_t max, const uint8_t **p, size_t *n)
{
	size_t padded;

	if (get_length(c, max, n) != 0)
		return -1;
	padded = (*n + WORD - 1) / WORD * WORD;
	if (c->size - c->pos < padded)
		return -1;
	*p = c->data + c->pos;
	c->pos += padded;
	return is_zero(*p + *n, padded - *n) ? 0 : -1;
}

static int
get_addresses(struct cursor *c, uint8_t list[LIST_MAX][20], uint32_t *count)
{
	size_t n;

	if (get_length(c, LIST_MAX, &n) != 0 || c->size - c->pos < n * WORD)
		return -1;
	for (size_t i = 0; i < n; i++, c->pos += WORD) {
		if (!is_zero(c->data + c->pos, WORD - 20))
			return -1;
		memcpy(list[i], c->data + c->pos + WORD - 20, 20);
	}
	*count = (uint32_t)n;
	return 0;
}

static int
is_point(const uint8_t *p)
{
	return p[0] == 2 || p[0] == 3;
}

/* In the canonical encoding each offset points to the next unread tail. */
static int
at_offset(const struct cursor *c, uint64_t offset)
{
	return offset == c->pos;
}

/* Read the public shares; there may be none. */
static const char *
read_shares(
    struct cursor *c, uint64_t offset, uint8_t to[KMS_NODES][33], size_t *nodes)
{
	const uint8_t *shares;
	size_t len;

	if (!at_offset(c, offset) ||
	    get_bytes(c, KMS_NODES * 33, &shares, &len) != 0)
		return "bad encoding of shares";
	if (len % 33 != 0)
		return "shares are not whole points";
	for (size_t i = 0; i < len; i += 33)
		if (!is_point(shares + i))
			return "a share is not a compressed point";
	memset(to, 0, KMS_NODES * 33);
	memcpy(to, shares, len);
	*nodes = len / 33;
	return NULL;
}

static const char *
read_kms(struct cursor *c, const uint64_t head[HEAD], struct m_facts *f)
{
	const uint8_t *key;
	const char *why;
	size_t len, n, former;

	if (!at_offset(c, head[4]) || get_bytes(c, 33, &key, &len) != 0)
		return "bad encoding of kmsKey";
	if (len == 0)
		return "it has no KMS key yet";
	if (len != 33 || !is_point(key))
		return "kmsKey is not a compressed point";
	if ((why = read_shares(c, head[5], f->kms_shares, &n)) != NULL ||
	    (why = read_shares(c, head[6], f->kms_former_shares, &former)) !=
		NULL)
		return why;
	if (head[3] < 1 || head[3] > n)
		return "threshold is not 1 to the number of shares";
	if (former != 0 && former != n)
		return "the epoch before had another number of shares";
	memcpy(f->kms_key, key, 33);
	f->kms_nodes = (uint8_t)n;
	f->kms_former = former != 0;
	f->kms_threshold = (uint8_t)head[3];
	f->kms_epoch = head[2];
	return NULL;
}

const char *
abi_facts_read(const uint8_t *data, size_t n, struct m_facts *facts)
{
	struct cursor c = { data, n, 0 };
	struct m_facts f = *facts;
	uint64_t head[HEAD];
	const char *why;

	if (n == 0)
		return "no contract at its address";
	for (size_t i = 0; i < HEAD; i++)
		if (get_u64(&c, &head[i]) != 0)
			return "bad encoding of the head";
	memset(f.orchestrators, 0, sizeof(f.orchestrators));
	memset(f.gateways, 0, sizeof(f.gateways));
	f.sequence = head[0];
	f.valid_until = head[1];
	if ((why = read_kms(&c, head, &f)) != NULL)
		return why;
	if (!at_offset(&c, head[7]) ||
	    get_addresses(&c, f.orchestrators, &f.n_orchestrators) != 0)
		return "bad encoding of orchestrators";
	if (!at_offset(&c, head[8]) ||
	    get_addresses(&c, f.gateways, &f.n_gateways) != 0)
		return "bad encoding of gateways";
	if (c.pos != n)
		return "bytes after the last field";
	*facts = f;
	return NULL;
}

/* Nodes and threshold have no meaning here: the KMS is one. */
const char *
abi_nox_read(const uint8_t *key, size_t n_key, const uint8_t *gateway,
    size_t n_gateway, struct m_facts *facts)
{
	struct cursor c = { key, n_key, 0 };
	uint8_t point[33];
	const uint8_t *p;
	uint64_t offset;
	size_t len;

	if (n_key == 0 || n_gateway == 0)
		return "no contract at its address";
	if (get_u64(&c, &offset) != 0 || offset != c.pos ||
	    get_bytes(&c, 65, &p, &len) != 0 || c.pos != n_key)
		return "bad encoding of kmsPublicKey";
	if (len == 65 && p[0] == 4) {
		point[0] = 2 + (p[64] & 1);
		memcpy(point + 1, p + 1, 32);
	} else if (len == 33 && is_point(p))
		memcpy(point, p, 33);
	else
		return "kmsPublicKey is not a point";
	if (n_gateway != WORD || !is_zero(gateway, WORD - 20))
		return "bad encoding of gateway";
	if (is_zero(gateway, WORD))
		return "it names no Gateway yet";
	memcpy(facts->kms_key, point, 33);
	facts->kms_nodes = facts->kms_threshold = 1;
	facts->n_gateways = 1;
	memcpy(facts->gateways[0], gateway + WORD - 20, 20);
	return NULL;
}
