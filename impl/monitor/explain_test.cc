// Which judge is asked, and what of the history is shown.
#include "impl/monitor/explain.h"

#include <gtest/gtest.h>

#include <string>

#include "impl/call/cat.h"

namespace ipcspec {
namespace {

// A queue, and two tasks: t3 sends `messages` messages and t4 receives them, each call overlapping
// with one of the other; two come out in the wrong order if `swapped`.
std::string Race(int messages, bool swapped, bool marked) {
  std::string text =
      "ipcspec history 1\nkernel=linux release=\"6.1\" major=6 minor=1\n"
      "1 t0 call 1: msgget(flags=0600)\n2 t0 return 0\n3 quiet\n"
      "4 t0 call 3: fork()\n5 t0 return 3\n6 quiet\n"
      "7 t0 call 4: fork()\n8 t0 return 4\n9 quiet\n";
  if (marked) text += "race\n";
  int64_t time = 10;
  for (int i = 0; i < messages; ++i) {
    int got = i;
    if (swapped && i == messages / 2) got = i + 1;
    if (swapped && i == messages / 2 + 1) got = i - 1;
    Append(&text, ++time, " t3 call ", 100 + 2 * i, ": msgsnd(id=0, type=1, data=\"", 1000 + i,
           "\")\n");
    if (i > 0) Append(&text, ++time, " t4 return 4 \"", 999 + got, "\" [1]\n");
    Append(&text, ++time, " t3 return 0\n");
    Append(&text, ++time, " t4 call ", 101 + 2 * i, ": msgrcv(id=0, size=64)\n");
  }
  Append(&text, ++time, " t4 return 4 \"", 999 + messages, "\" [1]\n");
  Append(&text, ++time, " quiet\n");
  return text;
}

Explanation ExplainText(const std::string& text) {
  const absl::StatusOr<History> history = ParseHistory(text);
  EXPECT_TRUE(history.ok()) << history.status() << "\n" << text;
  return ExplainAny(*history);
}

TEST(ExplainAny, SmallRacesAreExplainedByTheOracle) {
  EXPECT_EQ(ExplainText(Race(10, false, true)).verdict, Verdict::kAllowed);
  for (bool marked : {false, true}) {
    const Explanation wrong = ExplainText(Race(10, true, marked));
    EXPECT_EQ(wrong.verdict, Verdict::kForbidden);
    EXPECT_TRUE(wrong.is_part);
    EXPECT_LT(wrong.counterexample.events.size(), 25u);
    EXPECT_EQ(wrong.counterexample.events[wrong.blame.event].kind, Event::Kind::kReturn);
    EXPECT_EQ(wrong.blame.task, 4);
  }
}

TEST(ExplainAny, LargeRacesAreShownInPart) {
  EXPECT_EQ(ExplainText(Race(300, false, true)).verdict, Verdict::kAllowed);
  const Explanation wrong = ExplainText(Race(300, true, true));
  ASSERT_EQ(wrong.verdict, Verdict::kForbidden) << wrong.story;
  EXPECT_TRUE(wrong.is_part);
  EXPECT_LT(wrong.counterexample.events.size(), 40u);
  ASSERT_LT(wrong.blame.event, wrong.counterexample.events.size());
  EXPECT_EQ(wrong.blame.task, 4);
  // What is shown can be saved, and is judged alike.
  EXPECT_EQ(ExplainText(ToText(wrong.counterexample)).verdict, Verdict::kForbidden);
}

TEST(ExplainAny, LargeRacesWithoutAMarkAreForTheOracle) {
  const Explanation wrong = ExplainText(Race(300, true, false));
  EXPECT_EQ(wrong.verdict, Verdict::kForbidden);
  EXPECT_LT(wrong.counterexample.events.size(), 40u);
}

TEST(ExplainAny, AMarkInTheMiddleIsUndecidedAtWorst) {
  std::string text = Race(300, false, false);
  const size_t middle = text.find("\n", text.size() / 2) + 1;
  text.insert(middle, "race\n");
  EXPECT_NE(ExplainText(text).verdict, Verdict::kForbidden);
}

}  // namespace
}  // namespace ipcspec
