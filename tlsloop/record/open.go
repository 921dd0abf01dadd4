package record

import "io"

// Length says how many bytes the record that b begins with needs before Open can take it: HeaderLen while the header is not
// whole, and also where its length is beyond max, so that Open sees it at once.
func Length(b []byte, max int) int {
	if len(b) < HeaderLen {
		return HeaderLen
	}
	n := int(b[3])<<8 | int(b[4])
	if n > max {
		return HeaderLen
	}
	return HeaderLen + n
}

// Open takes one whole record, as [Length] with [MaxCiphertext] cuts them. The plaintext is a view of rec; it is empty
// for all that is no application data. What must be sent at once, a fatal alert or the answer to a key update, is appended
// to reply. The error is io.EOF after the peer's close_notify, else a *net.OpError as crypto/tls has it; each is final for
// reading, and all but io.EOF are for writing.
func (c *Conn) Open(s *Scratch, rec, reply []byte) (plain, answer []byte, err error) {
	kind, plain, alert := c.decrypt(s, rec)
	if alert == 0 {
		alert = c.admit(kind, plain)
	}
	if alert != 0 {
		reply, err = c.fatal(s, reply, alert)
		return nil, reply, err
	}
	switch kind {
	case typeApplicationData:
		return plain, reply, nil
	case typeAlert:
		reply, err = c.openAlert(s, plain, reply)
	default:
		reply, err = c.openHandshake(s, plain, reply)
	}
	return nil, reply, err
}

// decrypt checks a record and takes its inner type and padding off (RFC 8446, sections 5.1, 5.2 and 5.4). A non-zero
// alert says what is wrong; nothing of the plaintext is returned then.
func (c *Conn) decrypt(s *Scratch, rec []byte) (kind byte, plain []byte, alert byte) {
	if len(rec) < HeaderLen {
		return 0, nil, alertInternalError
	}
	body := rec[HeaderLen:]
	length := int(rec[3])<<8 | int(rec[4])
	switch {
	case rec[0] != typeApplicationData:
		// Nothing is unprotected any more; change_cipher_spec is let through only before Finished (section 5).
		return 0, nil, alertUnexpectedMessage
	case length > MaxCiphertext:
		return 0, nil, alertRecordOverflow
	case length != len(body):
		return 0, nil, alertInternalError
	case length < tagLen:
		return 0, nil, alertBadRecordMAC
	}
	aead, err := c.read.cipher(c.suite)
	if err != nil {
		return 0, nil, alertInternalError
	}
	copy(s.header[:], rec)
	inner, err := aead.Open(body[:0], c.read.nonce(s), body, s.header[:])
	if err != nil {
		return 0, nil, alertBadRecordMAC
	}
	if len(inner) > MaxPlaintext+1 {
		return 0, nil, alertRecordOverflow
	}
	for i := len(inner) - 1; i >= 0; i-- {
		if inner[i] != 0 {
			return inner[i], inner[:i], 0
		}
	}
	return 0, nil, alertUnexpectedMessage // all padding
}

// admit judges what may come at all (RFC 8446, section 5.1): three types, no empty alert or handshake message, and nothing between
// the parts of a handshake message.
func (c *Conn) admit(kind byte, plain []byte) (alert byte) {
	switch {
	case kind != typeApplicationData && kind != typeAlert && kind != typeHandshake:
		return alertUnexpectedMessage
	case kind != typeApplicationData && len(plain) == 0:
		return alertUnexpectedMessage
	case kind != typeHandshake && (c.updateLen > 0 || c.ticketLeft > 0):
		return alertUnexpectedMessage
	}
	return 0
}

// openAlert takes an alert (RFC 8446, section 6): there is one warning that does not end the connection.
func (c *Conn) openAlert(s *Scratch, alert, reply []byte) ([]byte, error) {
	if len(alert) != 2 {
		return c.fatal(s, reply, alertDecodeError)
	}
	switch alert[1] {
	case alertCloseNotify:
		return reply, io.EOF
	case alertUserCanceled:
		return reply, nil // close_notify follows; some stacks send it for no reason
	}
	c.silent = true
	return reply, remoteError(alert[1])
}

// skipTickets forgets NewSessionTickets (RFC 8446, section 4.6.1), which may lie across records, and returns what is no part
// of one. A non-zero alert says that one is too long.
func (c *Conn) skipTickets(part []byte) (rest []byte, alert byte) {
	for len(part) > 0 {
		if c.ticketLeft > 0 {
			n := min(uint32(len(part)), c.ticketLeft)
			part, c.ticketLeft = part[n:], c.ticketLeft-n
			continue
		}
		kind := part[0]
		if c.updateLen > 0 {
			kind = c.update[0]
		}
		if kind != msgNewSessionTicket {
			break
		}
		n := copy(c.update[c.updateLen:msgHeaderLen], part)
		part, c.updateLen = part[n:], c.updateLen+uint8(n)
		if c.updateLen < msgHeaderLen {
			break
		}
		c.ticketLeft = uint32(c.update[1])<<16 | uint32(c.update[2])<<8 | uint32(c.update[3])
		if c.updateLen = 0; c.ticketLeft > maxTicket {
			return nil, alertIllegalParameter
		}
	}
	return part, 0
}

// openHandshake takes handshake messages or a part of one. A client may send nothing but KeyUpdate, a server tickets, too, and
// nothing behind a KeyUpdate in its record (RFC 8446, sections 4.6.3 and 5.1).
func (c *Conn) openHandshake(s *Scratch, part, reply []byte) ([]byte, error) {
	if c.client {
		rest, alert := c.skipTickets(part)
		if alert != 0 {
			return c.fatal(s, reply, alert)
		}
		if part = rest; len(part) == 0 {
			return reply, nil
		}
	}
	n := copy(c.update[c.updateLen:], part)
	c.updateLen += uint8(n)
	if n < len(part) || c.update[0] != msgKeyUpdate {
		return c.fatal(s, reply, alertUnexpectedMessage)
	}
	if c.updateLen >= 4 && (c.update[1] != 0 || c.update[2] != 0 || c.update[3] != 1) {
		return c.fatal(s, reply, alertDecodeError)
	}
	if c.updateLen < keyUpdateLen {
		return reply, nil
	}
	c.updateLen = 0
	request := c.update[4]
	if request > updateRequested {
		return c.fatal(s, reply, alertIllegalParameter)
	}
	suite, err := suiteOf(c.suite)
	if err == nil {
		err = c.read.update(suite)
	}
	if err != nil {
		return c.fatal(s, reply, alertInternalError)
	}
	if request == updateRequested {
		reply = c.sealKeyUpdate(s, reply)
	}
	return reply, nil
}
