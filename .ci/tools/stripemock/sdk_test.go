package stripemock

// Stripe's own library is the judge of what goes over the wire: the same arguments are given to it, by reflection into
// its parameter structs, and what it sends is compared with what we send.

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	stripego "github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/client"
	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/connectors"
)

// sent is a request as it left.
type sent struct {
	method, path string
	pairs        []string // name=value, sorted, of the query or the body
}

// wire keeps the last request and answers it with something that nearly any code can read.
type wire struct{ last *sent }

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	form := r.URL.RawQuery
	if r.Body != nil {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		if r.Method != http.MethodGet {
			form = string(body)
		}
	}
	w.last = &sent{method: r.Method, path: r.URL.EscapedPath()}
	if !strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/") {
		for pair := range strings.SplitSeq(form, "&") {
			text, err := url.QueryUnescape(pair)
			if err != nil {
				return nil, err
			}
			if text != "" {
				w.last.pairs = append(w.last.pairs, plainNumber(text))
			}
		}
	}
	slices.Sort(w.last.pairs)
	return &http.Response{StatusCode: 200, Header: http.Header{}, Request: r,
		Body: io.NopCloser(strings.NewReader(`{"object":"list","data":[],"has_more":false,"url":"/"}`))}, nil
}

// plainNumber writes a number in one way: the library has four decimal places for some.
func plainNumber(pair string) string {
	name, value, _ := strings.Cut(pair, "=")
	if f, err := strconv.ParseFloat(value, 64); err == nil {
		value = strconv.FormatFloat(f, 'f', -1, 64)
	}
	return name + "=" + value
}

// sdkCall is a method of the library and how to call it so that it goes to one operation.
type sdkCall struct {
	name    string
	method  reflect.Value
	parents []string // fields that stand in the path, besides the method's own strings
}

// do calls the method. fill is given the parameters.
func (c *sdkCall) do(w *wire, fill func(params reflect.Value) error) (*sent, error) {
	t := c.method.Type()
	args := make([]reflect.Value, t.NumIn())
	for i := range args {
		switch in := t.In(i); {
		case in.Kind() == reflect.String:
			args[i] = reflect.ValueOf("own_" + strconv.Itoa(i)).Convert(in)
		case in.Kind() == reflect.Pointer && in.Elem().Kind() == reflect.Struct:
			args[i] = reflect.New(in.Elem())
			for _, name := range c.parents {
				f := args[i].Elem().FieldByName(name)
				f.Set(reflect.New(f.Type().Elem()))
				f.Elem().SetString("parent_" + name)
			}
			if err := fill(args[i].Elem()); err != nil {
				return nil, err
			}
		default:
			return nil, fmt.Errorf("parameter %d is a %s", i, in)
		}
	}
	w.last = nil
	c.method.Call(args)
	if w.last == nil {
		return nil, errors.New("nothing was sent")
	}
	return w.last, nil
}

// narrower are services of the library that are written by hand and say more than they are told: of a list of payment
// sources that it is one of cards.
var narrower = []string{"BankAccounts", "Cards"}

// sdkCalls returns the library's method for each route that it has: "GET /v1/customers/{}".
func sdkCalls(t *testing.T, w *wire) map[string]*sdkCall {
	t.Helper()
	off, none := false, int64(0)
	config := &stripego.BackendConfig{HTTPClient: &http.Client{Transport: w}, EnableTelemetry: &off, MaxNetworkRetries: &none,
		LeveledLogger: &stripego.LeveledLogger{Level: stripego.LevelNull}, URL: stripego.String("http://stripe.test")}
	backend := stripego.GetBackendWithConfig(stripego.APIBackend, config)
	var api client.API
	api.Init("sk_test_123", &stripego.Backends{API: backend, Connect: backend, Uploads: backend})
	calls := map[string]*sdkCall{}
	v := reflect.ValueOf(&api).Elem()
	for i := range v.NumField() {
		service := v.Field(i)
		if service.Kind() != reflect.Pointer || service.IsNil() || slices.Contains(narrower, v.Type().Field(i).Name) {
			continue
		}
		for j := range service.NumMethod() {
			for _, c := range ways(v.Type().Field(i).Name+"."+service.Type().Method(j).Name, service.Method(j)) {
				got, err := c.do(w, func(reflect.Value) error { return nil })
				if err != nil {
					continue
				}
				route := got.method + " " + routeOf(got.path)
				if old := calls[route]; old == nil || takesParams(c) && !takesParams(old) {
					calls[route] = c
				}
			}
		}
	}
	return calls
}

func takesParams(c *sdkCall) bool {
	t := c.method.Type()
	return t.NumIn() > 0 && t.In(t.NumIn()-1).Kind() == reflect.Pointer
}

// ways returns the ways to call a method that may lead to different paths.
func ways(name string, method reflect.Value) []*sdkCall {
	out := []*sdkCall{{name: name, method: method}}
	var parents []string
	for i := range method.Type().NumIn() {
		in := method.Type().In(i)
		if in.Kind() != reflect.Pointer || in.Elem().Kind() != reflect.Struct {
			continue
		}
		for f := range in.Elem().NumField() {
			field := in.Elem().Field(f)
			if field.Tag.Get("form") == "-" && field.Type.Kind() == reflect.Pointer && field.Type.Elem().Kind() == reflect.String {
				parents = append(parents, field.Name)
				out = append(out, &sdkCall{name: name, method: method, parents: []string{field.Name}})
			}
		}
	}
	if len(parents) > 1 {
		out = append(out, &sdkCall{name: name, method: method, parents: parents})
	}
	return out
}

// routeOf replaces what we put into a path.
func routeOf(path string) string {
	parts := strings.Split(path, "/")
	for i, p := range parts {
		if strings.HasPrefix(p, "own_") || strings.HasPrefix(p, "parent_") || strings.HasPrefix(p, "{") {
			parts[i] = "{}"
		}
	}
	return strings.Join(parts, "/")
}

// fill puts a value into a place of the library's structs. It fails where the library has no such place.
func fill(to reflect.Value, v cty.Value) error {
	switch to.Kind() {
	case reflect.Pointer:
		inner := reflect.New(to.Type().Elem())
		if err := fill(inner.Elem(), v); err != nil {
			return err
		}
		to.Set(inner)
		return nil
	case reflect.Struct:
		return fillStruct(to, v)
	case reflect.Slice:
		if v.Type().IsPrimitiveType() || !v.Type().IsTupleType() {
			return fmt.Errorf("no list for %s", to.Type())
		}
		out := reflect.MakeSlice(to.Type(), v.LengthInt(), v.LengthInt())
		for i, elem := range v.AsValueSlice() {
			if err := fill(out.Index(i), elem); err != nil {
				return err
			}
		}
		to.Set(out)
		return nil
	case reflect.Map:
		if !v.Type().IsObjectType() {
			return fmt.Errorf("no map for %s", to.Type())
		}
		out := reflect.MakeMap(to.Type())
		for k, elem := range v.AsValueMap() {
			place := reflect.New(to.Type().Elem()).Elem()
			if err := fill(place, elem); err != nil {
				return err
			}
			out.SetMapIndex(reflect.ValueOf(k), place)
		}
		to.Set(out)
		return nil
	}
	return fillScalar(to, v)
}

func fillScalar(to reflect.Value, v cty.Value) error {
	if !v.Type().IsPrimitiveType() {
		return fmt.Errorf("no scalar for %s", to.Type())
	}
	text, err := connectors.ScalarText(v)
	if err != nil {
		return err
	}
	switch to.Kind() {
	case reflect.String:
		if v.Type() != cty.String {
			return fmt.Errorf("no string for %s", to.Type())
		}
		to.SetString(text)
	case reflect.Bool:
		b, err := strconv.ParseBool(text)
		if err != nil || v.Type() != cty.Bool {
			return fmt.Errorf("no bool for %s", to.Type())
		}
		to.SetBool(b)
	case reflect.Int64:
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return err
		}
		to.SetInt(n)
	case reflect.Float64:
		f, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return err
		}
		to.SetFloat(f)
	default:
		return fmt.Errorf("no place of kind %s", to.Kind())
	}
	return nil
}

func fillStruct(to reflect.Value, v cty.Value) error {
	if !v.Type().IsObjectType() {
		return fmt.Errorf("no object for %s", to.Type())
	}
	for name, elem := range v.AsValueMap() {
		var last error = fmt.Errorf("%s has no %s", to.Type(), name)
		for _, place := range places(to, name) {
			if last = fill(place, elem); last == nil {
				break
			}
		}
		if last != nil {
			return last
		}
	}
	return nil
}

// places returns the fields that are sent by that name: two where one is for a moment and one for a range.
func places(s reflect.Value, name string) []reflect.Value {
	var out []reflect.Value
	for i := range s.NumField() {
		tag, _, _ := strings.Cut(s.Type().Field(i).Tag.Get("form"), ",")
		switch {
		case tag == name:
			out = append(out, s.Field(i))
		case tag == "*" && s.Field(i).Kind() == reflect.Struct:
			out = append(out, places(s.Field(i), name)...)
		}
	}
	return out
}

// TestSameAsTheLibrary compares every call that the library can make, too.
func TestSameAsTheLibrary(t *testing.T) {
	w := &wire{}
	calls := sdkCalls(t, w)
	ourWire := &wire{}
	compared, operationsCompared, beyond := 0, 0, map[string]int{}
	var alone []string
	for _, a := range operations(t) {
		if a.Name == "stripe_file_create" {
			continue // which is no form
		}
		route, names := routeFor(t, a, ourWire)
		c := calls[route]
		if c == nil {
			alone = append(alone, a.Name)
			continue
		}
		if !takesParams(c) {
			alone = append(alone, a.Name)
			continue
		}
		operationsCompared++
		for _, args := range valid(a) {
			rest := arguments{}
			for name, v := range args {
				if !slices.Contains(names, name) {
					rest[name] = v
				}
			}
			theirs, err := c.do(w, func(params reflect.Value) error { return fill(params, cty.ObjectVal(rest)) })
			if err != nil {
				beyond[a.Name]++
				continue
			}
			parts := strings.Split(theirs.path, "/")
			segments := strings.Split(route, "/")
			own := args
			for i, n := 0, 0; i < len(segments); i++ {
				if segments[i] == "{}" {
					own = own.with(names[n], cty.StringVal(parts[i]))
					n++
				}
			}
			// What is answered can't be read and does not matter.
			_, _ = invoke(t, a, own, "http://stripe.test", &http.Client{Transport: ourWire})
			ours := ourWire.last
			compared++
			if ours.method != theirs.method || ours.path != theirs.path || !slices.Equal(ours.pairs, theirs.pairs) {
				t.Errorf("%s, %s:\nours   %s %s %q\ntheirs %s %s %q", a.Name, c.name, ours.method, ours.path, ours.pairs, theirs.method, theirs.path, theirs.pairs)
			}
		}
	}
	total := 0
	for _, n := range beyond {
		total += n
	}
	t.Logf("%d operations and %d calls compared; %d operations and %d forms of arguments that the library does not have", operationsCompared, compared, len(alone), total)
	if operationsCompared < 440 || compared < 3000 {
		t.Errorf("only %d operations and %d calls were compared", operationsCompared, compared)
	}
}

// routeFor returns where an action goes, and the inputs that stand in its path, in their order.
func routeFor(t *testing.T, a *connectors.Action, w *wire) (route string, names []string) {
	t.Helper()
	args := needed(a.In)
	for name, v := range args {
		if v.Type() == cty.String {
			args[name] = cty.StringVal("own_" + name)
		}
	}
	w.last = nil
	_, _ = invoke(t, a, args, "http://stripe.test", &http.Client{Transport: w})
	if w.last == nil {
		t.Fatalf("%s sent nothing", a.Name)
	}
	for part := range strings.SplitSeq(w.last.path, "/") {
		if name, ok := strings.CutPrefix(part, "own_"); ok {
			names = append(names, name)
		}
	}
	return w.last.method + " " + routeOf(w.last.path), names
}
