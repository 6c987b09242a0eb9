recipe {
  description = "Note each working day that the day has begun"
}

trigger "schedule" {
  cron     = "30 8 * * mon-fri"
  timezone = "Europe/Berlin"
  jitter   = "2m"
  overlap  = "skip"
}

action "customerio_track" {
  id   = "team"
  name = "day_began"
  data = {
    at       = trigger.planned_at
    previous = coalesce(trigger.previous_at, "none")
  }
}
