package handshake

import "strings"

// The handshake that the rows are made of: the example of RFC 6455, section 1.3.
const (
	requestLine    = "GET /chat HTTP/1.1\r\n"
	hostLine       = "Host: here.example\r\n"
	upgradeLine    = "Upgrade: websocket\r\n"
	connectionLine = "Connection: Upgrade\r\n"
	keyValue       = "dGhlIHNhbXBsZSBub25jZQ=="
	keyLine        = "Sec-WebSocket-Key: " + keyValue + "\r\n"
	versionLine    = "Sec-WebSocket-Version: 13\r\n"

	upgrade = requestLine + hostLine + upgradeLine + connectionLine + keyLine + versionLine + "\r\n"

	// accept answers keyValue.
	accept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
)

// behind is what follows every request that is to be refused. Nobody may answer it.
const behind = "GET /healthz HTTP/1.1\r\nHost: here.example\r\n\r\n"

// with is the handshake with one part exchanged.
func with(old, new string) string {
	if strings.Count(upgrade, old) == 0 {
		panic("no " + old)
	}
	return strings.Replace(upgrade, old, new, 1)
}

// plus is the handshake with more header lines, given without their CRLF.
func plus(lines ...string) string {
	return strings.TrimSuffix(upgrade, "\r\n") + strings.Join(lines, "\r\n") + "\r\n\r\n"
}

// manyLines is n header lines.
func manyLines(n int) string { return strings.Repeat("A: b\r\n", n) }

// headOf is the handshake with a header line that makes it n bytes long.
func headOf(n int) string {
	return plus("A: " + strings.Repeat("a", n-len(upgrade)-len("A: \r\n")))
}
