package webhook

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/wsedge/wsedge/internal/channel"
)

func TestVerdicts(t *testing.T) {
	for answer, want := range map[string]string{
		`{"allow":true}`: "true  ",
		` {"allow" : true, "more":[1,{}], "user":null, "info":null, "channels":null} `: "true  ",
		`{"allow":true,"user":"ann","info":{"a":[1]},"channels":["a","b:1"]}`:          `true ann {"a":[1]}a,b:1`,
		`{"allow":true,"user":""}`:                                                          "true  ",
		`{"allow":true,"code":"x","message":"y"}`:                                           "true  ",
		`{"allow":false}`:                                                                   "false permission_denied the backend refused",
		`{"allow":false,"code":"no_2","message":"<é>"}`:                                     "false no_2 <é>",
		`{"allow":false,"code":"No","message":"a\nb"}`:                                      "false permission_denied the backend refused",
		`{"allow":false,"code":7,"message":[]}`:                                             "false permission_denied the backend refused",
		`{"allow":false,"code":"","message":""}`:                                            "false permission_denied the backend refused",
		`{"allow":false,"code":"` + strings.Repeat("a", 65) + `"}`:                          "false permission_denied the backend refused",
		`{"allow":false,"message":"` + strings.Repeat("a", 257) + `"}`:                      "false permission_denied the backend refused",
		`{"allow":false,"user":7,"info":` + strings.Repeat(" ", 5000) + `1,"channels":"x"}`: "false permission_denied the backend refused",
		`{"allow":false,"code":"_a"}`:                                                       "false permission_denied the backend refused",
		`{"allow":false,"code":"a\"b"}`:                                                     "false permission_denied the backend refused",
		`{"allow":false,"message":"\u202e\ufffd"}`:                                          "false permission_denied the backend refused",
	} {
		v, err := parseVerdict([]byte(answer))
		got := fmt.Sprint(v.Allow, " ", v.Code, v.User, " ", v.Message, string(v.Info), strings.Join(v.Channels, ","))
		if err != nil || got != want || v.Failed {
			t.Errorf("%.80s: %q, %v, want %q", answer, got, err, want)
		}
	}
	for _, bad := range []string{
		"", "true", "null", "[]", `"allow"`, "{}", `{"allow":null}`, `{"allow":1}`, `{"allow":"true"}`, `{"Allow":true}`, `{"allow":tru}`,
		`{"allow":true`, `{"allow":true}}`, `{"allow":true} {"allow":true}`, `{"allow":false,"allow":true}`, `{"allow":true,"\u0061llow":false}`,
		"{\"allow\":true,\"x\":\"\xff\"}", `{"allow":true,"x":` + strings.Repeat("[", 200) + strings.Repeat("]", 200) + `}`,
		`{"allow":true,"user":7}`, `{"allow":true,"user":["ann"]}`, `{"allow":true,"user":"a\u0000"}`, `{"allow":true,"user":"` + strings.Repeat("a", 256) + `"}`,
		`{"allow":true,"user":"\ud800"}`, `{"allow":true,"info":"` + strings.Repeat("a", 4<<10) + `"}`, `{"allow":true,"channels":"a"}`,
		`{"allow":true,"channels":[1]}`, `{"allow":true,"channels":["a b"]}`, `{"allow":true,"channels":[""]}`,
		`{"allow":true,"channels":[` + strings.Repeat(`"a",`, maxChannels) + `"a"]}`,
	} {
		if v, err := parseVerdict([]byte(bad)); err == nil || v.Allow {
			t.Errorf("%.80q is taken: %+v", bad, v)
		}
	}
}

// FuzzVerdict wants every permission to be one to another reader as well, and everything in a verdict within its bounds.
func FuzzVerdict(f *testing.F) {
	f.Add([]byte(`{"allow":true,"user":"ann","info":{"a":[1]},"channels":["a"]}`))
	f.Add([]byte(`{"allow":false,"code":"no","message":"text"}`))
	f.Add([]byte(`{"allow":false,"allow":true}`))
	f.Fuzz(func(t *testing.T, answer []byte) {
		v, err := parseVerdict(answer)
		if err != nil {
			if v.Allow {
				t.Fatal("a bad answer allows")
			}
			return
		}
		var other map[string]any
		if err := json.Unmarshal(answer, &other); err != nil || other["allow"] != v.Allow {
			t.Fatalf("%q: %v, another reader says %v, %v", answer, v.Allow, other["allow"], err)
		}
		if len(v.User) > maxUserBytes || len(v.Info) > maxInfoBytes || len(v.Channels) > maxChannels || len(v.Message) > maxMessageBytes ||
			!utf8.ValidString(v.User+v.Message) || v.Info != nil && !json.Valid(v.Info) || !v.Allow && !validCode(v.Code) {
			t.Fatalf("out of bounds: %+v", v)
		}
		for _, name := range v.Channels {
			if !channel.ValidName(name) {
				t.Fatalf("channel %q", name)
			}
		}
	})
}
