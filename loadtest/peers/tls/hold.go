package main

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/wsedge/wsedge/frame"
)

// connsPerProcess keeps a holder below the usual limit of open files.
const connsPerProcess = 15000

// hold opens connections, says so, answers pings, and at the end of its input tells how many messages came. It is run by idle and
// fanout, in as many processes as it takes.
func hold(args []string) error {
	flags := flag.NewFlagSet("hold", flag.ExitOnError)
	n := flags.Int("conns", 1000, "connections")
	t := targetFlags(flags)
	t.parse(flags, args)
	var messages, lost atomic.Int64
	_, err := t.dialAll(*n, func(c net.Conn) {
		go func() {
			_ = listen(c, &messages)
			lost.Add(1)
		}()
	})
	if err != nil {
		return err
	}
	fmt.Println("ready")
	_, _ = io.Copy(io.Discard, os.Stdin)
	fmt.Println(messages.Load(), lost.Load())
	return nil
}

// listen counts messages and answers pings until the connection ends.
func listen(conn net.Conn, messages *atomic.Int64) error {
	cfg := frame.DecoderConfig{Role: frame.Client, MaxMessageBytes: 1 << 20}
	var decoder frame.Decoder
	buffer := make([]byte, 512)
	for {
		n, err := conn.Read(buffer)
		if err != nil {
			return err
		}
		for in := buffer[:n]; len(in) > 0; {
			m, used, err := decoder.Next(&cfg, in)
			if err != nil {
				return err
			}
			in = in[used:]
			switch m.Opcode {
			case frame.OpText, frame.OpBinary:
				messages.Add(1)
			case frame.OpPing:
				if _, err := conn.Write(frame.AppendMaskedFrame(nil, frame.OpPong, m.Payload, [4]byte{1, 2, 3, 4})); err != nil {
					return err
				}
			}
			m.Release()
		}
	}
}

// holder is a process that runs hold.
type holder struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

// holders opens n connections in other processes, one process after the other.
func (t *target) holders(n int) ([]*holder, error) {
	var all []*holder
	for n > 0 {
		part := min(n, connsPerProcess)
		h := &holder{cmd: exec.Command(os.Args[0], "hold", "--addr", t.addr, "--conns", strconv.Itoa(part),
			fmt.Sprintf("--plain=%t", t.plain), fmt.Sprintf("--x25519=%t", t.x25519), fmt.Sprintf("--tls12=%t", t.tls12))}
		h.cmd.Stderr = os.Stderr
		var err error
		if h.in, err = h.cmd.StdinPipe(); err != nil {
			return nil, err
		}
		out, err := h.cmd.StdoutPipe()
		if err != nil {
			return nil, err
		}
		if err := h.cmd.Start(); err != nil {
			return nil, err
		}
		h.out = bufio.NewReader(out)
		all = append(all, h)
		if line, err := h.out.ReadString('\n'); err != nil || strings.TrimSpace(line) != "ready" {
			release(all)
			return nil, fmt.Errorf("a process could not open its connections: %q, %v", line, err)
		}
		n -= part
	}
	return all, nil
}

// release ends the processes and sums up what they have got, and how many connections they have lost.
func release(all []*holder) (messages, lost int64) {
	for _, h := range all {
		h.in.Close()
		var m, l int64
		if _, err := fmt.Fscan(h.out, &m, &l); err == nil {
			messages, lost = messages+m, lost+l
		}
		_ = h.cmd.Wait()
	}
	return messages, lost
}
