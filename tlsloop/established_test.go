package tlsloop

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"testing"

	"github.com/wsedge/wsedge/tlsloop/record"
)

// inSeconds gives each input a second of its own.
func inSeconds(s *served) { s.tick = true }

func TestKeyUpdates(t *testing.T) {
	eachMode(t, func(t *testing.T, m mode) {
		r, _ := newRaw(t, m, inSeconds)
		r.update(0)
		r.update(1)
		for i := range 40 {
			r.update(byte(i & 1))
			r.echo("after")
		}
	})
}

func TestKeyUpdateInParts(t *testing.T) {
	eachMode(t, func(t *testing.T, m mode) {
		whole := []byte{24, 0, 0, 1, 1}
		for cut := 1; cut < len(whole); cut++ {
			r, s := newRaw(t, m)
			r.send(r.Seal(22, whole[:cut]...))
			s.do(func() {}) // so that the session has seen one part alone
			r.send(r.Seal(22, whole[cut:]...))
			r.Rekey()
			r.want(22, 24, 0, 0, 1, 0)
			r.RekeyOpening()
			r.echo("after")
		}
	})
}

func TestKeyUpdateAnswerKeepsItsPlace(t *testing.T) {
	eachMode(t, func(t *testing.T, m mode) {
		r, _ := newRaw(t, m)
		update := r.Seal(22, 24, 0, 0, 1, 1)
		r.Rekey()
		// Both in one input: what deliver seals comes behind the answer that is still to be taken.
		r.send(update, r.Seal(23, 'x'))
		r.want(22, 24, 0, 0, 1, 0)
		r.RekeyOpening()
		r.want(23, 'x')
	})
}

func TestUselessRecordsAreBounded(t *testing.T) {
	eachMode(t, func(t *testing.T, m mode) {
		for name, one := range map[string]func(r *raw) []byte{
			"key updates": func(r *raw) []byte {
				rec := r.Seal(22, 24, 0, 0, 1, 0)
				r.Rekey()
				return rec
			},
			"empty data":    func(r *raw) []byte { return r.Seal(23) },
			"padding":       func(r *raw) []byte { return r.Inner(append([]byte{23}, make([]byte, 100)...)) },
			"user_canceled": func(r *raw) []byte { return r.Seal(21, 1, 90) },
		} {
			t.Run(name, func(t *testing.T) {
				r, s := newRaw(t, m)
				// Data between them changes nothing: each costs what it costs.
				for range uselessPerSecond {
					r.send(one(r), r.Seal(23, 'x'))
					r.want(23, 'x')
				}
				s.do(func() { s.loop.SetNow(s.loop.now + 1) })
				for range uselessPerSecond {
					r.send(one(r), r.Seal(23, 'y'))
					r.want(23, 'y')
				}
				r.send(one(r), r.Seal(23, 'z'))
				if m == modeCompact {
					r.want(21, 2, 10)
				} else {
					r.want(21, 1, 0)
				}
				<-s.failed
				if !errors.Is(s.err, ErrUseless) {
					t.Error(s.err)
				}
				s.do(func() {
					if err := s.session.Input(r.Seal(23, 'x'), s.deliver); err != ErrUseless {
						t.Error("not final: ", err)
					}
					if len(s.session.Seal(nil, []byte("x"))) > 0 {
						t.Error("sealed after it")
					}
				})
			})
		}
	})
}

func TestTinyRecords(t *testing.T) {
	eachMode(t, func(t *testing.T, m mode) {
		var got []byte
		r, s := newRaw(t, m, func(s *served) {
			s.onData = func(plain []byte) {
				if got = append(got, plain...); plain[0] == 255 {
					s.send(s.session.Seal(nil, got))
				}
			}
		})
		var all, want []byte
		for i := range 256 {
			all, want = append(all, r.Seal(23, byte(i))...), append(want, byte(i))
		}
		r.send(all)
		r.want(23, want...)
		s.do(func() {})
	})
}

// wantAlert wants a fatal alert, and the session ended by crypto/tls' error for it.
func wantAlert(t *testing.T, r *raw, s *served, alert byte) {
	t.Helper()
	r.want(21, 2, alert)
	<-s.failed
	var op *net.OpError
	if !errors.As(s.err, &op) || op.Op != "local error" || op.Err.Error() != tls.AlertError(alert).Error() {
		// crypto/tls says some in words of its own.
		if alert != 10 && alert != 22 {
			t.Errorf("error %v", s.err)
		}
	}
	s.do(func() {
		if len(s.session.Seal(nil, []byte("x")))+len(s.session.CloseNotify(nil)) > 0 {
			t.Error("sealed after a fatal alert")
		}
		if err := s.session.Input([]byte{1}, s.deliver); err != s.err {
			t.Errorf("then %v", err)
		}
		if s.session.Partial() {
			t.Error("holds a record")
		}
	})
}

func TestEachTamperedByte(t *testing.T) {
	eachMode(t, func(t *testing.T, m mode) {
		for i := record.HeaderLen; i < record.HeaderLen+5+1+16; i++ {
			r, s := newRaw(t, m, func(s *served) {
				s.onData = func(plain []byte) { t.Errorf("delivered %q", plain) }
			})
			rec := r.Seal(23, []byte("hello")...)
			rec[i] ^= 1
			r.send(rec)
			wantAlert(t, r, s, 20)
		}
	})
}

func TestBadRecords(t *testing.T) {
	for name, c := range map[string]struct {
		rec   func(r *raw) []byte
		alert byte
	}{
		"two key updates":  {func(r *raw) []byte { return r.Seal(22, 24, 0, 0, 1, 1, 24, 0, 0, 1, 1) }, 10},
		"ClientHello":      {func(r *raw) []byte { return r.Seal(22, 1, 0, 0, 0) }, 0},
		"too long":         {func(r *raw) []byte { return []byte{23, 3, 3, 0x48, 0x01} }, 22},
		"too long for 1.3": {func(r *raw) []byte { return []byte{23, 3, 3, 0x41, 0x01} }, 22},
		"too much inside":  {func(r *raw) []byte { return r.Seal(23, make([]byte, record.MaxPlaintext+1)...) }, 22},
		"empty":            {func(r *raw) []byte { return []byte{23, 3, 3, 0, 0} }, 20},
		"only padding":     {func(r *raw) []byte { return r.Inner(make([]byte, 5)) }, 10},
		"unknown type":     {func(r *raw) []byte { return r.Seal(99, 1) }, 10},
		"handshake, empty": {func(r *raw) []byte { return r.Seal(22) }, 10},
		"data inside a key update": {func(r *raw) []byte {
			return append(r.Seal(22, 24, 0), r.Seal(23, 'x')...)
		}, 10},
	} {
		t.Run(name, func(t *testing.T) {
			eachMode(t, func(t *testing.T, m mode) {
				r, s := newRaw(t, m, func(s *served) {
					s.onData = func(plain []byte) { t.Errorf("delivered %q", plain) }
				})
				r.send(c.rec(r))
				if name == "two key updates" && m != modeCompact {
					r.want(22, 24, 0, 0, 1, 0) // crypto/tls answers the first before it sees the second
					r.RekeyOpening()
				}
				if c.alert != 0 {
					wantAlert(t, r, s, c.alert)
					return
				}
				// What crypto/tls calls it is its own matter.
				if kind, content := r.next(); kind != 21 || content[0] != 2 {
					t.Errorf("type %d, %x", kind, content)
				}
				<-s.failed
			})
		})
	}
}

func TestFatalAlertOfTheClient(t *testing.T) {
	eachMode(t, func(t *testing.T, m mode) {
		r, s := newRaw(t, m)
		r.send(r.Seal(21, 2, 80))
		<-s.failed
		var op *net.OpError
		if !errors.As(s.err, &op) || op.Op != "remote error" || op.Err.Error() != tls.AlertError(80).Error() {
			t.Error(s.err)
		}
		s.do(func() {
			if len(s.session.Seal(nil, []byte("x")))+len(s.session.CloseNotify(nil)) > 0 {
				t.Error("answered it")
			}
		})
	})
}

func TestCloseNotifyOfTheClient(t *testing.T) {
	eachMode(t, func(t *testing.T, m mode) {
		r, s := newRaw(t, m)
		r.send(r.Seal(23, []byte("bye")...), r.Seal(21, 1, 0), []byte("garbage behind it"))
		r.want(23, []byte("bye")...)
		<-s.failed
		if s.err != io.EOF {
			t.Error(s.err)
		}
		r.want(21, 1, 0) // the harness answers
		s.do(func() {
			if err := s.session.Input([]byte("x"), s.deliver); err != io.EOF {
				t.Error("not final: ", err)
			}
		})
	})
}

// After the client has said close_notify, the server may still finish what it has to say.
func TestHalfClosed(t *testing.T) {
	eachMode(t, func(t *testing.T, m mode) {
		r, s := newRaw(t, m, func(s *served) { s.onData = func([]byte) {} })
		s.do(func() {
			if err := s.session.Input(r.Seal(21, 1, 0), s.deliver); err != io.EOF {
				t.Fatal(err)
			}
			s.send(s.session.Seal(nil, []byte("last words")))
			s.send(s.session.CloseNotify(nil))
			if len(s.session.CloseNotify(nil))+len(s.session.Seal(nil, []byte("x"))) > 0 {
				t.Error("sealed behind close_notify")
			}
		})
		r.want(23, []byte("last words")...)
		r.want(21, 1, 0)
	})
}

// The server says close_notify first, and hears the rest.
func TestCloseNotifyOfTheServer(t *testing.T) {
	eachMode(t, func(t *testing.T, m mode) {
		heard := make(chan string, 1)
		r, s := newRaw(t, m, func(s *served) {
			s.onData = func(plain []byte) { heard <- string(plain) }
		})
		s.do(func() { s.send(s.session.CloseNotify(nil)) })
		r.want(21, 1, 0)
		r.send(r.Seal(23, []byte("still here")...), r.Seal(21, 1, 0))
		if got := <-heard; got != "still here" {
			t.Errorf("heard %q", got)
		}
		<-s.failed
		if s.err != io.EOF {
			t.Error(s.err)
		}
	})
}

func TestTruncatedRecordIsNeverDelivered(t *testing.T) {
	eachMode(t, func(t *testing.T, m mode) {
		r, s := newRaw(t, m, func(s *served) {
			s.onData = func(plain []byte) { t.Errorf("delivered %q", plain) }
		})
		rec := r.Seal(23, []byte("hello")...)
		s.do(func() {
			for i := range len(rec) - 1 {
				if err := s.session.Input(rec[i:i+1], s.deliver); err != nil || !s.session.Partial() {
					t.Fatalf("at %d: %v, %v", i, err, s.session.Partial())
				}
			}
			s.session.Close()
			if s.session.Partial() {
				t.Error("still held")
			}
			if err := s.session.Input(rec[len(rec)-1:], s.deliver); !errors.Is(err, net.ErrClosed) {
				t.Error(err)
			}
		})
	})
}

// What is held of a record grows with what has come of it.
func TestPartialGrowsWithInput(t *testing.T) {
	eachMode(t, func(t *testing.T, m mode) {
		r, s := newRaw(t, m, func(s *served) { s.onData = func(plain []byte) { s.send(s.session.Seal(nil, plain[:1])) } })
		rec := r.Seal(23, bytes.Repeat([]byte{'x'}, record.MaxPlaintext)...)
		s.do(func() {
			for i := range len(rec) - 1 {
				if err := s.session.Input(rec[i:i+1], s.deliver); err != nil {
					t.Fatal(err)
				}
				if have, held := i+1, cap(s.session.partial); held > 2*have+record.HeaderLen || held > record.HeaderLen+record.MaxCiphertext {
					t.Fatalf("%d bytes hold %d", have, held)
				}
			}
			s.input(rec[len(rec)-1:])
			if s.session.partial != nil {
				t.Error("not let go")
			}
		})
		r.want(23, 'x')
	})
}

func TestDeliverMayClose(t *testing.T) {
	eachMode(t, func(t *testing.T, m mode) {
		calls := 0
		r, s := newRaw(t, m, func(s *served) {
			s.onData = func([]byte) {
				calls++
				s.send(s.session.CloseNotify(nil))
				s.session.Close()
				s.session.Close()
			}
		})
		first, second := r.Seal(23, 1), r.Seal(23, 2)
		s.do(func() {
			if err := s.session.Input(append(first, second...), s.deliver); !errors.Is(err, net.ErrClosed) {
				t.Error(err)
			}
		})
		if calls != 1 {
			t.Errorf("delivered %d times", calls)
		}
		r.want(21, 1, 0)
	})
}

// A broadcast: what one session delivers is sealed for all of the loop, and the view stays what it was.
func TestDeliverMaySealForOthers(t *testing.T) {
	eachMode(t, func(t *testing.T, m mode) {
		e := newEngine(t, m, nil)
		w := newWorker(t, e)
		var all []*served
		var clients []*tls.Conn
		for range 5 {
			clientEnd, serverEnd := memoryPair()
			s := w.serve(t, serverEnd, 1000, func(s *served) {
				s.onData = func(plain []byte) {
					for _, other := range all {
						other.send(other.session.Seal(nil, plain))
					}
				}
			})
			clients = append(clients, dial(t, clientEnd, nil))
			<-s.established
			all = append(all, s)
		}
		for i, from := range clients {
			message := bytes.Repeat([]byte{byte('a' + i)}, 3000)
			if _, err := from.Write(message); err != nil {
				t.Fatal(err)
			}
			for _, to := range clients {
				got := make([]byte, len(message))
				if _, err := io.ReadFull(to, got); err != nil || !bytes.Equal(got, message) {
					t.Fatal("differs: ", err)
				}
			}
		}
	})
}
