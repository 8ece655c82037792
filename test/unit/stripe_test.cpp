// Stripe's signatures and events: what is accepted, what is refused, and what is not kept.
#include <gtest/gtest.h>

#include "extension/core/digest.hpp"
#include "extension/core/error.hpp"
#include "extension/core/stripe_event.hpp"
#include "extension/core/stripe_signature.hpp"
#include "test/unit/support.hpp"

namespace latchkey {
namespace {

constexpr const char* kSecret = "whsec_x";
constexpr const char* kBody = R"({"id":"evt_1"})";

std::string Mac(const std::string& time) {
  return HexEncode(HmacSha256(kSecret).Compute(time + "." + kBody));
}

bool Accepts(const std::string& header, const std::string& body = kBody) {
  const auto signature = ParseStripeSignature(header);
  return signature && IsSignedWith(*signature, body, kSecret);
}

TEST(StripeSignature, AnyOfSeveralCounts) {
  const std::string good = Mac("1700000000"), other(64, 'a');
  EXPECT_TRUE(Accepts("t=1700000000,v1=" + good));
  EXPECT_TRUE(Accepts("t=1700000000,v1=" + other + ",v1=" + good));
  EXPECT_TRUE(Accepts("v0=" + other + ",v1=" + good + ",t=1700000000"));
  EXPECT_EQ(ParseStripeSignature("t=1700000000,v1=" + good)->signed_at, 1700000000);
}

TEST(StripeSignature, Refuses) {
  const std::string good = Mac("1700000000");
  for (const std::string& header :
       {std::string(), std::string("t=1700000000"), "v1=" + good, "t=1700000000,v0=" + good,
        "t=1700000001,v1=" + good, "t=,v1=" + good, "t=-1,v1=" + good, "t=1x,v1=" + good,
        "t=1700000000,t=1700000000,v1=" + good, "t=1700000000,v1=" + good.substr(2),
        "t=1700000000, v1=" + good, "t=1700000000,v1=" + good + std::string(5000, ',')}) {
    EXPECT_FALSE(Accepts(header)) << header;
  }
  test::ForEachFlippedBit(kBody, [&](const std::string& body) {
    EXPECT_FALSE(Accepts("t=1700000000,v1=" + good, body));
  });
}

std::string Event(const std::string& object, const std::string& type = "charge.refunded") {
  return R"({"id":"evt_1","object":"event","created":1700000000,"livemode":false,"type":")" + type +
         R"(","data":{"object":)" + object + "}}";
}

TEST(StripeEvent, KeepsNoCardAndNoPerson) {
  const std::string json = Event(
      R"({"id":"ch_1","customer":{"id":"cus_1","object":"customer","email":"ann@example.com"},)"
      R"("payment_method":"pm_1","amount_refunded":5,"currency":"usd","receipt_url":"https://x",)"
      R"("billing_details":{"name":"Ann"},"payment_method_details":{"card":{"brand":"visa",)"
      R"("last4":"4242","exp_month":8,"exp_year":2030,"fingerprint":"F00","country":"US"}}})");
  const StripeEvent event = ParseStripeEvent(json);
  for (const char* gone : {"Ann", "ann@", "F00", "https", "country"}) {
    EXPECT_EQ(event.stored.find(gone), std::string::npos) << gone;
  }
  const StripeEvent again = ParseStripeEvent(event.stored);
  for (const StripeEvent* e : {&event, &again}) {
    EXPECT_EQ(e->charge->customer, "cus_1");
    EXPECT_EQ(e->charge->amount_refunded, 5);
    EXPECT_EQ(e->card->last_four, "4242");
    EXPECT_EQ(e->card->expires_year, 2030);
  }
  EXPECT_EQ(event.stored, again.stored);
}

TEST(StripeEvent, Refuses) {
  for (const std::string& json :
       {std::string(), std::string("[]"), std::string("{"), std::string(100000, '['),
        std::string(R"({"id":"evt_1","object":"v2.core.event"})"), Event("null"), Event("{}"),
        Event(R"({"id":"ch_1","x":"\u0000"})"), Event(R"({"id":"ch_1","\u0000":1})")}) {
    EXPECT_THROW(ParseStripeEvent(json), Error) << json.substr(0, 80);
  }
}

}  // namespace
}  // namespace latchkey
