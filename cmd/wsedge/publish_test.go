package main

import (
	"encoding/json"
	"testing"
)

func TestAnswersAsPeopleReadThem(t *testing.T) {
	for answer, want := range map[string]string{
		`{"channel":"a","offset":1,"epoch":"e","matched":2}`:                                                "a  offset 1  matched 2",
		`{"channel":"a","offset":1,"matched":9,"receipt":"complete","queued":8,"dropped":1}`:                "a  offset 1  matched 9  queued 8  dropped 1",
		`{"channel":"a","offset":1,"matched":9,"receipt":"partial","queued":8,"dropped":0}`:                 "a  offset 1  matched 9  queued 8  dropped 0  receipt partial",
		`{"channel":"a","offset":1,"matched":9,"receipt":"repeated"}`:                                       "a  offset 1  matched 9  receipt repeated",
		`{"channel":"a\u001b[31m","type":"error","code":"bad_channel","message":"no\u0007","matched":null}`: "wsedge: a?[31m: bad_channel: no?",
	} {
		var p published
		if err := json.Unmarshal([]byte(answer), &p); err != nil || p.String() != want {
			t.Errorf("%s: %q %v", answer, p.String(), err)
		}
	}
}
