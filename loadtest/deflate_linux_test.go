package loadtest

import (
	"bytes"
	"compress/flate"
	"encoding/json"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/wsedge/wsedge/frame"
)

const (
	acceptEach     = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
	acceptTakeover = "permessage-deflate"
)

var deflates = []struct {
	offer  Deflate
	accept string
}{
	{DeflateEach, acceptEach},
	{DeflateEach, ""},
	{DeflateTakeover, acceptTakeover},
	{DeflateTakeover, acceptEach},
	{DeflateTakeover, ""},
}

func TestParseDeflate(t *testing.T) {
	for text, want := range map[string]Deflate{"": DeflateEach, "true": DeflateEach, "each": DeflateEach, "takeover": DeflateTakeover, "false": NoDeflate} {
		if got, err := ParseDeflate(text); got != want || err != nil {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
	if _, err := ParseDeflate("9"); err == nil {
		t.Error("9 passes")
	}
}

func TestFanoutCompressed(t *testing.T) {
	for _, d := range deflates {
		for _, payload := range []int{500, 70_000} {
			t.Run(string(d.offer)+" "+d.accept, func(t *testing.T) {
				t.Parallel()
				s := &pushServer{ping: true, deflate: d.accept}
				s.start(t)
				cfg := shortFanout(s.url("/ws"))
				cfg.Deflate, cfg.Payload, cfg.Drain = d.offer, payload, 20*time.Second
				cfg.Rate = 50
				r := mustRun(t, cfg)
				wantSound(t, r)
				got := r.Deflate.Counts
				want := DeflateCounts{}
				if d.accept != "" {
					want = DeflateCounts{Accepted: 5, Messages: 5 * (r.Publications.Acknowledged + 2), CompressedBytes: got.CompressedBytes, SentMessages: got.SentMessages}
					if d.accept == acceptTakeover {
						want.ServerTakeover = 5
					}
					const welcome, subscribed = `{"type":"welcome"}`, `{"type":"subscribed","id":1,"channel":"load"}`
					const envelope = `{"type":"message","channel":"load","data":""}`
					want.InflatedBytes = 5*uint64(len(welcome)+len(subscribed)) + r.Ledger.Received*uint64(len(envelope)+payload)
				}
				if got != want || d.accept != "" && (got.CompressedBytes > got.InflatedBytes/2 || r.Messages.BytesReceived > got.InflatedBytes/2) {
					t.Errorf("%+v, want %+v; %d bytes received", got, want, r.Messages.BytesReceived)
				}
			})
		}
	}
}

func TestEchoCompressed(t *testing.T) {
	for _, d := range deflates {
		for _, payload := range []int{MinPayload, 2000} {
			t.Run(string(d.offer)+" "+d.accept, func(t *testing.T) {
				t.Parallel()
				s := &pushServer{deflate: d.accept}
				s.startTLS(t, nil)
				cfg := shortEcho(s.url("/echo"), 500)
				cfg.Deflate, cfg.Payload, cfg.TLS.CA, cfg.Drain = d.offer, payload, testAuthority.PEM(), 20*time.Second
				r := mustRun(t, cfg)
				wantSound(t, r)
				if d.accept != "" && payload > MinPayload && r.Deflate.Counts.SentMessages != r.Messages.Sent {
					t.Errorf("%+v, %d sent", r.Deflate, r.Messages.Sent)
				}
			})
		}
	}
}

// TestEqualBytesThatAreOtherMessages has two connections whose windows differ, so that the same compressed bytes are another
// message on each: taking one for the other would lose a publication and invent one.
func TestEqualBytesThatAreOtherMessages(t *testing.T) {
	spec := &workerSpec{Scenario: Fanout, Conns: 2, Threads: 1, Topics: topicPlan{Channel: "load", Sizes: []int{1}, Publishers: 1}, Payload: 300, Run: 7, SequenceLimit: 10}
	l, err := newLoop(spec, 0, 0, 2)
	if err != nil {
		t.Fatal(err)
	}
	defer l.closeDescriptors()
	l.window = window{Send: 0, From: 0, End: never}
	deflater := frame.NewDeflater(frame.MaxWindowBits, 1)
	var again [2][]byte
	for slot := range l.conns {
		c := &l.conns[slot]
		c.state = stateReady
		l.deflateAgreed(c, frame.Deflate{ServerWindowBits: 15, ClientWindowBits: 15, ServerTakeover: true})
		message := appendStamp(nil, stamp{Run: 7, Sequence: uint32(slot), Intended: 1}, 300)
		window := frame.NewWindow(15)
		first, _ := deflater.AppendFrame(nil, frame.OpText, message, window)
		l.consume(slot, c, first)
		again[slot], _ = deflater.AppendFrame(nil, frame.OpText, message, window)
	}
	if !bytes.Equal(again[0], again[1]) {
		t.Fatal("the bytes are not equal: this proves nothing")
	}
	for slot := range l.conns {
		l.consume(slot, &l.conns[slot], bytes.Clone(again[slot]))
	}
	if got := l.ledger.counts.Duplicated; got != 2 || l.tally.counts.Delivered != 2 {
		t.Errorf("%d doubled, %d delivered; want each message twice on its own connection", got, l.tally.counts.Delivered)
	}
}

// deflated is what a message compresses to, without the tail.
func deflated(text string) string {
	var sink bytes.Buffer
	w, _ := flate.NewWriter(&sink, flate.BestCompression)
	_, _ = w.Write([]byte(text))
	_ = w.Flush()
	return strings.TrimSuffix(sink.String(), "\x00\x00\xff\xff")
}

// compressedFrame is one frame of a message that may or may not be compressed properly.
func compressedFrame(body string) string {
	out := frame.AppendHeader(nil, true, frame.OpText, len(body))
	out[0] |= 0x40
	return string(out) + body
}

func TestBadServersOfDeflate(t *testing.T) {
	const extensions = "Sec-WebSocket-Extensions: "
	answer := func(accept, frames string) func(net.Conn, []byte) {
		return func(conn net.Conn, answer []byte) {
			head := bytes.Replace(answer, []byte("\r\n\r\n"), []byte("\r\n"+extensions+accept+"\r\n\r\n"), 1)
			badBytes(false, string(head)+frames)(conn, nil)
		}
	}
	hello := deflated("hello, hello, hello")
	cases := []struct {
		name   string
		script func(net.Conn, []byte)
		want   string
	}{
		{"takeover though it was declined", answer("permessage-deflate", ""), `"bad_handshake":{"deflate_answer":1}`},
		{"an unknown parameter", answer(acceptEach+"; level=9", ""), `"bad_handshake":{"deflate_answer":1}`},
		{"a window for the client", answer(acceptEach+"; client_max_window_bits=9", ""), `"bad_handshake":{"deflate_answer":1}`},
		{"twice", answer(acceptEach+", "+acceptEach, ""), `"bad_handshake":{"deflate_answer":1}`},
		{"another extension", answer("x-webkit-deflate-frame", ""), `"bad_handshake":{"extension_not_offered":1}`},
		{"compressed though it was declined", badBytes(true, compressedFrame(hello)), `"protocol":{"reserved_bits":1}`},
		{"a bomb", answer(acceptEach, compressedFrame(deflated(strings.Repeat("0", 8<<20)))), `"protocol":{"message_too_big":1}`},
		{"no DEFLATE", answer(acceptEach, compressedFrame("\xff\xff\xff")), `"protocol":{"invalid_deflate":1}`},
		{"compressed text that is none", answer(acceptEach, compressedFrame(deflated("\xff\xff\xff"))), `"protocol":{"invalid_utf8":1}`},
		{"a compressed ping", answer(acceptEach, "\xc9\x00"), `"protocol":{"reserved_bits":1}`},
		{"RSV1 on a continuation", answer(acceptEach, "\x01\x00\xc0\x00"), `"protocol":{"reserved_bits":1}`},
		{"a reference to a window that is not kept", answer(acceptEach, compressedFrame(hello)+compressedFrame("\x02\x13\x00")), `"protocol":{"invalid_deflate":1}`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := startBadServer(t, c.script)
			r := mustRun(t, Config{
				Scenario: Idle, URL: "ws://" + s.listener.Addr().String() + "/ws/raw", Conns: 2, Threads: 1, ConnectRate: 1e6,
				Duration: 20 * time.Millisecond, Settle: 20 * time.Millisecond, SetupTimeout: 10 * time.Second, Deflate: DeflateEach,
			})
			text, err := json.Marshal(r.Errors)
			if err != nil {
				t.Fatal(err)
			}
			if r.Errors.Total != 1 || !strings.Contains(string(text), c.want) {
				t.Errorf("counted as %s, want only %s", text, c.want)
			}
		})
	}
}

// TestCompressedInEveryCut reads a compressed message in two parts, cut at every byte, and in single bytes.
func TestCompressedInEveryCut(t *testing.T) {
	message := appendStamp(nil, stamp{Run: 7, Intended: 1}, 300)
	stream := []byte(compressedFrame(deflated(string(message))))
	for cut := range stream {
		spec := &workerSpec{Scenario: Fanout, Conns: 1, Threads: 1, Topics: topicPlan{Channel: "load", Sizes: []int{1}, Publishers: 1}, Payload: 300, Run: 7, SequenceLimit: 10}
		l, err := newLoop(spec, 0, 0, 1)
		if err != nil {
			t.Fatal(err)
		}
		c := &l.conns[0]
		c.state, l.window = stateReady, window{End: never}
		l.deflateAgreed(c, frame.Deflate{ServerWindowBits: 15, ClientWindowBits: 15})
		l.consume(0, c, bytes.Clone(stream[:cut]))
		l.consume(0, c, bytes.Clone(stream[cut:]))
		if l.tally.counts.Delivered != 1 || l.deflateCounts().Messages != 1 {
			t.Errorf("cut at %d: %+v, %+v", cut, l.tally.counts, l.deflateCounts())
		}
		l.closeDescriptors()
	}
}
