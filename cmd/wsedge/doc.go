// Command wsedge is the push server.
//
//	wsedge serve     run the push server
//	wsedge check     check a configuration file
//	wsedge init      write a configuration file to begin with
//	wsedge echo      run a plain echo server
//	wsedge version   say which version this is
//	wsedge help      say what there is
//
// Flags, environment and files are read here and nowhere else. It exits with 0 after a clean drain, with 1 where the server could
// not run or ended by itself, and with 2 where it was called wrongly.
package main
