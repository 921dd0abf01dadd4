package conformance

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/flate"

	"github.com/wsedge/wsedge/internal/echo"
	"github.com/wsedge/wsedge/reactor"
)

// bomb is 64 MiB of zeros in 64 KiB.
var bomb = sync.OnceValue(func() []byte { return deflate(make([]byte, 64<<20)) })

// TestDeflateLimits runs DF-7 against a server with a limit, without and with context takeover.
func TestDeflateLimits(t *testing.T) {
	const limit = 70_000
	for _, takeover := range []bool{false, true} {
		_, target := listenEcho(t, reactor.Config{MaxMessageBytes: limit, Deflate: &reactor.DeflateOptions{Takeover: takeover}})
		rows := inflatedLimits(limit)
		for i := range rows {
			rows[i].ID += fmt.Sprintf(", takeover %t", takeover)
		}
		runRows(t, target, rows)
	}
}

// inflatedLimits are the rows DF-7 for a server with that limit, which is over 64 KiB.
func inflatedLimits(limit int) []Case {
	var s suite
	zeros, letters := make([]byte, limit+1), strings.Repeat("x", limit)
	noise := make([]byte, limit)
	rng := rand.New(rand.NewPCG(3, 4))
	for i := range noise {
		noise[i] = byte(rng.Uint32())
	}
	compressed := func(first byte, payload []byte) []byte { return rawFrame(first|rsv1, deflate(payload)) }
	for _, r := range []struct {
		name   string
		frames [][]byte
		want   event
	}{
		{"the limit of zeros", [][]byte{compressed(fin|binaryData, zeros[:limit])}, event{op: binaryData, payload: zeros[:limit]}},
		{"the limit of text", [][]byte{compressed(fin|text, []byte(letters))}, textEvent(letters)},
		{"the limit of noise", [][]byte{compressed(fin|binaryData, noise)}, event{op: binaryData, payload: noise}},
		{"the limit of noise in fragments", fragments(fin|rsv1|binaryData, deflate(noise), 1000), event{op: binaryData, payload: noise}},
	} {
		s.with(plainOffer, "DF-7/"+r.name, conversation{steps: says(r.frames...), want: []event{r.want}, sparse: true})
	}
	for name, frames := range map[string][][]byte{
		"a byte over the limit":              {compressed(fin|binaryData, zeros)},
		"a byte over the limit of text":      {compressed(fin|text, []byte(letters+"x"))},
		"a byte of noise over the limit":     {compressed(fin|binaryData, append(slices.Clone(noise), 1))},
		"a byte over the limit in fragments": fragments(fin|rsv1|binaryData, deflate(zeros), 3),
		"twice the limit":                    {compressed(fin|binaryData, make([]byte, 2*limit))},
		"a bomb":                             {rawFrame(fin|rsv1|binaryData, bomb())},
		"a bomb as text":                     {rawFrame(fin|rsv1|text, bomb())},
		"a bomb in fragments":                fragments(fin|rsv1|binaryData, bomb(), 200),
		"a long compressed payload":          {head(fin|rsv1|binaryData, 127, uint64(limit)+64<<10+1)},
		"a huge compressed payload":          {head(fin|rsv1|binaryData, 127, 1<<40)},
		"a plain byte over the limit":        {rawFrame(fin|binaryData, zeros)},
	} {
		s.with(plainOffer, "DF-7/"+name, conversation{steps: says(frames...), ending: fails, code: 1009, sparse: true})
		good := packed(text, "good")
		s.with(plainOffer, "DF-7/"+name+" behind a good message", conversation{
			steps: says(append([][]byte{good}, frames...)...), want: []event{textEvent("good")}, ending: fails, code: 1009, sparse: true})
	}
	return s
}

// TestBombsTakeLittleMemory is the other half of DF-7: what a bomb would become is not allocated.
func TestBombsTakeLittleMemory(t *testing.T) {
	const conns, limit = 16, 70_000
	_, target := listenEcho(t, reactor.Config{MaxMessageBytes: limit, Deflate: &reactor.DeflateOptions{}})
	c := conversation{steps: says(rawFrame(fin|rsv1|binaryData, bomb())), ending: fails, code: 1009}
	run := c.offering(plainOffer)
	got := allocated(func() {
		for range conns {
			if verdict, err := run(target, AsIs); verdict != Strict {
				t.Errorf("DF-7: %v: %v", verdict, err)
			}
		}
	})
	if most := uint64(conns * (connMemory + 4*limit)); got > most {
		t.Errorf("DF-7: %d bytes for %d bombs, want at most %d", got, conns, most)
	}
}

// speaker compresses the client's messages as was negotiated.
type speaker struct {
	w        *flate.Writer
	out      bytes.Buffer
	takeover bool
}

// newSpeaker keeps to the answer: a window that it names, and context where neither side has ruled it out.
func newSpeaker(offer, answer string) (*speaker, error) {
	params, err := parseParams(answer)
	if err != nil {
		return nil, err
	}
	bits := 15
	if v := params["client_max_window_bits"]; v != "" {
		if bits, err = strconv.Atoi(v); err != nil {
			return nil, err
		}
	}
	_, alone := params["client_no_context_takeover"]
	s := &speaker{takeover: !alone && !strings.Contains(offer, "client_no_context_takeover")}
	if bits == 15 {
		s.w, err = flate.NewWriter(&s.out, flate.BestSpeed)
	} else {
		s.w, err = flate.NewWriterWindow(&s.out, 1<<bits)
	}
	return s, err
}

func (s *speaker) message(op byte, payload []byte) []byte {
	if !s.takeover {
		s.w.Reset(&s.out)
	}
	s.out.Reset()
	_, _ = s.w.Write(payload)
	_ = s.w.Flush()
	return rawFrame(fin|rsv1|op, bytes.TrimSuffix(s.out.Bytes(), []byte("\x00\x00\xFF\xFF")))
}

// dialogue has count messages compressed and sent back, one after the other, on a connection with that offer; byte by byte
// a tenth of them, and at least two.
type dialogue struct {
	offer          string
	count          int
	largest        int
	server, client bool // context takeover, as it must be agreed on; any: whatever comes
	any            bool
}

func (d dialogue) run(target Target, mode Mode) (Verdict, error) {
	s, err := open(target, mode, d.offer)
	if err != nil {
		return Failed, err
	}
	defer s.close()
	s.sparse = true
	if s.answer == "" {
		return Failed, errDeclined
	}
	speaks, err := newSpeaker(d.offer, s.answer)
	if err != nil {
		return Failed, err
	}
	params, _ := parseParams(s.answer)
	_, serverAlone := params["server_no_context_takeover"]
	if !d.any && (serverAlone == d.server || speaks.takeover != d.client) {
		return Failed, fmt.Errorf("the answer %q to %q", s.answer, d.offer)
	}
	source, at := sources[0].bytes(), 0
	rng := rand.New(rand.NewPCG(5, 6))
	count := d.count
	if mode == ByteByByte {
		count = max(2, count/10)
	}
	for i := range count {
		var payload []byte
		op := []byte{text, binaryData}[i%2]
		payload, at = window(source, at, rng.IntN(d.largest), op == text)
		if i%3 == 2 { // something that only a far reference makes small
			at = (at + len(source) - 5000) % len(source)
		}
		_ = s.conn.SetDeadline(time.Now().Add(patience)) // for each message, as there are many
		s.say(speaks.message(op, payload), 0)
		if i%50 == 9 { // a plain message is no part of the context
			s.say(rawFrame(fin|text, []byte(kosme)), 0)
		}
		if e, ok := s.await(); !ok || !sameEvent(e, event{op: op, payload: payload}) {
			return Failed, fmt.Errorf("message %d of %d bytes: got %v, %v", i, len(payload), e, s.cause(ok))
		}
		if i%50 == 9 {
			if e, ok := s.await(); !ok || !sameEvent(e, textEvent(kosme)) {
				return Failed, fmt.Errorf("plain message behind %d: got %v, %v", i, e, s.cause(ok))
			}
		}
	}
	last := conversation{}
	return last.on(s)
}

// TestTakeover runs DF-9: context is kept where both sides want it, each way for itself.
func TestTakeover(t *testing.T) {
	with := Target{Address: startEcho(t, echo.Config{DeflateTakeover: true}), Path: "/"}
	without := Target{Address: startEcho(t, echo.Config{}), Path: "/"}
	for _, server := range []bool{true, false} {
		for _, client := range []bool{true, false} {
			offer := plainOffer + "; client_max_window_bits"
			if !server {
				offer += "; server_no_context_takeover"
			}
			if !client {
				offer += "; client_no_context_takeover"
			}
			name := fmt.Sprintf("server %t, client %t", server, client)
			kept := dialogue{offer: offer, count: 500, largest: 1500, server: server, client: client}
			runRows(t, with, []Case{{ID: "DF-9/kept, " + name, Run: kept.run}})
			alone := dialogue{offer: offer, count: 500, largest: 1500}
			runRows(t, without, []Case{{ID: "DF-9/never kept, " + name, Run: alone.run}})
		}
	}
	for name, target := range map[string]Target{"kept": with, "not kept": without} {
		t.Run("DF-9/10000 messages, "+name, func(t *testing.T) {
			t.Parallel()
			d := dialogue{offer: plainOffer, count: 10_000, largest: 700, any: true}
			if verdict, err := d.run(target, AsIs); verdict != Strict {
				t.Errorf("%v: %v", verdict, err)
			}
		})
	}
	runRows(t, with, sharedContext())
}

// sharedContext are the rows of DF-9 that only a server with takeover passes (RFC 7692, section 7.2.3.2).
func sharedContext() []Case {
	var s suite
	again := unhex("f2 00 11 00 00")
	hello := textEvent("Hello")
	s.with(plainOffer, "DF-9/reference to an earlier message", conversation{
		steps: says(frame(fin|rsv1|text, helloStream), frame(fin|rsv1|text, again), frame(fin|rsv1|text, again)), want: []event{hello, hello, hello}})
	s.with(plainOffer, "DF-9/reference behind a plain message", conversation{
		steps: says(frame(fin|rsv1|text, helloStream), frame(fin|text, "plain"), frame(fin|rsv1|text, again)), want: []event{hello, textEvent("plain"), hello}})
	s.with(plainOffer, "DF-9/reference behind an empty message", conversation{
		steps: says(frame(fin|rsv1|text, helloStream), frame(fin|rsv1|text, "\x00"), frame(fin|rsv1|text, again)), want: []event{hello, textEvent(""), hello}})
	s.with(plainOffer, "DF-9/reference behind a final block", conversation{
		steps: says(frame(fin|rsv1|text, unhex("f3 48 cd c9 c9 07 00 00")), frame(fin|rsv1|text, again)), want: []event{hello, hello}})
	s.with(plainOffer, "DF-9/reference in fragments with a ping", conversation{want: []event{hello, pongEvent("p"), hello},
		steps: says(frame(fin|rsv1|text, helloStream), frame(rsv1|text, again[:2]), frame(fin|ping, "p"), frame(fin|continuation, again[2:]))})
	for name, c := range map[string]conversation{
		"DF-9/reference before the first message": {steps: says(frame(fin|rsv1|text, again))},
		"DF-9/reference to a plain message":       {steps: says(frame(fin|text, "Hello"), frame(fin|rsv1|text, again)), want: []event{hello}},
	} {
		c.ending, c.code, c.orCode = fails, 1007, 1002
		s.with(plainOffer, name, c)
	}
	s.with(plainOffer+"; client_no_context_takeover", "DF-9/reference against the offer", conversation{
		steps: says(frame(fin|rsv1|text, helloStream), frame(fin|rsv1|text, again)), want: []event{hello}, ending: fails, code: 1007, orCode: 1002})
	return s
}

// TestDeflateOffers runs DF-10, DF-11 and DF-12 against servers that keep context and that do not.
func TestDeflateOffers(t *testing.T) {
	runRows(t, Target{Address: startEcho(t, echo.Config{}), Path: "/"}, offerRows())
	runRows(t, Target{Address: startEcho(t, echo.Config{DeflateTakeover: true}), Path: "/"}, offerRows())
	never := conversation{steps: says(frame(fin|text, "Hello")), want: []event{textEvent("Hello")}}
	off := Case{ID: "DF-13/a server that does not compress", Run: never.declined(defaultOffer)}
	never.steps, never.want, never.ending, never.code = says(frame(fin|rsv1|text, helloStream)), nil, fails, 1002
	refused := Case{ID: "DF-13/compressed to a server that does not compress", Run: never.declined(defaultOffer)}
	runRows(t, Target{Address: startEcho(t, echo.Config{NoDeflate: true}), Path: "/"}, []Case{off, refused})
}

// offerRows are DF-10, DF-11 and DF-12.
func offerRows() []Case {
	return slices.Concat(badOffers(), windowOffers(), manyOffers())
}

// badParams are those that make an element of an offer one to decline (RFC 7692, section 7.1).
var badParams = []string{
	"server_max_window_bits=7", "server_max_window_bits=8", "server_max_window_bits=16", "server_max_window_bits=08", "server_max_window_bits=09",
	"server_max_window_bits=015", "server_max_window_bits=0", "server_max_window_bits=-9", "server_max_window_bits=1e1", "server_max_window_bits=256",
	"server_max_window_bits=x", `server_max_window_bits="16"`, "server_max_window_bits=4294967305", "server_max_window_bits",
	"client_max_window_bits=7", "client_max_window_bits=8", "client_max_window_bits=16", "client_max_window_bits=08", "client_max_window_bits=0",
	"client_max_window_bits=x", `client_max_window_bits="7"`,
	"server_no_context_takeover=1", "server_no_context_takeover=true", "client_no_context_takeover=0", `client_no_context_takeover="x"`,
	"unknown", "unknown=1", "max_window_bits=12", "SERVER_MAX_WINDOW_BITS_=9",
	"server_no_context_takeover; server_no_context_takeover", "client_no_context_takeover; client_no_context_takeover",
	"server_max_window_bits=10; server_max_window_bits=10", "client_max_window_bits; client_max_window_bits=10", "client_max_window_bits=9; client_max_window_bits",
	"server_no_context_takeover; unknown", "client_max_window_bits; server_max_window_bits=7",
}

// badOffers are DF-10: an illegal element is declined, not the handshake; what is no list of extensions at all is refused
// with it (RFC 6455, section 9.1).
func badOffers() []Case {
	var s suite
	plain := conversation{steps: says(frame(fin|text, "plain")), want: []event{textEvent("plain")}}
	long := string(fillText(3000))
	packs := conversation{steps: says(packed(text, long)), want: []event{textEvent(long)}, sparse: true}
	for _, bad := range badParams {
		offer := plainOffer + "; " + bad
		s = append(s, Case{ID: "DF-10/" + bad, Run: plain.declined(offer)})
		s.with(offer+", "+plainOffer, "DF-10/next offer behind "+bad, packs)
		s.with(offer+", "+offer+", "+defaultOffer, "DF-10/third offer behind "+bad, packs)
	}
	for _, malformed := range []string{`server_max_window_bits=""`, "server_max_window_bits=", "client_max_window_bits=", `server_max_window_bits="1 0"`, `server_max_window_bits="10`, "=10", "server max"} {
		s = append(s, Case{ID: "DF-10/malformed " + malformed, Run: func(target Target, mode Mode) (Verdict, error) {
			session, err := open(target, mode, plainOffer+"; "+malformed)
			if err == nil {
				session.close()
				return Failed, fmt.Errorf("answered with %q", session.answer)
			}
			if !strings.Contains(err.Error(), "HTTP/1.1 400 ") {
				return Failed, err
			}
			return Strict, nil
		}})
	}
	return s
}

// windowOffers are DF-11. That the answer keeps to the offer is checked with each handshake, and that no message needs a
// larger window than agreed, with each message.
func windowOffers() []Case {
	var rows []Case
	add := func(offer string) {
		d := dialogue{offer: offer, count: 6, largest: 45_000, any: true}
		rows = append(rows, Case{ID: "DF-11/" + offer, Sparse: true, Run: d.run})
	}
	for bits := 9; bits <= 15; bits++ {
		for _, client := range []string{"", "; client_max_window_bits", fmt.Sprintf("; client_max_window_bits=%d", bits), "; client_max_window_bits=15", "; client_no_context_takeover"} {
			add(fmt.Sprintf("%s; server_max_window_bits=%d%s", plainOffer, bits, client))
		}
		add(fmt.Sprintf("%s; client_max_window_bits=%d", plainOffer, bits))
		add(fmt.Sprintf("%s; server_no_context_takeover; server_max_window_bits=%d", plainOffer, bits))
	}
	add(plainOffer + "; client_max_window_bits=\"12\"")
	add(" \t" + plainOffer + " ;\tclient_max_window_bits ; server_no_context_takeover\t")
	return rows
}

// manyOffers are DF-12.
func manyOffers() []Case {
	var s suite
	plain := conversation{steps: says(frame(fin|text, "plain")), want: []event{textEvent("plain")}}
	packs := conversation{steps: says(packed(text, "Hello")), want: []event{textEvent("Hello")}}
	list := func(element string, n int) string { return strings.Join(slices.Repeat([]string{element}, n), ", ") }
	bad := list(plainOffer+"; server_max_window_bits=7", 99)
	s.with(bad+", "+plainOffer, "DF-12/99 bad ones and a good one", packs)
	s.with(plainOffer+", "+bad, "DF-12/a good one and 99 bad ones", packs)
	s.with(list(plainOffer, 100), "DF-12/100 good ones", packs)
	s.with(list("x-unknown; a=b; c", 99)+", "+plainOffer, "DF-12/99 unknown ones and a good one", packs)
	s.with("x-unknown"+strings.Repeat("\r\nSec-WebSocket-Extensions: x-unknown", 20)+", "+plainOffer, "DF-12/the last of 21 lines", packs)
	s = append(s,
		Case{ID: "DF-12/100 bad ones", Run: plain.declined(bad + ", " + plainOffer + "; unknown")},
		Case{ID: "DF-12/100 unknown ones", Run: plain.declined(list("x-unknown", 100))},
		Case{ID: "DF-12/other names", Run: plain.declined("x-webkit-deflate-frame, deflate-frame, permessage-bzip2, permessage-deflat, permessage-deflate2")})
	return s
}
