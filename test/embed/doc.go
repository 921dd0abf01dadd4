// Package embed makes a module of its own, outside this one, that embeds the reactor by its import path; it builds and runs programs there, and
// looks at what embedding pulls in.
//
// It owns the directories that it makes, and the programs that it starts.
package embed
