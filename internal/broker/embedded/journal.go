package embedded

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
)

// journal implements the NATS server's Logger. What the server says of its ordinary life is for debugging.
type journal struct {
	logger *slog.Logger // immutable

	mu      sync.Mutex
	problem string // for which the server gave up; guarded by mu
}

func (j *journal) say(level slog.Level, format string, v []any) {
	text := fmt.Sprintf(format, v...)
	j.logger.Log(context.Background(), level, "engine: NATS: "+text)
}

// fatal is why the server gave up; "" if it did not.
func (j *journal) fatal() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.problem
}

func (j *journal) Noticef(format string, v ...any) { j.say(slog.LevelDebug, format, v) }
func (j *journal) Warnf(format string, v ...any)   { j.say(slog.LevelWarn, format, v) }
func (j *journal) Errorf(format string, v ...any)  { j.say(slog.LevelError, format, v) }
func (j *journal) Debugf(format string, v ...any)  { j.say(slog.LevelDebug, format, v) }
func (j *journal) Tracef(format string, v ...any)  { j.say(slog.LevelDebug, format, v) }

// Fatalf notes why the server gave up. By the NATS server's contract it would end the process; Start ends the server instead.
func (j *journal) Fatalf(format string, v ...any) {
	j.mu.Lock()
	j.problem = fmt.Sprintf(format, v...)
	j.mu.Unlock()
	j.say(slog.LevelError, format, v)
}
