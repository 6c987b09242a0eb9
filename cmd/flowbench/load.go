package main

// The load generator speaks HTTP/1.1 over plain connections: it must cost little beside what it measures, since both
// share the machine. Every request is a charge.failed event of about 3 KB with an id of its own (time-ordered, as
// Stripe's are) and a signature of its own.

import (
	"bufio"
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// load is a series of events to send.
type load struct {
	addr   string // host:port
	secret string
	conns  int
	n      int                                                     // how many in all
	rate   float64                                                 // per second; 0 for as fast as it goes
	amount int64                                                   // of every charge
	series int64                                                   // makes the ids of two loads differ
	onSend func(id string, at time.Time)                           // at is when it was due
	write  func(b *bytes.Buffer, i int64, id string, at time.Time) // writes another event than a failed charge; may be nil
}

type loadResult struct {
	accepted int64
	refused  int64
	took     time.Duration
	latency  []time.Duration // of each answer, from when it was due
}

func (l *load) run(ctx context.Context) (*loadResult, error) {
	var next atomic.Int64
	res := &loadResult{}
	perConn := make([][]time.Duration, l.conns)
	errs := make([]error, l.conns)
	var wg sync.WaitGroup
	start := time.Now()
	for c := range l.conns {
		wg.Go(func() {
			perConn[c], errs[c] = l.send(ctx, start, &next, res)
		})
	}
	wg.Wait()
	res.took = time.Since(start)
	for _, ds := range perConn {
		res.latency = append(res.latency, ds...)
	}
	return res, errors.Join(errs...)
}

// send takes numbers from next and sends their events over one connection.
func (l *load) send(ctx context.Context, start time.Time, next *atomic.Int64, res *loadResult) ([]time.Duration, error) {
	conn, err := net.Dial("tcp", l.addr)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	r := bufio.NewReaderSize(conn, 4096)
	mac := hmac.New(sha256.New, []byte(l.secret))
	var body, req bytes.Buffer
	var latency []time.Duration
	for {
		i := next.Add(1) - 1
		if i >= int64(l.n) {
			return latency, nil
		}
		due := time.Now()
		if l.rate > 0 {
			due = start.Add(time.Duration(float64(i) / l.rate * float64(time.Second)))
			if d := time.Until(due); d > 0 {
				time.Sleep(d)
			}
		}
		id := eventID(l.series, i)
		body.Reset()
		if l.write != nil {
			l.write(&body, i, id, due)
		} else {
			writeEvent(&body, id, due, l.amount)
		}
		t := strconv.FormatInt(time.Now().Unix(), 10)
		mac.Reset()
		io.WriteString(mac, t)
		mac.Write([]byte{'.'})
		mac.Write(body.Bytes())
		req.Reset()
		req.WriteString("POST /webhooks/stripe HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ")
		req.WriteString(strconv.Itoa(body.Len()))
		req.WriteString("\r\nStripe-Signature: t=")
		req.WriteString(t)
		req.WriteString(",v1=")
		req.WriteString(hex.EncodeToString(mac.Sum(nil)))
		req.WriteString("\r\n\r\n")
		req.Write(body.Bytes())
		if l.onSend != nil {
			l.onSend(id, due)
		}
		if _, err := conn.Write(req.Bytes()); err != nil {
			return latency, err
		}
		status, err := readAnswer(r)
		if err != nil {
			return latency, err
		}
		latency = append(latency, time.Since(due))
		if status == 200 {
			atomic.AddInt64(&res.accepted, 1)
		} else {
			atomic.AddInt64(&res.refused, 1)
		}
	}
}

// readAnswer reads one answer with a Content-Length and returns its status.
func readAnswer(r *bufio.Reader) (int, error) {
	line, err := r.ReadSlice('\n')
	if err != nil {
		return 0, err
	}
	if len(line) < 12 {
		return 0, fmt.Errorf("unexpected answer %q", line)
	}
	status, err := strconv.Atoi(string(line[9:12]))
	if err != nil {
		return 0, fmt.Errorf("unexpected answer %q", line)
	}
	length := 0
	for {
		line, err = r.ReadSlice('\n')
		if err != nil {
			return 0, err
		}
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			break
		}
		if k, v, ok := bytes.Cut(line, []byte(":")); ok && bytes.EqualFold(k, []byte("content-length")) {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(v))); err != nil {
				return 0, err
			}
		}
	}
	_, err = r.Discard(length)
	return status, err
}

// eventID returns an id that grows with i, as Stripe's grow with time.
func eventID(series, i int64) string { return fmt.Sprintf("evt_1P%08x%010d", series&0xffffffff, i) }

// writeEvent writes a failed charge as Stripe renders it.
func writeEvent(b *bytes.Buffer, id string, at time.Time, amount int64) {
	fmt.Fprintf(b, chargeFailed, id, at.Unix(), id[4:], amount, at.Unix())
}
