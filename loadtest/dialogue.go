package loadtest

import (
	"errors"
	"fmt"
)

// dialogue is a Protocol compiled, as the subscribers need it. It does not change, and may be shared.
type dialogue struct {
	setup   []setupStep
	waits   bool // a step expects a reply
	answers []reply
	lines   bool
	echo    template
	bare    bool      // an echo is the stamp and nothing else
	recover *recovery // nil where connections do not
}

// setupStep is a step of a setup.
type setupStep struct {
	send            *template // nil for none
	expect, refused *rule     // nil for none
}

// reply is an answer to what asks for one.
type reply struct {
	match *rule
	send  template
}

const splitLines = "newline"

// compile reads the protocol but for its publications. All problems are reported together.
func (p *Protocol) compile() (*dialogue, error) {
	var problems []error
	note := func(path string, err error) {
		if err != nil {
			problems = append(problems, prefixed(path, err))
		}
	}
	d := &dialogue{lines: p.Split == splitLines}
	if p.Split != "" && p.Split != splitLines {
		note("split", fmt.Errorf("want %s or nothing, not %q", splitLines, p.Split))
	}
	var err error
	d.setup, err = compileSteps(p.Setup)
	note("setup", err)
	for _, e := range d.setup {
		d.waits = d.waits || e.expect != nil
	}
	if err == nil {
		d.recover, err = p.compileRecovery(d.setup)
		note("recover", err)
	}
	d.answers, err = compileAnswers(p.Answers)
	note("answers", err)
	if d.bare = p.Echo == ""; !d.bare {
		d.echo, err = compilePayload(p.Echo, variableConn, variableID)
		note("echo", err)
		d.bare = d.echo.only(variablePayload)
	}
	return d, errors.Join(problems...)
}

// compilePayload reads the template of a message that carries the stamp.
func compilePayload(text string, others ...variable) (template, error) {
	t, err := compileTemplate(text, escapeJSON, append(others, variablePayload)...)
	if err == nil && !t.uses(variablePayload) {
		err = errors.New("must have {{payload}}")
	}
	return t, err
}

func compileSteps(steps []SetupStep) ([]setupStep, error) {
	var problems []error
	if len(steps) > maxSteps {
		return nil, fmt.Errorf("%d steps are more than %d", len(steps), maxSteps)
	}
	compiled := make([]setupStep, len(steps))
	for i := range steps {
		var err error
		if compiled[i], err = steps[i].compile(); err != nil {
			problems = append(problems, prefixed(fmt.Sprintf("step %d", i+1), err))
		}
	}
	return compiled, errors.Join(problems...)
}

func (s *SetupStep) compile() (e setupStep, err error) {
	variables := []variable{variableChannel, variableConn, variableID}
	var problems [4]error
	if s.Send != "" {
		send, err := compileTemplate(s.Send, escapeJSON, variables...)
		if e.send = &send; err != nil {
			problems[0] = prefixed("send", err)
		}
	}
	e.expect, problems[1] = compileRule("expect", s.Expect, variables...)
	e.refused, problems[2] = compileRefusal("refused", s.Refused, variables...)
	switch {
	case s.Send == "" && s.Expect == nil:
		problems[3] = errors.New("neither sends nor expects anything")
	case s.Refused != nil && s.Expect == nil:
		problems[3] = errors.New("refused needs an expect: without one no reply is waited for")
	}
	return e, errors.Join(problems[:]...)
}

// compileRule reads an optional rule.
func compileRule(path string, r *Rule, variables ...variable) (*rule, error) {
	if r == nil {
		return nil, nil
	}
	compiled, err := r.compile(variables...)
	if err == nil && compiled.empty() {
		err = errNoCondition
	}
	if err != nil {
		err = prefixed(path, err)
	}
	return compiled, err
}

var errNoCondition = errors.New("a rule needs equals, prefix, contains or json")

func compileRefusal(path string, r *Refusal, variables ...variable) (*rule, error) {
	if r == nil {
		return nil, nil
	}
	compiled, err := r.compile(variables...)
	if err == nil {
		compiled.code = splitPath(r.Code)
		if compiled.empty() {
			err = errNoCondition
		}
	}
	if err != nil {
		err = prefixed(path, err)
	}
	return compiled, err
}

func compileAnswers(answers []Answer) ([]reply, error) {
	var problems []error
	compiled := make([]reply, len(answers))
	for i := range answers {
		a := &answers[i]
		match, err := compileRule("match", &a.Match, variableChannel, variableConn)
		send, sendErr := compileTemplate(a.Send, escapeJSON, variableChannel, variableConn)
		if sendErr == nil && a.Send == "" {
			sendErr = errors.New("nothing to send")
		}
		if sendErr != nil {
			sendErr = prefixed("send", sendErr)
		}
		if err = errors.Join(err, sendErr); err != nil {
			problems = append(problems, prefixed(fmt.Sprintf("answer %d", i+1), err))
		}
		compiled[i] = reply{match, send}
	}
	return compiled, errors.Join(problems...)
}

// answerTo is what a message asks for; nil if it asks for nothing.
func (d *dialogue) answerTo(m *incoming, v *values) *template {
	for i := range d.answers {
		if d.answers[i].match.holds(m, v) {
			return &d.answers[i].send
		}
	}
	return nil
}

// stepVerdict says what a message is to a step that expects a reply.
type stepVerdict uint8

const (
	stepOther stepVerdict = iota // something else
	stepDone
	stepRefused
)

// judge looks at a message while the step waits.
func (e *setupStep) judge(m *incoming, v *values) stepVerdict {
	switch {
	case e.refused != nil && e.refused.holds(m, v):
		return stepRefused
	case e.expect.holds(m, v):
		return stepDone
	}
	return stepOther
}

// refusal is the failure of a setup whose step was refused.
func (e *setupStep) refusal(m *incoming) failure {
	code := e.refused.codeOf(m)
	return failure{failedSubscription, code, "subscribe refused: " + code}
}
