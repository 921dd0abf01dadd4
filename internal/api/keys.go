package api

import (
	"container/list"
	"errors"
	"sync"
	"time"

	"github.com/wsedge/wsedge/internal/broker"
)

const (
	// keyLife is how long a publication's result is remembered under its idempotency key.
	keyLife = 5 * time.Minute
	// maxKeys bounds how many are: at about 500 B each, 50 MB at worst. Above it the oldest is forgotten early.
	maxKeys = 100_000
)

// errUnfinished is what those who wait are told of an attempt that broke off.
var errUnfinished = errors.New("api: publication broke off")

// keys remembers what became of publications with an idempotency key, so that one that is tried again is not published
// twice. Safe from any goroutine.
type keys struct {
	now func() time.Time // immutable

	// Guarded by mu.
	mu    sync.Mutex
	byKey map[key]*list.Element
	order *list.List // of *attempt, oldest first: all live equally long
}

type key struct{ channel, key string }

// attempt is one publication, perhaps still under way.
type attempt struct {
	key  key
	at   time.Time
	done chan struct{} // closed when the result is known

	// Immutable after done is closed.
	result broker.Result
	err    error
}

func newKeys(now func() time.Time) *keys {
	return &keys{now: now, byKey: make(map[key]*list.Element), order: list.New()}
}

// once calls publish, unless the key was used with the channel before: then it returns what came of that, and waits for it
// where it is still under way. What failed is forgotten, so that it can be tried again.
func (k *keys) once(channel, idempotencyKey string, publish func() (broker.Result, error)) (broker.Result, error) {
	a, first := k.begin(key{channel, idempotencyKey})
	if !first {
		<-a.done
		return a.result, a.err
	}
	defer close(a.done) // even if publish panics: the others must not wait for ever
	a.err = errUnfinished
	defer func() {
		if a.err != nil {
			k.forget(a)
		}
	}()
	a.result, a.err = publish()
	return a.result, a.err
}

func (k *keys) begin(id key) (a *attempt, first bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.expire()
	if known := k.byKey[id]; known != nil {
		return known.Value.(*attempt), false
	}
	a = &attempt{key: id, at: k.now(), done: make(chan struct{})}
	k.byKey[id] = k.order.PushBack(a)
	return a, true
}

// expire forgets what is too old, and the oldest where there are too many. The caller holds mu.
func (k *keys) expire() {
	for e := k.order.Front(); e != nil; e = k.order.Front() {
		a := e.Value.(*attempt)
		if k.order.Len() < maxKeys && k.now().Sub(a.at) < keyLife {
			return
		}
		k.order.Remove(e)
		delete(k.byKey, a.key)
	}
}

func (k *keys) forget(a *attempt) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if e := k.byKey[a.key]; e != nil && e.Value == a {
		k.order.Remove(e)
		delete(k.byKey, a.key)
	}
}
