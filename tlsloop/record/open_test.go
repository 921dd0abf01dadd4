package record

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"testing"

	"github.com/wsedge/wsedge/tlsloop/internal/peer"
)

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
			plain, reply, err := conn.Open(&s, p.Inner(c.inner), nil)
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
func wantFatal(t *testing.T, c *Conn, p *peer.Peer, reply []byte, err error, want tls.AlertError) {
	t.Helper()
	if op, alert := alertOf(err); op != "local error" || alert != want {
		t.Errorf("error %v", err)
	}
	kind, content, err := p.Open(reply)
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
			plain, reply, err := conn.Open(&s, c.change(p.Seal(23, []byte("hello")...)), nil)
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
		rec := p.Seal(23, []byte("hello")...)
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
	first := p.Seal(23, 1)
	if _, _, err := c.Open(&s, bytes.Clone(first), nil); err != nil {
		t.Fatal(err)
	}
	_, _, err := c.Open(&s, first, nil)
	if _, alert := alertOf(err); alert != alertBadRecordMAC {
		t.Errorf("replayed: %v", err)
	}
	c, p = pair(t, suites[0])
	p.Seal(23, 1)
	_, _, err = c.Open(&s, p.Seal(23, 2), nil)
	if _, alert := alertOf(err); alert != alertBadRecordMAC {
		t.Errorf("reordered: %v", err)
	}
}

func TestFatalAlertFromThePeer(t *testing.T) {
	c, p := pair(t, suites[0])
	var s Scratch
	_, reply, err := c.Open(&s, p.Seal(21, 2, alertInternalError), nil)
	if op, alert := alertOf(err); op != "remote error" || alert != alertInternalError {
		t.Errorf("error %v", err)
	}
	if len(reply)+len(c.Seal(&s, nil, []byte("x")))+len(c.CloseNotify(&s, nil)) > 0 {
		t.Error("answered a fatal alert")
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
