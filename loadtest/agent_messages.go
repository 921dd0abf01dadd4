package loadtest

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
)

// The kinds of messages between a coordinator and an agent. A coordinator says hello and is welcomed or refused; then it has
// workers started, each on a stream of its own, on which it and the worker talk as protocol.go says.
const (
	kindHello   byte = iota + 1 // agentHello
	kindWelcome                 // agentWelcome
	kindRefusal                 // a text
	kindStart                   // start a worker on this stream; its specification is what comes first on it
	kindData                    // a piece of the stream, cut anywhere
	kindEnd                     // to the agent: nothing more will come; from it: the worker has ended, for this reason
	kindKill                    // end the worker
	kindPing                    // 8 bytes, which come back
	kindPong                    // these 8, when they were taken, and when they were sent back
)

// agentProtocol changes with the meaning of messages; what workers and coordinators say to each other is held together by
// the build.
const agentProtocol = 1

// agentHello is a coordinator's first message.
type agentHello struct {
	Protocol int
	Build    string
}

// agentWelcome says what the agent's machine is.
type agentWelcome struct {
	Environment Environment
	Sources     []netip.Prefix // the agent's own; none: the coordinator's
}

// buildOf names what a program was built from: agents and coordinators exchange Go types and must be of one build.
func buildOf(e Environment) string {
	build := e.Version
	if e.Revision != "" {
		build += " at commit " + e.Revision
	}
	if e.Modified {
		build += " with changes"
	}
	return build
}

// check returns why a coordinator cannot be served.
func (h agentHello) check(build string) error {
	if h.Protocol != agentProtocol {
		return fmt.Errorf("the agent speaks version %d of the protocol, the coordinator %d", agentProtocol, h.Protocol)
	}
	if h.Build != build {
		return fmt.Errorf("the agent is wsload %s, the coordinator %s: both must be of one build", build, h.Build)
	}
	return nil
}

func mustJSON(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // the types above always marshal
	}
	return text
}

// pongBytes answers a ping.
func pongBytes(ping []byte, taken, answered int64) []byte {
	out := append(make([]byte, 0, 24), ping...)
	out = binary.BigEndian.AppendUint64(out, uint64(taken))
	return binary.BigEndian.AppendUint64(out, uint64(answered))
}

// parsePong reads the answer that came back at that time.
func parsePong(body []byte, back int64) (exchange, error) {
	if len(body) != 24 {
		return exchange{}, errors.New("a pong of another length")
	}
	at := func(i int) int64 { return int64(binary.BigEndian.Uint64(body[i:])) }
	return newExchange(at(0), at(8), at(16), back), nil
}
