package loadtest

import (
	"bytes"
	"hash/crc32"
	"strconv"
)

// A stamp is the text that a message carries through any envelope:
//
//	wsl1:<run, 8 hex>:<publisher>:<sequence>:<intended ns>:xxxxx.<CRC-32C, 8 hex>
//
// It uses no character that JSON would escape. The fixed letter x pads it to the length of the payload, so that a message
// cut short, or run together with another, is told from a whole one. The time counts from the epoch of the coordinator.
type stamp struct {
	Run       uint32
	Publisher uint32 // stream of a fan-out (topicPlan), connection of an echo
	Sequence  uint32 // from 0, without holes, per stream or connection
	Intended  int64  // ns after the run's epoch
}

const (
	stampPrefix = "wsl1:"
	sumBytes    = 9 // "." and 8 hex digits

	// MinPayload holds the largest stamp without padding: 5 for the prefix, 9 for the run, 11 and 11 for publisher and
	// sequence, 15 for 27 hours of nanoseconds, 9 for the checksum: 60 bytes.
	MinPayload = 64
	// MaxPayload is what the client's decoder takes, less an envelope.
	MaxPayload = 1 << 20
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// padding is what stamps are padded with, a block at a time: copying and comparing blocks goes at the speed of memory, where
// a byte at a time took half of the generator's CPU time with messages of 16 KiB. Two blocks of 2 KiB fit into the first
// cache beside the message.
var padding = bytes.Repeat([]byte("x"), 2048)

// appendPadding adds n bytes of padding; none if n is negative.
func appendPadding(dst []byte, n int) []byte {
	for ; n > len(padding); n -= len(padding) {
		dst = append(dst, padding...)
	}
	return append(dst, padding[:max(n, 0)]...)
}

// isPadding says whether b is nothing but padding.
func isPadding(b []byte) bool {
	for ; len(b) > len(padding); b = b[len(padding):] {
		if !bytes.Equal(b[:len(padding)], padding) {
			return false
		}
	}
	return bytes.Equal(b, padding[:len(b)])
}

// appendStamp writes s, padded to size bytes. size is at least MinPayload.
func appendStamp(dst []byte, s stamp, size int) []byte {
	start := len(dst)
	dst = append(dst, stampPrefix...)
	dst = appendHex8(dst, s.Run)
	dst = append(dst, ':')
	dst = strconv.AppendUint(dst, uint64(s.Publisher), 10)
	dst = append(dst, ':')
	dst = strconv.AppendUint(dst, uint64(s.Sequence), 10)
	dst = append(dst, ':')
	dst = strconv.AppendInt(dst, s.Intended, 10)
	dst = append(dst, ':')
	dst = appendPadding(dst, start+size-sumBytes-len(dst))
	sum := crc32.Checksum(dst[start:], castagnoli)
	dst = append(dst, '.')
	return appendHex8(dst, sum)
}

// stampVerdict says what findStamp found.
type stampVerdict uint8

const (
	stampNone    stampVerdict = iota // no prefix: a message of another kind
	stampCorrupt                     // a prefix, but what follows is not what was sent
	stampGood
)

// findStamp looks for a stamp in a message of any envelope and checks that it is whole: fields, padding, length and
// checksum. size is the length that was sent. It borrows payload.
func findStamp(payload []byte, size int) (stamp, stampVerdict) {
	at := bytes.Index(payload, []byte(stampPrefix))
	if at < 0 {
		return stamp{}, stampNone
	}
	if len(payload)-at < size {
		return stamp{}, stampCorrupt
	}
	text := payload[at : at+size]
	s, ok := parseStamp(text)
	if !ok {
		return stamp{}, stampCorrupt
	}
	return s, stampGood
}

// parseStamp reads exactly one stamp.
func parseStamp(text []byte) (s stamp, ok bool) {
	if len(text) < MinPayload || string(text[:len(stampPrefix)]) != stampPrefix {
		return s, false
	}
	body, tail := text[:len(text)-sumBytes], text[len(text)-sumBytes:]
	sum, ok := parseHex8(tail[1:])
	if !ok || tail[0] != '.' || sum != crc32.Checksum(body, castagnoli) {
		return s, false
	}
	rest := body[len(stampPrefix):]
	if len(rest) < 9 || rest[8] != ':' {
		return s, false
	}
	if s.Run, ok = parseHex8(rest[:8]); !ok {
		return s, false
	}
	var publisher, sequence, intended uint64
	rest = rest[9:]
	for _, field := range []*uint64{&publisher, &sequence, &intended} {
		if *field, rest, ok = cutDecimal(rest); !ok {
			return s, false
		}
	}
	if publisher > 1<<32-1 || sequence > 1<<32-1 || !isPadding(rest) {
		return s, false
	}
	s.Publisher, s.Sequence, s.Intended = uint32(publisher), uint32(sequence), int64(intended)
	return s, true
}

// cutDecimal reads digits up to a colon. 18 digits are the most that cannot overflow.
func cutDecimal(b []byte) (value uint64, rest []byte, ok bool) {
	end := bytes.IndexByte(b, ':')
	if end < 1 || end > 18 {
		return 0, nil, false
	}
	for _, c := range b[:end] {
		if c < '0' || c > '9' {
			return 0, nil, false
		}
		value = value*10 + uint64(c-'0')
	}
	return value, b[end+1:], true
}

func appendHex8(dst []byte, v uint32) []byte {
	const digits = "0123456789abcdef"
	for shift := 28; shift >= 0; shift -= 4 {
		dst = append(dst, digits[v>>shift&15])
	}
	return dst
}

func parseHex8(b []byte) (v uint32, ok bool) {
	if len(b) != 8 {
		return 0, false
	}
	for _, c := range b {
		switch {
		case c >= '0' && c <= '9':
			v = v<<4 | uint32(c-'0')
		case c >= 'a' && c <= 'f':
			v = v<<4 | uint32(c-'a'+10)
		default:
			return 0, false
		}
	}
	return v, true
}
