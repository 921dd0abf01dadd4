package frame

import "strconv"

// AppendSwitchingProtocols appends the 101 that ends a server's handshake (RFC 6455, section 4.2.2). key is what
// CheckUpgrade gave. subprotocol is the chosen one or "": anything that is no token is left out, so that nothing can be
// smuggled into the head. header is ready-made lines, each with its CRLF, or "".
func AppendSwitchingProtocols(dst, key []byte, subprotocol string, header string) []byte {
	dst = append(dst, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "...)
	dst = AppendAcceptKey(dst, key)
	if all(subprotocol, classToken) {
		dst = append(dst, "\r\nSec-WebSocket-Protocol: "...)
		dst = append(dst, subprotocol...)
	}
	dst = append(dst, "\r\n"...)
	dst = append(dst, header...)
	return append(dst, "\r\n"...)
}

// AppendRejection appends a whole response that refuses a request and announces the end of the connection, which the
// caller must close: what follows the request is never parsed. body is plain text in UTF-8; header is ready-made
// lines, each with its CRLF, such as HandshakeError.Header, or "".
func AppendRejection(dst []byte, status int, header, body string) []byte {
	dst = append(dst, "HTTP/1.1 "...)
	dst = strconv.AppendInt(dst, int64(status), 10)
	dst = append(dst, ' ')
	dst = append(dst, statusText(status)...)
	dst = append(dst, "\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: "...)
	dst = strconv.AppendInt(dst, int64(len(body)), 10)
	dst = append(dst, "\r\n"...)
	dst = append(dst, header...)
	dst = append(dst, "\r\n"...)
	return append(dst, body...)
}

// statusText is the reason phrase of the statuses that a refused handshake may have. It may be empty for others
// (RFC 9112, section 4). net/http has them all, but a codec should not bring a whole HTTP stack along.
func statusText(status int) string {
	switch status {
	case 400:
		return "Bad Request"
	case 401:
		return "Unauthorized"
	case 403:
		return "Forbidden"
	case 404:
		return "Not Found"
	case 405:
		return "Method Not Allowed"
	case 408:
		return "Request Timeout"
	case 413:
		return "Content Too Large"
	case 414:
		return "URI Too Long"
	case 417:
		return "Expectation Failed"
	case 421:
		return "Misdirected Request"
	case 426:
		return "Upgrade Required"
	case 429:
		return "Too Many Requests"
	case 431:
		return "Request Header Fields Too Large"
	case 500:
		return "Internal Server Error"
	case 501:
		return "Not Implemented"
	case 502:
		return "Bad Gateway"
	case 503:
		return "Service Unavailable"
	case 504:
		return "Gateway Timeout"
	case 505:
		return "HTTP Version Not Supported"
	default:
		return ""
	}
}
