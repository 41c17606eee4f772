// A peer of the benchmark: gorilla/websocket, with large buffers and without a copy for each message.
// Usage: gorilla ROW URL CA_FILE COUNT    (see ../../limit.cpp for the rows)
package main

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"os"
	"strconv"
	"time"

	"github.com/gorilla/websocket"
)

type tick struct {
	Version int    `json:"v"`
	Time    string `json:"time"`
	Session string `json:"session"`
	Event   string `json:"event"`
	Reply   string `json:"reply"`
	Data    struct {
		ID   int32 `json:"id"`
		Body any   `json:"body"`
	} `json:"data"`
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func report(count, sum int64) {
	fmt.Fprintf(os.Stderr, "{\"count\":%d,\"sum\":%d}\n", count, sum)
}

// read gives every message to take, in a buffer that is used again, until the server closes.
func read(link *websocket.Conn, take func(kind int, message []byte)) {
	buffer := make([]byte, 1<<17)
	check(link.WriteMessage(websocket.TextMessage, []byte(`{"role":"bench"}`)))
	for {
		kind, reader, err := link.NextReader()
		if websocket.IsCloseError(err, websocket.CloseNormalClosure) {
			return
		}
		check(err)
		size := 0
		for err == nil {
			var got int
			got, err = reader.Read(buffer[size:])
			size += got
		}
		if err != io.EOF {
			log.Fatal(err)
		}
		take(kind, buffer[:size])
	}
}

func receive(link *websocket.Conn) {
	var count, sum int64
	read(link, func(kind int, message []byte) {
		count++
		if kind == websocket.BinaryMessage {
			sum += int64(int32(binary.LittleEndian.Uint32(message)))
		} else {
			sum += int64(len(message))
		}
	})
	report(count, sum)
}

func line(link *websocket.Conn) {
	var count, sum int64
	out := bufio.NewWriterSize(os.Stdout, 1<<16)
	encoder := json.NewEncoder(out)
	read(link, func(_ int, message []byte) {
		event := tick{Version: 1, Session: "bench", Event: "reply", Reply: "tick"}
		event.Time = time.Now().UTC().Format("2006-01-02T15:04:05.000000Z")
		event.Data.ID = int32(binary.LittleEndian.Uint32(message))
		check(json.Unmarshal(message[4:], &event.Data.Body))
		check(encoder.Encode(&event))
		count++
		sum += int64(event.Data.ID)
	})
	check(out.Flush())
	report(count, sum)
}

func send(link *websocket.Conn, count int) {
	command := make([]byte, 5)
	command[4] = 1
	for i := 0; i < count; i++ {
		binary.LittleEndian.PutUint32(command, uint32(i&0xffff))
		check(link.WriteMessage(websocket.BinaryMessage, command))
	}
	for {
		if _, _, err := link.ReadMessage(); err != nil {
			return
		}
	}
}

func echo(link *websocket.Conn) {
	ping := make([]byte, 16)
	ping[0] = 1
	for {
		if link.WriteMessage(websocket.BinaryMessage, ping) != nil {
			return
		}
		if _, _, err := link.ReadMessage(); err != nil {
			return
		}
	}
}

func main() {
	row, url := os.Args[1], os.Args[2]
	count, err := strconv.Atoi(os.Args[4])
	check(err)
	pem, err := os.ReadFile(os.Args[3])
	check(err)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	dialer := websocket.Dialer{TLSClientConfig: &tls.Config{RootCAs: roots}, EnableCompression: row == "deflate"}
	if row == "resumed" {
		dialer.TLSClientConfig.ClientSessionCache = tls.NewLRUClientSessionCache(1)
	}
	if row != "idle" {
		dialer.ReadBufferSize = 1 << 16
		dialer.WriteBufferSize = 1 << 16
	}
	dial := func() *websocket.Conn {
		link, _, err := dialer.Dial(url, nil)
		check(err)
		return link
	}
	switch row {
	case "handshake", "resumed":
		for i := 0; i <= count; i++ {
			link := dial()
			link.ReadMessage()
			link.Close()
		}
	case "idle":
		links := make([]*websocket.Conn, 0, count)
		for i := 0; i < count; i++ {
			link := dial()
			links = append(links, link)
			go link.ReadMessage()
		}
		select {}
	case "receive", "deflate":
		receive(dial())
	case "line":
		line(dial())
	case "send":
		send(dial(), count)
	case "echo":
		echo(dial())
	}
}
