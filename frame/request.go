package frame

import (
	"bytes"
	"iter"
)

// Request is the head of an HTTP/1 request. All its slices are views of the head it was parsed from and good as long
// as that is. It can be used again and again: after the first few requests parsing allocates nothing.
type Request struct {
	Method []byte // as sent: case matters
	Target []byte // as sent
	Path   []byte // of the target, percent-encoding left as it is; "/" for an absolute target without one, "*" for OPTIONS *
	Query  []byte // of the target, without "?"; nil if there is none; not checked for percent-encoding
	Host   []byte // of an absolute target, otherwise of the Host header; nil only for HTTP/1.0
	Minor  int    // 0 for HTTP/1.0, 1 for HTTP/1.1

	fields fields
}

// Parse reads a head that ends with its empty line, as HeadScanner.Scan finds it, and forgets the one before. It is
// strict: RFC 9110 and 9112 without the leniencies they permit. err is a *HandshakeError; after one, nothing of r may
// be used.
func (r *Request) Parse(head []byte, lim *HeadLimits) error {
	clear(r.fields)
	*r = Request{fields: r.fields[:0]}
	var scanner HeadScanner
	n, err := scanner.Scan(head, lim)
	if err != nil {
		return err
	}
	if n == 0 || n != len(head) {
		return errHeadIncomplete
	}
	line, block := cutLine(head)
	if err := r.parseLine(line); err != nil {
		return err
	}
	var failure *HandshakeError
	if r.fields, failure = appendFields(r.fields, block); failure != nil {
		return failure
	}
	if err := r.checkHost(); err != nil {
		return err
	}
	if err := r.checkLength(); err != nil {
		return err
	}
	return nil
}

// Get gives the first value of the header called name (in any ASCII case), trimmed; nil if there is none, and empty
// but not nil if its value is.
func (r *Request) Get(name string) []byte {
	value, _ := r.fields.count(name)
	return value
}

// Values goes over the values of all lines called name, trimmed, in order.
func (r *Request) Values(name string) iter.Seq[[]byte] { return r.fields.values(name) }

// NumHeaders is the number of header lines.
func (r *Request) NumHeaders() int { return len(r.fields) }

// parseLine reads method, target and version (RFC 9112, section 3): three words with one space between. The version
// comes first, so that HTTP/2's preface is told that, and not what is wrong with its target.
func (r *Request) parseLine(line []byte) *HandshakeError {
	method, rest, ok := bytes.Cut(line, []byte{' '})
	if !ok {
		return errRequestLine
	}
	target, version, ok := bytes.Cut(rest, []byte{' '})
	if !ok || len(target) == 0 {
		return errRequestLine
	}
	if !all(method, classToken) {
		return errMethod
	}
	minor, err := parseVersion(version, errRequestLine)
	if err != nil {
		return err
	}
	r.Method, r.Target, r.Minor = method, target, minor
	return r.parseTarget()
}

// parseVersion reads "HTTP/1.0" or "HTTP/1.1"; any other version in that form is errHTTPVersion, any other form
// malformed.
func parseVersion(b []byte, malformed *HandshakeError) (minor int, err *HandshakeError) {
	const form = "HTTP/1.1"
	if len(b) != len(form) || string(b[:5]) != form[:5] || b[6] != '.' || !all(b[5:6], classDigit) || !all(b[7:], classDigit) {
		return 0, malformed
	}
	if b[5] != '1' || b[7] > '1' {
		return 0, errHTTPVersion
	}
	return int(b[7] - '0'), nil
}

// checkHost asks for exactly one valid Host header, or at most one from HTTP/1.0. The host of an absolute target wins
// over it (RFC 9112, sections 3.2 and 3.2.2).
func (r *Request) checkHost() *HandshakeError {
	host, count := r.fields.count("Host")
	if count > 1 || count == 0 && r.Minor > 0 {
		return errHost
	}
	if count == 1 {
		if _, _, ok := splitAuthority(host); !ok {
			return errHost
		}
	}
	if r.Host == nil {
		r.Host = host
	}
	return nil
}

// checkLength refuses every head whose body could be read in two ways (RFC 9112, section 6.3): a Content-Length that
// is not one number on one line, a coding other than chunked, both together, or a coding from HTTP/1.0.
func (r *Request) checkLength() *HandshakeError {
	length, lengths := r.fields.count("Content-Length")
	coding, codings := r.fields.count("Transfer-Encoding")
	switch {
	case lengths > 0 && codings > 0:
		return errAmbiguousLength
	case lengths > 1 || lengths == 1 && (!all(length, classDigit) || len(length) > maxLengthDigits):
		return errContentLength
	case codings > 1 || codings == 1 && (r.Minor == 0 || !equalFold(coding, "chunked")):
		return errTransferCoding
	}
	return nil
}

// maxLengthDigits keeps a Content-Length below 10^18, which fits into an int64.
const maxLengthDigits = 18
