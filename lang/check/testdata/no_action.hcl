trigger "stripe_charge_failed" {} # want FR5003
