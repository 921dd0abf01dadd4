package conformance

import (
	"fmt"
	"slices"
	"strings"
)

// behindClose are those of FR-12 that any server passes: what stands behind a close frame is not read, however wrong it is,
// and the connection ends in order.
func behindClose() []Case {
	var s suite
	closed := rawFrame(fin|closing, closePayload(1000, "bye"))
	for name, behind := range map[string][]byte{
		"text":                         frame(fin|text, "ignored"),
		"ping":                         frame(fin|ping, "ignored"),
		"second close":                 rawFrame(fin|closing, closePayload(1001, "")),
		"close with another code":      rawFrame(fin|closing, closePayload(4000, "")),
		"unmasked frame":               unmasked(fin|text, "ignored"),
		"reserved opcode":              frame(fin|3, "ignored"),
		"reserved bits":                frame(fin|7<<4|text, "ignored"),
		"length beyond 63 bits":        head(fin|text, 127, 1<<63),
		"length of 4 EiB":              head(fin|text, 127, 1<<62),
		"text that is no UTF-8":        frame(fin|text, "\xFF"),
		"half a header":                {fin | text},
		"half a frame":                 frame(fin|text, "ignored")[:9],
		"orphan continuation":          frame(fin|continuation, "ignored"),
		"a thousand texts":             []byte(strings.Repeat(string(frame(fin|text, "ignored")), 1000)),
		"HTTP request":                 []byte("GET / HTTP/1.1\r\nHost: example.org\r\n\r\n"),
		"a MiB that makes no sense":    []byte(strings.Repeat("\xFF", 1<<20)),
		"close that is a byte too bad": frame(fin|closing, "a"),
	} {
		s.add("FR-12/"+name, conversation{steps: says(closed, behind), ending: answered, sparse: true})
		s.add("FR-12/"+name+" in the same write", conversation{steps: together(0, closed, behind), ending: answered, sparse: true})
	}
	refused := frame(fin|3, "")
	s.add("FR-12/text behind what was refused", conversation{steps: says(refused, frame(fin|text, "ignored")), ending: fails, code: 1002})
	s.add("FR-12/close behind what was refused", conversation{steps: says(refused, closed), ending: fails, code: 1002})
	s.add("FR-12/a MiB behind what was refused", conversation{steps: says(refused, []byte(strings.Repeat("\xFF", 1<<20))), ending: fails, code: 1002, sparse: true})
	s.add("FR-12/what came before is answered", conversation{
		steps: together(0, frame(fin|text, "one"), frame(fin|ping, "two"), closed, frame(fin|text, "three")),
		want:  []event{textEvent("one"), pongEvent("two")}, ending: answered})
	return s
}

// floods are FR-9 and FR-16: many frames, all legal.
func floods() []Case {
	var s suite
	const n = 1000
	var texts, pings, mixed []byte
	var echoes, pongs, both []event
	for i := range n {
		payload := fmt.Sprintf("message %d", i)
		texts = append(texts, frame(fin|text, payload)...)
		echoes = append(echoes, textEvent(payload))
		pings = append(pings, frame(fin|ping, payload)...)
		pongs = append(pongs, pongEvent(payload))
		mixed = slices.Concat(mixed, frame(text, payload), frame(fin|ping, payload), frame(fin|continuation, ""), frame(fin|pong, payload))
		both = append(both, pongEvent(payload), textEvent(payload))
	}
	empty := []byte(strings.Repeat(string(frame(fin|binaryData, "")), n))
	s.add("FR-16/1000 texts", conversation{steps: says(texts), want: echoes})
	s.add("FR-16/1000 pings", conversation{steps: says(pings), want: pongs})
	s.add("FR-16/1000 fragmented texts with pings", conversation{steps: says(mixed), want: both})
	s.add("FR-16/1000 empty messages", conversation{steps: says(empty), want: slices.Repeat([]event{binaryEvent("")}, n)})
	s.add("FR-16/1000 texts and a close", conversation{steps: says(texts, rawFrame(fin|closing, closePayload(1000, ""))), want: echoes, ending: answered})
	s.add("FR-16/1000 texts and an error", conversation{steps: together(0, texts, frame(fin|3, "")), want: echoes, ending: fails, code: 1002})

	s = append(s, Case{ID: "FR-9/1048576 fragments of one byte", Run: func(target Target, mode Mode) (Verdict, error) {
		const n = 1 << 20
		middle := strings.Repeat(string(frame(continuation, "x")), n-2)
		c := conversation{sparse: true, want: []event{textEvent(strings.Repeat("x", n))},
			steps: together(0, frame(text, "x"), []byte(middle), frame(fin|continuation, "x"))}
		return c.run(target, mode)
	}})
	return s
}

// cuts are FR-15: every kind of frame, cut at every byte. In front of what is cut goes a ping, and the rest follows its
// pong, so that the server has certainly read the one without the other.
func cuts() []Case {
	var s suite
	big := strings.Repeat("x", 65536)
	long := strings.Repeat("y", 126)
	for _, r := range []struct {
		name  string
		bytes []byte
		want  []event
	}{
		{"empty text", frame(fin|text, ""), []event{textEvent("")}},
		{"text", frame(fin|text, kosme), []event{textEvent(kosme)}},
		{"binary", frame(fin|binaryData, "\xFF\x00\xFE"), []event{binaryEvent("\xFF\x00\xFE")}},
		{"text of 126", frame(fin|text, long), []event{textEvent(long)}},
		{"binary of 65536", frame(fin|binaryData, big), []event{binaryEvent(big)}},
		{"ping", frame(fin|ping, "ping"), []event{pongEvent("ping")}},
		{"empty ping", frame(fin|ping, ""), []event{pongEvent("")}},
		{"pong and text", slices.Concat(frame(fin|pong, "pong"), frame(fin|text, "text")), []event{textEvent("text")}},
		{"fragments", slices.Concat(frame(text, kosme[:4]), frame(continuation, ""), frame(fin|ping, "ping"), frame(fin|continuation, kosme[4:])),
			[]event{pongEvent("ping"), textEvent(kosme)}},
		{"binary fragments", slices.Concat(frame(binaryData, ""), frame(continuation, long), frame(fin|continuation, "")), []event{binaryEvent(long)}},
	} {
		s = append(s, Case{ID: "FR-15/" + r.name, Run: func(target Target, mode Mode) (Verdict, error) {
			return runCuts(target, mode, "", r.bytes, r.want)
		}})
	}
	for _, r := range []struct {
		name  string
		frame []byte
		code  int
	}{
		{"close", rawFrame(fin|closing, closePayload(1000, "bye")), 0},
		{"empty close", frame(fin|closing, ""), 0},
		{"close with a bad code", rawFrame(fin|closing, closePayload(1005, "")), 1002},
		{"reserved opcode", frame(fin|5, "five"), 1002},
		{"unmasked text", unmasked(fin|text, "bare"), 1002},
		{"length beyond 63 bits", head(fin|text, 127, 1<<63), 1002},
		{"longer form than needed", formed(fin|text, 127, long), 1002},
		{"too long a ping", frame(fin|ping, long), 1002},
		{"text that is no UTF-8", frame(fin|text, kosme+"\xED\xA0\x80"), 1007},
	} {
		s = append(s, Case{ID: "FR-15/" + r.name, Run: func(target Target, mode Mode) (Verdict, error) {
			c := conversation{want: []event{pongEvent("read")}, ending: answered}
			if r.code != 0 {
				c.ending, c.code = fails, r.code
			}
			for i := 1; i < min(len(r.frame), 24); i++ { // the error is in the first bytes of what is longer
				c.steps = []step{{write: slices.Concat(frame(fin|ping, "read"), r.frame[:i]), await: 1}, {write: r.frame[i:]}}
				if verdict, err := c.run(target, mode); verdict != Strict {
					return verdict, fmt.Errorf("cut at %d: %w", i, err)
				}
			}
			return Strict, nil
		}})
	}
	return s
}

// runCuts says the same again and again on one connection, each time cut at another byte. Of much it cuts only the ends.
func runCuts(target Target, mode Mode, offer string, said []byte, want []event) (Verdict, error) {
	const edge = 75
	c := conversation{sparse: true}
	for i := 1; i < len(said); i++ {
		if i == edge && len(said) > 2*edge {
			i = len(said) - edge
		}
		mark := fmt.Sprintf("cut at %d", i)
		c.steps = append(c.steps, step{write: slices.Concat(frame(fin|ping, mark), said[:i]), await: len(c.want) + 1},
			step{write: said[i:], await: len(c.want) + 1 + len(want)})
		c.want = append(append(c.want, pongEvent(mark)), want...)
	}
	if offer == "" {
		return c.run(target, mode)
	}
	return c.offering(offer)(target, mode)
}
