// SPDX-License-Identifier: Apache-2.0
// relay.mjs LISTEN HOST PORT: forwards TCP connections from a free port of LISTEN, which it
// prints, to HOST PORT.  SIGUSR1: the connections that are open carry nothing any more, as
// when a router forgets them; new ones work.
import net from 'node:net'

const [listen, host, port] = process.argv.slice(2)
const open = new Set()

const server = net.createServer({ allowHalfOpen: true }, client => {
	const there = net.connect({ host, port: Number(port), allowHalfOpen: true })
	const pair = [client, there]

	open.add(pair)
	client.pipe(there).pipe(client)
	for (const socket of pair) {
		socket.on('error', () => pair.forEach(s => s.destroy()))
		socket.on('close', () => open.delete(pair))
	}
})
process.on('SIGUSR1', () => {
	for (const [a, b] of open) {
		a.unpipe(b)
		b.unpipe(a)
		a.pause()
		b.pause()
	}
	open.clear()
})
server.listen(0, listen, () => console.log(server.address().port))
