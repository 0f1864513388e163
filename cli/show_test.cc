// What of a history is shown: no more than fits, and always what is blamed.
#include "cli/show.h"

#include <gtest/gtest.h>

#include <string>

#include "impl/call/cat.h"

namespace ipcspec {
namespace {

// `batches` times: t0 makes three calls, and all is quiet. Then t1 is asleep in a call from the
// beginning of batch `asleep`, if that is not negative.
History Batches(int batches, int asleep = -1) {
  std::string text = "ipcspec history 1\nmajor=6\n0 t0 call 1: fork()\n0 t0 return 1\n";
  int label = 1;
  for (int i = 0; i < batches; ++i) {
    if (i == asleep) Append(&text, i, " t1 call ", ++label, ": read(fd=3, count=1)\n");
    for (int k = 0; k < 3; ++k) {
      Append(&text, i, " t0 call ", ++label, ": close(fd=77)\n", i, " t0 return EBADF\n");
    }
    Append(&text, i, " quiet\n");
  }
  const absl::StatusOr<History> history = ParseHistory(text);
  EXPECT_TRUE(history.ok()) << history.status();
  return *history;
}

TEST(HistoryEnd, OfWhatIsSmallIsAll) {
  const History history = Batches(3);
  const HistoryEnd end = EndOf(history, {}, 40);
  EXPECT_EQ(end.history, history);
  EXPECT_EQ(end.calls_before, 0);
}

TEST(HistoryEnd, BeginsAfterAQuietEvent) {
  const History history = Batches(10);
  const HistoryEnd end = EndOf(history, {}, 8);
  EXPECT_EQ(CallsIn(end.history), 6);
  EXPECT_EQ(end.calls_before, 25);
  EXPECT_EQ(end.history.events.front().time_ns, 8);
}

TEST(HistoryEnd, HasTheLastBatchAtLeast) {
  EXPECT_EQ(CallsIn(EndOf(Batches(10), {}, 1).history), 3);
}

TEST(HistoryEnd, EndsBehindTheBlamedEvent) {
  const History history = Batches(10);
  size_t blamed = 0;
  while (history.events[blamed].time_ns < 5) ++blamed;
  const HistoryEnd end = EndOf(history, {.event = blamed + 1, .task = 0}, 3);
  EXPECT_EQ(end.history.events.front().time_ns, 5);
  EXPECT_EQ(end.history.events.back().time_ns, 5);
  EXPECT_EQ(end.history.events.back().kind, Event::Kind::kQuiet);
  EXPECT_EQ(end.blame.event, 1u);
}

TEST(HistoryEnd, HasTheBlamedCall) {
  const History history = Batches(10, 4);
  const HistoryEnd end = EndOf(history, {.event = history.events.size() - 1, .task = 1}, 3);
  EXPECT_EQ(end.history.events.front().time_ns, 4);
  EXPECT_EQ(end.history.events.back().time_ns, 9);
}

TEST(DrawEnd, MarksTheBlamedCallAndSaysWhatIsLeftOut) {
  const History history = Batches(20, 18);
  const std::string lanes = DrawEnd(history, {.event = history.events.size() - 1, .task = 1}, 80);
  EXPECT_NE(lanes.find("t1 "), std::string::npos) << lanes;
  EXPECT_NE(lanes.find('#'), std::string::npos) << lanes;
  EXPECT_NE(lanes.find("22 calls before are not drawn"), std::string::npos) << lanes;
}

TEST(DrawEnd, LeavesOutWhatIsTooLarge) {
  EXPECT_EQ(DrawEnd(Batches(20, 0), {.event = 141, .task = 1}, 80), "");
}

}  // namespace
}  // namespace ipcspec
