package schedule_test

import (
	"testing"

	"github.com/flowrun/flowrun/connectors/connectortest"
	"github.com/flowrun/flowrun/connectors/schedule"
)

func TestContract(t *testing.T) { connectortest.Contract(t, schedule.Spec()) }
