package edge

import (
	"errors"
	"fmt"
	"io"
	"syscall"
	"time"

	"github.com/wsedge/wsedge/internal/dialect/native"
	"github.com/wsedge/wsedge/internal/flight"
	"github.com/wsedge/wsedge/internal/hub"
	"github.com/wsedge/wsedge/reactor"
)

// FlightRecorder says whether the last events of each connection are recorded, so that POST /api/why can tell why one was closed. The zero
// value records nothing, and takes nothing.
type FlightRecorder struct {
	// Enabled records connections from their handshake on, for up to 256 B each. Danger: whoever may read by the API sees what clients did,
	// and why they were closed.
	Enabled bool
	// Ends is how many connections are remembered that have ended, of up to 512 B each. Default 10,000; at most MaxEnds.
	Ends int
}

// MaxEnds is the most that FlightRecorder.Ends may be: 512 MiB.
const MaxEnds = 1 << 20

// withDefaults fills what is zero, and tells all that is wrong with the rest.
func (f *FlightRecorder) withDefaults() (problems []error) {
	setDefault(&f.Ends, 10_000)
	if f.Ends < 0 || f.Ends > MaxEnds {
		problems = append(problems, fmt.Errorf("ends that the flight recorder remembers: want 1 to %d", MaxEnds))
	}
	return problems
}

// record begins, changes or ends the recording. Who is connected when it begins is not recorded.
func (s *Server) record(f FlightRecorder) {
	switch r := s.flights.Load(); {
	case !f.Enabled:
		s.flights.Store(nil)
	case r == nil:
		s.flights.Store(flight.New(f.Ends, s.config.now))
	default:
		r.SetEnds(f.Ends)
	}
}

// recorded is a conversation as the flight recorder sees it.
type recorded interface {
	clientNumber() uint64
	dialectName() string
	user() string
	channelsJoined() []*hub.Channel
}

func (s *session) clientNumber() uint64           { return s.number }
func (s *session) dialectName() string            { return native.Subprotocol }
func (s *session) channelsJoined() []*hub.Channel { return s.joined }

func (s *rawSession) clientNumber() uint64           { return s.number }
func (s *rawSession) dialectName() string            { return "raw" }
func (s *rawSession) user() string                   { return userOf(s.member, s.visitor) }
func (s *rawSession) channelsJoined() []*hub.Channel { return s.joined }

// note records that something has happened to a client, if anything is recorded.
func (s *Server) note(number uint64, kind flight.Kind) {
	s.flights.Load().Note(number, flight.Event{Kind: kind})
}

// noteChannel is note for what is about a channel.
func (s *Server) noteChannel(number uint64, kind flight.Kind, name string) {
	if r := s.flights.Load(); r != nil {
		r.Note(number, flight.Event{Kind: kind, A: flight.ChannelOf(name)})
	}
}

// noteRefusal is note for a command that was refused; channel is "" for none.
func (s *Server) noteRefusal(number uint64, channel string, err *native.Error) {
	r := s.flights.Load()
	if r == nil {
		return
	}
	e := flight.Event{Kind: flight.Refused, A: flight.WordOf(err.Code)}
	if channel != "" {
		e.B = flight.ChannelOf(channel)
	}
	r.Note(number, e)
}

// noteTrace is the reactor's Config.OnTrace.
func (s *Server) noteTrace(c *reactor.Conn, t reactor.Trace) {
	r := s.flights.Load()
	talk, ok := c.Context().(recorded)
	if r == nil || !ok {
		return
	}
	var e flight.Event
	switch t.Kind {
	case reactor.TraceCongested:
		e = flight.Event{Kind: flight.Congested, A: uint64(t.Bytes)}
	case reactor.TraceDrained:
		e = flight.Event{Kind: flight.Drained}
	case reactor.TracePing:
		e = flight.Event{Kind: flight.Pinged}
	case reactor.TraceEnd:
		e = flight.Event{Kind: flight.Ending, A: uint64(t.Cause), B: uint64(t.Bytes),
			C: uint64(t.Age / time.Millisecond), D: uint64(t.Silent / time.Millisecond)}
	}
	r.Note(talk.clientNumber(), e)
}

// noteDrop records what a slow client does not get, and noteResumed that it is given again what it was left out of.
func (s *Server) noteDrop(talk recorded, d reactor.Drop) {
	if r := s.flights.Load(); r != nil {
		r.Note(talk.clientNumber(), flight.Event{Kind: flight.Dropped, Count: uint64(d.Count), A: uint64(d.Reason), B: channelOf(talk, d.Topic)})
	}
}

func (s *Server) noteResumed(talk recorded, t *reactor.Topic) {
	if r := s.flights.Load(); r != nil {
		r.Note(talk.clientNumber(), flight.Event{Kind: flight.Resumed, A: channelOf(talk, t)})
	}
}

// channelOf is the channel of a topic, among those of a client; 0 where it is none of them.
func channelOf(talk recorded, t *reactor.Topic) uint64 {
	for _, channel := range talk.channelsJoined() {
		if channel.Topic() == t {
			return flight.ChannelOf(channel.Name())
		}
	}
	return 0
}

// noteEnd ends the record of a conn. It comes before the conversation forgets its client.
func (s *Server) noteEnd(c *reactor.Conn, end reactor.End) {
	r := s.flights.Load()
	talk, ok := c.Context().(recorded)
	if r == nil || !ok {
		return
	}
	r.Close(talk.clientNumber(), flight.End{
		User: talk.user(), Dialect: talk.dialectName(), Code: int(end.Code), Reason: end.Reason, Remote: end.Remote, Err: socketError(end.Err),
	})
}

// socketError is what became of a socket, in the flight recorder's words where it has some.
func socketError(err error) string {
	switch {
	case err == nil:
		return ""
	case errors.Is(err, io.EOF):
		return flight.ErrEOF
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return flight.ErrReset
	case errors.Is(err, syscall.ETIMEDOUT), errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return flight.ErrTimeout
	}
	return err.Error()
}
