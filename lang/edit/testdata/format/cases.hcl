trigger stripe_charge_failed {}
switch {
on=trigger.currency
case eur chf {


action customerio_track here {
id="x"
}
}
case "usd" gbp {}
default {
wait a_day { for="24h" }
}
}
on_error {
action customerio_track failed {
id="ops"
name=error.kind
}
}
