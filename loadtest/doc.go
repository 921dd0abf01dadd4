// Package loadtest puts load on WebSocket push servers and tells whether they delivered what they accepted.
//
// A run is one scenario (Fanout, Echo or Idle) against one URL. Thousands of connections are kept by a few epoll loops, in
// this process or in several; publications go out on a schedule that does not wait for the server (open loop), and latency
// counts from the intended time of sending. Every subscriber keeps a ledger of what it received: lost, duplicated,
// reordered and corrupted deliveries are counted, not sampled, and failures by class. A report whose generator was the
// bottleneck says that it is invalid. Expectations are compared with any number of it.
//
// Search looks for the highest rate or the most connections that meet a goal, RunCurve shows what happens on the way there.
// RunFloor, and Config.Floor, measure what the kernel takes on the same machine.
// Connections may be of TLS: a goroutine for the handshake, none afterwards. Messages may be compressed.
//
// The package never uses the server side of wsedge: of the project it imports package frame, and tlsloop/record, which either
// opens a record or does not (decision 7). Without phases it never retries a connection; with them it does, and counts each
// attempt. It never repairs what it measures, and never writes to the log. It needs Linux to run; elsewhere it builds, and
// Run returns ErrNeedsLinux.
//
// A run may have phases (Config.Phases), in which connections come and go, rates change, and some stop reading. lives.go has
// the rules by which a connection that comes back is owed messages.
//
// # Ownership
//
// Run is the coordinator: it owns the schedule, the publishers and the report. A worker (in this process, or a child one)
// owns its loops and speaks with the coordinator in JSON lines only. A loop owns its connections, their decoders and their
// ledger; other goroutines see its tally under a mutex that is taken once per turn, and its ledger after it has ended.
//
// On another machine, an agent (ServeAgent) stands between: it passes the two streams of each of its workers through one
// authenticated connection (package link), reads of them only where the load is to go, and keeps nothing of a run. The
// coordinator compares clocks with it, and tells the workers what theirs have to show.
package loadtest
