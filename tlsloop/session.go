package tlsloop

import (
	"crypto/tls"
	"io"
	"net"

	"github.com/wsedge/wsedge/tlsloop/record"
)

// uselessPerSecond is how many records without data a client may send within one second. Each costs up to 10 µs for 50 bytes
// of input; who changes keys does so every few million records.
const uselessPerSecond = 10

// Session is one connection. All its methods belong to its loop's goroutine; none blocks.
//
// Errors of Input and Advance are final, and returned again by each later call. After any of them TakeOutput has the alert to
// send, if there is one. After io.EOF, the peer's close_notify, Seal and CloseNotify still work; after others they append
// nothing.
type Session struct {
	loop    *Loop
	layer   layer      // nil until established
	hs      *handshake // nil when established or given up
	partial []byte     // a record that has come in part, when established
	out     []byte     // see TakeOutput
	err     error
	second  uint32 // in which useless were counted
	useless uint8
	mute    bool // after a fatal error: nothing is sealed any more
}

// NewSession makes a session that awaits a ClientHello. wake is called, from any goroutine, when Advance has something to do: it
// must only post a call of Advance to the loop. A call may be under way when Close is called; Advance after Close is harmless.
func (l *Loop) NewSession(wake func()) *Session {
	return &Session{loop: l, hs: &handshake{engine: l.engine, wake: wake}}
}

// SetAddrs sets the addresses that callbacks of the tls.Config see in ClientHelloInfo.Conn. Call it before the first Input;
// without it they see an address without content.
func (s *Session) SetAddrs(local, remote net.Addr) {
	if s.hs != nil {
		s.hs.local, s.hs.remote = local, remote
	}
}

// Input takes ciphertext as it came from the client, in any cut. It decrypts in place: in is the caller's again, but
// overwritten, when it returns. deliver gets plaintext, once per record that has any; it is valid during that call. deliver may
// call Seal, TakeOutput, CloseNotify and Close of any session of the loop, but not Input or Advance.
//
// Whatever the error, what came before was delivered. io.EOF: the peer has said close_notify. ErrBusy, ErrNotTLS,
// ErrHandshakeSize and ErrUseless are described there. net.ErrClosed: Close was called. Others are crypto/tls'.
func (s *Session) Input(in []byte, deliver func(plain []byte)) error {
	switch {
	case s.err != nil:
		return s.err
	case s.hs == nil:
		return s.open(in, deliver)
	}
	done, err := s.hs.feed(in)
	if err != nil {
		return s.fail(err)
	}
	if done {
		return s.Advance(deliver)
	}
	return nil
}

// Advance takes over what the handshake's goroutine has done: its output, its result, and what came behind the client's
// Finished. It is as Input otherwise. Call it after wake; at other times it does nothing.
func (s *Session) Advance(deliver func(plain []byte)) error {
	if s.err != nil || s.hs == nil {
		return s.err
	}
	out, result, rest := s.hs.collect()
	s.out = append(s.out, out...)
	if result == nil {
		return nil
	}
	s.hs.discharge()
	if result.err != nil {
		s.loop.engine.counters.failed.Add(1)
		s.hs, s.err = nil, result.err
		return s.err
	}
	s.loop.engine.counters.succeeded(result)
	s.hs, s.layer = nil, result.layer
	if std, ok := result.layer.(*standard); ok {
		std.settle(s.loop)
	}
	return s.open(rest, deliver)
}

// open takes established input record by record.
func (s *Session) open(in []byte, deliver func(plain []byte)) error {
	for s.err == nil {
		rec, rest := s.cut(in)
		if rec == nil {
			break
		}
		in = rest
		plain, out, err := s.layer.open(s.loop, rec, s.out)
		s.out = out
		switch {
		case err != nil:
			s.drop(err)
		case len(plain) > 0:
			deliver(plain)
		case s.tooUseless():
			s.out = s.layer.abort(s.loop, s.out)
			s.drop(ErrUseless)
		}
	}
	return s.err
}

// cut takes the next whole record off in, completing the one that is held. Without a whole one it holds all of in and returns nil.
func (s *Session) cut(in []byte) (rec, rest []byte) {
	limit := s.layer.maxCiphertext()
	if len(s.partial) == 0 {
		if n := record.Length(in, limit); n <= len(in) {
			return in[:n:n], in[n:]
		}
	}
	for len(in) > 0 {
		n := record.Length(s.partial, limit)
		take := min(n-len(s.partial), len(in))
		s.partial = hold(s.partial, in[:take], record.HeaderLen+limit)
		in = in[take:]
		if len(s.partial) >= record.HeaderLen && record.Length(s.partial, limit) == len(s.partial) {
			rec, s.partial = s.partial, nil
			return rec, in
		}
	}
	return nil, nil
}

// hold appends more to held, whose memory grows with what has come: at most to twice of it, and never past limit.
func hold(held, more []byte, limit int) []byte {
	if need := len(held) + len(more); need > cap(held) {
		grown := make([]byte, len(held), min(max(need, 2*cap(held)), limit))
		copy(grown, held)
		held = grown
	}
	return append(held, more...)
}

// tooUseless counts a record that carried nothing, against this second's allowance.
func (s *Session) tooUseless() bool {
	if s.second != s.loop.now {
		s.second, s.useless = s.loop.now, 0
	}
	s.useless++
	return s.useless > uselessPerSecond
}

// fail ends a handshake from the loop's side: with an alert, as long as crypto/tls can't have changed to keys.
func (s *Session) fail(err error) error {
	if err == ErrBusy {
		s.loop.engine.counters.rejected.Add(1)
	} else {
		s.loop.engine.counters.failed.Add(1)
	}
	if !s.hs.started {
		s.out = append(s.out, plainAlert...)
	}
	s.hs.close()
	s.hs.discharge()
	s.hs, s.err = nil, err
	return err
}

// drop makes an error of an established session final.
func (s *Session) drop(err error) {
	s.err, s.partial, s.mute = err, nil, err != io.EOF
}

// Established says whether the handshake is done, successfully.
func (s *Session) Established() bool { return s.layer != nil }

// Partial says whether a record has come in part: up to 16.6 kB (TLS 1.2: 18.4 kB) are held for it, which the caller should not
// bear for long.
func (s *Session) Partial() bool { return len(s.partial) > 0 }

// HasOutput says whether TakeOutput would append anything.
func (s *Session) HasOutput() bool { return len(s.out) > 0 }

// TakeOutput appends what TLS itself wants sent: handshake flights, answers to key updates, alerts. Mostly there is nothing.
func (s *Session) TakeOutput(dst []byte) []byte {
	dst = append(dst, s.out...)
	s.out = nil
	return dst
}

// Seal appends records with the plaintext, behind what TakeOutput would append: the order of the records is part of what the
// peer checks. It allocates nothing while the cipher is warm and dst has room. Before Established, and after an error or
// CloseNotify, it appends no records.
func (s *Session) Seal(dst, plain []byte) []byte {
	dst = s.TakeOutput(dst)
	if s.layer == nil || s.mute {
		return dst
	}
	dst, err := s.layer.seal(s.loop, dst, plain)
	if err != nil {
		s.drop(err)
	}
	return dst
}

// CloseNotify appends what TakeOutput would, and the alert that we shall send no more, if it was not sent yet. The peer may go on
// sending.
func (s *Session) CloseNotify(dst []byte) []byte {
	dst = s.TakeOutput(dst)
	if s.layer == nil || s.mute {
		return dst
	}
	return s.layer.closeNotify(s.loop, dst)
}

// Cool drops the ciphers that a compact session keeps between records, about 0.9 kB for each direction, until the next record
// in that direction makes them again (0.5 µs, 1.3 kB of garbage). A session of tls.Conn keeps its own.
func (s *Session) Cool() {
	if s.layer != nil {
		s.layer.cool()
	}
}

// State describes the connection; it is made when asked for. Before Established it is zero. With the compact record layer its
// ExportKeyingMaterial must not be called, and there is no OCSP response or SCT of the client.
func (s *Session) State() tls.ConnectionState {
	if s.layer == nil {
		return tls.ConnectionState{}
	}
	return s.layer.state()
}

// Close says that the transport is gone: it ends a handshake's goroutine and gives everything back. It may be called at any time,
// also from deliver, and again.
func (s *Session) Close() {
	if s.hs != nil {
		if s.hs.close() {
			s.loop.engine.counters.abandoned.Add(1)
		}
		s.hs.discharge()
		s.hs = nil
	}
	s.layer, s.partial, s.out = nil, nil, nil
	s.err = net.ErrClosed
}

// Move makes the session one of another loop, for which it is confined to another goroutine from then on. Only for an
// established one, and not while deliver is being called.
func (s *Session) Move(to *Loop) {
	s.loop = to
	if std, ok := s.layer.(*standard); ok {
		std.pipe.loop = to
	}
}
