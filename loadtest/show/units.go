package show

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/wsedge/wsedge/loadtest"
)

// thousands writes a whole number with a comma between each three digits.
func thousands[N int | int64 | uint64](n N) string {
	digits := strconv.FormatInt(int64(n), 10)
	sign := ""
	if digits[0] == '-' {
		sign, digits = "-", digits[1:]
	}
	var out strings.Builder
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			out.WriteByte(',')
		}
		out.WriteRune(d)
	}
	return sign + out.String()
}

// scaled is a number with three digits at most, and the letter for its power of a thousand.
func scaled(v float64) (number, letter string) {
	for _, unit := range []struct {
		size   float64
		letter string
	}{{1e9, "G"}, {1e6, "M"}, {1e3, "k"}} {
		if math.Abs(v) >= 0.9995*unit.size {
			return fmt.Sprintf("%.3g", v/unit.size), unit.letter
		}
	}
	return fmt.Sprintf("%.3g", v), ""
}

func amount(v float64) string {
	number, letter := scaled(v)
	return number + letter
}

func bytesOf(v float64) string {
	number, letter := scaled(v)
	return number + " " + letter + "B"
}

// micros writes a time in µs.
func micros(us float64) string { return loadtest.FormatMicros(int64(us)) }

// clock writes a time in s as minutes and seconds where that is shorter.
func clock(secs float64) string {
	whole := int(secs + 0.5)
	switch {
	case whole >= 3600:
		return fmt.Sprintf("%d:%02d:%02d", whole/3600, whole/60%60, whole%60)
	case whole >= 120:
		return fmt.Sprintf("%d:%02d", whole/60, whole%60)
	default:
		return fmt.Sprintf("%.3g s", secs)
	}
}
