// SPDX-License-Identifier: Apache-2.0
// tlsfront.mjs PORT CERTIFICATE KEY: TLS on a free port of 127.0.0.1, which it prints, in
// front of a server on PORT that has none.  Prints a line for each connection.  Tests only.
import fs from 'node:fs';
import net from 'node:net';
import tls from 'node:tls';

const [port, cert, key] = process.argv.slice(2);
const front = tls.createServer({ cert: fs.readFileSync(cert), key: fs.readFileSync(key) },
    (client) => {
	const server = net.connect(Number(port), '127.0.0.1');
	console.log(client.getProtocol());
	client.pipe(server).pipe(client);
	client.on('error', () => server.destroy());
	server.on('error', () => client.destroy());
});
front.on('tlsClientError', () => {});
front.listen(0, '127.0.0.1', () => console.log(front.address().port));
