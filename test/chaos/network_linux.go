package main

import (
	"fmt"
	"os"
)

// network is two bridges in the namespace of this process, and machines around them.
type network struct {
	launcher *launcher
	machines int
}

// machine is a network namespace with an address on each bridge.
type machine struct {
	network     *network
	number      int
	namespace   *os.File
	front, back string // addresses
}

// newNetwork makes the bridges. Other namespaces may have the same addresses: nothing leads out of this one.
func newNetwork(l *launcher) (*network, error) {
	return &network{launcher: l}, l.ip(nil, []string{
		"link set lo up",
		"link add front type bridge", "address add 10.0.1.1/24 dev front", "link set front up",
		"link add back type bridge", "link set back up",
	})
}

// machine makes one more.
func (n *network) machine() (*machine, error) {
	namespace, err := n.launcher.namespace()
	if err != nil {
		return nil, err
	}
	n.machines++
	m := &machine{network: n, number: n.machines, namespace: namespace}
	m.front, m.back = fmt.Sprintf("10.0.1.%d", 10+m.number), fmt.Sprintf("10.0.2.%d", 10+m.number)
	var here []string
	inside := []string{"link set lo up"}
	for side, address := range map[string]string{front: m.front, back: m.back} {
		here = append(here, fmt.Sprintf("link add %s type veth peer name %s netns /proc/self/fd/3", m.link(side), side),
			fmt.Sprintf("link set %s master %s up", m.link(side), side))
		inside = append(inside, fmt.Sprintf("address add %s/24 dev %s", address, side), fmt.Sprintf("link set %s up", side))
	}
	if err := n.launcher.ip(nil, here, namespace); err != nil {
		return nil, err
	}
	return m, n.launcher.ip(namespace, inside)
}

func (m *machine) link(side string) string { return fmt.Sprintf("%s%d", side, m.number) }

// cut takes the cables out, or puts them in again. What is sent meanwhile is lost without a word, as by a switch that has died.
func (m *machine) cut(sides []string, out bool) error {
	state := "up"
	if out {
		state = "down"
	}
	var lines []string
	for _, side := range sides {
		lines = append(lines, fmt.Sprintf("link set %s %s", m.link(side), state))
	}
	return m.network.launcher.ip(nil, lines)
}

// lose has everything lost that the machine sends to another one at the back, or no longer. What comes from there arrives.
func (m *machine) lose(to *machine, on bool) error {
	line := fmt.Sprintf("neighbour replace %s lladdr 02:00:00:00:00:01 dev %s nud permanent", to.back, back) // nobody's
	if !on {
		line = fmt.Sprintf("neighbour delete %s dev %s", to.back, back)
	}
	return m.network.launcher.ip(m.namespace, []string{line})
}

// remove takes the machine away. Its processes have ended.
func (m *machine) remove() {
	lines := []string{"link delete " + m.link(front), "link delete " + m.link(back)}
	_ = m.network.launcher.ip(nil, lines) // all goes with this process in any case
	_ = m.namespace.Close()
}
