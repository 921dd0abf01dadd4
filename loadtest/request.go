package loadtest

import (
	"encoding/json"
	"net"
	"net/url"
	"strconv"
)

// stamper makes the values of a publication's template: its channel and its stamp.
type stamper struct {
	topics *topicPlan
	run    uint32
	size   int // of the stamp
	text   []byte
}

// values are those of a publication; they are good until the next call.
func (s *stamper) values(publisher int, id uint64, stream int, sequence uint32, intended int64) values {
	s.text = appendStamp(s.text[:0], stamp{Run: s.run, Publisher: uint32(stream), Sequence: sequence, Intended: intended}, s.size)
	return values{channel: s.topics.name(stream % s.topics.count()), conn: publisher, id: id, payload: s.text}
}

// requestMaker builds the HTTP requests that publish.
type requestMaker struct {
	host   string
	form   *httpForm
	target template
	body   []byte
}

// newRequestMaker has header lines beside those of the form.
func newRequestMaker(u *url.URL, form *httpForm, header string) (requestMaker, error) {
	target, err := compileTemplate(requestTemplate(u), escapeURL, variableChannel)
	withHeader := *form
	withHeader.headers += header
	return requestMaker{host: u.Host, form: &withHeader, target: target}, err
}

// append writes one request.
func (r *requestMaker) append(dst []byte, v *values) []byte {
	r.body = r.form.body.append(r.body[:0], v)
	dst = append(dst, r.form.method...)
	dst = append(dst, ' ')
	dst = r.target.append(dst, v)
	dst = append(dst, " HTTP/1.1\r\nHost: "...)
	dst = append(dst, r.host...)
	dst = append(dst, "\r\n"...)
	dst = append(dst, r.form.headers...)
	dst = append(dst, "Content-Length: "...)
	dst = strconv.AppendInt(dst, int64(len(r.body)), 10)
	dst = append(dst, "\r\n\r\n"...)
	return append(dst, r.body...)
}

// dialAddress is the host and port of a URL.
func dialAddress(u *url.URL) string {
	if u.Port() == "" {
		return net.JoinHostPort(u.Hostname(), defaultPort(u.Scheme))
	}
	return u.Host
}

func jsonString(s string) []byte {
	text, err := json.Marshal(s)
	if err != nil {
		panic(err) // a string always marshals
	}
	return text
}
