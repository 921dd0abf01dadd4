package record

// Seal appends plain to dst as records of application data. It appends nothing after CloseNotify or a fatal alert, and
// allocates nothing while the cipher is warm and dst has room: len(plain) + [Overhead] per [MaxPlaintext] bytes.
func (c *Conn) Seal(s *Scratch, dst, plain []byte) []byte {
	for len(plain) > 0 && !c.silent {
		if c.write.seq >= rekeyAfter {
			dst = c.sealKeyUpdate(s, dst)
		}
		n := min(len(plain), MaxPlaintext)
		dst = c.seal(s, dst, typeApplicationData, plain[:n])
		plain = plain[n:]
	}
	return dst
}

// CloseNotify appends the alert that ends what we send (RFC 8446, section 6.1). Only the first call appends it.
func (c *Conn) CloseNotify(s *Scratch, dst []byte) []byte {
	return c.sealAlert(s, dst, alertLevelWarning, alertCloseNotify)
}

// Abort appends a fatal alert of unexpected_message, for what the caller will not bear. It returns the error to report.
func (c *Conn) Abort(s *Scratch, dst []byte) ([]byte, error) {
	return c.fatal(s, dst, alertUnexpectedMessage)
}

func (c *Conn) fatal(s *Scratch, dst []byte, alert byte) ([]byte, error) {
	return c.sealAlert(s, dst, alertLevelFatal, alert), localError(alert)
}

func (c *Conn) sealAlert(s *Scratch, dst []byte, level, alert byte) []byte {
	if c.silent {
		return dst
	}
	s.short[0], s.short[1] = level, alert
	dst = c.seal(s, dst, typeAlert, s.short[:2])
	c.silent = true
	return dst
}

// sealKeyUpdate appends a KeyUpdate that asks for none in return, and goes on to the next key.
func (c *Conn) sealKeyUpdate(s *Scratch, dst []byte) []byte {
	if c.silent {
		return dst
	}
	s.short = [keyUpdateLen]byte{msgKeyUpdate, 0, 0, 1, 0}
	dst = c.seal(s, dst, typeHandshake, s.short[:])
	suite, err := suiteOf(c.suite)
	if err == nil {
		err = c.write.update(suite)
	}
	if err != nil { // it can't be: Init has done the same
		c.silent = true
	}
	return dst
}

// seal appends one record (RFC 8446, section 5.2), without padding.
func (c *Conn) seal(s *Scratch, dst []byte, kind byte, plain []byte) []byte {
	aead, err := c.write.cipher(c.suite)
	if err != nil { // it can't be: Init has done the same
		c.silent = true
		return dst
	}
	length := len(plain) + 1 + tagLen
	s.header = [HeaderLen]byte{typeApplicationData, 3, 3, byte(length >> 8), byte(length)}
	dst = append(dst, s.header[:]...)
	start := len(dst)
	dst = append(dst, plain...)
	dst = append(dst, kind)
	return aead.Seal(dst[:start], c.write.nonce(s), dst[start:], s.header[:])
}
