package stripe

// hand is what of an operation is written by hand.
type hand struct {
	doc     string
	example string // a JSON object
}

func handmade(name string) (hand, bool) {
	return hand{}, false
}

func handmadeInput(shape, field string) string { return "" }

func inputExample(op, field string) string { return "" }
