// SPDX-License-Identifier: Apache-2.0
// Keccak-256, secp256k1 and EIP-712 for the clients of Nox v0 in tests, which share no code
// with what they test.
import crypto from 'node:crypto';

// ---- Keccak-256

const mask = (1n << 64n) - 1n;
const rotate = (v, n) => n === 0n ? v : ((v << n) | (v >> (64n - n))) & mask;
function permute(a) {
	let lfsr = 1;
	for (let round = 0; round < 24; round++) {
		const c = [0, 1, 2, 3, 4].map((x) => a[x] ^ a[x + 5] ^ a[x + 10] ^ a[x + 15] ^ a[x + 20]);
		for (let x = 0; x < 5; x++) {
			const d = c[(x + 4) % 5] ^ rotate(c[(x + 1) % 5], 1n);
			for (let y = 0; y < 25; y += 5) a[x + y] ^= d;
		}
		let x = 1, y = 0, at = a[1];
		for (let t = 0; t < 24; t++) {
			[x, y] = [y, (2 * x + 3 * y) % 5];
			[at, a[x + 5 * y]] = [a[x + 5 * y], rotate(at, BigInt(((t + 1) * (t + 2) / 2) % 64))];
		}
		for (let row = 0; row < 25; row += 5) {
			const b = a.slice(row, row + 5);
			for (let i = 0; i < 5; i++) a[row + i] = b[i] ^ (~b[(i + 1) % 5] & mask & b[(i + 2) % 5]);
		}
		for (let j = 0; j < 7; j++) {
			if (lfsr & 1) a[0] ^= 1n << ((1n << BigInt(j)) - 1n);
			lfsr = lfsr & 0x80 ? (lfsr << 1) ^ 0x171 : lfsr << 1;
		}
	}
}
function keccak(data) {
	const rate = 136, n = Math.floor(data.length / rate) * rate + rate;
	const b = Buffer.alloc(n);
	data.copy(b);
	b[data.length] ^= 1;
	b[n - 1] ^= 0x80;
	const a = Array(25).fill(0n);
	for (let i = 0; i < n; i += rate) {
		for (let k = 0; k < rate / 8; k++) a[k] ^= b.readBigUInt64LE(i + 8 * k);
		permute(a);
	}
	const out = Buffer.alloc(32);
	for (let k = 0; k < 4; k++) out.writeBigUInt64LE(a[k], 8 * k);
	return out;
}

// ---- secp256k1

const p = 2n ** 256n - 2n ** 32n - 977n;
const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
const G = [0x79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798n,
	0x483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8n];
const mod = (v, m) => ((v % m) + m) % m;
function power(b, e, m) {
	let r = 1n;
	for (b = mod(b, m); e > 0n; e >>= 1n, b = b * b % m) if (e & 1n) r = r * b % m;
	return r;
}
const inverse = (v, m) => power(v, m - 2n, m);
function add(a, b) {
	if (a === null) return b;
	if (b === null) return a;
	if (a[0] === b[0] && a[1] !== b[1]) return null;
	const s = a[0] === b[0] ? 3n * a[0] * a[0] * inverse(2n * a[1], p) :
		(b[1] - a[1]) * inverse(b[0] - a[0], p);
	const x = mod(s * s - a[0] - b[0], p);
	return [x, mod(s * (a[0] - x) - a[1], p)];
}
function multiply(k, point) {
	let r = null;
	for (k = mod(k, order); k > 0n; k >>= 1n, point = add(point, point)) if (k & 1n) r = add(r, point);
	return r;
}
const word = (v) => Buffer.from(v.toString(16).padStart(64, '0'), 'hex');
const big = (b) => BigInt('0x' + b.toString('hex'));
const addressOf = (q) => '0x' + keccak(Buffer.concat([word(q[0]), word(q[1])])).subarray(12).toString('hex');
// how: another form of the signature, see noxclient.mjs
function sign(key, digest, how = '') {
	const k = big(crypto.randomBytes(32)) % order, R = multiply(k, G), r = R[0] % order;
	let s = inverse(k, order) * (big(digest) + r * key) % order, odd = R[1] & 1n;
	if (s > order / 2n) [s, odd] = [order - s, odd ^ 1n];
	if (how === 'compact') return Buffer.concat([word(r), word(s | (odd << 255n))]);
	const v = how === 'small' ? 0n : how === 'eip155' ? BigInt(35 + 2 * 11) : 27n;
	return Buffer.concat([word(r), word(s), Buffer.from([Number(v + odd)])]);
}
function recover(digest, sig) {
	const r = big(sig.subarray(0, 32)), s = big(sig.subarray(32, 64)), v = sig[64];
	if (sig.length !== 65 || (v !== 27 && v !== 28)) return '';
	let y = power(r ** 3n + 7n, (p + 1n) / 4n, p);
	if ((y & 1n) !== BigInt(v - 27)) y = p - y;
	const i = inverse(r, order);
	return addressOf(add(multiply(s * i, [r, y]), multiply(-big(digest) * i, G)));
}

// ---- EIP-712

const hex = (text) => Buffer.from(text.slice(2), 'hex');
const text = (s) => keccak(Buffer.from(s));
const number = (v) => word(BigInt(v));
const address = (a) => Buffer.concat([Buffer.alloc(12), hex(a)]);
const struct = (type, ...words) => keccak(Buffer.concat([text(type), ...words]));
const digest = (domain, hash) => keccak(Buffer.concat([Buffer.from([0x19, 1]), domain, hash]));
const materialType = 'HandleCryptoMaterial(string handle,string ciphertext,string encryptedSharedSecret,string iv)';
const material = (m) => struct(materialType, text(m.handle), text(m.ciphertext), text(m.encryptedSharedSecret), text(m.iv));
const list = (hashes) => keccak(Buffer.concat(hashes));
// The hash of an answer, by what its payload has.
function hashOf(a) {
	if (a.operands) return struct('ComputeOperands(HandleCryptoMaterial[] operands)' + materialType, list(a.operands.map(material)));
	if (a.message) return struct('ResultPublishingReport(string message)', text(a.message));
	if (a.proof) return struct('HandleWithProof(string handle,string proof)', text(a.handle), text(a.proof));
	if (a.ciphertext) return material(a);
	const one = 'HandleResolution(string handle,bool resolved)';
	return struct('HandleStatusReport(HandleResolution[] statuses)' + one,
		list(a.statuses.map((s) => struct(one, text(s.handle), number(s.resolved ? 1 : 0)))));
}

export { address, addressOf, big, digest, G, hashOf, hex, keccak, list, multiply, number, order, p, power, recover, sign,
	struct, text, word };
