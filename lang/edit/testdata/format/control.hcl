recipe {
mode="shadow"
  concurrency {
  key=trigger.customer
      limit=1
   on_conflict = "skip"
  }
  deduplicate {
    key = trigger.id
    for = "1h"
  }
}
trigger recipe_call {
  inputs = {
  customer=string
    note = optional(string) # may be null
  }
}
action recipe_run told {
  recipe="lib/notify"
  inputs={
    customer = trigger.customer
   amount=1
  }
}
output {
  told=action.told
  a = 1
}
