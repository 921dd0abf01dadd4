// Package api keeps a record of what the public packages export, a text file for each: a change of it is seen in review, and never an accident.
// A test fails with the difference; make api writes the record anew.
//
// It reads what the compiler exports, on Linux, and owns nothing.
package api
