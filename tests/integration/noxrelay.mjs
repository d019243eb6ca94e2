// SPDX-License-Identifier: Apache-2.0
// noxrelay.mjs PORT FILE: forwards TCP connections from a free port of 127.0.0.1, which it
// prints, to PORT, and appends all that is sent to FILE.  A line is a JSON object: the number
// of the connection, who sent it (`client' or `server'), and the bytes in hexadecimal.
import fs from 'node:fs';
import net from 'node:net';

const [port, file] = process.argv.slice(2);
let connections = 0;

const relay = net.createServer((client) => {
	const server = net.connect(Number(port), '127.0.0.1'), connection = connections++;
	const pair = { client, server };
	for (const [from, socket] of Object.entries(pair)) {
		const to = from === 'client' ? server : client;
		socket.on('data', (data) => {
			fs.appendFileSync(file, JSON.stringify({ connection, from, hex: data.toString('hex') }) + '\n');
			to.write(data);
		});
		socket.on('end', () => to.end());
		socket.on('error', () => to.destroy());
	}
});
relay.listen(0, '127.0.0.1', () => console.log(relay.address().port));
