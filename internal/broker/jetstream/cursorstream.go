package jetstream

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// cursorsSuffix ends the name of the stream that has a namespace's cursors. No name is encoded like that: hexadecimal digits behind ~ are capitals.
const cursorsSuffix = "~acks"

// metaCursors is a key of that stream's metadata.
const metaCursors = "wsedge_acks"

const (
	// maxCursors and maxCursorsBytes bound what a namespace's stream keeps. Above either, the cursors go that were written longest ago; their users are told
	// recovered:false. The servers take some 150 B of memory and 250 B of disk for one.
	maxCursors      = 1_000_000
	maxCursorsBytes = 512 << 20
)

// Codes of JetStream's errors.
const (
	codeNoMessage      = 10037
	codeWrongLast      = 10071
	codeWrongLastPlain = 10164
)

// headerExpected has the server store a message only if the last one on its subject is that.
const headerExpected = "Nats-Expected-Last-Subject-Sequence"

// cursorStream keeps what users of a namespace's channels have acknowledged: one message a channel and user. It is made when the first channel
// needs it.
type cursorStream struct {
	// Immutable after newCursorStream.
	engine *Engine
	name   string
	prefix string // of its subjects

	// Guarded by mu.
	mu      sync.Mutex
	maxAge  time.Duration // that was asked for; 0: however long
	wanted  bool          // somebody has asked
	known   bool          // it is there, and keeps as long
	asking  bool
	waiting []func(error)
}

func newCursorStream(e *Engine, stream, token string) *cursorStream {
	return &cursorStream{engine: e, name: stream + cursorsSuffix, prefix: e.config.Prefix + ".ack." + token + "."}
}

// want has cursors kept for that long after they were used, at least.
func (s *cursorStream) want(age time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	more := !s.wanted || s.maxAge != 0 && (age == 0 || age > s.maxAge)
	if more {
		s.maxAge, s.wanted, s.known = age, true, false
	}
}

// age is for how long cursors are kept.
func (s *cursorStream) age() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.maxAge
}

// whenKnown calls do when the stream is there; before this returns where that is known.
func (s *cursorStream) whenKnown(do func(error)) {
	s.mu.Lock()
	switch {
	case s.known:
		s.mu.Unlock()
		do(nil)
		return
	case len(s.waiting) >= maxRequests:
		s.mu.Unlock()
		do(ErrBusy)
		return
	}
	s.waiting = append(s.waiting, do)
	asks := !s.asking
	s.asking = true
	s.mu.Unlock()
	if asks && !s.engine.start(s.ask) {
		s.told(0, ErrClosed)
	}
}

// doubt has the next who needs the stream look whether it is there.
func (s *cursorStream) doubt() {
	s.mu.Lock()
	s.known = false
	s.mu.Unlock()
}

// ask is a goroutine.
func (s *cursorStream) ask() {
	age := s.age()
	if !s.engine.link.nc.IsConnected() {
		s.told(age, ErrDown) // at once, rather than when the answer does not come
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), s.engine.config.Timeout)
	defer cancel()
	err := s.ensure(ctx, age)
	if err != nil {
		s.engine.config.Logger.Warn("engine: no stream for what users acknowledge", "stream", s.name, "error", err.Error())
		err = because(ErrDown, "stream %s: %w", s.name, err)
	}
	s.told(age, err)
}

// told takes whether the stream is there, and tells all who wait.
func (s *cursorStream) told(age time.Duration, err error) {
	s.mu.Lock()
	waiting := s.waiting
	s.waiting, s.asking = nil, false
	s.known = err == nil && age == s.maxAge
	s.mu.Unlock()
	for _, do := range waiting {
		do(err)
	}
}

// ensure makes the stream, or has it keep cursors for longer.
func (s *cursorStream) ensure(ctx context.Context, age time.Duration) error {
	js, c := s.engine.js, &s.engine.config
	found, err := js.Stream(ctx, s.name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		found, err = js.CreateStream(ctx, jetstream.StreamConfig{
			Name: s.name, Description: "wsedge: what users have acknowledged", Subjects: []string{s.prefix + ">"},
			Storage: c.storage(), Replicas: c.Replicas,
			MaxMsgsPerSubject: 1, MaxMsgs: maxCursors, MaxBytes: maxCursorsBytes, MaxAge: age, Discard: jetstream.DiscardOld,
			Metadata: map[string]string{metaCursors: "1"},
		})
		if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) { // somebody else was faster
			found, err = js.Stream(ctx, s.name)
		}
	}
	if err != nil {
		return err
	}
	is := found.CachedInfo().Config
	switch {
	case is.Metadata[metaCursors] == "" || is.MaxMsgsPerSubject != 1:
		return errors.New("a stream of that name is not wsedge's")
	case is.MaxAge == 0 || age != 0 && is.MaxAge >= age:
		return nil
	}
	is.MaxAge = age
	_, err = js.UpdateStream(ctx, is)
	return err
}

// stored is what the stream has of a cursor. seq is 0 where that is nothing.
type stored struct {
	epoch  string
	offset uint64
	seq    uint64
	at     time.Time
}

func (v *stored) text() []byte { return []byte(v.epoch + " " + strconv.FormatUint(v.offset, 10)) }

// parse reads what text wrote. Whatever else there is belongs to no epoch.
func (v *stored) parse(text []byte) {
	epoch, offset, _ := strings.Cut(string(text), " ")
	if n, err := strconv.ParseUint(offset, 10, 64); err == nil {
		v.epoch, v.offset = epoch, n
	}
}

// apiError is how JetStream says no.
type apiError struct {
	Code        int    `json:"err_code"`
	Description string `json:"description"`
}

// get reads a cursor from the stream's leader: a replica may be behind.
func (s *cursorStream) get(subject string, done func(stored, error)) {
	body, _ := json.Marshal(map[string]string{"last_by_subj": subject}) // a map of strings
	s.ask1(&request{subject: "$JS.API.STREAM.MSG.GET." + s.name, body: body}, func(text []byte, err error) {
		var answer struct {
			Error   *apiError
			Message struct {
				Seq  uint64
				Data []byte
				Time time.Time
			}
		}
		if err == nil {
			err = json.Unmarshal(text, &answer)
		}
		v := stored{seq: answer.Message.Seq, at: answer.Message.Time}
		v.parse(answer.Message.Data)
		if refusal := answer.Error; refusal != nil && refusal.Code != codeNoMessage {
			err = because(ErrRefused, "%s", refusal.Description)
		}
		if err != nil {
			s.doubt()
		}
		done(v, err)
	})
}

// errMoved says that a cursor is not what was expected.
var errMoved = errors.New("somebody else has moved the cursor")

// put writes a cursor in the place of the one with v's sequence, and answers with its own.
func (s *cursorStream) put(subject string, v stored, done func(seq uint64, err error)) {
	q := &request{subject: subject, body: v.text(), header: nats.Header{headerExpected: {strconv.FormatUint(v.seq, 10)}}}
	s.ask1(q, func(text []byte, err error) {
		var answer struct {
			Error *apiError
			Seq   uint64
		}
		if err == nil {
			err = json.Unmarshal(text, &answer)
		}
		switch refusal := answer.Error; {
		case err != nil:
			s.doubt()
		case refusal != nil && (refusal.Code == codeWrongLast || refusal.Code == codeWrongLastPlain):
			err = errMoved
		case refusal != nil:
			s.doubt()
			err = because(ErrRefused, "%s", refusal.Description)
		}
		done(answer.Seq, err)
	})
}

// ask1 asks what has one answer.
func (s *cursorStream) ask1(q *request, done func([]byte, error)) {
	q.done = func(a answer, err error) {
		switch {
		case err != nil:
			done(nil, err)
		case len(a.messages) != 1:
			done(nil, because(ErrRefused, "no answer"))
		default:
			done(a.messages[0].Data, nil)
		}
	}
	s.engine.cursors.requests.ask(q)
}
