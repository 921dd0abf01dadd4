// Package jsclient is wsedge.js, the client for browsers and Node, as the server hands it out at /wsedge.js: the files of this folder,
// as they are.
//
// It never makes anything of them: what is served is what is tested, and what npm packs.
//
// Ownership: the handler is immutable, and safe from any goroutine.
package jsclient
