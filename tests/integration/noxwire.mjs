// SPDX-License-Identifier: Apache-2.0
// Compares what a Runner sends to the Gateway of Nox v0, as noxrelay.mjs has recorded it, with
// requests that are built here from their parts.  For noxwire.sh.
//
//	noxwire.mjs DIR message NUMBER BLOCK CALLER EVENT...
//				a message with transaction NUMBER; EVENT is TYPE:NAME=HANDLE,..
//	noxwire.mjs DIR handle TYPE NAME	a handle
//	noxwire.mjs DIR fetch MESSAGE RECORD HANDLE...
//				its operands were fetched by one request, for these handles
//	noxwire.mjs DIR nofetch MESSAGE RECORD
//	noxwire.mjs DIR store MESSAGE RECORD HANDLE=HEX...
//				its results were stored by one request, with these values
//	noxwire.mjs DIR salts RECORD		each request has another
//	noxwire.mjs DIR connections RECORD	how many there were
import assert from 'node:assert';
import crypto from 'node:crypto';
import fs from 'node:fs';
import { address, big, digest, hashOf, hex, keccak, list, multiply, number, order, p, power, recover, struct, text,
	word } from './noxcrypto.mjs';

const [dir, verb, ...args] = process.argv.slice(2);
const net = JSON.parse(fs.readFileSync(`${dir}/devnet.json`));
const read = (file) => fs.readFileSync(file, 'utf8');
const to0x = (b) => '0x' + b.toString('hex');

// ---- the record

// Requests or answers of one side of a connection: {head, body}.
function split(bytes) {
	const all = [];
	while (bytes.length > 0) {
		const end = bytes.indexOf('\r\n\r\n') + 4;
		assert(end >= 4, 'no end of the headers');
		const head = bytes.subarray(0, end).toString('latin1');
		const length = Number(/\r\ncontent-length: (\d+)\r\n/i.exec(head)?.[1] ?? 0);
		all.push({ head, body: bytes.subarray(end, end + length).toString('latin1') });
		bytes = bytes.subarray(end + length);
	}
	return all;
}
function exchanges(record) {
	const sides = new Map();
	for (const line of read(record).trim().split('\n')) {
		const { connection, from, hex } = JSON.parse(line), key = `${connection} ${from}`;
		sides.set(key, [...(sides.get(key) ?? []), Buffer.from(hex, 'hex')]);
	}
	const all = [];
	for (const [key, parts] of sides) {
		if (!key.endsWith(' client')) continue;
		const answers = split(Buffer.concat(sides.get(key.replace('client', 'server')) ?? []));
		split(Buffer.concat(parts)).forEach((request, i) => all.push({ ...request, answer: answers[i] }));
	}
	return all;
}
const header = (head, name) => new RegExp(`\r\n${name}: ([^\r]*)\r\n`).exec(head)?.[1];
const signed = (head) => JSON.parse(Buffer.from(header(head, 'Authorization').replace(/^EIP712 /, ''), 'base64').toString());
const saltOf = (head) => /\?salt=(0x[0-9a-f]{64}) HTTP\/1\.1\r\n/.exec(head)[1];
const about = (record, message, method) => exchanges(record).filter((e) => e.head.startsWith(method + ' ') &&
	signed(e.head).payload.transactionHash === message.transactionHash);

// ---- signatures

const domain = (salt) => struct(`EIP712Domain(string name,string version,uint256 chainId${salt ? ',bytes32 salt' : ''})`,
	text('Handle Gateway'), text('1'), number(net.chainId), ...(salt ? [hex(salt)] : []));
function checkSignature(hash, signature) {
	const b = hex(signature);
	assert.match(signature, /^0x[0-9a-f]{130}$/);
	assert(b[64] === 27 || b[64] === 28, 'v');
	assert(big(b.subarray(32, 64)) <= order / 2n, 'high s');
	assert.equal(recover(digest(domain(), hash), b), net.nox.runner, 'not by the wallet');
}
function checkAnswer(answer, salt) {
	assert.match(answer.head, /^HTTP\/1\.1 200 /);
	const { payload, signature } = JSON.parse(answer.body);
	assert.equal(recover(digest(domain(salt), hashOf(payload)), hex(signature)), net.nox.gateway, 'not by the Gateway');
	return payload;
}

// ---- requests, from their parts

const minimal = (n) => '0x' + n.toString(16);
// The members that both payloads begin with, as text and as words that are hashed.
const common = (m) => `"chainId":"${minimal(m.chainId)}","blockNumber":"${minimal(m.blockNumber)}",` +
	`"caller":"${m.caller.toLowerCase()}","transactionHash":"${m.transactionHash}"`;
const words = (m) => [number(m.chainId), number(m.blockNumber), address(m.caller), text(m.transactionHash)];
const authorization = (payload, signature) => 'EIP712 ' +
	Buffer.from(`{"payload":{${payload}},"signature":"${signature}"}`).toString('base64');
const begin = (line, url, value) => `${line} HTTP/1.1\r\nHost: ${new URL(url).host}\r\nConnection: keep-alive\r\n` +
	`Authorization: ${value}\r\n`;
const gateway = () => /^gateway-url (.*)$/m.exec(read(`${dir}/tee-runnerd.conf`))[1];

function checkFetch(message, { head, body, answer }, handles) {
	const { payload, signature } = signed(head), salt = saltOf(head);
	const expected = begin(`GET /v0/compute/operands?salt=${salt}`, gateway(), authorization(common(message) +
		`,"operands":[${handles.map((h) => `"${h}"`).join(',')}],"rsaPublicKey":"${payload.rsaPublicKey}"`, signature)) + '\r\n';
	assert.equal(head, expected);
	assert.equal(body, '');
	checkSignature(struct('OperandAccessAuthorization(uint256 chainId,uint256 blockNumber,address caller,' +
		'string transactionHash,string[] operands,string rsaPublicKey)', ...words(message), list(handles.map(text)),
	text(payload.rsaPublicKey)), signature);
	assert.match(payload.rsaPublicKey, /^0x[0-9a-f]+$/);
	const key = crypto.createPublicKey({ key: hex(payload.rsaPublicKey), format: 'der', type: 'spki' });
	assert.equal(key.asymmetricKeyType, 'rsa');
	assert.deepEqual({ ...key.asymmetricKeyDetails }, { modulusLength: 2048, publicExponent: 65537n });
	assert.equal(to0x(key.export({ format: 'der', type: 'spki' })), payload.rsaPublicKey);
	const { operands } = checkAnswer(answer, salt);
	assert.deepEqual(operands.map((o) => o.handle), handles);
	for (const o of operands) assert.equal(hex(o.encryptedSharedSecret).length, 256);
}

// With the private key of the KMS.
function open(v) {
	const key = BigInt('0x' + read(`${dir}/keys/nox-kms`).trim()), b = hex(v.publicKey), x = big(b.subarray(1));
	let y = power(x ** 3n + 7n, (p + 1n) / 4n, p);
	assert.equal(y * y % p, (x ** 3n + 7n) % p, 'publicKey: not on the curve');
	if ((y & 1n) !== BigInt(b[0] & 1)) y = p - y;
	const secret = word(multiply(key, [x, y])[0]);
	const aes = crypto.hkdfSync('sha256', secret, Buffer.alloc(0), 'ECIES:AES_GCM:v1', 32);
	const c = hex(v.ciphertext), d = crypto.createDecipheriv('aes-256-gcm', Buffer.from(aes), hex(v.nonce));
	d.setAuthTag(c.subarray(-16));
	return Buffer.concat([d.update(c.subarray(0, -16)), d.final()]);
}

function checkStore(message, { head, body, answer }, results) {
	const { signature } = signed(head), salt = saltOf(head), sent = JSON.parse(body);
	const values = results.map(([handle, value], i) => {
		const plain = hex(value), padded = Buffer.concat([Buffer.alloc(32 - plain.length), plain]);
		const { ciphertext, publicKey, nonce } = sent[i];
		assert.equal(to0x(open(sent[i])), value);
		assert.match(ciphertext, new RegExp(`^0x[0-9a-f]{${2 * (plain.length + 16)}}$`));
		assert.match(publicKey, /^0x0[23][0-9a-f]{64}$/);
		assert.match(nonce, /^0x[0-9a-f]{24}$/);
		const tag = to0x(keccak(Buffer.concat([hex(handle), padded])));
		return `{"handle":"${handle}","handleValueTag":"${tag}","ciphertext":"${ciphertext}","publicKey":"${publicKey}","nonce":"${nonce}"}`;
	});
	const expected = `[${values.join(',')}]`;
	assert.equal(head, begin(`POST /v0/compute/results?salt=${salt}`, gateway(), authorization(common(message), signature)) +
		`Content-Type: application/json\r\nContent-Length: ${expected.length}\r\n\r\n`);
	assert.equal(body, expected);
	assert.equal(new Set(sent.flatMap((v) => [v.publicKey, v.nonce])).size, 2 * sent.length, 'a key or nonce is used twice');
	checkSignature(struct('ResultPublishingAuthorization(uint256 chainId,uint256 blockNumber,address caller,string transactionHash)',
		...words(message)), signature);
	assert.equal(checkAnswer(answer, salt).message, `On the ${sent.length} handles submitted to publishing, ${sent.length} were ` +
		'successfully created, 0 were unchanged and 0 conflicted');
}

// ---- messages

const types = { bool: 0, uint16: 5, uint256: 35, int16: 37, int256: 67 };
const handle = (type, name) => to0x(Buffer.concat([Buffer.from([0]), number(net.chainId).subarray(28),
	Buffer.from([types[type], 1]), text(name).subarray(0, 25)]));
function event(description, logIndex, caller) {
	const [type, members] = description.split(':');
	const e = { logIndex, caller, type };
	for (const [name, value] of members.split(',').map((m) => m.split('='))) e[name] = name === 'teeType' ? Number(value) : value;
	return e;
}

const only = (all) => {
	assert.equal(all.length, 1, `${all.length} requests`);
	return all[0];
};
if (verb === 'message') {
	const [n, blockNumber, caller, ...events] = args;
	console.log(JSON.stringify({ chainId: net.chainId, caller, blockNumber: Number(blockNumber), transactionHash: to0x(text(`transaction ${n}`)),
		events: events.map((e, i) => event(e, i, caller)) }));
} else if (verb === 'handle') {
	console.log(handle(...args));
} else if (verb === 'salts') {
	const salts = exchanges(args[0]).map((e) => saltOf(e.head));
	assert.equal(new Set(salts).size, salts.length);
} else if (verb === 'connections') {
	console.log(new Set(read(args[0]).trim().split('\n').map((line) => JSON.parse(line).connection)).size);
} else {
	const message = JSON.parse(read(args[0])), rest = args.slice(2);
	if (verb === 'nofetch') assert.equal(about(args[1], message, 'GET').length, 0);
	else if (verb === 'fetch') checkFetch(message, only(about(args[1], message, 'GET')), rest);
	else if (verb === 'store') checkStore(message, only(about(args[1], message, 'POST')), rest.map((r) => r.split('=')));
	else assert.fail(`no such verb: ${verb}`);
}
