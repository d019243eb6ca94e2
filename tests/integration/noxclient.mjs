// SPDX-License-Identifier: Apache-2.0
// A client of the counterparts of Nox v0, for noxdevnet.sh, that shares no code with them:
// Keccak, secp256k1 and EIP-712 are written here, the rest is Node's.
//
//	noxclient.mjs DIR request METHOD PATH [BODY]
//	noxclient.mjs DIR operands HANDLE...
//	noxclient.mjs DIR results BODY
//	noxclient.mjs DIR secret HANDLE
//	noxclient.mjs DIR resolve	the results of each message that natsclient pulls
//
// The first line of the output is the HTTP status and the error's code, or `signed' if the
// Gateway signed the answer for our salt; then come the message or plaintexts.
// Environment: PAYLOAD, JSON that replaces members of what is signed; SIGN, how: other (by
// another key), small (v 0 or 1), eip155, compact (64 bytes), none (no header), scheme,
// base64, json (malformed); KEY, the file of the signer's key; SALT, CHAIN of the query.
import crypto from 'node:crypto';
import fs from 'node:fs';
import readline from 'node:readline';

const [dir, verb, ...args] = process.argv.slice(2);
const net = JSON.parse(fs.readFileSync(`${dir}/devnet.json`));
const nox = net.nox;
const how = process.env.SIGN ?? '';
const salt = process.env.SALT ?? '0x' + crypto.randomBytes(32).toString('hex');

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
function sign(key, digest) {
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
const chain = () => number(net.chainId);
const domains = {
	request: () => struct('EIP712Domain(string name,string version,uint256 chainId)',
		text('Handle Gateway'), text('1'), chain()),
	answer: () => struct('EIP712Domain(string name,string version,uint256 chainId,bytes32 salt)',
		text('Handle Gateway'), text('1'), chain(), Buffer.from(salt.replace(/^0x/, '').padStart(64, '0'), 'hex')),
	contract: (name) => struct('EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)',
		text(name), text('1'), chain(), address(nox.noxCompute)),
};
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

// ---- requests

function authorization(key, domain, hash, payload) {
	if (how === 'none') return {};
	const signer = how === 'other' ? big(crypto.randomBytes(31)) : key;
	const signature = '0x' + sign(signer, digest(domain, hash)).toString('hex');
	let value = Buffer.from(how === 'json' ? '{' : JSON.stringify({ payload, signature })).toString('base64');
	if (how === 'base64') value = '*' + value;
	return { Authorization: (how === 'scheme' ? 'Bearer ' : 'EIP712 ') + value };
}
const keyOf = (file) => BigInt('0x' + fs.readFileSync(process.env.KEY ?? `${dir}/${file}`, 'utf8').trim());

// Returns the payload of a 200.
async function send(method, path, headers, body) {
	const url = new URL(`http://127.0.0.1:${nox.port}${path}`);
	if (salt !== '') url.searchParams.set('salt', salt);
	if (process.env.CHAIN) url.searchParams.set('chain_id', process.env.CHAIN);
	const r = await fetch(url, { method, headers: { 'Content-Type': 'application/json', ...headers }, body });
	const answer = await r.json();
	if (!r.headers.get('content-type').includes('application/json')) answer.error = 'no JSON';
	if (r.status !== 200 || !answer.payload) {
		console.log(`${r.status} ${answer.error}`);
		console.log(answer.message);
		return null;
	}
	const who = recover(digest(domains.answer(), hashOf(answer.payload)), hex(answer.signature));
	console.log(who === nox.gateway ? '200 signed' : '200 not signed');
	return answer.payload;
}

function open(m, key) {
	const secret = crypto.privateDecrypt({ key, oaepHash: 'sha256', padding: crypto.constants.RSA_PKCS1_OAEP_PADDING },
		hex(m.encryptedSharedSecret));
	const aes = crypto.hkdfSync('sha256', secret, Buffer.alloc(32), 'ECIES:AES_GCM:v1', 32);
	const c = hex(m.ciphertext), d = crypto.createDecipheriv('aes-256-gcm', Buffer.from(aes), hex(m.iv));
	d.setAuthTag(c.subarray(-16));
	return '0x' + Buffer.concat([d.update(c.subarray(0, -16)), d.final()]).toString('hex');
}
function show(m, key) {
	try {
		console.log(m.handle, open(m, key));
	} catch {
		console.log(m.handle, 'does not open');
	}
}

const rsa = () => crypto.generateKeyPairSync('rsa', { modulusLength: 2048,
	publicKeyEncoding: { type: 'spki', format: 'der' }, privateKeyEncoding: { type: 'pkcs8', format: 'pem' } });
const transaction = { chainId: net.chainId, blockNumber: 42, caller: nox.user, transactionHash: '0x' + 'ab'.repeat(32) };
const words = (t) => [number(t.chainId), number(t.blockNumber), address(t.caller), text(t.transactionHash)];
const publishing = 'ResultPublishingAuthorization(uint256 chainId,uint256 blockNumber,address caller,string transactionHash)';
const replaced = () => JSON.parse(process.env.PAYLOAD ?? '{}');

if (verb === 'request') {
	const payload = await send(args[0], args[1], {}, args[2]);
	if (payload !== null) console.log(JSON.stringify(payload));
	// The proof of a new handle, which a contract verifies.
	if (payload?.proof) {
		const b = hex(payload.proof), hash = struct('HandleProof(bytes32 handle,address owner,address app,uint256 createdAt)',
			hex(payload.handle), address('0x' + b.subarray(0, 20).toString('hex')), address('0x' + b.subarray(20, 40).toString('hex')),
			b.subarray(40, 72));
		console.log('proof', b.length, recover(digest(domains.contract('NoxCompute'), hash), b.subarray(72)) === nox.gateway);
	}
} else if (verb === 'operands') {
	const { publicKey, privateKey } = rsa();
	const m = { ...transaction, operands: args, rsaPublicKey: '0x' + publicKey.toString('hex'), ...replaced() };
	const hash = struct('OperandAccessAuthorization(uint256 chainId,uint256 blockNumber,address caller,' +
		'string transactionHash,string[] operands,string rsaPublicKey)', ...words(m), list(m.operands.map(text)), text(m.rsaPublicKey));
	const payload = await send('GET', '/v0/compute/operands', authorization(keyOf('nox-wallet.key'), domains.request(), hash, m));
	for (const o of payload?.operands ?? []) show(o, privateKey);
} else if (verb === 'results') {
	const m = { ...transaction, ...replaced() };
	const hash = struct(publishing, ...words(m));
	const payload = await send('POST', '/v0/compute/results', authorization(keyOf('nox-wallet.key'), domains.request(), hash, m), args[0]);
	if (payload !== null) console.log(payload.message);
} else if (verb === 'resolve') {
	for await (const line of readline.createInterface({ input: process.stdin })) {
		if (!line.startsWith('pulled {')) continue;
		const { chainId, blockNumber, caller, transactionHash, events } = JSON.parse(line.slice(7, line.indexOf('}]}: ') + 3));
		const m = { chainId, blockNumber, caller, transactionHash };
		const results = ['result', 'success', 'newBalanceFrom', 'newBalanceTo'].filter((name) => events[0][name]).map((name) => ({
			handle: events[0][name], handleValueTag: '0x' + '0'.repeat(64), ciphertext: '0x00',
			publicKey: '0x02' + '0'.repeat(64), nonce: '0x' + '0'.repeat(24) }));
		await send('POST', '/v0/compute/results', authorization(keyOf('nox-wallet.key'), domains.request(),
			struct(publishing, ...words(m)), m), JSON.stringify(results));
	}
} else if (verb === 'secret') {
	const { publicKey, privateKey } = rsa(), now = Math.floor(Date.now() / 1000);
	const m = { userAddress: nox.user, encryptionPubKey: '0x' + publicKey.toString('hex'), notBefore: now - 60, expiresAt: now + 600, ...replaced() };
	const hash = struct('DataAccessAuthorization(address userAddress,string encryptionPubKey,uint256 notBefore,uint256 expiresAt)',
		address(m.userAddress), text(m.encryptionPubKey), number(m.notBefore), number(m.expiresAt));
	const payload = await send('GET', `/v0/secrets/${args[0]}`, authorization(keyOf('keys/user-alice'), domains.contract('Handle Gateway'), hash, m));
	if (payload !== null) show(payload, privateKey);
}
