// Package console is the page that operators look at a node with, and what it asks the server for.
//
// The page is a few files that are embedded: HTML, one style sheet and ES modules, without a framework or a build step. Its
// Content-Security-Policy lets nothing run but these. What it shows it asks for once a second, so that the server does nothing while nobody
// looks.
//
// It has a surface of its own where it must, for the login and the figures, and otherwise uses the HTTP API and the native dialect as they
// are, with the rights of the API key that its user has logged in with: so there is one place that decides who may do what, and the console
// can do nothing that a backend with the same key cannot.
//
// It never keeps an API key: a login is exchanged for a random cookie, and what the key opens is looked up again with each request.
//
// Ownership: a Console is safe from any goroutine; its sessions have a lock, which is never held while anything is waited for.
package console
