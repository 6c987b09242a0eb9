package stripe

// Two operations are not as the others: one takes a file, one answers with one. Both live on another host.

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"mime/multipart"
	"net/url"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/lang/schema"
)

const filesURL = "https://files.stripe.com"

// filesBase is where files are, unless the connection says where the API is: a proxy or a stand-in serves both.
func filesBase(c *connectors.Conn) string {
	if base := apiBase(c); base != defaultBaseURL {
		return base
	}
	return filesURL
}

// boundary separates the parts of an upload. It is the same each time, so that a repeat has the same bytes; the content
// can't hold it, being base64 until it is sent, unless somebody means to break his own upload.
const boundary = "flowrun-5b1d7c0a8f3e4d2b9c6a"

const fileContentType = "multipart/form-data; boundary=" + boundary

// fileBody writes the upload.
func fileBody(dst []byte, c *connectors.Call) ([]byte, error) {
	content, err := base64.StdEncoding.DecodeString(connectors.InputString(c, "file"))
	if err != nil {
		return nil, connectors.Invalid("file must be base64, as base64encode gives it")
	}
	if bytes.Contains(content, []byte(boundary)) {
		return nil, connectors.Invalid("file holds the text that separates the parts of an upload")
	}
	name := connectors.InputString(c, "filename")
	if name == "" {
		name = "file"
	}
	b := bytes.NewBuffer(dst)
	w := multipart.NewWriter(b)
	if err := w.SetBoundary(boundary); err != nil {
		return nil, connectors.Invalid("the upload can't be written")
	}
	for _, f := range c.Action.In.Fields() {
		if f.Name == "file" || f.Name == "filename" {
			continue
		}
		form, err := connectors.AppendForm(nil, f.Name, connectors.Input(c, f.Name))
		if err != nil {
			return nil, err
		}
		if err := writeFields(w, string(form)); err != nil {
			return nil, err
		}
	}
	part, err := w.CreateFormFile("file", strings.NewReplacer("\r", "", "\n", "").Replace(name))
	if err == nil {
		_, err = part.Write(content)
	}
	if err == nil {
		err = w.Close()
	}
	return b.Bytes(), err
}

// writeFields writes a form's fields as parts.
func writeFields(w *multipart.Writer, form string) error {
	for pair := range strings.SplitSeq(form, "&") {
		name, value, ok := strings.Cut(pair, "=")
		if !ok {
			continue
		}
		name, err := url.QueryUnescape(name)
		if err != nil {
			return fmt.Errorf("writing a part: %w", err)
		}
		if value, err = url.QueryUnescape(value); err != nil {
			return fmt.Errorf("writing a part: %w", err)
		}
		if err := w.WriteField(name, value); err != nil {
			return fmt.Errorf("writing a part: %w", err)
		}
	}
	return nil
}

func pdfAnswer() *schema.Object {
	return schema.NewObject("pdf", schema.Field{
		Name: "content", Required: true, Type: schema.Type{Kind: schema.KindString}, Doc: "The document, as base64",
	})
}

func decodePDF(_ *connectors.Call, body []byte) (cty.Value, error) {
	if !bytes.HasPrefix(body, []byte("%PDF-")) {
		return cty.NilVal, fmt.Errorf("the answer is no PDF document")
	}
	return cty.ObjectVal(map[string]cty.Value{"content": cty.StringVal(base64.StdEncoding.EncodeToString(body))}), nil
}
