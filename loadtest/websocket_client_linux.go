package loadtest

import (
	"bytes"
	"context"
	"encoding/binary"
	"net"
	"sync"
	"time"

	"github.com/wsedge/wsedge/frame"
)

// websocketClient is a connection of a publisher: blocking, unlike the subscribers', of which there are many more.
//
// One goroutine reads at a time; any may write.
type websocketClient struct {
	// Immutable after openWebSocket.
	conn     net.Conn
	decoding frame.DecoderConfig
	split    bool // a message may be several, in lines

	// Owned by the reader.
	decoder frame.Decoder
	buf     []byte
	in      []byte        // of buf: what has arrived and is not decoded
	message frame.Message // the last one
	rest    []byte        // of message: lines to come

	writing sync.Mutex
	out     []byte // guarded by writing
	masks   uint64 // guarded by writing
}

// openWebSocket shakes hands on a connection, which it closes if that fails. The request target is path; header is ready-made
// lines. seed is for keys and masks.
func openWebSocket(ctx context.Context, conn net.Conn, host, path, header string, split bool, seed uint64) (*websocketClient, error) {
	c := &websocketClient{
		conn: conn, split: split, buf: make([]byte, readBytes), masks: seed,
		decoding: frame.DecoderConfig{Role: frame.Client, MaxMessageBytes: MaxPayload + 64<<10},
	}
	defer interruptible(ctx, conn)()
	if err := c.shakeHands(host, path, header); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return c, nil
}

func (c *websocketClient) shakeHands(host, path, header string) error {
	var random [16]byte
	binary.LittleEndian.PutUint64(random[:8], splitmix(&c.masks))
	binary.LittleEndian.PutUint64(random[8:], splitmix(&c.masks))
	key := frame.NewClientKey(random)
	if _, err := c.conn.Write(frame.AppendClientHandshake(nil, host, path, key, header)); err != nil {
		return err
	}
	var head []byte
	var scanner frame.HeadScanner
	for {
		n, err := c.conn.Read(c.buf)
		if n == 0 && err != nil {
			return err
		}
		head = append(head, c.buf[:n]...)
		end, err := scanner.Scan(head, nil)
		if err != nil {
			return failureError{headFailure(head, err)}
		}
		if end == 0 {
			continue
		}
		subprotocol, err := frame.CheckServerHandshake(head[:end], key)
		if err != nil {
			return failureError{handshakeFailure(err)}
		}
		if subprotocol != nil && !offersSubprotocol(header, string(subprotocol)) {
			return failureError{badHandshake("subprotocol_not_offered")}
		}
		c.in = head[end:] // frames already
		return nil
	}
}

// next returns the next message, or one of several in a frame; it is good until the next call. Pings and the close frame are
// answered meanwhile. After an error there is no next one.
func (c *websocketClient) next() ([]byte, error) {
	for {
		for len(c.rest) > 0 {
			var text []byte
			if text, c.rest, _ = bytes.Cut(c.rest, []byte{'\n'}); len(text) > 0 {
				return text, nil
			}
		}
		text, err := c.nextMessage()
		if err != nil || !c.split {
			return text, err
		}
		c.rest = text
	}
}

// nextMessage takes frames until there is a text or binary message.
func (c *websocketClient) nextMessage() ([]byte, error) {
	for {
		c.message.Release()
		m, err := c.nextFrame()
		if c.message = m; err != nil {
			return nil, err
		}
		switch m.Opcode {
		case frame.OpPing:
			if err := c.write(frame.OpPong, m.Payload); err != nil {
				return nil, err
			}
		case frame.OpClose:
			return nil, c.closed(m.Payload)
		case frame.OpText, frame.OpBinary:
			return m.Payload, nil
		}
	}
}

// nextFrame reads until there is a whole message or control frame.
func (c *websocketClient) nextFrame() (frame.Message, error) {
	for {
		if len(c.in) > 0 {
			m, n, err := c.decoder.Next(&c.decoding, c.in)
			if err != nil {
				return frame.Message{}, failureError{protocolFailure(err)}
			}
			if c.in = c.in[n:]; m.Opcode != frame.OpContinuation {
				return m, nil
			}
		}
		n, err := c.conn.Read(c.buf)
		if n == 0 && err != nil {
			return frame.Message{}, err
		}
		c.in = c.buf[:n]
	}
}

// closed answers a close frame and says what was in it.
func (c *websocketClient) closed(payload []byte) error {
	code, reason, err := frame.ParseClose(payload)
	if err != nil {
		return failureError{protocolFailure(err)}
	}
	_ = c.write(frame.OpClose, frame.AppendClosePayload(nil, code, "")) // the connection ends either way
	return failureError{closeFailure(code, reason)}
}

// write sends one frame. Safe from any goroutine.
func (c *websocketClient) write(opcode frame.Opcode, payload []byte) error {
	c.writing.Lock()
	defer c.writing.Unlock()
	v := splitmix(&c.masks)
	mask := [4]byte{byte(v), byte(v >> 8), byte(v >> 16), byte(v >> 24)}
	c.out = frame.AppendMaskedFrame(c.out[:0], opcode, payload, mask)
	_, err := c.conn.Write(c.out)
	return err
}

// say sends what a template says.
func (c *websocketClient) say(t *template, v *values) error {
	return c.write(frame.OpText, t.append(nil, v))
}

// setUp goes through one step.
func (c *websocketClient) setUp(talk *dialogue, step *setupStep, v *values) error {
	if step.send != nil {
		if err := c.say(step.send, v); err != nil {
			return err
		}
	}
	if step.expect == nil {
		return nil
	}
	var m incoming
	for {
		text, err := c.next()
		if err != nil {
			return err
		}
		m.take(text)
		switch step.judge(&m, v) {
		case stepDone:
			return nil
		case stepRefused:
			return failureError{step.refusal(&m)}
		}
		if err := c.answer(talk, &m, v); err != nil {
			return err
		}
	}
}

// answer replies to a message that asks for it.
func (c *websocketClient) answer(talk *dialogue, m *incoming, v *values) error {
	if answer := talk.answerTo(m, v); answer != nil {
		return c.say(answer, v)
	}
	return nil
}

// close ends the connection, and with it the wait of the reader.
func (c *websocketClient) close() { _ = c.conn.Close() }

// leave says good-bye and ends the connection. Whoever is to answer need not be waited for.
func (c *websocketClient) leave() {
	_ = c.conn.SetWriteDeadline(time.Now().Add(time.Second))
	_ = c.write(frame.OpClose, frame.AppendClosePayload(nil, frame.CloseNormal, ""))
	c.close()
}

// release gives back what the reader holds.
func (c *websocketClient) release() {
	c.message.Release()
	c.message = frame.Message{}
	c.decoder.Reset(&c.decoding)
}
