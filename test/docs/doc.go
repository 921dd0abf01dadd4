// Package docs holds the pages to what is there: links lead somewhere, commands and flags and options exist, JSON is JSON, and
// configurations pass the server's own check. What the pages promise beyond that is run elsewhere: see test/integration. It has tests only.
package docs
