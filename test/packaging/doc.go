// Package packaging holds what wsedge is delivered in to what it promises: archives that are the same wherever they are built, a
// systemd unit that systemd accepts, and a container's root with nothing in it but what the Dockerfile copies. make release-check
// runs all of it.
package packaging
