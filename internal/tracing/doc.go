// Package tracing makes OpenTelemetry spans of what a publication goes through, from the API's request to the last loop, and sends them
// to an OTLP receiver over HTTP.
//
// It alone imports OpenTelemetry: what others hand in and get are values of this package. It never blocks who makes spans: what the
// receiver does not take in time is dropped and counted. It reads no flags and no files; of the environment OpenTelemetry itself reads
// OTEL_RESOURCE_ATTRIBUTES and OTEL_SERVICE_NAME. Nothing that a client chose becomes the name or an attribute of a span.
//
// Ownership: a Tracer may be used from any goroutine; it has one goroutine that sends, and one for each delivery that it waits for, which are
// bounded. A span belongs to the goroutine that has begun it.
package tracing
