package reactor_test

import (
	"context"
	"fmt"
	"log"

	"github.com/wsedge/wsedge/reactor"
)

// To all conns of a server: a topic that each joins. Broadcast is safe from any goroutine.
func ExampleTopic_Broadcast() {
	var everyone *reactor.Topic
	s, err := reactor.New(reactor.Config{Addr: "127.0.0.1:0", Handler: reactor.Funcs{
		Open: func(c *reactor.Conn) { _ = c.Subscribe(everyone) },
	}})
	if err != nil {
		log.Fatal(err)
	}
	everyone = s.NewTopic(reactor.TopicOptions{})
	if err := s.Start(); err != nil {
		log.Fatal(err)
	}
	defer s.Shutdown(context.Background())
	ann, bob := connect(s.Addr(), "/"), connect(s.Addr(), "/")
	eventually(func() bool { return everyone.Subscribers() == 2 })

	n, err := everyone.Broadcast(reactor.Text, []byte("good morning"))
	fmt.Println(n, err, ann.hears(), bob.hears())
	ann.Close()
	bob.Close()
	// Output: 2 <nil> good morning good morning
}

// To all but the one who said it.
func ExampleTopic_BroadcastExcept() {
	s := listen(reactor.Config{Handler: reactor.Funcs{
		Open: func(c *reactor.Conn) { _ = c.Subscribe(c.Server().Topic("chat")) },
		Message: func(c *reactor.Conn, op reactor.Opcode, payload []byte) {
			_, _ = c.Server().Topic("chat").BroadcastExcept(c, op, payload)
		},
	}})
	defer s.Shutdown(context.Background())
	ann, bob := connect(s.Addr(), "/"), connect(s.Addr(), "/")
	eventually(func() bool { return s.Topic("chat").Subscribers() == 2 })
	ann.say("from ann")
	fmt.Println(bob.hears())
	bob.say("from bob")
	fmt.Println(ann.hears())
	// Output:
	// from ann
	// from bob
}

// Rooms by name: join, speak, leave. A room that nobody is in is gone by itself.
func ExampleServer_Topic() {
	s := listen(reactor.Config{Handler: reactor.Funcs{
		Message: func(c *reactor.Conn, _ reactor.Opcode, payload []byte) {
			var verb, name string
			fmt.Sscan(string(payload), &verb, &name)
			room := c.Server().Topic(name)
			switch verb {
			case "join":
				_ = c.Subscribe(room)
				_, _ = room.Broadcast(reactor.Text, fmt.Append(nil, room.Subscribers(), " in ", name)) // the joiner hears it, too
			case "leave":
				c.Unsubscribe(room)
				_, _ = room.Broadcast(reactor.Text, fmt.Append(nil, room.Subscribers(), " in ", name))
			}
		},
	}})
	defer s.Shutdown(context.Background())
	ann, bob := connect(s.Addr(), "/"), connect(s.Addr(), "/")
	ann.say("join kitchen")
	fmt.Println(ann.hears())
	bob.say("join kitchen")
	fmt.Println(ann.hears(), "/", bob.hears())
	ann.say("leave kitchen")
	fmt.Println(bob.hears())
	// Output:
	// 1 in kitchen
	// 2 in kitchen / 2 in kitchen
	// 1 in kitchen
}

// Publish is Broadcast with all there is: here a receipt, that says what has become of a publication.
func ExampleTopic_Publish() {
	s := listen(reactor.Config{
		TopicOptions: reactor.TopicOptions{Policy: reactor.KeepLatest}, // who is slow gets the last price alone
		Handler:      reactor.Funcs{Open: func(c *reactor.Conn) { _ = c.Subscribe(c.Server().Topic("price")) }},
	})
	defer s.Shutdown(context.Background())
	price := s.Topic("price")
	b := connect(s.Addr(), "/")
	eventually(func() bool { return price.Subscribers() == 1 })

	receipt := reactor.NewReceipt()
	_, err := price.Publish(reactor.Publication{Encoder: reactor.Message{Op: reactor.Text, Payload: []byte("42")}, Receipt: receipt})
	if err != nil { // reactor.ErrBacklog: too much is on its way; nobody has got it
		log.Fatal(err)
	}
	<-receipt.Done()
	matched, queued, dropped := receipt.Counts()
	fmt.Println(b.hears(), matched, queued, dropped)
	// Output: 42 1 1 0
}
