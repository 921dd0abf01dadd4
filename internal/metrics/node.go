package metrics

import (
	"runtime"
	"strconv"
	"strings"
	"time"
)

// Node is what is to know of a node as a whole.
type Node struct {
	Version        string
	Draining       bool
	ReloadFailed   bool      // the configuration was not taken when it was read last
	LastGoodConfig time.Time // when one was
	Certificates   []Certificate
}

// Certificate is one that the server shows.
type Certificate struct {
	Name     string // the first that it is for
	NotAfter time.Time
}

// AppendNode appends it.
func AppendNode(dst []byte, n Node) []byte {
	e := exposition{dst}
	e.head("wsedge_build_info", "gauge", "1, with what was built in the labels.")
	e.text = append(e.text, `wsedge_build_info{version="`+escapeLabel(n.Version)+`",goversion="`+runtime.Version()+"\"} 1\n"...)
	e.one("wsedge_draining", "gauge", "1 while the server is shutting down.", toInt(n.Draining))
	e.one("wsedge_config_last_reload_successful", "gauge", "1 where the configuration was taken when it was read last.", toInt(!n.ReloadFailed))
	e.head("wsedge_config_last_reload_success_timestamp_seconds", "gauge", "Unix time at which a configuration was taken last.")
	e.float("wsedge_config_last_reload_success_timestamp_seconds", float64(n.LastGoodConfig.UnixMilli())/1e3)
	if len(n.Certificates) == 0 {
		return e.text
	}
	e.head("wsedge_certificate_not_after_timestamp_seconds", "gauge", "Unix time at which a certificate of the server expires, in the order of the configuration.")
	for i, c := range n.Certificates {
		e.float(`wsedge_certificate_not_after_timestamp_seconds{certificate="`+strconv.Itoa(i)+`",name="`+escapeLabel(c.Name)+`"}`, float64(c.NotAfter.Unix()))
	}
	return e.text
}

var labelEscapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)

// escapeLabel writes a label's value that is not one of our tokens: what the operator, never what a client, has chosen.
func escapeLabel(value string) string { return labelEscapes.Replace(strings.ToValidUTF8(value, "?")) }

func toInt(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
