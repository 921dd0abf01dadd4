package conformance

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"unicode/utf8"

	"compress/flate"
)

// errDeclined: the server did not take the offer, which the suite calls unimplemented.
var errDeclined = errors.New("permessage-deflate was declined")

// deflateSizes are the message sizes and fragment sizes (0: none) of the last part of the ids of families 12 and 13.
var deflateSizes = []struct{ message, fragment int }{
	{16, 0}, {64, 0}, {256, 0}, {1024, 0}, {4096, 0}, {8192, 0}, {16384, 0}, {32768, 0}, {65536, 0}, {131072, 0},
	{8192, 256}, {16384, 256}, {32768, 256}, {65536, 256}, {131072, 256}, {131072, 1024}, {131072, 4096}, {131072, 32768},
}

const defaultOffer = "permessage-deflate; client_no_context_takeover; client_max_window_bits"

// offers are those of family 13.
var offers = []string{
	defaultOffer,
	defaultOffer + "; server_no_context_takeover",
	defaultOffer + "; server_max_window_bits=9",
	defaultOffer + "; server_max_window_bits=15",
	defaultOffer + "; server_no_context_takeover; server_max_window_bits=9",
	defaultOffer + "; server_no_context_takeover; server_max_window_bits=15",
	defaultOffer + "; server_no_context_takeover; server_max_window_bits=9, " + defaultOffer + "; server_no_context_takeover, " + defaultOffer,
}

// compression is families 12 and 13: count messages of each kind, size and offer, one after the other.
func compression(count int) []Case {
	var s suite
	add := func(id string, offer string, source func() []byte, op byte) {
		for i, size := range deflateSizes {
			c := stream{offer: offer, source: source, op: op, size: size.message, fragment: size.fragment, count: count}
			s = append(s, Case{ID: fmt.Sprintf("%s.%d", id, i+1), Sparse: true, Run: c.run})
		}
	}
	for i, source := range sources {
		add(fmt.Sprintf("12.%d", i+1), defaultOffer, source.bytes, source.op)
	}
	for i, offer := range offers {
		add(fmt.Sprintf("13.%d", i+1), offer, sources[0].bytes, text)
	}
	return s
}

// stream is one case of families 12 and 13.
type stream struct {
	offer          string
	source         func() []byte
	op             byte
	size, fragment int
	count          int
}

func (c *stream) run(target Target, mode Mode) (Verdict, error) {
	s, err := open(target, mode, c.offer)
	if err != nil {
		return Failed, err
	}
	defer s.close()
	s.sparse = true
	if s.answer == "" {
		return Failed, errDeclined
	}
	source, at := c.source(), 0
	for i := range c.count {
		var payload []byte
		payload, at = window(source, at, c.size, c.op == text)
		for _, f := range c.frames(payload) {
			s.say(f, 0)
		}
		e, ok := s.await()
		if !ok || !sameEvent(e, event{op: c.op, payload: payload}) {
			return Failed, fmt.Errorf("message %d of %d bytes: got %v, %v", i, len(payload), e, s.cause(ok))
		}
	}
	last := conversation{}
	s.say(rawFrame(fin|closing, closePayload(1000, "")), 0)
	return last.judge(s.drain(), s)
}

// frames are those of one compressed message. What is fragmented is the compressed payload.
func (c *stream) frames(payload []byte) [][]byte {
	deflated := deflate(payload)
	if c.fragment == 0 {
		return [][]byte{rawFrame(fin|rsv1|c.op, deflated)}
	}
	return fragments(fin|rsv1|c.op, deflated, c.fragment)
}

// compressors are kept, because each holds more than a megabyte.
var compressors = sync.Pool{New: func() any {
	w, err := flate.NewWriter(nil, flate.DefaultCompression)
	if err != nil {
		panic(err)
	}
	return w
}}

// deflate compresses a message without context (RFC 7692, section 7.2.1).
func deflate(payload []byte) []byte {
	var b bytes.Buffer
	w := compressors.Get().(*flate.Writer)
	defer compressors.Put(w)
	w.Reset(&b)
	_, _ = w.Write(payload)
	_ = w.Flush()
	return bytes.TrimSuffix(b.Bytes(), []byte("\x00\x00\xFF\xFF"))
}

// window takes the next size bytes of a source that begins anew at its end; a text is cut between characters, and so may
// be up to 3 bytes shorter.
func window(source []byte, at, size int, isText bool) (payload []byte, next int) {
	payload = make([]byte, 0, size)
	for len(payload) < size {
		n := copy(payload[len(payload):size], source[at:])
		payload = payload[:len(payload)+n]
		at = (at + n) % len(source)
	}
	if isText {
		for !utf8.Valid(payload) {
			payload = payload[:len(payload)-1]
			at = (at + len(source) - 1) % len(source)
		}
	}
	return payload, at
}

// sources are the material of family 12: made up, of the kinds and sizes of the suite's files.
var sources = []struct {
	op    byte
	bytes func() []byte
}{
	{text, sync.OnceValue(func() []byte { return fill(194_056, jsonRecord) })},
	{binaryData, sync.OnceValue(func() []byte { return fill(263_222, bitmapRow) })},
	{binaryData, sync.OnceValue(func() []byte { return fill(222_218, germanSentence) })},
	{text, sync.OnceValue(func() []byte { return fill(263_647, htmlParagraph) })},
	{binaryData, sync.OnceValue(func() []byte { return fill(1_042_328, documentObject) })},
}

// fill makes n bytes of pieces; a character that would be cut at the end becomes blanks.
func fill(n int, piece func(rng *rand.Rand, i int) string) []byte {
	rng := rand.New(rand.NewPCG(1, 2))
	var b []byte
	for i := 0; len(b) < n; i++ {
		b = append(b, piece(rng, i)...)
	}
	b = b[:n]
	for end := n; end > n-4 && !utf8.Valid(b[max(0, n-8):]) && b[end-1] >= 0x80; end-- {
		b[end-1] = ' '
	}
	return b
}

var germanWords = []string{"über", "Straße", "und", "der", "Mond", "aufgegangen", "die", "goldnen", "Sternlein", "prangen", "am", "Himmel", "hell", "klar", "Nebel", "wunderbar", "schön", "größer"}

func germanSentence(rng *rand.Rand, _ int) string {
	s := ""
	for range 5 + rng.IntN(10) {
		s += germanWords[rng.IntN(len(germanWords))] + " "
	}
	return s[:len(s)-1] + ".\n"
}

func jsonRecord(rng *rand.Rand, i int) string {
	return fmt.Sprintf("{\"id\":%d,\"user\":{\"name\":%q,\"Größe\":%d},\"tags\":[%q,%q],\"text\":%q},\n", i,
		germanWords[rng.IntN(len(germanWords))], rng.IntN(200), germanWords[rng.IntN(len(germanWords))], germanWords[rng.IntN(len(germanWords))], germanSentence(rng, i))
}

func bitmapRow(rng *rand.Rand, i int) string {
	row := make([]byte, 512)
	for x := range row {
		row[x] = byte(x/3 + i/2)
		if rng.IntN(9) == 0 {
			row[x] ^= byte(rng.Uint32())
		}
	}
	return string(row)
}

func htmlParagraph(rng *rand.Rand, i int) string {
	return fmt.Sprintf("<p class=\"k%d\"><a href=\"/seite/%d\">%s</a>%s</p>\n", i%7, rng.IntN(1000), germanWords[rng.IntN(len(germanWords))], germanSentence(rng, i))
}

// documentObject is half text, half what cannot be compressed.
func documentObject(rng *rand.Rand, i int) string {
	noise := make([]byte, 400)
	for x := range noise {
		noise[x] = byte(rng.Uint32())
	}
	return fmt.Sprintf("%d 0 obj\n<< /Length %d /Filter /FlateDecode >>\nstream\n%s\nendstream\nendobj\n%s", i, len(noise), noise, germanSentence(rng, i))
}
