package http_test

import (
	"testing"

	"github.com/flowrun/flowrun/connectors/connectortest"
	"github.com/flowrun/flowrun/connectors/http"
)

func TestContract(t *testing.T) { connectortest.Contract(t, http.Spec()) }
