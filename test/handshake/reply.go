package handshake

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// maxReplyHeadBytes is far above what a server has to say before its content.
const maxReplyHeadBytes = 4096

// reply is a response of HTTP/1.1, taken as RFC 9112 writes it and in no other way.
type reply struct {
	status  int
	phrase  string
	lines   []string // header lines "Name: value", as sent, in order
	content string
}

// readReply reads one response, and not a byte behind it. bodiless tells that the request was a HEAD, whose response has
// no content whatever its Content-Length says (RFC 9110, section 9.3.2).
func readReply(r *bufio.Reader, bodiless bool) (reply, error) {
	var p reply
	line, err := readLine(r)
	if err == nil {
		err = p.parseStatus(line)
	}
	if err != nil {
		return p, err
	}
	for left := maxReplyHeadBytes; ; left -= len(line) {
		if line, err = readLine(r); err != nil {
			return p, err
		}
		if line == "" {
			break
		}
		if err := checkLine(line); err != nil {
			return p, err
		}
		if left < len(line) {
			return p, errors.New("the head is too long")
		}
		p.lines = append(p.lines, line)
	}
	length, err := p.length()
	if err != nil || bodiless {
		return p, err
	}
	content := make([]byte, length)
	n, err := io.ReadFull(r, content)
	p.content = string(content[:n])
	if err != nil {
		return p, fmt.Errorf("content %q of %d bytes: %w", p.content, length, err)
	}
	return p, nil
}

// readLine reads up to CRLF. A CR or LF that stands alone is an error, as is every other control byte but HTAB, and what is
// not ASCII.
func readLine(r *bufio.Reader) (string, error) {
	var line []byte
	for len(line) <= maxReplyHeadBytes {
		c, err := r.ReadByte()
		if err != nil {
			return "", fmt.Errorf("after %q: %w", line, err)
		}
		switch {
		case c == '\r':
			if c, err = r.ReadByte(); err != nil || c != '\n' {
				return "", fmt.Errorf("after %q: CR and %q, %v", line, c, err)
			}
			return string(line), nil
		case c < ' ' && c != '\t' || c >= 0x7F:
			return "", fmt.Errorf("after %q: octet %#x", line, c)
		}
		line = append(line, c)
	}
	return "", errors.New("a line is too long")
}

// parseStatus reads "HTTP/1.1 404 Not Found".
func (p *reply) parseStatus(line string) error {
	rest, ok := strings.CutPrefix(line, "HTTP/1.1 ")
	if !ok || len(rest) < 5 || rest[3] != ' ' {
		return fmt.Errorf("status line %q", line)
	}
	for _, digit := range rest[:3] {
		if digit < '0' || digit > '9' {
			return fmt.Errorf("status line %q", line)
		}
		p.status = 10*p.status + int(digit-'0')
	}
	p.phrase = rest[4:]
	if want := phrases[p.status]; p.phrase != want {
		return fmt.Errorf("status %d is called %q, want %q", p.status, p.phrase, want)
	}
	return nil
}

// phrases are the names of the statuses that a handshake may be answered with (RFC 9110, section 15; RFC 6585).
var phrases = map[int]string{
	101: "Switching Protocols", 200: "OK", 400: "Bad Request", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed",
	408: "Request Timeout", 414: "URI Too Long", 417: "Expectation Failed", 426: "Upgrade Required",
	431: "Request Header Fields Too Large", 500: "Internal Server Error", 503: "Service Unavailable",
	505: "HTTP Version Not Supported",
}

// tokenOctets are what a header's name may consist of (RFC 9110, section 5.6.2).
const tokenOctets = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// checkLine wants "Name: value", with one space, and a value that is not empty and has no whitespace around it.
func checkLine(line string) error {
	name, value, ok := strings.Cut(line, ": ")
	if !ok || name == "" || strings.Trim(name, tokenOctets) != "" || value == "" || strings.Trim(value, " \t") != value {
		return fmt.Errorf("header line %q", line)
	}
	return nil
}

// values gives the values of the lines called name.
func (p *reply) values(name string) []string {
	var values []string
	for _, line := range p.lines {
		n, value, _ := strings.Cut(line, ": ")
		if strings.EqualFold(n, name) {
			values = append(values, value)
		}
	}
	return values
}

// length is how much content follows: none behind a 101, and what the one Content-Length says behind any other.
func (p *reply) length() (int, error) {
	if len(p.values("Transfer-Encoding")) > 0 {
		return 0, errors.New("content without a length")
	}
	lengths := p.values("Content-Length")
	if p.status == 101 {
		if len(lengths) > 0 {
			return 0, errors.New("a 101 with a Content-Length")
		}
		return 0, nil
	}
	if len(lengths) != 1 {
		return 0, fmt.Errorf("%d lines of Content-Length", len(lengths))
	}
	n, err := strconv.ParseUint(lengths[0], 10, 16)
	if err != nil || strconv.FormatUint(n, 10) != lengths[0] {
		return 0, fmt.Errorf("Content-Length %q", lengths[0])
	}
	return int(n), nil
}

// has tells whether the list called name has the member token, in any case.
func (p *reply) has(name, token string) bool {
	for _, value := range p.values(name) {
		if slices.ContainsFunc(strings.Split(value, ","), func(member string) bool {
			return strings.EqualFold(strings.Trim(member, " \t"), token)
		}) {
			return true
		}
	}
	return false
}
