package conformance

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

// Cases returns every case of the suite in the order of the ids; count is how many messages each case of families 12
// and 13 sends.
func Cases(count int) []Case {
	return slices.Concat(
		framing(), pings(), reserved(), opcodes(), fragmentation(), utf8Texts(), closes7(), limits(), misc(), compression(count))
}

// suite collects the cases of a family.
type suite []Case

func (s *suite) add(id string, c conversation) {
	*s = append(*s, Case{ID: id, Sparse: c.sparse, Run: c.run})
}

func frame(first byte, payload string) []byte { return rawFrame(first, []byte(payload)) }

func say(b []byte) step { return step{write: b} }

func chopped(b []byte, n int) step { return step{write: b, chop: n} }

func textEvent(s string) event { return event{op: text, payload: []byte(s)} }

func binaryEvent(s string) event { return event{op: binaryData, payload: []byte(s)} }

func pongEvent(s string) event { return event{op: pong, payload: []byte(s)} }

// says is frames each in a write of its own.
func says(frames ...[]byte) []step {
	var steps []step
	for _, f := range frames {
		steps = append(steps, say(f))
	}
	return steps
}

// together is frames in one write, in chops of n bytes if n is not 0.
func together(n int, frames ...[]byte) []step { return []step{chopped(slices.Concat(frames...), n)} }

// framing is family 1: echoes of all forms of length.
func framing() []Case {
	var s suite
	sizes := []int{0, 125, 126, 127, 128, 65535, 65536, 65536}
	for i, size := range sizes {
		chop := 0
		if i == 7 {
			chop = 997
		}
		t, b := strings.Repeat("*", size), strings.Repeat("\xFE", size)
		s.add(fmt.Sprintf("1.1.%d", i+1), conversation{steps: []step{chopped(frame(fin|text, t), chop)}, want: []event{textEvent(t)}})
		s.add(fmt.Sprintf("1.2.%d", i+1), conversation{steps: []step{chopped(frame(fin|binaryData, b), chop)}, want: []event{binaryEvent(b)}})
	}
	slices.SortStableFunc(s, func(a, b Case) int { return strings.Compare(a.ID[:3], b.ID[:3]) })
	return s
}

// pings is family 2.
func pings() []Case {
	var s suite
	for i, payload := range []string{"", "Hello, world!", "\x00\xFF\xFE\xFD\xFC\xFB\x00\xFF", strings.Repeat("\xFE", 125)} {
		s.add(fmt.Sprintf("2.%d", i+1), conversation{steps: says(frame(fin|ping, payload)), want: []event{pongEvent(payload)}})
	}
	s.add("2.5", conversation{steps: says(frame(fin|ping, strings.Repeat("\xFE", 126))), ending: fails, code: 1002})
	long := strings.Repeat("\xFE", 125)
	s.add("2.6", conversation{steps: together(1, frame(fin|ping, long)), want: []event{pongEvent(long)}})
	s.add("2.7", conversation{steps: says(frame(fin|pong, ""))})
	s.add("2.8", conversation{steps: says(frame(fin|pong, "unsolicited pong payload"))})
	s.add("2.9", conversation{steps: says(frame(fin|pong, "unsolicited pong payload"), frame(fin|ping, "ping payload")),
		want: []event{pongEvent("ping payload")}})
	var frames [][]byte
	var pongs []event
	for i := range 10 {
		payload := fmt.Sprintf("payload-%d", i)
		frames = append(frames, frame(fin|ping, payload))
		pongs = append(pongs, pongEvent(payload))
	}
	s.add("2.10", conversation{steps: says(frames...), want: pongs})
	s.add("2.11", conversation{steps: together(1, frames...), want: pongs})
	return s
}

// reserved is family 3: reserved bits.
func reserved() []Case {
	var s suite
	payload := "Hello, world!"
	good, pinged := frame(fin|text, payload), frame(fin|ping, "")
	bad := func(rsv byte, op byte) []byte { return frame(fin|rsv<<4|op, payload) }
	echoed, nothing := []event{textEvent(payload)}, [][]event{nil}
	s.add("3.1", conversation{steps: says(bad(1, text)), ending: fails, code: 1002})
	s.add("3.2", conversation{steps: together(0, good, bad(2, text), pinged), want: echoed, alternative: nothing, ending: fails, code: 1002})
	s.add("3.3", conversation{steps: says(good, bad(3, text), pinged), want: echoed, alternative: nothing, ending: fails, code: 1002})
	s.add("3.4", conversation{steps: together(1, good, bad(4, text), pinged), want: echoed, alternative: nothing, ending: fails, code: 1002})
	s.add("3.5", conversation{steps: says(bad(5, binaryData)), ending: fails, code: 1002})
	s.add("3.6", conversation{steps: says(bad(6, binaryData)), ending: fails, code: 1002})
	s.add("3.7", conversation{steps: says(frame(fin|7<<4|closing, "")), ending: fails, code: 1002})
	return s
}

// opcodes is family 4: reserved opcodes.
func opcodes() []Case {
	var s suite
	payload := "Hello, world!"
	good, pinged := frame(fin|text, payload), frame(fin|ping, "")
	echoed, nothing := []event{textEvent(payload)}, [][]event{nil}
	for group, base := range []byte{3, 11} {
		id := func(n int) string { return fmt.Sprintf("4.%d.%d", group+1, n) }
		s.add(id(1), conversation{steps: says(frame(fin|base, "")), ending: fails, code: 1002})
		s.add(id(2), conversation{steps: says(frame(fin|(base+1), "reserved opcode payload")), ending: fails, code: 1002})
		for n, bad := range [][]byte{frame(fin|(base+2), ""), frame(fin|(base+3), payload), frame(fin|(base+4), payload)} {
			steps := together(0, good, bad, pinged)
			if n == 2 {
				steps = together(1, good, bad, pinged)
			}
			s.add(id(n+3), conversation{steps: steps, want: echoed, alternative: nothing, ending: fails, code: 1002})
		}
	}
	return s
}

// fragmentation is family 5.
func fragmentation() []Case {
	var s suite
	one, two := frame(text, "fragment1"), frame(fin|continuation, "fragment2")
	joined := textEvent("fragment1fragment2")
	s.add("5.1", conversation{steps: says(frame(ping, "fragment1"), two), ending: fails, code: 1002})
	s.add("5.2", conversation{steps: says(frame(pong, "fragment1"), two), ending: fails, code: 1002})
	manners := func(id int, c conversation, frames ...[]byte) {
		for i, steps := range [][]step{together(0, frames...), says(frames...), together(1, frames...)} {
			c.steps = steps
			s.add(fmt.Sprintf("5.%d", id+i), c)
		}
	}
	manners(3, conversation{want: []event{joined}}, one, two)
	manners(6, conversation{want: []event{pongEvent("ping payload"), joined}}, one, frame(fin|ping, "ping payload"), two)
	hello := frame(fin|text, "Hello, world!")
	manners(9, conversation{ending: fails, code: 1002}, frame(fin|continuation, "non-continuation payload"), hello)
	manners(12, conversation{ending: fails, code: 1002}, frame(continuation, "non-continuation payload"), hello)
	s.add("5.15", conversation{steps: together(0, one, two, frame(continuation, "fragment3"), frame(fin|text, "fragment4")),
		want: []event{joined}, alternative: [][]event{nil}, ending: fails, code: 1002})
	for i, first := range []byte{continuation, fin | continuation} {
		part := [][]byte{frame(first, "fragment1"), frame(text, "fragment2"), frame(fin|continuation, "fragment3")}
		s.add(fmt.Sprintf("5.%d", 16+i), conversation{steps: says(slices.Concat(part, part)...), ending: fails, code: 1002})
	}
	s.add("5.18", conversation{steps: says(one, frame(fin|text, "fragment2")), ending: fails, code: 1002})
	ping1, ping2 := frame(fin|ping, "pongme 1!"), frame(fin|ping, "pongme 2!")
	first := [][]byte{one, frame(continuation, "fragment2"), ping1}
	second := [][]byte{frame(continuation, "fragment3"), frame(continuation, "fragment4"), ping2, frame(fin|continuation, "fragment5")}
	all := []event{pongEvent("pongme 1!"), pongEvent("pongme 2!"), textEvent("fragment1fragment2fragment3fragment4fragment5")}
	s.add("5.19", conversation{steps: slices.Concat(together(0, first...), []step{{await: 1}}, together(0, second...)), want: all})
	s.add("5.20", conversation{steps: slices.Concat(says(first...), []step{{await: 1}}, says(second...)), want: all})
	return s
}

// closes7 is family 7: the close handshake.
func closes7() []Case {
	var s suite
	hello := frame(fin|text, "Hello World!")
	closed := frame(fin|closing, string(closePayload(1000, "")))
	echoed := []event{textEvent("Hello World!")}
	s.add("7.1.1", conversation{steps: says(hello), want: echoed})
	s.add("7.1.2", conversation{steps: says(closed, closed), ending: answered})
	s.add("7.1.3", conversation{steps: says(closed, frame(fin|ping, "")), ending: answered})
	s.add("7.1.4", conversation{steps: says(closed, hello), ending: answered})
	s.add("7.1.5", conversation{steps: says(frame(text, "fragment1"), closed, frame(fin|continuation, "fragment2")), ending: answered})
	// The outcome is up to the server. What RFC 6455 wants is that what came before the close is answered.
	big := strings.Repeat("BAsd7&jh23", 26214)
	s.add("7.1.6", conversation{steps: says(frame(fin|text, big), hello, closed, frame(fin|ping, "")), want: []event{textEvent(big), echoed[0]}, ending: answered})
	s.add("7.3.1", conversation{steps: says(frame(fin|closing, "")), ending: answered})
	s.add("7.3.2", conversation{steps: says(frame(fin|closing, "a")), ending: fails, code: 1002})
	s.add("7.3.3", conversation{steps: says(closed), ending: answered})
	s.add("7.3.4", conversation{steps: says(rawFrame(fin|closing, closePayload(1000, "Hello World!"))), ending: answered})
	s.add("7.3.5", conversation{steps: says(rawFrame(fin|closing, closePayload(1000, strings.Repeat("*", 123)))), ending: answered})
	s.add("7.3.6", conversation{steps: says(rawFrame(fin|closing, closePayload(1000, strings.Repeat("*", 124)))), ending: fails, code: 1002})
	invalid := "\xCE\xBA\xE1\xBD\xB9\xCF\x83\xCE\xBC\xCE\xB5\xED\xA0\x80\x65\x64\x69\x74\x65\x64"
	s.add("7.5.1", conversation{steps: says(rawFrame(fin|closing, closePayload(1000, invalid))), ending: fails, code: 1007, orCode: 1002})
	for i, code := range []int{1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999} {
		s.add(fmt.Sprintf("7.7.%d", i+1), conversation{steps: says(rawFrame(fin|closing, closePayload(code, ""))), ending: answered, code: code})
	}
	for i, code := range []int{0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999} {
		s.add(fmt.Sprintf("7.9.%d", i+1), conversation{steps: says(rawFrame(fin|closing, closePayload(code, ""))), ending: fails, code: 1002})
	}
	for i, code := range []int{5000, 65535} {
		s.add(fmt.Sprintf("7.13.%d", i+1), conversation{steps: says(rawFrame(fin|closing, closePayload(code, ""))), ending: fails, code: 1002})
	}
	return s
}

// limits is family 9: large messages, many fragments, small chops, and round trips.
func limits() []Case {
	const k, m = 1 << 10, 1 << 20
	var s suite
	// Each group comes twice: as text, and under the next number as binary. What a case says is made when it runs.
	group := func(number, cases int, make func(i int, say data) conversation) {
		for j, say := range []data{{text, fillText}, {binaryData, fillBinary}} {
			for i := range cases {
				s = append(s, Case{ID: fmt.Sprintf("9.%d.%d", number+j, i+1), Sparse: true, Run: func(target Target, mode Mode) (Verdict, error) {
					c := make(i, say)
					c.sparse = true
					return c.run(target, mode)
				}})
			}
		}
	}
	group(1, 6, func(i int, d data) conversation {
		payload := d.fill([]int{64 * k, 256 * k, m, 4 * m, 8 * m, 16 * m}[i])
		return conversation{steps: says(rawFrame(fin|d.op, payload)), want: []event{d.event(payload)}}
	})
	group(3, 9, func(i int, d data) conversation {
		payload := d.fill(4 * m)
		frames := fragments(fin|d.op, payload, []int{64, 256, k, 4 * k, 16 * k, 64 * k, 256 * k, m, 4 * m}[i])
		return conversation{steps: together(0, frames...), want: []event{d.event(payload)}}
	})
	group(5, 6, func(i int, d data) conversation {
		payload := d.fill(m)
		return conversation{steps: together(64<<i, rawFrame(fin|d.op, payload)), want: []event{d.event(payload)}}
	})
	group(7, 6, func(i int, d data) conversation {
		payload := d.fill([]int{0, 16, 64, 256, k, 4 * k}[i])
		var c conversation
		for n := range 1000 {
			c.steps = append(c.steps, step{write: rawFrame(fin|d.op, payload), await: n + 1})
			c.want = append(c.want, d.event(payload))
		}
		return c
	})
	return s
}

// data is a kind of message.
type data struct {
	op   byte
	fill func(n int) []byte
}

func (d data) event(payload []byte) event { return event{op: d.op, payload: payload} }

func fillText(n int) []byte { return bytes.Repeat([]byte("BAsd7&jh23"), n/10+1)[:n] }

func fillBinary(n int) []byte {
	return bytes.Repeat([]byte("\x00\xFF\xFE\xFD\xFC\xFB\x80\x7F\xC3\x28\x0A"), n/11+1)[:n]
}

// misc is family 10.
func misc() []Case {
	var s suite
	payload := fillText(65536)
	s.add("10.1.1", conversation{steps: together(0, fragments(fin|text, payload, 1300)...), want: []event{{op: text, payload: payload}}})
	return s
}
