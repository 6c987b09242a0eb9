package stripe

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/connectors/connectortest/stripefake"
	"github.com/flowrun/flowrun/lang/schema"
)

// TestPagesEnd lists what has no end, from a vendor that goes on for ever and from one that repeats itself.
func TestPagesEnd(t *testing.T) {
	page, repeats := 0, false
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if page++; repeats {
			page = 1
		}
		var data []string
		for i := range 100 {
			data = append(data, fmt.Sprintf(`{"id":"txr_%d_%d","object":"tax_code","description":"","name":""}`, page, i))
		}
		fmt.Fprintf(w, `{"object":"list","url":"/","has_more":true,"data":[%s]}`, strings.Join(data, ","))
	}))
	defer server.Close()
	s := newStandIn(t, stripefake.Options{})
	s.url = server.URL
	got := s.do("tax_code_list", `{"all": true}`)
	if n := elements(t, got); n != mostListed || page != mostListed/pageSize || string(schema.Lookup(got, "has_more")) != "true" {
		t.Errorf("%d elements in %d pages", n, page)
	}
	page, repeats = 0, true
	e := s.fail("tax_code_list", `{"all": true}`, connectors.KindDrift, "")
	if !strings.Contains(e.Message, "followed by itself") {
		t.Errorf("%v", e)
	}
	if n := elements(t, s.do("tax_code_list", `{"limit": 5}`)); n != 100 || page != 1 {
		t.Errorf("%d elements without all", n)
	}
}
