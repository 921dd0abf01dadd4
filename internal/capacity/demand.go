package capacity

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// Demand is a load.
type Demand struct {
	Conns    int64   `json:"conns"`
	Channels int64   `json:"channels"`
	PerConn  float64 `json:"channels_per_conn"` // how many channels a connection has subscribed to
	Rate     float64 `json:"rate"`              // publications a second, in all
	Bytes    int64   `json:"bytes"`             // of one publication's data
	// Skew says how uneven channels are: the exponent of Zipf's law, for subscribers and publications alike. 0: all are the same.
	Skew   float64 `json:"skew"`
	Secure Secure  `json:"tls"`
	// Back is within which time all connections of a node that has died must be served again by the others.
	Back time.Duration `json:"back_ns"`
	// History is how many publications a channel keeps, and Replicas on how many nodes each is kept.
	History  int64 `json:"history"`
	Replicas int64 `json:"replicas"`
}

// Machine is one of those that the nodes run on.
type Machine struct {
	CPUs    float64 `json:"cpus"`
	Memory  int64   `json:"memory"`  // bytes
	Network float64 `json:"network"` // bytes a second
	Files   int64   `json:"files"`   // that one process may have open
	// Busy is which part of its CPUs and network may be in use on the average: what is left is for bursts, and for who must take a dead node's place.
	Busy float64 `json:"busy"`
	// Spare is how many machines may be away with the rest still enough.
	Spare int64 `json:"spare"`
	// ConnBytes is what an idle connection takes of process and kernel, and NodeBytes what a node takes beside its connections.
	ConnBytes int64 `json:"conn_bytes"`
	NodeBytes int64 `json:"node_bytes"`
}

// mostChannels bounds how long the sums take: a second or so.
const mostChannels = 100_000_000

// Check says what is wrong, all problems together.
func Check(d *Demand, m *Machine) error {
	var problems []error
	want := func(ok bool, format string, v ...any) {
		if !ok {
			problems = append(problems, fmt.Errorf(format, v...))
		}
	}
	finite := func(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
	want(d.Conns > 0 && d.Conns <= 1e10, "connections: want 1 to 10,000,000,000")
	want(d.Channels > 0 && d.Channels <= mostChannels, "channels: want 1 to %d", int64(mostChannels))
	want(finite(d.PerConn) && d.PerConn >= 0 && d.PerConn <= float64(d.Channels), "channels of a connection: want 0 to as many as there are")
	want(finite(d.Rate) && d.Rate >= 0 && d.Rate <= 1e9, "publications a second: want 0 to 1,000,000,000")
	want(d.Bytes >= 0 && d.Bytes <= 8<<20, "bytes of a publication: want 0 to 8 MiB")
	want(finite(d.Skew) && d.Skew >= 0 && d.Skew <= 3, "skew: want 0 to 3")
	_, known := costs[d.Secure]
	want(known, "TLS: want none, std or compact")
	want(d.Back > 0, "the time to be back in must be positive")
	want(d.History >= 0 && d.History <= 1e9, "history: want 0 to 1,000,000,000 publications")
	want(d.Replicas == 1 || d.Replicas == 3 || d.Replicas == 5, "replicas: want 1, 3 or 5")
	want(finite(m.CPUs) && m.CPUs > 0, "CPUs must be positive")
	want(finite(m.Network) && m.Network > 0, "network must be positive")
	want(finite(m.Busy) && m.Busy > 0 && m.Busy <= 1, "busy: want more than 0, and at most 1")
	want(m.Spare >= 0 && m.Spare <= 1000, "spare: want 0 to 1,000")
	want(m.Memory > m.NodeBytes, "memory: a node takes more before the first connection")
	want(m.Files >= 64, "open files: want 64 at least")
	return errors.Join(problems...)
}
