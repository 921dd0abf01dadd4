package frame

// Defaults of HeadLimits. 8 KiB and 64 headers hold what browsers and proxies send; a request line of 4 KiB holds a
// token in the query.
const (
	DefaultHeadMaxBytes     = 8 << 10
	DefaultHeadMaxLineBytes = 4 << 10
	DefaultHeadMaxHeaders   = 64
)

// HeadLimits bounds the head of a request or response. Zero fields, and a nil *HeadLimits, mean the defaults.
type HeadLimits struct {
	MaxBytes     int // the whole head with its empty line; beyond it 431. Default 8192, at most 2^31-1
	MaxLineBytes int // the first line without its CRLF; beyond it 414. Default 4096
	MaxHeaders   int // header lines; beyond it 431. Default 64
}

// resolved gives the limits with the defaults filled in.
func (l *HeadLimits) resolved() HeadLimits {
	limits := HeadLimits{}
	if l != nil {
		limits = *l
	}
	if limits.MaxBytes <= 0 {
		limits.MaxBytes = DefaultHeadMaxBytes
	}
	if limits.MaxLineBytes <= 0 {
		limits.MaxLineBytes = DefaultHeadMaxLineBytes
	}
	if limits.MaxHeaders <= 0 {
		limits.MaxHeaders = DefaultHeadMaxHeaders
	}
	return limits
}

// scanState is where in a line the scanner stands.
type scanState uint8

const (
	atLineStart scanState = iota
	inLine
	afterCR      // behind the CR of a line
	afterBlankCR // behind the CR of an empty line
)

// HeadScanner finds the end of a request or response head in a buffer that grows. It goes on where it stopped, so a
// head that arrives byte by byte costs no more than one that arrives whole. The zero value is ready.
type HeadScanner struct {
	pos   uint32 // bytes of the buffer that have passed
	lines uint32 // lines that have ended
	state scanState
}

// Scan looks at the bytes of buf that are new since the last call; buf must begin with the same bytes as then. n > 0:
// the head is buf[:n], with its empty line. n = 0: more is needed. err is a *HandshakeError as soon as it is certain:
// 400 for a control byte or a line end that is not CRLF (RFC 9112, section 2.2, permits more; nobody needs it), 414
// and 431 for the limits.
func (s *HeadScanner) Scan(buf []byte, lim *HeadLimits) (n int, err error) {
	limits := lim.resolved()
	buf = buf[:min(len(buf), limits.MaxBytes)]
	next := *s // kept only without an error, so that the same error comes again
	for int(next.pos) < len(buf) {
		done, failure := next.step(buf, &limits)
		if failure != nil {
			return 0, failure
		}
		if done {
			*s = next
			return int(next.pos), nil
		}
	}
	if len(buf) == limits.MaxBytes {
		return 0, errHeadTooBig
	}
	*s = next
	return 0, nil
}

// step takes at least one byte of buf at pos, or changes the state; done tells that the head ends at pos.
func (s *HeadScanner) step(buf []byte, limits *HeadLimits) (done bool, err *HandshakeError) {
	c := buf[s.pos]
	switch s.state {
	case atLineStart:
		if c == '\r' {
			s.pos++
			s.state = afterBlankCR
			return false, s.blank()
		}
		if int(s.lines) > limits.MaxHeaders {
			return false, errTooManyHeaders
		}
		s.state = inLine
	case inLine:
		return false, s.line(buf, limits)
	case afterCR, afterBlankCR:
		if c != '\n' {
			return false, errBareCR
		}
		s.pos++
		s.lines++
		done = s.state == afterBlankCR
		s.state = atLineStart
	}
	return done, nil
}

// blank refuses an empty line in the place of the first one.
func (s *HeadScanner) blank() *HandshakeError {
	if s.lines == 0 {
		return errEmptyStartLine
	}
	return nil
}

// line takes the bytes of a line up to and with its CR.
func (s *HeadScanner) line(buf []byte, limits *HeadLimits) *HandshakeError {
	if s.lines == 0 {
		buf = buf[:min(len(buf), limits.MaxLineBytes+1)]
	}
	pos := int(s.pos)
	for pos < len(buf) && octets[buf[pos]]&classLine != 0 {
		pos++
	}
	s.pos = uint32(pos)
	if s.lines == 0 && pos > limits.MaxLineBytes {
		return errLineTooLong
	}
	if pos == len(buf) {
		return nil
	}
	switch buf[pos] {
	case '\r':
		s.pos++
		s.state = afterCR
		return nil
	case '\n':
		return errBareLF
	default:
		return errControlByte
	}
}
