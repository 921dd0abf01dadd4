package jetstream

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/wsedge/wsedge/internal/broker"
)

// errReplicaBehind says that who was asked has not all that the stream has.
var errReplicaBehind = because(ErrRefused, "a replica is behind")

// registryPatience bounds the wait for what a registry's stream is. What is asked while servers have no leader is never answered: it is asked again.
const registryPatience = time.Second

// tooManyMessages is JetStream's code for a stream that takes no more (JSStreamStoreFailedF).
const tooManyMessages = 10077

// registry implements broker.Registry: a stream that keeps the last message of each subject, which is a key's.
type registry struct {
	// Immutable.
	engine *Engine
	name   string // of the stream
	keys   string // what the subjects begin with
	most   int64

	mu   sync.Mutex
	kept time.Duration // guarded by mu: for how long the stream keeps values; 0: nobody has looked
}

// Registry implements broker.Registrar. No namespace's stream has such a name, which has an underscore behind the prefix.
func (e *Engine) Registry(name string, most int) broker.Registry {
	return &registry{engine: e, name: e.config.Prefix + "-" + name, keys: e.config.Prefix + ".registry." + name + ".", most: int64(most)}
}

// subject is a key's: keys may have any bytes, and any length.
func (r *registry) subject(key string) string {
	sum := sha256.Sum256([]byte(key))
	return r.keys + base64.RawURLEncoding.EncodeToString(sum[:])
}

// Put implements broker.Registry.
func (r *registry) Put(ctx context.Context, key string, value []byte, keep time.Duration) error {
	if !r.engine.link.nc.IsConnected() {
		return ErrDown
	}
	if err := r.keep(ctx, keep); err != nil {
		return because(ErrDown, "stream %s: %w", r.name, err)
	}
	_, err := r.engine.js.PublishMsg(ctx, &nats.Msg{Subject: r.subject(key), Data: value}, jetstream.WithExpectStream(r.name))
	var refused *jetstream.APIError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &refused) && refused.ErrorCode == tooManyMessages:
		return broker.ErrRegistryFull
	case errors.Is(err, jetstream.ErrNoStreamResponse):
		r.forget() // the stream may be gone
		return because(ErrLeaderless, "stream %s: %w", r.name, err)
	default:
		return because(ErrUnknown, "stream %s: %w", r.name, err)
	}
}

// forget has the next Put look at the stream.
func (r *registry) forget() { r.note(0) }

func (r *registry) note(kept time.Duration) {
	r.mu.Lock()
	r.kept = kept
	r.mu.Unlock()
}

// keep has the stream there, keeping what is put for as long.
func (r *registry) keep(ctx context.Context, age time.Duration) error {
	age += clockSkew
	r.mu.Lock()
	kept := r.kept
	r.mu.Unlock()
	if kept >= age {
		return nil
	}
	js := r.engine.js
	found, err := js.Stream(ctx, r.name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		found, err = js.CreateStream(ctx, r.config(age))
		if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) { // somebody else was faster
			found, err = js.Stream(ctx, r.name)
		}
	}
	if err != nil {
		return err
	}
	c := found.CachedInfo().Config
	if c.MaxAge != 0 && c.MaxAge < age { // 0: for ever
		c.MaxAge, c.Duplicates = age, min(age, c.Duplicates)
		if _, err := js.UpdateStream(ctx, c); err != nil {
			return err
		}
	}
	r.note(max(age, c.MaxAge))
	return nil
}

func (r *registry) config(age time.Duration) jetstream.StreamConfig {
	c := &r.engine.config
	return jetstream.StreamConfig{
		Name: r.name, Description: "wsedge", Subjects: []string{r.keys + "*"}, Storage: c.storage(), Replicas: c.Replicas,
		MaxMsgsPerSubject: 1, MaxMsgs: r.most, MaxAge: age, Discard: jetstream.DiscardNew, Duplicates: min(age, broker.KeyLife), AllowDirect: true,
		FirstSeq: c.FirstOffset(), // another than it had, if it was lost
	}
}

// Read implements broker.Registry.
func (r *registry) Read(ctx context.Context, from broker.Mark, take func(value []byte)) (to broker.Mark, whole bool, err error) {
	if !r.engine.link.nc.IsConnected() {
		return from, false, ErrDown
	}
	asking, cancel := context.WithTimeout(ctx, registryPatience)
	defer cancel()
	found, err := r.engine.js.Stream(asking, r.name)
	if errors.Is(err, jetstream.ErrStreamNotFound) { // nothing was put into it
		r.forget()
		return broker.Mark{}, from != broker.Mark{}, nil
	}
	if err != nil {
		return from, false, because(ErrDown, "stream %s: %w", r.name, err)
	}
	info := found.CachedInfo()
	if age := info.Config.MaxAge; age != 0 {
		r.note(age) // of two nodes that raised it at once, the one that asked for less may have been the last
	}
	to, epoch, first := from, strconv.FormatInt(info.Created.UnixNano(), 36), from == broker.Mark{}
	if from.Epoch != epoch || from.Seq > info.State.LastSeq {
		to, whole = broker.Mark{Epoch: epoch}, !first
		r.forget()
	}
	read, err := r.read(ctx, &to, info.State.LastSeq, take)
	if err == nil && (first || whole) && to.Seq < info.State.LastSeq && read < info.State.Msgs {
		err = errReplicaBehind
	}
	if err != nil && (first || whole) { // or nobody would know later that it was not all
		to = broker.Mark{}
	}
	return to, whole, err
}

// read reads from to on, and moves that, until nothing is left or last was read. It tells how many there were.
func (r *registry) read(ctx context.Context, to *broker.Mark, last uint64, take func([]byte)) (read uint64, err error) {
	for to.Seq < last {
		a, err := r.next(ctx, to.Seq+1)
		if err != nil {
			return read, err
		}
		for _, m := range a.messages {
			seq, err := strconv.ParseUint(header(m, headerSequence), 10, 64)
			if err != nil || seq <= to.Seq {
				return read, because(ErrRefused, "an answer without a sequence")
			}
			take(m.Data)
			to.Seq = seq
			read++
		}
		if len(a.messages) == 0 || moreOf(a) == 0 {
			break
		}
	}
	return read, nil
}

// next asks for some from a sequence on; whichever of the replicas answers.
func (r *registry) next(ctx context.Context, from uint64) (answer, error) {
	body, err := json.Marshal(directQuery{Seq: from, NextFor: r.keys + "*", Batch: batch, MaxBytes: batchBytes})
	if err != nil {
		return answer{}, err
	}
	type result struct {
		answer answer
		err    error
	}
	answered := make(chan result, 1)
	r.engine.requests.ask(&request{
		subject: "$JS.API.DIRECT.GET." + r.name, body: body, batch: true, done: func(a answer, err error) { answered <- result{a, err} },
	})
	select {
	case got := <-answered:
		return got.answer, got.err
	case <-ctx.Done():
		return answer{}, ctx.Err()
	}
}
