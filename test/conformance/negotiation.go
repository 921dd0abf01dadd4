package conformance

import (
	"fmt"
	"strconv"
	"strings"
)

// agreed checks the answer to an offer of permessage-deflate (RFC 7692, section 7.1) and returns what reads the server's
// messages. The answer must fit some element of the offer.
func agreed(offer, answer string) (*inflater, error) {
	got, err := parseParams(answer)
	if err != nil {
		return nil, err
	}
	var last error
	for _, element := range strings.Split(offer, ",") {
		want, err := parseParams(element)
		if err == nil {
			err = fits(want, got)
		}
		if err == nil {
			window := 15
			if v, ok := got["server_max_window_bits"]; ok {
				window, _ = strconv.Atoi(v)
			}
			_, alone := got["server_no_context_takeover"]
			return &inflater{window: 1 << window, takeover: !alone}, nil
		}
		last = err
	}
	return nil, fmt.Errorf("answer %q to offer %q: %w", answer, offer, last)
}

// parseParams reads one element of a list of extensions, which must be permessage-deflate.
func parseParams(element string) (map[string]string, error) {
	name, rest, _ := strings.Cut(element, ";")
	if strings.TrimSpace(name) != "permessage-deflate" {
		return nil, fmt.Errorf("extension %q", name)
	}
	params := map[string]string{}
	for _, p := range strings.Split(rest, ";") {
		if p = strings.TrimSpace(p); p == "" {
			continue
		}
		key, value, _ := strings.Cut(p, "=")
		if _, twice := params[key]; twice {
			return nil, fmt.Errorf("parameter %q twice", key)
		}
		params[key] = value
	}
	return params, nil
}

// fits reports why an answer does not keep to an offer.
func fits(offer, answer map[string]string) error {
	for key, value := range answer {
		bits, _ := strconv.Atoi(value)
		offered, was := offer[key]
		most, _ := strconv.Atoi(offered)
		switch key {
		case "server_no_context_takeover", "client_no_context_takeover":
			if value != "" {
				return fmt.Errorf("%s has the value %q", key, value)
			}
			continue
		case "server_max_window_bits":
		case "client_max_window_bits":
			if !was {
				return fmt.Errorf("%s was not offered", key)
			}
		default:
			return fmt.Errorf("unknown parameter %q", key)
		}
		if bits < 8 || bits > 15 || strconv.Itoa(bits) != value || most != 0 && bits > most {
			return fmt.Errorf("%s=%s", key, value)
		}
	}
	for _, key := range []string{"server_no_context_takeover", "server_max_window_bits"} {
		if _, was := offer[key]; was {
			if _, is := answer[key]; !is {
				return fmt.Errorf("%s was asked for and is not in the answer", key)
			}
		}
	}
	return nil
}
