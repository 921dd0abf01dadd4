package frame

import (
	"bytes"
)

// AppendClientHandshake appends a client's opening handshake (RFC 6455, section 4.1). host is host or host:port,
// target begins with "/", key comes from NewClientKey, header is ready-made lines, each with its CRLF, or "": it is
// where subprotocols, an Origin or a token go. All of it is trusted and put in as it is.
func AppendClientHandshake(dst []byte, host, target string, key []byte, header string) []byte {
	dst = append(dst, "GET "...)
	dst = append(dst, target...)
	dst = append(dst, " HTTP/1.1\r\nHost: "...)
	dst = append(dst, host...)
	dst = append(dst, "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "...)
	dst = append(dst, key...)
	dst = append(dst, "\r\n"...)
	dst = append(dst, header...)
	return append(dst, "\r\n"...)
}

// Refusals of a server's answer (RFC 6455, section 4.1).
const (
	reasonStatusLine  = "status_line"
	reasonStatus      = "status_not_101"
	reasonUpgrade     = "upgrade_missing"
	reasonConnection  = "connection_not_upgrade"
	reasonAccept      = "websocket_accept"
	reasonSubprotocol = "subprotocol"
	reasonExtension   = "extension_not_offered"
	reasonDeflate     = "deflate_answer"
)

// CheckServerHandshake checks a server's answer, a head that HeadScanner.Scan has found, against the key that was sent
// (RFC 6455, section 4.1). subprotocol is the one that the server chose, nil for none; whether it was offered is for
// the caller to check. An answer that accepts an extension is refused: CheckDeflateHandshake is for those that offer one.
// err is a *HandshakeError with the status that the server answered, or 0 where it did not speak HTTP/1.
func CheckServerHandshake(head, key []byte) (subprotocol []byte, err error) {
	answer, err := checkAnswer(head, key)
	if err != nil {
		return nil, err
	}
	if _, count := answer.headers.count("Sec-WebSocket-Extensions"); count > 0 {
		return nil, answer.refuse(reasonExtension)
	}
	return answer.subprotocol, nil
}

// serverAnswer is an answer that is right but for its extensions.
type serverAnswer struct {
	headers     fields
	subprotocol []byte
}

func (a *serverAnswer) refuse(reason string) error {
	return &HandshakeError{Status: statusSwitched, Reason: reason}
}

// checkAnswer checks everything but extensions.
func checkAnswer(head, key []byte) (answer serverAnswer, err error) {
	status, fields, failure := parseResponse(head)
	if failure != nil {
		return answer, failure
	}
	refuse := func(reason string) error { return &HandshakeError{Status: status, Reason: reason} }
	if status != statusSwitched {
		return answer, refuse(reasonStatus)
	}
	if !fields.hasToken("Upgrade", "websocket") {
		return answer, refuse(reasonUpgrade)
	}
	if !fields.hasToken("Connection", "upgrade") {
		return answer, refuse(reasonConnection)
	}
	accept, count := fields.count("Sec-WebSocket-Accept")
	if count != 1 || !bytes.Equal(accept, AppendAcceptKey(nil, key)) {
		return answer, refuse(reasonAccept)
	}
	subprotocol, count := fields.count("Sec-WebSocket-Protocol")
	if count > 1 || count == 1 && !all(subprotocol, classToken) {
		return answer, refuse(reasonSubprotocol)
	}
	return serverAnswer{fields, subprotocol}, nil
}

// parseResponse reads the head of a response: "HTTP/1.1 101 Switching Protocols" and its header lines.
func parseResponse(head []byte) (status int, headers fields, err *HandshakeError) {
	var scanner HeadScanner
	if n, err := scanner.Scan(head, nil); err != nil || n != len(head) || n == 0 {
		return 0, nil, &HandshakeError{Reason: reasonStatusLine}
	}
	line, block := cutLine(head)
	malformed := &HandshakeError{Reason: reasonStatusLine}
	version, rest, _ := bytes.Cut(line, []byte{' '})
	if _, err := parseVersion(version, malformed); err != nil {
		return 0, nil, malformed
	}
	code, _, _ := bytes.Cut(rest, []byte{' '})
	if len(code) != 3 || !all(code, classDigit) {
		return 0, nil, malformed
	}
	status, _ = portNumber(code)
	headers, err = appendFields(nil, block)
	if err != nil {
		return 0, nil, &HandshakeError{Status: status, Reason: err.Reason}
	}
	return status, headers, nil
}
