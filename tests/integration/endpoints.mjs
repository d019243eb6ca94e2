// SPDX-License-Identifier: Apache-2.0
//
// Two endpoints in front of a Registry's: one by TLS, honest; one that can be
// told to misbehave by GET /lie, /rubbish, /huge, /deep, /silent, /chain,
// /honest.  endpoints.mjs URL TLSDIR [PORT PORT]; prints the ports.  Tests only.
import http from "node:http";
import https from "node:https";
import { readFileSync } from "node:fs";

const [upstream, tls, ...ports] = process.argv.slice(2);
let mood = "honest";

async function body(request) {
	const parts = [];
	for await (const p of request)
		parts.push(p);
	return Buffer.concat(parts).toString();
}

async function ask(text) {
	const r = await fetch(upstream, { method: "POST", body: text,
	    headers: { "content-type": "application/json" } });
	return r.text();
}

const moods = {
	honest: (q, a) => a,
	lie: (q, a) => q.includes("eth_call") ?
	    a.replace(/0{40}/g, "0".repeat(39) + "1") : a,
	rubbish: () => "\u0000{{{",
	huge: () => "[" + "1,".repeat(1 << 20) + "1]",
	deep: () => "[".repeat(100000),
	chain: (q, a) => q.includes("eth_chainId") ?
	    a.replace(/"result": *"[^"]*"/, '"result":"0x1"') : a,
};

const honest = https.createServer({
	cert: readFileSync(`${tls}/orchestrator.pem`),
	key: readFileSync(`${tls}/orchestrator.key`),
}, async (q, a) => a.end(await ask(await body(q))));
const moody = http.createServer(async (q, a) => {
	if (q.method === "GET") {
		mood = q.url.slice(1);
		a.end();
		return;
	}
	const text = await body(q);
	if (mood !== "silent")
		a.end(moods[mood](text, await ask(text)));
});

honest.listen(Number(ports[0] ?? 0), "127.0.0.1", () =>
	moody.listen(Number(ports[1] ?? 0), "127.0.0.1", () =>
		console.log(honest.address().port, moody.address().port)));
