package main

import (
	"flag"

	"github.com/wsedge/wsedge/internal/channel"
	"github.com/wsedge/wsedge/internal/edge"
)

// addHistory declares the flags of what all channels keep, and returns what is to be done when they have been read.
func addHistory(flags *flag.FlagSet, o *channel.Options, cfg *edge.Config) (finish func()) {
	flags.IntVar(&o.HistorySize, "history-size", 0,
		"how many publications each channel keeps, for clients that come back and for --slow skip-to-history (default: none)")
	flags.DurationVar(&o.HistoryAge, "history-age", 0, "how long they are kept (default: however long)")
	flags.BoolVar(&o.Latest, "latest", false, "give new subscribers the channel's last publication at once; needs --history-size")
	flags.Int64Var(&cfg.HistoryMaxBytes, "history-memory", 0,
		"most `bytes` of all that is kept; above it channels that publish keep less (default 268435456)")
	return func() { o.Recover = o.HistorySize > 0 }
}
