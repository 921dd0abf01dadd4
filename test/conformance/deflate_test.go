package conformance

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/wsedge/wsedge/internal/echo"
)

// TestDeflate runs what the suite does not ask about permessage-deflate.
func TestDeflate(t *testing.T) {
	runRows(t, Target{Address: startEcho(t, echo.Config{}), Path: "/"}, deflateRows())
}

// deflateRows are the rows DF that any server passes which sends messages back and takes offers of permessage-deflate,
// whether it keeps context or not.
func deflateRows() []Case {
	return slices.Concat(compressedBits(), plainMessages(), brokenStreams(), oddStreams(), inflatedTexts(), interleaved(), notNegotiated())
}

// plainOffer leaves both contexts to the server.
const plainOffer = "permessage-deflate"

// with adds the conversation on a connection that has negotiated compression.
func (s *suite) with(offer, id string, c conversation) {
	*s = append(*s, Case{ID: id, Sparse: c.sparse, Run: c.offering(offer)})
}

// unhex reads bytes as RFC 7692 writes them.
func unhex(s string) string {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		panic(err)
	}
	return string(b)
}

// packed is a message of one frame whose payload is compressed.
func packed(op byte, payload string) []byte {
	return rawFrame(fin|rsv1|op, deflate([]byte(payload)))
}

// helloStream is "Hello" (RFC 7692, section 7.2.3.1).
var helloStream = unhex("f2 48 cd c9 c9 07 00")

// compressedBits are DF-1: RSV1 stands on the first frame of a message only, and the other bits still mean nothing.
func compressedBits() []Case {
	var s suite
	first := frame(rsv1|text, helloStream[:3])
	for name, frames := range map[string][][]byte{
		"RSV1 on a ping":                       {frame(fin|rsv1|ping, "ping")},
		"RSV1 on a pong":                       {frame(fin|rsv1|pong, "")},
		"RSV1 on a close":                      {frame(fin|rsv1|closing, "\x03\xE8")},
		"RSV1 on a continuation":               {first, frame(fin|rsv1|continuation, helloStream[3:])},
		"RSV1 on a middle continuation":        {first, frame(rsv1|continuation, helloStream[3:])},
		"RSV1 on a continuation of plain text": {frame(text, "Hello"), frame(fin|rsv1|continuation, helloStream)},
		"RSV1 on an orphan continuation":       {frame(fin|rsv1|continuation, helloStream)},
		"RSV1 on a ping between fragments":     {first, frame(fin|rsv1|ping, "")},
		"RSV1 on a reserved opcode":            {frame(fin|rsv1|3, helloStream)},
		"RSV1 on a reserved control opcode":    {frame(fin|rsv1|11, "")},
		"RSV2":                                 {frame(fin|rsv2|text, "Hello")},
		"RSV3":                                 {frame(fin|rsv3|binaryData, "Hello")},
		"RSV1 and RSV2":                        {frame(fin|rsv1|rsv2|text, helloStream)},
		"RSV1 and RSV3":                        {frame(fin|rsv1|rsv3|text, helloStream)},
		"RSV1, RSV2 and RSV3":                  {frame(fin|7<<4|binaryData, helloStream)},
		"RSV2 on a continuation":               {first, frame(fin|rsv2|continuation, helloStream[3:])},
		"RSV3 on a ping":                       {frame(fin|rsv3|ping, "")},
	} {
		s.with(plainOffer, "DF-1/"+name, conversation{steps: says(frames...), ending: fails, code: 1002})
	}
	return s
}

// plainMessages are DF-2.
func plainMessages() []Case {
	var s suite
	long := string(fillText(20_000))
	s.with(plainOffer, "DF-2/plain text", conversation{steps: says(frame(fin|text, "Hello")), want: []event{textEvent("Hello")}})
	s.with(plainOffer, "DF-2/empty plain text", conversation{steps: says(frame(fin|text, "")), want: []event{textEvent("")}})
	s.with(plainOffer, "DF-2/long plain text", conversation{steps: says(frame(fin|text, long)), want: []event{textEvent(long)}, sparse: true})
	s.with(plainOffer, "DF-2/plain fragments", conversation{steps: says(frame(text, "Hel"), frame(fin|continuation, "lo")), want: []event{textEvent("Hello")}})
	s.with(plainOffer, "DF-2/plain message that looks compressed", conversation{steps: says(frame(fin|binaryData, helloStream)), want: []event{binaryEvent(helloStream)}})
	s.with(plainOffer, "DF-2/plain text that is no UTF-8", conversation{steps: says(frame(fin|text, "\xFF")), ending: fails, code: 1007})
	s.with(plainOffer, "DF-2/plain and compressed in turn", conversation{sparse: true,
		steps: says(frame(fin|text, "one"), packed(text, "two"), frame(fin|text, long), packed(text, long), frame(fin|binaryData, "five")),
		want:  []event{textEvent("one"), textEvent("two"), textEvent(long), textEvent(long), binaryEvent("five")}})
	return s
}

// brokenStreams are DF-3. Those of the invalid codes come from the tests of the zlib library.
func brokenStreams() []Case {
	var s suite
	noise := deflate(sources[4].bytes()[:3000])
	for name, stream := range map[string]string{
		"nothing at all":                   "",
		"noise":                            strings.Repeat("\xFF", 100),
		"reserved block type":              unhex("06"),
		"stored block with bad lengths":    unhex("00 05 00 fa fe 48 65 6c 6c 6f 00"),
		"stored block cut":                 unhex("00 05 00 fa ff 48 65"),
		"stored block of lengths 0 and 0":  unhex("00 00 00 00 00"),
		"too many symbols":                 unhex("fc 00 00"),
		"invalid code lengths":             unhex("04 00 fe ff"),
		"repeat of nothing":                unhex("04 00 24 49 00"),
		"repeat beyond the end":            unhex("04 00 24 e9 ff ff"),
		"invalid literal codes":            unhex("04 80 49 92 24 49 92 24 71 ff ff 93 11 00"),
		"invalid distance codes":           unhex("04 80 49 92 24 49 92 24 0f b4 ff ff c3 84"),
		"no such distance":                 unhex("02 7e ff ff"),
		"distance before the start":        unhex("0c c0 81 00 00 00 00 00 90 ff 6b 04 00"),
		"reference to an earlier message":  unhex("f2 00 11 00 00"),
		"cut in the middle":                string(noise[:len(noise)/2]),
		"cut inside a code":                helloStream[:4],
		"end without an empty block":       helloStream[:len(helloStream)-1],
		"tail left on":                     helloStream + "\x00\xFF\xFF",
		"empty block and tail left on":     helloStream + "\x00\x00\xFF\xFF",
		"garbage behind":                   helloStream + "garbage",
		"one byte behind":                  helloStream + "\xFF",
		"garbage behind the final block":   unhex("f3 48 cd c9 c9 07 00 ff ff ff"),
		"final block and nothing behind":   unhex("f3 48 cd c9 c9 07"),
		"plain text":                       "Hello, world!",
		"zlib header":                      "\x78\x9C" + helloStream,
		"gzip header":                      "\x1F\x8B\x08\x00\x00\x00\x00\x00\x00\xFF" + helloStream,
		"stored block over 64 KiB missing": "\x00\xFF\xFF\x00\x00" + strings.Repeat("x", 100),
	} {
		s.with(plainOffer, "DF-3/"+name, conversation{steps: says(frame(fin|rsv1|text, stream)), ending: fails, code: 1007, orCode: 1002})
		s.with(plainOffer, "DF-3/"+name+" behind a good message", conversation{
			steps: says(packed(text, "good"), frame(fin|rsv1|binaryData, stream)), want: []event{textEvent("good")}, ending: fails, code: 1007, orCode: 1002})
		if len(stream) > 2 {
			s.with(plainOffer, "DF-3/"+name+" in fragments", conversation{ending: fails, code: 1007, orCode: 1002,
				steps: says(fragments(fin|rsv1|binaryData, []byte(stream), max(1, len(stream)/5))...)})
		}
	}
	return s
}

// oddStreams are DF-4 and DF-5: what is legal though few senders do it (RFC 7692, section 7.2.3).
func oddStreams() []Case {
	var s suite
	for _, r := range []struct{ name, stream, text string }{
		{"DF-4/fixed block", helloStream, "Hello"},
		{"DF-4/stored block", unhex("00 05 00 fa ff 48 65 6c 6c 6f 00"), "Hello"},
		{"DF-4/final block", unhex("f3 48 cd c9 c9 07 00 00"), "Hello"},
		{"DF-4/two blocks", unhex("f2 48 05 00 00 00 ff ff ca c9 c9 07 00"), "Hello"},
		{"DF-4/dynamic block", string(deflate(fillText(3000))), string(fillText(3000))},
		{"DF-4/two final blocks", unhex("f3 48 cd c9 c9 07 00 f3 48 cd c9 c9 07 00 00"), "HelloHello"},
		{"DF-4/second final block refers to the first", unhex("f3 48 cd c9 c9 07 00 f3 00 11 00 00"), "HelloHello"},
		{"DF-4/final block first and others behind", unhex("f3 48 cd c9 c9 07 00") + helloStream, "HelloHello"},
		{"DF-4/empty blocks", strings.Repeat(unhex("00 00 00 ff ff"), 40) + helloStream + strings.Repeat(unhex("00 00 ff ff 00"), 40), "Hello"},
		{"DF-4/all kinds of blocks", unhex("00 05 00 fa ff 48 65 6c 6c 6f") + helloStream + unhex("00 00 ff ff") + string(deflate(fillText(500))), "HelloHello" + string(fillText(500))},
		{"DF-4/longest match at distance 1", string(deflate(bytes.Repeat([]byte("z"), 10_000))), strings.Repeat("z", 10_000)},
		{"DF-4/distances of nearly the window", string(deflate(distant)), string(distant)},
		{"DF-5/empty stored block", unhex("00"), ""},
		{"DF-5/empty fixed block", unhex("02 00"), ""},
		{"DF-5/empty final block", unhex("03 00 00"), ""},
		{"DF-5/two empty blocks", unhex("00 00 00 ff ff 00"), ""},
	} {
		s.with(plainOffer, r.name, conversation{steps: says(frame(fin|rsv1|text, r.stream)), want: []event{textEvent(r.text)}, sparse: true})
		s.with(plainOffer, r.name+" twice", conversation{sparse: true,
			steps: together(0, frame(fin|rsv1|text, r.stream), frame(fin|rsv1|binaryData, r.stream)), want: []event{textEvent(r.text), binaryEvent(r.text)}})
		s.with(plainOffer, r.name+" in fragments", conversation{want: []event{textEvent(r.text)}, sparse: true,
			steps: says(slices.Concat([][]byte{frame(rsv1|text, "")}, fragments(fin|continuation, []byte(r.stream), max(1, len(r.stream)/50)), nil)...)})
	}
	s.with(plainOffer, "DF-4/an empty last fragment", conversation{
		steps: says(frame(rsv1|text, helloStream), frame(fin|continuation, "")), want: []event{textEvent("Hello")}})
	return s
}

// distant is a text whose second half repeats what is nearly 32 KiB away.
var distant = slices.Concat(sources[0].bytes()[:200], fillText(32_000), sources[0].bytes()[:200])

// inflatedTexts are DF-6: what has to be UTF-8 is what comes out.
func inflatedTexts() []Case {
	var s suite
	for name, payload := range map[string]string{
		"surrogate": kosme + "\xED\xA0\x80edited", "overlong": "\xC0\xAF", "beyond U+10FFFF": kosme + "\xF4\x90\x80\x80edited",
		"cut character": kosme[:len(kosme)-1], "lone octet": "\x80", "FF behind much": string(fillText(50_000)) + "\xFF", "FF before much": "\xFF" + string(fillText(50_000)),
	} {
		c := conversation{steps: says(packed(text, payload)), ending: fails, code: 1007, sparse: true}
		s.with(plainOffer, "DF-6/"+name, c)
		c.steps = says(fragments(fin|rsv1|text, deflate([]byte(payload)), 3)...)
		s.with(plainOffer, "DF-6/"+name+" in fragments", c)
		s.with(plainOffer, "DF-6/"+name+" as binary", conversation{steps: says(packed(binaryData, payload)), want: []event{binaryEvent(payload)}, sparse: true})
	}
	umlauts, _ := window(sources[2].bytes(), 0, 20_000, true) // fragments of the compressed form cut them anywhere
	texts := string(umlauts)
	s.with(plainOffer, "DF-6/valid", conversation{steps: says(packed(text, texts)), want: []event{textEvent(texts)}, sparse: true})
	s.with(plainOffer, "DF-6/valid in fragments", conversation{
		steps: says(fragments(fin|rsv1|text, deflate([]byte(texts)), 7)...), want: []event{textEvent(texts)}, sparse: true})
	return s
}

// interleaved are DF-8, and FR-15 for a compressed message.
func interleaved() []Case {
	var s suite
	parts := func(op byte) [][]byte {
		return [][]byte{frame(rsv1|op, helloStream[:2]), frame(fin|ping, "one"), frame(continuation, ""), frame(fin|pong, "unasked"),
			frame(continuation, helloStream[2:5]), frame(fin|ping, helloStream), frame(fin|continuation, helloStream[5:])}
	}
	s.with(plainOffer, "DF-8/pings in a text", conversation{steps: says(parts(text)...), want: []event{pongEvent("one"), pongEvent(helloStream), textEvent("Hello")}})
	s.with(plainOffer, "DF-8/pings in a binary message", conversation{
		steps: together(0, parts(binaryData)...), want: []event{pongEvent("one"), pongEvent(helloStream), binaryEvent("Hello")}})
	s.with(plainOffer, "DF-8/the pong comes before the rest", conversation{want: []event{pongEvent("one"), textEvent("Hello")},
		steps: []step{{write: slices.Concat(frame(rsv1|text, helloStream[:2]), frame(fin|ping, "one")), await: 1}, {write: frame(fin|continuation, helloStream[2:])}}})
	s.with(plainOffer, "DF-8/close in a message", conversation{
		steps: says(frame(rsv1|text, helloStream[:2]), rawFrame(fin|closing, closePayload(1000, "")), frame(fin|continuation, helloStream[2:])), ending: answered})
	s.with(plainOffer, "DF-8/new message in a message", conversation{
		steps: says(frame(rsv1|text, helloStream[:2]), frame(fin|rsv1|text, helloStream)), ending: fails, code: 1002})
	s = append(s, Case{ID: "FR-15/compressed text", Run: func(target Target, mode Mode) (Verdict, error) {
		long := string(sources[0].bytes()[:700])
		said := slices.Concat(packed(text, long), frame(rsv1|text, helloStream[:3]), frame(fin|ping, "p"), frame(fin|continuation, helloStream[3:]))
		return runCuts(target, mode, plainOffer, said, []event{textEvent(long), pongEvent("p"), textEvent("Hello")})
	}})
	return s
}

// notNegotiated are DF-13: compressed frames where nothing was agreed on.
func notNegotiated() []Case {
	var s suite
	for name, offer := range map[string]string{"no offer": "", "declined offer": "permessage-deflate; server_max_window_bits=7", "unknown extension": "x-unknown; a=b"} {
		for kind, frames := range map[string][][]byte{
			"text": {frame(fin|rsv1|text, helloStream)}, "binary": {frame(fin|rsv1|binaryData, helloStream)}, "empty": {frame(fin|rsv1|text, "")},
			"fragments": {frame(rsv1|text, helloStream[:3]), frame(fin|continuation, helloStream[3:])},
		} {
			s = append(s, Case{ID: fmt.Sprintf("DF-13/%s, %s", name, kind), Run: func(target Target, mode Mode) (Verdict, error) {
				c := conversation{steps: says(frames...), ending: fails, code: 1002}
				return c.declined(offer)(target, mode)
			}})
		}
	}
	return s
}
