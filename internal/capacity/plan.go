package capacity

import (
	"math"
	"time"
)

// Plan is what a demand needs.
type Plan struct {
	Demand  Demand  `json:"demand"`
	Machine Machine `json:"machine"`
	// Nodes is how many machines, Spare ones included, and Decides what asks for the most.
	Nodes   int64  `json:"nodes"`
	Decides string `json:"decides"`
	Needs   []Need `json:"needs"`

	Deliveries float64 `json:"deliveries"` // a second, in all
	Largest    float64 `json:"largest"`    // subscribers of the most popular channel

	// Of one node when Spare ones are away.
	Conns       int64         `json:"node_conns"`
	CPU         float64       `json:"node_cpu"`     // cores, on the average
	Memory      int64         `json:"node_memory"`  // bytes
	Network     float64       `json:"node_network"` // bytes a second to clients
	Heard       float64       `json:"node_heard"`   // publications a second that the engine sends it
	Workers     int64         `json:"node_workers"` // processes, because of the files that one may have open
	Last        time.Duration `json:"last_ns"`      // from a publication to the last receiver of the most popular channel, if nothing else is to be done
	Back        time.Duration `json:"back_ns"`      // how long the others take to serve a dead node's connections again
	Log         int64         `json:"node_log"`     // bytes of history, on disk
	Interesting float64       `json:"interesting"`  // nodes that a publication goes to, on the average
	// Warnings is what no number of nodes helps against.
	Warnings []string `json:"warnings,omitempty"`
}

// Need is how many machines one of the resources asks for, Spare ones not counted.
type Need struct {
	What  string `json:"what"`
	Nodes int64  `json:"nodes"`
}

// mostNodes is where searching ends: the nodes say once a second to all others that they live.
const mostNodes = 1000

// For is what a demand needs. Check must have been content with it.
func For(d Demand, m Machine) Plan {
	s := spreadOf(&d)
	p := Plan{Demand: d, Machine: m, Deliveries: s.deliveries, Largest: s.largest()}
	p.Needs = needs(&d, &m, s)
	for _, need := range p.Needs {
		if need.Nodes > p.Nodes {
			p.Nodes, p.Decides = need.Nodes, need.What
		}
	}
	if p.Nodes > mostNodes {
		p.Warnings = append(p.Warnings, "No number of such machines up to 1,000 is enough: "+p.Decides+". Take larger ones, fewer or smaller publications, or split the load into deployments.")
		p.Nodes = mostNodes
	}
	working := p.Nodes
	if working == 1 && m.Spare > 0 {
		p.Decides = "that some may be away"
	}
	p.Nodes += m.Spare
	if d.Replicas > 1 && p.Nodes < d.Replicas {
		p.Nodes, p.Decides = d.Replicas, "replicas"
		working = max(working, p.Nodes-m.Spare)
	}
	p.fill(loadOf(&d, &m, s, working), s, working)
	return p
}

// needs are the smallest numbers of nodes that are enough; mostNodes+1 where none is.
func needs(d *Demand, m *Machine, s *spread) []Need {
	resources := []struct {
		what string
		fits func(*load) bool
	}{
		{"CPU", func(l *load) bool { return l.cpu <= m.CPUs*m.Busy }},
		{"memory", func(l *load) bool { return l.memory <= float64(m.Memory) }},
		{"network", func(l *load) bool { return l.network <= m.Network*m.Busy }},
		{"time to be back", func(l *load) bool { return l.back <= d.Back.Seconds() }},
	}
	needs := make([]Need, len(resources))
	for i, r := range resources {
		needs[i] = Need{r.what, mostNodes + 1}
	}
	for n, open := int64(1), len(resources); n <= mostNodes && open > 0; n++ {
		l := loadOf(d, m, s, n)
		for i, r := range resources {
			if needs[i].Nodes > mostNodes && r.fits(l) {
				needs[i].Nodes = n
				open--
			}
		}
	}
	return needs
}

// load is what one of n nodes has to do.
type load struct {
	conns, cpu, memory, network, heard, back float64
	delivery                                 float64 // seconds for one
}

func loadOf(d *Demand, m *Machine, s *spread, n int64) *load {
	nodes, secure := float64(n), costs[d.Secure]
	l := &load{conns: math.Ceil(float64(d.Conns) / nodes)}
	// From few to many connections a delivery gets dearer.
	part := min(max((l.conns-few)/(many-few), 0), 1)
	l.delivery = (deliverySeconds + part*(manySeconds-deliverySeconds) + byteSeconds*max(float64(d.Bytes)-128, 0)) * secure.deliveryFactor
	deliveries := s.deliveries / nodes
	l.cpu = deliveries*l.delivery + l.conns*idleSeconds + d.Rate/nodes*publishSeconds
	if n > 1 {
		l.heard = s.heard(n) / nodes
		l.cpu += l.heard*heardSeconds + d.Rate*float64(d.Replicas)*storeSeconds/nodes
	}
	l.memory = l.conns*float64(m.ConnBytes) + float64(m.NodeBytes)
	l.network = deliveries * (float64(d.Bytes) + envelopeBytes + headerBytes + secure.recordBytes)
	// Those of one that has died come to the others, who go on with what they have to do meanwhile.
	if free := m.CPUs - l.cpu; free > 0 {
		comes := l.conns
		if n > 1 {
			comes = l.conns / (nodes - 1)
		}
		l.back = comes * secure.handshakeSeconds / free
	} else {
		l.back = math.Inf(1)
	}
	return l
}

// reserve is how many files a process keeps for everything but its connections.
func reserve(files int64) int64 { return min(512, files/4) }

func (p *Plan) fill(l *load, s *spread, working int64) {
	d, m := &p.Demand, &p.Machine
	p.Conns, p.CPU, p.Memory, p.Network, p.Heard = int64(l.conns), l.cpu, int64(l.memory), l.network, l.heard
	p.Workers = int64(math.Ceil(l.conns / float64(m.Files-reserve(m.Files))))
	p.Last = seconds(p.Largest / float64(working) * l.delivery / math.Max(m.CPUs, 1))
	p.Back = seconds(l.back)
	p.Log = int64(float64(d.Channels*d.History*d.Replicas) * float64(d.Bytes+headerBytes*2) / float64(p.Nodes))
	if d.Rate > 0 {
		p.Interesting = s.heard(working) / d.Rate
	}
	if p.Nodes > 1 && d.Rate > streamRate {
		p.Warnings = append(p.Warnings, "One stream takes some 25,000 publications a second: spread the channels over namespaces, each of which has one.")
	}
	if p.CPU >= m.CPUs {
		p.Warnings = append(p.Warnings, "The machines are busy all of the time: publications wait.")
	}
	if p.Nodes == 1 && m.Spare == 0 {
		p.Warnings = append(p.Warnings, "Nobody takes the place of the only machine.")
	}
}

func seconds(s float64) time.Duration {
	if s > (100 * 24 * time.Hour).Seconds() {
		return 100 * 24 * time.Hour
	}
	return time.Duration(s * float64(time.Second))
}
