package console

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"sync"
	"time"

	"github.com/wsedge/wsedge/internal/auth"
)

const (
	// sessionLife is a long working day. A login is not made longer by use.
	sessionLife = 12 * time.Hour
	// maxSessions bounds them: some 200 B each. Who logs in beyond that ends the oldest.
	maxSessions = 256
)

// Visit is what a request is made with: a login, or none where nobody is asked.
type Visit struct {
	ID      string        // public: made from the cookie's value, which it does not tell; "" without a login
	Backend *auth.Backend // the key; nil without a login
	Expires time.Time
}

// sessions are the logins. They are found by the SHA-256 of the cookie's value: how long a look-up takes tells nothing about values that
// are good, and neither does the memory of the process. The zero value is ready. Safe from any goroutine.
type sessions struct {
	mu sync.Mutex
	of map[string]Visit // by ID
}

// visitID is the ID of the login with that cookie. It begins as no token's id does by chance, because conns are found by both.
func visitID(cookie string) string {
	sum := sha256.Sum256([]byte(cookie))
	return "console " + base64.RawURLEncoding.EncodeToString(sum[:])
}

// begin makes a login, and returns its cookie's value: 256 random bits. ended is the ID of one that had to go, "" mostly.
func (s *sessions) begin(backend *auth.Backend, now time.Time) (cookie, ended string) {
	var random [32]byte
	_, _ = rand.Read(random[:]) // it never fails: crypto/rand, Read
	cookie = base64.RawURLEncoding.EncodeToString(random[:])
	visit := Visit{ID: visitID(cookie), Backend: backend, Expires: now.Add(sessionLife)}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.of) >= maxSessions {
		ended = s.oldest()
		delete(s.of, ended)
	}
	if s.of == nil {
		s.of = make(map[string]Visit)
	}
	s.of[visit.ID] = visit
	return cookie, ended
}

func (s *sessions) oldest() (id string) {
	for _, v := range s.of {
		if id == "" || v.Expires.Before(s.of[id].Expires) {
			id = v.ID
		}
	}
	return id
}

// find is the login with that cookie, if it is good at now.
func (s *sessions) find(cookie string, now time.Time) (v Visit, ok bool) {
	id := visitID(cookie)
	s.mu.Lock()
	defer s.mu.Unlock()
	v, ok = s.of[id]
	if ok && !now.Before(v.Expires) {
		delete(s.of, id)
		return Visit{}, false
	}
	return v, ok
}

func (s *sessions) open(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.of[id]
	return ok
}

// end ends the login with that cookie and returns its ID; "" where there is none.
func (s *sessions) end(cookie string) (id string) {
	id = visitID(cookie)
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.of[id]; !ok {
		return ""
	}
	delete(s.of, id)
	return id
}

// replaceKeys gives each login what its key is now, and ends those whose key is nil then: it returns their IDs.
func (s *sessions) replaceKeys(now func(*auth.Backend) *auth.Backend) (ended []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, v := range s.of {
		if v.Backend = now(v.Backend); v.Backend != nil {
			s.of[id] = v
			continue
		}
		delete(s.of, id)
		ended = append(ended, id)
	}
	return ended
}
