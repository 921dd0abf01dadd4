package edge

import (
	"strings"
	"testing"
)

// The client's script is for everybody whom the server is for: no key, no token, and no admin address.
func TestServesItsClient(t *testing.T) {
	closed := authConfig()
	closed.AdminAddr = "127.0.0.1:0"
	for name, cfg := range map[string]Config{"development": {}, "closed": closed} {
		t.Run(name, func(t *testing.T) {
			s := startServer(t, cfg)
			for path, want := range map[string]string{"/wsedge.js": "export class Client ", "/wsedge.d.ts": "export interface ClientOptions "} {
				status, body := call(t, s, "GET", path, "", map[string]string{"Origin": "https://other.example"})
				if status != 200 || !strings.Contains(body, want) {
					t.Errorf("%s: %d with %d bytes", path, status, len(body))
				}
			}
			if status, _ := call(t, s, "GET", "/wsedge.js", "", map[string]string{"Host": "rebound.example"}); name == "development" && status != 403 {
				t.Errorf("under a foreign name: %d, want 403", status)
			}
		})
	}
}
