// Package workers runs several processes of one program that look like one server: a Supervisor starts them on one port, starts again what
// ends, replaces them one by one, and answers for all of them what is asked of the server as a whole; a Worker is what such a process has from
// its supervisor.
//
// It reads no flags, and knows nothing of channels or connections. No connection of a client passes through the supervisor, whose death ends the
// workers.
//
// Ownership: all that a Supervisor knows of its processes is changed by the goroutine that calls Run alone, under a lock for those who
// answer requests. Each process has a goroutine that reads what it reports, and one that gives it commands.
package workers
