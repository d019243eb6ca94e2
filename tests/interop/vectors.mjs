// SPDX-License-Identifier: Apache-2.0
//
// proto/vectors.json computed again from what proto/VALUES.md and proto/TYPED-DATA.md say,
// with the curve of @noble/curves, HKDF and AES-GCM of Node, and EIP-712 of ethers.
import { createCipheriv, createDecipheriv, hkdfSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { secp256k1 } from "@noble/curves/secp256k1";
import { SigningKey, TypedDataEncoder, computeAddress, dataLength,
	keccak256 } from "ethers";

const [document, vectors] = process.argv.slice(2);
const v = JSON.parse(readFileSync(vectors, "utf8"));
const n = secp256k1.CURVE.n, Point = secp256k1.ProjectivePoint;

let passed = 0, failed = 0;
function is(what, want, got) {
	if (want === got) {
		passed++;
		return;
	}
	failed++;
	console.log(`${what}: expected ${want}, got ${got}`);
}

const bytes = (hex) => Buffer.from(hex.slice(2), "hex");
const hex = (b) => "0x" + Buffer.from(b).toString("hex");
const text = (s) => Buffer.from(s, "ascii");
const point = (h) => Point.fromHex(h.slice(2));
const compressed = (p) => hex(p.toRawBytes(true));
const xy = (p) => hex(p.toRawBytes(false).slice(1));
const x_of = (p) => xy(p).slice(0, 66);
const word = (i) => "0x" + i.toString(16).padStart(64, "0");
const mod = (i) => ((i % n) + n) % n;
const u32 = (i) => { const b = Buffer.alloc(4); b.writeUInt32BE(i); return b; };

function invert(a) {
	let r = 1n;
	for (let e = n - 2n, b = mod(a); e > 0n; e >>= 1n, b = mod(b * b))
		if (e & 1n)
			r = mod(r * b);
	return r;
}

const hkdf = (ikm, info) => hex(new Uint8Array(hkdfSync("sha256", bytes(ikm),
    Buffer.alloc(32), text(info), 32)));

function seal(key, nonce, aad, plain) {
	const c = createCipheriv("aes-256-gcm", bytes(key), bytes(nonce));
	c.setAAD(aad);
	return hex(Buffer.concat([c.update(bytes(plain)), c.final(), c.getAuthTag()]));
}

function open(key, nonce, aad, sealed) {
	const b = bytes(sealed), at = b.length - 16;
	const d = createDecipheriv("aes-256-gcm", bytes(key), bytes(nonce));
	d.setAAD(aad);
	d.setAuthTag(b.subarray(at));
	return hex(Buffer.concat([d.update(b.subarray(0, at)), d.final()]));
}

// ---- types -------------------------------------------------------------------

function type_of(byte) {
	if (byte === 0)
		return { name: "bool", size: 1 };
	if (byte === 1)
		return { name: "address", size: 20 };
	if (byte >= 4 && byte <= 35)
		return { name: `uint${8 * (byte - 3)}`, size: byte - 3 };
	if (byte >= 36 && byte <= 67)
		return { name: `int${8 * (byte - 35)}`, size: byte - 35 };
	return { name: `bytes${byte - 67}`, size: byte - 67 };
}

for (const t of v.types) {
	const { name, size } = type_of(t.typeByte);
	const fill = name.startsWith("int") && bytes(t.plaintext)[0] > 127 ? "f" : "0";
	is("type", name, t.type);
	is(name, size, t.size);
	is(name, size, dataLength(t.plaintext));
	is(name, t.word, name.startsWith("bytes") ? t.plaintext.padEnd(66, "0") :
	    "0x" + t.plaintext.slice(2).padStart(64, fill));
	if (/int/.test(name))
		is(name, BigInt(t.value), name.startsWith("int") ?
		    BigInt.asIntN(8 * size, BigInt(t.plaintext)) : BigInt(t.plaintext));
}

// ---- the KMS key -----------------------------------------------------------------

const secret = BigInt(v.kms.kmsSecret), P = Point.BASE.multiply(secret);
is("kmsKey", v.kms.kmsKey, compressed(P));
for (const { node, share, publicShare } of v.kms.nodes) {
	const s = mod(secret + BigInt(v.kms.coefficient) * BigInt(node));
	is("share", share, word(s));
	is("publicShare", publicShare, compressed(Point.BASE.multiply(s)));
}

// ---- values ------------------------------------------------------------------------

for (const m of v.values) {
	const handle = bytes(m.handle), k = BigInt(m.ephemeralScalar);
	is("version", 0, handle[0]);
	is("chain", v.domain.chainId, handle.readUInt32BE(1));
	is("type", m.type, type_of(handle[5]).name);
	is("key", m.key, compressed(Point.BASE.multiply(k)));
	is("sharedX", m.sharedX, x_of(P.multiply(k)));
	is("sharedX", m.sharedX, x_of(point(m.key).multiply(secret)));
	is("dataKey", m.dataKey, hkdf(m.sharedX, "ECIES:AES_GCM:v1"));
	is("ciphertext", m.ciphertext, seal(m.dataKey, m.nonce, handle, m.plaintext));
	is("plaintext", m.plaintext, open(m.dataKey, m.nonce, handle, m.ciphertext));
}

// ---- seals -------------------------------------------------------------------------

const { seals } = v, E = point(seals.ephemeralKey);
const quorum = seals.nodes.map((s) => BigInt(s.node));
const sums = v.values.slice(0, seals.sums.length).map(() => Point.ZERO);
is("ephemeralKey", seals.ephemeralKey,
    compressed(Point.BASE.multiply(BigInt(seals.ephemeralSecret))));

for (const s of seals.nodes) {
	const i = BigInt(s.node), node = v.kms.nodes[s.node - 1];
	let lambda = 1n;
	for (const j of quorum)
		if (j !== i)
			lambda = mod(lambda * j * invert(j - i));
	is("lambda", s.lambda, word(lambda));
	const x = mod(lambda * BigInt(node.share));
	is("x", s.x, word(x));
	const X = point(node.publicShare).multiply(lambda);
	is("X", s.X, compressed(X));
	is("nodeKey", s.nodeKey,
	    compressed(Point.BASE.multiply(BigInt(s.nodeScalar))));
	is("ecdhX", s.ecdhX, x_of(E.multiply(BigInt(s.nodeScalar))));
	is("ecdhX", s.ecdhX,
	    x_of(point(s.nodeKey).multiply(BigInt(seals.ephemeralSecret))));
	is("sealKey", s.sealKey, hkdf(s.ecdhX, "TEE Runner seal v1"));
	for (const p of s.partials) {
		const value = v.values[p.operand], K = point(value.key);
		const D = K.multiply(x), r = BigInt(p.r);
		is("D", p.D, compressed(D));
		is("A", p.A, compressed(Point.BASE.multiply(r)));
		is("B", p.B, compressed(K.multiply(r)));
		const transcript = hex(Buffer.concat([text("TEE Runner DLEQ v1"),
		    ...[s.X, value.key, p.D, p.A, p.B].map(bytes)]));
		is("transcript", p.transcript, transcript);
		const e = mod(BigInt(keccak256(transcript)));
		is("e", p.e, word(e));
		is("s", p.s, word(mod(r + e * x)));
		is("check A", p.A, compressed(Point.BASE.multiply(BigInt(p.s))
		    .subtract(X.multiply(e))));
		is("check B", p.B, compressed(K.multiply(BigInt(p.s))
		    .subtract(D.multiply(e))));
		is("partial", p.partial, hex(Buffer.concat([bytes(xy(D)),
		    bytes(p.e), bytes(p.s)])));
		const nonce = hex(Buffer.concat([Buffer.alloc(8), u32(p.operand)]));
		is("sealNonce", p.sealNonce, nonce);
		const aad = Buffer.concat([bytes(seals.taskId), u32(seals.attempt),
		    u32(s.node), bytes(seals.ephemeralKey), bytes(s.nodeKey),
		    bytes(value.handle)]);
		is("aad", p.aad, hex(aad));
		is("sealedPartial", p.sealedPartial,
		    seal(s.sealKey, nonce, aad, p.partial));
		sums[p.operand] = sums[p.operand].add(D);
	}
}
sums.forEach((sum, j) => {
	is("sum", seals.sums[j].sum, compressed(sum));
	is("sharedX", seals.sums[j].sharedX, x_of(sum));
	is("sharedX", v.values[j].sharedX, x_of(sum));
	is("dataKey", seals.sums[j].dataKey, hkdf(x_of(sum), "ECIES:AES_GCM:v1"));
});

// ---- signed messages ---------------------------------------------------------------

// The document's indented lines: Name(type field,...)
const all = {};
for (const [, name, fields] of readFileSync(document, "utf8")
    .matchAll(/^ {4}([A-Z]\w+)\((.*)\)$/gm))
	if (name !== "EIP712Domain")
		all[name] = fields.split(",").map((f) => {
			const [type, field] = f.split(" ");
			return { type, name: field };
		});

// A primary type with all that it refers to.
function types(name, into = {}) {
	into[name] = all[name];
	for (const { type } of all[name]) {
		const base = type.replace("[]", "");
		if (all[base] && !into[base])
			types(base, into);
	}
	return into;
}

is("domainSeparator", v.domainSeparator, TypedDataEncoder.hashDomain(v.domain));
for (const m of v.messages) {
	const t = types(m.type), key = new SigningKey(m.privateKey);
	is(`${m.type}: structHash`, m.structHash,
	    TypedDataEncoder.hashStruct(m.type, t, m.message));
	is(`${m.type}: digest`, m.digest,
	    TypedDataEncoder.hash(v.domain, t, m.message));
	is(`${m.type}: signature`, m.signature, key.sign(m.digest).serialized);
	is(`${m.type}: signer`, m.signer, computeAddress(key.publicKey).toLowerCase());
}
const made = v.messages.map((m) => m.type).sort().join();
is("primary types", Object.keys(all).filter((name) =>
    /Batch$|^SessionHello$|^Registration$|^Verdict$/.test(name)).sort().join(), made);

// The messages are about the values and the seals above.
const message = (type) => v.messages.find((m) => m.type === type).message;
const grant = message("OperandGrantBatch").grants[0];
const result = message("TaskResultBatch").results[0];
grant.operands.forEach((o, j) => is("granted ciphertext", v.values[j].ciphertext,
    o.ciphertext));
grant.seals.forEach((s, i) => is("granted partials", "0x" + seals.nodes[i].partials
    .map((p) => p.sealedPartial.slice(2)).join(""), s.partials));
result.outputs.forEach((o, j) => is("ciphertextHash",
    keccak256(v.values[grant.operands.length + j].ciphertext), o.ciphertextHash));

console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 && passed > 0 ? 0 : 1);
