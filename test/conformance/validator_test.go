package conformance

import (
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// TestValidator is FR-19 from the other side: the validator that reads every byte of a server in all of these tests
// refuses what no server may send, and nothing else.
func TestValidator(t *testing.T) {
	x126, x65535 := strings.Repeat("x", 126), strings.Repeat("x", 65535)
	closed := unmasked(fin|closing, "\x03\xE8")
	long := func(first, form byte, payload string) []byte {
		b := formed(first, form, payload)
		b[1] &^= 0x80
		return append(b[:len(b)-len(payload)-4], payload...)
	}
	for name, frames := range map[string][][]byte{
		"masked text":                     {frame(fin|text, "Hello")},
		"masked close":                    {frame(fin|closing, "\x03\xE8")},
		"RSV1 unnegotiated":               {unmasked(fin|rsv1|text, "Hello")},
		"RSV2":                            {unmasked(fin|rsv2|text, "Hello")},
		"RSV3 on a pong":                  {unmasked(fin|rsv3|pong, "")},
		"reserved opcode":                 {unmasked(fin|3, "")},
		"reserved control opcode":         {unmasked(fin|11, "")},
		"126 form of 125":                 {long(fin|text, 126, x126[1:])},
		"127 form of 126":                 {long(fin|text, 127, x126)},
		"127 form of 65535":               {long(fin|text, 127, x65535)},
		"length beyond 63 bits":           {{fin | text, 127, 0x80, 0, 0, 0, 0, 0, 0, 0}},
		"fragmented pong":                 {unmasked(pong, "")},
		"pong of 126":                     {unmasked(fin|pong, x126)},
		"orphan continuation":             {unmasked(fin|continuation, "Hello")},
		"text in a fragmented message":    {unmasked(text, "Hel"), unmasked(fin|text, "lo")},
		"text that is no UTF-8":           {unmasked(fin|text, "\xED\xA0\x80")},
		"character cut at the end":        {unmasked(text, "\xE2"), unmasked(fin|continuation, "\x82")},
		"close of one byte":               {unmasked(fin|closing, "\x03")},
		"close with 1005":                 {unmasked(fin|closing, "\x03\xED")},
		"close with 1015":                 {unmasked(fin|closing, "\x03\xF7")},
		"close with 5000":                 {unmasked(fin|closing, "\x13\x88")},
		"close reason that is no UTF-8":   {unmasked(fin|closing, "\x03\xE8\xFF")},
		"text behind the close":           {closed, unmasked(fin|text, "Hello")},
		"second close":                    {closed, closed},
		"pong behind the close":           {closed, unmasked(fin|pong, "")},
		"half a header":                   {{fin | text}},
		"half a payload":                  {unmasked(fin|text, "Hello")[:4]},
		"half a length behind a message":  {unmasked(fin|text, "Hello"), {fin | text, 126, 0}},
		"bytes of no frame behind a text": {unmasked(fin|text, "Hello"), []byte("HTTP/1.1 400 Bad Request")},
	} {
		t.Run("FR-19/"+name, func(t *testing.T) {
			if events, err := readAll(nil, frames...); err == nil {
				t.Errorf("accepted as %s", list(events))
			}
		})
	}
	for name, frames := range map[string][][]byte{
		"each length":       {unmasked(fin|text, x126[1:]), unmasked(fin|text, x126), unmasked(fin|text, x65535), unmasked(fin|text, x65535+"x"), closed},
		"empty messages":    {unmasked(fin|text, ""), unmasked(fin|binaryData, ""), unmasked(fin|ping, ""), unmasked(fin|pong, ""), unmasked(fin|closing, "")},
		"pongs between":     {unmasked(text, "\xE2"), unmasked(fin|pong, "p"), unmasked(continuation, "\x82"), unmasked(fin|continuation, "\xAC"), closed},
		"the largest codes": {unmasked(fin|binaryData, "\xFF"), unmasked(fin|closing, "\x13\x87reason")},
	} {
		t.Run("FR-19/legal "+name, func(t *testing.T) {
			if _, err := readAll(nil, frames...); err != nil {
				t.Error(err)
			}
		})
	}
	t.Run("FR-19/compression", validatesCompression)
}

// validatesCompression reads what a server may and may not send once compression is agreed on.
func validatesCompression(t *testing.T) {
	inflates := func() *inflater { return &inflater{window: 512} }
	hello, far := helloStream, string(deflate(distant))
	for name, frames := range map[string][][]byte{
		"RSV1 on a continuation":     {unmasked(rsv1|text, hello[:3]), unmasked(fin|rsv1|continuation, hello[3:])},
		"RSV1 on a pong":             {unmasked(fin|rsv1|pong, "")},
		"tail left on":               {unmasked(fin|rsv1|text, hello+"\x00\xFF\xFF")},
		"no empty block at the end":  {unmasked(fin|rsv1|text, hello[:6])},
		"distance beyond the window": {unmasked(fin|rsv1|text, far)},
		"reference to before":        {unmasked(fin|rsv1|text, hello), unmasked(fin|rsv1|text, unhex("f2 00 11 00 00"))},
		"text that is no UTF-8":      {unmasked(fin|rsv1|text, string(deflate([]byte("\xFF"))))},
		"noise":                      {unmasked(fin|rsv1|binaryData, "\xFF\xFF\xFF")},
	} {
		if events, err := readAll(inflates(), frames...); err == nil {
			t.Errorf("%s: accepted as %s", name, list(events))
		}
	}
	events, err := readAll(&inflater{window: 1 << 15, takeover: true}, unmasked(rsv1|text, hello[:3]), unmasked(fin|continuation, hello[3:]),
		unmasked(fin|rsv1|text, unhex("f2 00 11 00 00")), unmasked(fin|text, "plain"), unmasked(fin|rsv1|binaryData, far))
	want := []event{textEvent("Hello"), textEvent("Hello"), textEvent("plain"), binaryEvent(string(distant))}
	if err != nil || !sameEvents(events, want) {
		t.Errorf("%s, %v; want %s", list(events), err, list(want))
	}
}

// readAll reads frames, a byte at a time, up to an orderly end.
func readAll(deflate *inflater, frames ...[]byte) (events []event, err error) {
	var all strings.Builder
	for _, f := range frames {
		all.Write(f)
	}
	v := &validator{r: iotest.OneByteReader(strings.NewReader(all.String())), deflate: deflate}
	for {
		e, err := v.next()
		switch {
		case err == io.EOF:
			return events, nil
		case err != nil:
			return events, err
		}
		events = append(events, e)
	}
}
