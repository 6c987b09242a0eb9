package customerio

// With batch = true a connection sends the changes of many runs in one request. Each call waits for its own answer: the
// vendor names the items of a batch that it refused and takes the others. Nothing runs in the background: the first
// call of a batch starts its clock, the batch has a goroutine while it is under way, and when nobody waits any more the
// request is given up. Fewer requests are the gain: against the vendor's limit, and in connections and processor time.

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/lang/schema"
)

const (
	maxBatch      = 500_000 // bytes of a batch with what stands around its items
	maxBatchItems = 500     // the vendor names no number; answers that name items stay small by this one

	// linger is how long the first call of a batch waits for others. It is little beside a round trip to the vendor.
	linger = 5 * time.Millisecond // 200 requests a second, beside those of batches that are full
)

// batcher collects the changes of one connection.
type batcher struct {
	settings *settings
	linger   time.Duration // how long the first call of a batch waits for others

	mu      sync.Mutex
	waiting []*batched
	size    int // bytes of the items that wait, each with a comma
	round   int // counts the batches, so that a clock knows whether its own has left
}

// batched is a call that waits to be sent or to be answered.
type batched struct {
	call *connectors.Call
	ctx  context.Context
	item []byte
	done chan outcome // takes one
	trip *trip        // nil until it is sent; the batcher's mu
	gone bool         // nobody waits any more; the batcher's mu
}

type outcome struct {
	res connectors.Result
	err *connectors.Error
}

// trip is a request that is under way.
type trip struct {
	left   int // how many calls wait for it; the batcher's mu
	cancel context.CancelFunc
}

var _ connectors.Batcher = (*batcher)(nil)

// Batches implements connectors.Batcher: what changes people and objects travels together, and linger keeps the requests
// below the vendor's limit.
func (b *batcher) Batches(a *connectors.Action) bool {
	_, ok := a.Call.(*change)
	return ok
}

// keep makes the batcher of a connection that wants one.
func (s *settings) keep(c *connectors.Conn) any {
	if c.Setting(s.batch.Name) != "true" {
		return nil
	}
	return &batcher{settings: s, linger: linger}
}

// call sends the item with others and returns its own answer.
func (b *batcher) call(ctx context.Context, c *connectors.Call, item []byte) (connectors.Result, error) {
	if err := ctx.Err(); err != nil {
		return connectors.Result{}, notSent(err)
	}
	w := &batched{call: c, ctx: ctx, item: item, done: make(chan outcome, 1)}
	b.add(w)
	select {
	case out := <-w.done:
		return out.result()
	case <-ctx.Done():
	}
	if !b.leave(w) {
		return connectors.Result{}, notSent(ctx.Err())
	}
	select {
	case out := <-w.done: // it came at the same moment
		return out.result()
	default:
	}
	e := connectors.NetworkError(ctx.Err())
	e.NotSent = false
	return connectors.Result{}, e
}

func (o outcome) result() (connectors.Result, error) {
	if o.err != nil {
		return o.res, o.err
	}
	return o.res, nil
}

func notSent(err error) *connectors.Error {
	e := connectors.NetworkError(err)
	e.NotSent = true
	return e
}

// add has w wait for the next batch, and sends the batch where it is full.
func (b *batcher) add(w *batched) {
	b.mu.Lock()
	defer b.mu.Unlock()
	const around = len(`{"batch":[]}`)
	if len(b.waiting) > 0 && around+b.size+len(w.item) > maxBatch {
		b.depart()
	}
	b.waiting = append(b.waiting, w)
	b.size += len(w.item) + 1
	if len(b.waiting) >= maxBatchItems {
		b.depart()
		return
	}
	if len(b.waiting) == 1 {
		round := b.round
		time.AfterFunc(b.linger, func() {
			b.mu.Lock()
			defer b.mu.Unlock()
			if b.round == round {
				b.depart()
			}
		})
	}
}

// depart sends what waits. The caller holds mu.
func (b *batcher) depart() {
	waiting := b.waiting
	b.waiting, b.size = nil, 0
	b.round++
	if len(waiting) > 0 {
		b.start(waiting)
	}
}

// start sends the calls on a trip of their own. The caller holds mu.
func (b *batcher) start(calls []*batched) {
	// The request belongs to none of its calls: it goes on while one of them waits.
	ctx, cancel := context.WithCancel(context.WithoutCancel(calls[0].ctx))
	t := &trip{left: len(calls), cancel: cancel}
	for _, w := range calls {
		w.trip = t
	}
	go b.send(ctx, t, calls)
}

// leave takes w, whose caller waits no more, out of its batch. It reports whether the batch is under way.
func (b *batcher) leave(w *batched) (sent bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	w.gone = true
	if w.trip != nil {
		if w.trip.left--; w.trip.left == 0 {
			w.trip.cancel()
		}
		return true
	}
	for i, other := range b.waiting {
		if other == w {
			b.waiting = append(b.waiting[:i:i], b.waiting[i+1:]...)
			b.size -= len(w.item) + 1
			break
		}
	}
	if len(b.waiting) == 0 {
		b.round++ // the clock that runs is not that of the next batch
	}
	return false
}

// send makes the request and gives each call its answer.
func (b *batcher) send(ctx context.Context, t *trip, calls []*batched) {
	defer t.cancel()
	own := *calls[0].call
	own.Action = &connectors.Action{Action: schema.Action{Out: batchAnswer()}}
	res, err := b.settings.trackCall(&connectors.HTTP{Method: http.MethodPost, Path: "/api/v2/batch",
		Body: func(dst []byte, _ *connectors.Call) ([]byte, error) { return joined(dst, calls), nil }}).Call(ctx, &own)
	if err != nil && res.Status != http.StatusOK { // at 200 all were taken, whatever else it says
		e := connectors.AsError(err)
		if e.Kind == connectors.KindRefused && len(calls) > 1 && b.halve(calls) {
			return
		}
		for _, w := range calls {
			each := *e
			w.done <- outcome{res, &each}
		}
		return
	}
	refused, unclear := refusals(res, len(calls))
	for i, w := range calls {
		out := outcome{res: connectors.Result{Status: res.Status}, err: refused[i]}
		if unclear != nil && out.err == nil {
			each := *unclear
			out.err = &each
		}
		w.done <- out
	}
}

// halve sends the two halves of a batch that was refused as a whole, since its refusal tells nothing of its items and
// one that can't be read must not take the others with it. Nothing of it was taken, so that this repeats nothing. It
// reports whether anybody waits.
func (b *batcher) halve(calls []*batched) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	var stay []*batched
	for _, w := range calls {
		if !w.gone {
			stay = append(stay, w)
		}
	}
	if len(stay) == 0 {
		return false
	}
	half := (len(stay) + 1) / 2
	b.start(stay[:half])
	if half < len(stay) {
		b.start(stay[half:])
	}
	return true
}

func joined(dst []byte, calls []*batched) []byte {
	dst = append(dst, `{"batch":[`...)
	for i, w := range calls {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, w.item...)
	}
	return append(dst, "]}"...)
}

// batchAnswer is what the vendor answers a batch of which it refused a part.
func batchAnswer() *schema.Object {
	return schema.NewObject("batch answer", schema.Field{Name: "errors", Nullable: true, Type: schema.ObjectType(schema.NewObject("batch error",
		schema.Field{Name: "batch_index", Type: integerType(), Required: true},
		schema.Field{Name: "reason", Type: textType(), Nullable: true},
		schema.Field{Name: "field", Type: textType(), Nullable: true},
		schema.Field{Name: "message", Type: textType(), Nullable: true},
	)).ListOf()})
}

// refusals returns the items that were refused, by their place, and a failure for all others where the answer does not
// say which they are.
func refusals(res connectors.Result, n int) (map[int]*connectors.Error, *connectors.Error) {
	if res.Status == http.StatusOK {
		return nil, nil
	}
	out := map[int]*connectors.Error{}
	unclear := &connectors.Error{Kind: connectors.KindDrift, Status: res.Status,
		Message: "the answer to a batch does not say which calls were refused"}
	list := res.Output.GetAttr("errors")
	if list.IsNull() {
		if res.Status == http.StatusMultiStatus {
			return out, unclear
		}
		return out, nil
	}
	for _, v := range list.AsValueSlice() {
		i, ok := int64(0), false
		if !v.IsNull() {
			i, ok = wholeOf(v.GetAttr("batch_index"))
		}
		if !ok || i < 0 || i >= int64(n) {
			return out, unclear
		}
		if out[int(i)] == nil {
			out[int(i)] = &connectors.Error{Kind: connectors.KindRefused, Status: res.Status, Code: oneLine(textOf(v, "reason")), Message: refusal(v)}
		}
	}
	return out, nil
}

func wholeOf(v cty.Value) (int64, bool) {
	if v.IsNull() || v.Type() != cty.Number {
		return 0, false
	}
	n, accuracy := v.AsBigFloat().Int64()
	return n, accuracy == 0
}

func refusal(v cty.Value) string {
	text := oneLine(textOf(v, "message"))
	if text == "" {
		text = oneLine(textOf(v, "reason"))
	}
	if text == "" {
		text = "refused"
	}
	if field := oneLine(textOf(v, "field")); field != "" {
		text = fmt.Sprintf("%s (at %s)", text, field)
	}
	return text
}

// oneLine makes a foreign text fit for a message.
func oneLine(text string) string {
	const most = 300
	text = strings.Join(strings.Fields(text), " ")
	if r := []rune(text); len(r) > most {
		text = string(r[:most]) + "…"
	}
	return text
}
