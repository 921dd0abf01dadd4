package conformance

import (
	"bufio"
	"bytes"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/klauspost/compress/flate"
)

// reference is an echo server as plain as can be: a goroutine for each connection, blocking reads, one frame after the
// other. It shows that every case can be passed; with one defect at a time, that the cases catch what they are for.
type reference struct {
	listener net.Listener
	defect   defect
	conns    sync.WaitGroup
}

func startReference(t *testing.T, d defect) Target {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &reference{listener: listener, defect: d}
	s.conns.Go(s.accept)
	t.Cleanup(func() {
		listener.Close()
		s.conns.Wait()
	})
	return Target{Address: listener.Addr().String(), Path: "/"}
}

func (s *reference) accept() {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.conns.Go(func() {
			defer conn.Close()
			p := &peer{conn: conn.(*net.TCPConn), r: bufio.NewReader(conn), w: bufio.NewWriter(conn), d: s.defect}
			p.serve()
		})
	}
}

// peer is one connection of the reference.
type peer struct {
	conn *net.TCPConn
	r    *bufio.Reader
	w    *bufio.Writer
	d    defect

	deflate    bool
	windowBits int
	compressor *flate.Writer
	compressed bytes.Buffer

	op         byte // of the message that is arriving; 0: none
	isDeflated bool
	message    []byte
	unchecked  []byte // the begin of a character
	pongs      [][]byte
}

// failure ends a connection with a close code.
type failure int

func (f failure) Error() string { return fmt.Sprint("fails with ", int(f)) }

var errClosed = errors.New("the close handshake is done")

const (
	protocolError = failure(1002)
	invalidText   = failure(1007)
)

// serve goes from the handshake to the end.
func (p *peer) serve() {
	if err := p.handshake(); err != nil {
		return
	}
	err := p.frames()
	var f failure
	if errors.As(err, &f) {
		p.fail(f)
	}
	if err == errClosed || f != 0 {
		p.hangUp()
	}
}

func (p *peer) frames() error {
	for {
		if p.r.Buffered() == 0 {
			p.w.Flush()
		}
		if err := p.frame(); err != nil {
			return err
		}
	}
}

// fail says why, behind what was said before.
func (p *peer) fail(f failure) {
	if p.d == failsBeforeEcho {
		p.w.Reset(p.conn)
	}
	if f == invalidText && p.d == calls1007By1002 {
		f = protocolError
	} else if f == protocolError && p.d == calls1002By1007 {
		f = invalidText
	}
	if p.d != failsWithoutClose {
		p.send(fin|closing, closePayload(int(f), ""))
	}
}

// hangUp ends the connection so that all that was said arrives.
func (p *peer) hangUp() {
	p.w.Flush()
	if p.d != keepsTCP {
		_ = p.conn.CloseWrite()
	}
	_, _ = io.Copy(io.Discard, p.r)
}

func (p *peer) handshake() error {
	request, err := http.ReadRequest(p.r)
	if err != nil {
		return err
	}
	sum := sha1.Sum([]byte(request.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	if p.d == answersWrongKey {
		sum[0]++
	}
	fmt.Fprintf(p.w, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n",
		base64.StdEncoding.EncodeToString(sum[:]))
	if offer := request.Header.Get("Sec-WebSocket-Extensions"); offer != "" && p.d != declinesDeflate {
		if answer := p.negotiate(offer); answer != "" {
			fmt.Fprintf(p.w, "Sec-WebSocket-Extensions: %s\r\n", answer)
		}
	}
	_, err = p.w.WriteString("\r\n")
	return err
}

// negotiate takes the first element of the offer that it understands.
func (p *peer) negotiate(offer string) string {
	for _, element := range strings.Split(offer, ",") {
		params, err := parseParams(element)
		if err != nil {
			continue
		}
		p.deflate, p.windowBits = true, 15
		answer := "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
		if bits, asked := params["server_max_window_bits"]; asked && p.d != ignoresWindowBits {
			if _, err := fmt.Sscan(bits, &p.windowBits); err != nil {
				continue
			}
			answer += "; server_max_window_bits=" + bits
		}
		if p.d == answersUnoffered {
			answer += "; client_max_window_bits=15"
		}
		return answer
	}
	return ""
}

// frame reads one frame and does what it calls for.
func (p *peer) frame() error {
	var head [2]byte
	if _, err := io.ReadFull(p.r, head[:1]); err != nil {
		return err
	}
	first := head[0]
	if err := p.checkFirst(first); err != nil {
		return err
	}
	if _, err := io.ReadFull(p.r, head[1:]); err != nil {
		return err
	}
	length, err := p.length(head[1])
	if err != nil {
		return err
	}
	if head[1]&0x80 == 0 && p.d != acceptsUnmasked {
		return protocolError
	}
	if err := p.checkControl(first, length); err != nil {
		return err
	}
	var key [4]byte
	if head[1]&0x80 != 0 {
		if _, err := io.ReadFull(p.r, key[:]); err != nil {
			return err
		}
	}
	if first&0x0F >= closing {
		payload := make([]byte, length)
		if _, err := io.ReadFull(p.r, payload); err != nil {
			return err
		}
		unmask(payload, key, 0)
		return p.control(first&0x0F, payload)
	}
	return p.data(first, length, key)
}

// checkFirst checks reserved bits, opcode, and the order of fragments.
func (p *peer) checkFirst(first byte) error {
	op := first & 0x0F
	refused := byte(rsv1 | rsv2 | rsv3)
	if p.deflate && (op == text || op == binaryData) {
		refused &^= rsv1
	}
	refused &^= map[defect]byte{ignoresRSV1: rsv1, ignoresRSV2: rsv2, ignoresRSV3: rsv3}[p.d]
	switch {
	case first&refused != 0,
		op > binaryData && op < closing && p.d != acceptsReservedData,
		op > pong && p.d != acceptsReservedControl,
		op == continuation && p.op == 0 && p.d != acceptsOrphans,
		op != continuation && op < closing && p.op != 0 && p.d != acceptsNewMessageInside:
		return protocolError
	}
	return nil
}

func (p *peer) checkControl(first byte, length uint64) error {
	op := first & 0x0F
	switch {
	case op < closing:
	case first&fin == 0 && p.d != acceptsFragmentedControl,
		length > 125 && op == closing && p.d != acceptsLongClose,
		length > 125 && op != closing && p.d != acceptsLongPing:
		return protocolError
	}
	return nil
}

func (p *peer) length(second byte) (uint64, error) {
	var b [8]byte
	short := uint64(second & 0x7F)
	least, size := uint64(126), 2
	if short < 126 {
		return short, nil
	} else if short == 127 {
		least, size = 65536, 8
	}
	if _, err := io.ReadFull(p.r, b[8-size:]); err != nil {
		return 0, err
	}
	n := binary.BigEndian.Uint64(b[:])
	switch {
	case n < least && p.d != acceptsLongLengths, n > 1<<63:
		return 0, protocolError
	case n > 16<<20:
		return 0, failure(1009)
	}
	return n, nil
}

func unmask(b []byte, key [4]byte, at int) {
	for i := range b {
		b[i] ^= key[(at+i)&3]
	}
}

// data reads the payload of a data frame as it comes, and echoes a message that is complete.
func (p *peer) data(first byte, length uint64, key [4]byte) error {
	if op := first & 0x0F; op != continuation || p.op == 0 {
		p.op, p.isDeflated, p.message, p.unchecked = max(op, text), first&rsv1 != 0 && p.deflate, nil, nil
	}
	if length == 0 && first&fin == 0 && p.d == refusesEmptyFragments {
		return protocolError
	}
	var frame []byte
	for at := 0; at < int(length); {
		chunk := make([]byte, min(int(length)-at, 4096))
		n, err := p.r.Read(chunk)
		if err != nil {
			return err
		}
		unmask(chunk[:n], key, at)
		at += n
		frame = append(frame, chunk[:n]...)
		if p.d != checksTextByFrame && p.d != checksTextAtEnd && !p.isDeflated && !p.check(chunk[:n]) {
			return invalidText
		}
	}
	if p.d == checksTextByFrame && !p.isDeflated && !p.check(frame) {
		return invalidText
	}
	p.message = p.join(p.message, frame)
	if first&fin == 0 {
		if p.d == forgetsHalfCharacters {
			p.unchecked = nil
		}
		return nil
	}
	return p.complete()
}

func (p *peer) join(message, frame []byte) []byte {
	switch {
	case p.d == joinsBackwards:
		return slices.Concat(frame, message)
	case p.d == dropsFirstFragment:
		return frame
	}
	return append(message, frame...)
}

// complete echoes the message that has come whole.
func (p *peer) complete() error {
	if p.isDeflated {
		if p.d == checksTextBeforeInflating && !p.check(p.message) {
			return invalidText
		}
		plain, err := io.ReadAll(flate.NewReader(io.MultiReader(bytes.NewReader(p.message), strings.NewReader("\x00\x00\xFF\xFF\x01\x00\x00\xFF\xFF"))))
		if err != nil {
			return invalidText
		}
		p.message = plain
	}
	if (p.isDeflated && p.d != checksTextBeforeInflating || p.d == checksTextAtEnd) && !p.check(p.message) {
		return invalidText
	}
	if len(p.unchecked) > 0 && p.d != acceptsHalfCharacters {
		return invalidText
	}
	if len(p.message) > 0 || p.d != dropsEmptyMessages {
		p.echo(p.op, p.message)
	}
	for _, payload := range p.pongs {
		p.send(fin|pong, payload)
	}
	p.op, p.pongs = 0, nil
	return nil
}
