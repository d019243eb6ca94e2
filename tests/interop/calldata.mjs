// SPDX-License-Identifier: Apache-2.0
//
// Reads calldata_dump's lines: each call must be, byte for byte, what ethers makes of the
// same fields by the ABI that solc gives the contract.
import { readFileSync } from "node:fs";
import { AbiCoder, Interface } from "ethers";
import { compile } from "./node.mjs";

const { abi } = compile({ "Registry.sol": readFileSync("Registry.sol", "utf8") })["Registry.sol"].Registry;
const registry = new Interface(abi);
const lines = readFileSync(process.argv[2], "utf8").trim().split("\n");
let passed = 0, failed = 0;
for (const line of lines) {
	const { call, arguments: values, data } = JSON.parse(line);
	if (call === "register")
		values[2] = AbiCoder.defaultAbiCoder().encode(
		    ["bytes32", "uint8", "string", "bytes"], values[2]);
	const ok = registry.encodeFunctionData(call, values) === data;
	ok ? passed++ : failed++;
	if (!ok)
		console.log(`FAIL ${line.slice(0, 300)}`);
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 && passed > 150 ? 0 : 1);
