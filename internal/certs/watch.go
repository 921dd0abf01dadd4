package certs

import (
	"context"
	"os"
	"slices"
	"time"
)

const (
	watchInterval = time.Minute
	warnInterval  = 24 * time.Hour
)

// stamp tells one state of a file from the next. nil: there is none that can be looked at.
type stamp struct{ info os.FileInfo }

func stampsOf(files []string) []stamp {
	stamps := make([]stamp, len(files))
	for i, file := range files {
		if info, err := os.Stat(file); err == nil {
			stamps[i] = stamp{info}
		}
	}
	return stamps
}

func (s stamp) same(t stamp) bool {
	if s.info == nil || t.info == nil {
		return s.info == nil && t.info == nil
	}
	return os.SameFile(s.info, t.info) && s.info.ModTime().Equal(t.info.ModTime()) && s.info.Size() == t.info.Size()
}

// watch reloads files that have changed. It looks at them instead of being told by the kernel: links, renames and mounts,
// which all change what a name means, need no thought then.
func (c *Certs) watch(ctx context.Context) {
	tick := time.NewTicker(watchInterval)
	defer tick.Stop()
	warned := time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		c.reloadIfChanged()
		if now := time.Now(); now.Sub(warned) >= warnInterval {
			warned = now
			c.warn(c.current.Load(), now)
		}
	}
}

// reloadIfChanged logs a failure once for each change: who replaces a certificate and then its key is given the time.
func (c *Certs) reloadIfChanged() {
	c.mu.Lock()
	changed := !slices.EqualFunc(c.stamps, stampsOf(c.files), stamp.same)
	c.mu.Unlock()
	if !changed {
		return
	}
	if _, err := c.Reload(); err != nil {
		c.log.Error("certificate files have changed, but cannot be used; the old ones stay", "error", err)
	} else {
		c.log.Info("certificate files have changed: reloaded")
	}
}
