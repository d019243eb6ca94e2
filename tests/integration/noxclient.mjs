// SPDX-License-Identifier: Apache-2.0
// A client of the counterparts of Nox v0, for noxdevnet.sh, that shares no code with them:
// Keccak, secp256k1 and EIP-712 are those of noxcrypto.mjs, the rest is Node's.
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
import { address, big, digest, hashOf, hex, list, number, recover, sign, struct, text } from './noxcrypto.mjs';

const [dir, verb, ...args] = process.argv.slice(2);
const net = JSON.parse(fs.readFileSync(`${dir}/devnet.json`));
const nox = net.nox;
const how = process.env.SIGN ?? '';
const salt = process.env.SALT ?? '0x' + crypto.randomBytes(32).toString('hex');

// ---- EIP-712

const chain = () => number(net.chainId);
const domains = {
	request: () => struct('EIP712Domain(string name,string version,uint256 chainId)',
		text('Handle Gateway'), text('1'), chain()),
	answer: () => struct('EIP712Domain(string name,string version,uint256 chainId,bytes32 salt)',
		text('Handle Gateway'), text('1'), chain(), Buffer.from(salt.replace(/^0x/, '').padStart(64, '0'), 'hex')),
	contract: (name) => struct('EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)',
		text(name), text('1'), chain(), address(nox.noxCompute)),
};

// ---- requests

function authorization(key, domain, hash, payload) {
	if (how === 'none') return {};
	const signer = how === 'other' ? big(crypto.randomBytes(31)) : key;
	const signature = '0x' + sign(signer, digest(domain, hash), how).toString('hex');
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
