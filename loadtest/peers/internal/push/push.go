package push

import (
	"crypto/tls"
	"encoding/json"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"syscall"
)

// maxBody is the largest publication, in bytes: wsload's largest, and room for the envelope.
const maxBody = 1<<20 + 1024

// Subscribed answers a subscribe message.
var Subscribed = []byte(`{"type":"subscribed","id":1,"channel":"load"}`)

// Envelope is a publication as wsedge's native dialect sends it. data is JSON.
func Envelope(data []byte, offset uint64) []byte {
	message := make([]byte, 0, len(data)+80)
	message = append(message, `{"type":"message","channel":"load","data":`...)
	message = append(message, data...)
	message = append(message, `,"offset":`...)
	message = strconv.AppendUint(message, offset, 10)
	return append(message, '}')
}

// Handler serves POST /api/publish with the body {"channel":…,"data":…}, and upgrade at every other path. It answers as soon
// as publish returns, which retains data.
func Handler(upgrade http.Handler, publish func(data []byte)) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/publish", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		var publication struct{ Data json.RawMessage }
		if err == nil {
			err = json.Unmarshal(body, &publication)
		}
		if err != nil || publication.Data == nil {
			http.Error(w, "want a JSON object with data", http.StatusBadRequest)
			return
		}
		publish(publication.Data)
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"ok":true}`)
	})
	if upgrade != nil {
		mux.Handle("/", upgrade)
	}
	return mux
}

// Serve serves HTTP on addr until the process is told to end.
func Serve(addr string, handler http.Handler) {
	ServeTLS(addr, "", "", handler)
}

// ServeTLS is Serve over crypto/tls with a certificate and its key in files; without them it is plain.
func ServeTLS(addr, cert, key string, handler http.Handler) {
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		log.Fatal(err)
	}
	log.Printf("listening %s", listener.Addr())
	server := http.Server{Handler: handler}
	go func() {
		if cert == "" {
			log.Fatal(server.Serve(listener))
		}
		// HTTP/2 has no Upgrade.
		server.TLSNextProto = map[string]func(*http.Server, *tls.Conn, http.Handler){}
		log.Fatal(server.ServeTLS(listener, cert, key))
	}()
	Wait()
}

// Wait returns when the process is told to end.
func Wait() {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	<-stop
}
