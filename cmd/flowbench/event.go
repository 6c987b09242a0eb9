package main

// chargeFailed is a charge.failed event of API version 2023-10-16 in the shape and size of a real one; its verbs are
// the event id, created, the charge id, the amount and the charge's created.
const chargeFailed = `{
  "id": "%s",
  "object": "event",
  "api_version": "2023-10-16",
  "created": %d,
  "data": {
    "object": {
      "id": "ch_%s",
      "object": "charge",
      "amount": %d,
      "amount_captured": 0,
      "amount_refunded": 0,
      "application": null,
      "application_fee": null,
      "application_fee_amount": null,
      "balance_transaction": null,
      "billing_details": {
        "address": {"city": "Springfield", "country": "US", "line1": "742 Evergreen Terrace", "line2": null, "postal_code": "49007", "state": "OR"},
        "email": "jo.doe@example.com",
        "name": "Jo Doe",
        "phone": null
      },
      "calculated_statement_descriptor": "EXAMPLE SHOP",
      "captured": false,
      "created": %d,
      "currency": "usd",
      "customer": "cus_P9hWcXkYq3mZ1a",
      "description": "Subscription update",
      "destination": null,
      "dispute": null,
      "disputed": false,
      "failure_balance_transaction": null,
      "failure_code": "card_declined",
      "failure_message": "Your card has insufficient funds.",
      "fraud_details": {},
      "invoice": "in_1OKvM2Lkdf93jfQwErTyUiOp",
      "livemode": false,
      "metadata": {"order_id": "6735", "plan": "team", "seats": "12"},
      "on_behalf_of": null,
      "outcome": {
        "network_status": "declined_by_network",
        "reason": "insufficient_funds",
        "risk_level": "normal",
        "risk_score": 22,
        "seller_message": "The bank returned the decline code insufficient_funds.",
        "type": "issuer_declined"
      },
      "paid": false,
      "payment_intent": "pi_3OKvM3Lkdf93jfQw0a1b2c3d",
      "payment_method": "pm_1OKvLzLkdf93jfQwZxCvBnMa",
      "payment_method_details": {
        "card": {
          "amount_authorized": null,
          "brand": "visa",
          "checks": {"address_line1_check": "pass", "address_postal_code_check": "pass", "cvc_check": "pass"},
          "country": "US",
          "exp_month": 8,
          "exp_year": 2027,
          "extended_authorization": {"status": "disabled"},
          "fingerprint": "Xt5EWLLDS7FJjR1c",
          "funding": "credit",
          "incremental_authorization": {"status": "unavailable"},
          "installments": null,
          "last4": "0341",
          "mandate": null,
          "multicapture": {"status": "unavailable"},
          "network": "visa",
          "network_token": {"used": false},
          "overcapture": {"maximum_amount_capturable": 0, "status": "unavailable"},
          "three_d_secure": null,
          "wallet": null
        },
        "type": "card"
      },
      "receipt_email": "jo.doe@example.com",
      "receipt_number": null,
      "receipt_url": null,
      "refunded": false,
      "review": null,
      "shipping": null,
      "source": null,
      "source_transfer": null,
      "statement_descriptor": null,
      "statement_descriptor_suffix": null,
      "status": "failed",
      "transfer_data": null,
      "transfer_group": null
    }
  },
  "livemode": false,
  "pending_webhooks": 1,
  "request": {"id": "req_a1B2c3D4e5F6g7", "idempotency_key": "3f2c9a10-5c1e-4d7b-9b8a-6f0d2e4c8b1a"},
  "type": "charge.failed"
}`
