package main

import (
	"flag"
	"fmt"

	"github.com/wsedge/wsedge/internal/channel"
)

// addHistory declares the flags of what channels keep: those of the default namespace, and the bound of all of them.
func addHistory(flags *flag.FlagSet, o *channel.Options, maxBytes *int64) {
	flags.IntVar(&o.HistorySize, "history-size", 0, "how many publications each channel keeps (default: none)")
	flags.DurationVar(&o.HistoryAge, "history-age", 0, "how long they are kept (default: however long)")
	flags.BoolVar(&o.Recover, "recover", false, "let clients that come back get what they missed; needs --history-size")
	flags.BoolVar(&o.Latest, "latest", false, "give new subscribers the channel's last publication at once; needs --history-size")
	flags.BoolVar(&o.Ack, "ack", false, "send users what they have not acknowledged again when they come back; needs --history-size")
	flags.IntVar(&o.AckUsers, "ack-users", 0, fmt.Sprintf("for how many users each channel keeps what they have acknowledged (default %d)", channel.DefaultAckUsers))
	flags.Int64Var(maxBytes, "history-memory", 0,
		"most `bytes` of all that is kept; above it channels that publish keep less (default 268435456)")
}
