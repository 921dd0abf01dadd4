package presence

import (
	"encoding/binary"
	"encoding/json"
	"hash/fnv"

	"github.com/wsedge/wsedge/internal/hub"
)

// buckets are what channels are spread over by their names, so that where something differs not all of them are told again.
const buckets = 256

// digest is of what one node has told another: of each channel that both have the node's tally, mixed, and summed by exclusive or.
type digest [buckets]uint64

// mask is a set of buckets. nil: all of them.
type mask []uint64

func (m mask) has(bucket int) bool {
	return m == nil || bucket/64 < len(m) && m[bucket/64]>>(bucket%64)&1 == 1
}

// nameHash is the same on all nodes.
func nameHash(name string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name))
	return mix(h.Sum64())
}

func bucketOf(hash uint64) int { return int(hash % buckets) }

// mix is the finalizer of splitmix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014).
func mix(v uint64) uint64 {
	v = (v ^ v>>30) * 0xbf58476d1ce4e5b9
	v = (v ^ v>>27) * 0x94d049bb133111eb
	return v ^ v>>31
}

func (d *digest) add(hash uint64, t hub.Tally) {
	d[bucketOf(hash)] ^= mix(hash + mix(t.Version+mix(uint64(t.Count)+1)))
}

// bytes is the digest for the wire: 2 KiB.
func (d *digest) bytes() []byte {
	b := make([]byte, 0, 8*buckets)
	for _, v := range d {
		b = binary.BigEndian.AppendUint64(b, v)
	}
	return b
}

// differs are the buckets that are others in b, the bytes of another digest; nil where there are none, or b is of another length: that is another version's.
func (d *digest) differs(b []byte) (m mask) {
	if len(b) != 8*buckets {
		return nil
	}
	for i, v := range d {
		if binary.BigEndian.Uint64(b[8*i:]) != v {
			if m == nil {
				m = make(mask, buckets/64)
			}
			m[i/64] |= 1 << (i % 64)
		}
	}
	return m
}

// tellDigests tells each other node what it should know of this one.
func (x *Exchange) tellDigests() {
	told := make(map[string]*digest)
	for _, c := range x.channels() {
		hash := nameHash(c.Name())
		c.EachNode(func(node string, mine, _ hub.Tally) {
			if told[node] == nil {
				told[node] = new(digest)
			}
			told[node].add(hash, mine)
		})
	}
	for _, node := range x.config.Cluster.Nodes() {
		d := told[node.ID]
		if d == nil {
			d = new(digest)
		}
		x.failed(x.config.Cluster.TellOne(node.ID, topicDigest, d.bytes()))
	}
}

// compare has another node tell again what is not known here as it should be. What it told a moment ago, and has not been answered, is among that.
func (x *Exchange) compare(from string, body []byte) {
	var theirs []byte
	if json.Unmarshal(body, &theirs) != nil {
		return
	}
	var known digest
	for _, c := range x.channels() {
		c.EachNode(func(node string, _, theirs hub.Tally) {
			if node == from {
				known.add(nameHash(c.Name()), theirs)
			}
		})
	}
	if m := known.differs(theirs); m != nil {
		x.failed(x.config.Cluster.TellOne(from, topicAgain, m))
	}
}

// wantAgain notes that another node wants channels told again.
func (x *Exchange) wantAgain(_ string, body []byte) {
	var m mask
	if json.Unmarshal(body, &m) == nil {
		x.want(m)
	}
}

// want has channels told again soon.
func (x *Exchange) want(m mask) {
	x.mu.Lock()
	for i := range x.wanted {
		if m == nil {
			x.wanted[i] = ^uint64(0)
		} else if i < len(m) {
			x.wanted[i] |= m[i]
		}
	}
	x.mu.Unlock()
	poke(x.again)
}

// takeWanted are the buckets to be told again; nil where nobody wants any.
func (x *Exchange) takeWanted() (m mask) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, bits := range x.wanted {
		if bits != 0 {
			m = append(mask(nil), x.wanted[:]...)
		}
	}
	x.wanted = [buckets / 64]uint64{}
	return m
}
