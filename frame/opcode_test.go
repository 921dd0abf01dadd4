package frame

import "testing"

func TestOpcodeKinds(t *testing.T) {
	names := map[Opcode]string{0: "continuation", 1: "text", 2: "binary", 8: "close", 9: "ping", 10: "pong"}
	for o := Opcode(0); o < 32; o++ {
		name, defined := names[o]
		if o.IsControl() != (defined && o >= 8) || o.IsData() != (defined && o < 8) {
			t.Errorf("%d: control %v, data %v", o, o.IsControl(), o.IsData())
		}
		if defined && o.String() != name {
			t.Errorf("%d is called %q, want %q", o, o, name)
		}
	}
	if got := Opcode(11).String(); got != "reserved opcode 11" {
		t.Errorf("opcode 11 is called %q", got)
	}
}

func TestRoleString(t *testing.T) {
	if Server.String() != "server" || Client.String() != "client" {
		t.Errorf("roles are called %v and %v", Server, Client)
	}
}
