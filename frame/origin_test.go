package frame

import "testing"

func TestSameOrigin(t *testing.T) {
	tests := []struct {
		origin, host string
		tls, want    bool
	}{
		{"http://example.com", "example.com", false, true},
		{"https://example.com", "example.com", true, true},
		{"http://example.com:80", "example.com", false, true},
		{"http://example.com", "example.com:80", false, true},
		{"https://example.com:443", "example.com", true, true},
		{"http://EXAMPLE.com", "example.COM", false, true},
		{"HTTP://example.com", "example.com", false, true},
		{"http://example.com:8080", "example.com:8080", false, true},
		{"http://[::1]:8080", "[::1]:8080", false, true},
		{"http://127.0.0.1:8080", "127.0.0.1:8080", false, true},
		{"http://example.com:", "example.com", false, true},

		{"", "example.com", false, false},
		{"null", "example.com", false, false},
		{"null", "null", false, false},
		{"http://", "", false, false},
		{"http://example.com", "", false, false},
		{"https://example.com", "example.com", false, false}, // another scheme
		{"http://example.com", "example.com", true, false},
		{"https://example.com:80", "example.com", false, false},
		{"http://example.com:443", "example.com", true, false},
		{"http://example.com:8080", "example.com", false, false}, // another port
		{"http://example.com", "example.com:443", false, false},
		{"http://evil-example.com", "example.com", false, false}, // suffix
		{"http://example.com.evil.net", "example.com", false, false},
		{"http://sub.example.com", "example.com", false, false},
		{"http://example.co", "example.com", false, false},
		{"http://example.com@evil.net", "example.com", false, false}, // user information
		{"http://evil.net@example.com", "example.com", false, false},
		{"http://example.com.", "example.com", false, false}, // trailing dot
		{"http://example.com/", "example.com", false, false}, // no origin
		{"http://example.com http://evil.net", "example.com", false, false},
		{"http://evil.net, http://example.com", "example.com", false, false},
		{"//example.com", "example.com", false, false},
		{"example.com", "example.com", false, false},
		{"ws://example.com", "example.com", false, false},
		{"http://[::1]", "::1", false, false},
		{"http://example.com:99999", "example.com:99999", false, false},
	}
	for _, test := range tests {
		if got := SameOrigin([]byte(test.origin), []byte(test.host), test.tls); got != test.want {
			t.Errorf("SameOrigin(%q, %q, %v) = %v", test.origin, test.host, test.tls, got)
		}
	}
}

func TestOriginCount(t *testing.T) {
	var r Request
	mustParse(t, &r, testUpgrade)
	if origin, count := r.Origin(); origin != nil || count != 0 {
		t.Errorf("%q %d", origin, count)
	}
	mustParse(t, &r, withLine("Origin: http://a\r\nOrigin: http://b"))
	if origin, count := r.Origin(); string(origin) != "http://a" || count != 2 {
		t.Errorf("%q %d", origin, count)
	}
}
