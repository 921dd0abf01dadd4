package loadtest

import (
	"errors"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// TopicCounts says what topics there were.
type TopicCounts struct {
	Count    int `json:"topics"`
	Largest  int `json:"largest"` // subscribers
	Smallest int `json:"smallest"`
}

// TopicClass is the topics whose number of subscribers lies within a decade: From to To.
type TopicClass struct {
	From        int   `json:"from"`
	To          int   `json:"to"`
	Topics      int   `json:"topics"`
	Subscribers int   `json:"subscribers"` // of all of them, as planned
	Delivered   int64 `json:"delivered"`   // measured deliveries
	P50         int64 `json:"p50_us"`
	P99         int64 `json:"p99_us"`
	Max         int64 `json:"max_us"`
}

// sizeClass is the decade of a number of subscribers: 0 for 1 to 9, 1 for 10 to 99.
func sizeClass(size int) (class int) {
	for ; size >= 10; size /= 10 {
		class++
	}
	return class
}

// newSizeClasses returns the class of each topic and a histogram for each class; both are nil for a single topic.
func newSizeClasses(sizes []int) (classOf []uint8, histograms []*hdrhistogram.Histogram) {
	if len(sizes) < 2 {
		return nil, nil
	}
	classOf = make([]uint8, len(sizes))
	for topic, size := range sizes {
		classOf[topic] = uint8(sizeClass(size))
	}
	histograms = make([]*hdrhistogram.Histogram, sizeClass(sizes[0])+1) // the first is the largest
	for i := range histograms {
		histograms[i] = newHistogram()
	}
	return classOf, histograms
}

// describe is what a report says of the topics.
func (p *topicPlan) describe() TopicCounts {
	return TopicCounts{Count: p.count(), Largest: p.Sizes[0], Smallest: p.Sizes[p.count()-1]}
}

// classes sums up what was measured, by decades of size, smallest first; nil for a single topic.
func (p *topicPlan) classes(histograms []*hdrhistogram.Histogram) []TopicClass {
	var list []TopicClass
	from := 1
	for class, h := range histograms {
		c := TopicClass{From: from, To: 10*from - 1, Delivered: h.TotalCount()}
		from *= 10
		for _, size := range p.Sizes {
			if sizeClass(size) == class {
				c.Topics++
				c.Subscribers += size
			}
		}
		if c.Topics == 0 {
			continue
		}
		if c.Delivered > 0 {
			c.P50, c.P99, c.Max = h.ValueAtQuantile(50), h.ValueAtQuantile(99), h.Max()
		}
		list = append(list, c)
	}
	return list
}

// mergeClasses adds what another loop measured.
func mergeClasses(into *[]*hdrhistogram.Histogram, from []*hdrhistogram.Histogram) {
	for class, h := range from {
		if class == len(*into) {
			*into = append(*into, newHistogram())
		}
		(*into)[class].Merge(h)
	}
}

// encodeClasses and mergeEncodedClasses are the way from a worker to the coordinator.
func encodeClasses(classes []*hdrhistogram.Histogram) ([][]byte, error) {
	var failures []error
	encoded := make([][]byte, len(classes))
	for i, h := range classes {
		var err error
		encoded[i], err = encodeHistogram(h)
		failures = append(failures, err)
	}
	return encoded, errors.Join(failures...)
}

func mergeEncodedClasses(into *[]*hdrhistogram.Histogram, encoded [][]byte) error {
	var failures []error
	for class, e := range encoded {
		if class == len(*into) {
			*into = append(*into, newHistogram())
		}
		failures = append(failures, mergeEncoded((*into)[class], e))
	}
	return errors.Join(failures...)
}
