package auth

import "errors"

// ErrPending is no failure: it says that a key must be fetched first, and the answer comes later.
var ErrPending = errors.New("auth: the answer comes later")

// ErrUnavailable says that nothing can be verified at the moment: the keys of the issuer have never come, or are too old, or too
// many wait for them. It is no word on the token.
var ErrUnavailable = errors.New("auth: the keys are not available")

// Error is why a token was refused.
type Error struct {
	Reason string // one of the Reason constants: a stable word, for labels
	Detail string // for people; it quotes nothing of the token
	// Later says that it is no last word: the issuer may have a key of that name which could not be asked for now, because it was
	// asked a moment ago, or does not answer. Whoever has a good token may come again.
	Later bool
}

func (e *Error) Error() string { return "auth: token refused: " + e.Reason + ": " + e.Detail }

// The reasons.
const (
	ReasonMalformed  = "malformed"   // no JWT in compact form, or a header that is not understood
	ReasonTooLarge   = "too_large"   // longer than MaxTokenBytes
	ReasonAlgorithm  = "algorithm"   // not that of the key
	ReasonUnknownKey = "unknown_key" // no such key, or not any more
	ReasonSignature  = "signature"   // somebody else's, or changed
	ReasonClaims     = "claims"      // missing, of a wrong kind, out of bounds
	ReasonExpired    = "expired"
	ReasonNotYet     = "not_yet" // valid later, or issued in the future
	ReasonLifetime   = "lifetime"
	ReasonIssuer     = "issuer"
	ReasonAudience   = "audience"
	ReasonPurpose    = "purpose" // a subscription token to connect with, or the other way round
	ReasonSubject    = "subject" // another user's
	ReasonRevoked    = "revoked"
)

var reasons = []string{
	ReasonMalformed, ReasonTooLarge, ReasonAlgorithm, ReasonUnknownKey, ReasonSignature, ReasonClaims, ReasonExpired, ReasonNotYet,
	ReasonLifetime, ReasonIssuer, ReasonAudience, ReasonPurpose, ReasonSubject, ReasonRevoked,
}

func refuse(reason, detail string) *Error { return &Error{Reason: reason, Detail: detail} }

// unsure is err where it is no word on a key of which the issuer could not be asked.
func unsure(err error) error {
	var refused *Error
	if errors.As(err, &refused) && refused.Reason == ReasonUnknownKey {
		return &Error{Reason: refused.Reason, Detail: refused.Detail, Later: true}
	}
	return err
}
