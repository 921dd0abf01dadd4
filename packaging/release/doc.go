// Command release builds the archives of a release into a directory: for each platform the binaries, the documents, and what a
// machine needs to run them, with their checksums in SHA256SUMS. The same commit gives the same bytes, in whatever directory and
// by whomever it is built with the same Go: times are the commit's, names are sorted, nobody owns anything.
//
// It builds what is committed, and refuses a working tree with changes. The binaries keep Go's build ID, which comes of their
// content: without it those for macOS would have no UUID, which its loader asks for.
package main
