package main

import (
	"flag"

	"github.com/wsedge/wsedge/internal/config"
	"github.com/wsedge/wsedge/internal/edge"
	"github.com/wsedge/wsedge/internal/eventlog"
)

// addFlightRecorder declares --flight-recorder.
func addFlightRecorder(flags *flag.FlagSet, f *edge.FlightRecorder) {
	flags.BoolVar(&f.Enabled, "flight-recorder", false, "record the last events of each connection, in up to 256 bytes of it, so that wsedge why can tell why one was closed")
}

// logsOf are the push log and the access log that a document asks for.
func logsOf(document *config.Document) eventlog.Settings {
	push, access := &document.Log.Push, &document.Log.Access
	return eventlog.Settings{
		Push: eventlog.Push{
			Enabled: push.Enabled, File: push.File, Every: push.Every, Data: eventlog.Data(push.Data), HeadBytes: int(push.HeadBytes),
		},
		Access: eventlog.Access{
			Enabled: access.Enabled, File: access.File, Connections: access.Connections, Address: eventlog.Address(access.Address),
		},
	}
}
