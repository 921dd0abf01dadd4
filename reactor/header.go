package reactor

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/textproto"
	"slices"
	"strings"

	"github.com/wsedge/wsedge/frame"
)

// headerLines writes an embedder's header down, each line with its CRLF, sorted by name. An error says what cannot be in it: what would be more
// lines than one, or none, and what the handshake says itself.
func headerLines(h http.Header) (string, error) {
	if len(h) == 0 {
		return "", nil
	}
	var lines strings.Builder
	for _, name := range slices.Sorted(maps.Keys(h)) {
		switch {
		case !isToken(name):
			return "", fmt.Errorf("header %q: want a token", name)
		case isOfHandshake(textproto.CanonicalMIMEHeaderKey(name)):
			return "", fmt.Errorf("header %s is the handshake's own", name)
		}
		for _, value := range h[name] {
			if !isFieldValue(value) {
				return "", fmt.Errorf("header %s: want one line without control characters", name) // the value may be a secret
			}
			lines.WriteString(name + ": " + value + "\r\n")
		}
	}
	return lines.String(), nil
}

// isOfHandshake reports whether the handshake says the canonical name itself, or cannot have it (RFC 6455, section 4; RFC 9110, section 15.2).
func isOfHandshake(name string) bool {
	switch name {
	case "Host", "Upgrade", "Connection", "Content-Length", "Transfer-Encoding":
		return true
	}
	return strings.HasPrefix(name, "Sec-Websocket-")
}

// checkRefusal says what is wrong with an embedder's refusal: it would be no HTTP, or more than one response.
func checkRefusal(h *frame.HandshakeError) error {
	if h.Status < 300 || h.Status > 599 {
		return fmt.Errorf("refusal %q: status %d, want 300 to 599", h.Reason, h.Status)
	}
	for rest := h.Header; rest != ""; {
		line, behind, ended := strings.Cut(rest, "\r\n")
		name, value, colon := strings.Cut(line, ":")
		if !ended || !colon || !isToken(name) || !isFieldValue(value) {
			return fmt.Errorf("refusal %q: header line %q, want a name, a colon, a value and CRLF", h.Reason, line)
		}
		rest = behind
	}
	return nil
}

// checkAnswer is for what Config.Upgrade has returned: the header lines of the 101, or the error that refuses. What cannot be sent is logged, and
// refuses with 500.
func (s *Server) checkAnswer(a *Accept, err error) (lines string, refusal error) {
	var wrong error
	var h *frame.HandshakeError
	if err == nil {
		lines, wrong = headerLines(a.Header)
	} else if errors.As(err, &h) {
		wrong = checkRefusal(h)
	}
	if wrong != nil {
		s.cfg.Logger.Error("upgrade hook has given an answer that cannot be sent", "error", wrong)
		return "", wrong
	}
	return lines, err
}

// isToken reports whether s is a token (RFC 9110, section 5.6.2).
func isToken(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7F || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, r) })
}

// isFieldValue reports whether s can be the value of a header (RFC 9110, section 5.5).
func isFieldValue(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7F })
}
