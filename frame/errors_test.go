package frame

import "testing"

func TestErrorTokens(t *testing.T) {
	failures := []*Error{
		ErrUnmasked, ErrMasked, ErrReservedBits, ErrReservedOpcode, ErrFragmentedControl, ErrControlTooLong,
		ErrNonMinimalLength, ErrLengthOverflow, ErrUnexpectedContinuation, ErrExpectedContinuation, ErrMessageTooBig,
		ErrTooManyFragments, ErrInvalidUTF8, ErrBufferRefused, ErrClosePayload, ErrCloseCode, ErrCloseReason,
	}
	seen := map[string]bool{}
	for _, e := range failures {
		if seen[e.Reason] {
			t.Errorf("%s stands for two failures", e.Reason)
		}
		seen[e.Reason] = true
		if !e.Code.Valid() || len(e.Reason) > MaxCloseReasonBytes {
			t.Errorf("%v cannot be sent in a close frame", e)
		}
		for _, c := range e.Reason {
			if c != '_' && (c < 'a' || c > 'z') && (c < '0' || c > '9') {
				t.Errorf("%q is no token for a metric label", e.Reason)
			}
		}
	}
	if got := ErrUnmasked.Error(); got != "frame: unmasked_frame (1002)" {
		t.Errorf("ErrUnmasked reads %q", got)
	}
}
