// SPDX-License-Identifier: Apache-2.0
//
// A real EVM node (anvil) on loopback, and Solidity's compiler.  The node ends with this
// process.
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import solc from "solc";

const ANVIL = "node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil";

// Starts one with these arguments: { url, stop }.
export async function start(...args) {
	const child = spawn(ANVIL, ["--host", "127.0.0.1", "--port", "0", ...args],
	    { stdio: ["ignore", "pipe", "inherit"] });
	process.on("exit", () => child.kill());
	let at;
	for await (const line of createInterface({ input: child.stdout }))
		if ((at = line.match(/Listening on (127\.0\.0\.1:\d+)/)?.[1]))
			break;
	if (!at)
		throw new Error("anvil did not start");
	child.stdout.resume();
	return { url: `http://${at}/`, stop: () => child.kill() };
}

// Compiles sources, { name: text }, with imports from here and from node_modules:
// { name: { Contract: { abi, evm } } }.  isStrict: without a warning of the sources' own.
export function compile(sources, settings = {}, isStrict = false) {
	const find = (path) => [path, `node_modules/${path}`].find(existsSync);
	const file = (path) => find(path) ?
	    { contents: readFileSync(find(path), "utf8") } : { error: "not found" };
	const result = JSON.parse(solc.compile(JSON.stringify({
		language: "Solidity",
		sources: Object.fromEntries(Object.entries(sources)
		    .map(([name, content]) => [name, { content }])),
		settings: { outputSelection: { "*": { "*":
		    ["abi", "evm.bytecode.object", "evm.deployedBytecode.object", "evm.methodIdentifiers",
		    "storageLayout"] } },
		    ...settings },
	}), { import: file }));
	for (const e of result.errors ?? [])
		if (e.severity === "error" || (isStrict && e.sourceLocation?.file in sources))
			throw new Error(e.formattedMessage);
	return result.contracts;
}
