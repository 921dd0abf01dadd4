// Package show presents runs of package loadtest: to people as a terminal view while one goes on and as an HTML page
// afterwards, to machines as CSV and in the text format of Prometheus.
//
// The package measures nothing, decides nothing, and never writes to a file or opens a socket by itself. An HTML page needs
// nothing but itself: no script, no font, no picture from elsewhere.
//
// # Ownership
//
// A Live view owns one goroutine, and the terminal from Start to Stop. Update and ServeHTTP may be called from any
// goroutine; what they are given is only read.
package show
