package loadtest

import (
	"errors"
	"fmt"
	"math"
	"net/netip"
	"strconv"
	"strings"
)

// connsPerExtraWorker is how many connections make one more worker on an agent worth its while, as long as that has cores for
// it: an agent has nothing else to do.
const connsPerExtraWorker = 100

// fileReserve is what a worker opens besides its connections: loops, pipes, publishers, the runtime.
const fileReserve = 128

// maxProcesses is how many workers a run may have on one machine.
const maxProcesses = 256

// place is a machine that holds connections.
type place struct {
	name    string
	env     Environment
	sources []netip.Prefix
	threads int     // of each worker
	weight  float64 // against the others'
	leaving int     // sockets that each process may have besides those of its connections
	silent  float64 // and so many for each connection

	conns, processes int // its part
}

// room is how many connections one worker can hold by the limit on open files.
func (p *place) room(publishers int) int {
	return int(float64(int(min(p.env.OpenFiles, maxConns))-fileReserve-publishers-p.leaving) / (1 + p.silent))
}

// capacity is how many connections the place can hold towards a target, and what bounds it.
func (p *place) capacity(to netip.Addr, publishers int) (conns int, bound string) {
	conns, bound = maxProcesses*max(p.room(publishers), 0), "its limit on open files, "+strconv.FormatUint(p.env.OpenFiles, 10)
	if all, err := strconv.ParseUint(p.env.Sysctls["fs.file-max"], 10, 63); err == nil && all < uint64(conns) {
		conns, bound = int(all), "fs.file-max"
	}
	ports := portRange(p.env.Sysctls["net.ipv4.ip_local_port_range"])
	addresses := uint64(1)
	if len(p.sources) > 0 {
		addresses = 0
		for _, s := range p.sources {
			addresses += prefixSize(s)
		}
	} else if to.Is4() && to.IsLoopback() {
		addresses = prefixSize(loopbackSources)
	}
	if byPorts := float64(ports) * float64(addresses); byPorts < float64(conns) {
		conns, bound = int(byPorts), fmt.Sprintf("its %d local ports on %d addresses (see --source)", ports, addresses)
	}
	return min(conns, maxConns), bound
}

// portRange is how many ports the system gives to those who do not choose one; the usual number where text says nothing.
func portRange(text string) int {
	const usual = 28232
	low, high, _ := strings.Cut(strings.TrimSpace(text), " ")
	first, err := strconv.Atoi(low)
	last, lastErr := strconv.Atoi(strings.TrimSpace(high))
	if err != nil || lastErr != nil || last < first {
		return usual
	}
	return last - first + 1
}

// spread gives each place its part of the connections: by weight, and none more than it can hold.
func spread(conns int, places []*place, capacity func(*place) (int, string)) error {
	left, open := conns, append([]*place(nil), places...)
	for len(open) > 0 {
		full := -1
		for i, p := range open {
			if most, _ := capacity(p); float64(left)*p.weight/sumWeights(open) > float64(most) {
				full = i
				p.conns = most
				break
			}
		}
		if full < 0 {
			divide(left, open)
			return nil
		}
		left -= open[full].conns
		open = append(open[:full:full], open[full+1:]...)
	}
	problems := []error{fmt.Errorf("%d connections are more than the agents can hold together", conns)}
	for _, p := range places {
		most, bound := capacity(p)
		problems = append(problems, fmt.Errorf("%s: %d, by %s", p.name, most, bound))
	}
	return errors.Join(problems...)
}

func sumWeights(places []*place) (total float64) {
	for _, p := range places {
		total += p.weight
	}
	return total
}

// divide cuts conns in proportion to the weights, to within one connection.
func divide(conns int, places []*place) {
	total, upTo, given := sumWeights(places), 0.0, 0
	for _, p := range places {
		upTo += p.weight
		end := int(math.Round(float64(conns) * upTo / total))
		p.conns, given = end-given, end
	}
}

// chooseProcesses takes what was asked for, or what the files ask for, or as many as an agent's cores are good for.
func (p *place) chooseProcesses(asked, publishers int) {
	if p.processes = asked; asked == 0 {
		byFiles := (p.conns + p.room(publishers) - 1) / max(p.room(publishers), 1)
		p.processes = max(byFiles, min(p.env.UsableCores/p.threads, p.conns/connsPerExtraWorker), 1)
	}
	p.processes = min(p.processes, p.conns, maxProcesses)
}
