

# What this recipe is about.
recipe {
description="Tell Customer.io when a large card payment fails"
   enabled = true
}
trigger stripe_charge_failed {}
filter "only large charges"   {
    condition = trigger.amount>=5000&&trigger.customer!=null   
}



// Who it is.
action "stripe_customer_retrieve" customer {
  customer = trigger.customer # proved by the filter   
}
# belongs to the block below

# and so does this
action customerio_track {
  id = trigger.customer
     name="payment_failed"
  data={
    amount = money(trigger.amount,trigger.currency)
       reason = coalesce( trigger.failure_message,"unknown" ) # may be null


    tags = [
   "a",
      "b" ]
  }
  retry { attempts = 3 }
}


# the end


