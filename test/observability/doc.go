// Package observability holds what operators look at to what the server really shows: the dashboard and the alerts in packaging to the
// metrics of a server with everything turned on, docs/METRICS.md to the same, and the alerts to what docs/OPERATING.md says of each.
package observability
