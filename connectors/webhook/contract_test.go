package webhook_test

import (
	"testing"

	"github.com/flowrun/flowrun/connectors/connectortest"
	"github.com/flowrun/flowrun/connectors/webhook"
)

func TestContract(t *testing.T) { connectortest.Contract(t, webhook.Spec()) }
