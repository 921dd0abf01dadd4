package floor

import (
	"bytes"
	"errors"
	"strconv"

	"github.com/wsedge/wsedge/frame"
)

const (
	subscribed = `{"type":"subscribed","id":1,"channel":"load"}`
	published  = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n{\"ok\":true}"
	unknown    = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
)

// appendAnswer writes what a message asks for. done says that the connection is to be closed behind it.
func appendAnswer(out []byte, kind connKind, m *frame.Message) (_ []byte, done bool) {
	switch {
	case m.Opcode == frame.OpClose:
		return frame.AppendFrame(out, frame.OpClose, m.Payload), true
	case m.Opcode == frame.OpPing:
		return frame.AppendFrame(out, frame.OpPong, m.Payload), false
	case !m.Opcode.IsData():
	case kind == kindEcho:
		return frame.AppendFrame(out, m.Opcode, m.Payload), false
	case bytes.Contains(m.Payload, []byte(`"subscribe"`)):
		return frame.AppendFrame(out, frame.OpText, []byte(subscribed)), false
	}
	return out, false
}

// requests serves HTTP until there is no whole request left, or an upgrade. It returns what is left.
func (t *thread) requests(c *conn, in []byte) (rest []byte, err error) {
	for len(in) > 0 {
		var scanner frame.HeadScanner
		limits := frame.HeadLimits{}
		head, err := scanner.Scan(in, &limits)
		if err != nil || head == 0 {
			return in, err
		}
		if err := t.request.Parse(in[:head], &limits); err != nil {
			return nil, err
		}
		if t.request.WantsUpgrade() {
			if err := t.upgrade(c); err != nil {
				return nil, err
			}
			t.frames(c, in[head:])
			return nil, nil
		}
		length, err := t.contentLength()
		if err != nil || len(in)-head < length {
			return in, err
		}
		if err := t.serve(c, in[head:head+length]); err != nil {
			return nil, err
		}
		in = in[head+length:]
	}
	return nil, nil
}

func (t *thread) contentLength() (int, error) {
	text := t.request.Get("Content-Length")
	if len(text) == 0 {
		return 0, nil
	}
	n, err := strconv.Atoi(string(text))
	if err != nil || n < 0 || n > maxInput {
		return 0, errors.New("bad Content-Length")
	}
	return n, nil
}

// serve answers a request that is no upgrade.
func (t *thread) serve(c *conn, body []byte) error {
	answer := unknown
	if string(t.request.Method) == "POST" && string(t.request.Path) == "/api/publish" {
		data, err := publicationData(body)
		if err != nil {
			return err
		}
		t.publish(message{frame: encode(data, t.process.raw, t.process.offset.Add(1)), local: true})
		answer = published
	}
	if !t.queue(c, []byte(answer)) {
		return errors.New("closed")
	}
	return nil
}

// upgrade subscribes the connection, unless it is for an echo.
func (t *thread) upgrade(c *conn) error {
	key, err := t.request.CheckUpgrade()
	if err != nil {
		return err
	}
	t.scratch = frame.AppendSwitchingProtocols(t.scratch[:0], key, "", "")
	if string(t.request.Path) == "/echo" {
		c.kind = kindEcho
	} else {
		c.kind, c.place = kindSubscriber, int32(len(t.open))
		t.open = append(t.open, subscriber{fd: c.fd})
	}
	if !t.queue(c, t.scratch) {
		return errors.New("closed")
	}
	return nil
}
