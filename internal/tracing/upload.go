package tracing

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	otlp "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

const (
	// againFirst is after how long a batch that was not taken is sent again, then twice as long each time.
	againFirst = time.Second
	// maxAnswer bounds what is read of an answer.
	maxAnswer = 64 << 10
)

// uploader sends spans to an OTLP receiver over HTTP: an otlptrace.Client. OpenTelemetry's own one would bring gRPC, which it needs for its
// types alone, and with it half of the size of the server's binary. It is used by one goroutine at a time.
type uploader struct {
	// Immutable.
	url     string
	headers map[string]string
	client  *http.Client
}

func newUploader(cfg Config) *uploader {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.Proxy = nil // where spans go is what the configuration says
	transport.MaxConnsPerHost, transport.MaxIdleConnsPerHost = 1, 1
	return &uploader{url: cfg.endpoint(), headers: cfg.Headers, client: &http.Client{
		Transport: transport, Timeout: exportTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // headers are meant for one receiver
	}}
}

// Start implements otlptrace.Client.
func (u *uploader) Start(context.Context) error { return nil }

// Stop implements otlptrace.Client.
func (u *uploader) Stop(context.Context) error {
	u.client.CloseIdleConnections()
	return nil
}

// UploadTraces sends spans, again and again until ctx is done where the receiver says that this may help, or is not there.
func (u *uploader) UploadTraces(ctx context.Context, spans []*otlp.ResourceSpans) error {
	// TracesData has the bytes of ExportTraceServiceRequest, on purpose (opentelemetry-proto, trace.proto).
	message, err := proto.Marshal(&otlp.TracesData{ResourceSpans: spans})
	if err != nil {
		return err
	}
	var body bytes.Buffer
	packer := gzip.NewWriter(&body)
	_, _ = packer.Write(message) // into memory
	_ = packer.Close()
	for pause := againFirst; ; pause *= 2 {
		again, after, err := u.post(ctx, body.Bytes())
		if err == nil || !again || !sleep(ctx, max(pause, after)) {
			return err
		}
	}
}

// sleep waits, and tells whether it could: a time beyond the end of ctx is not waited for at all.
func sleep(ctx context.Context, d time.Duration) bool {
	if end, ok := ctx.Deadline(); ok && time.Until(end) < d {
		return false
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// post makes one attempt. again says that another may work, after at least that time.
func (u *uploader) post(ctx context.Context, body []byte) (again bool, after time.Duration, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, u.url, bytes.NewReader(body))
	if err != nil {
		return false, 0, err
	}
	for name, value := range u.headers {
		request.Header.Set(name, value)
	}
	request.Header.Set("Content-Type", "application/x-protobuf")
	request.Header.Set("Content-Encoding", "gzip")
	request.Header.Set("User-Agent", "wsedge")
	answer, err := u.client.Do(request)
	if err != nil {
		return true, 0, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	switch answer.StatusCode {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout: // OTLP: these, and no others
		seconds, _ := strconv.ParseUint(answer.Header.Get("Retry-After"), 10, 16)
		return true, time.Duration(seconds) * time.Second, fmt.Errorf("the receiver answers %d", answer.StatusCode)
	}
	switch {
	case answer.StatusCode < 200 || answer.StatusCode >= 300:
		return false, 0, fmt.Errorf("the receiver answers %d: %q", answer.StatusCode, text)
	case err != nil:
		return false, 0, err
	}
	return false, 0, partialSuccess(text)
}

// partialSuccess is the error in an answer, ExportTraceServiceResponse, that says that some spans were not taken.
func partialSuccess(answer []byte) error {
	const partialSuccess, rejectedSpans, errorMessage = 1, 1, 2
	var rejected uint64
	var message string
	fields(answer, func(number protowire.Number, kind protowire.Type, value []byte, _ uint64) {
		if number == partialSuccess && kind == protowire.BytesType {
			fields(value, func(number protowire.Number, kind protowire.Type, value []byte, n uint64) {
				switch {
				case number == rejectedSpans && kind == protowire.VarintType:
					rejected = n
				case number == errorMessage && kind == protowire.BytesType:
					message = string(value)
				}
			})
		}
	})
	if rejected == 0 {
		return nil // a message alone is advice
	}
	return errors.New("the receiver has refused " + strconv.FormatUint(rejected, 10) + " spans: " + strconv.Quote(message))
}

// fields goes through a message's fields, as far as it is one: value is that of strings and messages, n that of numbers. A field of another kind
// than its number should have is one that the reader does not know.
func fields(message []byte, each func(number protowire.Number, kind protowire.Type, value []byte, n uint64)) {
	for len(message) > 0 {
		number, kind, tag := protowire.ConsumeTag(message)
		if tag < 0 {
			return
		}
		length := protowire.ConsumeFieldValue(number, kind, message[tag:])
		if length < 0 {
			return
		}
		switch value := message[tag : tag+length]; kind {
		case protowire.BytesType:
			text, _ := protowire.ConsumeBytes(value)
			each(number, kind, text, 0)
		case protowire.VarintType:
			n, _ := protowire.ConsumeVarint(value)
			each(number, kind, nil, n)
		}
		message = message[tag+length:]
	}
}
