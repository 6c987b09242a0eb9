package lsp_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
)

const uri = "file:///home/jo/recipes/a.hcl"

func (c *client) initialize() {
	c.t.Helper()
	c.send(`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"rootUri":"file:///home/jo/recipes","capabilities":{}}}`)
	c.receive()
	c.send(`{"jsonrpc":"2.0","method":"initialized","params":{}}`)
}

func (c *client) open(text string) {
	c.t.Helper()
	raw, err := json.Marshal(text)
	if err != nil {
		c.t.Fatal(err)
	}
	c.send(fmt.Sprintf(`{"jsonrpc":"2.0","method":"textDocument/didOpen","params":{"textDocument":{"uri":%q,"languageId":"hcl","version":1,"text":%s}}}`, uri, raw))
}

func (c *client) shutdown() error {
	c.send(`{"jsonrpc":"2.0","id":"end","method":"shutdown"}`)
	for {
		if got := c.receive(); strings.Contains(got, `"id":"end"`) {
			break
		}
	}
	c.send(`{"jsonrpc":"2.0","method":"exit"}`)
	return c.end()
}

// TestMalformed sends what no editor should send: each gets an answer, and the conversation goes on.
func TestMalformed(t *testing.T) {
	frame := func(body string) string { return fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(body), body) }
	for _, c := range []struct{ name, text, want string }{
		{"not JSON", frame(`{"jsonrpc"`), `"code":-32700`},
		{"a list", frame(`[1,2]`), `"code":-32600`},
		{"no length", "Content-Type: x\r\n\r\n", `"code":-32700`},
		{"no colon", "Content-Length 5\r\n\r\n", `"code":-32700`},
		{"a length that is none", "Content-Length: five\r\n\r\n", `"code":-32700`},
		{"a negative length", "Content-Length: -5\r\n\r\n", `"code":-32700`},
		{"a long header", strings.Repeat("x", 200<<10) + "\r\n\r\n", `"code":-32700`},
		{"lower case, line feeds, another header", "content-type: x\ncontent-length: 49\n\n" + `{"jsonrpc":"2.0","id":7,"method":"not/a/method" }`, `"id":7,"error":{"code":-32601`},
		{"an unknown method", frame(`{"jsonrpc":"2.0","id":"x","method":"not/a/method"}`), `"id":"x","error":{"code":-32601`},
		{"wrong parameters", frame(`{"jsonrpc":"2.0","id":8,"method":"textDocument/hover","params":[1]}`), `"id":8,"error":{"code":-32602`},
		{"initialize again", frame(`{"jsonrpc":"2.0","id":9,"method":"initialize","params":{}}`), `"id":9,"error":{"code":-32600`},
		{"a file that is not open", frame(`{"jsonrpc":"2.0","id":10,"method":"textDocument/hover","params":{"textDocument":{"uri":"file:///x.hcl"},"position":{"line":0,"character":0}}}`), `"id":10,"error":{"code":-32602`},
		{"no file", frame(`{"jsonrpc":"2.0","id":11,"method":"textDocument/hover","params":{"textDocument":{"uri":"untitled:Untitled-1"},"position":{"line":0,"character":0}}}`), `"id":11,"result":null`},
		{"a place that is not there", frame(`{"jsonrpc":"2.0","id":12,"method":"textDocument/completion","params":{"textDocument":{"uri":"` + uri + `"},"position":{"line":-5,"character":999999}}}`), `"id":12,"result":`},
	} {
		t.Run(c.name, func(t *testing.T) {
			conn := connect(t, disk{})
			conn.initialize()
			conn.open("trigger \"stripe_charge_failed\" {}\naction \"customerio_track\" {\n  id = \"x\"\n  name = \"y\"\n}\n")
			conn.raw(c.text)
			if got := conn.receive(); !strings.Contains(got, c.want) {
				t.Errorf("came %s, without %s", got, c.want)
			}
			if err := conn.shutdown(); err != nil {
				t.Errorf("the end: %v", err)
			}
		})
	}
}

// TestOrder holds the server to what the protocol says of the beginning and the end.
func TestOrder(t *testing.T) {
	conn := connect(t, disk{})
	conn.send(`{"jsonrpc":"2.0","id":1,"method":"textDocument/hover","params":{}}`)
	if got := conn.receive(); !strings.Contains(got, `"code":-32002`) {
		t.Errorf("before initialize: %s", got)
	}
	conn.initialize()
	conn.send(`{"jsonrpc":"2.0","id":2,"method":"shutdown"}`)
	if got := conn.receive(); !strings.Contains(got, `"id":2,"result":null`) {
		t.Errorf("shutdown: %s", got)
	}
	conn.send(`{"jsonrpc":"2.0","id":3,"method":"textDocument/hover","params":{}}`)
	if got := conn.receive(); !strings.Contains(got, `"code":-32600`) {
		t.Errorf("after shutdown: %s", got)
	}
	conn.send(`{"jsonrpc":"2.0","method":"exit"}`)
	if err := conn.end(); err != nil {
		t.Errorf("exit: %v", err)
	}

	conn = connect(t, disk{})
	conn.initialize()
	conn.send(`{"jsonrpc":"2.0","method":"exit"}`)
	if err := conn.end(); err == nil {
		t.Error("exit without shutdown is no error")
	}

	conn = connect(t, disk{})
	conn.initialize()
	if err := conn.end(); err == nil || !strings.Contains(err.Error(), "without a shutdown") {
		t.Errorf("the input ends: %v", err)
	}

	conn = connect(t, disk{})
	conn.initialize()
	conn.raw("Content-Length: 100\r\n\r\n{")
	if err := conn.end(); err == nil || !strings.Contains(err.Error(), "unexpected EOF") {
		t.Errorf("the input ends in a message: %v", err)
	}
}

// TestCancel cancels a request that waits behind another: the server is kept from reading on by an answer that nobody
// takes, so that the cancellation has come before it looks.
func TestCancel(t *testing.T) {
	conn := connect(t, disk{})
	conn.initialize()
	conn.send(`{"jsonrpc":"2.0","id":20,"method":"not/a/method"}`)
	conn.send(`{"jsonrpc":"2.0","id":21,"method":"textDocument/hover","params":{}}`)
	conn.send(`{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":21}}`)
	conn.send(`{"jsonrpc":"2.0","method":"$/unknown","params":{}}`) // once it is read the cancellation has been taken in
	conn.raw("Content-Length: ")
	if got := conn.receive(); !strings.Contains(got, `"id":20`) {
		t.Fatalf("came %s", got)
	}
	if got := conn.receive(); !strings.Contains(got, `"id":21,"error":{"code":-32800`) {
		t.Errorf("came %s", got)
	}
}

// TestProjects tells folders apart: the nearest flowrun.hcl makes a project, and it may come and go.
func TestProjects(t *testing.T) {
	conn := connect(t, disk{
		"one/flowrun.hcl":   {Data: []byte("variable \"a\" {\n  type = string\n}\n")},
		"two/terraform.hcl": {Data: []byte("resource \"x\" \"y\" {}\n")}, // nobody has opened it
	})
	conn.initialize()
	text := "trigger \"stripe_charge_failed\" {}\naction \"customerio_track\" {\n  id = var.a\n  name = \"y\"\n}\n"
	open := func(name, text string) {
		raw, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		conn.send(fmt.Sprintf(`{"jsonrpc":"2.0","method":"textDocument/didOpen","params":{"textDocument":{"uri":"file:///home/jo/recipes/%s","version":1,"text":%s}}}`, name, raw))
	}
	expect := func(parts ...string) {
		t.Helper()
		got := conn.receive()
		for _, part := range parts {
			if !strings.Contains(got, part) {
				t.Errorf("came %s, without %s", got, part)
			}
		}
	}
	open("two/recipe.hcl", text)
	expect("two/recipe.hcl", "FR2005")
	open("one/deep/recipe.hcl", text) // nothing is wrong with it
	open("one/deep/other.hcl", strings.Replace(text, "var.a", "var.b", 1))
	expect("one/deep/other.hcl", "FR2005")
	open("two/flowrun.hcl", "variable \"a\" {\n  type = string\n}\n")
	expect("two/recipe.hcl", `"diagnostics":[]`)
	expect("one/deep/other.hcl", `"diagnostics":[]`)
	expect("one/deep/other.hcl", "FR2005")
	expect("two/terraform.hcl", "FR1007") // it is in a project now
	if err := conn.shutdown(); err != nil {
		t.Error(err)
	}
}

func TestOverlay(t *testing.T) {
	good := "trigger \"stripe_charge_failed\" {}\naction \"customerio_track\" {\n  id = \"x\"\n  name = \"y\"\n}\n"
	conn := connect(t, disk{"flowrun.hcl": {}, "a.hcl": &fstest.MapFile{Data: []byte(good)}})
	conn.initialize()
	conn.open(strings.Replace(good, `"x"`, "trigger.nothing", 1))
	if got := conn.receive(); !strings.Contains(got, "FR2004") {
		t.Errorf("what is not saved is not looked at: %s", got)
	}
	conn.send(`{"jsonrpc":"2.0","method":"textDocument/didClose","params":{"textDocument":{"uri":"` + uri + `"}}}`)
	if got := conn.receive(); !strings.Contains(got, `"diagnostics":[]`) {
		t.Errorf("the file on disk is not taken back: %s", got)
	}
	if err := conn.shutdown(); err != nil {
		t.Error(err)
	}
}

// TestFixtures looks at tests again when a fixture that they read has changed on disk.
func TestFixtures(t *testing.T) {
	d := disk{
		"flowrun.hcl": {},
		"a.hcl":       {Data: []byte("trigger \"stripe_charge_failed\" {}\naction \"customerio_track\" {\n  id = \"x\"\n  name = \"y\"\n}\n")},
		"a.test.hcl":  {Data: []byte("test \"one\" {\n  event = file(\"fixtures/one.json\")\n}\n")},
	}
	conn := connect(t, d)
	conn.initialize()
	if got := conn.receive(); !strings.Contains(got, "a.test.hcl") || !strings.Contains(got, "reading fixtures/one.json: file does not exist.\"") {
		t.Errorf("a fixture that is not there: %s", got)
	}
	d["fixtures/one.json"] = &fstest.MapFile{Data: []byte("{")}
	change := `{"jsonrpc":"2.0","method":"workspace/didChangeWatchedFiles","params":{"changes":[{"uri":"file:///home/jo/recipes/fixtures/one.json","type":1}]}}`
	conn.send(change)
	if got := conn.receive(); !strings.Contains(got, "not JSON") {
		t.Errorf("a fixture that is broken: %s", got)
	}
	d["fixtures/one.json"] = &fstest.MapFile{Data: []byte("{}")}
	conn.send(change)
	if got := conn.receive(); !strings.Contains(got, `"diagnostics":[]`) {
		t.Errorf("a fixture that is mended: %s", got)
	}
	if err := conn.shutdown(); err != nil {
		t.Error(err)
	}
}

// TestTestsOfWhatIsNotOpen says nothing of tests in a folder that is no project, whose recipe nobody has opened.
func TestTestsOfWhatIsNotOpen(t *testing.T) {
	conn := connect(t, disk{})
	conn.initialize()
	open := func(name, text string) {
		raw, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		conn.send(fmt.Sprintf(`{"jsonrpc":"2.0","method":"textDocument/didOpen","params":{"textDocument":{"uri":"file:///home/jo/recipes/%s","version":1,"text":%s}}}`, name, raw))
	}
	open("a.test.hcl", "test \"one\" {\n  event \"stripe_charge_failed\" {}\n  mock action \"nobody\" {\n    result = {}\n  }\n}\n")
	open("a.hcl", "trigger \"stripe_charge_failed\" {}\naction \"customerio_track\" {\n  id = \"x\"\n  name = \"y\"\n}\n")
	if got := conn.receive(); !strings.Contains(got, "a.test.hcl") || !strings.Contains(got, `no action \"nobody\"`) || strings.Contains(got, "There is no recipe") {
		t.Errorf("came %s", got)
	}
	if err := conn.shutdown(); err != nil {
		t.Error(err)
	}
}
