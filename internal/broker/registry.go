package broker

import (
	"context"
	"errors"
	"time"
)

// ErrRegistryFull says that a registry has no room for another key. Nothing was stored.
var ErrRegistryFull = errors.New("broker: the registry is full")

// Registrar is optional in an engine with other nodes: one that keeps registries for them.
type Registrar interface {
	// Registry is the one of that name, letters only, of at most so many keys. It asks nobody, and makes nothing before something is put into it.
	Registry(name string, most int) Registry
}

// Registry is a small set of facts that all nodes are to know, those that start later or were cut off, too: a value for each key, for a while. Both methods wait for
// the engine until ctx ends. Safe from any goroutine.
type Registry interface {
	// Put stores value for at least keep, in place of what the key had. It replaces nothing where it fails, but nobody may know whether it did. ErrRegistryFull.
	Put(ctx context.Context, key string, value []byte, keep time.Duration) error
	// Read has take called with all values that were put since from, in their order; with all of them if from is the zero Mark, or if the registry was lost since,
	// which is whole. take owns its argument. Where it fails take may have been called with some, and to is where to go on.
	Read(ctx context.Context, from Mark, take func(value []byte)) (to Mark, whole bool, err error)
}

// Mark is a place in a registry. The zero value is before its beginning.
type Mark struct {
	Epoch string
	Seq   uint64
}
