package loadtest

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
)

func TestTLSConfig(t *testing.T) {
	if c, err := (&TLS{}).config("h"); err != nil || c.ServerName != "h" || c.InsecureSkipVerify || c.MinVersion != tls.VersionTLS12 || c.ClientSessionCache != nil {
		t.Errorf("%+v, %v", c, err)
	}
	_, err := (&TLS{CA: []byte("x"), Cert: []byte("x"), Version: "1.1"}).config("h")
	for _, want := range []string{"ca: there is no certificate", "cert and key belong together", "tls-version"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s with the others", err, want)
		}
	}
}

func TestWhatIsSaidOfTLS(t *testing.T) {
	r := TLSReport{Agreed: newTLSCounts(), Resume: true}
	r.Agreed.count(&tls.ConnectionState{Version: tls.VersionTLS13, CipherSuite: tls.TLS_AES_128_GCM_SHA256, DidResume: true})
	r.Agreed.add(r.Agreed)
	if got := r.line(); got != "TLS 1.3 × 2; TLS_AES_128_GCM_SHA256 × 2; 2 sessions resumed; certificates NOT verified" {
		t.Error(got)
	}
	r.Resume, r.Verified = false, true
	if got := r.line(); got != "TLS 1.3 × 2; TLS_AES_128_GCM_SHA256 × 2; full handshakes only" {
		t.Error(got)
	}
	d := DeflateCounts{Accepted: 2, Messages: 3, CompressedBytes: 1e6, InflatedBytes: 4e6, SentMessages: 1}
	if got := d.line(); got != "accepted on 2 connections; 3 messages came compressed, 25.0 % of their 4.0 MB; 1 went compressed" {
		t.Error(got)
	}
}

// TestTLSFailureNames: the end-to-end tests have the others.
func TestTLSFailureNames(t *testing.T) {
	alert := func(op string, number tls.AlertError) error { return &net.OpError{Op: op, Err: number} }
	reset := failure{class: failedReset}
	cases := []struct {
		err  error
		cut  *failure
		want string
	}{
		{alert("remote error", 48), nil, "alert_unknown_ca"},
		{alert("remote error", 70), nil, "version"},
		{alert("remote error", 77), nil, "alert_" + strings.ReplaceAll(strings.TrimPrefix(tls.AlertError(77).Error(), "tls: "), " ", "_")},
		{fmt.Errorf("x: %w", alert("local error", 22)), nil, "sent_record_overflow"},
		{alert("remote error", 40), &reset, "alert_handshake_failure"},
		{io.EOF, nil, "closed"},
		{io.ErrUnexpectedEOF, nil, "closed"},
		{io.EOF, &reset, ""},
		{errors.New("tls: something new"), nil, "other"},
		{errors.New("something new"), nil, "other"},
	}
	for _, c := range cases {
		if got := handshakeFailureOf(c.err, c.cut); got.kind != c.want || (got.class == failedReset) != (c.want == "") {
			t.Errorf("%v: %+v, want %q", c.err, got, c.want)
		}
	}
	if _, ok := tlsFailureOf(errors.New("connection refused")); ok {
		t.Error("everything is about TLS")
	}
}
