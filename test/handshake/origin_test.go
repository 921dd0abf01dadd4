package handshake

import (
	"strings"
	"testing"

	"github.com/wsedge/wsedge/reactor"
)

// originRow is a request's Host and its lines of Origin, and whether a server with the allow-list of TestOrigins takes it.
type originRow struct {
	name, host string
	origins    []string
	ok         bool
}

var originRows = []originRow{
	{"absent", "here.example", nil, true},
	{"same host", "here.example", []string{"http://here.example"}, true},
	{"same host, capitals", "here.example", []string{"HTTP://HERE.Example"}, true},
	{"same host, default port in Origin", "here.example", []string{"http://here.example:80"}, true},
	{"same host, default port in Host", "here.example:80", []string{"http://here.example"}, true},
	{"same host and port", "here.example:8080", []string{"http://here.example:8080"}, true},
	{"IPv6 literal", "[::1]:8080", []string{"http://[::1]:8080"}, true},
	{"allowed", "here.example", []string{"https://friend.example"}, true},
	{"allowed, with its port", "here.example", []string{"https://friend.example:8443"}, true},
	{"whitespace around", "here.example", []string{" https://friend.example\t"}, true},

	{"null", "here.example", []string{"null"}, false},
	{"null for a Host of that name", "null", []string{"null"}, false},
	{"empty", "here.example", []string{""}, false},
	{"star", "here.example", []string{"*"}, false},
	{"foreign", "here.example", []string{"http://evil.example"}, false},
	{"other scheme", "here.example", []string{"https://here.example"}, false},
	{"no scheme of the web", "here.example", []string{"ws://here.example"}, false},
	{"no scheme", "here.example", []string{"here.example"}, false},
	{"scheme left out", "here.example", []string{"//here.example"}, false},
	{"other port", "here.example", []string{"http://here.example:8080"}, false},
	{"port of the other scheme", "here.example", []string{"http://here.example:443"}, false},
	{"port left out", "here.example:8080", []string{"http://here.example"}, false},
	{"port too high", "here.example", []string{"http://here.example:65616"}, false}, // 80 modulo 65536
	{"suffix", "here.example", []string{"http://here.example.evil"}, false},
	{"prefix", "here.example", []string{"http://evilhere.example"}, false},
	{"subdomain", "here.example", []string{"http://sub.here.example"}, false},
	{"parent", "sub.here.example", []string{"http://here.example"}, false},
	{"user information", "here.example", []string{"http://here.example@evil"}, false},
	{"user information, password", "here.example", []string{"http://here.example:80@evil"}, false},
	{"user information of our own", "here.example", []string{"http://user@here.example"}, false},
	{"trailing dot", "here.example", []string{"http://here.example."}, false},
	{"trailing slash", "here.example", []string{"http://here.example/"}, false},
	{"path", "here.example", []string{"http://here.example/evil"}, false},
	{"query", "here.example", []string{"http://evil?http://here.example"}, false},
	{"backslash", "here.example", []string{`http://here.example\@evil`}, false},
	{"escape", "here.example", []string{"http://here%2Eexample"}, false},
	{"list by comma", "here.example", []string{"http://evil.example, http://here.example"}, false},
	{"list by space", "here.example", []string{"http://here.example http://evil.example"}, false},
	{"two lines", "here.example", []string{"http://here.example", "http://evil.example"}, false},
	{"two equal lines", "here.example", []string{"http://here.example", "http://here.example"}, false},
	{"two allowed lines", "here.example", []string{"https://friend.example", "https://friend.example"}, false},
	{"IPv6 literal, other port", "[::1]:8080", []string{"http://[::1]"}, false},
	{"IPv6 without brackets", "[::1]", []string{"http://::1"}, false},
	{"allowed, other scheme", "here.example", []string{"http://friend.example"}, false},
	{"allowed, other port", "here.example", []string{"https://friend.example:444"}, false},
	{"allowed, part of it", "here.example", []string{"https://friend"}, false},
	{"allowed, part of it in front", "here.example", []string{"riend.example"}, false},
	{"allowed, and more", "here.example", []string{"https://friend.example.evil"}, false},
	{"allowed, and a path", "here.example", []string{"https://friend.example/"}, false},
	{"allowed, user information", "here.example", []string{"https://friend.example@evil"}, false},
	{"obs-text", "here.example", []string{"http://here.example\xE4"}, false},
}

// request is the row's handshake.
func (row *originRow) request() string {
	request := with("here.example", row.host)
	if len(row.origins) > 0 {
		request = strings.TrimSuffix(request, "\r\n") + "Origin:" + strings.Join(row.origins, "\r\nOrigin:") + "\r\n\r\n"
	}
	return request
}

func TestOrigins(t *testing.T) {
	s := serve(t, reactor.Config{Origins: []string{"https://friend.example", "https://friend.example:8443"}})
	anyone := serve(t, reactor.Config{Origins: []string{"*"}})
	for _, row := range originRows {
		t.Run("HS-33/"+row.name, func(t *testing.T) {
			t.Parallel()
			p := connect(t, s.Addr())
			if row.ok {
				p.write(row.request())
				p.wantSwitch()
				p.wantEcho()
			} else {
				p.write(row.request() + behind)
				p.wantRefusal("403 origin", false)
			}
			p = connect(t, anyone.Addr())
			p.write(row.request())
			p.wantSwitch()
			p.wantEcho()
		})
	}
}

// HS-33: a name in the allow-list is no pattern.
func TestAllowListHasNoPatterns(t *testing.T) {
	s := serve(t, reactor.Config{Origins: []string{"https://*.friend.example", "friend.example", "https://", ""}})
	for _, origin := range []string{"https://a.friend.example", "https://friend.example", "http://friend.example", "https://evil"} {
		t.Run("HS-33/"+origin, func(t *testing.T) {
			t.Parallel()
			p := connect(t, s.Addr())
			p.write(plus("Origin: "+origin) + behind)
			p.wantRefusal("403 origin", false)
		})
	}
}
