package loadtest

import (
	"fmt"
	"time"
)

// Shape is a scenario that is a short name for a list of phases, with what can be said about it. Of the fields, each shape
// takes what it has a use for.
type Shape struct {
	// Name is churn, storm, slow or mixed.
	Name string
	// Rate and Arrivals are the same in all phases.
	Rate     float64
	Arrivals Arrivals
	// Warmup comes first, and is not measured; zero means none. Duration is that of the phase that the shape is named after;
	// of mixed, that of all together.
	Warmup, Duration time.Duration

	Churn       float64
	ChurnRandom bool

	Drop         float64
	DropBy       DropKind
	ReturnAfter  time.Duration
	ReturnRate   float64
	ReturnJitter time.Duration

	Slow    float64
	Trickle int
}

// ShapeNames are the shapes that there are.
func ShapeNames() []string { return []string{"churn", "storm", "slow", "mixed"} }

// Phases is what the shape stands for:
//
//	churn   warmup, churn
//	storm   warmup, before (a third of Duration, no more than 10 s), storm
//	slow    warmup, healthy (the same length as slow), slow
//	mixed   warmup, steady, churn, slow, storm, after: a fifth of Duration each
func (s Shape) Phases() ([]PhasePlan, error) {
	var phases []PhasePlan
	if s.Warmup > 0 {
		phases = append(phases, PhasePlan{Name: "warmup", Duration: s.Warmup, Unmeasured: true})
	}
	plain := func(name string, length time.Duration) PhasePlan { return PhasePlan{Name: name, Duration: length} }
	switch s.Name {
	case "churn":
		phases = append(phases, s.churn(s.Duration))
	case "storm":
		phases = append(phases, plain("before", min(s.Duration/3, 10*time.Second)), s.storm(s.Duration))
	case "slow":
		phases = append(phases, plain("healthy", s.Duration), s.slow(s.Duration))
	case "mixed":
		part := s.Duration / 5
		phases = append(phases, plain("steady", part), s.churn(part), s.slow(part), s.storm(part), plain("after", part))
	default:
		return nil, fmt.Errorf("unknown shape %q", s.Name)
	}
	for i := range phases {
		phases[i].Rate, phases[i].Arrivals = &Ramp{s.Rate, s.Rate}, s.Arrivals
	}
	return phases, nil
}

func (s Shape) churn(length time.Duration) PhasePlan {
	return PhasePlan{Name: "churn", Duration: length, Churn: s.Churn, ChurnRandom: s.ChurnRandom}
}

func (s Shape) storm(length time.Duration) PhasePlan {
	return PhasePlan{
		Name: "storm", Duration: length, Drop: s.Drop, DropBy: s.DropBy,
		ReturnAfter: s.ReturnAfter, ReturnRate: s.ReturnRate, ReturnJitter: s.ReturnJitter,
	}
}

func (s Shape) slow(length time.Duration) PhasePlan {
	return PhasePlan{Name: "slow", Duration: length, Slow: s.Slow, Trickle: s.Trickle}
}
