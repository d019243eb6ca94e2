// SPDX-License-Identifier: Apache-2.0
//
// owner.mjs URL REGISTRY CALL [ARGUMENT...]: the owner of a Registry, whose key is in
// OWNER_KEY, or the node's first account: a function of the contract as a transaction, or as
// a view, whose result is printed.  Arguments are JSON, or text.  `node METHOD ...' is a call
// of the node's own.
import { readFileSync } from "node:fs";
import { Contract, JsonRpcProvider, Wallet } from "ethers";
import { compile } from "./node.mjs";

const [url, address, name, ...args] = process.argv.slice(2);
const value = (text) => {
	try {
		// Large integers stay text, which ethers takes too.
		return /^\d{10,}$/.test(text) ? text : JSON.parse(text);
	} catch {
		return text;
	}
};
const provider = new JsonRpcProvider(url, undefined, { cacheTimeout: -1, pollingInterval: 100 });
const values = args.map(value);
if (name === "node")
	console.log(JSON.stringify(await provider.send(values[0], values.slice(1))));
else {
	const { abi } = compile({ "Registry.sol": readFileSync("Registry.sol", "utf8") })["Registry.sol"].Registry;
	const registry = new Contract(address, abi, process.env.OWNER_KEY ?
	    new Wallet(process.env.OWNER_KEY, provider) : await provider.getSigner(0));
	const result = await registry.getFunction(name)(...values);
	if (result?.wait)
		await result.wait();
	else
		console.log(String(result));
}
provider.destroy();
