/* SPDX-License-Identifier: Apache-2.0
 *
 * EIP-712 of the Nox v0 protocol, over JSON: a struct is hashed as its type
 * (encodeType) says, from the members of an object.  This is not nox_data.h,
 * which a Runner uses: a mistake there must not be hidden by the same mistake
 * in its counterpart.
 */
#ifndef NOX_TYPED_H
#define NOX_TYPED_H

#include <jansson.h>
#include <stdint.h>

#define TYPED_OPERAND_ACCESS						\
	"OperandAccessAuthorization(uint256 chainId,"			\
	"uint256 blockNumber,address caller,string transactionHash,"	\
	"string[] operands,string rsaPublicKey)"
#define TYPED_RESULT_PUBLISHING						\
	"ResultPublishingAuthorization(uint256 chainId,"		\
	"uint256 blockNumber,address caller,string transactionHash)"
#define TYPED_DATA_ACCESS						\
	"DataAccessAuthorization(address userAddress,"			\
	"string encryptionPubKey,uint256 notBefore,uint256 expiresAt)"
#define TYPED_MATERIAL							\
	"HandleCryptoMaterial(string handle,string ciphertext,"		\
	"string encryptedSharedSecret,string iv)"
#define TYPED_OPERANDS							\
	"ComputeOperands(HandleCryptoMaterial[] operands)" TYPED_MATERIAL
#define TYPED_REPORT	"ResultPublishingReport(string message)"
#define TYPED_WITH_PROOF "HandleWithProof(string handle,string proof)"
#define TYPED_STATUSES							\
	"HandleStatusReport(HandleResolution[] statuses)"		\
	"HandleResolution(string handle,bool resolved)"
#define TYPED_PROOF							\
	"HandleProof(bytes32 handle,address owner,address app,"		\
	"uint256 createdAt)"

#define TYPED_GATEWAY	"Handle Gateway"
#define TYPED_COMPUTE	"NoxCompute"

/* Domain with this name and version 1.  salt: 32 bytes, contract: 20 bytes;
 * NULL: the domain has none. */
void typed_domain(const char *name, uint64_t chain_id, const uint8_t *salt,
    const uint8_t *contract, uint8_t out[32]);
/* hashStruct().  Returns 0, or -1 if a member is missing or of the wrong
 * type. */
int typed_hash(const char *encode_type, const json_t *, uint8_t out[32]);
/* Sign with this key: r || s || v, v = 27 or 28.  Returns 0 or -1. */
int typed_sign(const uint8_t key[32], const uint8_t domain[32],
    const char *encode_type, const json_t *, uint8_t sig[65]);
/* Recover the signer.  signature: hex text of 65 bytes, v 0, 1, 27, 28 or that
 * of EIP-155; or of 64 bytes (ERC-2098).  Returns 0 or -1. */
int typed_signer(const uint8_t domain[32], const char *encode_type,
    const json_t *, const char *signature, uint8_t address[20]);
/* A uint256: hex text, decimal text, or a JSON number.  Returns 0 or -1. */
int typed_number(const json_t *, uint8_t word[32]);
/* The same; UINT64_MAX if it is that or more. */
int typed_number64(const json_t *, uint64_t *);

#endif
