// Package embedded runs a NATS server with JetStream in the process, for the engine of package jetstream: alone, without any port, or as a member of
// a cluster of such processes.
//
// It never looks at what is stored.
//
// Ownership: a Server owns its directory, which it locks, and the goroutines of the NATS server.
package embedded
