// Package floor is a server that costs what the kernel costs: the least that pushing one message to many WebSocket
// connections takes on this machine. A load test compares a server with it, so that its figures hold on other machines, too.
//
// A few threads have an epoll instance and a listener each (SO_REUSEPORT). A publication, POST /api/publish with "data" as its
// last member, is encoded once; each thread walks a dense array of descriptors and sends it to all of them, joined with what
// else is waiting. Whoever connects is subscribed; on /echo a message comes back. There are no channels, no heartbeats, no
// limits and no checks of what clients send beyond the framing. What a socket does not take waits in a queue of MaxQueued
// bytes; a connection with more than that is closed. It listens on 127.0.0.1 only: it is made for measuring on one machine.
//
// It runs as processes of its own, whose CPU time and memory are nobody else's. Several of them, where one would run out of
// descriptors, share the port, and pass publications on over pairs of sockets.
//
// # Ownership
//
// A thread owns its connections, the first one the links to other processes as well. They share nothing but mailboxes, each
// with its mutex, and the number of publications. It needs Linux; elsewhere Run and Start return ErrNeedsLinux.
package floor
