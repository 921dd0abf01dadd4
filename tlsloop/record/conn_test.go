package record

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"testing"
)

func TestRoundTrip(t *testing.T) {
	for _, suite := range suites {
		t.Run(tls.CipherSuiteName(suite), func(t *testing.T) {
			c, p := pair(t, suite)
			if c.CipherSuite() != suite {
				t.Error("another suite")
			}
			var s Scratch
			for _, n := range []int{1, 2, 100, MaxPlaintext} {
				want := bytes.Repeat([]byte{byte(n)}, n)
				got, reply, err := c.Open(&s, p.seal(23, want...), nil)
				if err != nil || len(reply) > 0 || !bytes.Equal(got, want) {
					t.Errorf("opening %d bytes: %d, %d, %v", n, len(got), len(reply), err)
				}
				kind, got, err := p.open(c.Seal(&s, nil, want))
				if err != nil || kind != 23 || !bytes.Equal(got, want) {
					t.Errorf("sealing %d bytes: %d, %v", n, kind, err)
				}
				c.Cool()
			}
		})
	}
}

func TestSealSplits(t *testing.T) {
	c, p := pair(t, suites[0])
	var s Scratch
	plain := bytes.Repeat([]byte("0123456789"), 4000)
	out := c.Seal(&s, []byte("before"), plain)
	if string(out[:6]) != "before" || len(out) != 6+len(plain)+3*Overhead {
		t.Fatalf("%d bytes", len(out))
	}
	var got []byte
	for out = out[6:]; len(out) > 0; {
		n := Length(out, MaxCiphertext)
		_, content, err := p.open(out[:n])
		if err != nil {
			t.Fatal(err)
		}
		got, out = append(got, content...), out[n:]
	}
	if !bytes.Equal(got, plain) {
		t.Error("differs")
	}
	if len(c.Seal(&s, nil, nil)) != 0 {
		t.Error("nothing became a record")
	}
}

// Each row is an inner plaintext: content, type, padding.
func TestOpenJudgesInnerPlaintext(t *testing.T) {
	content := func(n int, kind byte, padding int) []byte {
		return append(append(bytes.Repeat([]byte{'x'}, n), kind), make([]byte, padding)...)
	}
	for _, c := range []struct {
		name  string
		inner []byte
		want  int // bytes of plaintext
		alert tls.AlertError
		eof   bool
	}{
		{"data", content(3, 23, 0), 3, 0, false},
		{"data, padded", content(3, 23, 200), 3, 0, false},
		{"no data", content(0, 23, 0), 0, 0, false},
		{"no data, padded", content(0, 23, 100), 0, 0, false},
		{"data, full and no padding", content(MaxPlaintext, 23, 0), MaxPlaintext, 0, false},
		{"data, padded to the brim", content(1, 23, MaxPlaintext-1), 1, 0, false},
		{"a byte too much", content(MaxPlaintext+1, 23, 0), 0, alertRecordOverflow, false},
		{"padding too long", content(1, 23, MaxPlaintext), 0, alertRecordOverflow, false},
		{"nothing at all", nil, 0, alertUnexpectedMessage, false},
		{"padding only", make([]byte, 10), 0, alertUnexpectedMessage, false},
		{"change_cipher_spec inside", []byte{1, 20}, 0, alertUnexpectedMessage, false},
		{"unknown type", []byte{1, 99}, 0, alertUnexpectedMessage, false},
		{"heartbeat", []byte{1, 24}, 0, alertUnexpectedMessage, false},
		{"empty alert", []byte{21}, 0, alertUnexpectedMessage, false},
		{"empty handshake message", []byte{22}, 0, alertUnexpectedMessage, false},
		{"half an alert", []byte{1, 21}, 0, alertDecodeError, false},
		{"two alerts", []byte{1, 90, 1, 0, 21}, 0, alertDecodeError, false},
		{"user_canceled", []byte{1, 90, 21}, 0, 0, false},
		{"close_notify", []byte{1, 0, 21}, 0, 0, true},
		{"close_notify as a fatal alert", []byte{2, 0, 21}, 0, 0, true},
		{"ClientHello", []byte{1, 0, 0, 0, 22}, 0, alertUnexpectedMessage, false},
		{"NewSessionTicket", []byte{4, 0, 0, 0, 22}, 0, alertUnexpectedMessage, false},
		{"KeyUpdate", []byte{24, 0, 0, 1, 0, 22}, 0, 0, false},
		{"KeyUpdate, asking for one", []byte{24, 0, 0, 1, 1, 22}, 0, 0, false},
		{"KeyUpdate, asking for two", []byte{24, 0, 0, 1, 2, 22}, 0, alertIllegalParameter, false},
		{"KeyUpdate, empty", []byte{24, 0, 0, 0, 22}, 0, alertDecodeError, false},
		{"KeyUpdate, too long", []byte{24, 0, 0, 2, 0, 22}, 0, alertDecodeError, false},
		{"KeyUpdate, huge", []byte{24, 1, 0, 1, 22}, 0, alertDecodeError, false},
		{"two KeyUpdates", []byte{24, 0, 0, 1, 0, 24, 0, 0, 1, 0, 22}, 0, alertUnexpectedMessage, false},
		{"part of a KeyUpdate", []byte{24, 0, 22}, 0, 0, false},
		{"part of something else", []byte{11, 22}, 0, alertUnexpectedMessage, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			conn, p := pair(t, suites[0])
			var s Scratch
			plain, reply, err := conn.Open(&s, p.inner(c.inner), nil)
			if len(plain) != c.want {
				t.Errorf("%d bytes of plaintext", len(plain))
			}
			switch {
			case c.eof:
				if !errors.Is(err, io.EOF) {
					t.Errorf("error %v", err)
				}
			case c.alert == 0:
				if err != nil {
					t.Errorf("error %v", err)
				}
			default:
				wantFatal(t, conn, p, reply, err, c.alert)
			}
		})
	}
}

// wantFatal checks that an error came with its alert, and that nothing is sealed behind it.
func wantFatal(t *testing.T, c *Conn, p *peer, reply []byte, err error, want tls.AlertError) {
	t.Helper()
	if op, alert := alertOf(err); op != "local error" || alert != want {
		t.Errorf("error %v", err)
	}
	kind, content, err := p.open(reply)
	if err != nil || kind != 21 || !bytes.Equal(content, []byte{2, byte(want)}) {
		t.Errorf("alert record: type %d, %x, %v", kind, content, err)
	}
	var s Scratch
	if len(c.Seal(&s, nil, []byte("x")))+len(c.CloseNotify(&s, nil)) > 0 {
		t.Error("sealed behind a fatal alert")
	}
}

func TestOpenJudgesRecords(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(rec []byte) []byte
		alert  tls.AlertError
	}{
		{"change_cipher_spec", func([]byte) []byte { return []byte{20, 3, 3, 0, 1, 1} }, alertUnexpectedMessage},
		{"alert in the clear", func([]byte) []byte { return []byte{21, 3, 3, 0, 2, 1, 0} }, alertUnexpectedMessage},
		{"handshake in the clear", func([]byte) []byte { return []byte{22, 3, 3, 0, 5, 24, 0, 0, 1, 0} }, alertUnexpectedMessage},
		{"too long, the header alone", func([]byte) []byte { return []byte{23, 3, 3, 0x41, 0x01} }, alertRecordOverflow},
		{"empty", func([]byte) []byte { return []byte{23, 3, 3, 0, 0} }, alertBadRecordMAC},
		{"less than a tag", func(r []byte) []byte { return append([]byte{23, 3, 3, 0, 15}, r[5:20]...) }, alertBadRecordMAC},
		{"cut short", func(r []byte) []byte { r[4]--; return r[:len(r)-1] }, alertBadRecordMAC},
		{"lengthened", func(r []byte) []byte { r[4]++; return append(r, 0) }, alertBadRecordMAC},
		{"another version", func(r []byte) []byte { r[2] = 1; return r }, alertBadRecordMAC},
		{"not as its header says", func(r []byte) []byte { return r[:len(r)-1] }, alertInternalError},
		{"no header", func(r []byte) []byte { return r[:3] }, alertInternalError},
	} {
		t.Run(c.name, func(t *testing.T) {
			conn, p := pair(t, suites[0])
			var s Scratch
			plain, reply, err := conn.Open(&s, c.change(p.seal(23, []byte("hello")...)), nil)
			if len(plain) > 0 {
				t.Errorf("plaintext %q", plain)
			}
			wantFatal(t, conn, p, reply, err, c.alert)
		})
	}
}

func TestEachByteIsChecked(t *testing.T) {
	for _, suite := range suites {
		_, p := pair(t, suite)
		rec := p.seal(23, []byte("hello")...)
		for i := 5; i < len(rec); i++ {
			for bit := range 8 {
				conn, peer := pair(t, suite)
				var s Scratch
				bad := bytes.Clone(rec)
				bad[i] ^= 1 << bit
				plain, reply, err := conn.Open(&s, bad, nil)
				if plain != nil {
					t.Fatal("plaintext got out")
				}
				wantFatal(t, conn, peer, reply, err, alertBadRecordMAC)
			}
		}
	}
}

func TestReplayAndReorderAreRefused(t *testing.T) {
	c, p := pair(t, suites[0])
	var s Scratch
	first := p.seal(23, 1)
	if _, _, err := c.Open(&s, bytes.Clone(first), nil); err != nil {
		t.Fatal(err)
	}
	_, _, err := c.Open(&s, first, nil)
	if _, alert := alertOf(err); alert != alertBadRecordMAC {
		t.Errorf("replayed: %v", err)
	}
	c, p = pair(t, suites[0])
	p.seal(23, 1)
	_, _, err = c.Open(&s, p.seal(23, 2), nil)
	if _, alert := alertOf(err); alert != alertBadRecordMAC {
		t.Errorf("reordered: %v", err)
	}
}

func TestFatalAlertFromThePeer(t *testing.T) {
	c, p := pair(t, suites[0])
	var s Scratch
	_, reply, err := c.Open(&s, p.seal(21, 2, alertInternalError), nil)
	if op, alert := alertOf(err); op != "remote error" || alert != alertInternalError {
		t.Errorf("error %v", err)
	}
	if len(reply)+len(c.Seal(&s, nil, []byte("x")))+len(c.CloseNotify(&s, nil)) > 0 {
		t.Error("answered a fatal alert")
	}
}

func TestCloseNotifyIsOurLast(t *testing.T) {
	c, p := pair(t, suites[0])
	var s Scratch
	kind, content, err := p.open(c.CloseNotify(&s, nil))
	if err != nil || kind != 21 || !bytes.Equal(content, []byte{1, 0}) {
		t.Errorf("type %d, %x, %v", kind, content, err)
	}
	if len(c.CloseNotify(&s, nil))+len(c.Seal(&s, nil, []byte("x"))) > 0 {
		t.Error("sealed behind close_notify")
	}
	_, reply, err := c.Open(&s, p.seal(22, 24, 0, 0, 1, 1), nil)
	if err != nil || len(reply) > 0 {
		t.Errorf("a key update was answered behind close_notify: %x, %v", reply, err)
	}
	p.rekey()
	if plain, _, err := c.Open(&s, p.seal(23, []byte("still")...), nil); err != nil || string(plain) != "still" {
		t.Errorf("%q, %v", plain, err)
	}
	if reply, err := c.Abort(&s, nil); len(reply) > 0 || err == nil {
		t.Errorf("%x, %v", reply, err)
	}
}

func TestKeyUpdates(t *testing.T) {
	for _, suite := range suites {
		c, p := pair(t, suite)
		var s Scratch
		for i := range 40 {
			asks := byte(i & 1)
			_, reply, err := c.Open(&s, p.seal(22, 24, 0, 0, 1, asks), nil)
			if err != nil {
				t.Fatal(err)
			}
			p.rekey()
			if asks == 1 {
				kind, content, err := p.open(reply)
				if err != nil || kind != 22 || !bytes.Equal(content, []byte{24, 0, 0, 1, 0}) {
					t.Fatalf("answer: type %d, %x, %v", kind, content, err)
				}
				p.rekeyOpening()
			} else if len(reply) > 0 {
				t.Fatal("an answer that nobody has asked for")
			}
			if plain, _, err := c.Open(&s, p.seal(23, byte(i)), nil); err != nil || !bytes.Equal(plain, []byte{byte(i)}) {
				t.Fatal(i, err)
			}
			if _, content, err := p.open(c.Seal(&s, nil, []byte{byte(i)})); err != nil || !bytes.Equal(content, []byte{byte(i)}) {
				t.Fatal(i, err)
			}
		}
	}
}

func TestKeyUpdateInParts(t *testing.T) {
	whole := []byte{24, 0, 0, 1, 1}
	for first := 1; first < len(whole); first++ {
		for second := first; second < len(whole); second++ {
			c, p := pair(t, suites[0])
			var s Scratch
			var reply []byte
			for _, part := range [][]byte{whole[:first], whole[first:second], whole[second:]} {
				if len(part) == 0 {
					continue
				}
				if len(reply) > 0 {
					t.Fatal("answered a part")
				}
				var err error
				if _, reply, err = c.Open(&s, p.seal(22, part...), nil); err != nil {
					t.Fatal(err)
				}
			}
			p.rekey()
			if kind, _, err := p.open(reply); err != nil || kind != 22 {
				t.Fatalf("answer: %d, %v", kind, err)
			}
			if plain, _, err := c.Open(&s, p.seal(23, 7), nil); err != nil || len(plain) != 1 {
				t.Fatal(err)
			}
		}
	}
}

func TestNothingBetweenThePartsOfAMessage(t *testing.T) {
	for _, between := range [][]byte{{23, 'x'}, {23}, {21, 1, 90}, {21, 1, 0}} {
		c, p := pair(t, suites[0])
		var s Scratch
		if _, _, err := c.Open(&s, p.seal(22, 24, 0), nil); err != nil {
			t.Fatal(err)
		}
		plain, reply, err := c.Open(&s, p.seal(between[0], between[1:]...), nil)
		if len(plain) > 0 {
			t.Error("plaintext got out")
		}
		wantFatal(t, c, p, reply, err, alertUnexpectedMessage)
	}
}

func TestOwnKeyUpdateBeforeTheLimit(t *testing.T) {
	c, p := pair(t, suites[0])
	var s Scratch
	c.write.seq, p.received = rekeyAfter-1, rekeyAfter-1
	if kind, _, err := p.open(c.Seal(&s, nil, []byte("last"))); err != nil || kind != 23 {
		t.Fatal(kind, err)
	}
	out := c.Seal(&s, nil, []byte("next"))
	n := Length(out, MaxCiphertext)
	kind, content, err := p.open(out[:n])
	if err != nil || kind != 22 || !bytes.Equal(content, []byte{24, 0, 0, 1, 0}) {
		t.Fatalf("type %d, %x, %v", kind, content, err)
	}
	p.rekeyOpening()
	if kind, content, err := p.open(out[n:]); err != nil || kind != 23 || string(content) != "next" {
		t.Fatalf("type %d, %q, %v", kind, content, err)
	}
	if c.write.seq != 1 {
		t.Errorf("counts from %d", c.write.seq)
	}
}

func TestCoolKeepsCounting(t *testing.T) {
	c, p := pair(t, suites[0])
	var s Scratch
	seen := map[string]bool{}
	for range 20 {
		rec := c.Seal(&s, nil, []byte("same"))
		if seen[string(rec)] {
			t.Fatal("a nonce was used twice")
		}
		seen[string(rec)] = true
		if _, _, err := p.open(rec); err != nil {
			t.Fatal(err)
		}
		c.Cool()
		if c.read.warm != nil || c.write.warm != nil {
			t.Fatal("still warm")
		}
	}
}

func TestNewRefuses(t *testing.T) {
	secret := make([]byte, 32)
	for _, c := range []struct {
		suite       uint16
		read, write []byte
	}{
		{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, secret, secret},
		{tls.TLS_AES_128_GCM_SHA256, secret[:31], secret},
		{tls.TLS_AES_128_GCM_SHA256, secret, nil},
		{tls.TLS_AES_256_GCM_SHA384, secret, secret},
	} {
		if _, err := New(c.suite, c.read, c.write, 0, 0); err == nil {
			t.Errorf("%+v taken", c)
		}
	}
}

func TestLength(t *testing.T) {
	for _, c := range []struct {
		in   []byte
		want int
	}{
		{nil, 5}, {[]byte{23, 3, 3, 1}, 5}, {[]byte{23, 3, 3, 0, 0}, 5}, {[]byte{23, 3, 3, 1, 2}, 5 + 258},
		{[]byte{23, 3, 3, 0x41, 0}, 5 + MaxCiphertext}, {[]byte{23, 3, 3, 0x41, 1}, 5},
	} {
		if got := Length(c.in, MaxCiphertext); got != c.want {
			t.Errorf("%x: %d", c.in, got)
		}
	}
}

func TestCountSealed(t *testing.T) {
	_, p := pair(t, suites[0])
	ours := func() *peer { return &peer{suite: suites[0], sealing: p.opening} }
	other := &peer{suite: suites[0], sealing: p.sealing}
	join := bytes.Join
	a := ours()
	tickets := [][]byte{a.seal(22, 4), a.seal(22, 4), a.seal(22, 4)}
	clear := []byte{22, 3, 3, 0, 2, 2, 0}
	for _, c := range []struct {
		name   string
		flight []byte
		want   uint64
		fails  bool
	}{
		{"nothing", nil, 0, false},
		{"handshake keys only", join([][]byte{clear, other.seal(22, 8), other.seal(22, 20)}, nil), 0, false},
		{"one ticket", join([][]byte{clear, other.seal(22, 20), tickets[0]}, nil), 1, false},
		{"three", join([][]byte{other.seal(22, 20), tickets[0], tickets[1], tickets[2]}, nil), 3, false},
		{"one is missing", join([][]byte{tickets[0], tickets[2]}, nil), 0, true},
		{"something else behind", join([][]byte{tickets[0], clear}, nil), 0, true},
		{"cut", tickets[0][:20], 0, true},
		{"cut in a header", tickets[0][:3], 0, true},
	} {
		n, err := CountSealed(suites[0], p.opening, c.flight)
		if n != c.want || (err != nil) != c.fails {
			t.Errorf("%s: %d, %v", c.name, n, err)
		}
	}
	if _, err := CountSealed(1, p.opening, nil); err == nil {
		t.Error("suite 1")
	}
	if _, err := CountSealed(suites[0], nil, nil); err == nil {
		t.Error("no secret")
	}
}

func TestNoAllocations(t *testing.T) {
	for _, suite := range suites {
		c, p := pair(t, suite)
		var s Scratch
		plain, dst := make([]byte, 1000), make([]byte, 0, 2000)
		c.Seal(&s, dst, plain)
		if n := testing.AllocsPerRun(100, func() { c.Seal(&s, dst, plain) }); n > 0 {
			t.Errorf("%s: Seal allocates %.0f times", tls.CipherSuiteName(suite), n)
		}
		var recs [][]byte
		for range 110 {
			recs = append(recs, p.seal(23, plain...))
		}
		next := func() {
			if _, _, err := c.Open(&s, recs[0], nil); err != nil {
				t.Fatal(err)
			}
			recs = recs[1:]
		}
		next()
		if n := testing.AllocsPerRun(100, next); n > 0 {
			t.Errorf("%s: Open allocates %.0f times", tls.CipherSuiteName(suite), n)
		}
	}
}

func BenchmarkSeal(b *testing.B) {
	for _, n := range []int{128, 1 << 10, 16 << 10} {
		for _, cold := range []bool{false, true} {
			b.Run(fmt.Sprintf("payload=%dB/cold=%v", n, cold), func(b *testing.B) {
				c, _ := pair(b, suites[0])
				var s Scratch
				plain, dst := make([]byte, n), make([]byte, 0, n+Overhead)
				b.ReportAllocs()
				b.SetBytes(int64(n))
				for b.Loop() {
					c.write.seq = 0 // so that no key update is timed
					if cold {
						c.Cool()
					}
					c.Seal(&s, dst, plain)
				}
			})
		}
	}
}
