package workers

import (
	"crypto/rand"
	"time"
)

// Keys of TLS session tickets are the supervisor's, so that a client can resume its session with any worker. They live as crypto/tls has its own
// live: a new one each day, and each good for a week; no worker is asked for long-lived secrets that would open what was said last month.
const (
	sessionKeyInterval = 24 * time.Hour
	sessionKeyCount    = 7
)

// sessionKeys are the keys, the newest first. Owned by Run.
type sessionKeys [][32]byte

// all is a copy.
func (k sessionKeys) all() [][32]byte { return append([][32]byte(nil), k...) }

// rotate puts a new one first, and drops the one that is too old.
func (k *sessionKeys) rotate() {
	var fresh [32]byte
	_, _ = rand.Read(fresh[:]) // never fails
	*k = append(sessionKeys{fresh}, (*k)[:min(len(*k), sessionKeyCount-1)]...)
}

// rekey rotates the keys, tells all workers, and does so again and again.
func (s *Supervisor) rekey() {
	s.sessions.rotate()
	s.each(func(p *process) { p.say(Command{Verb: Rekey, SessionKeys: s.sessions.all()}) })
	s.after(s.config.KeyInterval, s.rekey)
}
