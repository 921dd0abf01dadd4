package workers

import (
	"bufio"
	"encoding/json"
	"io"
	"log/slog"
)

// The files that a worker has from its supervisor, by their descriptors. Standard ones come before.
const (
	FileOrders  = 3 // read: Orders, then commands, a line each; its end says that the supervisor has gone
	FileReports = 4 // written: what the worker reports
	FileSocket  = 5 // to listen on
)

// Orders are what a worker is told before anything else.
type Orders struct {
	// Index says which it is, from 0, and Of how many there are.
	Index, Of int
	// Name is what all of them are called together.
	Name string
	// Inside is the path of the Unix socket on which the worker answers its supervisor, and Whole that on which the supervisor answers for all.
	Inside, Whole string
	// Engine is the one that the supervisor runs; nil: none, the configuration says which.
	Engine *Engine
}

// Engine is how to reach a NATS server.
type Engine struct {
	URL, User, Password string
	// InMemory says that nothing is to be kept beyond the supervisor's end.
	InMemory bool
}

// Command is what a supervisor tells a worker to do.
type Command string

const (
	// Reload reads the configuration again. Reports follow.
	Reload Command = "reload"
	// Drain ends the worker with grace, as SIGTERM does.
	Drain Command = "drain"
	// Retire is Drain for a worker that has a successor on its socket.
	Retire Command = "retire"
	// Orphaned comes when the supervisor has gone: the worker is to end soon.
	Orphaned Command = "orphaned"
)

// The kinds of reports.
const (
	reportReady    = "ready"
	reportReloaded = "reloaded" // or refused: log reports have said what
	reportLog      = "log"
)

// report is what a worker tells its supervisor, a line each.
type report struct {
	Kind  string
	Level slog.Level `json:",omitempty"`
	Text  string     `json:",omitempty"`
	Pairs []string   `json:",omitempty"` // keys and values
}

// maxLine bounds a line of either side: the problems of a configuration come one in each.
const maxLine = 64 << 10

// lines reads lines of up to maxLine. What is longer ends it.
func lines(r io.Reader) *bufio.Scanner {
	s := bufio.NewScanner(r)
	s.Buffer(nil, maxLine)
	return s
}

// appendLine encodes v as a line.
func appendLine(dst []byte, v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		return dst // no value of ours has no JSON
	}
	return append(append(dst, text...), '\n')
}
