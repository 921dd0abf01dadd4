package edge

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"github.com/wsedge/wsedge/internal/api"
	"github.com/wsedge/wsedge/internal/auth"
	"github.com/wsedge/wsedge/internal/broker"
	"github.com/wsedge/wsedge/internal/cluster"
)

const (
	// revocationsEvery is how often the engine is asked for revocations that have not come by the bus.
	revocationsEvery = 2 * time.Second
	// revocationsRetry is likewise as long as they are not known at all.
	revocationsRetry = 100 * time.Millisecond
	// revocationsPatience is how long a start waits for them. After it clients are taken, but no token is accepted until they are known.
	revocationsPatience = 3 * time.Second
	// revocationTimeout bounds how long a request waits for the engine to store one, and registryTimeout a search for new ones.
	revocationTimeout = 2 * time.Second
	registryTimeout   = 10 * time.Second
	// storeAtOnce is how many are stored before it is looked what other nodes have stored meanwhile.
	storeAtOnce = 256
	// maxSharedRevocations bounds those of all nodes, as auth does those of one: some 200 B each in the engine.
	maxSharedRevocations = 100_000
)

// revocations share what is revoked between nodes: by the bus, at once, and by a registry of the engine, for who was not there. Safe from any goroutine.
type revocations struct {
	// Immutable.
	server   *Server
	registry broker.Registry
	wake     chan struct{}

	// Owned by begin, and then by run.
	mark       broker.Mark
	reconnects int64
	keep       time.Duration // for which the registry was told to keep them

	mu   sync.Mutex
	owed map[string]auth.Revocation // guarded by mu: not stored yet, by their keys; no more than auth remembers
}

// newRevocations returns nil where there is nobody to share with.
func newRevocations(s *Server) *revocations {
	registrar, ok := s.config.Broker.(broker.Registrar)
	if !ok || s.gate == nil || s.cluster == nil {
		return nil
	}
	r := &revocations{
		server: s, registry: registrar.Registry("revocations", maxSharedRevocations), wake: make(chan struct{}, 1), owed: make(map[string]auth.Revocation),
		keep: s.gate.auth.Keep(),
	}
	s.cluster.Answer(topicRevoke, r.told)
	s.cluster.OnChange(func(c cluster.Change) {
		if c.What != cluster.Left { // it may have told something that we have not heard
			r.look()
		}
	})
	return r
}

// look has run look for new ones soon.
func (r *revocations) look() {
	if r == nil {
		return
	}
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// begin reads what was revoked before this node came. Until that is done no token is accepted.
func (r *revocations) begin() {
	if r == nil {
		return
	}
	r.server.gate.auth.AwaitRevocations()
	for end := time.Now().Add(revocationsPatience); time.Until(end) > 0 && !r.sync(time.Until(end)); {
		time.Sleep(revocationsRetry)
	}
	if !r.server.gate.auth.RevocationsKnown() {
		r.server.config.Logger.Warn("revocations: the engine does not tell what was revoked; no token is accepted until it does")
	}
}

// run looks for new ones, and stores what is owed, until the server has ended.
func (r *revocations) run() {
	for {
		wait, known := revocationsEvery, r.server.gate.auth.RevocationsKnown()
		if !known {
			wait = revocationsRetry
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-r.wake:
			timer.Stop()
		case <-r.server.done:
			timer.Stop()
			return
		}
		if !r.sync(registryTimeout) {
			continue
		}
		if !known {
			r.server.config.Logger.Info("revocations: what was revoked is known; tokens are accepted")
		}
		if r.storeOwed() {
			r.look()
		}
	}
}

// sync reads what is new, and has it in force. Where the registry was lost, or may be behind because its servers were away, everything is read, and what is missing
// there is owed. It tells whether all is known.
func (r *revocations) sync(timeout time.Duration) bool {
	ctx, cancel := r.within(timeout)
	defer cancel()
	reconnects := int64(0)
	if remote := r.server.remote(); remote != nil {
		reconnects = remote.RemoteStats().Reconnects
	}
	from := r.mark
	if reconnects != r.reconnects {
		from = broker.Mark{}
	}
	stored, fresh := make(map[string]time.Time), []auth.Revocation(nil)
	mark, lost, err := r.registry.Read(ctx, from, func(value []byte) {
		if what, ok := readRevocation(value); ok {
			stored[what.Key()] = what.At
			fresh = r.accept(what, fresh)
		}
	})
	if len(fresh) > 0 {
		r.server.gate.enforce(fresh...)
	}
	r.settle(stored)
	if r.mark = mark; err != nil {
		return false
	}
	r.reconnects = reconnects
	if lost || from == (broker.Mark{}) { // all was read
		r.oweMissing(stored)
	}
	if keep := r.server.gate.auth.Keep(); keep > r.keep { // tokens live longer by now: whatever is stored next has the registry keep all for longer
		r.keep = keep
		r.oweOne()
	}
	r.server.gate.auth.KnowRevocations()
	return true
}

// within is a context that ends with the server, too.
func (r *revocations) within(d time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	stop := make(chan struct{})
	go func() {
		select {
		case <-r.server.done:
			cancel()
		case <-stop:
		}
	}()
	return ctx, func() { close(stop); cancel() }
}

// readRevocation reads one of another node, or of another version.
func readRevocation(value []byte) (what auth.Revocation, ok bool) {
	err := json.Unmarshal(value, &what)
	return what, err == nil && !what.At.IsZero() && api.Target{User: what.User, Token: what.Token}.Valid()
}

// accept has one in force, and appends it if that is news.
func (r *revocations) accept(what auth.Revocation, fresh []auth.Revocation) []auth.Revocation {
	inForce, news, err := r.server.gate.auth.Revoke(what)
	if err != nil {
		r.server.config.Logger.Error("revocations: one of another node is not in force here", "error", err.Error())
	}
	if news {
		fresh = append(fresh, inForce)
	}
	return fresh
}

// told has one in force that another node tells. That one stores it.
func (r *revocations) told(_ string, body []byte, reply func(any)) {
	what, ok := readRevocation(body)
	if !ok {
		return
	}
	inForce, _, err := r.server.gate.auth.Revoke(what)
	if err != nil {
		return // who asks counts us as missing
	}
	reply(count{r.server.gate.enforce(inForce)})
}

// Revoke implements api.Clients. It is in force for those to come before it looks for those that are there.
func (s *Server) Revoke(what auth.Revocation) (api.Reached, error) {
	if s.gate == nil {
		return api.Reached{}, errNoAuth
	}
	inForce, _, err := s.gate.auth.Revoke(what)
	if err != nil {
		return api.Reached{}, err
	}
	here := s.gate.enforce(inForce)
	if s.revocations == nil {
		return api.Reached{Conns: here}, nil
	}
	stored := make(chan error, 1)
	go func() { stored <- s.revocations.store(inForce) }()
	sum := reached(here, s.ask(topicRevoke, inForce, answerTimeout))
	return sum, <-stored
}
