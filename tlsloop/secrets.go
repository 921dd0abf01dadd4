package tlsloop

import (
	"bytes"
	"crypto/subtle"
	"crypto/tls"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"reflect"
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

var errMismatch = errors.New("tlsloop: tls.Conn has other keys or sequence numbers than expected")

// compare checks what was learned against what a tls.Conn holds: both secrets, nothing read yet under the client's, and sealed
// records written under the server's.
func (l *layout) compare(conn *tls.Conn, s *secrets, sealed uint64) error {
	v := reflect.ValueOf(conn).Elem()
	in, out := v.FieldByIndex(l.in.Index), v.FieldByIndex(l.out.Index)
	inSeq, inSecret := l.direction(in)
	outSeq, outSecret := l.direction(out)
	if inSeq != 0 || outSeq != sealed || subtle.ConstantTimeCompare(inSecret, s.client) != 1 ||
		subtle.ConstantTimeCompare(outSecret, s.server) != 1 {
		return errMismatch
	}
	return nil
}

func (l *layout) direction(v reflect.Value) (seq uint64, secret []byte) {
	digits := v.FieldByIndex(l.seq.Index)
	var b [8]byte
	for i := range b {
		b[i] = byte(digits.Index(i).Uint())
	}
	return binary.BigEndian.Uint64(b[:]), v.FieldByIndex(l.secret.Index).Bytes()
}
