// Cron expressions: what is taken, what is refused, and when they come true, also where clocks
// change.
#include "extension/core/cron.hpp"

#include <gtest/gtest.h>

#include "extension/core/error.hpp"

namespace latchkey {
namespace {

CivilSeconds At(int64_t year, int month, int day, int hour = 0, int minute = 0, int second = 0) {
  return ToCivilSeconds({year, month, day, hour, minute, second});
}

std::string Print(CivilSeconds seconds) {
  const CivilTime t = ToCivilTime(seconds);
  char text[40];
  std::snprintf(text, sizeof(text), "%04d-%02d-%02d %02d:%02d:%02d", static_cast<int>(t.year),
                t.month, t.day, t.hour, t.minute, t.second);
  return text;
}

std::string Next(const char* expression, CivilSeconds after) {
  return Print(Cron::Parse(expression).NextAfter(after));
}

std::string Refusal(const char* expression) {
  try {
    Cron::Parse(expression);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    return error.detail();
  }
  return "taken";
}

TEST(Cron, CountsTheCalendarBackAndForth) {
  for (CivilSeconds s = At(1890, 1, 1); s < At(2110, 1, 1); s += 86399 * 7) {
    EXPECT_EQ(ToCivilSeconds(ToCivilTime(s)), s);
  }
  EXPECT_EQ(At(1970, 1, 1), 0);
  EXPECT_EQ(At(2000, 3, 1), 951868800);
  EXPECT_EQ(Print(-1), "1969-12-31 23:59:59");
}

TEST(Cron, FindsTheNextTime) {
  const CivilSeconds now = At(2026, 11, 21, 15, 24, 29);  // a Saturday
  EXPECT_EQ(Next("* * * * *", now), "2026-11-21 15:25:00");
  EXPECT_EQ(Next("24 15 * * *", now), "2026-11-22 15:24:00");
  EXPECT_EQ(Next("*/15 * * * *", now), "2026-11-21 15:30:00");
  EXPECT_EQ(Next("7/20 * * * *", now), "2026-11-21 15:27:00");
  EXPECT_EQ(Next("0 0 1 1 *", now), "2027-01-01 00:00:00");
  EXPECT_EQ(Next("0 9-17/4 * * mon-fri", now), "2026-11-23 09:00:00");
  EXPECT_EQ(Next("30 4 1,15 * *", now), "2026-12-01 04:30:00");
  EXPECT_EQ(Next("0 0 31 * *", now), "2026-12-31 00:00:00");
  EXPECT_EQ(Next("0 0 29 2 *", now), "2028-02-29 00:00:00");
  EXPECT_EQ(Next("0 0 29 FEB *", At(2096, 3, 1)), "2104-02-29 00:00:00");
  EXPECT_EQ(Next("0 0 * Jan,dec Sun", now), "2026-12-06 00:00:00");
  EXPECT_EQ(Next("30 0 0 1 1 *", now), "2027-01-01 00:00:30");
  EXPECT_EQ(Next("*/10 * * * * *", now), "2026-11-21 15:24:30");
  EXPECT_EQ(Next("  5  4 * * * ", now), "2026-11-22 04:05:00");
}

TEST(Cron, TakesEachTimeOnce) {
  const CivilSeconds at = At(2026, 11, 21, 15, 25);
  EXPECT_EQ(Next("25 15 * * *", at - 1), Print(at));
  EXPECT_EQ(Next("25 15 * * *", at), "2026-11-22 15:25:00");
}

TEST(Cron, KnowsSundayTwiceAndNicknames) {
  const CivilSeconds now = At(2026, 11, 21, 15, 24, 29);
  for (const char* sunday : {"0 0 * * 0", "0 0 * * 7", "0 0 * * sun", "0 0 * * 7-7", "@weekly"}) {
    EXPECT_EQ(Next(sunday, now), "2026-11-22 00:00:00") << sunday;
  }
  EXPECT_EQ(Next("0 0 * * 5-7", now), "2026-11-22 00:00:00");
  EXPECT_EQ(Next("@hourly", now), "2026-11-21 16:00:00");
  EXPECT_EQ(Next("@daily", now), "2026-11-22 00:00:00");
  EXPECT_EQ(Next("@midnight", now), "2026-11-22 00:00:00");
  EXPECT_EQ(Next("@monthly", now), "2026-12-01 00:00:00");
  EXPECT_EQ(Next("@yearly", now), "2027-01-01 00:00:00");
  EXPECT_EQ(Next("@annually", now), "2027-01-01 00:00:00");
}

// crontab(5): with both days restricted either suffices; a star restricts nothing.
TEST(Cron, JoinsTheTwoDays) {
  const CivilSeconds now = At(2026, 11, 21, 15, 24, 29);
  EXPECT_EQ(Next("0 0 13 * fri", now), "2026-11-27 00:00:00");
  EXPECT_EQ(Next("0 0 13 * fri", At(2026, 12, 12)), "2026-12-13 00:00:00");
  EXPECT_EQ(Next("0 0 13 * *", now), "2026-12-13 00:00:00");
  EXPECT_EQ(Next("0 0 */2 * sun", now), "2026-11-29 00:00:00");
}

TEST(Cron, SaysWhatIsWrong) {
  EXPECT_EQ(Refusal("60 * * * *"), "The minute \"60\" is not from 0 to 59.");
  EXPECT_EQ(Refusal("* 24 * * *"), "The hour \"24\" is not from 0 to 23.");
  EXPECT_EQ(Refusal("* * 0 * *"), "The day of month \"0\" is not from 1 to 31.");
  EXPECT_EQ(Refusal("* * * 13 *"), "The month \"13\" is not from 1 to 12.");
  EXPECT_EQ(Refusal("* * * * 8"), "The day of week \"8\" is not from 0 to 7.");
  EXPECT_EQ(Refusal("60 * * * * *"), "The second \"60\" is not from 0 to 59.");
  EXPECT_EQ(Refusal("*/0 * * * *"), "The minute \"*/0\" has a step below 1.");
  EXPECT_EQ(Refusal("5-1 * * * *"), "The minute \"5-1\" has a range that ends before it begins.");
  EXPECT_EQ(Refusal("* * * * fri-mon"),
            "The day of week \"fri-mon\" has a range that ends before it begins.");
  for (const char* text : {"x * * * *", "1, * * * *", ",1 * * * *", "1- * * * *", "-1 * * * *",
                           "*/ * * * *", "1/2/3 * * * *", "** * * * *", "1000 * * * *",
                           "+1 * * * *", "1.5 * * * *", "jan * * * *", "? * * * *"}) {
    EXPECT_NE(Refusal(text).find("is not understood"), std::string::npos) << text;
  }
  EXPECT_EQ(Refusal("* * * *"), "It has 4 fields.");
  EXPECT_EQ(Refusal("* * * * * * *"), "It has 7 fields.");
  EXPECT_EQ(Refusal(""), "It has 0 fields.");
  EXPECT_EQ(Refusal("@reboot"), "There is no \"@reboot\".");
  EXPECT_EQ(Refusal(std::string(201, ' ').c_str()), "It is longer than 200 characters.");
}

TEST(Cron, RefusesDaysThatNeverCome) {
  EXPECT_EQ(Refusal("0 0 30 2 *"), "No such day ever comes.");
  EXPECT_EQ(Refusal("0 0 31 2,4,6,9,11 *"), "No such day ever comes.");
  EXPECT_EQ(Refusal("0 0 29 2 *"), "taken");
  EXPECT_EQ(Refusal("0 0 30 2 mon"), "taken");  // Mondays in February
}

// A zone whose clocks go forward from 02:00 to 03:00 on 29 March 2026 and back from 03:00 to 02:00
// on 25 October, as Berlin's.
constexpr int64_t kSpring = 1774746000;  // 01:00 UTC
constexpr int64_t kAutumn = 1792890000;  // 01:00 UTC
CivilSeconds Berlin(int64_t instant) {
  return instant + (instant >= kSpring && instant < kAutumn ? 7200 : 3600);
}

std::vector<int64_t> Runs(const char* expression, int64_t after, int64_t until) {
  const Cron cron = Cron::Parse(expression);
  std::vector<int64_t> runs;
  while (true) {
    after = NextRun(cron, Berlin, after);
    if (after > until) return runs;
    runs.push_back(after);
  }
}

using Instants = std::vector<int64_t>;
constexpr int64_t kHour = 3600;

TEST(CronZones, RunsWhatTheGapLeavesOutAtTheChange) {
  EXPECT_EQ(Runs("30 2 * * *", kSpring - 12 * kHour, kSpring + 30 * kHour),
            (Instants{kSpring, kSpring + 23 * kHour + 1800}));
  EXPECT_EQ(Runs("0,20,40 2 * * *", kSpring - 12 * kHour, kSpring + 12 * kHour), Instants{kSpring});
  EXPECT_EQ(Runs("0 3 * * *", kSpring - 12 * kHour, kSpring + 12 * kHour), Instants{kSpring});
}

TEST(CronZones, RunsOnceInTheHourThatComesTwice) {
  EXPECT_EQ(Runs("30 2 * * *", kAutumn - 12 * kHour, kAutumn + 30 * kHour),
            (Instants{kAutumn - 1800, kAutumn + 24 * kHour + 1800}));
  // Asked within the second passing, too.
  EXPECT_EQ(Runs("30 2 * * *", kAutumn + 60, kAutumn + 12 * kHour), Instants{});
  EXPECT_EQ(Runs("0 3 * * *", kAutumn - 12 * kHour, kAutumn + 12 * kHour),
            Instants{kAutumn + kHour});
}

TEST(CronZones, RunsEveryHourAtEachPassing) {
  EXPECT_EQ(Runs("30 * * * *", kAutumn - kHour, kAutumn + 2 * kHour),
            (Instants{kAutumn - 1800, kAutumn + 1800, kAutumn + kHour + 1800}));
  EXPECT_EQ(Runs("30 * * * *", kSpring - kHour, kSpring + 2 * kHour),
            (Instants{kSpring - 1800, kSpring + 1800, kSpring + kHour + 1800}));
  EXPECT_EQ(Runs("*/30 */2 * * *", kSpring - kHour, kSpring + 2 * kHour),
            (Instants{kSpring + kHour, kSpring + kHour + 1800}));
}

TEST(CronZones, LooksFarAhead) {
  EXPECT_EQ(Runs("0 12 25 12 *", kSpring, kSpring + 400 * 24 * kHour),
            Instants{At(2026, 12, 25, 12) - kHour});
  EXPECT_EQ(Runs("0 12 1 7 *", kSpring - 100 * 24 * kHour, kSpring + 200 * 24 * kHour),
            Instants{At(2026, 7, 1, 12) - 2 * kHour});
}

TEST(CronZones, NeverGoesBackNorRepeats) {
  for (const char* expression : {"*/7 * * * *", "*/7 1-4 * * *", "0 2 * * *", "* 2,3 * * *"}) {
    for (const int64_t around : {kSpring, kAutumn}) {
      const auto runs = Runs(expression, around - 26 * kHour, around + 26 * kHour);
      for (size_t i = 1; i < runs.size(); ++i) EXPECT_LT(runs[i - 1], runs[i]) << expression;
      EXPECT_GE(runs.size(), 2u);
    }
  }
}

}  // namespace
}  // namespace latchkey
