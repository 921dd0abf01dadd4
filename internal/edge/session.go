package edge

import (
	"math/rand/v2"
	"slices"

	"github.com/wsedge/wsedge/frame"
	"github.com/wsedge/wsedge/internal/dialect/native"
	"github.com/wsedge/wsedge/internal/hub"
	"github.com/wsedge/wsedge/reactor"
)

// conversation is what a conn's Context holds: one client, in one dialect. All methods are called on the conn's loop.
type conversation interface {
	recorded
	open(c *reactor.Conn)
	message(c *reactor.Conn, op frame.Opcode, payload []byte)
	closed()
	// goodbye says the last words of the dialect before a close frame that the server has chosen.
	goodbye(c *reactor.Conn, code frame.CloseCode, reason string)
	// closeCode translates what the reactor does by itself.
	closeCode(cause reactor.Cause) (frame.CloseCode, string)
	// dropped and resumed are what Config.OnDrop and OnResume of the reactor tell.
	dropped(c *reactor.Conn, d reactor.Drop)
	resumed(c *reactor.Conn, t *reactor.Topic)
}

// session is a client that speaks wsedge.v1. With one subscription it is 64 + 8 B: the server, the number, the slice and three
// pointers make 64, and one channel 8.
//
// Owned by the loop.
type session struct {
	server  *Server // immutable
	number  uint64  // of the client; its id is made from it when wanted
	joined  []*hub.Channel
	pending *pending // nil while no engine owes an answer, and nothing is to be sent from a history
	guard   *guard   // nil until there is something to remember
	member  *member  // who the client is; nil without authentication
}

// pending is what a session holds while an engine owes it answers, or while it misses what it is to get from a history.
type pending struct {
	replies replies
	joins   []*join
	refills refills
}

// join is a subscription that waits for the channel's position, and for what the client has missed.
type join struct {
	channel *hub.Channel
	reactor *reactor.Joining
	id      []byte          // of the command
	from    *native.Recover // where the client was before; nil when it is new
	reply   *reply
	user    string // whose acknowledgements count; "" for nobody's
	left    bool   // the client has unsubscribed meanwhile
}

func (p *pending) remove(j *join) {
	i := slices.Index(p.joins, j)
	p.joins = slices.Delete(p.joins, i, i+1)
}

func (s *session) open(c *reactor.Conn) {
	s.number = s.server.clients.add(c)
	s.server.flights.Load().Open(s.number)
	s.server.traffic.native.Add(1)
	if s.member != nil {
		s.enter(c)
		return
	}
	s.letIn(c, nil, "")
}

func (s *session) welcome(c *reactor.Conn, id []byte) []byte {
	w := native.Welcome{Client: s.id(), Node: s.server.node, Ping: s.server.config.pingSeconds(), ExpiresIn: s.expiresIn(), User: s.user()}
	w.Ticket, w.Channels = s.firstTicket(c), s.returnsTo()
	return native.AppendWelcome(nil, id, w)
}

func (s *session) id() string { return s.server.clients.id(s.number) }

func (s *session) closed() {
	s.server.clients.remove(s.number)
	s.server.traffic.native.Add(-1)
	s.server.traffic.subscriptions.Add(-int64(len(s.joined)))
	s.leaveGate()
	s.dropTickets()
	s.releaseCursors()
	s.server.unname(s.guest())
	for _, channel := range s.joined {
		channel.Leave(s.number, nil)
		channel.Release()
	}
	if s.pending != nil {
		for _, j := range s.pending.joins {
			j.channel.Release() // the reactor has ended its own part with the conn
		}
	}
	s.joined, s.pending = nil, nil
}

func (s *session) message(c *reactor.Conn, op frame.Opcode, payload []byte) {
	if op != frame.OpText {
		s.disconnect(c, frame.CloseUnsupportedData, "text_frames_only")
		return
	}
	if s.hold(c, payload) {
		return
	}
	cmd, err := native.Parse(payload)
	if s.waits(c, &cmd, err, payload) {
		return
	}
	s.carryOut(c, &cmd, err)
}

// carryOut carries out a command, or tells what is wrong with it.
func (s *session) carryOut(c *reactor.Conn, cmd *native.Command, err *native.Error) {
	if err != nil {
		s.server.traffic.command(s.number, 0)
		s.refuse(c, cmd.ID, "", err)
		s.strike(c)
		return
	}
	s.server.traffic.command(s.number, cmd.Verb)
	if over := s.overRate(); over != nil {
		s.overstep(c, cmd.ID, onlyChannel(cmd), over)
		return
	}
	s.run(c, cmd)
}

// respond sends a reply behind those that are owed. It takes ownership of payload.
func (s *session) respond(c *reactor.Conn, payload []byte) {
	if s.pending == nil || len(s.pending.replies.queue) == 0 {
		send(c, payload)
		return
	}
	s.reserve(c).say = text(payload)
}

// reserve takes a place among the replies for an answer that the engine owes.
func (s *session) reserve(c *reactor.Conn) *reply {
	if s.pending == nil {
		s.pending = &pending{}
	}
	if len(s.pending.replies.queue) >= maxReplies {
		s.disconnect(c, native.CloseRate, native.CodeLimit)
	}
	return s.pending.replies.reserve()
}

// answer fills a reserved place and says what can be said now.
func (s *session) answer(c *reactor.Conn, slot *reply, say func(*reactor.Conn)) {
	slot.say = say
	s.pending.replies.flush(c)
	s.settle()
}

// settle lets go what is not pending any more.
func (s *session) settle() {
	if p := s.pending; p != nil && len(p.replies.queue) == 0 && len(p.refills) == 0 {
		s.pending = nil
	}
}

// disconnect closes the conn, with the dialect's announcement before the close frame.
func (s *session) disconnect(c *reactor.Conn, code frame.CloseCode, reason string) {
	if s.member != nil {
		s.member.over = true // what is held for a verdict is not looked at any more
	}
	if v := s.guest(); v != nil {
		v.turns.drop()
		v.turns = nil
	}
	s.goodbye(c, code, reason)
	c.Close(code, reason)
}

func (s *session) goodbye(c *reactor.Conn, code frame.CloseCode, reason string) {
	retryAfter := -1
	if 3000 <= code && code < 3500 || code == frame.CloseTryAgainLater {
		retryAfter = rand.IntN(s.server.retrySpread()) // so that they do not all come back at once
	}
	send(c, native.AppendDisconnect(nil, uint16(code), reason, retryAfter))
}

func (s *session) closeCode(cause reactor.Cause) (frame.CloseCode, string) {
	switch cause {
	case reactor.CauseShutdown:
		return native.CloseShutdown, "shutdown"
	case reactor.CauseSlow:
		return native.CloseSlow, "slow"
	case reactor.CauseNoPong:
		return native.CloseNoPong, "no_pong"
	case reactor.CauseRate:
		return native.CloseRate, "frame_rate"
	default:
		return cause.Default()
	}
}

// subscribedTo finds the channel's place among those joined; -1 where it is none.
func (s *session) subscribedTo(name string) int {
	return slices.IndexFunc(s.joined, func(c *hub.Channel) bool { return c.Name() == name })
}

// joining finds the channel's place among those being joined; -1 where it is none.
func (s *session) joining(name string) int {
	if s.pending == nil {
		return -1
	}
	return slices.IndexFunc(s.pending.joins, func(j *join) bool { return j.channel.Name() == name })
}
