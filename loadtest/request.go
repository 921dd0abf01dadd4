package loadtest

import (
	"crypto/tls"
	"encoding/json"
	"net"
	"net/url"
	"strconv"
)

// requestMaker builds the HTTP requests that publish.
type requestMaker struct {
	address string
	head    string // up to the value of Content-Length
	before  []byte // of the body, up to the stamp
	after   []byte
	run     uint32
	payload int
	tls     *tls.Config // nil: plain text
}

func newRequestMaker(u *url.URL, header, channel string, run uint32, payload int) requestMaker {
	address := u.Host
	if u.Port() == "" {
		address = net.JoinHostPort(u.Hostname(), defaultPort(u.Scheme))
	}
	return requestMaker{
		address: address,
		head: "POST " + u.RequestURI() + " HTTP/1.1\r\nHost: " + u.Host + "\r\nContent-Type: application/json\r\n" +
			header + "Content-Length: ",
		before:  append(append([]byte(`{"channel":`), jsonString(channel)...), `,"data":"`...),
		after:   []byte(`"}`),
		run:     run,
		payload: payload,
	}
}

// append writes one request.
func (r *requestMaker) append(dst []byte, publisher int, sequence uint32, intended int64) []byte {
	dst = append(dst, r.head...)
	dst = strconv.AppendInt(dst, int64(len(r.before)+r.payload+len(r.after)), 10)
	dst = append(dst, "\r\n\r\n"...)
	dst = append(dst, r.before...)
	s := stamp{Run: r.run, Publisher: uint32(publisher), Sequence: sequence, Intended: intended}
	dst = appendStamp(dst, s, r.payload)
	return append(dst, r.after...)
}

func jsonString(s string) []byte {
	text, err := json.Marshal(s)
	if err != nil {
		panic(err) // a string always marshals
	}
	return text
}
