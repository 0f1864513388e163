// Drawings of histories: where things stand, and that nothing is cut or covered.
#include "impl/oracle/lanes.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include "impl/call/cat.h"
#include "impl/oracle/lanes_layout.h"

namespace ipcspec {
namespace {

constexpr std::string_view kRace =
    "t10 call 4: read(fd=3, count=9)\n"
    "t11 call 5: write(fd=4, data=\"<1>\")\n"
    "t10 return 3 \"<1>\"\n"
    "t10 call 6: read(fd=3, count=9)\n"
    "t11 return 3\n"
    "t10 signal SIGUSR1\n"
    "t11 call 7: read(fd=3, count=9)\n"
    "t11 kill\n"
    "t11 killed SIGKILL\n"
    "t10 return EINTR\n"
    "t12 call 8: read(fd=3, count=1)\n"
    "quiet\n";

History Parse(std::string_view events) {
  std::string text = ToText(History{});
  int64_t time = 0;
  for (const char* made : {"10", "11", "12"}) {
    Append(&text, ++time, " t0 call ", made, ": fork()\n");
    Append(&text, time, " t0 return ", made, "\n");
  }
  for (const auto& line :
       absl::StrSplit(absl::string_view(events.data(), events.size()), '\n', absl::SkipEmpty())) {
    Append(&text, time += 1000, " ", std::string(line), "\n");
  }
  absl::StatusOr<History> history = ParseHistory(text);
  EXPECT_TRUE(history.ok()) << history.status();
  // Only the part below is drawn.
  history->events.erase(history->events.begin(), history->events.begin() + 6);
  return *history;
}

TEST(Lanes, ShowWhatOverlaps) {
  EXPECT_EQ(DrawLanes(Parse(kRace), 100),
            R"(      1003 ns
  t10  [read(3,9)-3 "<1>"] [read(3,9)-!USR1----------EINTR]              |
  t11   [write(4,"<1>")----3]          [read(3,9)-!!KILL-X killed SIGKILL|
  t12                                                      [read(3,1)----+~
)");
}

TEST(Lanes, GoOnInTheNextBlock) {
  EXPECT_EQ(DrawLanes(Parse("t10 call 4: read(fd=3, count=9)\n"
                            "t11 call 5: msgrcv(id=0)\nt11 return 3 \"abc\" [1]\n"
                            "t11 call 6: msgrcv(id=0)\nt11 return ENOMSG\n"
                            "t11 call 7: msgrcv(id=0)\nt11 return ENOMSG\n"
                            "t10 return 0\nquiet\n"),
                      60),
            R"(      1003 ns
  t10  [read(3,9)------------------------------------------~
  t11   [msgrcv(0)-3 "abc" [1]] [msgrcv(0)-ENOMSG]

      6003 ns
  t10 -read(3,9)-------0]|
  t11 [msgrcv(0)-ENOMSG] |
)");
}

TEST(Lanes, MarkWhatIsNotExplained) {
  const History history = Parse(kRace);
  EXPECT_EQ(DrawLanes(history, 100, {.event = 9, .task = 10}),
            R"(      1003 ns
  t10  [read(3,9)-3 "<1>"] [read(3,9)#!USR1##########EINTR]              |
  t11   [write(4,"<1>")----3]          [read(3,9)-!!KILL-X killed SIGKILL|
  t12                                                      [read(3,1)----+~
)");
  // At a quiet event it is a call that goes on.
  const std::string asleep = DrawLanes(history, 100, {.event = 11, .task = 12});
  EXPECT_NE(asleep.find("[read(3,1)#####~"), std::string::npos) << asleep;
}

TEST(Lanes, OfNothingAreNothing) {
  EXPECT_EQ(DrawLanes(History{}), "");
  EXPECT_NE(LanesPage(History{}, "t", "").find("</html>"), std::string::npos);
}

// A long history of calls with long arguments, by several tasks in turn.
History Long() {
  std::string events;
  for (int i = 0; i < 40; ++i) {
    const int task = 10 + i % 3;
    if (i >= 3) {
      if (i % 2 == 1) Append(&events, "t", task, " signal SIGUSR2\n");
      Append(&events, "t", task, " return ", 1000000 * i, "\n");
    }
    Append(&events, "t", task, " call ", 100 + i,
           ": semop(id=1234, ops=[{num=1, op=-1, flags=SEM_UNDO}, {num=2, op=1}])\n");
    if (i % 7 == 0) events += "quiet\n";
  }
  return Parse(events);
}

TEST(Lanes, KeepTheWidthAndCoverNothing) {
  const History history = Long();
  for (int width : {60, 77, 100, 160}) {
    for (const auto& line : absl::StrSplit(DrawLanes(history, width), '\n')) {
      EXPECT_LE(static_cast<int>(line.size()), width) << line;
    }
    const LaneLayout layout = LayOut(history, width, {});
    std::set<std::vector<int>> taken;  // block, task, column
    for (const LaneText& text : layout.texts) {
      ASSERT_GE(text.from, 0);
      ASSERT_LE(text.from + static_cast<int>(text.text.size()), layout.width);
      for (int i = 0; i < static_cast<int>(text.text.size()); ++i) {
        EXPECT_TRUE(taken.insert({text.block, text.task, text.from + i}).second) << text.text;
      }
    }
    for (const LaneBar& bar : layout.bars) {
      EXPECT_LE(0, bar.from);
      EXPECT_LE(bar.from, bar.to);
      EXPECT_LT(bar.to, layout.width);
    }
    EXPECT_GT(layout.blocks(), 3);
  }
}

TEST(LanesPage, EscapesAndNeedsNothingElse) {
  const History history = Parse("t10 call 4: write(fd=4, data=\"</title><script>&\")\nquiet\n");
  const std::string page = LanesPage(history, "a < b & \"c\"", "<b>bold</b>");
  EXPECT_EQ(page.find("<script"), std::string::npos);
  EXPECT_EQ(page.find("<b>"), std::string::npos);
  EXPECT_NE(page.find("<title>a &lt; b &amp; &quot;c&quot;</title>"), std::string::npos);
  EXPECT_NE(page.find("data=&quot;&lt;/title&gt;&lt;script&gt;&amp;&quot;"), std::string::npos);
  EXPECT_NE(page.find("prefers-color-scheme: dark"), std::string::npos);
  // What a mark means is said where there is one.
  EXPECT_EQ(page.find("not explained"), std::string::npos);
  const std::string blamed = LanesPage(history, "t", "", {.event = 1, .task = 10});
  EXPECT_NE(blamed.find("class=\"pending blamed\""), std::string::npos);
  EXPECT_NE(blamed.find("not explained"), std::string::npos);
  for (const char* outside : {"src=", "href=", "url(", "@import"}) {
    EXPECT_EQ(page.find(outside), std::string::npos) << outside;
  }
}

TEST(LanesPage, TellsTheWholeCall) {
  const std::string page = LanesPage(Parse(kRace), "a race", "");
  EXPECT_NE(page.find("<title>t10 4: read(fd=3, count=9)\nreturned 3 &quot;&lt;1&gt;&quot;\n"
                      "called at 1003 ns, ended at 3003 ns</title>"),
            std::string::npos);
  for (const char* kind : {"class=\"ok\"", "class=\"failed\"", "class=\"died\"",
                           "class=\"pending\"", "class=\"quiet\"", "!USR1"}) {
    EXPECT_NE(page.find(kind), std::string::npos) << kind;
  }
}

}  // namespace
}  // namespace ipcspec
