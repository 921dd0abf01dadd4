package native

// NumVerbs is one more than the last Verb: the length of a table by verb.
const NumVerbs = Refresh + 1

var verbNames = func() (names [NumVerbs]string) {
	names[0] = "invalid"
	for name, verb := range verbs {
		names[verb] = name
	}
	return names
}()

// String is the verb as a command's type has it; "invalid" for that of a command with a mistake.
func (v Verb) String() string { return verbNames[v] }
