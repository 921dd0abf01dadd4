package channel

import "strings"

// PersonalUser returns whose personal channel it is: what stands behind the first # of its name, as in user#42. ok is false for a channel that is
// everybody's. Only that user may subscribe to it; user#, of nobody, is closed to all.
func PersonalUser(name string) (user string, ok bool) {
	_, user, ok = strings.Cut(name, "#")
	return user, ok
}

// Personal is the name of the personal channel to which what is sent to a user goes. It is no ValidName for every user.
func Personal(user string) string { return "user#" + user }
