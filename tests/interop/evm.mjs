// SPDX-License-Identifier: Apache-2.0
//
// Compiles Primitives.sol for each type, has a node compute random and edge inputs of
// every row of proto/primitives.def, and writes what came out as a file of vectors
// (their format: the head of tests/vectors/primitives.txt) for primvec.
import { createWriteStream, readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { id } from "ethers";
import { compile, start } from "./node.mjs";

const usage = `usage: evm.sh [--count N] [--seed N] [--op NAME] [--types T,T...|all]
  --count  comparisons, about; default 200000
  --seed   of the inputs; default: of the clock.  It is printed
  --op     this primitive alone
  --types  compute with these alone; default: the widths 8, 16, 24, 64, 128, 160,
           248 and 256, the sizes 1, 20 and 32, bool and address`;

// Every row of primitives.def must be in Primitives.sol, but these: random.
const RANDOM = ["rand", "randBounded"];

let options;
try {
	options = parseArgs({ options: {
		count: { type: "string", default: "200000" },
		seed: { type: "string", default: String(Date.now()) },
		op: { type: "string" }, types: { type: "string" },
		out: { type: "string", default: "evm.txt" },
		table: { type: "string" },
		help: { type: "boolean", default: false },
	} }).values;
} catch (e) {
	console.error(`${e.message}\n${usage}`);
	process.exit(2);
}
if (options.help) {
	console.log(usage);
	process.exit(0);
}
for (const o of ["count", "seed"])
	if (!/^[1-9]\d{0,14}$/.test(options[o])) {
		console.error(`--${o} ${options[o]}: not a number above 0`);
		process.exit(2);
	}

// ---- types -----------------------------------------------------------------

const range = (n, make) => Array.from({ length: n }, (_, i) => make(i + 1));
const ALL = ["bool", "address", ...range(32, (i) => `uint${8 * i}`),
    ...range(32, (i) => `int${8 * i}`), ...range(32, (i) => `bytes${i}`)];
const DEFAULT = ["bool", "address", "bytes1", "bytes20", "bytes32",
    ...[8, 16, 24, 64, 128, 160, 248, 256].flatMap((n) => [`uint${n}`, `int${n}`])];

function type(name) {
	const number = Number(name.replace(/\D/g, ""));
	const kind = name.replace(/\d/g, "");
	const bits = { bool: 1, address: 160, bytes: 8 * number }[kind] ?? number;
	return { name, kind, bits: BigInt(bits), size: Math.ceil(bits / 8) };
}

const TYPES = (options.types === "all" ? ALL :
    options.types?.split(",") ?? DEFAULT).map((name) => {
	if (!ALL.includes(name)) {
		console.error(`--types: ${name}: no such type`);
		process.exit(2);
	}
	return type(name);
});
const UNSIGNED = range(32, (i) => type(`uint${8 * i}`));
const BOOL = type("bool"), WORD = type("uint256");

const isInteger = (t) => t.kind === "uint" || t.kind === "int";
// The letters of primitives.def: which types may stand there.
const LETTERS = {
	I: isInteger, J: isInteger,
	U: (t) => t.kind === "uint", S: (t) => t.kind === "int",
	B: (t) => t.kind === "bool", A: () => true, Z: () => true,
	L: (t) => t.kind !== "address",
	H: (t) => isInteger(t) || t.kind === "bytes",
	w: (t) => t.name === "uint256", i: (t) => t.name === "int256",
};

// ---- values: N bits, as the plaintext has them --------------------------------

// Blackman and Vigna's xoshiro128**, seeded with splitmix32.
let seed = Number(BigInt(options.seed) & 0xffffffffn);
const state = Uint32Array.from({ length: 4 }, () => {
	seed = (seed + 0x9e3779b9) | 0;
	let z = Math.imul(seed ^ (seed >>> 16), 0x85ebca6b);
	z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
	return z ^ (z >>> 16);
});
function random32() {
	const x = Math.imul(state[1], 5), t = state[1] << 9;
	state[2] ^= state[0];
	state[3] ^= state[1];
	state[1] ^= state[2];
	state[0] ^= state[3];
	state[2] ^= t;
	state[3] = (state[3] << 11) | (state[3] >>> 21);
	return Math.imul((x << 7) | (x >>> 25), 9) >>> 0;
}
const below = (n) => Math.floor(random32() / 2 ** 32 * n);
const pick = (list) => list[below(list.length)];
function randomBits(n) {
	let v = 0n;
	for (let i = 0n; i < n; i += 32n)
		v = v << 32n | BigInt(random32());
	return BigInt.asUintN(Number(n), v);
}
const sized = (bits) => randomBits(BigInt(1 + below(Number(bits))));

// A value of the type: edges, powers, any size, any bits, or near one before.
function value(t, before = []) {
	const n = t.bits, fit = (v) => BigInt.asUintN(Number(n), v);
	const one = pick([-1n, 0n, 1n]);
	switch (below(before.length ? 10 : 8)) {
	case 0: return fit(pick([0n, 1n, 2n, 3n, -1n, -2n]));
	case 1: return fit((1n << (n - 1n)) + one);	// MIN, MAX of signed
	case 2: return fit((1n << BigInt(below(Number(n)))) + one);
	case 3: return fit(10n ** BigInt(below(1 + Math.floor(Number(n) * 0.30103))) + one);
	case 4: return fit(sized(n));
	case 5: return fit(-sized(n));
	case 8: return fit(pick(before));
	case 9: return fit(pick(before) + one);
	default: return randomBits(n);
	}
}

const signed = (v) => BigInt.asUintN(256, v);
const WAD = 10n ** 18n;
const spread = (low, high) => low + randomBits(256n) % (high - low);

// Inputs for which an operation does more than fail: three calls of four.
const LIKELY = {
	exp: (t) => [pick([value(t), sized(t.bits > 8n ? 8n : t.bits)]), sized(5n)],
	safeExp: (t) => [pick([value(t), sized(t.bits > 8n ? 8n : t.bits)]), sized(5n)],
	shl: (t) => [value(t), spread(0n, t.bits + 2n)],
	swap: (t) => {
		const n = t.bits < 238n ? t.bits : 238n;
		const v = range(6, () => pick([sized(n), sized(n), randomBits(n)]));
		if (below(2))
			v[4] = v[4] % (v[0] + 1n);
		v[5] = pick([0n, 0n, v[5]]);
		return v;
	},
	expWad: () => [signed(spread(-45n * WAD, 140n * WAD))],
	lnWad: () => [sized(255n)],
	powWad: () => [sized(100n), signed(spread(-9n * WAD, 9n * WAD))],
};
LIKELY.shr = LIKELY.rotl = LIKELY.rotr = LIKELY.shl;

// A value as a word of the ABI, and back as a plaintext's digits.
function toWord(t, v) {
	if (t.kind === "bytes")
		v <<= 256n - t.bits;
	else if (t.kind === "int")
		v = BigInt.asUintN(256, BigInt.asIntN(Number(t.bits), v));
	return v.toString(16).padStart(64, "0");
}
const toPlain = (t, v) => "0x" + v.toString(16).padStart(2 * t.size, "0");
function fromWord(t, hex) {
	return "0x" + (t.kind === "bytes" ? hex.slice(0, 2 * t.size) :
	    hex.slice(64 - 2 * t.size));
}

// ---- the contract of a type -----------------------------------------------------

const source = readFileSync("Primitives.sol", "utf8");
const parts = source.split(/^\/\/ ---- (\w+)\n/m);
const head = parts[0], section = {};
for (let i = 1; i < parts.length; i += 2)
	section[parts[i]] = parts[i + 1];

function sections(t) {
	const s = ["any"];
	if (isInteger(t))
		s.push("integer", t.kind === "int" ? "signed" : "unsigned");
	if (t.kind === "bool")
		s.push("bool");
	else if (t.kind !== "address")
		s.push("bits");
	if (section[t.name] && t.kind !== "bool")
		s.push(t.name);
	return s;
}

// Solidity's conversion of `x' from one type to another; undefined: there is none.
function conversion(from, to, x) {
	const wide = from.kind === "int" ? `uint256(int256(${x}))` : `uint256(${x})`;
	if (from.name === to.name)
		return x;
	if (isInteger(from) && isInteger(to))
		return to.kind === "int" ? `${to.name}(int256(${wide}))` :
		    `${to.name}(${wide})`;
	if (isInteger(from) && to.kind === "bool")
		return `${x} != 0`;
	if (from.kind === "bool" && isInteger(to))
		return `${x} ? ${to.name}(1) : ${to.name}(0)`;
	if (from.kind === "bytes" && to.kind === "bytes")
		return `${to.name}(${x})`;
	const kinds = ["address", "bytes", "uint"];
	if (from.bits === to.bits && kinds.includes(from.kind) && kinds.includes(to.kind))
		return `${to.name}(${x})`;
}

function contract(t) {
	const UN = t.kind === "int" ? `uint${t.bits}` : t.name;
	let text = sections(t).map((s) => section[s]).join("");
	const wrap = { bool: "c != 0", address: "T(uint160(uint256(c)))",
	    bytes: `T(uint${t.bits}(uint256(c)))`, int: "T(int256(uint256(c)))",
	    uint: "T(uint256(c))" }[t.kind];
	text += `function wrap(bytes32 c) external pure returns (T) { return ${wrap}; }\n`;
	for (const to of TYPES) {
		const c = conversion(t, to, "a");
		if (c)
			text += `function cast_${to.name}(T a) external pure returns (${to.name}) { return ${c}; }\n`;
		if (!isInteger(t) || !isInteger(to))
			continue;
		const wide = t.kind === to.kind ? `${to.kind}256(a)` :
		    t.kind === "int" ? "SafeCast.toUint256(a)" : "SafeCast.toInt256(a)";
		const narrow = to.bits === 256n ? wide :
		    `SafeCast.to${to.kind === "int" ? "Int" : "Uint"}${to.bits}(${wide})`;
		text += `function safeCast_${to.name}(T a) external pure returns (${to.name}) { return ${narrow}; }\n`;
	}
	return (head + text + "}\n").replace(/\bPrimitives_T\b/, `Primitives_${t.name}`)
	    .replace(/\bUN\b/g, UN).replace(/\bT\b/g, t.name).replace(/\bN\b/g, t.bits);
}

function compileAll() {
	const code = {};
	for (const t of TYPES) {
		const { evm } = compile({ T: contract(t) }).T[`Primitives_${t.name}`];
		code[t.name] = { code: "0x" + evm.deployedBytecode.object,
		    selector: Object.fromEntries(Object.entries(evm.methodIdentifiers)
			.map(([f, s]) => [f.split("(")[0], s])) };
	}
	return code;
}

// ---- what to compute ---------------------------------------------------------

// The batches of a row: each calls one function of one contract.
function batches({ name, in: takes, out: gives }, code) {
	const main = (takes.replace(/^[BK]/, "") || gives)[0];
	const functions = name === "cast" || name === "safeCast" ?
	    TYPES.map((to) => [`${name}_${to.name}`, to]) : [[name], [`${name}Same`]];
	return TYPES.filter(LETTERS[main]).flatMap((t) =>
	    functions.filter(([f]) => code[t.name].selector[f])
		.map(([f, to]) => ({ row: name, f, t, to, takes, gives })));
}

const SAFE = /^safe|Wad$/;		// returns no flag, but reverts
const seen = new Map();

function prepare(b) {
	const many = b.takes.endsWith("*");
	const length = many ? pick([1, 2, 3, 5, 8, below(100) + 1]) : 0;
	const letters = many ? [...b.takes.slice(0, -1).padEnd(length + b.takes.length - 2, b.takes.at(-2))] :
	    [...b.takes];
	const v = pick(UNSIGNED);
	b.fee = b.takes.endsWith("FF");
	b.in = letters.filter((l) => l !== "F" && l !== "K").map((l) =>
	    l === "V" ? v : l === "B" ? BOOL : b.t);
	b.out = [...b.gives].map((l, i) => l === "B" ? BOOL : b.to ?? b.t);
	b.prefix = many ? [WORD, WORD].map((t, i) => toWord(t, i ? BigInt(b.in.length) : 32n)) : [];
	b.safe = SAFE.test(b.row);
	b.constant = b.takes === "K";
}

function inputs(b) {
	if (b.constant)
		return [value(WORD)];
	const v = LIKELY[b.row] && (below(4) || b.row === "swap") ? LIKELY[b.row](b.t) : [];
	for (let i = 0; i < b.in.length; i++)
		v[i] = BigInt.asUintN(Number(b.in[i].bits), v[i] ?? value(b.in[i], v));
	return v;
}

// The calls of a batch: their words, and what stands on their lines.
function make(b, n) {
	prepare(b);
	const calls = [];
	for (let i = 0; i < n; i++) {
		const v = inputs(b);
		let words = b.prefix.concat(b.constant ? toWord(WORD, v[0]) :
		    v.map((x, j) => toWord(b.in[j], x)));
		let parameters = b.f.endsWith("Same") ? " sameAccount=1" : "";
		if (b.fee) {
			const [f, F] = pick([[3, 1000], [0, 1], [65535, 65536], [1, 65536],
			    (([F]) => [below(F), F])([1 + below(65536)])]);
			words = words.concat([f, F].map((x) => toWord(WORD, BigInt(x))));
			parameters = ` feeNum=${f} feeDen=${F}`;
		}
		if (b.constant)
			parameters = ` constant=${toPlain(WORD, v[0])}`;
		calls.push({ words, parameters,
		    plain: b.constant ? [] : v.map((x, j) => toPlain(b.in[j], x)) });
	}
	return calls;
}

function count(b, out) {
	const s = seen.get(b.row) ?? { n: 0, yes: 0, flag: b.gives[0] === "B", first: `${out}` };
	s.n++;
	s.yes += s.flag && out[0] === "0x01";
	s.varies ||= `${out}` !== s.first;
	seen.set(b.row, s);
}

const names = (types) => types.map((t) => t.name).join(",") || "-";

async function compute(b, calls, node, code) {
	const nIn = calls[0].words.length;
	const nOut = b.out.length - (b.safe ? 1 : 0);
	const arg = (n) => toWord(WORD, BigInt(n));
	const data = "0x" + id("run(bytes4,uint256,uint256,uint256[])").slice(2, 10) +
	    code[b.t.name].selector[b.f].padEnd(64, "0") + arg(nIn) + arg(nOut) + arg(128) +
	    arg(nIn * calls.length) + calls.flatMap((c) => c.words).join("");
	const hex = (await node.call(code[b.t.name].code, data)).slice(2);
	if (hex.length !== calls.length * (1 + nOut) * 64)
		throw new Error(`${b.t.name} ${b.f}: ${hex.length / 64} words came back`);
	const lines = [];
	for (let i = 0, at = 0; i < calls.length; i++, at += (1 + nOut) * 64) {
		const ok = hex[at + 63] === "1";
		if (!ok && !b.safe)
			throw new Error(`${b.t.name} ${b.f}(${calls[i].plain}): reverted`);
		const out = b.out.map((t, j) => {
			if (b.safe && j === 0)
				return ok ? "0x01" : "0x00";
			const word = at + (j + (b.safe ? 0 : 1)) * 64;
			return ok ? fromWord(t, hex.slice(word, word + 64)) : toPlain(t, 0n);
		});
		lines.push(`${b.row} ${names(b.in)} ${names(b.out)}${calls[i].parameters} : ` +
		    [...calls[i].plain, "=", ...out].join(" ") + "\n");
		count(b, out);
	}
	return lines.join("");
}

// ---- the node ------------------------------------------------------------------

async function startNode() {
	const { url, stop } = await start("--disable-code-size-limit",
	    "--disable-block-gas-limit", "--no-request-size-limit");
	const to = "0x00000000000000000000000000000000000000aa";
	return {
		stop,
		async call(code, data) {
			const answer = await fetch(url, {
				method: "POST",
				headers: { "content-type": "application/json" },
				body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "eth_call",
				    params: [{ to, data, gas: "0xffffffffffff" }, "latest", { [to]: { code } }] }),
			});
			const { result, error } = await answer.json();
			if (error)
				throw new Error(`eth_call: ${error.message}`);
			return result;
		},
	};
}

// ---- all of it -----------------------------------------------------------------

const definition = readFileSync(options.table, "utf8");
const table = [...definition.matchAll(/^PRIM\(0x\w+, (\w+),\s*"([^"]*)",\s*"([^"]*)"/gm)]
    .map(([, name, takes, gives]) => ({ name, in: takes, out: gives }));
const began = Date.now();
const seconds = () => ((Date.now() - began) / 1000).toFixed(1);
console.log(`seed ${options.seed}, ${TYPES.length} types`);
const code = compileAll();
console.log(`${seconds()} s: compiled`);
const node = await startNode();
const rows = table.filter(({ name }) => !RANDOM.includes(name) &&
    (options.op ?? name) === name).map((row) => batches(row, code)).filter((r) => r.length);
if (rows.length === 0) {
	console.error("nothing to compute: no such primitive, or none of these types");
	process.exit(2);
}
const out = createWriteStream(options.out);
let done = 0;
for (const row of rows)
	for (const b of row)
		for (let left = Math.ceil(options.count / rows.length / row.length); left > 0; left -= 500) {
			const calls = make(b, Math.min(left, 500));
			out.write(await compute(b, calls, node, code));
			done += calls.length;
			if (process.stdout.isTTY)
				process.stdout.write(`\r${done} of ${options.count}\r`);
		}
await new Promise((resolve) => out.end(resolve));
node.stop();
console.log(`${seconds()} s: ${done} computed by the node`);

// Each row was computed, and not always with the same result.
let poor = 0;
for (const { name } of table)
	if (!options.op && !options.types && !RANDOM.includes(name) &&
	    !seen.get(name)?.varies) {
		console.error(`${name}: ${seen.has(name) ? "always the same" : "not computed"}`);
		poor = 1;
	}
for (const [name, { n, yes, flag }] of seen)
	console.log(`${name}: ${n}${flag ? `, of them ${yes} true` : ""}`);
process.exit(poor);
