package customerio

import (
	"crypto/sha256"
	"time"

	"github.com/oklog/ulid/v2"
)

// eventID returns the ULID by which Customer.io recognises a repeat of an event: its time is the time of the event that
// caused it, its random part is drawn from the idempotency key. Every attempt, and a replay, makes the same one.
func eventID(key string, at time.Time) string {
	var id ulid.ULID
	ms := max(at.UnixMilli(), 0)
	// SetTime and SetEntropy fail for a time after the year 10889 and for entropy that is not of ten bytes.
	if id.SetTime(uint64(ms)) != nil {
		_ = id.SetTime(ulid.MaxTime())
	}
	sum := sha256.Sum256([]byte(key))
	_ = id.SetEntropy(sum[:10])
	return id.String()
}
