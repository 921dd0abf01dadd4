package native

import (
	"encoding/json"
	"math/big"
	"strings"
	"testing"

	"github.com/wsedge/wsedge/internal/jsonobject"
)

// slowPosition reads a position as encoding/json and the rule have it: an object with epoch, a string, and offset, a number without fraction and
// exponent that fits into 64 bits. Of members with the same name the last counts.
func slowPosition(value []byte) (r Recover, ok bool) {
	var members map[string]json.RawMessage
	if json.Unmarshal(value, &members) != nil || members == nil || json.Unmarshal(members["epoch"], &r.Epoch) != nil || string(members["epoch"]) == "null" {
		return r, false
	}
	offset, whole := new(big.Int).SetString(string(members["offset"]), 10)
	if !whole || !offset.IsUint64() || strings.HasPrefix(string(members["offset"]), "-") {
		return r, false
	}
	r.Offset = offset.Uint64()
	return r, true
}

// FuzzPosition compares the positions that clients name, to recover from and to read on from, with what they are by the rule.
func FuzzPosition(f *testing.F) {
	for _, seed := range []string{
		`{"epoch":"x","offset":12}`, `{"epoch":"x","offset":18446744073709551615}`, `{"epoch":"x","offset":18446744073709551616}`, `{"epoch":"\ud83d\ude00","offset":0}`,
		`{"epoch":"x","offset":-0}`, `{"epoch":"x","offset":1.0}`, `{"epoch":"x","offset":1e2}`, `{"epoch":null,"offset":1}`, `{"epoch":"x"}`, `[]`, `null`, `5`,
		`{"epoch":1,"epoch":"x","offset":"1","offset":1}`, `{"offset":1,"offset":null,"epoch":""}`, `{ "off\u0073et" : 7 , "epoch" : "" }`, `{"epoch":"\ud800","offset":1}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		if !json.Valid([]byte(value)) || jsonobject.Check([]byte(`{"value":`+value+`}`)) != nil { // it never comes so far
			return
		}
		want, ok := slowPosition([]byte(value))
		for word, text := range map[string]string{"recover": `{"type":"subscribe","channel":"a","recover":` + value + `}`, "since": `{"type":"history","channel":"a","since":` + value + `}`} {
			cmd, err := Parse([]byte(text))
			switch {
			case (err == nil) != ok:
				t.Fatalf("%s %s: %v, want accepted: %v", word, value, err, ok)
			case ok && *cmd.Recover != want:
				t.Fatalf("%s %s: %+v, want %+v", word, value, *cmd.Recover, want)
			case ok && *cmd.Recover.Position() != *want.Position():
				t.Fatalf("%s %s: the engine is asked for %+v", word, value, cmd.Recover.Position())
			}
		}
	})
}
