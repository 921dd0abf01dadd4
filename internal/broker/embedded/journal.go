package embedded

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"
)

// quietFor is for how long a warning or an error is not repeated.
const quietFor = 10 * time.Second

// journal implements the NATS server's Logger. What the server says of its ordinary life is for debugging.
type journal struct {
	logger *slog.Logger // immutable

	mu      sync.Mutex
	problem string               // for which the server gave up; guarded by mu
	said    map[string]time.Time // when warnings and errors were, by their format, of which there are a few hundred; guarded by mu
}

func (j *journal) say(level slog.Level, format string, v []any) {
	if level >= slog.LevelWarn && j.again(format) {
		level = slog.LevelDebug
	}
	text := fmt.Sprintf(format, v...)
	j.logger.Log(context.Background(), level, "engine: NATS: "+text)
}

// again tells whether something of that format was said less than quietFor ago: while a member is away, the server says so several times a second.
func (j *journal) again(format string) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	now := time.Now()
	if now.Sub(j.said[format]) < quietFor {
		return true
	}
	if j.said == nil {
		j.said = make(map[string]time.Time)
	}
	j.said[format] = now
	return false
}

// fatal is why the server gave up; "" if it did not.
func (j *journal) fatal() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.problem
}

func (j *journal) Noticef(format string, v ...any) { j.say(slog.LevelDebug, format, v) }
func (j *journal) Errorf(format string, v ...any)  { j.say(slog.LevelError, format, v) }
func (j *journal) Debugf(format string, v ...any)  { j.say(slog.LevelDebug, format, v) }
func (j *journal) Tracef(format string, v ...any)  { j.say(slog.LevelDebug, format, v) }

// Warnf leaves out a warning of the passwords, which are not in any file: one is the secret's, the other exists in this process only.
func (j *journal) Warnf(format string, v ...any) {
	if !strings.HasPrefix(format, "Plaintext passwords detected") {
		j.say(slog.LevelWarn, format, v)
	}
}

// Fatalf notes why the server gave up. By the NATS server's contract it would end the process; Start ends the server instead.
func (j *journal) Fatalf(format string, v ...any) {
	j.mu.Lock()
	j.problem = fmt.Sprintf(format, v...)
	j.mu.Unlock()
	j.say(slog.LevelError, format, v)
}
