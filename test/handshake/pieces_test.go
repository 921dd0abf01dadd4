package handshake

import (
	"runtime"
	"strings"
	"testing"

	"github.com/wsedge/wsedge/frame"
	"github.com/wsedge/wsedge/reactor"
)

// taken waits until the server has read n bytes since it began.
func taken(t testing.TB, s *reactor.Server, n int) {
	t.Helper()
	for range 1000 { // in vain only on a busy machine
		if s.Stats().BytesIn >= int64(n) {
			return
		}
		runtime.Gosched()
	}
	eventually(t, "all bytes read", func() bool { return s.Stats().BytesIn >= int64(n) })
}

// cutEverywhere says whole once for each position it can be cut at, on a conn of its own, with the second piece sent after
// the server has read the first; judge looks at each answer.
func cutEverywhere(t *testing.T, s *reactor.Server, whole string, judge func(p *peer, cut int)) {
	t.Helper()
	peers := make([]*peer, len(whole))
	sent := 0
	for cut := 1; cut < len(whole); cut++ {
		peers[cut] = connect(t, s.Addr())
		peers[cut].write(whole[:cut])
		sent += cut
	}
	taken(t, s, sent)
	for cut := 1; cut < len(whole); cut++ {
		peers[cut].write(whole[cut:])
		judge(peers[cut], cut)
		peers[cut].Close()
	}
}

// byteByByte says whole with each byte read before the next is sent.
func byteByByte(t *testing.T, s *reactor.Server, whole string) *peer {
	t.Helper()
	before := int(s.Stats().BytesIn)
	p := connect(t, s.Addr())
	for i := range len(whole) {
		p.write(whole[i : i+1])
		taken(t, s, before+i+1)
	}
	return p
}

// HS-26
func TestCutAtEveryByte(t *testing.T) {
	t.Parallel()
	s := serve(t, reactor.Config{})
	cutEverywhere(t, s, upgrade, func(p *peer, _ int) {
		p.wantSwitch()
		p.wantEcho()
	})
}

// HS-26
func TestByteByByte(t *testing.T) {
	t.Parallel()
	s := serve(t, reactor.Config{})
	p := byteByByte(t, s, upgrade)
	p.wantSwitch()
	p.wantEcho()
}

// HS-26: a head at the limits, in single bytes, is as good as in one piece; one beyond is refused, cut anywhere. That the
// work for it is linear is shown in frame by counting: its scanner never looks at a byte twice.
func TestH3LongHeadByteByByte(t *testing.T) {
	t.Parallel()
	s := serve(t, reactor.Config{})
	p := byteByByte(t, s, headOf(8192))
	p.wantSwitch()
	p.wantEcho()
	p = byteByByte(t, s, headOf(8193)[:8192])
	p.wantRefusal("431 head_too_big", false)
}

// eager is what a client says that does not wait for the 101, and eagerEcho what it must hear.
var (
	eager = masked(frame.OpText, "eager") + masked(frame.OpPing, "?") +
		string(frame.AppendMaskedHeader(nil, false, frame.OpText, 2, [4]byte{})) + "in" +
		masked(frame.OpPong, "unasked") +
		string(frame.AppendMaskedHeader(nil, true, frame.OpContinuation, 7, [4]byte{})) + " pieces" +
		masked(frame.OpBinary, strings.Repeat("b", 200)) +
		masked(frame.OpClose, "\x03\xe8")
	eagerEcho = "\x81\x05eager" + "\x8a\x01?" + "\x81\x09in pieces" +
		"\x82\x7e\x00\xc8" + strings.Repeat("b", 200) + "\x88\x02\x03\xe8"
)

// HS-27, H12: frames in the segment of the handshake are messages like any others.
func TestEagerFrames(t *testing.T) {
	t.Parallel()
	s := serve(t, reactor.Config{})
	hear := func(p *peer, _ int) {
		p.wantSwitch()
		p.wantBytes(eagerEcho)
		p.wantEnd()
	}
	p := connect(t, s.Addr())
	p.write(upgrade + eager)
	hear(p, 0)
	cutEverywhere(t, s, upgrade+eager, hear)
	hear(byteByByte(t, serve(t, reactor.Config{}), upgrade+eager), 0)
}

// H12: more than a loop reads at once, right behind the handshake, is not lost either.
func TestManyEagerFrames(t *testing.T) {
	t.Parallel()
	const messages = 500 // below every limit of frames a second
	s := serve(t, reactor.Config{})
	p := connect(t, s.Addr())
	say := upgrade + strings.Repeat(masked(frame.OpText, strings.Repeat("x", 1000)), messages)
	written := make(chan error, 1)
	go func() {
		_, err := p.Write([]byte(say))
		written <- err
	}()
	p.wantSwitch()
	p.wantBytes(strings.Repeat("\x81\x7e\x03\xe8"+strings.Repeat("x", 1000), messages))
	if err := <-written; err != nil {
		t.Error(err)
	}
	p.wantEcho()
}

// H5: refusals of a request in two pieces, wherever it is cut, are the same, and what follows is never read as HTTP.
func TestRefusalCutAtEveryByte(t *testing.T) {
	t.Parallel()
	for _, row := range []refusal{
		{"HS-12", with(": 13", ": 8"), "426 websocket_version"},
		{"HS-21", plus("Content-Length: 3") + "abc", "400 body_with_upgrade"},
		{"HS-23", plus("Expect: 100-continue"), "417 expect_with_upgrade"},
	} {
		s := serve(t, reactor.Config{LingerTimeout: patience}) // the second piece comes after the answer
		cutEverywhere(t, s, row.request+behind, func(p *peer, _ int) { p.wantRefusal(row.want, false) })
	}
}
