// Package config is the server's configuration file: one YAML document, read strictly. Its keys are the fields of Document,
// and one table, Options, says of each what it means, its default and its danger. The commented file of wsedge init, the
// reference page and the JSON schema for editors are made from the two.
//
// It never reads a file, a flag or the environment, and never starts anything: cmd/wsedge does.
//
// Ownership: a Document belongs to whoever parsed it. The table is not to be changed.
package config
