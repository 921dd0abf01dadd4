// Package jsonobject takes one JSON object apart without copying it: every member's value is a view of the bytes that
// came in, so that what a client or a backend sent can be passed on byte for byte.
//
// It never builds values, never re-encodes a number or a string, and never trusts nesting: a text deeper than MaxDepth is
// refused before anything else looks at it.
//
// Ownership: everything returned borrows from the text given and lives as long as that does.
package jsonobject
