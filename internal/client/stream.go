package client

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
)

const (
	// maxMessageBytes bounds what the server may send at once: 1 MiB of data is the most that the API takes, and some of it may grow by what stands around it.
	maxMessageBytes = 4 << 20
	// pingInterval is how often we ask whether the server is there, unless it says how often it does; pongTimeout what it may take to answer.
	pingInterval, pongTimeout = 25 * time.Second, 10 * time.Second
	// commandPause is what we wait before a command that was too much, or too early, is sent again.
	commandPause = time.Second
	// leaveTimeout is what the server may take to answer our close frame, and what its own may take to be read.
	leaveTimeout = time.Second
)

// pending is a command without a reply so far.
type pending struct {
	feed    *feed // nil: of the connection
	command command
	anew    bool // the server's own subscription has been ended for it
}

// stream is one connection of a tail. Owned by the goroutine that runs it, but for what is atomic.
type stream struct {
	client *Client
	tail   *Tail
	feeds  []*feed
	conn   *websocket.Conn

	lastID  int
	pending map[int]pending
	again   []pending        // commands that were refused for now
	resend  <-chan time.Time // when they are sent once more; nil while there are none
	token   string           // that was last presented
	refresh <-chan time.Time // when another is needed; nil: never

	welcomed   bool
	final      bool          // it makes no sense to come back
	status     int           // of a handshake that was refused
	retryAfter time.Duration // said by the server
	goodbye    string        // the reason that it gave

	reading atomic.Bool // the reader waits for the server
}

// arrival is what the reader has read.
type arrival struct {
	message *incoming
	err     error
}

// run is the connection's whole life. It always returns an error.
func (s *stream) run(ctx context.Context) error {
	if err := s.dial(ctx); err != nil {
		return err
	}
	end := ctx.Done() // what runs goes on a moment longer, to say goodbye
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var beside sync.WaitGroup
	defer beside.Wait()
	defer cancel()
	defer s.conn.CloseNow()
	s.conn.SetReadLimit(maxMessageBytes)
	arrivals := make(chan arrival)
	beside.Go(func() { s.readAll(ctx, arrivals) })
	mute := time.NewTimer(s.client.timeout)
	defer mute.Stop()
	for {
		var err error
		select {
		case a := <-arrivals:
			if err = a.err; err != nil {
				break
			}
			if a.message.Type == "welcome" && !s.welcomed {
				mute.Stop()
				beside.Go(func() { s.heartbeat(ctx, a.message.Ping) })
			}
			err = s.serve(ctx, a.message)
		case <-s.resend:
			err = s.sendAgain(ctx)
		case <-s.refresh:
			err = s.renew(ctx)
		case <-mute.C:
			err = fmt.Errorf("no welcome within %v", s.client.timeout)
		case <-end:
			err = ErrEnough
		}
		if errors.As(err, new(unsent)) {
			err = s.hearOut(ctx, arrivals, err)
		}
		if errors.Is(err, ErrEnough) {
			s.leave(&beside)
			return err
		}
		if err != nil {
			return s.explain(err)
		}
	}
}

// unsent is an error of writing: it says only that the connection has ended. Why that is so is for the reader to find.
type unsent struct{ error }

// Unwrap is for errors.Is and errors.As.
func (u unsent) Unwrap() error { return u.error }

// hearOut serves what has come before the connection ended, and returns the server's reason for the end; or err, if there is none in time.
func (s *stream) hearOut(ctx context.Context, arrivals <-chan arrival, err error) error {
	patience := time.NewTimer(leaveTimeout)
	defer patience.Stop()
	for {
		select {
		case a := <-arrivals:
			if a.err != nil {
				return a.err
			}
			if failed := s.serve(ctx, a.message); failed != nil && !errors.As(failed, new(unsent)) {
				return failed
			}
		case <-patience.C:
			return err
		}
	}
}

// leave tells the server that we go because we want to, and waits for its answer no longer than leaveTimeout.
func (s *stream) leave(beside *sync.WaitGroup) {
	done := make(chan struct{})
	beside.Go(func() {
		defer close(done)
		_ = s.conn.Close(websocket.StatusNormalClosure, "") // a courtesy
	})
	select {
	case <-done:
	case <-time.After(leaveTimeout):
	}
}

// dial opens the connection. The token goes in a header: URLs are logged.
func (s *stream) dial(ctx context.Context) error {
	options := &websocket.DialOptions{HTTPClient: s.client.http, HTTPHeader: http.Header{}, Subprotocols: []string{"wsedge.v1"}}
	if s.tail.Token != nil {
		token, err := s.tail.Token()
		if err != nil {
			s.final = true
			return err
		}
		if s.token = token; token != "" {
			options.HTTPHeader.Set("Authorization", "Bearer "+token)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, s.client.timeout)
	defer cancel()
	conn, response, err := websocket.Dial(ctx, s.client.base+"/ws", options)
	if err == nil {
		s.conn = conn
		return nil
	}
	if response == nil || response.StatusCode == http.StatusSwitchingProtocols {
		return s.client.unanswered(err, false) // there was nothing to carry out
	}
	s.status = response.StatusCode
	s.final = s.status < http.StatusInternalServerError && s.status != http.StatusTooManyRequests
	answer, _ := io.ReadAll(response.Body) // the library has kept its beginning
	_, err = s.client.judge(response, []byte(strings.TrimSpace(string(answer))))
	if refusal := (*Error)(nil); errors.As(err, &refusal) {
		s.retryAfter = refusal.RetryAfter
	}
	return err
}

// refused tells whether the server is there, and has no room now.
func (s *stream) refused() bool { return s.status != 0 && !s.final }

// readAll hands over what comes, until nothing can come any more. It runs on a goroutine of its own.
func (s *stream) readAll(ctx context.Context, arrivals chan<- arrival) {
	for {
		a := s.read(ctx)
		select {
		case arrivals <- a:
		case <-ctx.Done():
			return
		}
		if a.err != nil {
			return
		}
	}
}

func (s *stream) read(ctx context.Context) arrival {
	s.reading.Store(true)
	_, text, err := s.conn.Read(ctx)
	s.reading.Store(false)
	if err != nil {
		return arrival{nil, err}
	}
	m := new(incoming)
	if err := json.Unmarshal(text, m); err != nil {
		return arrival{nil, &notWsedge{s.client.server, err}}
	}
	return arrival{m, nil}
}

// notWsedge says that the server speaks something else.
type notWsedge struct {
	server string
	err    error
}

// Error implements error.
func (n *notWsedge) Error() string {
	return fmt.Sprintf("%s does not speak wsedge.v1: %v", n.server, n.err)
}

// heartbeat ends the connection once the server is not there any more. While what has come is still being dealt with, a pong
// can't be seen, and nobody is judged. It runs on a goroutine of its own.
func (s *stream) heartbeat(ctx context.Context, seconds int) {
	interval := pingInterval
	if seconds > 0 {
		interval = min(time.Duration(seconds)*time.Second, pingInterval)
	}
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		waiting, cancel := context.WithTimeout(ctx, s.client.pongTimeout)
		err := s.conn.Ping(waiting)
		cancel()
		if err != nil && s.reading.Load() {
			s.conn.CloseNow()
			return
		}
	}
}

// ask sends a command, and remembers what its reply is for.
func (s *stream) ask(ctx context.Context, p pending) error {
	s.lastID++
	p.command.ID = s.lastID
	s.pending[s.lastID] = p
	text, err := json.Marshal(p.command)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, s.client.timeout)
	defer cancel()
	if err := s.conn.Write(ctx, websocket.MessageText, text); err != nil {
		return unsent{err}
	}
	return nil
}

// explain says why the connection has ended, and finds out whether to come back.
func (s *stream) explain(err error) error {
	closed := websocket.CloseError{}
	if other := (*notWsedge)(nil); errors.As(err, &other) {
		s.final = true
	}
	if !errors.As(err, &closed) {
		if s.final {
			return err
		}
		return fmt.Errorf("connection lost: %w", err)
	}
	code := int(closed.Code)
	switch {
	case code >= 3500 && code <= 3999, code == 1002, code == 1003, code == 1007, code == 1009:
		s.final = true
	}
	text := fmt.Sprintf("closed by the server: %d %s", code, cmp.Or(closed.Reason, s.goodbye))
	if code == closeNotAuthenticated {
		text += "; give a token"
	}
	return errors.New(text)
}

// closeNotAuthenticated is the close code for who has not presented a token in time.
const closeNotAuthenticated = 3502
