package http_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/connectors"
	service "github.com/flowrun/flowrun/connectors/http"
	"github.com/flowrun/flowrun/lang/schema"
)

// call makes a request against a server; shape declares the answer's body where it is not nil.
func call(t *testing.T, srv *httptest.Server, settings map[string]string, input string, shape *schema.Type) (connectors.Result, *connectors.Error) {
	t.Helper()
	spec := service.Spec().Actions[0]
	action := *spec
	given := map[string]cty.Value{}
	if strings.Contains(input, "ok_status") {
		given["ok_status"] = cty.NilVal
	}
	action.Out = spec.For(&schema.Use{Shape: shape, Given: given}).Out
	conn := &connectors.Conn{Name: "http", Settings: map[string][]string{"base_url": {srv.URL + "/v1"}, "allow_private": {"true"}}}
	for k, v := range settings {
		conn.Settings[k] = []string{v}
	}
	conn.Client = &http.Client{Transport: connectors.Guarded(connectors.NewTransport())}
	t.Cleanup(conn.Client.CloseIdleConnections)
	in, err := action.In.DecodeJSON([]byte(strings.ReplaceAll(input, "SRV", srv.URL)))
	if err != nil {
		t.Fatal(err)
	}
	res, err := action.Call.Call(t.Context(), &connectors.Call{Action: &action, Conn: conn, Input: in, Key: "k1"})
	if err == nil {
		return res, nil
	}
	var e *connectors.Error
	if !errors.As(err, &e) {
		t.Fatalf("%T: %v", err, err)
	}
	return res, e
}

func echo(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	w.Header().Set("X-Seen", r.Method)
	_ = json.NewEncoder(w).Encode(map[string]any{"method": r.Method, "path": r.URL.RequestURI(), "auth": r.Header.Get("Authorization"),
		"key": r.Header.Get("X-Key"), "idem": r.Header.Get("Idempotency-Key"), "type": r.Header.Get("Content-Type"), "body": string(body), "lang": r.Header.Get("Accept-Language")})
}

func TestRequests(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(echo))
	defer srv.Close()
	for _, c := range []struct {
		name, input string
		settings    map[string]string
		want        map[string]string
	}{
		{"get", `{"path": "/a?x=1", "query": {"b": 2, "c": "d e", "n": null}, "headers": {"Accept-Language": "en"}}`, nil,
			map[string]string{"method": "GET", "path": "/v1/a?b=2&c=d+e&x=1", "lang": "en"}},
		{"json", `{"method": "POST", "path": "a", "body": {"b": [1, null]}, "idempotency_header": "Idempotency-Key"}`, nil,
			map[string]string{"body": `{"b":[1,null]}`, "type": "application/json", "idem": "k1"}},
		{"form", `{"method": "PUT", "path": "a", "form": {"b": "c d", "n": 1}}`, nil, map[string]string{"body": "b=c+d&n=1", "type": "application/x-www-form-urlencoded"}},
		{"text", `{"method": "PATCH", "path": "a", "text": "hello"}`, nil, map[string]string{"body": "hello", "type": "text/plain; charset=utf-8"}},
		{"bearer", `{"path": "a"}`, map[string]string{"token": "tok"}, map[string]string{"auth": "Bearer tok"}},
		{"basic", `{"path": "a"}`, map[string]string{"username": "u", "password": "p"}, map[string]string{"auth": "Basic dTpw"}},
		{"key", `{"path": "a", "headers": {"X-Key": "from the recipe"}}`, map[string]string{"key_header": "X-Key", "api_key": "k"}, map[string]string{"key": "k"}},
		{"own host by url", `{"url": "SRV/z"}`, map[string]string{"token": "tok"}, map[string]string{"auth": "Bearer tok", "path": "/z"}},
		{"another host", `{"url": "SRV/z"}`, map[string]string{"token": "tok", "base_url": "https://example.com"}, map[string]string{"auth": "", "path": "/z"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			res, err := call(t, srv, c.settings, c.input, nil)
			if err != nil {
				t.Fatal(err)
			}
			for name, want := range c.want {
				if got := res.Output.GetAttr("body").GetAttr(name); got.AsString() != want {
					t.Errorf("%s is %q, want %q", name, got.AsString(), want)
				}
			}
			if res.Status != 200 || res.Output.GetAttr("headers").Index(cty.StringVal("x-seen")).IsNull() {
				t.Errorf("%#v", res.Output)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/v1/large":
			_, _ = io.CopyN(w, zeros{}, 2<<20)
		case "/v1/to-metadata":
			http.Redirect(w, r, "http://169.254.169.254/latest/meta-data/", http.StatusFound)
		case "/v1/circle":
			http.Redirect(w, r, "/v1/circle", http.StatusFound)
		case "/v1/no":
			w.WriteHeader(422)
			fmt.Fprint(w, `{"error": {"message": "bad tok\nen tok-secret"}}`)
		default:
			http.NotFound(w, r)
		}
	}))
	defer srv.Close()
	for _, c := range []struct {
		name, input string
		settings    map[string]string
		kind        connectors.Kind
		want        string
	}{
		{"large", `{"path": "large"}`, nil, connectors.KindDrift, "too large"},
		{"not found", `{"path": "gone"}`, nil, connectors.KindNotFound, "not found"},
		{"message without the secret", `{"path": "no"}`, map[string]string{"token": "tok-secret"}, connectors.KindRefused, "bad tok en [secret]"},
		{"this machine", `{"path": "a"}`, map[string]string{"allow_private": "false"}, connectors.KindInvalid, "private"},
		{"by name", `{"path": "a"}`, map[string]string{"allow_private": "false", "base_url": strings.Replace(srv.URL, "127.0.0.1", "localhost", 1)}, connectors.KindRefused, "private"},
		{"metadata", `{"url": "http://169.254.169.254/latest/"}`, map[string]string{"allow_private": ""}, connectors.KindInvalid, "private"},
		{"hidden in IPv6", `{"url": "http://[::ffff:169.254.169.254]/"}`, map[string]string{"allow_private": ""}, connectors.KindInvalid, "private"},
		{"redirect in a circle", `{"path": "circle"}`, nil, connectors.KindRefused, "redirect"},
		{"redirect of a post", `{"method": "POST", "path": "circle"}`, nil, connectors.KindRefused, "redirect"},
		{"file", `{"url": "file:///etc/passwd"}`, nil, connectors.KindInvalid, "http"},
		{"credentials in the URL", `{"url": "http://u:p@example.com/"}`, nil, connectors.KindInvalid, "credentials"},
		{"up", `{"path": "../admin"}`, nil, connectors.KindInvalid, ".."},
		{"host header", `{"path": "a", "headers": {"host": "x"}}`, nil, connectors.KindInvalid, "Host"},
		{"split header", `{"path": "a", "headers": {"X-A": "b\r\nHost: x"}}`, nil, connectors.KindInvalid, "line feed"},
		{"no base", `{"path": "a"}`, map[string]string{"base_url": ""}, connectors.KindInvalid, "base_url"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := call(t, srv, c.settings, c.input, nil)
			if err == nil || err.Kind != c.kind || !strings.Contains(err.Message, c.want) {
				t.Errorf("%v, want %s with %q", err, c.kind, c.want)
			}
		})
	}
	if _, err := call(t, srv, map[string]string{"token": "t"}, `{"path": "to-metadata"}`, nil); err == nil {
		t.Error("a redirect to the metadata is followed")
	}
	if res, err := call(t, srv, nil, `{"path": "gone", "ok_status": [404]}`, nil); err != nil || res.Status != 404 {
		t.Errorf("ok_status: %v, %v", res.Status, err)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// TestRedirectTakesNoCredentials to another host, and is refused where it leads to this machine.
func TestRedirectTakesNoCredentials(t *testing.T) {
	other := httptest.NewServer(http.HandlerFunc(echo))
	defer other.Close()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other.URL+"/there", http.StatusTemporaryRedirect)
	}))
	defer srv.Close()
	res, err := call(t, srv, map[string]string{"token": "tok", "key_header": "X-Key", "api_key": "k"}, `{"path": "a"}`, nil)
	if err != nil {
		t.Fatal(err)
	}
	if b := res.Output.GetAttr("body"); b.GetAttr("auth").AsString() != "" || b.GetAttr("key").AsString() != "" || b.GetAttr("path").AsString() != "/there" {
		t.Errorf("%#v", b)
	}
}

func TestDeclaredAnswer(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, map[string]string{"/v1/a": `{"id": "1", "more": true}`, "/v1/b": `{"id": 1}`, "/v1/c": `[{"id": "1"}, {"id": "2"}]`, "/v1/d": ""}[r.URL.Path])
	}))
	defer srv.Close()
	object := schema.ObjectType(schema.NewObject("answer", schema.Field{Name: "id", Type: schema.Type{Kind: schema.KindString}, Required: true}))
	list := object.ListOf()
	for _, c := range []struct {
		path  string
		shape *schema.Type
		drift bool
	}{{"a", &object, false}, {"b", &object, true}, {"c", &object, true}, {"c", &list, false}, {"a", &list, true}, {"d", &object, true}} {
		res, err := call(t, srv, nil, `{"path": "`+c.path+`"}`, c.shape)
		if c.drift != (err != nil) || err != nil && err.Kind != connectors.KindDrift {
			t.Errorf("%s as %s: %v", c.path, c.shape, err)
		}
		if err == nil && c.path == "c" && res.Output.GetAttr("body").LengthInt() != 2 {
			t.Errorf("%#v", res.Output)
		}
	}
	missing := httptest.NewServer(http.NotFoundHandler())
	defer missing.Close()
	res, err := call(t, missing, nil, `{"path": "a", "ok_status": [404]}`, &object)
	if err != nil || res.Status != 404 || !res.Output.GetAttr("body").IsNull() {
		t.Errorf("a status that is no failure: %#v, %v", res.Output, err)
	}
	if res, err := call(t, srv, nil, `{"path": "d"}`, nil); err != nil || !res.Output.GetAttr("body").IsNull() {
		t.Errorf("nothing: %#v, %v", res.Output, err)
	}
}

func TestPages(t *testing.T) {
	var srv *httptest.Server
	srv = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		switch r.URL.Path {
		case "/v1/link":
			if q.Get("p") == "" {
				w.Header().Set("Link", `<https://x.example/first>; rel="prev", <`+srv.URL+`/v1/link?p=2>; rel="next"`)
			}
			fmt.Fprintf(w, `["link%s"]`, q.Get("p"))
		case "/v1/away":
			w.Header().Set("Link", `<https://other.example/next>; rel=next`)
			fmt.Fprint(w, `[]`)
		case "/v1/cursor":
			next := map[string]string{"": `"c1"`, "c1": `2`, "2": `null`}[q.Get("after")]
			fmt.Fprintf(w, `{"data": {"rows": ["%s"]}, "meta": {"next": %s}, "kept": true}`, q.Get("after"), next)
		case "/v1/page":
			if q.Get("page") == "3" {
				fmt.Fprint(w, `{"rows": []}`)
				return
			}
			fmt.Fprintf(w, `{"rows": ["%s"]}`, q.Get("page"))
		case "/v1/circle":
			fmt.Fprint(w, `{"rows": [1], "next": "same"}`)
		}
	}))
	defer srv.Close()
	for _, c := range []struct{ name, input, want, fails string }{
		{"link", `{"path": "link", "paging": {"next": "link"}}`, `["link","link2"]`, ""},
		{"cursor", `{"path": "cursor", "paging": {"next": "cursor", "items": "data.rows", "cursor": "meta.next", "param": "after"}}`,
			`{"data":{"rows":["","c1","2"]},"kept":true,"meta":{"next":"c1"}}`, ""},
		{"page", `{"path": "page", "paging": {"next": "page", "items": "rows", "param": "page"}}`, `{"rows":["","2"]}`, ""},
		{"too many", `{"path": "page", "paging": {"next": "page", "items": "rows", "param": "page", "max": 1}}`, "", "more than 1 pages"},
		{"circle", `{"path": "circle", "paging": {"next": "cursor", "items": "rows", "cursor": "next", "param": "c"}}`, "", "circle"},
		{"another host", `{"path": "away", "paging": {"next": "link"}}`, "", "another host"},
		{"no list", `{"path": "page", "paging": {"next": "page", "items": "nothing", "param": "page"}}`, "", "no list"},
	} {
		t.Run(c.name, func(t *testing.T) {
			res, err := call(t, srv, nil, c.input, nil)
			if c.fails != "" {
				if err == nil || !strings.Contains(err.Message, c.fails) {
					t.Errorf("%v, want %q", err, c.fails)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			got, encodeErr := schema.AppendJSON(nil, res.Output.GetAttr("body"))
			if encodeErr != nil || string(got) != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}

func TestEffects(t *testing.T) {
	use := service.Spec().Actions[0].For
	for method, want := range map[string]schema.Effect{"": schema.Read, "GET": schema.Read, "HEAD": schema.Read, "PUT": schema.Idempotent,
		"DELETE": schema.Idempotent, "POST": schema.AtMostOnce, "PATCH": schema.AtMostOnce} {
		given := map[string]cty.Value{}
		if method != "" {
			given["method"] = cty.StringVal(method)
		}
		got := use(&schema.Use{Given: given})
		if got.Effect != want {
			t.Errorf("%q: %s, want %s", method, got.Effect, want)
		}
		if deletes := got.Lasting.Kind == schema.Deletes; deletes != (method == "DELETE") {
			t.Errorf("%q: it is said to be a %q", method, got.Lasting.Kind)
		}
		if want == schema.AtMostOnce {
			given["idempotency_header"] = cty.NilVal
			if got := use(&schema.Use{Given: given}).Effect; got != schema.Keyed {
				t.Errorf("%q with a key: %s", method, got)
			}
		}
	}
}
