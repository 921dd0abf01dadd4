package config

import (
	"errors"
	"strings"
	"testing"
)

func TestAuthentication(t *testing.T) {
	secret := strings.Repeat("s", 32)
	read := func(name string) ([]byte, error) {
		switch name {
		case "/d/good":
			return []byte(secret + "\n"), nil
		case "/d/empty":
			return []byte("\n"), nil
		}
		return nil, errors.New(name + ": no such file")
	}
	parse := func(text string) *Document {
		d, err := Parse("f", []byte(text), "/d")
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	for _, text := range []string{"", "auth:", "log: {}"} {
		if cfg, problems := parse(text).Authentication("f", read); cfg != nil || problems != nil {
			t.Errorf("%q: %+v, %v", text, cfg, problems)
		}
	}
	if cfg, _ := parse("auth: {}").Authentication("f", read); cfg == nil {
		t.Error("an empty section is no authentication: it must let nobody in")
	}
	cfg, problems := parse("auth:\n  keys: [{algorithm: HS256, secret_file: good}]\n  api_keys: [{name: b, secret_file: good, scopes: all}]\n").Authentication("f", read)
	if len(problems) > 0 || string(cfg.Keys[0].Secret) != secret || cfg.APIKeys[0].Secret != secret || cfg.APIKeys[0].Scopes[0] != "all" {
		t.Errorf("%+v, %v", cfg, problems)
	}
	_, problems = parse("auth:\n  leeway: 5m\n  keys:\n    - {algorithm: HS256, secret: x, secret_file: good}\n    - {algorithm: HS256, secret_file: empty}\n"+
		"    - {algorithm: ES256, public_key_file: none}\n").Authentication("f", read)
	want := "f:4:7: auth.keys[0]: secret and secret_file: want one of them\nf:5:26: auth.keys[1].secret_file: /d/empty is empty\n" +
		"f:6:26: auth.keys[2].public_key_file: /d/none: no such file"
	if err := Join(problems); err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	_, problems = parse("auth:\n  leeway: 5m\n  jwks: {url: https://h/}\n").Authentication("f", read)
	if err := Join(problems); err == nil || !strings.Contains(err.Error(), "f:1:1: auth: leeway 5m") || !strings.Contains(err.Error(), "f:1:1: auth: JWKS needs an issuer") {
		t.Error(err)
	}
}

func TestSampleIsInOrder(t *testing.T) {
	values := map[string]string{
		"auth.keys[].algorithm": "HS256", "auth.keys[].secret": strings.Repeat("s", 43), "auth.api_keys[].name": "backend",
		"auth.api_keys[].secret": strings.Repeat("k", 43), "auth.api_keys[].scopes": "[all]", "namespaces.default.subscribe": "authenticated",
	}
	d, err := Parse("f", Sample(values), "")
	if err != nil {
		t.Fatal(err)
	}
	cfg, problems := d.Authentication("f", nil)
	if len(problems) > 0 || len(cfg.Keys) != 1 || len(cfg.APIKeys) != 1 || cfg.APIKeys[0].Name != "backend" {
		t.Errorf("%+v, %v", cfg, problems)
	}
	if !d.HasSecrets() || len(d.SecretFiles()) > 0 || len(d.Settings()) > 0 {
		t.Errorf("%v %v %v", d.HasSecrets(), d.SecretFiles(), d.Settings())
	}
	// Each option's line must be right once its mark of a comment is taken away: this reads all of them.
	for i := range Options {
		if o := &Options[i]; !strings.Contains(string(Sample(nil)), "# "+o.key()+":") && !o.inList() {
			t.Errorf("%s is not in the sample", o.Path)
		}
	}
}
