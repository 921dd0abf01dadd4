// Package compare puts the results of two sides' runs beside each other and says which differences are more than chance.
//
// A side is the results of one or more rounds. With several rounds a figure's samples are the rounds; with a single round on
// each side they are the seconds of the measured window, which tells whether the two runs differ but not whether another run
// would, and the text says so. The test is Mann and Whitney's (On a test of whether one of two random variables is
// stochastically larger than the other, 1947), two-sided, exact where the samples are few.
//
// The package runs nothing and reads no files.
//
// # Ownership
//
// Everything is a function of its arguments, which are only read.
package compare
