package native

import (
	"encoding/base64"
	"encoding/json"

	"github.com/wsedge/wsedge/frame"
	"github.com/wsedge/wsedge/internal/broker"
	"github.com/wsedge/wsedge/internal/dialect"
)

// AppendGap appends the frame of the notice that the publications between two offsets, both exclusive, were dropped.
func AppendGap(dst []byte, channel string, after, before uint64) []byte {
	return frame.AppendFrame(dst, frame.OpText, AppendGapText(make([]byte, 0, 128), channel, after, before))
}

// AppendGapText appends such a notice without its frame.
func AppendGapText(dst []byte, channel string, after, before uint64) []byte {
	return append(appendGap(dst, channel, after, before), '}')
}

// AppendPromisedGap appends the frame of a notice that they were dropped for now, and are looked for in the history.
func AppendPromisedGap(dst []byte, channel string, after, before uint64) []byte {
	notice := appendGap(make([]byte, 0, 128), channel, after, before)
	return frame.AppendFrame(dst, frame.OpText, append(notice, `,"refill":true}`...))
}

func appendGap(dst []byte, channel string, after, before uint64) []byte {
	dst = appendHead(dst, "gap", nil)
	dst = appendString(dst, "channel", channel)
	dst = appendUint(dst, "after", after)
	return appendUint(dst, "before", before)
}

const opening, afterName = `{"type":"message","channel":"`, `","data":`

// AppendMessage appends the frame of a message: JSON data as it is, text as a JSON string, binary as a base64 string marked
// by "encoding":"base64".
func AppendMessage(dst []byte, m *dialect.Message) []byte {
	data, tail := parts(m, make([]byte, 0, 256))
	dst = frame.AppendHeader(dst, true, frame.OpText, len(opening)+len(m.Channel)+len(afterName)+len(data)+len(tail))
	return appendText(dst, m.Channel, data, tail)
}

// AppendMessageText appends a message without its frame.
func AppendMessageText(dst []byte, m *dialect.Message) []byte {
	data, tail := parts(m, make([]byte, 0, 256))
	return appendText(dst, m.Channel, data, tail)
}

func appendText(dst []byte, channel string, data, tail []byte) []byte {
	dst = append(append(append(dst, opening...), channel...), afterName...)
	return append(append(dst, data...), tail...)
}

// parts are a publication's data as JSON, and the members behind it with the closing brace, appended to storage.
func parts(m *dialect.Message, storage []byte) (data, tail []byte) {
	data, tail = m.Data, storage
	switch m.Kind {
	case broker.Text:
		data, _ = json.Marshal(string(m.Data)) // a string can't fail
	case broker.Binary:
		data = base64.StdEncoding.AppendEncode([]byte{'"'}, m.Data)
		data = append(data, '"')
		tail = appendString(tail, "encoding", "base64")
	case broker.JSON:
	}
	tail = appendUint(tail, "offset", m.Offset)
	if m.Prev+1 != m.Offset {
		tail = appendUint(tail, "prev", m.Prev)
	}
	if m.Client != "" {
		tail = appendString(tail, "client", m.Client)
	}
	if m.User != "" {
		tail = appendQuoted(tail, "user", m.User)
	}
	return data, append(tail, '}')
}
