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
	// TicketKey is what resume tickets are made with where no keys are configured: whichever worker a client comes back to takes its ticket.
	TicketKey [32]byte
	// SessionKeys are those of TLS session tickets, the one that new ones are made with first. Rekey brings others.
	SessionKeys [][32]byte
	// Config is the text of the configuration file as it was good last, by which the worker is to start though the file may say something else
	// by now. What counts at a start only, it is to take from Basis, as the workers have it that run already. nil: there is no file.
	Config, Basis []byte `json:",omitempty"`
}

// Engine is how to reach a NATS server.
type Engine struct {
	URL, User, Password string
	// InMemory says that nothing is to be kept beyond the supervisor's end.
	InMemory bool
}

// Command is what a supervisor tells a worker to do.
type Command struct {
	Verb Verb
	// Config is, for Reload, the text of the configuration file. nil: there is none, or it could not be read.
	Config []byte `json:",omitempty"`
	// SessionKeys are for Rekey, as in Orders.
	SessionKeys [][32]byte `json:",omitempty"`
}

// Verb says what a Command is.
type Verb string

const (
	// Reload takes over a configuration. Reports follow.
	Reload Verb = "reload"
	// Rekey has TLS session tickets made with another key.
	Rekey Verb = "rekey"
	// Drain ends the worker with grace, as SIGTERM does.
	Drain Verb = "drain"
	// Retire is Drain for a worker that has a successor on its socket.
	Retire Verb = "retire"
	// Orphaned comes when the supervisor has gone: the worker is to end soon.
	Orphaned Verb = "orphaned"
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

	Refused bool `json:",omitempty"` // of reportReloaded: the configuration was not taken
}

// maxLine bounds a line of either side: two configurations of 1 MiB, as base64, are the longest of the one, and a problem that quotes one, with
// all of it escaped, is that of the other.
const maxLine = 8 << 20

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
