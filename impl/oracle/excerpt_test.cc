// What an excerpt leaves out, and what it must not.
#include "impl/oracle/excerpt.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "impl/call/cat.h"
#include "impl/oracle/oracle.h"

namespace ipcspec {
namespace {

constexpr char kTwoTasks[] =
    "t0 call 1: msgget(flags=0600)\nt0 return 0\nquiet\n"
    "t0 call 2: fork()\nt0 return 2\nquiet\n"
    "race\n";

// Times are counted.
History Parse(const std::string& events) {
  std::string text = "ipcspec history 1\nkernel=linux release=\"6.1\" major=6 minor=1\n";
  int time = 0;
  for (size_t begin = 0; begin < events.size();) {
    const size_t end = events.find('\n', begin) + 1;
    const std::string line = events.substr(begin, end - begin);
    if (line != "race\n") Append(&text, time += 1000, " ");
    text += line;
    begin = end;
  }
  absl::StatusOr<History> history = ParseHistory(text);
  EXPECT_TRUE(history.ok()) << history.status() << "\n" << text;
  return history.value_or(History());
}

// The labels of the calls from the race on in the excerpt, which must be forbidden.
std::vector<int> CallsLeft(const std::string& events) {
  const History excerpt = ExcerptOf(Parse(kTwoTasks + events));
  std::string story;
  EXPECT_EQ(ExplainHistory(excerpt, &story), Verdict::kForbidden) << ToText(excerpt);
  EXPECT_TRUE(ParseHistory(ToText(excerpt)).ok());
  std::vector<int> labels;
  for (size_t i = *excerpt.race_begin; i < excerpt.events.size(); ++i) {
    const Event& event = excerpt.events[i];
    if (event.kind == Event::Kind::kCall) labels.push_back(event.label);
  }
  return labels;
}

using Labels = std::vector<int>;

TEST(ExcerptTest, AMessageGoesWithItsReceive) {
  EXPECT_EQ(CallsLeft("t0 call 3: msgsnd(id=0, type=1, data=\"a\")\n"
                      "t2 call 4: msgrcv(id=0)\n"
                      "t2 return 1 \"a\" [1]\n"
                      "t0 return 0\n"
                      "quiet\n"
                      "t0 call 5: msgsnd(id=0, type=1, data=\"b\")\n"
                      "t0 return 0\n"
                      "t2 call 6: msgrcv(id=0)\n"
                      "t2 return 1 \"x\" [1]\n"
                      "quiet\n"),
            Labels({5, 6}));
}

TEST(ExcerptTest, WhereWrongDataWereStays) {
  EXPECT_EQ(CallsLeft("t0 call 3: msgsnd(id=0, type=1, data=\"a\")\n"
                      "t0 return 0\n"
                      "t2 call 4: msgrcv(id=0)\n"
                      "t2 return 1 \"a\" [1]\n"
                      "t2 call 5: msgrcv(id=0)\n"
                      "t2 return 1 \"a\" [1]\n"
                      "quiet\n"),
            Labels({3, 4, 5}));
}

TEST(ExcerptTest, WithoutWhichNothingIsWrongStays) {
  EXPECT_EQ(CallsLeft("t0 call 3: msgsnd(id=0, type=1, data=\"a\")\n"
                      "t0 return 0\n"
                      "t2 call 4: msgrcv(id=0, flags=IPC_NOWAIT)\n"
                      "t2 return ENOMSG\n"
                      "quiet\n"),
            Labels({3, 4}));
}

TEST(ExcerptTest, WhoUsedItLastStaysWhereThatIsAsked) {
  const std::string sends_and_receives =
      "t2 call 3: msgsnd(id=0, type=1, data=\"a\")\n"
      "t2 return 0\nquiet\n"
      "t0 call 4: msgrcv(id=0)\n"
      "t0 return 1 \"a\" [1]\nquiet\n";
  EXPECT_EQ(CallsLeft(sends_and_receives +
                      "t0 call 5: msg_stat(id=0)\n"
                      "t0 return 0 [0, 0, 0, 0, 0, 384, 0, 0, 16384, 0, 2, 0, 0, 0]\nquiet\n"),
            Labels({3, 4, 5}));
  EXPECT_EQ(CallsLeft(sends_and_receives + "t0 call 5: msgrcv(id=0, flags=IPC_NOWAIT)\n"
                                           "t0 return EAGAIN\nquiet\n"),
            Labels({5}));
}

TEST(ExcerptTest, AStopGoesWithItsContinue) {
  EXPECT_EQ(CallsLeft("t0 call 3: kill(target=2, signal=SIGSTOP)\n"
                      "t0 return 0\n"
                      "t0 call 4: kill(target=2, signal=SIGCONT)\n"
                      "t0 return 0\nquiet\n"
                      "t2 call 5: msgsnd(id=0, type=1, data=\"a\")\n"
                      "t2 return 0\nquiet\n"
                      "t2 call 6: msgrcv(id=0)\nquiet\n"),
            Labels({5, 6}));
}

TEST(ExcerptTest, CallsThatComeTooLateGo) {
  EXPECT_EQ(CallsLeft("t0 call 3: msgrcv(id=0)\n"
                      "t2 call 4: msgrcv(id=0, flags=IPC_NOWAIT)\n"
                      "t2 return EAGAIN\n"
                      "t2 call 5: msgsnd(id=0, type=1, data=\"a\")\n"
                      "t2 return 0\n"
                      "t0 return 1 \"a\" [1]\nquiet\n"),
            Labels({3, 4}))
      << "but one that was pending may have had a part in it";
}

TEST(ExcerptTest, WhatIsExplainedStaysAsItIs) {
  const History history = Parse(
      std::string(kTwoTasks) + "t0 call 3: msgsnd(id=0, type=1, data=\"a\")\nt0 return 0\nquiet\n");
  EXPECT_EQ(ExcerptOf(history), history);
}

}  // namespace
}  // namespace ipcspec
