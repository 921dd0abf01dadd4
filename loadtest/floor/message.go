package floor

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strconv"

	"github.com/wsedge/wsedge/frame"
)

// message is a publication, encoded.
type message struct {
	frame []byte
	local bool // it came to this process: other processes have to be told
}

// encode makes a frame of a publication's data: as it is, or in the envelope of wsedge's native dialect, so that both
// servers send as many bytes.
func encode(data []byte, raw bool, offset uint64) []byte {
	if raw {
		return frame.AppendFrame(make([]byte, 0, frame.HeaderBytes(len(data))+len(data)), frame.OpText, data)
	}
	text := make([]byte, 0, len(data)+80)
	text = append(text, `{"type":"message","channel":"load","data":`...)
	text = append(text, data...)
	text = append(text, `,"offset":`...)
	text = strconv.AppendUint(text, offset, 10)
	return frame.AppendFrame(make([]byte, 0, len(text)+16), frame.OpText, append(text, '}'))
}

// publicationData is the value of a body's last member, "data".
func publicationData(body []byte) ([]byte, error) {
	_, data, found := bytes.Cut(body, []byte(`"data":`))
	end := bytes.LastIndexByte(data, '}')
	if !found || end < 0 {
		return nil, errors.New("no publication")
	}
	return data[:end], nil
}

// appendLinked and takeLinked put a frame on a link and take it off again: its length in 4 bytes goes before it.
func appendLinked(dst, frame []byte) []byte {
	return append(binary.BigEndian.AppendUint32(dst, uint32(len(frame))), frame...)
}

// takeLinked returns nil where the frame is not complete.
func takeLinked(in []byte) (frame, rest []byte) {
	if len(in) < 4 {
		return nil, in
	}
	n := int(binary.BigEndian.Uint32(in))
	if len(in)-4 < n {
		return nil, in
	}
	return in[4 : 4+n], in[4+n:]
}
