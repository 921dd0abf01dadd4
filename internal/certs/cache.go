package certs

import (
	"context"
	"strings"

	"golang.org/x/crypto/acme/autocert"
)

// certCache keeps certificates and the account's key, but no tokens of challenges: the manager has those in memory, and
// handshakes, which ask for them, do not read files. So a challenge is answered by the process that caused it, and no other.
type certCache struct{ dir autocert.DirCache }

func isToken(key string) bool { return strings.HasSuffix(key, "+token") }

// Get implements autocert.Cache.
func (c certCache) Get(ctx context.Context, key string) ([]byte, error) {
	if isToken(key) {
		return nil, autocert.ErrCacheMiss
	}
	return c.dir.Get(ctx, key)
}

// Put implements autocert.Cache.
func (c certCache) Put(ctx context.Context, key string, data []byte) error {
	if isToken(key) {
		return nil
	}
	return c.dir.Put(ctx, key, data)
}

// Delete implements autocert.Cache.
func (c certCache) Delete(ctx context.Context, key string) error {
	if isToken(key) {
		return nil
	}
	return c.dir.Delete(ctx, key)
}
