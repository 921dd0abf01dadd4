package edge

import (
	"bytes"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/wsedge/wsedge/frame"
	"github.com/wsedge/wsedge/internal/api"
	"github.com/wsedge/wsedge/internal/broker"
	"github.com/wsedge/wsedge/internal/dialect/native"
	"github.com/wsedge/wsedge/internal/eventlog"
	"github.com/wsedge/wsedge/reactor"
)

// ReopenLogs opens the files of the push log and the access log anew, for those who have moved them away. An error: what was open stays so.
// It waits until what was logged before is written, so it is not for loops.
func (s *Server) ReopenLogs() error { return s.events.Reopen() }

// logPushed has the push log tell of a client's publication, or of why there is none. Safe from any goroutine.
func (s *Server) logPushed(p *broker.Publication, channel string, result broker.Result, problem string) {
	if !s.events.PushWanted(problem != "") {
		return
	}
	s.events.Push(eventlog.Pushed{
		Channel: channel, Client: p.Client, User: p.User, Data: p.Data, Error: problem,
		Offset: result.Offset, Epoch: result.Epoch, Matched: result.Matched, Repeated: result.Repeated,
	})
}

// logPublished is logPushed for what the engine has answered.
func (s *Server) logPublished(p *broker.Publication, channel string, result broker.Result, err error) {
	problem := ""
	if err != nil {
		problem = errUnavailable.Code
	}
	s.logPushed(p, channel, result, problem)
}

// logDenied is logPushed for a command that did not come that far.
func (s *session) logDenied(cmd *native.Command, err *native.Error) {
	if s.server.events.Pushes() {
		p := broker.Publication{Data: bytes.Clone(cmd.Data), Client: s.id(), User: s.user()} // the line outlives the frame
		s.server.logPushed(&p, cmd.Channels[0], broker.Result{}, err.Code)
	}
}

// logAPIPushed is that for the API's.
func (s *Server) logAPIPushed(p api.Pushed) {
	if !s.events.PushWanted(p.Error != "") {
		return
	}
	s.events.Push(eventlog.Pushed{
		Channel: p.Channel, Key: p.Key, Data: p.Data, Error: p.Error,
		Offset: p.Result.Offset, Epoch: p.Result.Epoch, Matched: p.Result.Matched, Repeated: p.Result.Repeated,
	})
}

// logRefusal is the reactor's Config.OnRefusal.
func (s *Server) logRefusal(c *reactor.Conn, h *frame.HandshakeError) {
	s.events.Handshake(eventlog.Handshake{Address: c.RemoteAddr(), Status: h.Status, Reason: h.Reason}, 0)
}

// logOpen has the access log tell of a client that has come.
func (s *Server) logOpen(c *reactor.Conn) {
	if !s.events.Requests() {
		return
	}
	talk := c.Context().(conversation)
	number := talk.clientNumber()
	s.events.Handshake(eventlog.Handshake{
		Address: c.RemoteAddr(), Status: http.StatusSwitchingProtocols, Client: s.clients.id(number), Dialect: talk.dialectName(),
	}, number)
}

// logEnd has it tell of one that has gone. It comes before the conversation forgets its client.
func (s *Server) logEnd(c *reactor.Conn, end reactor.End) {
	if !s.events.Ends() {
		return
	}
	talk := c.Context().(conversation)
	number := talk.clientNumber()
	s.events.End(eventlog.Closed{
		Address: end.RemoteAddr, Client: s.clients.id(number), User: talk.user(), Code: int(end.Code), Reason: end.Reason, Remote: end.Remote,
	}, number)
}

// logRequests has the access log tell of requests to the API, those that are refused before they reach it included.
func (s *Server) logRequests(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, "/api/") {
			next.ServeHTTP(w, r)
			return
		}
		if !s.events.Requests() {
			next.ServeHTTP(w, s.withRequester(r))
			return
		}
		r, caller := api.WithRequester(r)
		counted := &countedResponse{ResponseWriter: w, status: http.StatusOK}
		began := time.Now()
		defer func() { // also where the connection is given up in the midst of it
			s.events.Request(eventlog.Request{
				Address: addressOf(r.RemoteAddr), Method: r.Method, Path: r.URL.Path, Key: caller.Key, Status: counted.status,
				In: r.ContentLength, Out: counted.bytes, Took: time.Since(began),
			})
		}()
		next.ServeHTTP(counted, r)
	})
}

// withRequester has the API note who makes the request, where the push log wants to know.
func (s *Server) withRequester(r *http.Request) *http.Request {
	if !s.events.Pushes() {
		return r
	}
	r, _ = api.WithRequester(r)
	return r
}

// addressOf is the address that net/http has of a peer; nil where that is none.
func addressOf(remote string) net.Addr {
	address, err := netip.ParseAddrPort(remote)
	if err != nil {
		return nil
	}
	return net.TCPAddrFromAddrPort(address)
}

// countedResponse notes what is answered.
type countedResponse struct {
	http.ResponseWriter
	status int
	bytes  int64
}

// WriteHeader implements http.ResponseWriter.
func (c *countedResponse) WriteHeader(status int) {
	c.status = status
	c.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (c *countedResponse) Write(b []byte) (int, error) {
	n, err := c.ResponseWriter.Write(b)
	c.bytes += int64(n)
	return n, err
}

// Unwrap has http.ResponseController find what is behind it.
func (c *countedResponse) Unwrap() http.ResponseWriter { return c.ResponseWriter }
