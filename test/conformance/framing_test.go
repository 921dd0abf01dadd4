package conformance

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/wsedge/wsedge/internal/echo"
	"github.com/wsedge/wsedge/reactor"
)

// TestFraming runs what the suite does not ask about framing.
func TestFraming(t *testing.T) {
	runRows(t, Target{Address: startEcho(t, echo.Config{}), Path: "/"}, framingRows())
}

// framingRows are the rows FR that any server passes which sends back messages of up to 1 MiB, in however many frames.
func framingRows() []Case {
	return slices.Concat(maskRows(), lengthForms(), impossibleLengths(), longControls(), closeCodes(), behindClose(), plainTexts(), floods(), cuts())
}

// maskRows are FR-1 and FR-14.
func maskRows() []Case {
	var s suite
	good, echoed := frame(fin|text, "good"), []event{textEvent("good")}
	for _, r := range []struct {
		name  string
		frame []byte
	}{
		{"text", unmasked(fin|text, "Hello")},
		{"empty text", unmasked(fin|text, "")},
		{"binary of 126 bytes", unmasked(fin|binaryData, strings.Repeat("x", 126))},
		{"binary of 65536 bytes", unmasked(fin|binaryData, strings.Repeat("x", 65536))},
		{"first fragment", unmasked(text, "Hello")},
		{"ping", unmasked(fin|ping, "Hello")},
		{"empty ping", unmasked(fin|ping, "")},
		{"pong", unmasked(fin|pong, "Hello")},
		{"close", unmasked(fin|closing, "\x03\xE8")},
		{"empty close", unmasked(fin|closing, "")},
	} {
		s.add("FR-1/unmasked "+r.name, conversation{steps: says(r.frame), ending: fails, code: 1002})
		s.add("FR-1/good text and unmasked "+r.name, conversation{steps: says(good, r.frame), want: echoed, ending: fails, code: 1002})
	}
	s.add("FR-1/unmasked continuation", conversation{steps: says(frame(text, "one"), unmasked(fin|continuation, "two")), ending: fails, code: 1002})
	s.add("FR-1/unmasked ping between fragments", conversation{steps: says(frame(text, "one"), unmasked(fin|ping, "")), ending: fails, code: 1002})

	for _, key := range [][4]byte{{}, {0xFF, 0xFF, 0xFF, 0xFF}, {0, 0, 0, 1}, {1, 0, 0, 0}, {0, 0x80, 0, 0x80}} {
		for _, size := range []int{0, 1, 3, 4, 5, 7, 8, 9, 15, 16, 17, 125, 126, 127, 1000, 65536} {
			payload := string(fillText(size))
			s.add(fmt.Sprintf("FR-14/key %x and %d bytes", key, size), conversation{
				steps: says(keyed(fin|text, payload, key), keyed(fin|ping, "p", key)), want: []event{textEvent(payload), pongEvent("p")}, sparse: true})
		}
	}
	s.add("FR-14/another key for each fragment", conversation{want: []event{pongEvent("ping"), textEvent("onetwothree")}, steps: says(
		keyed(text, "one", [4]byte{}), keyed(continuation, "two", [4]byte{1, 2, 3, 4}), keyed(fin|ping, "ping", [4]byte{9, 9}), keyed(fin|continuation, "three", [4]byte{0xFF}))})
	s.add("FR-14/close under the key of zeros", conversation{steps: says(keyed(fin|closing, "\x03\xE8", [4]byte{})), ending: answered})
	return s
}

// lengthForms are FR-2: a length must be in its shortest form.
func lengthForms() []Case {
	var s suite
	refused := func(name string, frames ...[]byte) {
		s.add("FR-2/"+name, conversation{steps: says(frames...), ending: fails, code: 1002, sparse: true})
	}
	for _, n := range []int{0, 1, 125} {
		payload := strings.Repeat("x", n)
		refused(fmt.Sprintf("126 form of %d", n), formed(fin|text, 126, payload))
		refused(fmt.Sprintf("127 form of %d", n), formed(fin|binaryData, 127, payload))
		refused(fmt.Sprintf("126 form of %d in a ping", n), formed(fin|ping, 126, payload))
		refused(fmt.Sprintf("127 form of %d in a pong", n), formed(fin|pong, 127, payload))
		refused(fmt.Sprintf("126 form of %d in a continuation", n), frame(text, "one"), formed(fin|continuation, 126, payload))
	}
	refused("126 form of 2 in a close", formed(fin|closing, 126, "\x03\xE8"))
	refused("127 form of 126", formed(fin|text, 127, strings.Repeat("x", 126)))
	refused("127 form of 65535", formed(fin|text, 127, strings.Repeat("x", 65535)))
	refused("127 form of 65535 in a continuation", frame(text, "one"), formed(fin|continuation, 127, strings.Repeat("x", 65535)))
	refused("126 form of 5 by the header alone", head(fin|text, 126, 5))
	refused("127 form of 65535 by the header alone", head(fin|text, 127, 65535))
	for form, n := range map[byte]int{0: 125, 126: 126, 127: 65536} {
		payload := strings.Repeat("x", n)
		s.add(fmt.Sprintf("FR-2/shortest form of %d", n), conversation{steps: says(formed(fin|text, form, payload)), want: []event{textEvent(payload)}, sparse: true})
	}
	most := strings.Repeat("x", 65535)
	s.add("FR-2/shortest form of 65535", conversation{steps: says(formed(fin|text, 126, most)), want: []event{textEvent(most)}, sparse: true})
	return s
}

// impossibleLengths are FR-3, and those of FR-4 that no server lets pass. None has any payload behind it: the header alone
// is refused.
func impossibleLengths() []Case {
	var s suite
	for _, length := range []uint64{1 << 63, 1<<63 | 5, 1<<63 | 1<<16, 1<<63 | 1<<32, math.MaxUint64} {
		for name, op := range map[string]byte{"text": text, "binary": binaryData, "ping": ping, "close": closing} {
			s.add(fmt.Sprintf("FR-3/%#x in a %s", length, name), conversation{steps: says(head(fin|op, 127, length)), ending: fails, code: 1002})
		}
		s.add(fmt.Sprintf("FR-3/%#x in a continuation", length), conversation{
			steps: says(frame(binaryData, "one"), head(fin|continuation, 127, length)), ending: fails, code: 1002})
	}
	for _, length := range []uint64{1 << 31, 1<<31 - 1, 1 << 32, 1<<32 + 5, 1 << 40, 1 << 62, math.MaxInt64} {
		id := fmt.Sprintf("FR-4/%#x", length)
		s.add(id, conversation{steps: says(head(fin|binaryData, 127, length)), ending: fails, code: 1009})
		s.add(id+" in a first fragment", conversation{steps: says(head(text, 127, length)), ending: fails, code: 1009})
		s.add(id+" in a continuation", conversation{steps: says(frame(binaryData, "one"), head(fin|continuation, 127, length)), ending: fails, code: 1009})
		s.add(id+" behind a good message", conversation{
			steps: says(frame(fin|text, "good"), head(fin|text, 127, length)), want: []event{textEvent("good")}, ending: fails, code: 1009})
	}
	return s
}

// TestFramingLimits runs FR-4 and FR-5 against a server with a limit.
func TestFramingLimits(t *testing.T) {
	const limit = 70_000
	_, target := listenEcho(t, reactor.Config{MaxMessageBytes: limit})
	runRows(t, target, sizeLimits(limit))
}

// sizeLimits are the rows FR-4 and FR-5 about the limit of a message, which is over 64 KiB.
func sizeLimits(limit int) []Case {
	var s suite
	most := strings.Repeat("x", limit)
	half := most[:limit/2]
	passes := func(id string, frames ...[]byte) {
		s.add(id, conversation{steps: says(frames...), want: []event{textEvent(most)}, sparse: true})
	}
	refused := func(id string, frames ...[]byte) {
		s.add(id, conversation{steps: says(frames...), ending: fails, code: 1009, sparse: true})
	}
	passes("FR-4/a message of the limit", frame(fin|text, most))
	refused("FR-4/one byte over the limit", frame(fin|text, most+"x"))
	refused("FR-4/one byte over the limit by the header alone", head(fin|text, 127, uint64(limit)+1))
	refused("FR-4/one byte over the limit in a first fragment", head(text, 127, uint64(limit)+1))

	passes("FR-5/two fragments of the limit", frame(text, half), frame(fin|continuation, most[len(half):]))
	passes("FR-5/fragments of the limit", fragments(fin|text, []byte(most), 100)...)
	passes("FR-5/the limit and an empty fragment", frame(text, most), frame(fin|continuation, ""))
	refused("FR-5/two fragments over the limit", frame(text, half), frame(fin|continuation, most[len(half):]+"x"))
	refused("FR-5/fragments over the limit", fragments(fin|text, []byte(most+"x"), 100)...)
	refused("FR-5/the limit and one byte", frame(text, most), frame(fin|continuation, "x"))
	refused("FR-5/the limit and one byte that does not come", frame(text, most), head(continuation, 0, 1))
	refused("FR-5/a sum over the limit by the header alone", frame(text, half), head(fin|continuation, 126, uint64(limit-len(half)+1)))
	refused("FR-5/a sum beyond 63 bits", frame(text, half), head(fin|continuation, 127, math.MaxInt64))
	control := strings.Repeat("p", 125)
	s.add("FR-5/pings count for nothing", conversation{sparse: true,
		steps: says(frame(text, half), frame(fin|ping, control), frame(fin|ping, control), frame(fin|continuation, most[len(half):])),
		want:  []event{pongEvent(control), pongEvent(control), textEvent(most)}})
	s.add("FR-5/each message has the whole limit", conversation{sparse: true,
		steps: says(frame(text, half), frame(fin|continuation, half), frame(text, half), frame(fin|continuation, half)),
		want:  []event{textEvent(half + half), textEvent(half + half)}})
	return s
}

// longControls are FR-6.
func longControls() []Case {
	var s suite
	for name, op := range map[string]byte{"pong": pong, "close": closing, "ping": ping} {
		for _, n := range []int{126, 127, 65535, 65536} {
			payload := "\x03\xE8" + strings.Repeat("x", n-2)
			whole := frame(fin|op, payload)
			c := conversation{steps: says(whole), ending: fails, code: 1002, sparse: true}
			s.add(fmt.Sprintf("FR-6/%s of %d", name, n), c)
			c.steps = says(whole[:len(whole)-n])
			s.add(fmt.Sprintf("FR-6/%s of %d by the header alone", name, n), c)
			c.steps = says(frame(text, "one"), whole)
			s.add(fmt.Sprintf("FR-6/%s of %d between fragments", name, n), c)
		}
	}
	return s
}

// closeCodes are FR-11, with the edges of all ranges.
func closeCodes() []Case {
	var s suite
	for _, code := range []int{1012, 1013, 1014, 3000, 3999, 4000, 4999} {
		for _, reason := range []string{"", "reason"} {
			s.add(fmt.Sprintf("FR-11/%d %s", code, reason), conversation{
				steps: says(rawFrame(fin|closing, closePayload(code, reason))), ending: answered, code: code})
		}
	}
	for _, code := range []int{0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1999, 2000, 2999, 5000, 32768, 65535} {
		s.add(fmt.Sprintf("FR-11/%d", code), conversation{
			steps: says(rawFrame(fin|closing, closePayload(code, ""))), ending: fails, code: 1002})
	}
	return s
}

// plainTexts are FR-17: what is a character like any other.
func plainTexts() []Case {
	var s suite
	const bom = "\xEF\xBB\xBF"
	for name, payload := range map[string]string{
		"NUL": "\x00", "many NULs": strings.Repeat("\x00", 300), "NUL inside": "a\x00b", "NUL at the end": "ab\x00",
		"BOM": bom, "BOM in front": bom + "text", "BOM inside": "te" + bom + "xt", "two BOMs": bom + bom, "BOM at the end": "text" + bom,
		"reversed BOM": "\uFFFE", "line ends": "\r\n\n\r\u0085\u2028", "all of ASCII": octets(0, 0x7F, ""),
	} {
		want := []event{textEvent(payload)}
		s.add("FR-17/"+name, conversation{steps: says(frame(fin|text, payload)), want: want})
		s.add("FR-17/"+name+" in fragments of a byte", conversation{steps: says(fragments(fin|text, []byte(payload), 1)...), want: want})
	}
	return s
}
