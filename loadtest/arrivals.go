package loadtest

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Arrivals is the shape of an open loop: when messages are due, given their mean rate. The zero value is constant.
type Arrivals struct {
	kind  arrivalKind
	burst int           // arriveInBursts: messages at once
	steps []arrivalStep // arriveInSteps
}

type arrivalKind uint8

const (
	arriveConstantly arrivalKind = iota
	arriveAtRandom
	arriveInBursts
	arriveInSteps
)

// arrivalStep is a stretch of constant rate; the last one lasts to the end, whatever its length says.
type arrivalStep struct {
	rate   float64 // per second
	length time.Duration
}

// maxBurst bounds what is due at one time. 65,536 messages of 128 bytes are 8 MiB to be written in one go.
const maxBurst = 1 << 16

// ParseArrivals reads one of
//
//	constant                   evenly spaced
//	poisson                    independent of each other, as from many clients: exponentially distributed gaps
//	burst:N                    N at once, and then nothing until the mean rate is met
//	step:RATE@TIME,…,RATE      constant rates one after the other, the last one to the end: step:100@10s,200@10s,400
//
// The rates of steps are messages per second; they take the place of Config.Rate. An empty text is constant.
func ParseArrivals(text string) (Arrivals, error) {
	name, value, hasValue := strings.Cut(text, ":")
	switch {
	case (name == "" || name == "constant") && !hasValue:
		return Arrivals{}, nil
	case name == "poisson" && !hasValue:
		return Arrivals{kind: arriveAtRandom}, nil
	case name == "burst":
		n, err := strconv.Atoi(value)
		if err != nil || n < 1 || n > maxBurst {
			return Arrivals{}, fmt.Errorf("arrivals %q: want burst:N with N from 1 to %d", text, maxBurst)
		}
		return Arrivals{kind: arriveInBursts, burst: n}, nil
	case name == "step":
		steps, err := parseSteps(value)
		if err != nil {
			return Arrivals{}, fmt.Errorf("arrivals %q: %w", text, err)
		}
		return Arrivals{kind: arriveInSteps, steps: steps}, nil
	}
	return Arrivals{}, fmt.Errorf("arrivals %q: want constant, poisson, burst:N or step:RATE@TIME,…,RATE", text)
}

func parseSteps(list string) ([]arrivalStep, error) {
	var steps []arrivalStep
	items := strings.Split(list, ",")
	for i, item := range items {
		rate, length, hasLength := strings.Cut(item, "@")
		var step arrivalStep
		var err error
		// "not (0 < rate)" refuses NaN as well.
		if step.rate, err = strconv.ParseFloat(rate, 64); err != nil || !(step.rate > 0 && step.rate <= maxRate) {
			return nil, fmt.Errorf("step %d: the rate must be a number above 0 and up to %d, not %q", i+1, int(maxRate), rate)
		}
		last := i == len(items)-1
		switch {
		case !hasLength && !last:
			return nil, fmt.Errorf("step %d: only the last one may be without a time, such as %s@10s", i+1, rate)
		case hasLength:
			if step.length, err = time.ParseDuration(length); err != nil {
				return nil, fmt.Errorf("step %d: %w", i+1, err)
			}
			if step.length <= 0 {
				return nil, errors.New("the time of a step must be longer than nothing")
			}
		}
		steps = append(steps, step)
	}
	return steps, nil
}

// String is what ParseArrivals reads.
func (a Arrivals) String() string {
	switch a.kind {
	case arriveAtRandom:
		return "poisson"
	case arriveInBursts:
		return "burst:" + strconv.Itoa(a.burst)
	case arriveInSteps:
		items := make([]string, len(a.steps))
		for i, s := range a.steps {
			items[i] = strconv.FormatFloat(s.rate, 'g', -1, 64)
			if s.length > 0 {
				items[i] += "@" + s.length.String()
			}
		}
		return "step:" + strings.Join(items, ",")
	default:
		return "constant"
	}
}

// MarshalText and UnmarshalText carry Arrivals to the workers.
func (a Arrivals) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText reads what ParseArrivals does.
func (a *Arrivals) UnmarshalText(text []byte) (err error) {
	*a, err = ParseArrivals(string(text))
	return err
}

// peakRate is the highest rate of all steps; 0 if there are none.
func (a Arrivals) peakRate() (peak float64) {
	for _, s := range a.steps {
		peak = max(peak, s.rate)
	}
	return peak
}
