package sqlite

import (
	"context"
	"sync"
)

// names numbers the words that repeat from row to row. All of them are in memory: they come from programs and
// connections, and there are not many. The empty word is 0.
type names struct {
	mu   sync.RWMutex
	ids  map[string]int64
	word map[int64]string
}

func loadNames(c *conn) (*names, error) {
	n := &names{ids: map[string]int64{}, word: map[int64]string{}}
	return n, c.query(`SELECT id, name FROM names`, func(s *stmt) error {
		n.add(s.int(0), s.text(1))
		return nil
	})
}

func (n *names) add(id int64, word string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.ids[word], n.word[id] = id, word
}

func (n *names) text(id int64) string {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return n.word[id]
}

// number returns the word's number. A word that is new is committed before anything that uses its number is asked for.
func (s *Store) number(ctx context.Context, word string) (int64, error) {
	if word == "" {
		return 0, nil
	}
	s.names.mu.RLock()
	id, ok := s.names.ids[word]
	s.names.mu.RUnlock()
	if ok {
		return id, nil
	}
	op := &nameOp{word: word}
	if err := s.w.do(ctx, op, len(word)); err != nil {
		return 0, err
	}
	s.names.add(op.id, word)
	return op.id, nil
}

type nameOp struct {
	word string
	id   int64
}

func (o *nameOp) apply(w *writer) error {
	err := w.c.run(`INSERT INTO names (name) VALUES (?) ON CONFLICT DO NOTHING`, o.word)
	if err != nil {
		return err
	}
	o.id, err = w.c.queryInt(`SELECT id FROM names WHERE name = ?`, o.word)
	return err
}

func (*nameOp) kind() opKind { return opOther }

// known returns the word's number if it has one.
func (n *names) known(word string) (int64, bool) {
	if word == "" {
		return 0, true
	}
	n.mu.RLock()
	defer n.mu.RUnlock()
	id, ok := n.ids[word]
	return id, ok
}
