module github.com/flowrun/flowrun/tools

go 1.26.0

require github.com/stripe/stripe-mock v0.183.0
