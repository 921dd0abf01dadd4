package auth

import (
	"errors"
	"testing"
	"time"
)

func revoke(a *Auth, r Revocation) error {
	_, _, err := a.Revoke(r)
	return err
}

// A revocation of another node counts from the time that it brings, within what clocks may differ, and never goes back.
func TestRevocationOfAnotherNode(t *testing.T) {
	clock := newClock()
	a := newAuth(t, testConfig(t), clock.now)
	now, leeway := clock.now(), a.Config().Leeway
	for _, row := range []struct {
		what  Revocation
		at    time.Time
		fresh bool
		err   error
	}{
		{Revocation{User: "ann"}, now, true, nil},
		{Revocation{User: "ann", At: now.Add(-time.Minute)}, now, false, nil},
		{Revocation{User: "ann", At: now.Add(100 * time.Hour)}, now.Add(leeway), true, nil},
		{Revocation{Token: "ann", At: now.Add(-time.Minute)}, now.Add(-time.Minute), true, nil},
		{Revocation{Token: "old", At: now.Add(-a.Keep() - 1)}, now.Add(-a.Keep() - 1), false, nil},
		{Revocation{}, time.Time{}, false, errNoRevocation},
		{Revocation{User: "a", Token: "b"}, time.Time{}, false, errNoRevocation},
	} {
		got, fresh, err := a.Revoke(row.what)
		if !got.At.Equal(row.at) || fresh != row.fresh || !errors.Is(err, row.err) {
			t.Errorf("%+v: %v %v %v", row.what, got.At, fresh, err)
		}
	}
	if all := a.Revocations(); len(all) != 2 || all[0].Key() == all[1].Key() {
		t.Errorf("%+v", all)
	}
}

// Until it is known what was revoked elsewhere no token is accepted, and none refused for good.
func TestAwaitRevocations(t *testing.T) {
	a := newAuth(t, testConfig(t), newClock().now)
	token := sign(t, "HS256", good(nil))
	a.AwaitRevocations()
	if _, err := a.Verify(token, nil); !errors.Is(err, ErrUnavailable) || a.RevocationsKnown() {
		t.Error(err)
	}
	a.KnowRevocations()
	if _, err := a.Verify(token, nil); err != nil || !a.RevocationsKnown() {
		t.Error(err)
	}
}
