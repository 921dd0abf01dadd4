package handshake

import (
	"crypto/tls"
	"net"
)

// clientHello is what a client sends first that takes the port for one with TLS.
func clientHello() string {
	ours, theirs := net.Pipe()
	defer ours.Close()
	go func() {
		_ = tls.Client(theirs, &tls.Config{ServerName: "here.example"}).Handshake() // ends with the pipe
		theirs.Close()
	}()
	buf := make([]byte, 16<<10)
	n, err := ours.Read(buf)
	if err != nil {
		panic(err)
	}
	return string(buf[:n])
}
