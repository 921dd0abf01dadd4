package jetstream

// tail is for who has read a part of the past and has not found the last message of it: the replica that answered is behind, or the message has gone. It is
// read again, and in the end the leader says which it is.
type tail struct {
	log     *log
	is      *identity
	message uint64 // that has to be there
	tries   int
}

// lacks tells whether a span that was read to its end ends before a message that was delivered.
func (s *span) lacks(message uint64) bool {
	return !s.full && message > s.from && s.last != message
}

// over calls one of these: again, a little later; gone, if the message is no more; or failed, where it is there but nobody who was asked has it, or nobody can tell.
func (t *tail) over(again, gone func(), failed func(error)) {
	if t.log.outlived(t.is, t.message) {
		gone()
		return
	}
	if t.tries++; t.tries <= maxTries {
		t.log.engine.afterOr(firstRetry<<(t.tries-1), again, failed)
		return
	}
	t.askLeader(gone, failed)
}

// askLeader has the leader say whether the message has gone. One that is not at it yet is none, or has lost its end: it does not know.
func (t *tail) askLeader(gone func(), failed func(error)) {
	s := t.log.stream
	s.reaches(t.message, func(upTo uint64, err error) {
		if err == nil && upTo < t.message {
			err = errBehind
		}
		if err != nil {
			failed(err)
			return
		}
		s.engine.nextOfLeader(s, t.log.subject(t.is), t.message, func(r *record, err error) {
			switch {
			case err != nil:
				failed(err)
			case r != nil && r.seq == t.message:
				failed(errBehind)
			default:
				gone()
			}
		})
	})
}

// outlived tells whether a message may have become too old for the stream. Where its time is not known, that is not known either.
func (l *log) outlived(is *identity, message uint64) bool {
	maxAge := l.stream.presently(is).maxAge
	l.mu.Lock()
	defer l.mu.Unlock()
	return maxAge != 0 && l.message == message && l.messageAt != 0 && l.engine.config.Now().UnixNano()-l.messageAt >= int64(maxAge-clockSkew)
}
