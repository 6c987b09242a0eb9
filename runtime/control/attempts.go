package control

import (
	"net/netip"
	"sync"
	"time"
)

// attempts bounds how often secrets can be guessed, from one address and from all of them. Each attempt is taken before
// it is looked at, so that many at once don't slip through, and given back where it was right: who has the token is not
// counted, and is let wait only by those who share an address with him.
type attempts struct {
	pace pace

	mu   sync.Mutex
	from map[netip.Prefix]*bucket
	all  bucket
}

// pace is how many attempts may come at once, and how long it takes until there is one more.
type pace struct {
	burst, burstOfAll int
	every, everyOfAll time.Duration
}

var (
	signInPace = pace{burst: 5, every: 12 * time.Second, burstOfAll: 100, everyOfAll: time.Second}
	// A program with an old token asks again and again, and must not lock out the others on its machine.
	tokenPace = pace{burst: 60, every: time.Second, burstOfAll: 600, everyOfAll: 50 * time.Millisecond}
)

// maxAddresses is how many addresses are remembered. Those that have made no attempt for long are forgotten first; what
// does not fit then counts toward all only.
const maxAddresses = 4096

func newAttempts(p pace) *attempts {
	return &attempts{pace: p, from: map[netip.Prefix]*bucket{}}
}

// bucket fills up by one with time, and is emptied by attempts.
type bucket struct {
	used float64
	at   time.Time
}

func (b *bucket) take(now time.Time, burst int, every time.Duration) bool {
	if gone := now.Sub(b.at); gone > 0 {
		b.used = max(0, b.used-float64(gone)/float64(every))
		b.at = now
	}
	if b.used+1 > float64(burst) {
		return false
	}
	b.used++
	return true
}

// network is what counts as one address: whoever has an IPv6 address has 2^64 of them.
func network(a netip.Addr) netip.Prefix {
	bits := 64
	if a.Is4() {
		bits = 32
	}
	p, err := a.Prefix(bits)
	if err != nil { // it is no address
		return netip.Prefix{}
	}
	return p
}

// take reports whether an attempt may be made.
func (a *attempts) take(from netip.Addr, now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if b := a.bucket(from, now); b != nil && !b.take(now, a.pace.burst, a.pace.every) {
		return false
	}
	if !a.all.take(now, a.pace.burstOfAll, a.pace.everyOfAll) {
		a.refund(from)
		return false
	}
	return true
}

// giveBack is for an attempt that was right.
func (a *attempts) giveBack(from netip.Addr) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.refund(from)
	a.all.used = max(0, a.all.used-1)
}

func (a *attempts) refund(from netip.Addr) {
	if b := a.from[network(from)]; b != nil {
		if b.used = max(0, b.used-1); b.used == 0 {
			delete(a.from, network(from))
		}
	}
}

// bucket returns that of an address; nil where there is no room for another.
func (a *attempts) bucket(from netip.Addr, now time.Time) *bucket {
	key := network(from)
	if b := a.from[key]; b != nil {
		return b
	}
	if len(a.from) >= maxAddresses {
		for other, b := range a.from {
			if now.Sub(b.at) > time.Duration(a.pace.burst)*a.pace.every {
				delete(a.from, other)
			}
		}
		if len(a.from) >= maxAddresses {
			return nil
		}
	}
	b := &bucket{at: now}
	a.from[key] = b
	return b
}
