package frame_test

import (
	"fmt"

	"github.com/wsedge/wsedge/frame"
)

// A message may arrive in any cut: here in two fragments, the second of which is cut, too.
func ExampleDecoder() {
	wire := frame.AppendHeader(nil, false, frame.OpText, 3)
	wire = append(wire, "Hel"...)
	wire = frame.AppendHeader(wire, true, frame.OpContinuation, 2)
	wire = append(wire, "lo"...)

	cfg := frame.DecoderConfig{Role: frame.Client}
	var decoder frame.Decoder
	for _, chunk := range [][]byte{wire[:8], wire[8:]} {
		for len(chunk) > 0 {
			message, n, err := decoder.Next(&cfg, chunk)
			if err != nil {
				fmt.Println(err)
				return
			}
			if message.Opcode != 0 {
				fmt.Printf("%v %s\n", message.Opcode, message.Payload)
			}
			message.Release()
			chunk = chunk[n:]
		}
	}
	// Output: text Hello
}

// A server finds the head in what has arrived, judges it and answers.
func ExampleRequest_CheckUpgrade() {
	arrived := frame.AppendClientHandshake(nil, "localhost:8080", "/ws", frame.NewClientKey([16]byte{}), "")

	var scanner frame.HeadScanner
	n, err := scanner.Scan(arrived, nil)
	if err != nil || n == 0 {
		fmt.Println("more is needed, or", err)
		return
	}
	var request frame.Request
	if err := request.Parse(arrived[:n], nil); err != nil {
		fmt.Println(err)
		return
	}
	key, err := request.CheckUpgrade()
	if err != nil {
		fmt.Println(err)
		return
	}
	answer := frame.AppendSwitchingProtocols(nil, key, "", "")
	fmt.Printf("%s%s: %s\n", request.Host, request.Path, answer[:len("HTTP/1.1 101")])
	// Output: localhost:8080/ws: HTTP/1.1 101
}
