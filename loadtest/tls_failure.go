package loadtest

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"strings"
)

// Kinds of TLS failures that are no alerts. Those the server sends are "alert_" and their name, those that we send over what
// it does "sent_" and their name, both as RFC 8446, section 6, has them.
const (
	tlsUnknownAuthority = "unknown_authority"
	tlsExpired          = "expired" // or not valid yet
	tlsWrongName        = "wrong_name"
	tlsBadCertificate   = "certificate"
	tlsVersion          = "version"
	tlsNotTLS           = "not_tls"       // the server speaks something else
	tlsOnPlainPort      = "on_plain_port" // TLS where plain text was expected
	tlsClosed           = "closed"        // the end of the stream within the handshake
	tlsTruncated        = "truncated"     // an end without close_notify, in the midst of the connection
	tlsTooMuch          = "too_much"      // more than any handshake needs
	tlsNoProgress       = "no_progress"   // records without end, and no data in them
	tlsBadRecord        = "bad_record"    // no record, behind the handshake
	tlsOther            = "other"
)

// tlsTexts are for people.
var tlsTexts = map[string]string{
	tlsUnknownAuthority: "tls: the certificate is signed by an unknown authority",
	tlsExpired:          "tls: the certificate has expired or is not valid yet",
	tlsWrongName:        "tls: the certificate is for another name",
	tlsBadCertificate:   "tls: the certificate is not valid",
	tlsVersion:          "tls: no version of TLS in common",
	tlsNotTLS:           "tls: the server does not speak TLS on this port",
	tlsOnPlainPort:      "tls: the server speaks TLS on this port",
	tlsClosed:           "tls: closed within the handshake",
	tlsTruncated:        "tls: closed without close_notify: what came before may be cut short",
	tlsTooMuch:          "tls: the server sends more than a handshake takes",
	tlsBadRecord:        "tls: no TLS record behind the handshake",
	tlsNoProgress:       "tls: too many records without data",
}

func tlsFailure(kind string) failure {
	text, known := tlsTexts[kind]
	if !known {
		text = "tls: " + strings.ReplaceAll(kind, "_", " ")
	}
	return failure{failedTLS, kind, text}
}

// tlsFailureOf classifies what crypto/tls says; ok is false where it is about something else, such as the socket.
func tlsFailureOf(err error) (f failure, ok bool) {
	var authority x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	var verification *tls.CertificateVerificationError
	var header tls.RecordHeaderError
	if f, ok := alertFailure(err); ok {
		return f, true
	}
	switch {
	case errors.As(err, &authority):
		return tlsFailure(tlsUnknownAuthority), true
	case errors.As(err, &name):
		return tlsFailure(tlsWrongName), true
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return tlsFailure(tlsExpired), true
	case errors.As(err, &invalid), errors.As(err, &verification):
		return tlsFailure(tlsBadCertificate), true
	case errors.As(err, &header):
		return tlsFailure(tlsNotTLS), true
	case err == nil, !strings.HasPrefix(err.Error(), "tls: "):
		return failure{}, false
	case strings.Contains(err.Error(), "unsupported protocol version"), strings.Contains(err.Error(), "unsupported versions"):
		return tlsFailure(tlsVersion), true
	case strings.Contains(err.Error(), "non-advancing records"), strings.Contains(err.Error(), "too many ignored records"):
		return tlsFailure(tlsNoProgress), true
	case strings.Contains(err.Error(), "unexpected handshake message"):
		return tlsFailure("sent_unexpected_message"), true
	}
	// The rest of what crypto/tls finds wrong with a server has no type of its own. It names no address.
	f = tlsFailure(tlsOther)
	f.text = foreign([]byte(err.Error()))
	return f, true
}

// alertFailure is of an alert that the server sent, or that was sent to it. crypto/tls has no exported type for it.
func alertFailure(err error) (f failure, ok bool) {
	var op *net.OpError
	if !errors.As(err, &op) || op.Op != "remote error" && op.Op != "local error" {
		return failure{}, false
	}
	name := alertName(op.Err.Error())
	switch {
	case op.Op == "local error":
		return tlsFailure("sent_" + name), true
	case name == "protocol_version":
		return tlsFailure(tlsVersion), true
	}
	return tlsFailure("alert_" + name), true
}

// alerts are the names that RFC 8446, section 6, and RFC 5246, section 7.2, give to alerts.
var alerts = map[tls.AlertError]string{
	0: "close_notify", 10: "unexpected_message", 20: "bad_record_mac", 22: "record_overflow", 40: "handshake_failure",
	42: "bad_certificate", 43: "unsupported_certificate", 44: "certificate_revoked", 45: "certificate_expired", 46: "certificate_unknown",
	47: "illegal_parameter", 48: "unknown_ca", 49: "access_denied", 50: "decode_error", 51: "decrypt_error", 70: "protocol_version",
	71: "insufficient_security", 80: "internal_error", 86: "inappropriate_fallback", 90: "user_canceled", 100: "no_renegotiation",
	109: "missing_extension", 110: "unsupported_extension", 112: "unrecognized_name", 113: "bad_certificate_status_response",
	115: "unknown_psk_identity", 116: "certificate_required", 120: "no_application_protocol",
}

// alertName finds the name by the text that crypto/tls has for the alert.
func alertName(text string) string {
	for alert, name := range alerts {
		if alert.Error() == text {
			return name
		}
	}
	return strings.ReplaceAll(strings.TrimPrefix(text, "tls: "), " ", "_") // "alert(77)"
}

// recordFailureOf is of a record behind the handshake.
func recordFailureOf(err error) failure {
	f, ok := tlsFailureOf(err)
	switch {
	case !ok:
		f = tlsFailure(tlsOther)
		f.text = foreign([]byte("tls: " + err.Error()))
	case f.kind == tlsNotTLS: // it was TLS before
		f = tlsFailure(tlsBadRecord)
	}
	return f
}

// handshakeFailureOf is of a handshake that failed. Where the stream ended in it, cut says how.
func handshakeFailureOf(err error, cut *failure) failure {
	f, ok := tlsFailureOf(err)
	switch {
	case ok:
		return f
	case cut != nil:
		return *cut
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return tlsFailure(tlsClosed)
	}
	f = tlsFailure(tlsOther)
	f.text = foreign([]byte("tls: " + err.Error()))
	return f
}
