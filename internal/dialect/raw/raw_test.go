package raw

import (
	"testing"

	"github.com/wsedge/wsedge/internal/broker"
	"github.com/wsedge/wsedge/internal/dialect"
)

func TestAppendMessage(t *testing.T) {
	for kind, want := range map[broker.Kind]string{
		broker.JSON:   "\x81\x07\"a\\n\x62\" ",
		broker.Text:   "\x81\x07\"a\\n\x62\" ",
		broker.Binary: "\x82\x07\"a\\n\x62\" ",
	} {
		m := &dialect.Message{Publication: &broker.Publication{Kind: kind, Data: []byte(`"a\nb" `)}, Channel: "news", Offset: 1}
		if got := string(AppendMessage(nil, m)); got != want {
			t.Errorf("kind %d: %q, want %q", kind, got, want)
		}
	}
}
