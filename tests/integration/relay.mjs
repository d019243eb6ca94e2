// SPDX-License-Identifier: Apache-2.0
// relay.mjs LISTEN HOST PORT...: forwards TCP connections from a free port of LISTEN to each
// PORT of HOST, and prints the ports in order.  SIGUSR1: the connections that are open carry nothing any more, as
// when a router forgets them; new ones work.
import { once } from 'node:events'
import net from 'node:net'

const [listen, host, ...ports] = process.argv.slice(2)
const open = new Set()

const relay = port => net.createServer({ allowHalfOpen: true }, client => {
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
const relays = ports.map(relay)
for (const r of relays) {
	r.listen(0, listen)
	await once(r, 'listening')
}
console.log(relays.map(r => r.address().port).join(' '))
