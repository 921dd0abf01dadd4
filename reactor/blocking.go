package reactor

import "net"

// BlockingHandler is a Handler that may wait: for a database, a file, another server. Its calls come on goroutines of the server's own, of which there are at most
// WorkerOptions.Goroutines, and none while there is nothing to do. All calls for one conn come one after the other, each after the one before has returned: one
// OnOpen, every message in the order in which it came, and one OnClose, after the last of them. A conn that has closed meanwhile is told of all that came before.
// A panic, or runtime.Goexit, closes the conn with 1011 and is counted; what else has come is thrown away, and OnClose is called. Both it and OnOpen come, or neither.
//
// While calls wait the loops go on: what comes is queued, as a copy, within WorkerOptions. A conn that sends more than its part, or
// whatever finds the server's full, is closed as CauseInput. Nothing is dropped of a conn that stays.
type BlockingHandler interface {
	// OnOpen comes when the handshake has been accepted.
	OnOpen(c *BlockingConn)
	// OnMessage gets one whole message, text (checked to be UTF-8) or binary. payload is the handler's, to change and to keep.
	OnMessage(c *BlockingConn, op Opcode, payload []byte)
	// OnClose comes when the conn is no longer open, and all that it sent has been handled.
	OnClose(c *BlockingConn, end End)
}

// BlockingConn is a conn as a BlockingHandler sees it. There is one of it for each conn, from OnOpen to OnClose. The methods of Remote are safe from any
// goroutine; Context is for the handler's calls alone, which need no lock for it.
type BlockingConn struct {
	*Remote
	// Context is the embedder's state of the conn; Accept.Context has put it there.
	Context any
	// RemoteAddr is the peer's address: see Conn.RemoteAddr.
	RemoteAddr net.Addr

	// Guarded by workers.mu.
	waiting   []call
	messages  int   // of waiting, and in the call that runs
	bytes     int64 // in them
	scheduled bool  // in workers.ready, or its call runs

	failed bool // a call has panicked; owned by the calls
}

// callKind says which method is to be called.
type callKind uint8

const (
	callOnOpen callKind = iota
	callOnMessage
	callOnClose
)

// call is one that waits.
type call struct {
	kind    callKind
	op      Opcode
	payload []byte
	end     *End
}

// WorkerOptions bound what Config.Blocking takes. The zero value is a safe choice.
type WorkerOptions struct {
	// Goroutines is the most calls at a time. Default 64.
	Goroutines int
	// ConnMaxMessages and ConnMaxBytes bound what one conn has waiting, the message that is being handled included; one message may exceed ConnMaxBytes when
	// no other waits. Above it the conn is closed as CauseInput. Default 64, and 1 MiB.
	ConnMaxMessages int
	ConnMaxBytes    int64
	// MaxBytes bounds what all conns have waiting, in bytes of messages, 128 for each, and 512 for each OnOpen and OnClose. What comes above it closes its conn as
	// CauseInput; of one that is closed so before its OnOpen nothing is told. Default 64 MiB.
	MaxBytes int64
}

// WorkerStats are a snapshot of what a BlockingHandler has to do.
type WorkerStats struct {
	Running  int64 // calls that run now
	Conns    int64 // conns that wait for a goroutine
	Messages int64 // messages that wait or are being handled
	Bytes    int64 // in them, as WorkerOptions.MaxBytes counts
}

// completeWorkers is withDefaults for the worker pool.
func (cfg *Config) completeWorkers(wrong complaint) {
	if cfg.Blocking == nil {
		if cfg.Workers != (WorkerOptions{}) {
			wrong("Workers", "there are none without Blocking")
		}
		return
	}
	if cfg.Handler != nil {
		wrong("Blocking", "want it or Handler, not both")
	}
	w := &cfg.Workers
	setDefault(&w.Goroutines, 64)
	setDefault(&w.ConnMaxMessages, 64)
	setDefault(&w.ConnMaxBytes, 1<<20)
	setDefault(&w.MaxBytes, 64<<20)
	for _, f := range []struct {
		name  string
		value int64
	}{
		{"Goroutines", int64(w.Goroutines)}, {"ConnMaxMessages", int64(w.ConnMaxMessages)}, {"ConnMaxBytes", w.ConnMaxBytes}, {"MaxBytes", w.MaxBytes},
	} {
		if f.value < 0 {
			wrong("Workers."+f.name, "must not be negative")
		}
	}
}
