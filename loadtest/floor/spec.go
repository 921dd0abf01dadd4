package floor

import "errors"

// ErrNeedsLinux is what Run and Start return elsewhere.
var ErrNeedsLinux = errors.New("the floor needs Linux: it is made of epoll")

// MaxQueued is how many bytes may wait for one connection.
const MaxQueued = 1 << 20

// maxThreads and maxProcesses bound what Start is asked for.
const (
	maxThreads   = 256
	maxProcesses = 64
)

// Config describes a floor. The zero value of a field takes its default.
type Config struct {
	// Threads of each process (default: two, or one on a single core).
	Threads int
	// Processes share the port. Default: one, or as many as Conns ask for by the limit on open files.
	Processes int
	// Conns is how many connections are to come.
	Conns int
	// Raw sends the data of publications alone; otherwise they have the envelope of wsedge's native dialect.
	Raw bool
	// Command starts a process; it must call Run on its standard input and output. Default: this executable with the single
	// argument "floor-server".
	Command []string
}

// Floor is a running floor.
type Floor struct {
	// Port on 127.0.0.1.
	Port int
	// PIDs of its processes.
	PIDs []int
	// Threads of each of them.
	Threads int

	children []child
}

// processSpec is what a process is told on its standard input, as a line of JSON. It runs until that input ends.
type processSpec struct {
	Threads int  `json:"threads"`
	Port    int  `json:"port"`  // 0: a free one
	Raw     bool `json:"raw"`   // publications are sent without an envelope
	Links   int  `json:"links"` // sockets to the other processes, from descriptor 3 on
}

// processReady is the one line that it answers, once it listens.
type processReady struct {
	Port  int    `json:"port"`
	Error string `json:"error,omitempty"`
}
