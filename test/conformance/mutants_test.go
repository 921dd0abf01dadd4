package conformance

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// defect is one thing that a server may do wrong. "" is none.
type defect string

const (
	ignoresRSV1               defect = "ignores RSV1 where nothing was negotiated"
	ignoresRSV2               defect = "ignores RSV2"
	ignoresRSV3               defect = "ignores RSV3"
	acceptsReservedData       defect = "accepts the opcodes 3 to 7"
	acceptsReservedControl    defect = "accepts the opcodes 11 to 15"
	acceptsUnmasked           defect = "accepts unmasked frames"
	acceptsLongLengths        defect = "accepts lengths that are not minimal"
	acceptsFragmentedControl  defect = "accepts fragmented control frames"
	acceptsLongPing           defect = "accepts a ping of 126 bytes"
	acceptsLongClose          defect = "accepts a close frame of 126 bytes"
	acceptsOrphans            defect = "accepts a continuation of nothing"
	acceptsNewMessageInside   defect = "accepts a new message inside a fragmented one"
	refusesEmptyFragments     defect = "refuses empty fragments"
	dropsEmptyMessages        defect = "drops empty messages"
	joinsBackwards            defect = "joins fragments backwards"
	dropsFirstFragment        defect = "keeps the last fragment only"
	failsBeforeEcho           defect = "fails before the echo of earlier messages is out"
	failsWithoutClose         defect = "fails without a close frame"
	calls1007By1002           defect = "fails with 1002 for what is no text"
	calls1002By1007           defect = "fails with 1007 for bad frames"
	checksNoText              defect = "checks no text"
	checksTextByFrame         defect = "checks text when a frame is whole"
	checksTextAtEnd           defect = "checks text when the message is whole"
	forgetsHalfCharacters     defect = "forgets half a character between fragments"
	acceptsHalfCharacters     defect = "accepts half a character at the end"
	acceptsSurrogates         defect = "accepts surrogates"
	acceptsOverlong           defect = "accepts overlong forms"
	acceptsBeyondUnicode      defect = "accepts what is above U+10FFFF"
	refusesNonCharacters      defect = "refuses non-characters"
	ignoresPings              defect = "ignores pings"
	answersPongs              defect = "answers pongs"
	pongsWithoutPayload       defect = "answers pings without their payload"
	pongsHalfPayload          defect = "answers pings with 64 bytes at most"
	pongsBehindMessage        defect = "answers pings behind the message that they interrupt"
	pongsBackwards            defect = "answers the last ping first"
	answersNoClose            defect = "does not answer a close"
	answersCloseTwice         defect = "answers a close twice"
	answersCloseWith1001      defect = "answers a close with a code of its own"
	goesOnAfterClose          defect = "goes on after the close"
	keepsTCP                  defect = "does not end the TCP connection"
	acceptsHalfCodes          defect = "accepts a close frame of one byte"
	acceptsReservedCodes      defect = "accepts the close codes 1004 to 1006"
	acceptsUnknownCodes       defect = "accepts the close codes 1016 to 2999"
	acceptsLowCodes           defect = "accepts close codes below 1000"
	acceptsHighCodes          defect = "accepts close codes from 5000"
	refusesApplicationCodes   defect = "refuses close codes from 3000"
	acceptsBadReasons         defect = "accepts a close reason that is no text"
	masksFrames               defect = "masks its frames"
	usesLongLengths           defect = "writes lengths that are not minimal"
	fragmentsAsMessages       defect = "gives every fragment the opcode of the message"
	echoesAsText              defect = "sends everything back as text"
	truncates                 defect = "truncates messages at 65535 bytes"
	damagesLargeMessages      defect = "damages a bit of large messages"
	setsRSV1                  defect = "sets RSV1 where nothing was negotiated"
	answersWrongKey           defect = "answers another key"
	declinesDeflate           defect = "declines compression"
	ignoresWindowBits         defect = "answers an offer without the window asked for"
	answersUnoffered          defect = "answers with a parameter that was not offered"
	exceedsWindow             defect = "compresses with more than the agreed window"
	takesContextOver          defect = "takes the context over though it has said not to"
	keepsTail                 defect = "leaves the tail of the flush in"
	hidesCompression          defect = "compresses without RSV1"
	checksTextBeforeInflating defect = "checks text before inflating it"
)

// mutants are the defects and the cases that must catch each.
var mutants = []struct {
	defect defect
	by     string
}{
	{ignoresRSV1, "3.4"},
	{ignoresRSV2, "3.2"},
	{ignoresRSV3, "3.1"},
	{acceptsReservedData, "4.1.1 4.1.2 4.1.3 4.1.4 4.1.5"},
	{acceptsReservedControl, "4.2.1 4.2.2 4.2.3 4.2.4 4.2.5"},
	{acceptsUnmasked, "FR-1"},
	{acceptsLongLengths, "FR-2"},
	{acceptsFragmentedControl, "5.1"},
	{acceptsLongPing, "2.5"},
	{acceptsLongClose, "7.3.6"},
	{acceptsOrphans, "5.9 5.10 5.11"},
	{acceptsNewMessageInside, "5.18"},
	{refusesEmptyFragments, "6.1.2 6.1.3"},
	{dropsEmptyMessages, "1.1.1 1.2.1 6.1.1 6.1.2"},
	{joinsBackwards, "5.3 5.4 5.5 5.6 5.19 6.2.2"},
	{dropsFirstFragment, "5.3 5.19 6.1.3"},
	{failsBeforeEcho, "3.2 4.1.3 4.1.4 4.2.3 4.2.4 5.15"},
	{failsWithoutClose, "2.5 3.1 4.1.1 6.3.1 7.3.2"},
	{calls1007By1002, "6.3.1 6.4.1 6.12.1"},
	{calls1002By1007, "2.5 3.1 5.1 7.3.2 7.9.1"},
	{checksNoText, "6.3.1 6.3.2 6.4.1 6.6.1 6.8.1 6.12.1 6.16.1"},
	{checksTextByFrame, "6.4.3 6.4.4"},
	{checksTextAtEnd, "6.4.1 6.4.2 6.4.3 6.4.4"},
	{forgetsHalfCharacters, "6.2.3 6.2.4"},
	{acceptsHalfCharacters, "6.6.1 6.6.3 6.14.6"},
	{acceptsSurrogates, "6.3.1 6.20.1 6.21.1"},
	{acceptsOverlong, "6.17.1 6.18.1 6.19.1"},
	{acceptsBeyondUnicode, "6.4.1 6.11.5"},
	{refusesNonCharacters, "6.9.3 6.22.1 6.22.34"},
	{ignoresPings, "2.1 2.2 2.10 5.6"},
	{answersPongs, "2.7 2.8 2.9"},
	{pongsWithoutPayload, "2.2 2.3 2.4 2.9"},
	{pongsHalfPayload, "2.4 2.6"},
	{pongsBehindMessage, "5.6 5.19 5.20"},
	{pongsBackwards, "2.10"},
	{answersNoClose, "1.1.1 7.1.1 7.3.3"},
	{answersCloseTwice, "1.1.1 7.1.2 7.3.3"},
	{answersCloseWith1001, "1.1.1 7.3.3"},
	{goesOnAfterClose, "7.1.2 7.1.3 7.1.4 7.1.5"},
	{keepsTCP, "1.1.1 7.1.1 7.3.3"},
	{acceptsHalfCodes, "7.3.2"},
	{acceptsReservedCodes, "7.9.3 7.9.4 7.9.5"},
	{acceptsUnknownCodes, "7.9.6 7.9.7 7.9.8 7.9.9"},
	{acceptsLowCodes, "7.9.1 7.9.2"},
	{acceptsHighCodes, "7.13.1 7.13.2"},
	{refusesApplicationCodes, "7.7.10 7.7.13"},
	{acceptsBadReasons, "7.5.1"},
	{masksFrames, "1.1.1 2.1 7.3.3"},
	{usesLongLengths, "1.1.1 2.1"},
	{fragmentsAsMessages, "1.1.6 9.1.1"},
	{echoesAsText, "1.2.1 1.2.2 9.2.1"},
	{truncates, "1.1.7 1.2.7 9.1.1"},
	{damagesLargeMessages, "9.1.2 9.2.2"},
	{setsRSV1, "1.1.1 6.1.1"},
	{answersWrongKey, "1.1.1"},
	{declinesDeflate, "12.1.1 13.7.1"},
	{ignoresWindowBits, "13.3.1 13.4.1 13.5.1"},
	{answersUnoffered, "DF-11"},
	{exceedsWindow, "13.3.10 13.5.10"},
	{takesContextOver, "12.1.3 13.2.3"},
	{keepsTail, "12.1.1 13.1.4"},
	{hidesCompression, "12.1.1 12.2.1"},
	{checksTextBeforeInflating, "12.1.1 12.4.2"},
}

// mutantPatience is for servers that wait for what does not come.
const mutantPatience = 2 * time.Second

// TestMutants: each defect is caught by the cases that are for it.
func TestMutants(t *testing.T) {
	cases := map[string][]Case{}
	for _, c := range slices.Concat(Cases(3), framingRows(), windowOffers()) {
		id, _, _ := strings.Cut(c.ID, "/")
		cases[id] = append(cases[id], c)
	}
	var running sync.WaitGroup
	defer running.Wait()
	for _, m := range mutants {
		target := startReference(t, m.defect)
		target.Patience = mutantPatience
		for _, id := range strings.Fields(m.by) {
			running.Go(func() {
				if !caught(target, cases[id]) {
					t.Errorf("a server that %s is not caught by %s", m.defect, id)
				}
			})
		}
	}
}

// caught reports whether a case, or a row of one id, is not passed.
func caught(target Target, cases []Case) bool {
	return slices.ContainsFunc(cases, func(c Case) bool {
		verdict, _ := c.Run(target, AsIs)
		return verdict != Strict
	})
}

// TestReferencePasses: without a defect every case, and every row that is for a mutant, is passed.
func TestReferencePasses(t *testing.T) {
	results := Run(startReference(t, ""), slices.Concat(Cases(2), framingRows(), windowOffers()), "*", 16, AsIs)
	for _, r := range results {
		if r.Verdict != Strict {
			t.Errorf("%s: %v: %v", r.Case.ID, r.Verdict, r.Err)
		}
	}
}
