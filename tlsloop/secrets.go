package tlsloop

import (
	"bytes"
	"encoding/hex"
	"io"
)

// secrets are what a handshake says about the keys that follow it.
type secrets struct {
	client, server []byte
	flight         []byte // all that was sent since server is known
}

// sent is told of the records that leave.
func (s *secrets) sent(records []byte) {
	if s.server != nil {
		s.flight = append(s.flight, records...)
	}
}

// wipe overwrites the secrets.
func (s *secrets) wipe() {
	clear(s.client)
	clear(s.server)
	*s = secrets{}
}

// secretLog is the KeyLogWriter of one handshake: crypto/tls hands out traffic secrets in no other way.
type secretLog struct {
	hs   *handshake
	next io.Writer // the caller's, or nil
}

// Write takes one line: label, client random, secret.
func (l *secretLog) Write(line []byte) (int, error) {
	if fields := bytes.Fields(line); len(fields) == 3 {
		var secret *[]byte
		switch string(fields[0]) {
		case "CLIENT_TRAFFIC_SECRET_0":
			secret = &l.hs.secrets.client
		case "SERVER_TRAFFIC_SECRET_0":
			secret = &l.hs.secrets.server
		}
		if secret != nil {
			var err error
			if *secret, err = hex.AppendDecode(nil, fields[2]); err != nil {
				return 0, err
			}
		}
	}
	if l.next != nil {
		return l.next.Write(line)
	}
	return len(line), nil
}
