package schedule

// Looking at a list. What was seen is kept as a whole, together with the events that follow from it, in one value; then
// the events are accepted. A crash in between repeats them from that value with the same ids, so that none is lost, none
// doubles, and a change that is taken back meanwhile is still two.

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/lang/schema"
	"github.com/flowrun/flowrun/runtime"
)

// Bounds of a list.
const (
	mostItems = 10_000
	mostBytes = 4 << 20 // of the items, as far as their shape goes
	longestID = 200     // of a key
)

// Poll is a list that is looked at.
type Poll struct {
	Every   time.Duration
	Text    string         // the same for the same list, shape and key: another one begins anew
	Key     []string       // where in an item its key is
	Item    *schema.Object // what is compared of an item
	Capture []string       // changes that fire
	Initial bool           // the first look's items fire as inserted

	// Look fetches the list, as the JSON of each item. It fails with an *connectors.Error.
	Look func(ctx context.Context) ([][]byte, error)
}

// seen is what the store keeps of a list.
type seen struct {
	Text    string                     `json:"text"`
	Look    int                        `json:"look"` // looks that changed something, for the ids of events
	At      time.Time                  `json:"at"`
	Items   map[string]json.RawMessage `json:"items"`
	Pending []change                   `json:"pending,omitempty"` // follow from the last look; may have been accepted
}

type change struct {
	ID      string          `json:"id"`
	At      time.Time       `json:"at"`
	Payload json.RawMessage `json:"payload"`
}

// startLook looks in the background, since whoever answers may be slow.
func (s *Scheduler) startLook(ctx context.Context, e *entry) {
	s.mu.Lock()
	e.busy = true
	s.mu.Unlock()
	s.looking.Go(func() {
		due := s.look(ctx, e)
		s.mu.Lock()
		e.busy, e.due = false, due
		s.mu.Unlock()
		s.wake()
	})
}

// look compares a list with what it was, fires the changes, and returns when to look again.
func (s *Scheduler) look(ctx context.Context, e *entry) time.Time {
	now := s.cfg.Clock.Now()
	was, err := s.recall(ctx, e, now)
	if err != nil {
		s.failed(ctx, e, err)
		return now.Add(afterFault)
	}
	if !e.loaded {
		if err := s.acceptAll(ctx, e, was.Pending, now); err != nil {
			s.failed(ctx, e, err)
			return now.Add(afterFault)
		}
		e.loaded = true
		if due := was.At.Add(e.Poll.Every); was.At.Before(now) && due.After(now) {
			return due // another process has looked not long ago
		}
	}
	raws, err := e.Poll.Look(ctx)
	now = s.cfg.Clock.Now()
	again := now.Add(e.Poll.Every)
	if err != nil {
		s.failed(ctx, e, fmt.Errorf("looking at the list: %w", err))
		if asked := now.Add(connectors.AsError(err).RetryAfter); asked.After(again) {
			again = asked
		}
		return again
	}
	items, err := e.Poll.items(raws)
	if err == nil {
		err = s.compare(ctx, e, was, items, now)
	}
	if err != nil {
		s.failed(ctx, e, err)
	}
	return again
}

// recall reads what was seen; of another list than this one it is nothing.
func (s *Scheduler) recall(ctx context.Context, e *entry, now time.Time) (*seen, error) {
	was := &seen{}
	v, err := s.cfg.Store.State(ctx, stateName(e), now)
	switch {
	case errors.Is(err, runtime.ErrNotFound):
		return was, nil
	case err != nil:
		return nil, fmt.Errorf("reading what was seen: %w", err)
	}
	if err := json.Unmarshal(v.Value, was); err != nil {
		return nil, fmt.Errorf("reading what was seen: %w", err)
	}
	if was.Text != e.Poll.Text {
		return &seen{Look: was.Look, Pending: was.Pending}, nil
	}
	if was.Items == nil {
		was.Items = map[string]json.RawMessage{}
	}
	return was, nil
}

// items returns what the shape names of each item, by key. Where two have one key, the last counts.
func (p *Poll) items(raws [][]byte) (map[string]json.RawMessage, error) {
	if len(raws) > mostItems {
		return nil, fmt.Errorf("the list has %d items, and %d can be compared: narrow it by a query", len(raws), mostItems)
	}
	items, size := make(map[string]json.RawMessage, len(raws)), 0
	for i, raw := range raws {
		if err := schema.CheckJSON(raw, schema.JSONLimits{}); err != nil {
			return nil, fmt.Errorf("reading item %d: %w", i+1, err)
		}
		key := keyText(schema.Lookup(raw, p.Key...))
		if key == "" {
			return nil, fmt.Errorf("item %d has no key at %s", i+1, strings.Join(p.Key, "."))
		}
		v, drift, err := p.Item.Decode(raw, &schema.Paths{All: true})
		if err != nil {
			return nil, fmt.Errorf("reading item %d: %w", i+1, err)
		}
		if len(drift) > 0 {
			return nil, fmt.Errorf("item %d is not of its declared shape: %s", i+1, drift[0])
		}
		known, err := schema.AppendJSON(nil, v)
		if err != nil {
			return nil, fmt.Errorf("reading item %d: %w", i+1, err)
		}
		if size += len(known) + len(key); size > mostBytes {
			return nil, fmt.Errorf("the list is too large to be compared: declare fewer fields of an item, or narrow it by a query")
		}
		items[key] = known
	}
	return items, nil
}

// keyText is a key as text, or "".
func keyText(raw []byte) string {
	text, ok := schema.StringOf(raw)
	if !ok {
		n, whole := schema.Int64Of(raw)
		if !whole {
			return ""
		}
		text = strconv.FormatInt(n, 10)
	}
	if len(text) > longestID {
		return ""
	}
	return text
}

// compare keeps what is seen now, and fires what that changes.
func (s *Scheduler) compare(ctx context.Context, e *entry, was *seen, items map[string]json.RawMessage, now time.Time) error {
	is := &seen{Text: e.Poll.Text, Look: was.Look, At: now, Items: items}
	differs := was.Items == nil
	add := func(kind, key string, item, previous json.RawMessage) error {
		differs = true
		if !slices.Contains(e.Poll.Capture, kind) || was.Items == nil && !e.Poll.Initial {
			return nil
		}
		payload, err := json.Marshal(struct {
			Change   string          `json:"change"`
			Key      string          `json:"key"`
			Item     json.RawMessage `json:"item"`
			Previous json.RawMessage `json:"previous"`
		}{kind, key, item, previous})
		if err != nil {
			return fmt.Errorf("writing the event of %s: %w", kind, err)
		}
		sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%d\x00%s\x00%s\x00%s", e.Type, was.Look+1, kind, key, item))
		is.Pending = append(is.Pending, change{hex.EncodeToString(sum[:20]), now, payload})
		return nil
	}
	for _, key := range sortedKeys(items) {
		before, known := was.Items[key]
		switch {
		case !known:
			if err := add("insert", key, items[key], nil); err != nil {
				return err
			}
		case string(before) != string(items[key]):
			if err := add("update", key, items[key], before); err != nil {
				return err
			}
		}
	}
	for _, key := range sortedKeys(was.Items) {
		if _, still := items[key]; !still {
			if err := add("delete", key, was.Items[key], nil); err != nil {
				return err
			}
		}
	}
	if !differs {
		return nil
	}
	is.Look++
	s.mu.Lock()
	gone := e.gone
	s.mu.Unlock()
	if gone {
		return nil // another program looks now
	}
	if err := s.keepSeen(ctx, e, is, now); err != nil {
		return err
	}
	if len(is.Pending) == 0 {
		return nil
	}
	if err := s.acceptAll(ctx, e, is.Pending, now); err != nil {
		e.loaded = false // they are taken from what is kept
		return err
	}
	is.Pending = nil // the store forgets ids in the end, and must not be asked again then
	return s.keepSeen(ctx, e, is, now)
}

func (s *Scheduler) keepSeen(ctx context.Context, e *entry, is *seen, now time.Time) error {
	raw, err := json.Marshal(is)
	if err == nil {
		err = s.cfg.Store.SetState(ctx, stateName(e), &runtime.StateValue{Value: raw, At: now})
	}
	if err != nil {
		return fmt.Errorf("keeping what was seen: %w", err)
	}
	return nil
}

func sortedKeys(m map[string]json.RawMessage) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func (s *Scheduler) acceptAll(ctx context.Context, e *entry, list []change, now time.Time) error {
	for _, c := range list {
		if err := s.accept(ctx, e, c.ID, c.At, now, c.Payload); err != nil {
			return err
		}
	}
	return nil
}
