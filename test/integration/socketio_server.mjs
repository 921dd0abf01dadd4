// A Socket.IO server with the three events that wsload's recipe uses. It says on which port it listens, and ends when its
// standard input does.
import { createServer } from 'node:http'
import { Server } from 'socket.io'

const server = createServer()
const io = new Server(server, { transports: ['websocket'], pingInterval: Number(process.argv[2] ?? 25000), pingTimeout: 2000 })

io.on('connection', (socket) => {
  socket.on('subscribe', (channel, done) => {
    socket.join(channel)
    done()
  })
  socket.on('publish', (channel, data, done) => {
    io.to(channel).emit('message', data)
    done()
  })
  socket.on('echo', (data) => socket.emit('echo', data))
})

server.listen(0, '127.0.0.1', () => console.log(server.address().port))
process.stdin.on('end', () => process.exit(0))
process.stdin.resume()
