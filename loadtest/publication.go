package loadtest

// PublicationCounts says what became of the publications.
type PublicationCounts struct {
	// Scheduled is the sum of Acknowledged, Refused, Unknown, Failed and Unsent.
	Scheduled uint64 `json:"scheduled"`
	// Acknowledged were taken by the server, as far as its protocol tells: see config.acknowledged_by.
	Acknowledged uint64 `json:"acknowledged"`
	// Refused were answered with another status than 2xx, or as the protocol says no, and must not arrive.
	Refused uint64 `json:"refused"`
	// Unknown were sent, but no answer came: they may arrive or not.
	Unknown uint64 `json:"unknown"`
	// Failed could not be sent.
	Failed uint64 `json:"failed"`
	// Unsent were still waiting for an earlier one's answer when the run ended.
	Unsent uint64 `json:"unsent"`
	// Late were sent more than 1 ms after the intended time though nothing was in the way: the generator's fault.
	Late uint64 `json:"late"`
	// Held were sent late because the answer to an earlier one was.
	Held uint64 `json:"held"`
	// Reconnects counts publishers' connections that had ended and were opened again.
	Reconnects uint64 `json:"reconnects"`
	// Causes tells of Refused, Unknown and Failed.
	Causes map[string]uint64 `json:"causes"`
	// Errors are the same for machines.
	Errors ErrorCounts `json:"errors"`
}

func (c *PublicationCounts) note(f failure) {
	countCause(c.Causes, f.text, 1)
	c.Errors.count(f, 1)
}
