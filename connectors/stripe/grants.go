package stripe

import (
	"strings"

	"github.com/flowrun/flowrun/connectors"
)

// grant is a resource that a restricted key can be allowed, and the paths that it is for. Stripe's page "API permissions
// reference" has them by endpoint; where its name for messages and links is not known here, id is empty.
type grant struct {
	row   string // as the form of keys has it
	id    string // without rak_ before it and _read or _write behind it
	paths string // below /v1/, separated by spaces; * stands for an id
}

// grants returns the table, in the order of the form.
func grants() []grant {
	return []grant{
		{"Apple Pay Domains", "apple_pay_domain", "apple_pay"},
		{"Balance", "balance", "balance balance_transactions"},
		{"Charges and Refunds", "charge", "charges refunds test_helpers/refunds"},
		{"Customers", "customer", "customers tax_ids test_helpers/customers"},
		{"Customer Sessions", "customer_session", "customer_sessions"},
		{"Disputes", "dispute", "disputes charges/*/dispute"},
		{"Ephemeral Keys", "ephemeral_key", "ephemeral_keys"},
		{"Events", "event", "events"},
		{"Exchange Rates", "", "exchange_rates"},
		{"Files", "file", "files file_links"},
		{"Mandates", "mandate", "mandates"},
		{"Payment Intents", "payment_intent", "payment_intents"},
		{"Payment Methods", "payment_method", "payment_methods customers/*/payment_methods"},
		{"Payment Method Configurations", "payment_method_configurations", "payment_method_configurations"},
		{"Payment Method Domains", "payment_method_domain", "payment_method_domains"},
		{"Payouts", "payout", "payouts"},
		{"Products", "product", "products"},
		{"Setup Intents", "setup_intent", "setup_intents setup_attempts"},
		{"Shipping Rates", "shipping_rate", "shipping_rates"},
		{"Sources", "source", "sources customers/*/sources customers/*/cards customers/*/bank_accounts"},
		{"Tokens", "token", "tokens"},

		{"Checkout Sessions", "checkout_session", "checkout"},
		{"Payment Links", "payment_links", "payment_links"},

		{"Coupons", "coupon", "coupons"},
		{"Credit Notes", "credit_note", "credit_notes"},
		{"Customer Portal", "customer_portal", "billing_portal"},
		{"Invoices", "invoice", "invoices invoiceitems"},
		{"Prices", "plan", "prices plans"},
		{"Promotion Codes", "promotion_code", "promotion_codes"},
		{"Quotes", "quote", "quotes"},
		{"Subscriptions", "subscription", "subscriptions subscription_items subscription_schedules customers/*/subscriptions"},
		{"Test Clocks", "billing_clock", "test_helpers/test_clocks"},
		{"Usage Records", "usage_record", "subscription_items/*/usage_records subscription_items/*/usage_record_summaries"},

		{"Tax Calculations and Transactions", "tax_calculations_and_transactions", "tax/calculations tax/transactions"},
		{"Tax Codes", "", "tax_codes"},
		{"Tax Rates", "tax_rate", "tax_rates"},
		{"Tax Registrations", "", "tax/registrations"},
		{"Tax Settings", "tax_settings", "tax/settings"},

		{"Accounts", "connected_account", "account accounts"},
		{"Account Links", "account_link", "account_links"},
		{"Account Sessions", "account_session", "account_sessions"},
		{"Application Fees", "application_fee", "application_fees"},
		{"Country Specs", "", "country_specs"},
		{"Login Links", "edit_link", "accounts/*/login_links"},
		{"Top-ups", "top_up", "topups"},
		{"Transfers", "transfer", "transfers"},

		{"Climate Orders", "", "climate/orders"},
		{"Climate Products", "", "climate/products"},
		{"Climate Suppliers", "", "climate/suppliers"},

		{"Financial Connections Accounts", "", "financial_connections/accounts linked_accounts"},
		{"Financial Connections Sessions", "", "financial_connections/sessions link_account_sessions"},
		{"Financial Connections Transactions", "", "financial_connections/transactions"},

		{"Identity Verification Reports", "", "identity/verification_reports"},
		{"Identity Verification Sessions", "", "identity/verification_sessions"},

		{"Issuing Authorizations", "issuing_authorization", "issuing/authorizations test_helpers/issuing/authorizations"},
		{"Issuing Cardholders", "issuing_cardholder", "issuing/cardholders"},
		{"Issuing Cards", "issuing_card", "issuing/cards test_helpers/issuing/cards"},
		{"Issuing Disputes", "issuing_dispute", "issuing/disputes"},
		{"Issuing Personalization Designs", "", "issuing/personalization_designs test_helpers/issuing/personalization_designs"},
		{"Issuing Physical Bundles", "", "issuing/physical_bundles"},
		{"Issuing Settlements", "", "issuing/settlements"},
		{"Issuing Tokens", "issuing_token", "issuing/tokens"},
		{"Issuing Transactions", "issuing_transaction", "issuing/transactions test_helpers/issuing/transactions"},

		{"Radar Early Fraud Warnings", "", "radar/early_fraud_warnings"},
		{"Radar Value Lists", "", "radar/value_lists radar/value_list_items"},
		{"Reviews", "review", "reviews"},

		{"Report Runs and Report Types", "report_runs_and_report_types", "reporting"},
		{"Sigma Scheduled Query Runs", "", "sigma"},
		{"Secrets", "secret", "apps"},

		{"Terminal Configurations", "terminal_configuration", "terminal/configurations"},
		{"Terminal Connection Tokens", "terminal_connection_token", "terminal/connection_tokens"},
		{"Terminal Locations", "terminal_location", "terminal/locations"},
		{"Terminal Readers", "terminal_reader", "terminal/readers test_helpers/terminal/readers"},

		{"Treasury Credit Reversals", "", "treasury/credit_reversals"},
		{"Treasury Debit Reversals", "", "treasury/debit_reversals"},
		{"Treasury Financial Accounts", "financial_account", "treasury/financial_accounts"},
		{"Treasury Inbound Transfers", "inbound_transfer", "treasury/inbound_transfers test_helpers/treasury/inbound_transfers"},
		{"Treasury Outbound Payments", "outbound_payment", "treasury/outbound_payments test_helpers/treasury/outbound_payments"},
		{"Treasury Outbound Transfers", "outbound_transfer", "treasury/outbound_transfers test_helpers/treasury/outbound_transfers"},
		{"Treasury Received Credits", "received_credit", "treasury/received_credits test_helpers/treasury/received_credits"},
		{"Treasury Received Debits", "received_debit", "treasury/received_debits test_helpers/treasury/received_debits"},
		{"Treasury Transactions", "treasury_transaction", "treasury/transactions treasury/transaction_entries"},

		{"Webhook Endpoints", "webhook", "webhook_endpoints"},
	}
}

// grantAt returns the resource that a path belongs to: the one that names most of it. It is the zero grant where none
// does.
func grantAt(path string) grant {
	parts := strings.Split(strings.TrimPrefix(path, "/v1/"), "/")
	best, most := grant{}, 0
	for _, g := range grants() {
		for prefix := range strings.SplitSeq(g.paths, " ") {
			if n := common(strings.Split(prefix, "/"), parts); n > most {
				best, most = g, n
			}
		}
	}
	return best
}

// common returns how many segments a prefix has that a path begins with, or 0.
func common(prefix, path []string) int {
	if len(prefix) > len(path) {
		return 0
	}
	for i, p := range prefix {
		if p != "*" && p != path[i] {
			return 0
		}
	}
	return len(prefix)
}

// allGrants returns what there is to be allowed, each to read.
func allGrants() []connectors.Permission {
	var out []connectors.Permission
	for _, g := range grants() {
		p := connectors.Permission{Resource: g.row}
		if g.id != "" {
			p.ID = "rak_" + g.id + "_read"
		}
		out = append(out, p)
	}
	return out
}
