package reactor

import (
	"crypto/tls"
	"errors"
	"net"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestConfigErrorNamesAllFields(t *testing.T) {
	_, err := New(Config{
		Addr: "nowhere", Loops: -1, MaxMessageBytes: -1, Deflate: &DeflateOptions{Level: 10}, MaxFrameRate: 1,
		Handler: Funcs{}, Blocking: blockingFuncs{}, Workers: WorkerOptions{MaxBytes: -1},
	})
	var wrong *ConfigError
	if !errors.As(err, &wrong) {
		t.Fatal(err)
	}
	var fields []string
	for _, f := range wrong.Fields {
		fields = append(fields, f.Field)
		if f.Err == nil || !errors.Is(err, f.Err) {
			t.Errorf("%s: %v", f.Field, f.Err)
		}
	}
	want := []string{"Addr", "Loops", "MaxFrameRate", "MaxMessageBytes", "Blocking", "Workers.MaxBytes", "Deflate.Level"}
	if !slices.Equal(fields, want) {
		t.Errorf("got %q, want %q", fields, want)
	}
	if n := strings.Count(err.Error(), "\n"); n != len(want)-1 {
		t.Errorf("not a line for each: %v", err)
	}
}

func TestConfigWantsAHandler(t *testing.T) {
	for field, cfg := range map[string]Config{
		"Handler": {}, "ShutdownTimeout": {Handler: Funcs{}, DrainSpread: time.Minute, ShutdownTimeout: time.Second},
		"Listener": {Handler: Funcs{}, Listener: tls.NewListener(new(net.TCPListener), nil)},
		"Workers":  {Handler: Funcs{}, Workers: WorkerOptions{Goroutines: 1}}, "TLS": {Handler: Funcs{}, TLS: &TLSOptions{}},
		"RouteUpgrades": {Handler: Funcs{}, RouteUpgrades: true},
	} {
		_, err := New(cfg)
		var wrong *ConfigError
		if !errors.As(err, &wrong) || len(wrong.Fields) != 1 || wrong.Fields[0].Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
}
