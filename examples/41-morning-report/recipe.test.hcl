test "the day is noted" {
  event "schedule" {
    planned_at  = "2026-03-02T07:30:00Z"
    previous_at = null
  }

  expect action "customerio_track" {
    calls = 1
    input = { name = "day_began", data = { at = "2026-03-02T07:30:00Z", previous = "none" } }
  }
}
