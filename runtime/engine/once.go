package engine

// A process that dies leaves unknown every AtMostOnce call whose answer it had not written down. So few of them are
// under way at a time on one connection; the rest waits without an intent, and is lost to nobody.

// enterOnce waits for a place on the connection. It returns false when draining.
func (e *Engine) enterOnce(connection string) bool {
	e.mu.Lock()
	places := e.once[connection]
	if places == nil {
		places = make(chan struct{}, maxOnce)
		e.once[connection] = places
	}
	e.mu.Unlock()
	select {
	case <-e.stopFeed:
		return false
	default:
	}
	select {
	case places <- struct{}{}:
		return true
	case <-e.stopFeed:
		return false
	}
}

func (e *Engine) leaveOnce(connection string) {
	e.mu.Lock()
	places := e.once[connection]
	e.mu.Unlock()
	<-places
}
