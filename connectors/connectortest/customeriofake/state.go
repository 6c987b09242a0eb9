package customeriofake

// What tests ask of the fake.

import (
	"maps"
	"slices"
)

// Person returns a copy of the person of that identifier; ok is false where there is none.
func (f *Fake) Person(identifier string) (p Person, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	known, ok := f.people[fold(identifier)]
	if !ok {
		return Person{}, false
	}
	out := *known
	out.Attributes, out.Devices, out.Segments = maps.Clone(known.Attributes), maps.Clone(known.Devices), slices.Clone(known.Segments)
	return out, true
}

// Object returns a copy of an object; key is "type/id", or "cio/id" where it was named by the vendor's id.
func (f *Fake) Object(key string) (o Object, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	known, ok := f.objects[key]
	if !ok {
		return Object{}, false
	}
	return Object{Key: key, Attributes: maps.Clone(known.Attributes), People: maps.Clone(known.People)}, true
}

// Suppressed reports whether the identifier is suppressed.
func (f *Fake) Suppressed(identifier string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.suppressed[fold(identifier)]
}

// People returns how many people there are.
func (f *Fake) People() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.people)
}

// Events returns the events that were accepted, repeats left out.
func (f *Fake) Events() []Event {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.events)
}

// Duplicates returns how many events were ignored because their id was seen before.
func (f *Fake) Duplicates() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.duplicates
}

// Deleted returns the identifiers that were deleted, in order, whether or not they named somebody.
func (f *Fake) Deleted() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.deleted)
}

// Emails returns the e-mails that were accepted, repeats among them.
func (f *Fake) Emails() []Email {
	return slices.DeleteFunc(f.Messages(), func(m Email) bool { return m.Channel != "email" })
}

// Messages returns the transactional messages of every channel that were accepted, repeats among them.
func (f *Fake) Messages() []Email {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.messages)
}

// Broadcasts returns the starts of broadcasts that were accepted.
func (f *Fake) Broadcasts() []Broadcast {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.broadcasts)
}
