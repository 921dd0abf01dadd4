// Command wsedge is the push server, and what asks one.
//
//	wsedge serve      run the push server
//	wsedge check      check a configuration file
//	wsedge init       write a configuration file to begin with
//	wsedge echo       run a plain echo server
//	wsedge version    say which version this is
//	wsedge publish    publish to a channel; and broadcast
//	wsedge tail       print what is published, as it comes
//	wsedge presence   say who is there; and history, channels, info
//	wsedge disconnect close clients' connections; and revoke, subscribe, unsubscribe
//	wsedge completion write what has a shell complete command lines
//	wsedge help       say what there is
//
// Flags, environment and files are read here and nowhere else. It exits with 0 after a clean drain, with 1 where the server could
// not run or ended by itself, or the one that was asked refused or did not answer, and with 2 where it was called wrongly.
package main
