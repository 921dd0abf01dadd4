package push

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

func TestPublish(t *testing.T) {
	for _, test := range []struct {
		name, body, want string
		status           int
	}{
		{"publication", `{"channel":"load","data":"x"}`, `{"type":"message","channel":"load","data":"x","offset":1}`, http.StatusOK},
		{"no data", `{"channel":"load"}`, "", http.StatusBadRequest},
		{"no JSON", `x`, "", http.StatusBadRequest},
		{"too large", `{"data":"` + strings.Repeat("x", maxBody) + `"}`, "", http.StatusBadRequest},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := ""
			handler := Handler(nil, func(data []byte) { got = string(Envelope(data, 1)) })
			answer := httptest.NewRecorder()
			handler.ServeHTTP(answer, httptest.NewRequest(http.MethodPost, "/api/publish", strings.NewReader(test.body)))
			if answer.Code != test.status || got != test.want {
				t.Errorf("status %d, published %q; want %d, %q", answer.Code, got, test.status, test.want)
			}
		})
	}
}

func TestHubIsDense(t *testing.T) {
	var hub Hub[string]
	for _, c := range []string{"a", "b", "c", "b"} {
		hub.Add(c)
	}
	hub.Remove("a")
	hub.Remove("a")
	hub.Publish([]byte(`1`), func(message []byte, subscribers []string) {
		if want := `{"type":"message","channel":"load","data":1,"offset":1}`; string(message) != want {
			t.Errorf("message %s, want %s", message, want)
		}
		if got := slices.Sorted(slices.Values(subscribers)); !slices.Equal(got, []string{"b", "c"}) {
			t.Errorf("subscribers %v, want b and c", got)
		}
	})
	hub.Remove("c")
	hub.Remove("b")
	hub.Each(func(c string) { t.Errorf("%s is left", c) })
}
