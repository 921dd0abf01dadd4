package metrics

import (
	"strconv"

	"github.com/wsedge/wsedge/internal/api"
)

// AppendAPI appends the API's requests.
func AppendAPI(dst []byte, methods []api.MethodStats) []byte {
	e := exposition{dst}
	e.head("wsedge_api_requests_total", "counter", "Requests to the API, by its method and the class of the answer's status. A batch counts once.")
	for _, m := range methods {
		for class, count := range m.Answered {
			if count > 0 || class == 2 {
				e.text = append(e.text, `wsedge_api_requests_total{method="`+m.Method+`",code="`+strconv.Itoa(class)+`xx"} `+strconv.FormatInt(count, 10)+"\n"...)
			}
		}
	}
	e.head("wsedge_api_request_duration_seconds", "histogram", "How long requests to the API took, from their head to the end of the answer.")
	for _, m := range methods {
		e.buckets("wsedge_api_request_duration_seconds", `method="`+m.Method+`"`, m.Took.Bounds, m.Took.Counts, m.Took.Sum)
	}
	return e.text
}
