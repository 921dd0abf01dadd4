// Package integration drives the real wsedge with the real clients of others: npm's ws, Python's websockets, curl,
// Chromium, and haproxy between; and with its own for JavaScript, wsedge.js. It has tests only.
//
// They run where WSEDGE_INTEGRATION=1 is set, and then fail if a client is not installed; elsewhere they are skipped, so
// that `go test ./...` needs nothing but Go. The tests of limits need no client, and always run.
package integration
